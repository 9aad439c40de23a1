//! `FolderShape`, and folders as answers have them.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/foldershape>
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/calendarfolder>

use jiff::Timestamp;

use super::super::property_path::PropertyPath;
use super::super::shape::BaseShape;
use super::super::value;
use super::tree::{self, Known};
use crate::calendar::{Capability, Mailbox};
use crate::client::{Ceiling, Client, Permitted};
use crate::ews::pull::Pull;
use crate::ews::xml::Xml;
use crate::failure::Failure;

/// Which properties of folders are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderShape {
    wanted: Vec<&'static str>,
}

/// What a client may do in a mailbox's folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights {
    may_change: bool,
    shows_private: bool,
}

impl FolderShape {
    /// Reads the element that the reader stands in. What the gateway does not know of folders, it
    /// passes over.
    ///
    /// # Errors
    /// [`Failure::Malformed`], [`Failure::Schema`]; [`Failure::BadProperty`] for a path that names nothing.
    pub fn read(reader: &mut Pull<'_>) -> Result<Self, Failure> {
        let (mut base, mut more) = (None, Vec::new());
        while let Some(part) = reader.child()? {
            match part.local() {
                "BaseShape" => value::once(&mut base, BaseShape::read(reader)?, "BaseShape")?,
                "AdditionalProperties" => {
                    while let Some(path) = reader.child()? {
                        match PropertyPath::read(&path, reader)? {
                            Some(Ok(PropertyPath::Other(uri))) => more.push(uri),
                            Some(Ok(_)) => {}
                            Some(Err(problem)) => return Err(problem),
                            None => reader.skip()?,
                        }
                    }
                }
                _ => reader.skip()?,
            }
        }
        let base = match base.ok_or_else(|| value::missing("BaseShape"))? {
            BaseShape::IdOnly => &ALL[..1],
            BaseShape::Default => &DEFAULT[..],
            BaseShape::AllProperties => &ALL[..],
        };
        let asked = |name: &str| more.iter().any(|uri| uri.strip_prefix("folder:") == Some(name));
        let wanted = ALL.into_iter().filter(|name| base.contains(name) || asked(name));
        Ok(Self { wanted: wanted.collect() })
    }

    /// Writes a folder with exactly the properties that are wanted and known. How many items a
    /// calendar holds is not known.
    pub fn write(&self, xml: &mut Xml, folder: &Known, mailbox: &Mailbox, rights: Rights) {
        let element = match folder.class {
            Some(CALENDAR) => "CalendarFolder",
            Some("IPF.Contact") => "ContactsFolder",
            Some("IPF.Task") => "TasksFolder",
            _ => "Folder",
        };
        let is_calendar = folder.class == Some(CALENDAR);
        xml.raw("<t:").raw(element).raw(">");
        for property in &self.wanted {
            match *property {
                "FolderId" => super::write(xml, "FolderId", folder.name, mailbox),
                "ParentFolderId" => {
                    folder.parent.iter().for_each(|parent| super::write(xml, "ParentFolderId", parent, mailbox))
                }
                "FolderClass" => folder.class.iter().for_each(|class| text(xml, property, class)),
                "DisplayName" => text(xml, property, folder.display),
                "TotalCount" if is_calendar => {}
                "TotalCount" => text(xml, property, "0"),
                "ChildFolderCount" => text(xml, property, &tree::below(folder.name, false).count().to_string()),
                "EffectiveRights" => rights.write(xml, is_calendar),
                "DistinguishedFolderId" => text(xml, property, folder.name),
                // Neither calendars nor contacts have unread items.
                "UnreadCount" if matches!(element, "Folder" | "TasksFolder") => text(xml, property, "0"),
                _ => {}
            }
        }
        xml.raw("</t:").raw(element).raw(">");
    }
}

impl Rights {
    /// What a client may do in a mailbox.
    #[must_use]
    pub fn of(client: &Client, mailbox: &Permitted, now: Timestamp) -> Self {
        let may_change = client.permit(mailbox.mailbox(), Capability::CalendarWrite, now).is_ok();
        Self { may_change, shows_private: mailbox.ceiling_of(true) > Ceiling::Time }
    }

    /// Nothing is ever made in folders but calendars.
    fn write(self, xml: &mut Xml, is_calendar: bool) {
        let changes = self.may_change && is_calendar;
        xml.raw("<t:EffectiveRights><t:CreateAssociated>false</t:CreateAssociated><t:CreateContents>");
        xml.boolean(changes).raw("</t:CreateContents><t:CreateHierarchy>false</t:CreateHierarchy><t:Delete>false");
        xml.raw("</t:Delete><t:Modify>").boolean(changes).raw("</t:Modify><t:Read>true</t:Read><t:ViewPrivateItems>");
        xml.boolean(self.shows_private && is_calendar).raw("</t:ViewPrivateItems></t:EffectiveRights>");
    }
}

fn text(xml: &mut Xml, element: &str, text: &str) {
    xml.raw("<t:").raw(element).raw(">").text(text).raw("</t:").raw(element).raw(">");
}

const CALENDAR: &str = "IPF.Appointment";

/// In the schema's order.
const ALL: [&str; 9] = [
    "FolderId",
    "ParentFolderId",
    "FolderClass",
    "DisplayName",
    "TotalCount",
    "ChildFolderCount",
    "EffectiveRights",
    "DistinguishedFolderId",
    "UnreadCount",
];
const DEFAULT: [&str; 5] = ["FolderId", "DisplayName", "TotalCount", "ChildFolderCount", "UnreadCount"];
