//! Every operation, every way of naming a mailbox, and policies that forbid it: the caller is refused, and learns
//! nothing of the mailbox, not even whether there is one. Each way is shown to lead somewhere for a client that may.
//!
//! The rows follow the gateway's own list of operations: one without a row does not compile.

mod policies;
mod rows;
mod stage;
mod world;

use calendar_relay::ews::OPERATIONS;
use calendar_relay::ews::fault::Family;

use policies::Policy;
use rows::{ROWS, Row, Way};
use stage::{Header, Stage};

/// Each row that the policies concern, for each of their clients.
async fn run(policies: Vec<Policy>) {
    let stage = Stage::start(&policies).await;
    let mut judged = 0;
    for row in ROWS {
        for cell in row.cells {
            let concerned: Vec<&Policy> = policies.iter().filter(|policy| policy.concerns(row, cell)).collect();
            judged += concerned.len();
            if !concerned.is_empty() {
                stage.judge(row, cell, &concerned).await;
            }
        }
    }
    assert!(judged > 0);
    stage.done().await;
}

#[test]
fn rows_say_what_operations_take() {
    for row in ROWS {
        let entry = OPERATIONS.iter().find(|entry| entry.name == row.operation).unwrap();
        assert!(entry.capability.is_none() || entry.capability == row.capability, "{}", row.operation);
        assert!(!row.cells.is_empty() || row.capability.is_none(), "{} is in nobody's mailbox", row.operation);
    }
}

#[tokio::test]
async fn without_the_capability() {
    run(Policy::without_a_capability()).await;
}

#[tokio::test]
async fn for_other_mailboxes_alone() {
    run(Policy::for_others()).await;
}

#[tokio::test]
async fn for_all_but_a_deny_list() {
    run(Policy::deny_list()).await;
}

#[tokio::test]
async fn for_a_group_that_the_mailbox_is_not_in() {
    run(Policy::group()).await;
}

#[tokio::test]
async fn for_the_rooms_of_a_list_that_the_mailbox_is_not_in() {
    run(Policy::room_list()).await;
}

#[tokio::test]
async fn for_those_in_a_file_that_the_mailbox_is_not_in() {
    run(Policy::file()).await;
}

#[tokio::test]
async fn for_another_tenant_alone() {
    run(Policy::another_tenant()).await;
}

#[tokio::test]
async fn in_read_only_hours() {
    run(Policy::read_only()).await;
}

/// The ways in which a header names whom a caller acts as, and what is said where it may not.
const IMPERSONATIONS: [(&str, &str); 4] = [
    ("PrimarySmtpAddress", "ErrorImpersonateUserDenied"),
    ("SmtpAddress", "ErrorImpersonateUserDenied"),
    ("PrincipalName", "ErrorImpersonateUserDenied"),
    // Nobody's address, whoever's it is.
    ("SID", "ErrorInvalidExchangeImpersonationHeaderData"),
];

#[tokio::test]
async fn who_may_not_use_a_mailbox_cannot_act_as_its_owner() {
    let policies = Policy::for_others();
    let stage = Stage::start(&policies).await;
    for row in ROWS {
        if OPERATIONS.iter().any(|it| it.name == row.operation && it.family == Family::Availability) {
            stage.is_ignored(row, &policies[1], |of| Header::Impersonation("SmtpAddress", of.to_owned())).await;
            continue;
        }
        stage.cannot_act_as(row, &policies, &IMPERSONATIONS).await;
    }
    stage.done().await;
}

#[tokio::test]
async fn whom_a_request_is_routed_to_is_ignored() {
    let policies = Policy::for_others();
    let stage = Stage::start(&policies).await;
    for row in ROWS {
        stage.is_ignored(row, &policies[1], |of| Header::Anchor(of.to_owned())).await;
    }
    stage.done().await;
}

/// The way that gets whatever a row's plain request takes.
fn plain_way(row: &Row) -> Way {
    match row.operation {
        "GetItem" | "UpdateItem" | "DeleteItem" => Way::Item,
        "GetEvents" | "GetStreamingEvents" | "Unsubscribe" => Way::Subscription,
        _ => Way::Address,
    }
}
