//! Hearing of changes.

use calendar_relay::calendar::Capability;

use super::*;

const EVENTS: &str =
    "<t:EventTypes><t:EventType>CreatedEvent</t:EventType><t:EventType>ModifiedEvent</t:EventType></t:EventTypes>";

fn stream(folders: &str) -> String {
    format!(
        "<m:Subscribe><m:StreamingSubscriptionRequest><t:FolderIds>{folders}</t:FolderIds>{EVENTS}\
         </m:StreamingSubscriptionRequest></m:Subscribe>"
    )
}

fn pull(folders: &str) -> String {
    format!(
        "<m:Subscribe><m:PullSubscriptionRequest><t:FolderIds>{folders}</t:FolderIds>{EVENTS}<t:Timeout>60</t:Timeout>\
         </m:PullSubscriptionRequest></m:Subscribe>"
    )
}

pub(super) const SUBSCRIBE: Row = Row {
    operation: "Subscribe",
    capability: Some(Capability::CalendarRead),
    missing: Some(DENIED_AS_A_WHOLE),
    writes: true,
    shows: false,
    cells: &[
        Cell::new(Way::Folder, |of, _| stream(&calendar(of)), DENIED_AS_A_WHOLE, ONE),
        Cell::new(Way::FolderId, |of, _| stream(&calendar_id(of)), DENIED_AS_A_WHOLE, ONE),
        Cell::new(Way::Folder, |of, _| pull(&calendar(of)), DENIED_AS_A_WHOLE, ONE),
        Cell::new(Way::FolderId, |of, _| pull(&calendar_id(of)), DENIED_AS_A_WHOLE, ONE),
        Cell::new(Way::Beside, |of, near| stream(&(calendar(near) + &calendar(of))), DENIED_AS_A_WHOLE, ONE),
    ],
    plain: |_| stream(OWN_CALENDAR),
};

/// What a client is told of a subscription that is not its own.
const NO_SUBSCRIPTION: Told = Told::Each("ErrorSubscriptionNotFound");

fn get_events(id: &str, watermark: &str) -> String {
    format!(
        "<m:GetEvents><m:SubscriptionId>{id}</m:SubscriptionId><m:Watermark>{watermark}</m:Watermark></m:GetEvents>"
    )
}

pub(super) const GET_EVENTS: Row = Row {
    operation: "GetEvents",
    capability: Some(Capability::CalendarRead),
    missing: Some(DENIED_AS_A_WHOLE),
    writes: false,
    shows: false,
    cells: &[
        Cell::new(Way::Subscription, |of, _| get_events(&of.pull, &of.watermark), NO_SUBSCRIPTION, ONE),
        Cell::new(
            Way::Subscription,
            |of, _| get_events(&of.streaming, &of.watermark),
            NO_SUBSCRIPTION,
            &["ErrorInvalidPullSubscriptionId"],
        ),
    ],
    plain: |near| get_events(&near.pull, &near.watermark),
};

fn listen(ids: &[&str]) -> String {
    let ids: String = ids.iter().map(|id| format!("<t:SubscriptionId>{id}</t:SubscriptionId>")).collect();
    format!(
        "<m:GetStreamingEvents><m:SubscriptionIds>{ids}</m:SubscriptionIds><m:ConnectionTimeout>1</m:ConnectionTimeout>\
         </m:GetStreamingEvents>"
    )
}

pub(super) const GET_STREAMING_EVENTS: Row = Row {
    operation: "GetStreamingEvents",
    capability: Some(Capability::CalendarRead),
    missing: Some(DENIED_AS_A_WHOLE),
    writes: false,
    shows: false,
    cells: &[
        Cell::new(Way::Subscription, |of, _| listen(&[&of.streaming]), NO_SUBSCRIPTION, ONE),
        Cell::new(Way::Subscription, |of, _| listen(&[&of.pull]), NO_SUBSCRIPTION, &["ErrorInvalidSubscription"]),
    ],
    plain: |near| listen(&[&near.streaming]),
};

fn unsubscribe(id: &str) -> String {
    format!("<m:Unsubscribe><m:SubscriptionId>{id}</m:SubscriptionId></m:Unsubscribe>")
}

pub(super) const UNSUBSCRIBE: Row = Row {
    operation: "Unsubscribe",
    capability: Some(Capability::CalendarRead),
    missing: Some(DENIED_AS_A_WHOLE),
    writes: true,
    shows: false,
    cells: &[
        Cell::new(Way::Subscription, |of, _| unsubscribe(&of.pull), NO_SUBSCRIPTION, ONE),
        Cell::new(Way::Subscription, |of, _| unsubscribe(&of.streaming), NO_SUBSCRIPTION, ONE),
    ],
    plain: |near| unsubscribe(&near.pull),
};
