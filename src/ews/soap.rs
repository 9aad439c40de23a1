//! The SOAP 1.1 envelope, in and out.
//!
//! Owns namespaces, the header blocks that Exchange knows, and the server's identity. Must not know
//! any operation: it hands on a reader that stands in the body's one child.

use quick_xml::name::{Namespace, NamespaceResolver, ResolveResult};

use super::pull::{Pull, Start};
use super::types::time_zone::TimeZoneContext;
use super::xml::Xml;
use crate::failure::Failure;

/// The namespace of EWS messages.
pub const MESSAGES: &str = "http://schemas.microsoft.com/exchange/services/2006/messages";
/// The namespace of EWS types.
pub const TYPES: &str = "http://schemas.microsoft.com/exchange/services/2006/types";
/// The namespace of EWS errors.
pub const ERRORS: &str = "http://schemas.microsoft.com/exchange/services/2006/errors";
/// The namespace of SOAP 1.1 envelopes.
const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";

/// What stands before an operation's answer. The XML declaration and the header are both required
/// by the EWS Managed API; the version is that of Exchange 2019.
const HEAD: &str = concat!(
    r#"<?xml version="1.0" encoding="utf-8"?>"#,
    r#"<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>"#,
    r#"<h:ServerVersionInfo MajorVersion="15" MinorVersion="2" MajorBuildNumber="1544" MinorBuildNumber="11" Version="V2017_07_11""#,
    r#" xmlns:h="http://schemas.microsoft.com/exchange/services/2006/types""#,
    r#" xmlns="http://schemas.microsoft.com/exchange/services/2006/types""#,
    r#" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"/>"#,
    r#"</s:Header><s:Body xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">"#,
);
/// What stands after it.
const TAIL: &str = "</s:Body></s:Envelope>";

/// What stands before each answer of a stream.
const STREAMED_HEAD: &str = concat!(
    r#"<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/">"#,
    r#"<soap11:Header xmlns:soap11="http://schemas.xmlsoap.org/soap/envelope/">"#,
    r#"<ServerVersionInfo MajorVersion="15" MinorVersion="2" MajorBuildNumber="1544" MinorBuildNumber="11" Version="V2017_07_11""#,
    r#" xmlns="http://schemas.microsoft.com/exchange/services/2006/types"/></soap11:Header>"#,
    r#"<soap11:Body xmlns:soap11="http://schemas.xmlsoap.org/soap/envelope/">"#,
);
/// What stands after it.
const STREAMED_TAIL: &str = "</soap11:Body></Envelope>";

/// A request: its header, and its body.
#[derive(Debug)]
pub struct Envelope<'a> {
    /// The header blocks that Exchange knows.
    pub header: Header,
    /// The body's one child.
    pub body: Body<'a>,
}

/// The header blocks that Exchange knows; others are passed over.
#[derive(Debug, Default)]
pub struct Header {
    /// `RequestServerVersion`.
    pub version: Version,
    /// `ExchangeImpersonation`.
    pub impersonation: Option<Impersonation>,
    /// `TimeZoneContext`.
    pub time_zone: Option<TimeZoneContext>,
}

/// Which schema the caller speaks, as far as answers differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// Also when the caller names none.
    #[default]
    Exchange2007,
    /// With its service packs.
    Exchange2010,
    /// With its service pack.
    Exchange2013,
    /// And later.
    Exchange2016,
}

/// On whose behalf the caller wants to act.
#[derive(Debug, PartialEq, Eq)]
pub struct Impersonation {
    /// `SmtpAddress`, `PrimarySmtpAddress` or `PrincipalName`; `None` when the header has none.
    pub address: Option<String>,
}

/// The body's one child: its name, and a reader that stands in it.
#[derive(Debug)]
pub struct Body<'a> {
    start: Start<'a>,
    reader: Pull<'a>,
}

impl<'a> Envelope<'a> {
    /// Reads a document up to the body's child.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for what is no SOAP 1.1 envelope with a child of the messages
    /// namespace; [`Failure::UnsupportedVersion`]; [`Failure::Schema`] for a header that says two
    /// things.
    pub fn parse(document: &'a str) -> Result<Self, Failure> {
        let mut reader = Pull::new(document.strip_prefix('\u{feff}').unwrap_or(document));
        let mut names = NamespaceResolver::default();
        let root = open(&mut reader, &mut names)?.ok_or(Failure::Malformed)?;
        if !is(&names, &root, SOAP, "Envelope") {
            return Err(Failure::Malformed);
        }
        let mut header = None;
        while let Some(part) = open(&mut reader, &mut names)? {
            if is(&names, &part, SOAP, "Header") && header.is_none() {
                header = Some(Header::parse(&mut reader, &mut names)?);
                names.pop();
            } else if is(&names, &part, SOAP, "Body") {
                let child = open(&mut reader, &mut names)?.ok_or(Failure::Malformed)?;
                if !is(&names, &child, MESSAGES, child.local()) {
                    return Err(Failure::Malformed);
                }
                let body = Body { start: child, reader };
                return Ok(Self { header: header.unwrap_or_default(), body });
            } else {
                return Err(Failure::Malformed);
            }
        }
        Err(Failure::Malformed)
    }
}

