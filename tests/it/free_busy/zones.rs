//! Three zones over their changes of the clock, each given in every way there is.

use super::responses;
use crate::harness::requests::{Availability, context, envelope, helsinki, new_york, sydney};
use crate::harness::{Gateway, Setup};

/// One change of the clock: who, the zone, a window on its clock, what is in it there and in UTC.
struct Change {
    mailbox: &'static str,
    zone: &'static str,
    rules: String,
    window: (&'static str, &'static str),
    local: &'static [&'static str],
    /// The same window in UTC, and what is in it.
    utc: (&'static str, &'static str),
    in_utc: &'static [&'static str],
}

fn changes() -> Vec<Change> {
    let nina = |window, local, utc, in_utc| Change {
        mailbox: "nina@contoso.example",
        zone: "Eastern Standard Time",
        rules: new_york(),
        window,
        local,
        utc,
        in_utc,
    };
    let hanna = |window, local, utc, in_utc| Change {
        mailbox: "hanna@contoso.example",
        zone: "FLE Standard Time",
        rules: helsinki(),
        window,
        local,
        utc,
        in_utc,
    };
    let sid = |window, local, utc, in_utc| Change {
        mailbox: "sid@contoso.example",
        zone: "AUS Eastern Standard Time",
        rules: sydney(),
        window,
        local,
        utc,
        in_utc,
    };
    vec![
        nina(
            ("2027-03-13T00:00:00", "2027-03-16T00:00:00"),
            &["2027-03-14T11:00:00 2027-03-14T12:00:00 Busy", "2027-03-15T09:00:00 2027-03-15T10:00:00 Busy"],
            ("2027-03-13T05:00:00", "2027-03-16T04:00:00"),
            // 16 March is taken all day, and begins at midnight of whoever asks.
            &[
                "2027-03-14T15:00:00 2027-03-14T16:00:00 Busy",
                "2027-03-15T13:00:00 2027-03-15T14:00:00 Busy",
                "2027-03-16T00:00:00 2027-03-17T00:00:00 OOF",
            ],
        ),
        nina(
            ("2026-10-31T00:00:00", "2026-11-03T00:00:00"),
            &["2026-10-31T22:00:00 2026-11-01T05:00:00 Busy", "2026-11-02T09:00:00 2026-11-02T10:00:00 Busy"],
            ("2026-10-31T04:00:00", "2026-11-03T05:00:00"),
            &["2026-11-01T02:00:00 2026-11-01T10:00:00 Busy", "2026-11-02T14:00:00 2026-11-02T15:00:00 Busy"],
        ),
        hanna(
            ("2027-03-26T00:00:00", "2027-03-30T00:00:00"),
            &[
                "2027-03-26T09:00:00 2027-03-26T09:30:00 Busy",
                "2027-03-28T05:30:00 2027-03-28T06:30:00 Busy",
                "2027-03-29T09:00:00 2027-03-29T09:30:00 Busy",
            ],
            ("2027-03-25T22:00:00", "2027-03-29T21:00:00"),
            &[
                "2027-03-26T07:00:00 2027-03-26T07:30:00 Busy",
                "2027-03-28T02:30:00 2027-03-28T03:30:00 Busy",
                "2027-03-29T06:00:00 2027-03-29T06:30:00 Busy",
            ],
        ),
        hanna(
            ("2026-10-24T00:00:00", "2026-10-27T00:00:00"),
            &["2026-10-25T02:00:00 2026-10-25T06:00:00 Busy", "2026-10-26T09:00:00 2026-10-26T09:30:00 Busy"],
            ("2026-10-23T21:00:00", "2026-10-26T22:00:00"),
            &["2026-10-24T23:00:00 2026-10-25T04:00:00 Busy", "2026-10-26T07:00:00 2026-10-26T07:30:00 Busy"],
        ),
        sid(
            ("2027-04-02T00:00:00", "2027-04-06T00:00:00"),
            &[
                "2027-04-02T08:30:00 2027-04-02T09:30:00 Busy",
                "2027-04-04T09:00:00 2027-04-04T10:30:00 Busy",
                "2027-04-05T08:30:00 2027-04-05T09:30:00 Busy",
            ],
            ("2027-04-01T13:00:00", "2027-04-05T14:00:00"),
            &[
                "2027-04-01T21:30:00 2027-04-01T22:30:00 Busy",
                "2027-04-03T23:00:00 2027-04-04T00:30:00 Busy",
                "2027-04-04T22:30:00 2027-04-04T23:30:00 Busy",
            ],
        ),
        sid(
            ("2026-10-02T00:00:00", "2026-10-06T00:00:00"),
            &["2026-10-02T08:30:00 2026-10-02T09:30:00 Busy", "2026-10-05T08:30:00 2026-10-05T09:30:00 Busy"],
            ("2026-10-01T14:00:00", "2026-10-05T13:00:00"),
            &["2026-10-01T22:30:00 2026-10-01T23:30:00 Busy", "2026-10-04T21:30:00 2026-10-04T22:30:00 Busy"],
        ),
    ]
}

async fn events(gateway: &Gateway, request: Availability<'_>) -> Vec<String> {
    responses(gateway, &request.xml()).await[0].events()
}

