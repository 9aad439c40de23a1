//! The program itself: what operators type, and what they read.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::answer::Element;

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_calendar-relay"))
}

fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A process that is told to end when the test does.
struct Running {
    child: Child,
    /// What it printed before it waited to be ended.
    printed: String,
    /// Its log.
    log: Option<std::thread::JoinHandle<String>>,
}

impl Running {
    /// Starts it and reads until a line that holds `until`.
    fn start(arguments: &[&str], until: &str) -> Self {
        let mut child = program().args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || std::io::read_to_string(log).unwrap());
        let mut running = Self { child, printed: String::new(), log: Some(log) };
        let mut lines = BufReader::new(running.child.stdout.take().unwrap());
        while !running.printed.contains(until) {
            assert_ne!(lines.read_line(&mut running.printed).unwrap(), 0, "it ended: {}", running.printed);
        }
        // Kept open, or its next line would end it.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        running
    }

    /// Tells it to end, and whether it did so well.
    fn end(&mut self) -> bool {
        let told = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(told.success());
        self.child.wait().unwrap().success()
    }

    /// Tells it to end, and gives what it logged.
    fn log(mut self) -> String {
        assert!(self.end());
        self.log.take().unwrap().join().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // When the test failed halfway; otherwise it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn help_names_every_role() {
    let help = text(&run(&["--help"]).stdout);
    for role in [
        "serve",
        "demo",
        "check",
        "lookup",
        "simulate",
        "setup",
        "outbox",
        "client-secret",
        "client-password",
        "hash-password",
    ] {
        assert!(help.contains(role), "{role}");
    }
    assert!(!run(&["nothing"]).status.success());
}

#[test]
fn check_names_the_line_the_key_and_the_remedy() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("bad.toml");
    let bad = "[server]\nlisten = \"127.0.0.1:8443\"\npublic_url = \"http://x.example\"\nplain = true\n\n[tokens]\n\
               keys = [{ id = \"k\", secret = { env = \"NO_SUCH_VARIABLE_HERE\" } }]\n\n[[clients]]\nid = \"c\"\n\
               capabilities = [\"free_busi\"]\nmailboxes = [\"*@contoso.example\"]\nceiling = \"some\"\n";
    std::fs::write(&file, bad).unwrap();
    let output = run(&["check", "--config", &file.display().to_string()]);
    assert!(!output.status.success());
    let told = text(&output.stderr);
    for part in [
        "line 3: server.public_url",
        "line 7: tokens.keys.secret",
        "NO_SUCH_VARIABLE_HERE",
        "line 9: clients",
        "line 11: clients.capabilities",
        "line 13: clients.ceiling",
    ] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    std::fs::write(&file, "[server]\nlisten = \"127.0.0.1:1\"\nlissten = 1\n").unwrap();
    let told = text(&run(&["check", "--config", &file.display().to_string()]).stderr);
    assert!(told.contains("line 3") && told.contains("lissten"), "{told}");
    let told = text(&run(&["check", "--config", "/nowhere.toml"]).stderr);
    assert!(told.contains("/nowhere.toml"), "{told}");
}

