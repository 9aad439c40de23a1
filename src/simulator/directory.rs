//! Users and groups of a tenant's directory, with the filters that keep people apart.
//! <https://learn.microsoft.com/graph/api/user-list>, <https://learn.microsoft.com/graph/api/group-list-transitivemembers>

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::ask::Ask;
use super::error::{Answer, Refusal};
use super::filter::Filter;
use super::ids;
use super::query::{Page, project};
use super::state::{Group, Mailbox};
use super::world::{Contact, Kind};

const USER: [&str; 17] = [
    "id",
    "displayName",
    "givenName",
    "surname",
    "mail",
    "userPrincipalName",
    "jobTitle",
    "companyName",
    "department",
    "officeLocation",
    "businessPhones",
    "mobilePhone",
    "preferredLanguage",
    "accountEnabled",
    "mailNickname",
    "proxyAddresses",
    "photo",
];
/// What comes without `$select`.
const USER_DEFAULT: [&str; 11] = [
    "id",
    "displayName",
    "givenName",
    "surname",
    "mail",
    "userPrincipalName",
    "jobTitle",
    "officeLocation",
    "businessPhones",
    "mobilePhone",
    "preferredLanguage",
];
/// What User.ReadBasic.All covers.
const USER_BASIC: [&str; 7] = ["id", "displayName", "givenName", "surname", "mail", "userPrincipalName", "photo"];
const GROUP: [&str; 9] = [
    "id",
    "displayName",
    "description",
    "mail",
    "mailEnabled",
    "mailNickname",
    "securityEnabled",
    "groupTypes",
    "proxyAddresses",
];
const CONTACT: [&str; 10] = [
    "id",
    "displayName",
    "givenName",
    "surname",
    "mail",
    "mailNickname",
    "proxyAddresses",
    "companyName",
    "department",
    "jobTitle",
];
const OPTIONS: [&str; 6] = ["$filter", "$select", "$top", "$skiptoken", "$count", "$orderby"];

pub(super) fn users(ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.query.allow(&OPTIONS, ask.strict)?;
    let select = user_select(ask)?;
    let filter = ask.query.get("$filter").map(Filter::parse).transpose()?;
    if !ask.grants.reads_full_users() && filter.as_ref().is_some_and(|filter| !filter.names_only(&USER_BASIC)) {
        return Err(denied());
    }
    let page = Page::by_token(ask.query, 100, 999)?;
    let all = ask.state.mailboxes.values().filter(|mailbox| mailbox.tenant == ask.tenant).map(full_user);
    let found = all.filter(|user| filter.as_ref().is_none_or(|filter| filter.matches(user)));
    let show = |user| project(hide(ask, user), Some(&select));
    Ok(Answer::json(200, page.cut(found.collect(), show, "users", ask.query, ask.here)))
}

pub(super) fn user(ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.query.allow(&["$select"], ask.strict)?;
    let name = &ask.route.owner;
    let is_alias = |mailbox: &&Mailbox| mailbox.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name));
    let found = ask.state.resolve(ask.tenant, name).filter(|mailbox| !is_alias(mailbox));
    let mailbox = found.ok_or_else(|| not_found(name))?;
    let mut shown = project(hide(ask, full_user(mailbox)), Some(&user_select(ask)?));
    if let Some(fields) = shown.as_object_mut() {
        let context = format!("{}/v1.0/$metadata#users/$entity", ask.here.origin);
        fields.insert("@odata.context".to_owned(), json!(context));
    }
    Ok(Answer::json(200, shown))
}

pub(super) fn groups(ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.query.allow(&OPTIONS, ask.strict)?;
    let select = ask.query.select(&GROUP, "group")?;
    let filter = ask.query.get("$filter").map(Filter::parse).transpose()?;
    let page = Page::by_token(ask.query, 100, 999)?;
    let all = ask.state.groups.values().filter(|group| group.tenant == ask.tenant).map(full_group);
    let found = all.filter(|group| filter.as_ref().is_none_or(|filter| filter.matches(group)));
    let show = |group| project(group, select.as_deref());
    Ok(Answer::json(200, page.cut(found.collect(), show, "groups", ask.query, ask.here)))
}

pub(super) fn group(ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.query.allow(&["$select"], ask.strict)?;
    let select = ask.query.select(&GROUP, "group")?;
    let mut shown = project(full_group(find_group(ask)?), select.as_deref());
    if let Some(fields) = shown.as_object_mut() {
        let context = format!("{}/v1.0/$metadata#groups/$entity", ask.here.origin);
        fields.insert("@odata.context".to_owned(), json!(context));
    }
    Ok(Answer::json(200, shown))
}

/// Mail contacts. <https://learn.microsoft.com/graph/api/orgcontact-list>
pub(super) fn contacts(ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.query.allow(&OPTIONS, ask.strict)?;
    let select = ask.query.select(&CONTACT, "orgContact")?;
    let filter = ask.query.get("$filter").map(Filter::parse).transpose()?;
    let page = Page::by_token(ask.query, 100, 999)?;
    let tenants = ask.state.tenants.iter().filter(|tenant| tenant.id == ask.tenant);
    let all = tenants.flat_map(|tenant| &tenant.contacts).map(full_contact);
    let found = all.filter(|contact| filter.as_ref().is_none_or(|filter| filter.matches(contact)));
    let show = |contact| project(contact, select.as_deref());
    Ok(Answer::json(200, page.cut(found.collect(), show, "contacts", ask.query, ask.here)))
}

