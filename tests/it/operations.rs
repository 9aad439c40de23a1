//! The operations beside free/busy, and what becomes of those that there are not.

use crate::harness::requests::{envelope, envelope_with};
use crate::harness::{Gateway, Setup};

#[tokio::test]
async fn one_time_zone_with_its_rules() {
    let gateway = Setup::new().start().await;
    let request = include_str!("../../fixtures/ews/exchangelib/freebusy3-GetServerTimeZones.xml");
    let payload = gateway.ask(request).await;
    let [zone] = payload.all("TimeZoneDefinition")[..] else { panic!("{payload:?}") };
    assert_eq!(zone.attribute("Id"), "Romance Standard Time");
    assert_eq!(zone.names()[..2], ["Periods", "TransitionsGroups"]);
    let biases: Vec<&str> = zone.all("Period").iter().map(|period| period.attribute("Bias")).collect();
    assert!(biases.contains(&"-PT60M") || biases.contains(&"-PT1H"), "{biases:?}");
    gateway.done().await;
}

#[tokio::test]
async fn all_time_zones_with_rules_and_without() {
    let gateway = Setup::new().start().await;
    let all = gateway.ask(&envelope("<m:GetServerTimeZones ReturnFullTimeZoneData=\"true\"/>")).await;
    let zones = all.all("TimeZoneDefinition");
    assert!(zones.len() > 130, "{}", zones.len());
    assert!(zones.iter().all(|zone| zone.get("Periods").is_some() && zone.get("Transitions").is_some()));
    for id in
        ["Eastern Standard Time", "FLE Standard Time", "AUS Eastern Standard Time", "UTC", "Morocco Standard Time"]
    {
        assert!(zones.iter().any(|zone| zone.attribute("Id") == id), "{id}");
    }
    let ids = gateway.ask(&envelope("<m:GetServerTimeZones ReturnFullTimeZoneData=\"false\"/>")).await;
    assert_eq!(ids.all("TimeZoneDefinition").len(), zones.len());
    assert!(ids.all("Periods").is_empty());
    let none = "<m:GetServerTimeZones><m:Ids><t:Id>Middle-earth Standard Time</t:Id></m:Ids></m:GetServerTimeZones>";
    assert!(gateway.ask(&envelope(none)).await.all("TimeZoneDefinition").is_empty());
    gateway.done().await;
}

#[tokio::test]
async fn the_version_is_told_with_every_answer() {
    let gateway = Setup::new().start().await;
    let probe = include_str!("../../fixtures/ews/exchangelib/version-ConvertId.xml");
    let answer = gateway.soap(probe).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/xml; charset=utf-8");
    assert!(answer.body.starts_with("<?xml"));
    let payload = answer.payload();
    let message = payload.child("ResponseMessages").child("ConvertIdResponseMessage");
    assert_eq!((message.attribute("ResponseClass"), message.at("ResponseCode")), ("Error", "ErrorInvalidIdMalformed"));
    let envelope = crate::harness::answer::Element::parse(&answer.body);
    let version = envelope.child("Header").child("ServerVersionInfo");
    assert_eq!((version.attribute("MajorVersion"), version.attribute("MinorVersion")), ("15", "2"));
    assert_eq!(version.attribute("Version"), "V2017_07_11");
    gateway.done().await;
}

async fn rooms(gateway: &Gateway, list: &str) -> crate::harness::answer::Element {
    let request = format!("<m:GetRooms><m:RoomList><t:EmailAddress>{list}</t:EmailAddress></m:RoomList></m:GetRooms>");
    gateway.ask(&envelope(&request)).await
}

#[tokio::test]
async fn lists_of_rooms_and_their_rooms() {
    let gateway = Setup::new().start().await;
    let lists = gateway.ask(include_str!("../../fixtures/ews/exchangelib/roomlists-GetRoomLists.xml")).await;
    assert_eq!(lists.attribute("ResponseClass"), "Success");
    let found: Vec<(&str, &str)> =
        lists.all("Address").iter().map(|list| (list.at("Name"), list.at("EmailAddress"))).collect();
    assert_eq!(found, [("All rooms", "room-list@contoso.example"), ("Vaults", "vaults@contoso.example")]);
    let known = rooms(&gateway, "room-list@contoso.example").await;
    let names: Vec<&str> = known.all("Id").iter().map(|room| room.at("Name")).collect();
    assert_eq!(names, ["Room One", "Room Two", "Vault"]);
    let unknown = rooms(&gateway, "nothing@contoso.example").await;
    assert_eq!(unknown.at("ResponseCode"), "ErrorNameResolutionNoResults");
    assert_eq!(unknown.attribute("ResponseClass"), "Error");
    gateway.done().await;
}

#[tokio::test]
async fn rooms_outside_the_policy_are_not_listed() {
    let gateway = Setup::client(&["room-*@contoso.example"], "").start().await;
    let lists = gateway.ask(&envelope("<m:GetRoomLists/>")).await;
    assert_eq!(
        lists.all("EmailAddress").iter().map(|list| list.text.as_str()).collect::<Vec<_>>(),
        ["room-list@contoso.example"]
    );
    let known = rooms(&gateway, "room-list@contoso.example").await;
    assert_eq!(known.all("Name").iter().map(|room| room.text.as_str()).collect::<Vec<_>>(), ["Room One", "Room Two"]);
    let denied = rooms(&gateway, "vaults@contoso.example").await;
    assert_eq!((denied.attribute("ResponseClass"), denied.at("ResponseCode")), ("Error", "ErrorAccessDenied"));
    gateway.done().await;
}

