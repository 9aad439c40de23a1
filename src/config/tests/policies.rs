//! What policies may say: lists kept elsewhere, deny lists, views, hours, tenants.

use super::*;
use crate::calendar::Mailbox;
use crate::client::{Denial, Hidden, Match, People, Source};

/// What the one client of a tenant with a directory says besides its name and secret.
fn parsed(directory: &str, client: &str) -> Result<Config, Problems> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("key", "0123456789abcdef0123456789abcdef");
    write("rooms.txt", "# Rooms\nroom-1@contoso.example\n");
    write("spoilt.txt", "room-1@contoso.example\nroom-*@contoso.example\n");
    let text = format!(
        "[server]\nlisten = '127.0.0.1:1'\npublic_url = 'https://x.example'\nplain = true\n\
         [tokens]\nkeys = [{{ id = 'a', secret = {{ file = 'key' }} }}]\n{}{}\
         [[clients]]\nid = 'c'\nsecrets_sha256 = ['{}']\n{client}\n",
        tenant("contoso", &format!("capabilities = ['directory']\n{directory}")),
        tenant("fabrikam", "capabilities = ['calendar_read']"),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    );
    Config::parse(&text, folder.path(), &|_| None)
}

fn tenant(name: &str, credential: &str) -> String {
    format!(
        "[[tenants]]\nname = '{name}'\nid = '{name}'\ndomains = ['{name}.example', '*.{name}.example']\n\
         [[tenants.credentials]]\nclient_id = '{name}'\nsecret = {{ file = 'key' }}\n{credential}\n"
    )
}

fn with(client: &str) -> String {
    format!("capabilities = ['free_busy', 'calendar_read']\nceiling = 'full'\n{client}")
}

fn problems(directory: &str, client: &str) -> Vec<String> {
    match parsed(directory, &with(client)) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(|problem| problem.text.clone()).collect(),
    }
}

fn mailbox(address: &str) -> Mailbox {
    Mailbox::parse(address).unwrap()
}

#[test]
fn mailboxes_are_patterns_groups_room_lists_and_files() {
    let client = "mailboxes = ['*@x.example', { group = 'Team@contoso.example' }, { room_list = 'r@sub.contoso.example' }, \
         { file = 'rooms.txt' }]";
    let config = parsed("", &with(client)).unwrap();
    let mailboxes = &config.clients[0].policy.grants[0].mailboxes;
    assert_eq!(mailboxes.find(&mailbox("a@x.example")), Match::Widely);
    let sources: Vec<&Source> = mailboxes.rosters.iter().map(|roster| roster.source()).collect();
    let [Source::Group(group), Source::RoomList(rooms), Source::File(file)] = sources[..] else {
        panic!("{sources:?}")
    };
    assert_eq!((group.as_str(), rooms.as_str()), ("team@contoso.example", "r@sub.contoso.example"));
    assert!(file.is_absolute() && file.ends_with("rooms.txt"));
    assert_eq!(config.policies.refresh, std::time::Duration::from_secs(900));
}

#[test]
fn what_names_nobody_is_refused_with_the_remedy() {
    for (client, expected) in [
        ("mailboxes = ['nobody']", "clients.mailboxes: is no address pattern"),
        ("mailboxes = [{ group = 'team' }]", "clients.mailboxes: \"team\" is no address"),
        (
            "mailboxes = [{ group = 'team@nobody.example' }]",
            "clients.mailboxes: team@nobody.example is in no tenant's domain",
        ),
        ("mailboxes = [{ room_list = 'r@fabrikam.example' }]", "without a credential for the capability directory"),
        (
            "mailboxes = []\ndeny = [{ group = 'r@fabrikam.example' }]",
            "clients.deny: r@fabrikam.example is in a tenant without",
        ),
        ("mailboxes = [{ file = 'none.txt' }]", "none.txt cannot be read"),
        ("mailboxes = [{ file = 'spoilt.txt' }]", "spoilt.txt, line 2: is no address"),
        ("mailboxes = []\ntenants = ['moon']", "clients.tenants: \"moon\" is the name of none of the [[tenants]]"),
        ("mailboxes = []\nview = { people = 'some' }", "clients.view.people: is none of"),
        ("mailboxes = []\nview = { hidden = ['subject'] }", "clients.view.hidden: is none of location"),
        (
            "mailboxes = []\nread_only_hours = { from = 'six', to = '08:00', time_zone = 'Europe/Helsinki' }",
            "is no time of day",
        ),
        (
            "mailboxes = []\nread_only_hours = { from = '18:00', to = '08:00', time_zone = 'Helsinki' }",
            "is no IANA time zone",
        ),
    ] {
        let told = problems("", client);
        assert!(told.len() == 1 && told[0].contains(expected), "{client}: {told:?}");
    }
    assert!(parsed("", &with("mailboxes = [{ gruppe = 'x' }]")).is_err());
    assert!(parsed("", &with("mailboxes = []\nview = { colour = 'blue' }")).is_err());
}

