//! One mailbox never spoils another, and each failure has Exchange's exact shape.

use super::responses;
use crate::harness::Setup;
use crate::harness::answer::Element;
use crate::harness::requests::Availability;

fn request<'a>(mailboxes: &'a [&'a str]) -> Availability<'a> {
    Availability { mailboxes, view: "FreeBusyMerged", ..Availability::default() }
}

/// MessageText, ResponseCode, DescriptiveLinkKey and MessageXml with type and number, then a view of None.
#[track_caller]
fn failed(answer: &Element, code: &str, text: &str, exception: &str, number: &str) {
    assert_eq!(answer.names(), ["ResponseMessage", "FreeBusyView"]);
    let message = answer.child("ResponseMessage");
    assert_eq!(message.attribute("ResponseClass"), "Error");
    assert_eq!(message.names(), ["MessageText", "ResponseCode", "DescriptiveLinkKey", "MessageXml"]);
    assert_eq!((message.at("ResponseCode"), message.at("MessageText")), (code, text));
    assert_eq!(message.at("DescriptiveLinkKey"), "0");
    let exception = format!("Microsoft.Exchange.InfoWorker.Common.Availability.{exception}");
    assert_eq!(message.at("MessageXml/ExceptionType"), exception);
    assert_eq!(message.at("MessageXml/ExceptionCode"), number);
    let errors = "http://schemas.microsoft.com/exchange/services/2006/errors";
    assert!(message.child("MessageXml").children.iter().all(|child| child.namespace == errors));
    assert_eq!(answer.child("FreeBusyView").names(), ["FreeBusyViewType"]);
    assert_eq!(answer.at("FreeBusyView/FreeBusyViewType"), "None");
}

#[tokio::test]
async fn failures_stand_beside_good_answers_in_the_requests_order() {
    let gateway = Setup::client(&["nina@contoso.example", "hanna@*", "n*body@*", "ghost@*", "*@elsewhere.example"], "")
        .start()
        .await;
    let mailboxes = [
        "nina@contoso.example",
        "nobody@contoso.example",
        "foobar",
        "boss@contoso.example",
        "someone@elsewhere.example",
        "hanna@contoso.example",
        "ghost@contoso.example",
        "nina@contoso.example",
    ];
    let found = responses(&gateway, &request(&mailboxes).xml()).await;
    let [nina, nobody, foobar, boss, foreign, hanna, ghost, again] = &found[..] else { panic!("{found:?}") };
    let unresolved =
        |address: &str| format!("Unable to resolve e-mail address {address} to an Active Directory object.");
    for (answer, address) in
        [(nobody, "nobody@contoso.example"), (foreign, "someone@elsewhere.example"), (ghost, "ghost@contoso.example")]
    {
        failed(answer, "ErrorMailRecipientNotFound", &unresolved(address), "MailRecipientNotFoundException", "5009");
    }
    let text = "E-mail address foobar is not a valid SMTP address.";
    failed(foobar, "ErrorInvalidSmtpAddress", text, "InvalidSmtpAddressException", "5035");
    let denied = boss.at("ResponseMessage/MessageText");
    failed(boss, "ErrorNoFreeBusyAccess", denied, "NoFreeBusyAccessException", "5037");
    assert_eq!(nina.events().len(), 6);
    assert_eq!(again.events(), nina.events(), "duplicates are answered alike");
    assert_eq!(hanna.events().len(), 5);

    // What the policy or the domain refuses never reaches Graph.
    let ledger = gateway.ledger().await.to_string();
    assert!(ledger.contains("nobody@contoso.example"));
    for refused in ["boss@", "elsewhere", "foobar"] {
        assert!(!ledger.contains(refused), "{refused}");
    }
    gateway.done().await;
}

#[tokio::test]
async fn a_denied_mailbox_says_that_free_busy_is_not_for_the_caller() {
    let gateway = Setup::client(&["nina@contoso.example"], "").start().await;
    let found = responses(&gateway, &request(&["boss@contoso.example"]).xml()).await;
    assert_eq!(found[0].at("ResponseMessage/MessageText"), "The caller does not have access to free/busy data.");
    gateway.done().await;
}

#[tokio::test]
async fn tenants_are_found_by_domain_and_aliases_in_any_case() {
    let gateway = Setup::new().start().await;
    // Graph finds an alias among the schedules, not in the URL: the call is charged to somebody else.
    let mailboxes = ["Fay@Fabrikam.Example", "N.NEW@contoso.example", "free@contoso.example"];
    let found = responses(&gateway, &request(&mailboxes).xml()).await;
    assert_eq!(found[0].events(), ["2027-03-10T12:00:00 2027-03-10T12:30:00 Busy"]);
    assert_eq!(found[1].events().len(), 6, "{:?}", found[1]);
    let ledger = gateway.ledger().await;
    for call in ledger["calls"].as_array().unwrap().iter().filter(|call| call["call"] == "getSchedule") {
        let (schedules, application) = (call["schedules"].to_string(), call["application"].as_str().unwrap());
        assert_eq!(schedules.contains("fabrikam"), application == "app-fabrikam", "{call}");
        assert_eq!(schedules.contains("contoso"), application == "app-free-busy", "{call}");
    }
    gateway.done().await;
}

#[tokio::test]
async fn addresses_with_odd_characters_are_only_addresses() {
    let gateway = Setup::new().start().await;
    let odd = ["o'brien@contoso.example", "a%2fb@contoso.example", "a/../b@contoso.example", "a?b=c#d@contoso.example"];
    for answer in responses(&gateway, &request(&odd).xml()).await {
        assert!(["ErrorMailRecipientNotFound", "ErrorInvalidSmtpAddress"].contains(&answer.code()), "{answer:?}");
    }
    let markup = request(&["&lt;script&gt;@contoso.example"]).xml();
    let answer = gateway.soap(&markup).await;
    assert!(answer.status == 200 && !answer.body.contains("<script>"), "{}", answer.body);
    gateway.done().await;
}
