//! Requests recorded from real clients: each is understood.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

use calendar_relay::ews;

#[test]
fn every_recorded_request_is_understood() {
    let mut clients = 0;
    for client in children("fixtures/ews").into_iter().filter(|path| path.is_dir()) {
        clients += 1;
        let requests = children(&client);
        assert!(!requests.is_empty(), "{} is empty", client.display());
        for request in requests {
            let operation = ews::check(&fs::read_to_string(&request).unwrap());
            let stem = request.file_stem().unwrap().to_string_lossy();
            assert_eq!(operation.as_deref(), Ok(element(&stem)), "{}", request.display());
        }
    }
    assert!(clients >= 5, "fixtures are missing");
}

/// The body element that a file named `step-Operation.xml` holds.
fn element(stem: &str) -> &str {
    match stem.rsplit('-').next().unwrap_or(stem) {
        "GetUserAvailability" => "GetUserAvailabilityRequest",
        "GetUserOofSettings" => "GetUserOofSettingsRequest",
        "SetUserOofSettings" => "SetUserOofSettingsRequest",
        operation => operation,
    }
}

fn children(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}
