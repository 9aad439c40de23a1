//! Lists that clients' policies name: whether they were read, and how many are on them.
//!
//! Owns what is told of lists. Reads files anew to tell what is wrong with them; must not ask anybody.

use crate::client::{Client, Roster, Source};
use crate::graph::{Finding, Sheet, Verdict};
use crate::rosters;

/// A finding for each list, after they were asked for.
pub(super) fn findings(clients: &[Client]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for client in clients {
        let mut sheet = Sheet::of(format!("client {}", client.id));
        let mut seen: Vec<&Source> = Vec::new();
        for roster in client.policy.mailboxes().flat_map(|mailboxes| &mailboxes.rosters) {
            if !seen.contains(&roster.source()) {
                seen.push(roster.source());
                note(roster, &mut sheet);
            }
        }
        if let Some(denied) = &client.policy.denied {
            if denied.knows_addresses() {
                sheet.ok("denied_addresses", "all addresses of denied mailboxes are known");
            } else {
                let text =
                    "the addresses of denied mailboxes could not be read: what patterns and lists allow is denied";
                let remedy = "see what check permissions says of the application with all_addresses, and run it again";
                sheet.note("denied_addresses", Verdict::Failed, text, Some(remedy.to_owned()));
            }
        }
        findings.extend(sheet.findings());
    }
    findings
}

fn note(roster: &Roster, sheet: &mut Sheet) {
    const CHECK: &str = "list";
    let what = match roster.source() {
        Source::Group(address) => format!("the group {address}"),
        Source::RoomList(address) => format!("the room list {address}"),
        Source::File(path) => match rosters::read(path) {
            Ok(_) => format!("the file {}", path.display()),
            Err(problem) => {
                let remedy = "until it can be read, whom it decides about is denied".to_owned();
                return sheet.note(CHECK, Verdict::Failed, problem, Some(remedy));
            }
        },
    };
    match roster.size() {
        Some(0) => {
            let remedy = "put somebody on it, or leave it out of the policy".to_owned();
            sheet.note(CHECK, Verdict::Warning, format!("{what} has nobody on it"), Some(remedy));
        }
        Some(size) => sheet.ok(CHECK, format!("{what} has {size} on it")),
        None => {
            let remedy = "is the address right, and does an application with the capability directory hold what check \
                          permissions asks for? Until it can be read, whom it decides about is denied";
            sheet.note(CHECK, Verdict::Failed, format!("{what} could not be read"), Some(remedy.to_owned()));
        }
    }
}
