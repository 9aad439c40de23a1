//! GetRoomLists: the lists of rooms that the client may see, from Graph's places.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getroomlists-operation>

use crate::calendar::{Capability, Room};
use crate::ews::fault::Family;
use crate::ews::operation::{Context, Operation, Response};
use crate::ews::soap::{Body, MESSAGES, TYPES};
use crate::ews::types::mailbox;
use crate::ews::xml::Xml;
use crate::failure::Failure;

/// The request; it says nothing.
#[derive(Debug)]
pub(super) struct GetRoomLists;

/// The answer.
#[derive(Debug)]
pub(super) struct GetRoomListsResponse {
    lists: Vec<Room>,
}

impl Operation for GetRoomLists {
    const NAME: &'static str = "GetRoomLists";
    const CAPABILITY: Option<Capability> = Some(Capability::Directory);
    const FAMILY: Family = Family::PerItem;
    type Response = GetRoomListsResponse;

    fn parse(body: &mut Body<'_>) -> Result<Self, Failure> {
        body.reader().skip()?;
        Ok(Self)
    }

    async fn run(self, context: &Context<'_>) -> Result<GetRoomListsResponse, Failure> {
        let proof = context.entitle(Capability::Directory)?;
        let mut lists = context.graphs.room_lists(&proof, context.journal).await?;
        lists.retain(|list| context.shows(&list.mailbox));
        Ok(GetRoomListsResponse { lists })
    }
}

impl Response for GetRoomListsResponse {
    fn size(&self) -> usize {
        512 + 256 * self.lists.len()
    }

    fn write(&self, xml: &mut Xml) {
        xml.raw(r#"<m:GetRoomListsResponse ResponseClass="Success" xmlns:m=""#).raw(MESSAGES);
        xml.raw(r#"" xmlns:t=""#).raw(TYPES).raw(r#""><m:ResponseCode>NoError</m:ResponseCode><m:RoomLists>"#);
        for list in &self.lists {
            xml.raw("<t:Address>");
            mailbox::write_room(xml, list, "PublicDL");
            xml.raw("</t:Address>");
        }
        xml.raw("</m:RoomLists></m:GetRoomListsResponse>");
    }
}
