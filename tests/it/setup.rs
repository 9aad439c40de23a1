//! What `calendar-relay setup` writes: the configuration passes `check`, manifests fit their schema, and nothing that
//! is answered means anything elsewhere. tests/clients/setup_files.py reads the PowerShell with a parser.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use calendar_relay::commands::credentials::sha256;
use calendar_relay::commands::setup::{Flags, run};
use calendar_relay::config::Config;
use serde_json::{Value, json};
use tempfile::TempDir;

const TENANT: &str = "0f0f0f0f-0000-0000-0000-000000000001";
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";

/// Ids of application permissions, from Microsoft's permissions reference.
const READ_BASIC: &str = "8ba4a692-bc31-4128-9094-475872af8a53";
const READ: &str = "798ee544-9d2d-430c-a058-570e29e34338";
const READ_WRITE: &str = "ef54d2bf-783f-4e0f-bca1-3210c0444d99";
const SETTINGS_READ: &str = "40f97065-369a-49f4-947c-6a255697ae91";
const DIRECTORY: [&str; 3] = [
    "913b9306-0ce1-42b8-9137-6a7df690a760",
    "98830695-27a2-44f7-8c18-0c3ebc9698f6",
    "97235f07-e226-4f63-ace3-39588e11d3a1",
];

/// A key that nobody else may read, as `check` wants it.
static KEY: LazyLock<PathBuf> = LazyLock::new(|| {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/credentials/gateway.key");
    let key = Path::new(env!("CARGO_TARGET_TMPDIR")).join("setup-gateway.key");
    std::fs::copy(fixture, &key).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    key
});

