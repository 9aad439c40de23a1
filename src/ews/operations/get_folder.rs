//! GetFolder: the folders of a mailbox, of which the calendar is the one that counts.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getfolder-operation>

use crate::calendar::Capability;
use crate::client::Permitted;
use crate::ews::fault::Family;
use crate::ews::operation::{Context, Operation, Response};
use crate::ews::soap::{Body, MESSAGES, TYPES};
use crate::ews::target;
use crate::ews::types::folder::shape::{FolderShape, Rights};
use crate::ews::types::folder::tree::{self, Known};
use crate::ews::types::folder::{self, Folder};
use crate::ews::types::response_message;
use crate::ews::types::value::{missing, once};
use crate::ews::xml::Xml;
use crate::failure::Failure;

/// The request.
#[derive(Debug)]
pub(super) struct GetFolder {
    shape: FolderShape,
    folders: Vec<Result<Folder, Failure>>,
}

/// The answer: a message for each folder, in the request's order.
#[derive(Debug)]
pub(super) struct GetFolderResponse {
    shape: FolderShape,
    folders: Vec<Result<(&'static Known, Permitted, Rights), Failure>>,
}

impl Operation for GetFolder {
    const NAME: &'static str = "GetFolder";
    const CAPABILITY: Option<Capability> = Some(Capability::CalendarRead);
    const FAMILY: Family = Family::PerItem;
    type Response = GetFolderResponse;

    fn parse(body: &mut Body<'_>) -> Result<Self, Failure> {
        let reader = body.reader();
        let (mut shape, mut folders) = (None, None);
        while let Some(part) = reader.child()? {
            match part.local() {
                "FolderShape" => once(&mut shape, FolderShape::read(reader)?, "FolderShape")?,
                "FolderIds" => once(&mut folders, folder::read_list(reader)?, "FolderIds")?,
                _ => reader.skip()?,
            }
        }
        let folders = folders.filter(|folders| !folders.is_empty()).ok_or_else(|| missing("FolderIds"))?;
        Ok(Self { shape: shape.ok_or_else(|| missing("FolderShape"))?, folders })
    }

    async fn run(self, context: &Context<'_>) -> Result<GetFolderResponse, Failure> {
        let folders = self.folders.into_iter().map(|folder| {
            let folder = folder?;
            let known = tree::known(&folder.name).ok_or(Failure::NoSuchFolder)?;
            let mailbox = target::folder(context, Some(&folder), Capability::CalendarRead)?;
            let rights = Rights::of(context.client, &mailbox, context.journal.now);
            Ok((known, mailbox, rights))
        });
        Ok(GetFolderResponse { folders: folders.collect(), shape: self.shape })
    }
}

impl Response for GetFolderResponse {
    fn size(&self) -> usize {
        512 + self.folders.len() * 1024
    }

    fn write(&self, xml: &mut Xml) {
        xml.raw(r#"<m:GetFolderResponse xmlns:m=""#).raw(MESSAGES).raw(r#"" xmlns:t=""#).raw(TYPES);
        xml.raw(r#""><m:ResponseMessages>"#);
        for folder in &self.folders {
            match folder {
                Ok((known, mailbox, rights)) => {
                    xml.raw(r#"<m:GetFolderResponseMessage ResponseClass="Success"><m:ResponseCode>NoError"#);
                    xml.raw("</m:ResponseCode><m:Folders>");
                    self.shape.write(xml, known, mailbox.mailbox(), *rights);
                    xml.raw("</m:Folders>");
                }
                Err(failure) => {
                    xml.raw(r#"<m:GetFolderResponseMessage ResponseClass="Error">"#);
                    response_message::write_failure(xml, failure, GetFolder::FAMILY);
                    xml.raw("<m:Folders/>");
                }
            }
            xml.raw("</m:GetFolderResponseMessage>");
        }
        xml.raw("</m:ResponseMessages></m:GetFolderResponse>");
    }
}
