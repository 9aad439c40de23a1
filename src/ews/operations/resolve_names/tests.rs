#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn entry(name: &str, address: &str) -> Entry {
    Entry {
        name: name.to_owned(),
        mailbox: Mailbox::parse(address).unwrap(),
        kind: EntryKind::Mailbox,
        proxies: ["smtp:old@x.example", "SMTP:a@x.example", "x500:/o=Org/cn=a", "X500:/o=Old/cn=a", "x500:", "sip:a"]
            .map(str::to_owned)
            .to_vec(),
        given_name: Some("Ada".to_owned()),
        surname: Some("Byron".to_owned()),
        job_title: None,
        department: Some(String::new()),
        company: Some("A & B".to_owned()),
        office: None,
        business_phone: Some("1".to_owned()),
        mobile_phone: None,
    }
}

fn written(found: Result<Vec<Entry>, Failure>, with_contact: bool) -> String {
    let mut xml = Xml::default();
    ResolveNamesResponse { found: vec![found], with_contact }.write(&mut xml);
    xml.finish()
}

#[test]
fn what_an_entry_asks_for() {
    let address = |text: &str| Some(Query::Address(Mailbox::parse(text).unwrap()));
    let legacy = |text: &str| Some(Query::LegacyName(text.to_owned()));
    for (text, expected) in [
        (" A@X.example ", address("a@x.example")),
        ("SMTP:a@x.example", address("a@x.example")),
        ("/O=Org/cn=a", legacy("/O=Org/cn=a")),
        ("EX:/o=Org/cn=a@b", legacy("/o=Org/cn=a@b")),
        ("x500:/o=Org", legacy("/o=Org")),
        ("bob", Some(Query::Beginning("bob".to_owned()))),
        ("smtp:bob", Some(Query::Beginning("bob".to_owned()))),
        ("Ä", Some(Query::Beginning("Ä".to_owned()))),
        ("", None),
        ("smtp:", None),
    ] {
        assert_eq!(query(text), expected, "{text}");
    }
    assert_eq!(query(&"a".repeat(2000)), None);
}

#[test]
fn one_is_a_success_with_what_is_known_of_them() {
    let text = written(Ok(vec![entry("Ada Byron", "a@x.example")]), true);
    assert!(text.contains(r#"ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:ResolutionSet TotalItemsInView="1" IncludesLastItemInRange="true">"#));
    assert!(text.contains("<t:Resolution><t:Mailbox><t:Name>Ada Byron</t:Name><t:EmailAddress>a@x.example</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType><t:MailboxType>Mailbox</t:MailboxType></t:Mailbox>"));
    assert!(text.contains(
        r#"<t:Contact><t:DisplayName>Ada Byron</t:DisplayName><t:GivenName>Ada</t:GivenName><t:CompanyName>A &amp; B</t:CompanyName><t:EmailAddresses><t:Entry Key="EmailAddress1">SMTP:a@x.example</t:Entry><t:Entry Key="EmailAddress2">X500:/o=Org/cn=a</t:Entry><t:Entry Key="EmailAddress3">X500:/o=Old/cn=a</t:Entry></t:EmailAddresses><t:PhoneNumbers><t:Entry Key="BusinessPhone">1</t:Entry></t:PhoneNumbers><t:ContactSource>ActiveDirectory</t:ContactSource><t:Surname>Byron</t:Surname></t:Contact>"#
    ), "{text}");
    assert!(!written(Ok(vec![entry("", "a@x.example")]), false).contains("Contact>"));
    assert!(written(Ok(vec![entry("", "a@x.example")]), false).contains("<t:Name>a@x.example</t:Name>"));
}

#[test]
fn several_are_a_warning_and_none_an_error() {
    let two = written(Ok(vec![entry("A", "a@x.example"), entry("B", "b@x.example")]), false);
    assert!(two.contains(r#"ResponseClass="Warning"><m:MessageText>Multiple results were found.</m:MessageText><m:ResponseCode>ErrorNameResolutionMultipleResults</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey><m:ResolutionSet TotalItemsInView="2""#));
    let many = (0..101).map(|number| entry("A", &format!("a{number}@x.example"))).collect();
    let many = written(Ok(many), false);
    assert_eq!(many.matches("<t:Resolution>").count(), 100);
    assert!(many.contains(r#"TotalItemsInView="100" IncludesLastItemInRange="false""#));
    let none = written(Ok(Vec::new()), true);
    assert!(none.contains(r#"ResponseClass="Error"><m:MessageText>No results were found.</m:MessageText><m:ResponseCode>ErrorNameResolutionNoResults<"#));
}