#[test]
fn check_remarks_on_a_monitor_that_is_hardly_meant() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("key"), "0123456789abcdef0123456789abcdef\n").unwrap();
    let tenant = |name: &str, capability: &str| {
        format!(
            "[[tenants]]\nname = \"{name}\"\nid = \"1\"\ndomains = [\"{name}.example\"]\n[[tenants.credentials]]\n\
             client_id = \"c\"\nsecret = {{ file = \"key\" }}\ncapabilities = [\"{capability}\"]\n"
        )
    };
    let config = format!(
        "[server]\nlisten = \"127.0.0.1:8443\"\npublic_url = \"https://x.example\"\nplain = true\n[tokens]\n\
         keys = [{{ id = \"k\", secret = {{ file = \"key\" }} }}]\n[store]\npath = \":memory:\"\n[monitor]\n\
         mailboxes = [\"*@contoso.example\", \"a*@fabrikam.example\", \"*@elsewhere.example\"]\n{}{}",
        tenant("contoso", "out_of_office_read"),
        tenant("fabrikam", "free_busy"),
    );
    let file = folder.path().join("monitor.toml");
    std::fs::write(&file, config).unwrap();
    let output = run(&["check", "--config", &file.display().to_string()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let told = text(&output.stdout);
    let remarks: Vec<&str> = told.lines().filter(|line| line.contains(" monitor:")).collect();
    let expected = [
        "warning  monitor: webhooks: has no webhook: it watches, and tells nobody",
        "warning  monitor: mailboxes: may watch a*@fabrikam.example, but tenant fabrikam has no credential for out_of_office_read",
        "warning  monitor: mailboxes: may watch *@elsewhere.example, which is in no tenant's domain",
    ];
    assert_eq!(remarks, expected, "{told}");
    let path = file.display().to_string();
    let strictly = run(&["check", "--config", &path, "--strict", "--format", "json"]);
    assert_eq!(strictly.status.code(), Some(3), "only warnings");
    let report: Value = serde_json::from_slice(&strictly.stdout).unwrap();
    assert_eq!((&report["version"], &report["verdict"]), (&1.into(), &"warning".into()), "{report}");
    assert_eq!(report["findings"].as_array().unwrap().iter().filter(|it| it["subject"] == "monitor").count(), 3);
    std::fs::write(&file, "[server]\nlisten = 1\n").unwrap();
    let broken = run(&["check", "--config", &path, "--format", "json"]);
    assert_eq!(broken.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&broken.stdout).unwrap();
    assert_eq!(report["findings"][0]["check"], "configuration");
    assert!(report["findings"][0]["text"].as_str().unwrap().contains("line 2"), "{report}");
    let alone = run(&["check", "--config", &path, "--client", "c", "--secret-file", &path]);
    assert_eq!(alone.status.code(), Some(2), "a caller's way leads over the network");
}

#[test]
fn secrets_and_hashes_fit_a_configuration() {
    let folder = TempDir::new().unwrap();
    let made = text(&run(&["client-secret"]).stdout);
    let secret = made.lines().next().unwrap().rsplit(' ').next().unwrap();
    assert!(secret.len() >= 43, "256 bits: {secret}");
    assert!(made.contains(&calendar_relay::commands::credentials::sha256(secret)));
    let line = made.lines().find_map(|line| line.split_once("secrets_sha256")).unwrap().1;

    let mut hashing = program().arg("hash-password").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    hashing.stdin.take().unwrap().write_all(b"correct horse battery\n").unwrap();
    let hash = text(&hashing.wait_with_output().unwrap().stdout);

    std::fs::write(folder.path().join("key"), "0123456789abcdef0123456789abcdef\n").unwrap();
    let config = format!(
        "[server]\nlisten = \"127.0.0.1:8443\"\npublic_url = \"https://x.example\"\nplain = true\n[tokens]\n\
         keys = [{{ id = \"k\", secret = {{ file = \"key\" }} }}]\n[[clients]]\nid = \"c\"\nsecrets_sha256{line}\n{hash}\
         capabilities = [\"free_busy\"]\nmailboxes = [\"*@contoso.example\"]\nceiling = \"time\"\n"
    );
    let file = folder.path().join("good.toml");
    std::fs::write(&file, config).unwrap();
    let output = run(&["check", "--config", &file.display().to_string()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let told = text(&output.stdout);
    assert!(told.contains("no mistakes") && told.contains("there is no tenant"), "{told}");
    assert!(!told.contains("0123456789abcdef"));
}

#[test]
fn lookup_draws_a_table() {
    let company: Value = serde_json::from_str(include_str!("../../fixtures/worlds/company.json")).unwrap();
    let mailbox = company["tenants"][0]["mailboxes"][0]["address"].as_str().unwrap();
    // Anna's stand-up on weekdays at 09:15 in New York, before and after the change of the clock.
    let output = run(&[
        "lookup",
        mailbox,
        "nobody@contoso.example",
        "--from",
        "2027-03-12",
        "--to",
        "2027-03-16",
        "--zone",
        "America/New_York",
    ]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let told = text(&output.stdout);
    for day in ["12", "15"] {
        assert!(told.contains(&format!("2027-03-{day} 09:15:00 - 2027-03-{day} 09:30:00  busy")), "{told}");
    }
    assert!(told.lines().any(|line| line.starts_with("  |") && line.contains('#')), "a time line: {told}");
    assert!(told.contains("Unable to resolve e-mail address nobody@contoso.example"), "{told}");
    for wrong in [&["lookup", mailbox, "--zone", "Nowhere"][..], &["lookup", mailbox, "--from", "soon"], &["lookup"]] {
        assert!(!run(wrong).status.success(), "{wrong:?}");
    }
}

/// Runs what was printed, as somebody would who pastes it.
fn paste(commands: &str, folder: &Path) -> String {
    let output = Command::new("bash").arg("-c").arg(commands).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{commands}\n{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn the_demonstration_prints_commands_that_work() {
    let folder = TempDir::new().unwrap();
    let file: PathBuf = folder.path().join("details.json");
    let any = "127.0.0.1:0";
    let arguments = [
        "demo",
        "--details",
        &file.display().to_string(),
        "--listen",
        any,
        "--simulator-listen",
        any,
        "--admin-listen",
        any,
    ];
    let mut demo = Running::start(&arguments, "Ctrl-C ends");

    let details: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    for key in [
        "url",
        "token_url",
        "client_id",
        "client_secret",
        "basic_username",
        "basic_password",
        "ca_file",
        "simulator_url",
        "simulator_tenant",
        "simulator_client_id",
        "simulator_client_secret",
        "simulator_control_url",
        "admin_url",
        "respa_username",
        "respa_password",
        "account_username",
        "account_password",
        "account_mailbox",
    ] {
        assert!(!details[key].as_str().unwrap_or_default().is_empty(), "{key}");
    }
    assert!(details["mailboxes"].as_array().unwrap().len() >= 50 && details["rooms"].as_array().unwrap().len() >= 20);
    assert!(demo.printed.contains("What the gateway sees"));

    if Command::new("curl").arg("--version").output().is_err() {
        println!("SKIPPED: there is no curl to paste the demonstration's commands into");
        assert!(demo.end());
        return;
    }
    let commands: Vec<&str> =
        demo.printed.lines().filter(|line| line.starts_with("TOKEN=") || line.starts_with("curl ")).collect();
    assert_eq!(commands.len(), 2, "{}", demo.printed);
    let answer = Element::parse(&paste(&commands.join("\n"), folder.path()));
    let responses = answer.all("FreeBusyResponse");
    assert_eq!(responses.len(), 2);
    assert!(responses.iter().all(|response| response.code() == "NoError"));
    // Anna's call with a customer is today, whatever day it is.
    assert!(!responses[0].events().is_empty());

    // Basic works too, and operators find their pages.
    let text_of = |key: &str| details[key].as_str().unwrap().to_owned();
    let basic = format!(
        "curl -sS --cacert '{}' -u '{}:{}' '{}' ; curl -sS '{}/metrics'",
        text_of("ca_file"),
        text_of("basic_username"),
        text_of("basic_password"),
        text_of("url"),
        text_of("admin_url")
    );
    let told = paste(&basic, folder.path());
    assert!(told.contains("Exchange Web Services") && told.contains("calendar_relay_requests_total"), "{told}");
    assert!(demo.end());
    assert!(!Path::new(&text_of("ca_file")).exists(), "certificates of the moment go with it");
}

#[test]
fn the_demonstration_of_the_monitor_shows_it_at_work() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("details.json");
    let (any, path) = ("127.0.0.1:0", file.display().to_string());
    let listens = ["--listen", "--simulator-listen", "--admin-listen", "--monitor-listen", "--mediator-listen"];
    let listens = listens.into_iter().flat_map(|listen| [listen, any]);
    let arguments: Vec<&str> = ["demo", "--monitor", "--details", &path].into_iter().chain(listens).collect();
    let mut demo = Running::start(&arguments, "Ctrl-C ends");
    let details: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let text_of = |key: &str| details[key].as_str().unwrap().to_owned();
    assert!(text_of("webhook_secret").starts_with("whsec_"));
    if Command::new("curl").arg("--version").output().is_err() {
        println!("SKIPPED: there is no curl to paste the demonstration's commands into");
        assert!(demo.end());
        return;
    }
    let (_, printed) = demo.printed.split_once("\nmonitor ").unwrap();
    let commands: Vec<&str> =
        printed.lines().filter(|line| line.starts_with("GRAPH_TOKEN=") || line.starts_with("curl ")).collect();
    let [token, set, received, stands] = commands.as_slice() else { panic!("{printed}") };
    let changed: Value = serde_json::from_str(&paste(&format!("{token}\n{set}"), folder.path())).unwrap();
    assert_eq!(changed["automaticRepliesSetting"]["status"], "alwaysEnabled", "{changed}");
    let told = |text: &str| text.contains("Back on Monday.\\\\nFish & chips then.");
    while !told(&paste(received, folder.path())) {}
    let watch: Value = serde_json::from_str(&paste(stands, folder.path())).unwrap();
    assert_eq!((&watch["mailbox"], &watch["state"]), (&details["account_mailbox"], &"away".into()), "{watch}");
    let health = paste(&format!("curl -sS '{}/health'", text_of("admin_url")), folder.path());
    let health: Value = serde_json::from_str(&health).unwrap();
    assert_eq!(health["monitor"]["watched"].as_u64().unwrap(), details["mailboxes"].as_array().unwrap().len() as u64);
    assert!(demo.end());
}

#[test]
fn no_secret_is_logged_and_no_address_at_the_usual_level() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("details.json");
    let any = "127.0.0.1:0";
    for level in ["info", "calendar_relay=trace"] {
        let arguments = [
            "demo",
            "--details",
            &file.display().to_string(),
            "--listen",
            any,
            "--simulator-listen",
            any,
            "--admin-listen",
            any,
            "--log",
            level,
        ];
        let demo = Running::start(&arguments, "Ctrl-C ends");
        let details: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let text_of = |key: &str| details[key].as_str().unwrap().to_owned();
        let commands: Vec<&str> =
            demo.printed.lines().filter(|line| line.starts_with("TOKEN=") || line.starts_with("curl ")).collect();
        let (authority, url) = (text_of("ca_file"), text_of("url"));
        let wrong = format!(
            "{}\nprintf ' %s' \"$TOKEN\"\ncurl -sS --cacert '{authority}' -u 'somebody:mistyped-secret' '{url}'\n\
             curl -sS --cacert '{authority}' -H 'Authorization: Bearer forged.token.here' '{url}'\n\
             curl -sS --cacert '{authority}' -d client_id=somebody -d client_secret=mistyped-secret '{}'",
            commands.join("\n"),
            text_of("token_url")
        );
        let told = paste(&wrong, folder.path());
        let token = told.split_once(" eyJ").unwrap().1.split('{').next().unwrap().to_owned();
        let log = demo.log();
        assert!(log.contains("GetUserAvailabilityRequest") && log.contains("wrong credentials"), "{log}");
        let secrets =
            [&text_of("client_secret"), "simulated-secret-of", "mistyped-secret", "forged.token", &token, "eyJ"];
        for secret in secrets {
            assert!(!log.contains(secret), "{secret} is in the log at {level}");
        }
        if level == "info" {
            for mailbox in details["mailboxes"].as_array().unwrap() {
                assert!(!log.contains(mailbox.as_str().unwrap()), "{mailbox}");
            }
        }
    }
}

#[test]
fn the_simulator_alone() {
    let folder = TempDir::new().unwrap();
    let world = folder.path().join("world.json");
    std::fs::write(&world, include_str!("../../fixtures/worlds/small.json")).unwrap();
    let arguments = ["simulate", "--listen", "127.0.0.1:0", "--world", &world.display().to_string()];
    let mut simulator = Running::start(&arguments, "control");
    assert!(simulator.printed.contains("http://127.0.0.1:"));
    assert!(simulator.end());
    std::fs::write(&world, "{\"tenants\": 1}").unwrap();
    let told = text(&run(&["simulate", "--listen", "127.0.0.1:0", "--world", &world.display().to_string()]).stderr);
    assert!(told.contains("world.json") && told.contains("line 1"), "{told}");
}

#[test]
fn letters_that_were_given_up_are_shown_sent_again_and_thrown_away() {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("relay.toml");
    let config = config.to_str().unwrap();
    let example = include_str!("../../config.example.toml");
    std::fs::write(config, example).unwrap();
    let told = run(&["outbox", "list", "--config", config]);
    assert!(!told.status.success() && text(&told.stderr).contains("[store]"), "{told:?}");

    std::fs::write(config, example.replace("# [store]\n# path", "[store]\npath")).unwrap();
    let path = folder.path().join("calendar-relay.sqlite");
    // Kept open, as the gateway does.
    let _store = calendar_relay::store::Store::open(&path).unwrap();
    let sql = "INSERT INTO outbox (id, target, mailbox, body, gist, made, since, next, dead, head) \
               VALUES ('msg_1', 'phone', 'kim@example.com', '{}', 'a', 5, 5, 5, 1, 0), \
                      ('msg_2', 'phone', 'kim@example.com', '{}', 'b', 5, 5, 5, 0, 1)";
    rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    let done = |arguments: &[&str]| {
        let output = run(&[&["outbox"], arguments, &["--config", config]].concat());
        assert!(output.status.success(), "{output:?}");
        text(&output.stdout)
    };
    assert!(done(&["list"]).contains("kim@example.com  1970-01-01T00:00:05Z  0      given up"));
    assert_eq!(done(&["retry", "--dead"]), "1: is sent again\n");
    let listed: Value = serde_json::from_str(&done(&["list", "--json"])).unwrap();
    assert_eq!((&listed[0]["given_up"], &listed[1]["number"]), (&Value::Bool(false), &Value::from(2)));
    assert_eq!(done(&["drop", "2"]), "threw 1 letter away\n");
    assert_eq!(done(&["retry"]), "no letter was given up\n");
    assert_eq!(done(&["drop", "--dead"]), "threw 0 letters away\n");
    let told = run(&["outbox", "drop", "2", "--config", config]);
    assert!(!told.status.success() && text(&told.stderr).contains("no letter 2"), "{told:?}");
    assert!(!run(&["outbox", "drop", "--config", config]).status.success(), "which one?");
    assert!(!run(&["outbox", "drop", "1", "--dead", "--config", config]).status.success());
}