#[test]
fn a_deny_list_beside_a_wide_allow_needs_somebody_who_tells_all_addresses() {
    let told = |directory: &str, allowed: &str, more: &str| {
        let problems = problems(directory, &format!("mailboxes = [{allowed}]\ndeny = ['ceo@contoso.example']\n{more}"));
        problems.iter().filter(|text| text.contains("an alias would evade it")).count()
    };
    let all = "all_addresses = true";
    assert_eq!(told("", "'*@contoso.example'", ""), 1);
    assert_eq!(told(all, "'*@contoso.example'", ""), 0);
    assert_eq!(told(all, "'*@contoso.example', '*@sub.fabrikam.example'", ""), 1, "the other tenant tells nothing");
    assert_eq!(told(all, "'*'", ""), 1);
    assert_eq!(told(all, "'*'", "tenants = ['contoso']"), 0);
    assert_eq!(told("", "'*'", ""), 2);
    assert_eq!(told("", "'a@contoso.example', { file = 'rooms.txt' }", ""), 0, "each by its own address");
    assert_eq!(told(all, "{ group = 'team@contoso.example' }", ""), 1, "guests may be members");
    assert_eq!(told(all, "{ group = 'team@contoso.example' }", "tenants = ['contoso']"), 0);
    let grants = "grants = [{ capabilities = ['free_busy'], mailboxes = ['*@contoso.example'], ceiling = 'time' }]";
    assert_eq!(told("", "'a@contoso.example'", grants), 1, "a further grant counts too");
    let config = parsed(all, &with("mailboxes = ['*@contoso.example']\ndeny = ['ceo@*']")).unwrap();
    let denied = config.clients[0].policy.denied.as_ref().unwrap();
    assert_eq!(denied.listed().find(&mailbox("ceo@contoso.example")), Match::Widely);
    assert!(parsed("", &with("mailboxes = ['*']")).unwrap().clients[0].policy.denied.is_none());
}

#[test]
fn a_client_may_be_for_some_tenants() {
    let config = parsed("", &with("mailboxes = ['*']\ntenants = ['fabrikam']")).unwrap();
    let client = &config.clients[0];
    let permit = |address: &str| {
        client.permit(&mailbox(address), crate::calendar::Capability::FreeBusy, jiff::Timestamp::UNIX_EPOCH).map(drop)
    };
    assert_eq!((permit("a@fabrikam.example"), permit("a@sub.fabrikam.example")), (Ok(()), Ok(())));
    assert_eq!((permit("a@contoso.example"), permit("a@x.example")), (Err(Denial::Tenant), Err(Denial::Tenant)));
    assert!(parsed("", &with("mailboxes = ['*']\ntenants = []")).unwrap().clients[0].policy.within.is_none());
}

#[test]
fn views_and_hours_are_read() {
    let client = "mailboxes = []\nview = { subject = 'Busy', people = 'initials', hidden = ['location', 'body', 'categories', \
         'online_meeting', 'extended_properties'], days_back = 30, days_ahead = 365 }\n\
         read_only_hours = { from = '18:00', to = '08:00', time_zone = 'Europe/Helsinki' }";
    let config = parsed("", &with(client)).unwrap();
    let policy = &config.clients[0].policy;
    let view = &policy.grants[0].view;
    assert_eq!((view.ceiling, view.shows_private, view.subject.as_deref()), (Ceiling::Full, false, Some("Busy")));
    assert_eq!(view.people, People::Initials);
    let all = Hidden { location: true, body: true, categories: true, online_meeting: true, extended_properties: true };
    assert_eq!(view.hidden, all);
    assert_eq!((view.horizon.days_back, view.horizon.days_ahead), (Some(30), Some(365)));
    let hours = policy.read_only.as_ref().unwrap();
    assert!(
        hours.include("2026-01-15T16:00:00Z".parse().unwrap())
            && !hours.include("2026-01-15T15:59:00Z".parse().unwrap())
    );
    let bare = parsed("", &with("mailboxes = []")).unwrap();
    let policy = &bare.clients[0].policy;
    assert!(
        policy.grants[0].view.is_plain() && policy.grants[0].view.horizon.is_endless() && policy.read_only.is_none()
    );
}
