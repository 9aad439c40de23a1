//! What the README promises: its two commands, and the operations in its table.

use crate::harness::Setup;
use crate::harness::requests::envelope;

fn readme() -> Option<String> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let text = std::fs::read_to_string(file).ok();
    if text.is_none() {
        println!("SKIPPED: there is no README.md");
    }
    text
}

#[test]
fn the_two_commands() {
    let Some(readme) = readme() else { return };
    for command in ["cargo run --release -- demo", "cargo test"] {
        assert!(readme.lines().any(|line| line.trim() == command), "{command}");
    }
}

#[tokio::test]
async fn every_operation_of_the_table_is_there() {
    let Some(readme) = readme() else { return };
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    let operations: Vec<&str> = rows
        .flat_map(|cell| cell.split(", "))
        .filter(|name| {
            ["Get", "Set", "Convert", "Find", "Create", "Update", "Delete"].iter().any(|verb| name.starts_with(verb))
        })
        .filter(|name| name.chars().all(char::is_alphanumeric))
        .collect();
    assert!(operations.contains(&"GetUserAvailability") && operations.len() >= 5, "{operations:?}");
    let gateway = Setup::new().start().await;
    for operation in operations {
        let is_long = ["GetUserAvailability", "GetUserOofSettings", "SetUserOofSettings"].contains(&operation);
        let element = format!("{operation}{}", if is_long { "Request" } else { "" });
        let answer = gateway.soap(&envelope(&format!("<m:{element}/>"))).await;
        // Without its parts it may be refused, but not as one that there is not.
        if answer.status != 200 {
            let code = answer.fault().0;
            assert!(["ErrorSchemaValidation", "ErrorAccessDenied"].contains(&code.as_str()), "{operation}: {code}");
        }
    }
    gateway.done().await;
}
