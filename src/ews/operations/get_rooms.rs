//! GetRooms: the rooms of one list that the client may see, from Graph's places.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getrooms-operation>

use crate::calendar::{Capability, Mailbox, Room};
use crate::ews::fault::Family;
use crate::ews::operation::{Context, Operation, Response};
use crate::ews::soap::{Body, MESSAGES, TYPES};
use crate::ews::types::{mailbox, response_message, value};
use crate::ews::xml::Xml;
use crate::failure::Failure;

/// The request: the list's address.
#[derive(Debug)]
pub(super) struct GetRooms {
    list: String,
}

/// The answer: rooms, or why there are none.
#[derive(Debug)]
pub(super) struct GetRoomsResponse {
    rooms: Result<Vec<Room>, Failure>,
}

impl Operation for GetRooms {
    const NAME: &'static str = "GetRooms";
    const CAPABILITY: Option<Capability> = Some(Capability::Directory);
    const FAMILY: Family = Family::PerItem;
    type Response = GetRoomsResponse;

    fn parse(body: &mut Body<'_>) -> Result<Self, Failure> {
        let reader = body.reader();
        let mut list = None;
        while let Some(part) = reader.child()? {
            match part.local() {
                "RoomList" => value::once(&mut list, mailbox::email_address(reader)?, "RoomList")?,
                _ => reader.skip()?,
            }
        }
        Ok(Self { list: list.flatten().ok_or_else(|| value::missing("RoomList"))? })
    }

    async fn run(self, context: &Context<'_>) -> Result<GetRoomsResponse, Failure> {
        Ok(GetRoomsResponse { rooms: rooms(&self.list, context).await })
    }
}

async fn rooms(list: &str, context: &Context<'_>) -> Result<Vec<Room>, Failure> {
    let list = context.permit(&Mailbox::parse(list)?, Capability::Directory)?;
    let mut rooms = context.graphs.rooms(&list, context.journal).await?;
    rooms.retain(|room| context.shows(&room.mailbox));
    Ok(rooms)
}

impl Response for GetRoomsResponse {
    fn size(&self) -> usize {
        512 + 256 * self.rooms.as_ref().map_or(1, Vec::len)
    }

    fn write(&self, xml: &mut Xml) {
        let class = if self.rooms.is_ok() { "Success" } else { "Error" };
        xml.raw(r#"<m:GetRoomsResponse ResponseClass=""#).raw(class).raw(r#"" xmlns:m=""#).raw(MESSAGES);
        xml.raw(r#"" xmlns:t=""#).raw(TYPES).raw(r#"">"#);
        match &self.rooms {
            Ok(rooms) => {
                xml.raw("<m:ResponseCode>NoError</m:ResponseCode><m:Rooms>");
                for room in rooms {
                    xml.raw("<t:Room><t:Id>");
                    mailbox::write_room(xml, room, "Mailbox");
                    xml.raw("</t:Id></t:Room>");
                }
                xml.raw("</m:Rooms>");
            }
            Err(Failure::NoSuchMailbox { .. } | Failure::BadAddress { .. }) => {
                response_message::write_error(xml, "ErrorNameResolutionNoResults", "No results were found.");
            }
            Err(failure) => response_message::write_failure(xml, failure, GetRooms::FAMILY),
        }
        xml.raw("</m:GetRoomsResponse>");
    }
}
