//! An application's manifest: `requiredResourceAccess` with the least permissions.
//! <https://learn.microsoft.com/entra/identity-platform/reference-microsoft-graph-app-manifest>,
//! <https://learn.microsoft.com/graph/api/resources/requiredresourceaccess>
//!
//! Owns merging into a manifest that is there; both forms of manifests have the same `requiredResourceAccess`. Must not
//! know where manifests come from.

mod ordered;

use ordered::Ordered;

use crate::tenant::permissions::{self, GRAPH, Role};

/// A manifest as it is to be.
#[derive(Debug)]
pub(super) struct Manifest {
    /// Its text.
    pub(super) text: String,
    /// Application permissions of Graph that were there and are not needed, by name or else by id.
    pub(super) excessive: Vec<String>,
}

/// Puts the needed permissions into a manifest, or into an empty one. Everything else stays as it is, in its order;
/// permissions of Graph that are not needed go if `prune`.
///
/// # Errors
/// A text for the operator: what is no manifest.
pub(super) fn merge(existing: Option<&str>, needed: &[Role], prune: bool) -> Result<Manifest, String> {
    let existing = existing.unwrap_or("{}").trim_start_matches('\u{feff}');
    let mut manifest: Ordered = serde_json::from_str(existing).map_err(|error| format!("is no JSON: {error}"))?;
    let resources = resources(&mut manifest)?;
    let needed: Vec<&str> = needed.iter().filter_map(|role| role.id).collect();
    let mut excessive = Vec::new();
    let mut known = Vec::new();
    for resource in resources.iter_mut() {
        let is_graph = is_graph(resource)?;
        let Some(Ordered::Array(accesses)) = resource.get_mut(ACCESS) else {
            return Err(format!("a resource in {RESOURCES} has no list {ACCESS}"));
        };
        let mut kept = Vec::with_capacity(accesses.len());
        for access in accesses.drain(..) {
            let (Some(id), Some(kind)) = (text(&access, "id"), text(&access, "type")) else {
                return Err(format!("an entry of {ACCESS} has no id and type"));
            };
            let is_role = is_graph && kind.eq_ignore_ascii_case(ROLE);
            let is_needed = needed.iter().any(|needed| needed.eq_ignore_ascii_case(id));
            match (is_role, is_needed) {
                (true, true) => known.push(id.to_ascii_lowercase()),
                (true, false) => excessive.push(name(id)),
                (false, _) => {}
            }
            if !(prune && is_role && !is_needed) {
                kept.push(access);
            }
        }
        *accesses = kept;
    }
    if prune {
        resources.retain(|resource| {
            !is_graph(resource).unwrap_or(false) || resource.get(ACCESS) != Some(&Ordered::Array(Vec::new()))
        });
    }
    add(resources, needed.into_iter().filter(|id| !known.iter().any(|known| known == id)));
    let text = serde_json::to_string_pretty(&manifest).map_err(|error| error.to_string())? + "\n";
    Ok(Manifest { text, excessive })
}

/// The list of resources; an empty one is added where there is none.
fn resources(manifest: &mut Ordered) -> Result<&mut Vec<Ordered>, String> {
    let Ordered::Object(members) = &mut *manifest else { return Err("is no manifest: no JSON object".to_owned()) };
    match members.iter().filter(|(key, _)| key == RESOURCES).count() {
        0 => members.push((RESOURCES.to_owned(), Ordered::Array(Vec::new()))),
        1 => {}
        _ => return Err(format!("has {RESOURCES} more than once")),
    }
    match manifest.get_mut(RESOURCES) {
        Some(Ordered::Array(resources)) => Ok(resources),
        _ => Err(format!("{RESOURCES} is no list")),
    }
}

fn is_graph(resource: &Ordered) -> Result<bool, String> {
    let id = text(resource, APP).ok_or_else(|| format!("a resource in {RESOURCES} has no {APP}"))?;
    Ok(id.eq_ignore_ascii_case(GRAPH))
}

/// Adds permissions to Graph's entry, the first where there are several.
fn add<'a>(resources: &mut Vec<Ordered>, ids: impl Iterator<Item = &'a str>) {
    let entry = |id: &str| Ordered::Object(vec![("id".to_owned(), id.into()), ("type".to_owned(), ROLE.into())]);
    let mut entries: Vec<Ordered> = ids.map(entry).collect();
    if entries.is_empty() {
        return;
    }
    let graph = resources.iter_mut().find(|resource| is_graph(resource).unwrap_or(false));
    match graph.and_then(|resource| resource.get_mut(ACCESS)) {
        Some(Ordered::Array(accesses)) => accesses.append(&mut entries),
        _ => resources
            .push(Ordered::Object(vec![(APP.to_owned(), GRAPH.into()), (ACCESS.to_owned(), Ordered::Array(entries))])),
    }
}

fn text<'a>(object: &'a Ordered, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Ordered::text)
}

fn name(id: &str) -> String {
    let wide = || WIDE.iter().find(|(known, _)| known.eq_ignore_ascii_case(id)).map(|(_, name)| *name);
    match permissions::named(id).or_else(wide) {
        Some(name) => format!("{name} ({id})"),
        None => id.to_owned(),
    }
}

const RESOURCES: &str = "requiredResourceAccess";
const ACCESS: &str = "resourceAccess";
const APP: &str = "resourceAppId";
const ROLE: &str = "Role";