impl Header {
    fn parse(reader: &mut Pull<'_>, names: &mut NamespaceResolver) -> Result<Self, Failure> {
        let mut header = Self::default();
        let mut versions = 0;
        while let Some(block) = open(reader, names)? {
            let ours = matches!(names.resolve_element(block.tag().name()).0, ResolveResult::Bound(Namespace(TYPES)));
            match block.local() {
                "RequestServerVersion" if ours => {
                    versions += 1;
                    header.version = Version::parse(block.attribute("Version")?.as_deref())?;
                    reader.skip()?;
                }
                "ExchangeImpersonation" if ours => header.impersonation = Some(Impersonation::parse(reader)?),
                "TimeZoneContext" if ours => header.time_zone = TimeZoneContext::parse(reader)?,
                _ => reader.skip()?,
            }
            names.pop();
        }
        if versions > 1 {
            return Err(Failure::Schema {
                path: "RequestServerVersion".to_owned(),
                problem: "the element occurs more than once".to_owned(),
            });
        }
        Ok(header)
    }
}

impl Version {
    /// Reads a version's name. The names are those of the schema's `ExchangeVersionType` up to this
    /// server's own; a missing one means the oldest.
    fn parse(name: Option<&str>) -> Result<Self, Failure> {
        match name {
            None | Some("Exchange2007" | "Exchange2007_SP1") => Ok(Self::Exchange2007),
            Some("Exchange2009" | "Exchange2010" | "Exchange2010_SP1" | "Exchange2010_SP2") => Ok(Self::Exchange2010),
            Some("Exchange2012" | "Exchange2013" | "Exchange2013_SP1") => Ok(Self::Exchange2013),
            Some(
                "Exchange2015" | "Exchange2016" | "V2015_10_05" | "V2016_01_06" | "V2016_04_13" | "V2016_07_13"
                | "V2016_10_10" | "V2017_01_07" | "V2017_04_14" | "V2017_07_11",
            ) => Ok(Self::Exchange2016),
            Some(_) => Err(Failure::UnsupportedVersion),
        }
    }
}

impl Impersonation {
    fn parse(reader: &mut Pull<'_>) -> Result<Self, Failure> {
        let mut address = None;
        while let Some(sid) = reader.child()? {
            if sid.local() != "ConnectingSID" {
                reader.skip()?;
                continue;
            }
            while let Some(id) = reader.child()? {
                match id.local() {
                    "SmtpAddress" | "PrimarySmtpAddress" | "PrincipalName" => {
                        address = Some(reader.text()?.into_owned()).filter(|address| !address.is_empty());
                    }
                    _ => reader.skip()?,
                }
            }
        }
        Ok(Self { address })
    }
}

impl<'a> Body<'a> {
    /// The local name of the body's child, which is the operation.
    #[must_use]
    pub fn name(&self) -> &str {
        self.start.local()
    }

    /// An attribute of the child.
    ///
    /// # Errors
    /// [`Failure::Malformed`].
    pub fn attribute(&self, name: &str) -> Result<Option<String>, Failure> {
        self.start.attribute(name)
    }

    /// A reader that stands in the child.
    pub fn reader(&mut self) -> &mut Pull<'a> {
        &mut self.reader
    }

    /// Makes sure that the envelope ends after the child.
    ///
    /// # Errors
    /// [`Failure::Malformed`].
    pub fn finish(mut self) -> Result<(), Failure> {
        self.reader.finish()
    }
}

/// An envelope around what `write` writes.
pub fn envelope(capacity: usize, write: impl FnOnce(&mut Xml)) -> String {
    let mut xml = Xml::with_capacity(HEAD.len() + TAIL.len() + capacity);
    xml.raw(HEAD);
    write(&mut xml);
    xml.raw(TAIL);
    xml.finish()
}

/// One of the envelopes of a stream around what `write` writes. Clients look for its first letters,
/// and read several of them one after the other, so that there is neither prefix nor declaration.
pub fn streamed_envelope(capacity: usize, write: impl FnOnce(&mut Xml)) -> String {
    let mut xml = Xml::with_capacity(STREAMED_HEAD.len() + STREAMED_TAIL.len() + capacity);
    xml.raw(STREAMED_HEAD);
    write(&mut xml);
    xml.raw(STREAMED_TAIL);
    xml.finish()
}

/// Opens the next child and its namespaces; closes those of the parent at its end.
fn open<'a>(reader: &mut Pull<'a>, names: &mut NamespaceResolver) -> Result<Option<Start<'a>>, Failure> {
    let start = reader.child()?;
    if let Some(start) = &start {
        names.push(start.tag()).map_err(|_| Failure::Malformed)?;
    }
    Ok(start)
}