#[tokio::test]
async fn rules_names_and_definitions_mean_the_same() {
    let gateway = Setup::new().start().await;
    for change in changes() {
        let asked = Availability {
            mailboxes: &[change.mailbox],
            start: change.window.0,
            end: change.window.1,
            ..Availability::default()
        };
        let by_rules = events(&gateway, Availability { zone: &change.rules, ..asked }).await;
        assert_eq!(by_rules, change.local, "{} by rules", change.zone);
        let by_name = events(&gateway, Availability { header: &context(change.zone), ..asked }).await;
        assert_eq!(by_name, change.local, "{} by name", change.zone);
        // As evolution does: the whole definition that the server gave, sent back.
        let definition = definition(&gateway, change.zone).await.replace(change.zone, "Of Our Own");
        let header = format!("<t:TimeZoneContext>{definition}</t:TimeZoneContext>");
        let by_definition = events(&gateway, Availability { header: &header, ..asked }).await;
        assert_eq!(by_definition, change.local, "{} by definition", change.zone);
        let (start, end) = change.utc;
        assert_eq!(
            events(&gateway, Availability { start, end, ..asked }).await,
            change.in_utc,
            "{} in UTC",
            change.zone
        );
    }
    gateway.done().await;
}

async fn definition(gateway: &Gateway, zone: &str) -> String {
    let ids = format!(
        "<m:GetServerTimeZones ReturnFullTimeZoneData=\"true\"><m:Ids><t:Id>{zone}</t:Id></m:Ids></m:GetServerTimeZones>"
    );
    let answer = gateway.soap(&envelope(&ids)).await;
    let start = answer.body.find("<t:TimeZoneDefinition ").unwrap();
    let end = answer.body.find("</t:TimeZoneDefinition>").unwrap();
    format!("{}</t:TimeZoneDefinition>", &answer.body[start..end])
}

#[tokio::test]
async fn a_definition_written_by_hand() {
    let gateway = Setup::new().start().await;
    let transition = |to: &str, month: u8, occurrence: i8, hour: u8| {
        format!(
            "<t:RecurringDayTransition><t:To Kind=\"Period\">{to}</t:To><t:TimeOffset>PT{hour}H</t:TimeOffset>\
             <t:Month>{month}</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek><t:Occurrence>{occurrence}</t:Occurrence></t:RecurringDayTransition>"
        )
    };
    let header = format!(
        "<t:TimeZoneContext><t:TimeZoneDefinition Name=\"Mine\" Id=\"Mine\"><t:Periods>\
         <t:Period Bias=\"-PT2H\" Name=\"Standard\" Id=\"std\"/><t:Period Bias=\"-PT3H\" Name=\"Daylight\" Id=\"dlt\"/></t:Periods>\
         <t:TransitionsGroups><t:TransitionsGroup Id=\"0\">{}{}</t:TransitionsGroup></t:TransitionsGroups>\
         <t:Transitions><t:Transition><t:To Kind=\"Group\">0</t:To></t:Transition></t:Transitions>\
         </t:TimeZoneDefinition></t:TimeZoneContext>",
        transition("dlt", 3, -1, 3),
        transition("std", 10, -1, 4)
    );
    let request = Availability {
        mailboxes: &["hanna@contoso.example"],
        start: "2027-03-28T00:00:00",
        end: "2027-03-30T00:00:00",
        header: &header,
        ..Availability::default()
    };
    assert_eq!(
        events(&gateway, request).await,
        ["2027-03-28T05:30:00 2027-03-28T06:30:00 Busy", "2027-03-29T09:00:00 2027-03-29T09:30:00 Busy"]
    );
    gateway.done().await;
}

#[tokio::test]
async fn the_body_comes_before_the_header_and_an_unknown_zone_is_refused() {
    let gateway = Setup::new().start().await;
    let (rules, header) = (helsinki(), context("Eastern Standard Time"));
    let request = Availability {
        mailboxes: &["hanna@contoso.example"],
        start: "2027-03-29T00:00:00",
        end: "2027-03-30T00:00:00",
        zone: &rules,
        header: &header,
        ..Availability::default()
    };
    assert_eq!(events(&gateway, request).await, ["2027-03-29T09:00:00 2027-03-29T09:30:00 Busy"]);
    let header = context("Middle-earth Standard Time");
    let (code, _) = gateway.fault(&Availability { zone: "", header: &header, ..request }.xml()).await;
    assert_eq!(code, "ErrorTimeZone");
    gateway.done().await;
}

#[tokio::test]
async fn times_are_taken_at_their_word_or_in_the_zone() {
    let gateway = Setup::new().start().await;
    let rules = helsinki();
    for (start, end) in [
        ("2027-03-29T09:00:00", "2027-03-29T09:30:00"),
        ("2027-03-29T06:00:00Z", "2027-03-29T06:30:00Z"),
        ("2027-03-29T02:00:00-04:00", "2027-03-29T02:30:00.000-04:00"),
    ] {
        let request = Availability {
            mailboxes: &["hanna@contoso.example"],
            start,
            end,
            zone: &rules,
            view: "DetailedMerged",
            interval: "5",
            ..Availability::default()
        };
        let answer = &responses(&gateway, &request.xml()).await[0];
        assert_eq!(answer.events(), ["2027-03-29T09:00:00 2027-03-29T09:30:00 Busy"], "{start}");
        assert_eq!(answer.at("FreeBusyView/MergedFreeBusy"), "222222", "{start}");
    }
    gateway.done().await;
}
