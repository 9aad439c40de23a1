#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

const NOW: &str = "2027-01-05T14:30:00Z";
const REPLIES: &str = "<t:InternalReply><t:Message>in</t:Message></t:InternalReply>\
     <t:ExternalReply><t:Message>out</t:Message></t:ExternalReply>";

fn read(inside: &str) -> Result<OofSettings, Failure> {
    let document = format!("<t:UserOofSettings>{inside}</t:UserOofSettings>");
    let mut reader = Pull::new(&document);
    reader.child()?;
    let settings = OofSettings::read(&mut reader)?;
    reader.finish()?;
    Ok(settings)
}

fn replies(inside: &str) -> Result<AutomaticReplies, Failure> {
    read(inside)?.replies(NOW.parse().unwrap())
}

fn scheduled(times: &str) -> Result<AutomaticReplies, Failure> {
    let state = "<t:OofState>Scheduled</t:OofState><t:ExternalAudience>All</t:ExternalAudience>";
    replies(&format!("{state}{times}{REPLIES}"))
}

fn duration(start: &str, end: &str) -> String {
    format!("<t:Duration><t:StartTime>{start}</t:StartTime><t:EndTime>{end}</t:EndTime></t:Duration>")
}

fn window(start: &str, end: &str) -> Option<Window> {
    Window::new(start.parse().unwrap(), end.parse().unwrap())
}

fn written(replies: &AutomaticReplies) -> String {
    let mut xml = Xml::default();
    write(&mut xml, replies, NOW.parse().unwrap());
    xml.finish()
}

#[test]
fn children_come_in_any_order() {
    let wanted = replies(
        "<t:ExternalReply xml:lang='de-DE'><t:Message> <![CDATA[<p>A & B</p>]]></t:Message></t:ExternalReply>\
         <t:Duration><t:EndTime>2027-01-12T00:00:00Z</t:EndTime><t:StartTime>2027-01-11T00:00:00Z</t:StartTime></t:Duration>\
         <t:ExternalAudience> Known </t:ExternalAudience><t:InternalReply><t:Message><b>in</b></t:Message></t:InternalReply>\
         <t:Unknown><t:Message>x</t:Message></t:Unknown><t:OofState>Scheduled</t:OofState>",
    );
    let expected = AutomaticReplies {
        status: Status::Scheduled,
        audience: Audience::Contacts,
        window: window("2027-01-11T00:00:00Z", "2027-01-12T00:00:00Z"),
        internal: "<b>in</b>".to_owned(),
        external: " <p>A & B</p>".to_owned(),
        language: None,
    };
    assert_eq!(wanted.unwrap(), expected);
}

#[test]
fn times_have_an_offset_or_are_utc() {
    let expected = window("2027-01-11T08:00:00Z", "2027-01-12T08:00:00Z");
    for (start, end) in [
        ("2027-01-11T08:00:00Z", "2027-01-12T08:00:00Z"),
        ("2027-01-11T08:00:00.000Z", "2027-01-12T08:00:00.9999999Z"),
        ("2027-01-11T08:00:00", "2027-01-12T08:00:00.5"),
        ("2027-01-11T10:00:00+02:00", "2027-01-12T03:00:00-05:00"),
    ] {
        assert_eq!(scheduled(&duration(start, end)).unwrap().window, expected, "{start}");
    }
    for bad in ["", "soon", "2027-13-01T00:00:00Z", "1e9"] {
        let problem = scheduled(&duration(bad, "2027-01-12T08:00:00Z")).unwrap_err();
        assert_eq!(problem, wrong("StartTime", "is no date and time"), "{bad}");
    }
}

#[test]
fn a_schedule_needs_a_window_that_is_not_over() {
    let (before, after) = ("2027-01-05T14:29:59Z", "2027-01-05T14:30:01Z");
    assert!(scheduled(&duration("2026-12-01T00:00:00Z", after)).is_ok(), "it may have begun");
    for bad in [
        String::new(),
        "<t:Duration/>".to_owned(),
        format!("<t:Duration><t:EndTime>{after}</t:EndTime></t:Duration>"),
        format!("<t:Duration><t:StartTime>{after}</t:StartTime></t:Duration>"),
        duration(before, NOW),
        duration("2026-12-01T00:00:00Z", before),
        duration(after, after),
        duration("2027-01-12T00:00:00Z", "2027-01-11T00:00:00Z"),
    ] {
        assert_eq!(scheduled(&bad), Err(Failure::BadScheduledDuration), "{bad}");
    }
}

#[test]
fn without_a_schedule_no_time_matters() {
    for state in ["Disabled", "Enabled"] {
        let head = format!("<t:OofState>{state}</t:OofState><t:ExternalAudience>None</t:ExternalAudience>");
        for times in [duration("soon", ""), duration("2001-01-02T00:00:00Z", "2001-01-01T00:00:00Z"), String::new()] {
            assert_eq!(replies(&format!("{head}{times}{REPLIES}")).unwrap().window, None, "{state} {times}");
        }
    }
}

