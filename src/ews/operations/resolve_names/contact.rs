//! `Contact`: what else the directory knows of somebody.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/contact>

use crate::calendar::person::Entry;
use crate::ews::xml::Xml;

/// Writes the element, in the schema's order.
pub(super) fn write(xml: &mut Xml, entry: &Entry, name: &str) {
    xml.raw("<t:Contact>");
    text(xml, "DisplayName", Some(name));
    text(xml, "GivenName", entry.given_name.as_deref());
    text(xml, "CompanyName", entry.company.as_deref());
    xml.raw("<t:EmailAddresses>");
    for (number, address) in addresses(entry).iter().enumerate() {
        xml.raw(r#"<t:Entry Key="EmailAddress"#).number(number + 1).raw(r#"">"#).text(address).raw("</t:Entry>");
    }
    xml.raw("</t:EmailAddresses>");
    let phones = [("BusinessPhone", &entry.business_phone), ("MobilePhone", &entry.mobile_phone)];
    let phones: Vec<_> = phones.into_iter().filter_map(|(key, phone)| Some((key, given(phone.as_deref())?))).collect();
    if !phones.is_empty() {
        xml.raw("<t:PhoneNumbers>");
        for (key, phone) in phones {
            xml.raw(r#"<t:Entry Key=""#).raw(key).raw(r#"">"#).text(phone).raw("</t:Entry>");
        }
        xml.raw("</t:PhoneNumbers>");
    }
    xml.raw("<t:ContactSource>ActiveDirectory</t:ContactSource>");
    text(xml, "Department", entry.department.as_deref());
    text(xml, "JobTitle", entry.job_title.as_deref());
    text(xml, "OfficeLocation", entry.office.as_deref());
    text(xml, "Surname", entry.surname.as_deref());
    xml.raw("</t:Contact>");
}

/// The main address, then distinguished names, which tell whom old items mean, then other addresses:
/// as many as the schema has keys for.
fn addresses(entry: &Entry) -> Vec<String> {
    let main = format!("SMTP:{}", entry.mailbox);
    let is_legacy = |proxy: &&String| has_prefix(proxy, "x500:");
    // Clients tell them by the prefix in capitals.
    let legacy =
        entry.proxies.iter().filter(is_legacy).map(|proxy| format!("X500:{}", proxy.get(5..).unwrap_or_default()));
    let others = entry.proxies.iter().filter(|proxy| has_prefix(proxy, "smtp:") && !proxy.eq_ignore_ascii_case(&main));
    std::iter::once(main.clone()).chain(legacy).chain(others.cloned()).take(KEYS).collect()
}

fn has_prefix(proxy: &str, prefix: &str) -> bool {
    proxy.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix)) && proxy.len() > prefix.len()
}

fn text(xml: &mut Xml, element: &str, text: Option<&str>) {
    if let Some(text) = given(text) {
        xml.raw("<t:").raw(element).raw(">").text(text).raw("</t:").raw(element).raw(">");
    }
}

fn given(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

/// `EmailAddressKeyType`.
const KEYS: usize = 3;