/// Permissions that we never need and that applications often have.
/// <https://learn.microsoft.com/graph/permissions-reference>
const WIDE: [(&str, &str); 8] = [
    ("810c84a8-4a9e-49e6-bf7d-12d183f40d01", "Mail.Read"),
    ("693c5e45-0940-467d-9b8a-1022fb9d42ef", "Mail.ReadBasic.All"),
    ("7ab1d382-f21e-4acd-a863-ba3e13f7da61", "Directory.Read.All"),
    ("19dbc75e-c2e2-444c-a770-ec69d8559fc7", "Directory.ReadWrite.All"),
    ("5b567255-7703-4780-807c-7be8301ae99b", "Group.Read.All"),
    ("62a82d76-70ea-41e2-9197-370581804d09", "Group.ReadWrite.All"),
    ("dbaae8cf-10b5-4b86-a4a1-f871c94c6695", "GroupMember.ReadWrite.All"),
    ("741f803b-c850-494e-b5df-cde7c675a1ca", "User.ReadWrite.All"),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use serde_json::{Value, json};

    use super::*;
    use crate::calendar::Capability;

    fn least(capability: Capability) -> Vec<Role> {
        permissions::of(capability).iter().map(|need| need.least).collect()
    }

    fn merged(existing: Option<&str>, needed: &[Role], prune: bool) -> (Value, Vec<String>) {
        let manifest = merge(existing, needed, prune).unwrap();
        (serde_json::from_str(&manifest.text).unwrap(), manifest.excessive)
    }

    const FREE_BUSY: &str = "8ba4a692-bc31-4128-9094-475872af8a53";
    const READ_WRITE: &str = "ef54d2bf-783f-4e0f-bca1-3210c0444d99";

    #[test]
    fn a_fragment_has_the_least_permissions_and_nothing_else() {
        let (fragment, excessive) = merged(None, &least(Capability::FreeBusy), false);
        let expected = json!({ RESOURCES: [{ APP: GRAPH, ACCESS: [{ "id": FREE_BUSY, "type": "Role" }] }] });
        assert_eq!((fragment, excessive), (expected, vec![]));
        assert_eq!(merged(None, &[], false).0, json!({ RESOURCES: [] }));
    }

    #[test]
    fn what_is_there_stays_in_its_order_and_nothing_is_doubled() {
        let existing = format!(
            "\u{feff}{{\"zeta\":{{\"b\":1,\"a\":[]}},\"{RESOURCES}\":[\
             {{\"{APP}\":\"00000002-0000-0ff1-ce00-000000000000\",\"{ACCESS}\":[{{\"id\":\"{READ_WRITE}\",\"type\":\"Role\"}}]}},\
             {{\"x\":0,\"{ACCESS}\":[{{\"type\":\"Scope\",\"id\":\"{READ_WRITE}\"}},{{\"type\":\"Role\",\"id\":\"{}\"}},\
             {{\"id\":\"{READ_WRITE}\",\"type\":\"Role\"}}],\"{APP}\":\"{}\"}}],\"alpha\":null}}",
            FREE_BUSY.to_uppercase(),
            GRAPH.to_uppercase(),
        );
        let Manifest { text, excessive } = merge(Some(&existing), &least(Capability::FreeBusy), false).unwrap();
        let compact: String = text.split_whitespace().collect();
        assert_eq!(compact, existing.trim_start_matches('\u{feff}'), "it had what it needs");
        assert_eq!(excessive, [format!("Calendars.ReadWrite ({READ_WRITE})")]);
        let again = merge(Some(&text), &least(Capability::FreeBusy), false).unwrap();
        assert_eq!(again.text, text);

        let (pruned, excessive) = merged(Some(&existing), &least(Capability::Directory), true);
        assert_eq!(excessive.len(), 2);
        let access = pruned[RESOURCES][1][ACCESS].as_array().unwrap();
        assert_eq!(access[0], json!({ "type": "Scope", "id": READ_WRITE }));
        assert_eq!(access.len(), 4, "{access:?}");
        assert_eq!(pruned[RESOURCES][0][ACCESS][0]["id"], READ_WRITE, "another resource's permissions are not Graph's");
        let keys: Vec<&str> = ["zeta", RESOURCES, "alpha"].into_iter().collect();
        let text = merge(Some(&existing), &[], true).unwrap().text;
        let places: Vec<usize> = keys.iter().map(|key| text.find(&format!("\"{key}\"")).unwrap()).collect();
        assert!(places.is_sorted());
    }

    #[test]
    fn an_entry_that_pruning_empties_goes() {
        let existing = json!({ RESOURCES: [{ APP: GRAPH, ACCESS: [{ "id": READ_WRITE, "type": "Role" }] }] });
        assert_eq!(merged(Some(&existing.to_string()), &[], true).0, json!({ RESOURCES: [] }));
        assert_eq!(merged(Some(&existing.to_string()), &[], false).0, existing);
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        for wrong in [
            "",
            "[]",
            "{",
            "{\"requiredResourceAccess\":{}}",
            "{\"requiredResourceAccess\":[1]}",
            "{\"requiredResourceAccess\":[],\"requiredResourceAccess\":[]}",
            "{\"requiredResourceAccess\":[{\"resourceAppId\":\"x\"}]}",
            "{\"requiredResourceAccess\":[{\"resourceAppId\":\"x\",\"resourceAccess\":[{\"id\":1,\"type\":\"Role\"}]}]}",
        ] {
            assert!(merge(Some(wrong), &[], false).is_err(), "{wrong}");
        }
    }
}
