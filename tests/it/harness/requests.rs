//! Requests in the forms of the clients that are in use, filled in by tests.

/// A GetUserAvailability request to be.
#[derive(Clone, Copy)]
pub(crate) struct Availability<'a> {
    pub(crate) mailboxes: &'a [&'a str],
    pub(crate) start: &'a str,
    pub(crate) end: &'a str,
    pub(crate) view: &'a str,
    pub(crate) interval: &'a str,
    pub(crate) version: &'a str,
    /// Content of `t:TimeZone`; none when empty.
    pub(crate) zone: &'a str,
    /// More header blocks.
    pub(crate) header: &'a str,
    /// A whole `t:SuggestionsViewOptions`.
    pub(crate) suggestions: &'a str,
}

impl Default for Availability<'_> {
    fn default() -> Self {
        Self {
            mailboxes: &[],
            start: "2027-03-10T00:00:00",
            end: "2027-03-17T00:00:00",
            view: "FreeBusy",
            interval: "30",
            version: "Exchange2016",
            zone: "",
            header: "",
            suggestions: "",
        }
    }
}

impl Availability<'_> {
    /// In the plain form of the EWS Managed API.
    pub(crate) fn xml(&self) -> String {
        let mailboxes: String = self.mailboxes.iter().map(|address| {
            format!("<t:MailboxData><t:Email><t:Address>{address}</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType></t:MailboxData>")
        }).collect();
        let zone = if self.zone.is_empty() { String::new() } else { format!("<t:TimeZone>{}</t:TimeZone>", self.zone) };
        let Self { start, end, view, interval, suggestions, .. } = self;
        let body = format!(
            "<m:GetUserAvailabilityRequest>{zone}<m:MailboxDataArray>{mailboxes}</m:MailboxDataArray>\
             <t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>{start}</t:StartTime><t:EndTime>{end}</t:EndTime></t:TimeWindow>\
             <t:MergedFreeBusyIntervalInMinutes>{interval}</t:MergedFreeBusyIntervalInMinutes>\
             <t:RequestedView>{view}</t:RequestedView></t:FreeBusyViewOptions>{suggestions}</m:GetUserAvailabilityRequest>"
        );
        envelope_with(&format!("<t:RequestServerVersion Version=\"{}\"/>{}", self.version, self.header), &body)
    }
}

/// A TimeZoneContext header that only names a zone, as ews-javascript-api sends it.
pub(crate) fn context(id: &str) -> String {
    format!("<t:TimeZoneContext><t:TimeZoneDefinition Id=\"{id}\"/></t:TimeZoneContext>")
}

/// Content of `t:TimeZone`: bias, then `month order hour` of standard and daylight time, whose bias is -60.
pub(crate) fn rules(bias: i32, standard: (u8, u8, u8), daylight: (u8, u8, u8)) -> String {
    let change = |name: &str, bias: i32, (month, order, hour): (u8, u8, u8)| {
        format!(
            "<t:{name}><t:Bias>{bias}</t:Bias><t:Time>{hour:02}:00:00</t:Time><t:DayOrder>{order}</t:DayOrder>\
             <t:Month>{month}</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:{name}>"
        )
    };
    format!("<t:Bias>{bias}</t:Bias>{}{}", change("StandardTime", 0, standard), change("DaylightTime", -60, daylight))
}

pub(crate) fn new_york() -> String {
    rules(300, (11, 1, 2), (3, 2, 2))
}

pub(crate) fn helsinki() -> String {
    rules(-120, (10, 5, 4), (3, 5, 3))
}

pub(crate) fn sydney() -> String {
    rules(-600, (4, 1, 3), (10, 1, 2))
}

/// A request of the usual prefixes and version.
pub(crate) fn envelope(body: &str) -> String {
    envelope_with("<t:RequestServerVersion Version=\"Exchange2016\"/>", body)
}

pub(crate) fn envelope_with(header: &str, body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:m=\"http://schemas.microsoft.com/exchange/services/2006/messages\" \
         xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\"><s:Header>{header}</s:Header>\
         <s:Body>{body}</s:Body></s:Envelope>"
    )
}
