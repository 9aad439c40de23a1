#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::ews::soap::Envelope;

fn parse(request: &str) -> Result<GetItem, Failure> {
    GetItem::parse(&mut Envelope::parse(request)?.body)
}

#[test]
fn requests_of_clients() {
    let whole = parse(include_str!("../../../../fixtures/ews/exchangelib/get-event-GetItem.xml")).unwrap();
    let wanted = whole.shape.wanted(Giving::Items, crate::ews::soap::Version::Exchange2016).unwrap();
    assert!(wanted.fields.len() > 50, "of the 78, {} are known", wanted.fields.len());
    let two = parse(include_str!("../../../../fixtures/ews/pyexchange/occurrence-GetItem.xml")).unwrap();
    let indices: Vec<u32> = two
        .items
        .iter()
        .filter_map(|name| match name {
            ItemName::Occurrence { index, .. } => Some(*index),
            _ => None,
        })
        .collect();
    assert_eq!(indices, [1, 2]);
}

#[test]
fn requests_for_nothing_and_for_too_much() {
    let request = |ids: &str| {
        parse(&format!(
            r#"<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><m:GetItem xmlns:m="{MESSAGES}" xmlns:t="{TYPES}"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:ItemIds>{ids}</m:ItemIds></m:GetItem></s:Body></s:Envelope>"#
        ))
    };
    assert!(matches!(request(""), Err(Failure::Schema { .. })));
    assert!(matches!(request("<t:Name/>"), Err(Failure::Schema { .. })));
    assert!(matches!(request(&r#"<t:ItemId Id="A"/>"#.repeat(1001)), Err(Failure::Schema { .. })));
    let mixed =
        request(r#"<t:ItemId Id=""/><t:ItemId Id="not one"/><t:RecurringMasterItemId OccurrenceId="AA"/>"#).unwrap();
    let failures: Vec<Option<Failure>> = mixed.items.iter().map(|name| name.given().id.clone().err()).collect();
    assert_eq!(failures, [Some(Failure::EmptyId), Some(Failure::BadId), None]);
}

#[test]
fn a_failed_item_still_has_its_container() {
    let items = vec![Err(Failure::NoSuchItem)];
    let mut xml = Xml::default();
    GetItemResponse { wanted: Wanted::default(), items }.write(&mut xml);
    assert!(xml.finish().contains(
        r#"<m:GetItemResponseMessage ResponseClass="Error"><m:MessageText>The specified object was not found in the store.</m:MessageText><m:ResponseCode>ErrorItemNotFound</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey><m:Items/></m:GetItemResponseMessage>"#
    ));
}