fn is(names: &NamespaceResolver, start: &Start<'_>, namespace: &str, local: &str) -> bool {
    start.local() == local
        && matches!(names.resolve_element(start.tag().name()).0, ResolveResult::Bound(Namespace(bound)) if bound == namespace)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn wrap(header: &str, body: &str) -> String {
        format!(
            r#"<S:Envelope xmlns:S="{SOAP}" xmlns:ns2="{TYPES}" xmlns:ns3="{MESSAGES}">{header}<S:Body>{body}</S:Body></S:Envelope>"#
        )
    }

    #[test]
    fn prefixes_do_not_matter_but_namespaces_do() {
        assert_eq!(Envelope::parse(&wrap("", "<ns3:X/>")).unwrap().body.name(), "X");
        let own = format!(r#"<Envelope xmlns="{SOAP}"><Body><X xmlns="{MESSAGES}"/></Body></Envelope>"#);
        assert_eq!(Envelope::parse(&own).unwrap().body.name(), "X");
        for bad in ["<ns2:X/>", "<X/>", "<ns9:X/>", "", "text"] {
            assert_eq!(Envelope::parse(&wrap("", bad)).unwrap_err(), Failure::Malformed, "{bad}");
        }
        let https = own.replace("http://schemas.microsoft", "https://schemas.microsoft");
        assert_eq!(Envelope::parse(&https).unwrap_err(), Failure::Malformed);
        let soap12 = own.replace(SOAP, "http://www.w3.org/2003/05/soap-envelope");
        assert_eq!(Envelope::parse(&soap12).unwrap_err(), Failure::Malformed);
    }

    #[test]
    fn header_blocks_are_read_in_any_order_among_foreign_ones() {
        let header = r#"<S:Header><w:Action xmlns:w="urn:w" S:mustUnderstand="1"><x/></w:Action>
            <ns2:ExchangeImpersonation><ns2:ConnectingSID><ns2:PrimarySmtpAddress>a&amp;b@x</ns2:PrimarySmtpAddress></ns2:ConnectingSID></ns2:ExchangeImpersonation>
            <RequestServerVersion Version="nonsense"/>
            <ns2:RequestServerVersion Version="Exchange2013_SP1"/></S:Header>"#;
        let text = wrap(header, "<ns3:X/>");
        let envelope = Envelope::parse(&text).unwrap();
        assert_eq!(envelope.header.version, Version::Exchange2013);
        assert_eq!(envelope.header.impersonation.unwrap().address.as_deref(), Some("a&b@x"));
        assert!(envelope.header.time_zone.is_none());
    }

    #[test]
    fn no_header_an_empty_one_and_a_missing_version_mean_the_oldest() {
        for header in ["", "<S:Header/>", "<S:Header></S:Header>", "<S:Header><ns2:RequestServerVersion/></S:Header>"] {
            let text = wrap(header, "<ns3:X/>");
            assert_eq!(Envelope::parse(&text).unwrap().header.version, Version::Exchange2007, "{header}");
        }
    }

    #[test]
    fn a_broken_zone_in_the_header_harms_only_who_needs_it() {
        let header = r#"<S:Header><ns2:TimeZoneContext><ns2:TimeZoneDefinition Id="x"><ns2:Periods><ns2:Period Bias="soon" Name="n" Id="i"><a/></ns2:Period></ns2:Periods></ns2:TimeZoneDefinition></ns2:TimeZoneContext>
            <ns2:RequestServerVersion Version="Exchange2016"/></S:Header>"#;
        let text = wrap(header, "<ns3:X/>");
        let envelope = Envelope::parse(&text).unwrap();
        assert_eq!((envelope.body.name(), envelope.header.version), ("X", Version::Exchange2016));
        assert!(matches!(envelope.header.time_zone.unwrap().zone(), Err(Failure::Schema { .. })));
    }

    #[test]
    fn unknown_versions_and_repeated_ones_are_refused() {
        let unknown = wrap(r#"<S:Header><ns2:RequestServerVersion Version="V2018_01_08"/></S:Header>"#, "<ns3:X/>");
        assert_eq!(Envelope::parse(&unknown).unwrap_err(), Failure::UnsupportedVersion);
        let twice = wrap(
            r#"<S:Header><ns2:RequestServerVersion/><ns2:RequestServerVersion Version="Exchange2016"/></S:Header>"#,
            "<ns3:X/>",
        );
        assert!(matches!(Envelope::parse(&twice).unwrap_err(), Failure::Schema { .. }));
    }

    #[test]
    fn the_envelope_must_end_after_the_body_child() {
        let text = wrap("", "<ns3:X/><ns3:Y/>");
        let mut body = Envelope::parse(&text).unwrap().body;
        body.reader().skip().unwrap();
        assert_eq!(body.finish(), Err(Failure::Malformed));
        let text = wrap("", "<ns3:X/>");
        let cut = text.trim_end_matches("</S:Envelope>");
        let mut body = Envelope::parse(cut).unwrap().body;
        body.reader().skip().unwrap();
        assert_eq!(body.finish(), Err(Failure::Malformed));
    }
}
