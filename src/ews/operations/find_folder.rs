//! FindFolder: the folders in a folder.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/findfolder-operation>
//!
//! There are few, so that an answer always holds them all. Of restrictions the one on the folder's class is
//! understood, which is how clients look for calendars.

use crate::calendar::Capability;
use crate::client::Permitted;
use crate::ews::fault::Family;
use crate::ews::operation::{Context, Operation, Response};
use crate::ews::soap::{Body, MESSAGES, TYPES};
use crate::ews::target;
use crate::ews::types::folder::shape::{FolderShape, Rights};
use crate::ews::types::folder::tree::{self, Known};
use crate::ews::types::folder::{self, Folder};
use crate::ews::types::property_path::PropertyPath;
use crate::ews::types::response_message;
use crate::ews::types::restriction::{Operand, Relation, Restriction};
use crate::ews::types::value::{missing, once};
use crate::ews::xml::Xml;
use crate::failure::Failure;

/// The request.
#[derive(Debug)]
pub(super) struct FindFolder {
    shape: FolderShape,
    deep: bool,
    /// The class that is looked for.
    class: Option<String>,
    /// Whether there is a view, which has to be told an offset.
    is_paged: bool,
    folders: Vec<Result<Folder, Failure>>,
}

/// The answer: a message for each folder that was looked into.
#[derive(Debug)]
pub(super) struct FindFolderResponse {
    shape: FolderShape,
    is_paged: bool,
    folders: Vec<Result<Found, Failure>>,
}

#[derive(Debug)]
struct Found {
    folders: Vec<&'static Known>,
    mailbox: Permitted,
    rights: Rights,
}

impl Operation for FindFolder {
    const NAME: &'static str = "FindFolder";
    const CAPABILITY: Option<Capability> = Some(Capability::CalendarRead);
    const FAMILY: Family = Family::PerItem;
    type Response = FindFolderResponse;

    fn parse(body: &mut Body<'_>) -> Result<Self, Failure> {
        let deep = match body.attribute("Traversal")?.as_deref() {
            Some("Shallow") => false,
            Some("Deep") => true,
            Some("SoftDeleted") => return Err(Failure::UnsupportedQuery { path: "Traversal".to_owned() }),
            _ => return Err(missing("Traversal")),
        };
        let reader = body.reader();
        let (mut shape, mut class, mut folders, mut is_paged) = (None, None, None, false);
        while let Some(part) = reader.child()? {
            match part.local() {
                "FolderShape" => once(&mut shape, FolderShape::read(reader)?, "FolderShape")?,
                "IndexedPageFolderView" | "FractionalPageFolderView" => {
                    is_paged = true;
                    reader.skip()?;
                }
                "Restriction" => once(&mut class, class_of(Restriction::read(reader)?)?, "Restriction")?,
                "ParentFolderIds" => once(&mut folders, folder::read_list(reader)?, "ParentFolderIds")?,
                _ => reader.skip()?,
            }
        }
        let folders = folders.filter(|folders| !folders.is_empty()).ok_or_else(|| missing("ParentFolderIds"))?;
        let shape = shape.ok_or_else(|| missing("FolderShape"))?;
        Ok(Self { shape, deep, class, is_paged, folders })
    }

    async fn run(self, context: &Context<'_>) -> Result<FindFolderResponse, Failure> {
        let Self { shape, deep, class, is_paged, folders } = self;
        let folders = folders.into_iter().map(|folder| {
            let folder = folder?;
            let known = tree::known(&folder.name).ok_or(Failure::NoSuchFolder)?;
            let mailbox = target::folder(context, Some(&folder), Capability::CalendarRead)?;
            let rights = Rights::of(context.client, &mailbox, context.journal.now);
            let fits = |folder: &&Known| class.as_deref().is_none_or(|class| folder.class == Some(class));
            Ok(Found { folders: tree::below(known.name, deep).filter(fits).collect(), mailbox, rights })
        });
        Ok(FindFolderResponse { folders: folders.collect(), shape, is_paged })
    }
}

/// The class that a restriction asks for.
fn class_of(restriction: Restriction) -> Result<String, Failure> {
    match restriction {
        Restriction::Compare(PropertyPath::Other(uri), Relation::Equal, Operand::Constant(class))
            if uri == "folder:FolderClass" =>
        {
            Ok(class.text().to_owned())
        }
        _ => Err(Failure::UnsupportedQuery { path: "Restriction".to_owned() }),
    }
}

impl Response for FindFolderResponse {
    fn size(&self) -> usize {
        1024 + self.folders.len() * 8192
    }

    fn write(&self, xml: &mut Xml) {
        xml.raw(r#"<m:FindFolderResponse xmlns:m=""#).raw(MESSAGES).raw(r#"" xmlns:t=""#).raw(TYPES);
        xml.raw(r#""><m:ResponseMessages>"#);
        for found in &self.folders {
            match found {
                Ok(Found { folders, mailbox, rights }) => {
                    xml.raw(r#"<m:FindFolderResponseMessage ResponseClass="Success"><m:ResponseCode>NoError"#);
                    xml.raw("</m:ResponseCode><m:RootFolder");
                    if self.is_paged {
                        xml.raw(r#" IndexedPagingOffset=""#).number(folders.len()).raw(r#"""#);
                    }
                    xml.raw(r#" TotalItemsInView=""#).number(folders.len());
                    xml.raw(r#"" IncludesLastItemInRange="true"><t:Folders>"#);
                    for folder in folders {
                        self.shape.write(xml, folder, mailbox.mailbox(), *rights);
                    }
                    xml.raw("</t:Folders></m:RootFolder>");
                }
                Err(failure) => {
                    xml.raw(r#"<m:FindFolderResponseMessage ResponseClass="Error">"#);
                    response_message::write_failure(xml, failure, FindFolder::FAMILY);
                }
            }
            xml.raw("</m:FindFolderResponseMessage>");
        }
        xml.raw("</m:ResponseMessages></m:FindFolderResponse>");
    }
}
