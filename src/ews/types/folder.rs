//! Names of folders: `DistinguishedFolderId` and `FolderId`.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/distinguishedfolderid>
//!
//! Owns the folder ids that the gateway gives out. They hold the folder's distinguished name and its
//! mailbox, so that they are the same after a restart and in every replica; they prove nothing.

pub mod shape;
pub mod tree;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::calendar::Mailbox;
use crate::ews::pull::{Pull, Start};
use crate::ews::xml::Xml;
use crate::failure::Failure;

/// How a request names a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Its distinguished name, such as `calendar`.
    pub name: String,
    /// Whose, if the request says so; one that is no address fails where it is used.
    pub mailbox: Option<String>,
}

impl Folder {
    /// Reads one of the elements that name a folder; the reader stands in it and is left outside.
    /// `None` for any other element.
    ///
    /// # Errors
    /// [`Failure::Malformed`]; [`Failure::NoSuchFolder`] inside for an id that was never given out.
    pub fn read(start: &Start<'_>, reader: &mut Pull<'_>) -> Result<Option<Result<Self, Failure>>, Failure> {
        match start.local() {
            "DistinguishedFolderId" => {
                let name = start.attribute("Id")?.unwrap_or_default();
                let mut mailbox = None;
                while let Some(part) = reader.child()? {
                    match part.local() {
                        "Mailbox" => mailbox = super::mailbox::email_address(reader)?,
                        _ => reader.skip()?,
                    }
                }
                Ok(Some(Ok(Self { name, mailbox })))
            }
            "FolderId" => {
                let folder = Self::of_id(&start.attribute("Id")?.unwrap_or_default());
                reader.skip()?;
                Ok(Some(folder))
            }
            _ => Ok(None),
        }
    }

    /// Reads an id that was given out.
    ///
    /// # Errors
    /// [`Failure::EmptyId`], [`Failure::BadId`]; [`Failure::NoSuchFolder`] for one that never was.
    pub fn of_id(id: &str) -> Result<Self, Failure> {
        if id.trim().is_empty() {
            return Err(Failure::EmptyId);
        }
        let bytes = STANDARD.decode(id.trim()).map_err(|_| Failure::BadId)?;
        let text = String::from_utf8(bytes).map_err(|_| Failure::NoSuchFolder)?;
        let parts = text.strip_prefix(MARK).and_then(|text| text.split_once(' '));
        let (name, mailbox) = parts.ok_or(Failure::NoSuchFolder)?;
        Ok(Self { name: name.to_owned(), mailbox: Some(mailbox.to_owned()) })
    }
}

/// Reads the elements that name folders, in the element that the reader stands in; others are passed over.
///
/// # Errors
/// [`Failure::Malformed`], [`Failure::Schema`] for too many.
pub fn read_list(reader: &mut Pull<'_>) -> Result<Vec<Result<Folder, Failure>>, Failure> {
    let mut folders = Vec::new();
    while let Some(start) = reader.child()? {
        match Folder::read(&start, reader)? {
            Some(folder) => folders.push(folder),
            None => reader.skip()?,
        }
        if folders.len() > MOST {
            let problem = format!("more than {MOST} folders");
            return Err(Failure::Schema { path: start.local().to_owned(), problem });
        }
    }
    Ok(folders)
}

/// The id of a mailbox's folder.
#[must_use]
pub fn id(name: &str, mailbox: &Mailbox) -> String {
    STANDARD.encode(format!("{MARK}{name} {mailbox}"))
}

/// Writes an element with a folder's id, such as `FolderId` or `ParentFolderId`.
pub fn write(xml: &mut Xml, element: &str, name: &str, mailbox: &Mailbox) {
    xml.raw("<t:").raw(element).raw(r#" Id=""#).raw(&id(name, mailbox)).raw(r#"" ChangeKey=""#).raw(CHANGE_KEY);
    xml.raw(r#""/>"#);
}

/// In one request.
const MOST: usize = 200;
/// What the gateway's folder ids begin with.
const MARK: &str = "folder ";
/// Folders never change.
const CHANGE_KEY: &str = "AQAAAA==";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn ids_lead_back_to_their_folder() {
        let mailbox = Mailbox::parse("a@example.com").unwrap();
        let folder = Folder::of_id(&id("calendar", &mailbox)).unwrap();
        assert_eq!(folder, Folder { name: "calendar".into(), mailbox: Some("a@example.com".into()) });
        assert_eq!(Folder::of_id(" "), Err(Failure::EmptyId));
        assert_eq!(Folder::of_id("!"), Err(Failure::BadId));
        assert_eq!(Folder::of_id("AAMkAD=="), Err(Failure::BadId));
        assert_eq!(Folder::of_id("AAMkADAw"), Err(Failure::NoSuchFolder));
    }
}