#[test]
fn both_replies_must_be_there_and_may_be_empty() {
    let state = "<t:OofState>Disabled</t:OofState><t:ExternalAudience>All</t:ExternalAudience>";
    let (internal, external) = ("<t:InternalReply/>", "<t:ExternalReply><t:Message/></t:ExternalReply>");
    for missing in ["", internal, external] {
        assert_eq!(replies(&format!("{state}{missing}")), Err(Failure::ReplyMissing), "{missing}");
    }
    let empty = replies(&format!("{state}{internal}{external}")).unwrap();
    assert_eq!((empty.internal.as_str(), empty.external.as_str()), ("", ""));
}

#[test]
fn what_the_schema_does_not_have_is_refused() {
    let (state, audience) = ("<t:OofState>Enabled</t:OofState>", "<t:ExternalAudience>All</t:ExternalAudience>");
    for (bad, element) in [
        (audience.to_owned(), "OofState"),
        (state.to_owned(), "ExternalAudience"),
        (format!("<t:OofState>Away</t:OofState>{audience}"), "OofState"),
        (format!("{state}<t:ExternalAudience/>"), "ExternalAudience"),
        (format!("{state}{state}{audience}"), "OofState"),
        (format!("{state}{audience}<t:InternalReply/><t:InternalReply/>"), "InternalReply"),
        (format!("{state}{audience}<t:CreateOOFEvent>maybe</t:CreateOOFEvent>"), "CreateOOFEvent"),
    ] {
        let problem = read(&bad).unwrap_err();
        assert!(matches!(&problem, Failure::Schema { path, .. } if path == element), "{bad}: {problem:?}");
    }
}

#[test]
fn nothing_is_done_with_the_calendar() {
    let head = format!(
        "<t:OofState>Enabled</t:OofState><t:ExternalAudience>All</t:ExternalAudience>{REPLIES}\
         <t:DeclineMeetingReply><t:Message>no</t:Message></t:DeclineMeetingReply><t:OOFEventSubject>s</t:OOFEventSubject>"
    );
    let silent = "<t:DeclineEventsForScheduledOOF>false</t:DeclineEventsForScheduledOOF>\
         <t:DeclineAllEventsForScheduledOOF>0</t:DeclineAllEventsForScheduledOOF><t:CreateOOFEvent>false</t:CreateOOFEvent>\
         <t:AutoDeclineFutureRequestsWhenOOF>false</t:AutoDeclineFutureRequestsWhenOOF><t:OOFEventID/><t:EventsToDeleteIDs/>";
    assert!(replies(&format!("{head}{silent}")).is_ok());
    for wish in WISHES {
        let what = wish.to_owned();
        let asked = replies(&format!("{head}<t:{wish}>true</t:{wish}>"));
        assert_eq!(asked, Err(Failure::Unsupported { what }));
    }
    let events = "<t:EventsToDeleteIDs><t:EventID>AA</t:EventID></t:EventsToDeleteIDs>";
    assert!(matches!(replies(&format!("{head}{events}")), Err(Failure::Unsupported { .. })));
}

#[test]
fn what_is_told() {
    let replies = AutomaticReplies {
        status: Status::Scheduled,
        audience: Audience::Contacts,
        window: window("2027-02-01T08:00:00.25Z", "2027-02-05T17:00:00Z"),
        internal: "<p>in\u{b} & \u{1F334}\r\n</p>".to_owned(),
        external: String::new(),
        language: Some("fi-FI".to_owned()),
    };
    let expected = "<t:OofSettings><t:OofState>Scheduled</t:OofState><t:ExternalAudience>Known</t:ExternalAudience>\
         <t:Duration><t:StartTime>2027-02-01T08:00:00Z</t:StartTime><t:EndTime>2027-02-05T17:00:00Z</t:EndTime></t:Duration>\
         <t:InternalReply xml:lang=\"fi-FI\"><t:Message>&lt;p&gt;in\u{FFFD} &amp; \u{1F334}&#xD;\n&lt;/p&gt;</t:Message></t:InternalReply>\
         <t:ExternalReply xml:lang=\"fi-FI\"><t:Message></t:Message></t:ExternalReply></t:OofSettings>";
    assert_eq!(written(&replies), expected);
}

#[test]
fn without_a_window_it_is_today_and_without_a_known_language_there_is_none() {
    let replies = AutomaticReplies {
        status: Status::Disabled,
        audience: Audience::Nobody,
        window: None,
        internal: String::new(),
        external: String::new(),
        language: Some("x\" y=\"".to_owned()),
    };
    let text = written(&replies);
    assert!(text.contains("<t:OofState>Disabled</t:OofState><t:ExternalAudience>None</t:ExternalAudience>"), "{text}");
    assert!(
        text.contains("<t:StartTime>2027-01-05T00:00:00Z</t:StartTime><t:EndTime>2027-01-06T00:00:00Z</t:EndTime>"),
        "{text}"
    );
    assert!(text.contains("<t:InternalReply><t:Message></t:Message></t:InternalReply>"), "{text}");
    let shut = written(&AutomaticReplies { status: Status::Scheduled, ..replies.clone() });
    assert_eq!(shut, text, "who is never away must not be sent back as somebody who is");
    let tags = ["en", "zh-Hans-CN", "i-default", "", "-", "en-", "en_US", "1a", "abcdefghi", "ä"].map(is_tag);
    assert_eq!(tags, [true, true, true, false, false, false, false, false, false, false]);
}