fn setup(folder: &Path, more: &[&str]) -> Output {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/credentials");
    let (certificate, key) = (fixtures.join("gateway.pem"), &*KEY);
    let mut command = Command::new(env!("CARGO_BIN_EXE_calendar-relay"));
    command.args(["setup", "--tenant-id", TENANT, "--public-url", "https://x.contoso.example"]);
    command.arg("--entra-certificate").arg(&certificate).arg("--entra-key").arg(key);
    command.arg("--federated-token-file").arg(key);
    if !more.contains(&"--plain") {
        command.arg("--tls-certificate").arg(&certificate).arg("--tls-key").arg(key);
    }
    if !more.contains(&"--domain") {
        command.args(["--domain", "contoso.example"]);
    }
    // An open end, at which somebody might still answer: it must not be waited for.
    let running = command.arg("--output").arg(folder).args(more).stdin(Stdio::piped());
    let mut running = running.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let open = running.stdin.take();
    let output = running.wait_with_output().unwrap();
    drop(open);
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What was printed, of one that ended well.
#[track_caller]
fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[track_caller]
fn refused(output: &Output) -> String {
    assert!(!output.status.success(), "{}", text(&output.stdout));
    assert!(output.stdout.is_empty());
    text(&output.stderr)
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The files of a folder, with their paths in it.
fn files(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        match entry.path().is_dir() {
            true => found.extend(files(&entry.path()).into_iter().map(|file| format!("{name}/{file}"))),
            false => {
                found.insert(name);
            }
        }
    }
    found
}

/// `requiredResourceAccess` as <https://learn.microsoft.com/graph/api/resources/requiredresourceaccess> and
/// <https://learn.microsoft.com/graph/api/resources/resourceaccess> describe it; no other key in what is ours.
fn schema() -> jsonschema::Validator {
    let guid = json!({ "type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$" });
    let access = json!({
        "type": "object", "additionalProperties": false, "required": ["id", "type"],
        "properties": { "id": guid, "type": { "enum": ["Scope", "Role"] } },
    });
    let resource = json!({
        "type": "object", "additionalProperties": false, "required": ["resourceAppId", "resourceAccess"],
        "properties": {
            "resourceAppId": guid,
            "resourceAccess": { "type": "array", "minItems": 1, "uniqueItems": true, "items": access },
        },
    });
    let manifest = json!({
        "type": "object", "additionalProperties": false, "required": ["requiredResourceAccess"],
        "properties": { "requiredResourceAccess": { "type": "array", "maxItems": 50, "items": resource } },
    });
    jsonschema::validator_for(&manifest).unwrap()
}

/// The application permissions of Graph that a manifest asks for.
#[track_caller]
fn roles(manifest: &Value) -> Vec<String> {
    let resources = manifest["requiredResourceAccess"].as_array().unwrap();
    let mut ids = Vec::new();
    for resource in resources {
        assert_eq!(resource["resourceAppId"], GRAPH);
        for access in resource["resourceAccess"].as_array().unwrap() {
            assert_eq!(access["type"], "Role");
            ids.push(access["id"].as_str().unwrap().to_owned());
        }
    }
    ids
}

/// What each application must ask Graph for, where Exchange limits nothing, by purpose.
fn expected(purpose: &str) -> Vec<(&'static str, Vec<&'static str>)> {
    let free_busy = ("free-busy", vec![READ_BASIC]);
    let calendar = [("calendar-read", vec![READ]), ("calendar-write", vec![READ_WRITE])];
    let settings = ("out-of-office-read", vec![SETTINGS_READ]);
    let directory = ("directory", DIRECTORY.to_vec());
    match purpose {
        "google" => vec![free_busy, directory],
        "rooms" => calendar.into_iter().chain([directory]).collect(),
        "out-of-office" => vec![settings],
        "other" => vec![free_busy],
        _ => [free_busy].into_iter().chain(calendar).chain([settings, directory]).collect(),
    }
}

#[test]
fn whatever_is_answered_the_configuration_passes_and_manifests_have_the_least_permissions() {
    let schema = schema();
    let purposes = ["google", "rooms", "out-of-office", "other", "google,rooms,out-of-office,other"];
    let kinds = ["secret", "certificate", "federated-token", "managed-identity"];
    let limits: [&[&str]; 3] = [&[], &["--rbac", "rooms"], &["--rbac", "group", "--rbac-group", "Board's"]];
    for (number, purpose) in purposes.iter().enumerate() {
        for kind in kinds {
            for (place, limit) in limits.into_iter().enumerate() {
                let case = format!("{purpose} {kind} {limit:?}");
                let folder = TempDir::new().unwrap();
                let mut more = vec!["--purpose", purpose, "--credential", kind, "--rooms", "room-*@contoso.example"];
                more.extend(["--directory", "--ntlm", "--mediator-url", "http://10.1.2.3:8080"]);
                more.extend(limit);
                if (number + place) % 2 == 0 {
                    more.push("--plain");
                }
                let told = printed(&setup(folder.path(), &more));
                assert!(!told.contains("would not be content"), "{case}: {told}");
                let config = folder.path().join("calendar-relay.toml");
                let mut check = Command::new(env!("CARGO_BIN_EXE_calendar-relay"));
                check.args(["check", "--format", "json", "--config"]).arg(&config);
                let checked: Value = serde_json::from_str(&printed(&check.output().unwrap())).unwrap();
                let findings = checked["findings"].as_array().unwrap();
                assert!(findings[0]["text"].as_str().unwrap().contains("no mistakes"), "{case}: {checked:#}");
                let (left, rest): (Vec<&Value>, Vec<&Value>) = findings
                    .iter()
                    .filter(|finding| finding["verdict"] == "warning" || finding["verdict"] == "failed")
                    // The fixture is for another host.
                    .filter(|finding| finding["check"] != "server_name")
                    .partition(|finding| finding["check"] == "placeholder");
                assert!(rest.is_empty(), "{case}: {rest:#?}");
                let applications = expected(purpose).len();
                let count = if kind == "secret" { 2 * applications } else { applications };
                assert_eq!(left.len(), count, "{case}: each id, and each secret, is still to be written");
                least(folder.path(), &case, &expected(purpose), kind, !limit.is_empty(), &schema);
            }
        }
    }
}

/// Manifests, the script and the configuration of one case fit one another.
fn least(
    folder: &Path,
    case: &str,
    expected: &[(&str, Vec<&str>)],
    kind: &str,
    limited: bool,
    schema: &jsonschema::Validator,
) {
    let written = files(folder);
    let manifests: BTreeSet<String> = written.iter().filter(|name| name.ends_with(".json")).cloned().collect();
    let names = expected.iter().map(|(name, _)| format!("entra-manifest-{name}.json"));
    let expects_manifests: BTreeSet<String> = names.filter(|_| kind != "managed-identity").collect();
    assert_eq!(manifests, expects_manifests, "{case}");
    for (name, ids) in expected.iter().filter(|_| kind != "managed-identity") {
        let manifest: Value = serde_json::from_str(&read(folder, &format!("entra-manifest-{name}.json"))).unwrap();
        let problems: Vec<String> = schema.iter_errors(&manifest).map(|error| error.to_string()).collect();
        assert!(problems.is_empty(), "{case}: {problems:?}");
        let by_exchange = limited && *name != "directory";
        let ids: &[&str] = if by_exchange { &[] } else { ids };
        assert_eq!(roles(&manifest), ids, "{case}");
    }
    assert_eq!(written.contains("exchange-rbac.ps1"), limited, "{case}");
    if limited {
        let script = read(folder, "exchange-rbac.ps1");
        for (name, role) in [
            ("free-busy", "Application Calendars.Read'"),
            ("calendar-read", "Application Calendars.Read'"),
            ("calendar-write", "Application Calendars.ReadWrite'"),
            ("out-of-office-read", "Application MailboxSettings.Read'"),
        ] {
            let line = script.lines().find(|line| line.contains(&format!("'calendar-relay {name}'")));
            assert_eq!(line.is_some_and(|line| line.contains(role)), expected.iter().any(|it| it.0 == name), "{case}");
        }
        assert!(!script.contains("calendar-relay directory"), "{case}");
    }
    let config = Config::parse(&read(folder, "calendar-relay.toml"), folder, &|_| None).unwrap();
    let tenant = &config.tenants[0];
    assert_eq!((tenant.name.as_str(), tenant.id.as_str()), ("contoso", TENANT), "{case}");
    assert_eq!(tenant.credentials.len(), expected.len(), "{case}");
    for (credential, (name, _)) in tenant.credentials.iter().zip(expected) {
        assert_eq!(credential.rbac_scoped, limited && *name != "directory", "{case}");
    }
}

#[test]
fn secrets_are_shown_once_and_only_their_owner_reads_their_files() {
    let folder = TempDir::new().unwrap();
    let all = ["--purpose", "google,rooms", "--credential", "secret", "--rooms", "room-1@contoso.example", "--ntlm"];
    let told = printed(&setup(folder.path(), &all));
    let after = |label: &str| {
        let line = told.lines().find(|line| line.trim_start().starts_with(label));
        line.unwrap_or_else(|| panic!("{label}: {told}")).trim_start().strip_prefix(label).unwrap().trim().to_owned()
    };
    assert_eq!(after("Exchange Web Services URL"), "https://x.contoso.example/EWS/Exchange.asmx");
    assert_eq!(after("token URL"), "https://x.contoso.example/token");
    assert_eq!(after("client id"), "google-calendar-interop");
    assert_eq!(after("Exchange role account"), "calendar-interop@contoso.example");
    let consent = format!("https://login.microsoftonline.com/{TENANT}/adminconsent?client_id=APPLICATION-ID");
    assert!(told.contains(&consent) && told.contains("--online"), "{told}");

    let config = read(folder.path(), "calendar-relay.toml");
    for secret in [after("client secret"), after("password")] {
        assert!(secret.len() >= 43, "256 bits: {secret}");
        assert_eq!(told.matches(&secret).count(), 1);
        assert!(config.contains(&sha256(&secret)));
        for file in files(folder.path()) {
            assert!(!read(folder.path(), &file).contains(&secret), "{file}");
        }
    }
    let secrets: BTreeSet<String> = files(&folder.path().join("secrets"));
    assert_eq!(
        Vec::from_iter(secrets),
        ["entra-calendar-read", "entra-calendar-write", "entra-free-busy", "rooms.nt", "token-key"]
    );
    for file in files(folder.path()).iter().filter(|file| file.starts_with("secrets/")) {
        let mode = std::fs::metadata(folder.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
        assert!(!told.contains(read(folder.path(), file).trim()), "{file} is not shown");
    }
}

#[test]
fn a_second_run_overwrites_nothing_unless_forced_and_keeps_what_was_put_in() {
    let folder = TempDir::new().unwrap();
    let all = ["--purpose", "rooms", "--credential", "secret", "--rooms", "room-1@contoso.example", "--ntlm"];
    printed(&setup(folder.path(), &all));
    std::fs::write(folder.path().join("secrets/entra-calendar-write"), "the real one").unwrap();
    let before: Vec<String> = files(folder.path()).iter().map(|file| read(folder.path(), file)).collect();
    let told = refused(&setup(folder.path(), &all));
    assert!(told.contains("calendar-relay.toml") && told.contains("--force"), "{told}");
    let after: Vec<String> = files(folder.path()).iter().map(|file| read(folder.path(), file)).collect();
    assert_eq!(before, after);
    let key = read(folder.path(), "secrets/token-key");
    let told = printed(&setup(folder.path(), &[&all[..], &["--force"]].concat()));
    assert!(told.contains("kept     "), "{told}");
    assert_eq!(read(folder.path(), "secrets/entra-calendar-write"), "the real one");
    assert_eq!(read(folder.path(), "secrets/token-key"), key);
}

#[test]
fn what_is_missing_or_hostile_is_refused_by_its_flag_and_nothing_is_written() {
    let folder = TempDir::new().unwrap();
    let at = folder.path().join("new");
    let whole = ["--purpose", "google", "--credential", "secret"];
    for (more, flag) in [
        (vec!["--credential", "secret"], "--purpose"),
        (vec!["--purpose", "google"], "--credential"),
        (vec!["--purpose", "rooms", "--credential", "secret"], "--rooms"),
        (vec!["--purpose", "google", "--credential", "secret", "--rbac", "group"], "--rbac-group"),
        ([&whole[..], &["--domain", "a.example\"]\n[x]\ny = [\""]].concat(), "--domain"),
        ([&whole[..], &["--domain", "contoso.example\n"]].concat(), "--domain"),
        ([&whole[..], &["--domain", "contoso'.example"]].concat(), "--domain"),
        ([&whole[..], &["--google-account", "a\"@contoso.example"]].concat(), "--google-account"),
        ([&whole[..], &["--tenant-name", "a\"\nid = \"b"]].concat(), "--tenant-name"),
        ([&whole[..], &["--client-id", "free-busy=x"]].concat(), "--client-id"),
        ([&whole[..], &["--client-id", "calendar-read=0f0f0f0f-0000-0000-0000-000000000002"]].concat(), "--client-id"),
        ([&whole[..], &["--rbac", "group", "--rbac-group", "a\n; Remove-Mailbox boss"]].concat(), "--rbac-group"),
        ([&whole[..], &["--manifest", "directory=x.json"]].concat(), "--manifest"),
        ([&whole[..], &["--plain", "--listen", "0.0.0.0:80"]].concat(), "--listen"),
    ] {
        let told = refused(&setup(&at, &more));
        assert!(told.contains(flag), "{more:?}: {told}");
        assert!(!at.exists(), "{more:?}");
    }
    let missing = Command::new(env!("CARGO_BIN_EXE_calendar-relay"))
        .args(["setup", "--yes", "--purpose", "google", "--public-url", "https://x.example", "--plain"])
        .args(["--tenant-id", "contoso.onmicrosoft.com", "--domain", "contoso.example", "--credential", "secret"])
        .output();
    assert!(refused(&missing.unwrap()).contains("--tenant-id"));
}

#[test]
fn paths_and_groups_may_hold_quotes() {
    let folder = TempDir::new().unwrap();
    let at = folder.path().join("it's \"mine\" \\ #");
    let group = "Board's \u{2019}rooms\u{2019}; Remove-Mailbox boss";
    let key = folder.path().join("a \"key\"\\.pem");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/credentials");
    std::fs::copy(fixtures.join("gateway.key"), &key).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_calendar-relay"));
    command.args(["setup", "--yes", "--purpose", "google", "--public-url", "https://x.example", "--plain"]);
    command.args(["--tenant-id", TENANT, "--domain", "contoso.example", "--credential", "certificate"]);
    command.arg("--entra-certificate").arg(fixtures.join("gateway.pem")).arg("--entra-key").arg(&key);
    command.args(["--rbac", "group", "--rbac-group", group]).arg("--output").arg(&at);
    let told = printed(&command.output().unwrap());
    assert!(!told.contains("would not be content"), "{told}");
    let script = read(&at, "exchange-rbac.ps1");
    assert!(script.starts_with('\u{feff}'), "Windows PowerShell must know that this is UTF-8");
    let quoted = "'Board''s \u{2019}\u{2019}rooms\u{2019}\u{2019}; Remove-Mailbox boss'";
    assert!(script.contains(&format!("Get-Group -Identity {quoted}\n")), "{script}");
}

#[test]
fn a_manifest_is_merged_and_what_is_too_much_is_named() {
    let folder = TempDir::new().unwrap();
    let theirs = folder.path().join("theirs.json");
    let scope = json!({ "id": "e1fe6dd8-ba31-4d61-89e7-88639da4683d", "type": "Scope" });
    let wide = json!({ "id": READ_WRITE, "type": "Role" });
    let graph = json!({ "resourceAppId": GRAPH, "resourceAccess": [scope, wide] });
    let text = json!({ "appId": "x", "requiredResourceAccess": [graph], "zeta": 1 }).to_string();
    std::fs::write(&theirs, &text).unwrap();
    let from = format!("free-busy={}", theirs.display());
    let (one, two) = (folder.path().join("1"), folder.path().join("2"));
    let all = ["--purpose", "google", "--credential", "secret", "--manifest", &from];
    let told = printed(&setup(&one, &all));
    assert!(
        told.contains(&format!(
            "over-privilege: not needed (--prune leaves it out): Calendars.ReadWrite ({READ_WRITE})"
        ))
    );
    let merged: Value = serde_json::from_str(&read(&one, "entra-manifest-free-busy.json")).unwrap();
    let needed = json!({ "id": READ_BASIC, "type": "Role" });
    assert_eq!(merged["requiredResourceAccess"][0]["resourceAccess"], json!([scope, wide, needed]));
    assert_eq!((&merged["appId"], &merged["zeta"]), (&json!("x"), &json!(1)));
    let told = printed(&setup(&two, &[&all[..], &["--prune"]].concat()));
    assert!(told.contains("left out: Calendars.ReadWrite"), "{told}");
    let pruned: Value = serde_json::from_str(&read(&two, "entra-manifest-free-busy.json")).unwrap();
    assert_eq!(pruned["requiredResourceAccess"][0]["resourceAccess"], json!([scope, needed]));
    assert_eq!(read(folder.path(), "theirs.json"), text, "theirs is not touched");
    // Its own one is merged again, and needs no force.
    std::fs::remove_file(two.join("calendar-relay.toml")).unwrap();
    let before = read(&two, "entra-manifest-free-busy.json");
    printed(&setup(&two, &["--purpose", "google", "--credential", "secret"]));
    assert_eq!(read(&two, "entra-manifest-free-busy.json"), before);
    std::fs::write(&theirs, "[]").unwrap();
    assert!(refused(&setup(&folder.path().join("3"), &all)).contains("theirs.json: is no manifest"));
}

#[test]
fn what_no_flag_says_is_asked_for() {
    let folder = TempDir::new().unwrap();
    let flags = Flags { output: folder.path().to_owned(), ..Flags::default() };
    let answers = format!(
        "telephones\ngoogle, out-of-office\nhttps://x.contoso.example/\ny\n\ncontoso\n{TENANT}\n\ncontoso.example\nyes\n\n\n\
         secret\nrooms\nroom-1@contoso.example\n\n0f0f0f0f-0000-0000-0000-000000000002\n\n\n"
    );
    let (mut asked, mut told) = (Vec::new(), Vec::new());
    run(&flags, Some(&mut answers.as_bytes()), &mut asked, &mut told).unwrap();
    let (asked, told) = (text(&asked), text(&told));
    assert!(asked.contains("\"telephones\" is none of google, rooms, out-of-office, other"), "{asked}");
    assert!(asked.contains("\"contoso\" is no id"), "{asked}");
    assert!(told.contains("client secret") && !asked.contains("client secret"), "{asked}");
    let config = Config::parse(&read(folder.path(), "calendar-relay.toml"), folder.path(), &|_| None).unwrap();
    assert_eq!(config.server.public_url, "https://x.contoso.example");
    assert_eq!(config.tenants[0].credentials[0].client_id, "0f0f0f0f-0000-0000-0000-000000000002");
    assert!(config.monitor.is_some() && config.tenants[0].credentials.len() == 3);
    let script = read(folder.path(), "exchange-rbac.ps1");
    assert!(told.contains("--online --mailbox 'room-1@contoso.example'"), "{told}");
    assert_eq!(config.trials[0].allowed.as_ref().unwrap().as_str(), "room-1@contoso.example");
    assert!(script.contains("$allowedMailbox = 'room-1@contoso.example'\n$forbiddenMailbox = ''\n"), "{script}");
}
