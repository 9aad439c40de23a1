//! Which file serves which call. Knows them all, and nothing of what they do.

use super::ask::Ask;
use super::error::{Answer, Refusal};
use super::route::Call;
use super::{delta, directory, events, mail_tips, places, responses, schedule, settings, view};

pub(super) fn serve(mut ask: Ask<'_>) -> Result<Answer, Refusal> {
    match ask.route.call {
        Call::GetSchedule => schedule::get(&ask),
        Call::CalendarView => view::calendar_view(&ask),
        Call::CalendarViewDelta => delta::calendar_view(&ask),
        Call::ListInstances => view::instances(&ask),
        Call::ListEvents => events::list(&ask),
        Call::GetEvent => events::get(&ask),
        Call::CreateEvent => events::create(&mut ask),
        Call::UpdateEvent => events::update(&mut ask),
        Call::DeleteEvent => events::delete(&mut ask),
        Call::RespondToEvent => responses::respond(&mut ask),
        Call::GetMailboxSettings => settings::get(&ask),
        Call::UpdateMailboxSettings => settings::update(&mut ask),
        Call::GetMailTips => mail_tips::get(&ask),
        Call::ListUsers => directory::users(&ask),
        Call::GetUser => directory::user(&ask),
        Call::ListContacts => directory::contacts(&ask),
        Call::ListGroups => directory::groups(&ask),
        Call::GetGroup => directory::group(&ask),
        Call::ListMembers => directory::members(&ask, false),
        Call::ListTransitiveMembers => directory::members(&ask, true),
        Call::ListRooms => places::rooms(&ask),
        Call::ListRoomLists => places::room_lists(&ask),
        Call::ListRoomsOfList => places::rooms_of_list(&ask),
        Call::ListSubscriptions
        | Call::CreateSubscription
        | Call::GetSubscription
        | Call::UpdateSubscription
        | Call::DeleteSubscription
        | Call::ReauthorizeSubscription
        | Call::Batch
        | Call::Token
        | Call::Unknown => Err(Refusal::bad("BadRequest", "This call cannot be made here.")),
    }
}
