//! The folders that every mailbox is shown to have.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/distinguishedfolderid>
//!
//! Clients find the calendar from the root, and look into the folders beside it. All but the calendar are shown empty:
//! the gateway knows nothing of mail.

/// A folder.
#[derive(Debug, PartialEq, Eq)]
pub struct Known {
    /// Its distinguished name.
    pub name: &'static str,
    /// Its display name.
    pub display: &'static str,
    /// Its class; the folders above have none.
    pub class: Option<&'static str>,
    /// The distinguished name of the folder that it is in; the root is in none.
    pub parent: Option<&'static str>,
}

/// The folder with a distinguished name; case is ignored.
#[must_use]
pub fn known(name: &str) -> Option<&'static Known> {
    TREE.iter().find(|folder| folder.name.eq_ignore_ascii_case(name.trim()))
}

/// The folders in a folder; `deep`: those in them, too.
pub fn below(name: &str, deep: bool) -> impl Iterator<Item = &'static Known> {
    TREE.iter().filter(move |folder| {
        let mut above = folder.parent;
        while let Some(parent) = above {
            if parent == name {
                return true;
            }
            above = if deep { known(parent).and_then(|parent| parent.parent) } else { None };
        }
        false
    })
}

const fn mail(name: &'static str, display: &'static str) -> Known {
    folder(name, display, "IPF.Note")
}

const fn folder(name: &'static str, display: &'static str, class: &'static str) -> Known {
    Known { name, display, class: Some(class), parent: Some("msgfolderroot") }
}

/// Folders follow the one that they are in.
const TREE: [Known; 14] = [
    Known { name: "root", display: "Root", class: None, parent: None },
    Known { name: "msgfolderroot", display: "Top of Information Store", class: Some("IPF.Note"), parent: Some("root") },
    folder("calendar", "Calendar", "IPF.Appointment"),
    folder("contacts", "Contacts", "IPF.Contact"),
    mail("deleteditems", "Deleted Items"),
    mail("drafts", "Drafts"),
    mail("inbox", "Inbox"),
    folder("journal", "Journal", "IPF.Journal"),
    mail("junkemail", "Junk Email"),
    folder("notes", "Notes", "IPF.StickyNote"),
    mail("outbox", "Outbox"),
    mail("sentitems", "Sent Items"),
    folder("tasks", "Tasks", "IPF.Task"),
    Known { name: "searchfolders", display: "Finder", class: None, parent: Some("root") },
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn every_folder_is_below_the_root() {
        assert_eq!(known("Calendar").unwrap().class, Some("IPF.Appointment"));
        assert_eq!(known("publicfoldersroot"), None);
        assert_eq!(below("root", true).count(), TREE.len() - 1);
        let names = |name, deep| below(name, deep).map(|folder| folder.name).collect::<Vec<_>>();
        assert_eq!(names("root", false), ["msgfolderroot", "searchfolders"]);
        assert_eq!(names("msgfolderroot", false).len(), 11);
        assert!(names("calendar", true).is_empty());
    }
}
