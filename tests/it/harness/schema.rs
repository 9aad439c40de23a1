//! The judges: Exchange's schema for what clients are answered, Graph's for what is sent to it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex};

use serde_json::{Value, json};

/// Checks SOAP answers with the validator that lies beside the checkout. Prints plainly when it cannot.
pub(super) fn answers(folder: &Path, answers: &[String]) {
    let validator = shared().join("tools/xsd_validate.py");
    if answers.is_empty() {
        return;
    }
    if !validator.exists() {
        println!("SKIPPED: no {}, answers are not checked against the XSD", validator.display());
        return;
    }
    if !*HAS_LXML {
        assert!(std::env::var_os("CI").is_none(), "python3 with lxml is needed to check answers against the XSD");
        println!("SKIPPED: python3 has no lxml, answers are not checked against the XSD");
        return;
    }
    let mut known: Vec<&String> = answers.iter().collect();
    known.sort();
    known.dedup();
    let files = known.iter().enumerate().map(|(index, answer)| {
        let file = folder.join(format!("answer-{index}.xml"));
        std::fs::write(&file, answer).unwrap();
        file
    });
    let files: Vec<PathBuf> = files.collect();
    let output = Command::new("python3").arg(validator).args(&files).output().unwrap();
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stdout);
        let wrong: Vec<&str> = text.lines().filter(|line| !line.starts_with("OK")).collect();
        let first = files.iter().find(|file| wrong.iter().any(|line| line.contains(&*file.to_string_lossy())));
        let example = first.map(|file| std::fs::read_to_string(file).unwrap());
        panic!("{}\n{}\n{example:?}", wrong.join("\n"), String::from_utf8_lossy(&output.stderr));
    }
}

/// Checks the body of one call in the simulator's ledger.
pub(super) fn graph_call(call: &Value) {
    let definition = match call["call"].as_str().unwrap() {
        "getSchedule" => "calendar.getSchedule.request",
        "batch" => "batch.request",
        "createEvent" => "users.events.create.request",
        "updateMailboxSettings" => "users.mailboxSettings.update.request",
        _ => return,
    };
    let Some(validator) = compiled(definition) else { return };
    let problems: Vec<String> = validator.iter_errors(&call["body"]).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{definition}: {problems:?}\n{call}");
}

fn compiled(definition: &'static str) -> Option<Arc<jsonschema::Validator>> {
    static COMPILED: LazyLock<Mutex<HashMap<&'static str, Arc<jsonschema::Validator>>>> = LazyLock::new(Mutex::default);
    static SCHEMA: LazyLock<Option<Value>> = LazyLock::new(|| {
        let file = shared().join("schemas/graph/graph-calendar.strict.schema.json");
        match std::fs::read_to_string(&file) {
            Ok(text) => Some(serde_json::from_str(&text).unwrap()),
            Err(_) => {
                println!("SKIPPED: no {}, calls to Graph are not checked", file.display());
                None
            }
        }
    });
    let definitions = SCHEMA.as_ref()?.get("$defs")?;
    let mut compiled = COMPILED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let validator = compiled.entry(definition).or_insert_with(|| {
        let schema = json!({ "$ref": format!("#/$defs/{definition}"), "$defs": definitions });
        Arc::new(jsonschema::validator_for(&schema).unwrap())
    });
    Some(Arc::clone(validator))
}

/// Where the schemas lie: beside the checkout, or where the environment says.
fn shared() -> PathBuf {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    std::env::var_os("CALENDAR_RELAY_SHARED").map_or_else(beside, PathBuf::from)
}

static HAS_LXML: LazyLock<bool> = LazyLock::new(|| {
    Command::new("python3").args(["-c", "import lxml.etree"]).output().is_ok_and(|output| output.status.success())
});
