//! AcceptItem: yes, to an invitation.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/acceptitem>

use crate::calendar::event::Event;
use crate::ews::operation::Context;
use crate::ews::types::instruction::Disposition;
use crate::failure::Failure;
use crate::graph::ReplyKind;

use super::reply::Answer;
use super::response_object::ResponseObject;

/// Gives the answer.
pub(super) async fn run(
    object: &ResponseObject,
    disposition: Option<Disposition>,
    context: &Context<'_>,
) -> Result<Option<Event>, Failure> {
    ANSWER.give(object, disposition, context).await
}

const ANSWER: Answer = Answer {
    kind: ReplyKind::Accept,
    is_organizer: "ErrorCalendarIsOrganizerForAccept",
    is_cancelled: "ErrorCalendarIsCancelledForAccept",
};