/// Members of a group: users and groups, or users alone when the path casts to them.
pub(super) fn members(ask: &Ask<'_>, transitive: bool) -> Result<Answer, Refusal> {
    ask.query.allow(&["$select", "$top", "$skiptoken", "$count"], ask.strict)?;
    let group = find_group(ask)?;
    let users_only = ask.route.last == "microsoft.graph.user";
    let select = ask.query.select(&USER, "user")?;
    let page = Page::by_token(ask.query, 100, 999)?;
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let mut waiting: Vec<&String> = group.members.iter().rev().collect();
    while let Some(address) = waiting.pop() {
        if !seen.insert(address) {
            continue;
        }
        if let Some(nested) = ask.state.groups.get(address).filter(|group| group.tenant == ask.tenant) {
            if !users_only {
                found.push(member(ask, full_group(nested), "group", select.as_deref()));
            }
            if transitive {
                waiting.extend(nested.members.iter().rev());
            }
        } else if let Some(mailbox) = ask.state.mailboxes.get(address).filter(|one| one.tenant == ask.tenant) {
            let select = select.clone().unwrap_or_else(|| USER_DEFAULT.map(str::to_owned).to_vec());
            found.push(member(ask, full_user(mailbox), "user", Some(&select)));
        }
    }
    let context = if users_only { "users" } else { "directoryObjects" };
    Ok(Answer::json(200, page.cut(found, std::convert::identity, context, ask.query, ask.here)))
}

/// Objects whose kind an application may not read come with their id alone.
fn member(ask: &Ask<'_>, object: Value, kind: &str, select: Option<&[String]>) -> Value {
    let is_group = kind == "group";
    let readable = is_group || ask.grants.reads_users();
    let nothing = ["id".to_owned()];
    let object = if is_group { object } else { hide(ask, object) };
    let mut shown = project(object, if readable { select } else { Some(&nothing) });
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("@odata.type".to_owned(), json!(format!("#microsoft.graph.{kind}")));
    }
    shown
}

fn find_group<'a>(ask: &'a Ask<'_>) -> Result<&'a Group, Refusal> {
    let id = &ask.route.owner;
    let found = ask.state.groups.values().find(|group| group.tenant == ask.tenant && group.id.to_string() == *id);
    found.ok_or_else(|| not_found(id))
}

fn not_found(id: &str) -> Refusal {
    let message =
        format!("Resource '{id}' does not exist or one of its queried reference-property objects are not present.");
    Refusal::new(404, "Request_ResourceNotFound", message)
}

fn denied() -> Refusal {
    Refusal::new(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
}

fn user_select(ask: &Ask<'_>) -> Result<Vec<String>, Refusal> {
    let Some(mut names) = ask.query.select(&USER, "user")? else { return Ok(USER_DEFAULT.map(str::to_owned).to_vec()) };
    // What a basic reader asks for beyond the basic profile is left out.
    names.retain(|name| ask.grants.reads_full_users() || USER_BASIC.contains(&name.as_str()));
    Ok(names)
}

/// Blanks what a basic reader may not see.
fn hide(ask: &Ask<'_>, mut user: Value) -> Value {
    if ask.grants.reads_full_users() {
        return user;
    }
    for (name, value) in user.as_object_mut().into_iter().flatten() {
        if USER.contains(&name.as_str()) && !USER_BASIC.contains(&name.as_str()) {
            *value = if value.is_array() { json!([]) } else { Value::Null };
        }
    }
    user
}

fn full_user(mailbox: &Mailbox) -> Value {
    let (given, family) = match mailbox.kind {
        Kind::Room | Kind::Shared => (None, None),
        Kind::Person | Kind::NoMailbox => {
            mailbox.name.split_once(' ').map_or((None, None), |(a, b)| (Some(a), Some(b)))
        }
    };
    let has_mail = mailbox.kind != Kind::NoMailbox;
    let aliases = mailbox.aliases.iter().map(|alias| format!("smtp:{alias}"));
    let legacy = mailbox.x500.iter().map(|name| format!("x500:{name}"));
    let proxies: Vec<String> =
        has_mail.then(|| format!("SMTP:{}", mailbox.address)).into_iter().chain(aliases).chain(legacy).collect();
    json!({
        "id": mailbox.id.to_string(),
        "displayName": mailbox.name,
        "givenName": given,
        "surname": family,
        "mail": has_mail.then_some(&mailbox.address),
        "userPrincipalName": mailbox.address,
        "jobTitle": mailbox.profile.title,
        "companyName": mailbox.profile.company,
        "department": mailbox.profile.department,
        "officeLocation": mailbox.profile.office,
        "businessPhones": mailbox.profile.phone.iter().collect::<Vec<_>>(),
        "mobilePhone": mailbox.profile.mobile,
        "preferredLanguage": null,
        "accountEnabled": matches!(mailbox.kind, Kind::Person | Kind::NoMailbox),
        "mailNickname": mailbox.address.split('@').next(),
        "proxyAddresses": proxies,
    })
}

fn full_contact(contact: &Contact) -> Value {
    let (given, family) = contact.name.split_once(' ').unzip();
    json!({
        "id": ids::guid(&format!("contact {}", contact.address.to_lowercase())).to_string(),
        "displayName": contact.name,
        "givenName": given,
        "surname": family,
        "mail": contact.address,
        "mailNickname": contact.address.split('@').next(),
        "proxyAddresses": [format!("SMTP:{}", contact.address)],
        "companyName": contact.company,
        "department": contact.department,
        "jobTitle": contact.title,
    })
}

fn full_group(group: &Group) -> Value {
    json!({
        "id": group.id.to_string(),
        "displayName": group.name,
        "description": group.is_room_list.then_some("Room list"),
        "mail": group.address,
        "mailEnabled": true,
        "mailNickname": group.address.split('@').next(),
        "securityEnabled": false,
        "groupTypes": [],
        "proxyAddresses": [format!("SMTP:{}", group.address)],
    })
}