#[tokio::test]
async fn a_client_without_the_capability_is_denied() {
    let mut setup = Setup::new();
    setup.clients = setup.clients.replace("\"free_busy\", \"calendar_read\", \"directory\"", "\"directory\"");
    let gateway = setup.start().await;
    let (code, fault) =
        gateway.fault(include_str!("../../fixtures/ews/google-calendar-interop/GetUserAvailability.xml")).await;
    assert_eq!(code, "ErrorNoFreeBusyAccess");
    assert!(fault.at("detail/ErrorCode").parse::<u16>().is_ok());
    let mut setup = Setup::new();
    setup.clients = setup.clients.replace(", \"directory\"", "");
    let other = setup.start().await;
    assert_eq!(other.fault(&envelope("<m:GetRoomLists/>")).await.0, "ErrorAccessDenied");
    other.done().await;
    gateway.done().await;
}

#[tokio::test]
async fn operations_that_there_are_not() {
    let gateway = Setup::new().start().await;
    let (code, fault) =
        gateway.fault(&envelope("<m:GetUserPhoto><m:Email>a@b.example</m:Email></m:GetUserPhoto>")).await;
    assert_eq!(code, "ErrorInvalidOperation");
    assert_eq!(fault.at("detail/ResponseCode"), "ErrorInvalidOperation");
    assert!(fault.at("faultstring").contains("GetUserPhoto"), "Exchange's operation is named");
    let (code, fault) = gateway.fault(&envelope("<m:GetElements/>")).await;
    assert_eq!((code.as_str(), fault.at("faultstring")), ("ErrorInvalidRequest", "The request is invalid."));
    let foreign = envelope("<x:GetRoomLists xmlns:x=\"urn:somewhere\"/>");
    assert_eq!(gateway.fault(&foreign).await.0, "ErrorInvalidRequest");
    let tricked =
        envelope("<m:GetRoomLists/>").replace("http://schemas.microsoft.com", "https://schemas.microsoft.com");
    assert_eq!(gateway.fault(&tricked).await.0, "ErrorInvalidRequest");
    gateway.done().await;
}

#[tokio::test]
async fn versions() {
    let gateway = Setup::new().start().await;
    for version in
        ["Exchange2007", "Exchange2010_SP2", "Exchange2013_SP1", "Exchange2015", "Exchange2016", "V2017_07_11"]
    {
        let header = format!("<t:RequestServerVersion Version=\"{version}\"/>");
        assert_eq!(
            gateway.ask(&envelope_with(&header, "<m:GetRoomLists/>")).await.name,
            "GetRoomListsResponse",
            "{version}"
        );
    }
    assert_eq!(gateway.ask(&envelope_with("", "<m:GetRoomLists/>")).await.name, "GetRoomListsResponse");
    for version in ["Exchange2019", "V2018_01_08", "7"] {
        let header = format!("<t:RequestServerVersion Version=\"{version}\"/>");
        assert_eq!(
            gateway.fault(&envelope_with(&header, "<m:GetRoomLists/>")).await.0,
            "ErrorInvalidRequest",
            "{version}"
        );
    }
    gateway.done().await;
}

fn impersonating(who: &str, body: &str) -> String {
    let header = format!(
        "<t:RequestServerVersion Version=\"Exchange2016\"/><t:ExchangeImpersonation><t:ConnectingSID>{who}\
         </t:ConnectingSID></t:ExchangeImpersonation>"
    );
    envelope_with(&header, body)
}

#[tokio::test]
async fn impersonation_needs_permission_except_for_free_busy() {
    let gateway = Setup::client(&["nina@contoso.example"], "").start().await;
    let lists = "<m:GetRoomLists/>";
    let nina = impersonating("<t:PrimarySmtpAddress>nina@contoso.example</t:PrimarySmtpAddress>", lists);
    assert_eq!(gateway.ask(&nina).await.name, "GetRoomListsResponse");
    let boss = impersonating("<t:SmtpAddress>boss@contoso.example</t:SmtpAddress>", lists);
    let (code, fault) = gateway.fault(&boss).await;
    assert_eq!(code, "ErrorImpersonateUserDenied");
    assert_eq!(fault.at("faultstring"), "The account does not have permission to impersonate the requested user.");
    for nobody in ["", "<t:SmtpAddress/>", "<t:SmtpAddress>nobody</t:SmtpAddress>"] {
        let (code, _) = gateway.fault(&impersonating(nobody, lists)).await;
        assert_eq!(code, "ErrorInvalidExchangeImpersonationHeaderData", "{nobody}");
    }
    // Google's role account need not exist, and impersonating somebody shows no more than without.
    let asked = crate::harness::requests::Availability {
        mailboxes: &["nina@contoso.example", "boss@contoso.example"],
        header: "<t:ExchangeImpersonation><t:ConnectingSID><t:SmtpAddress>boss@contoso.example</t:SmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>",
        ..Default::default()
    };
    let payload = gateway.ask(&asked.xml()).await;
    let codes: Vec<&str> = payload.all("FreeBusyResponse").iter().map(|answer| answer.code()).collect();
    assert_eq!(codes, ["NoError", "ErrorNoFreeBusyAccess"]);
    gateway.done().await;
}
