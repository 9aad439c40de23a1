//! `check --online` against the simulator: permissions that are exact, missing and too many, scopes of Exchange that hold
//! and that do not, and a caller's way to a running gateway.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use calendar_relay::commands::Ending;
use calendar_relay::commands::check::{self, Caller, Format, Online, Settings};
use serde_json::{Value, json};

use crate::harness::{CLIENT, Gateway, SECRET, SIGNING_KEY, Setup, TENANT, client};

const ALLOWED: &str = "room-1@contoso.example";
const FORBIDDEN: &str = "boss@contoso.example";

/// The small world with more applications.
fn world() -> String {
    let mut world: Value = serde_json::from_str(include_str!("../../fixtures/worlds/small.json")).unwrap();
    let rooms = |role: &str| json!([{ "role": role, "mailboxes": ["room-*@contoso.example"] }]);
    let calendars = || rooms("Application Calendars.Read");
    let applications = [
        ("none", json!({})),
        ("wide", json!({ "roles": ["Calendars.ReadWrite"] })),
        ("extra", json!({ "roles": ["Calendars.ReadBasic.All", "Mail.Read"] })),
        ("scoped", json!({ "rbac": calendars() })),
        ("scoped-targets", json!({ "rbac": calendars(), "rbac_checks_targets": true })),
        ("scoped-settings", json!({ "rbac": rooms("Application MailboxSettings.ReadWrite") })),
        ("leaky-consent", json!({ "rbac": calendars(), "roles": ["Calendars.Read"] })),
        ("leaky-scope", json!({ "rbac": [{ "role": "Application Calendars.Read", "mailboxes": ["*"] }] })),
    ];
    for (name, more) in applications {
        let secret = format!("simulated-secret-of-{name}");
        let mut application = json!({ "name": name, "client_id": format!("app-{name}"), "client_secret": secret });
        application.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world["tenants"][0]["applications"].as_array_mut().unwrap().push(application);
    }
    world.to_string()
}

/// A running gateway, and configurations to check.
struct Bench(Gateway);

impl Bench {
    async fn start() -> Self {
        Self(Setup { world: world(), ..Setup::new() }.start().await)
    }

    /// A configuration with one credential, whose name is its application's; gives where it is.
    fn write(&self, name: &str, keys: &str) -> Settings {
        let Self(gateway) = self;
        let file = |name: &str, text: &str| {
            std::fs::write(gateway.path(name), text).unwrap();
            std::fs::set_permissions(gateway.path(name), Permissions::from_mode(0o600)).unwrap();
        };
        file("application-secret", &format!("simulated-secret-of-{name}\n"));
        file("client-secret", SECRET);
        file("signing-key", SIGNING_KEY);
        let (port, simulator) = (gateway.app.address().port(), gateway.simulator.base_url());
        let files = &gateway.made.files;
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"https://localhost:{port}\"\ncertificate = {:?}\n\
             private_key = {:?}\n[tokens]\nkeys = [{{ id = \"k\", secret = {{ file = \"signing-key\" }} }}]\n{}\n\
             [[tenants]]\nname = \"contoso\"\nid = \"{TENANT}\"\nlogin_url = \"{simulator}/\"\n\
             graph_url = \"{simulator}/\"\ndomains = [\"contoso.example\"]\n\
             check = {{ allowed = \"{ALLOWED}\", forbidden = \"{FORBIDDEN}\" }}\n[[tenants.credentials]]\n\
             client_id = \"app-{name}\"\nsecret = {{ file = \"application-secret\" }}\n{keys}\n",
            files.certificate,
            files.private_key,
            client("*@contoso.example", "time", "").replace(", \"calendar_read\", \"directory\"", ""),
        );
        file("check.toml", &text);
        let online = Online {
            mailboxes: Vec::new(),
            forbidden: Vec::new(),
            caller: Some(Caller {
                client: CLIENT.to_owned(),
                secret_file: gateway.path("client-secret"),
                certificate: None,
            }),
            public_ca: Some(gateway.made.authority.clone()),
        };
        Settings { config: gateway.path("check.toml"), online: Some(online), format: Format::Json, strict: true }
    }

    /// What is found, and what the process would end with.
    async fn check(&self, name: &str, keys: &str) -> (Report, Ending) {
        let mut out = Vec::new();
        let code = check::run(&self.write(name, keys), &mut out).await.unwrap();
        (Report(serde_json::from_slice(&out).unwrap()), code)
    }
}

struct Report(Value);

impl Report {
    /// The verdicts of a check, with their texts.
    fn of(&self, check: &str) -> Vec<(&str, &str)> {
        let all = self.0["findings"].as_array().unwrap().iter().filter(|finding| finding["check"] == check);
        all.map(|finding| (finding["verdict"].as_str().unwrap(), finding["text"].as_str().unwrap())).collect()
    }

    #[track_caller]
    fn one(&self, check: &str) -> (&str, &str) {
        let all = self.of(check);
        assert_eq!(all.len(), 1, "{check}: {:#}", self.0);
        all[0]
    }

    /// All that is not well.
    fn troubles(&self) -> Vec<(&str, &str)> {
        let all = self.0["findings"].as_array().unwrap().iter();
        let bad = all.filter(|finding| finding["verdict"] == "warning" || finding["verdict"] == "failed");
        bad.map(|finding| (finding["check"].as_str().unwrap(), finding["verdict"].as_str().unwrap())).collect()
    }
}

const FREE_BUSY: &str = "capabilities = [\"free_busy\"]";
const SCOPED: &str = "capabilities = [\"free_busy\"]\nrbac_scoped = true";

#[tokio::test]
async fn exact_permissions_and_a_callers_way_are_well() {
    let bench = Bench::start().await;
    let (report, code) = bench.check("free-busy", FREE_BUSY).await;
    assert_eq!((report.troubles(), code), (vec![], Ending::Well), "{:#}", report.0);
    let checks = [
        "configuration",
        "server_certificate",
        "server_name",
        "domains",
        "reach_login",
        "reach_graph",
        "token",
        "clock",
        "claims",
        "permissions",
        "free_busy",
        "public_certificate",
        "public_url",
        "caller_token",
        "caller_look_up",
    ];
    for check in checks {
        assert_eq!(report.one(check).0, "ok", "{check}");
    }
    assert_eq!(report.of("routing").len(), 2);
    assert_eq!(report.one("permissions").1, "exactly what is needed: Calendars.ReadBasic.All");
    assert_eq!(report.one("scope").0, "skipped", "it is not scoped");
    assert_eq!(report.0["counts"]["ok"], checks.len() + 2);
    for finding in report.0["findings"].as_array().unwrap() {
        let keys: Vec<&String> = finding.as_object().unwrap().keys().collect();
        assert_eq!(keys.len(), 5, "{keys:?}");
    }

    let mut settings = bench.write("free-busy", FREE_BUSY);
    settings.format = Format::Text;
    let mut out = Vec::new();
    assert_eq!(check::run(&settings, &mut out).await.unwrap(), Ending::Well);
    let text = String::from_utf8(out).unwrap();
    let line = "ok       contoso / app-free-busy: permissions: exactly what is needed: Calendars.ReadBasic.All\n";
    assert!(text.contains(line) && text.contains("\n0 failed, 0 warnings, "), "{text}");
    assert!(!text.contains("simulated-secret") && !text.contains("eyJ"), "{text}");
    bench.0.done().await;
}

#[tokio::test]
async fn missing_permissions_name_what_will_fail() {
    let bench = Bench::start().await;
    let (report, code) = bench.check("none", FREE_BUSY).await;
    assert_eq!(code, Ending::No);
    let (verdict, text) = report.one("permission_missing");
    assert_eq!(verdict, "failed");
    assert!(text.contains("Calendars.ReadBasic.All") && text.contains("GetUserAvailability"), "{text}");
    assert_eq!(report.one("free_busy").0, "failed", "and so it does");
    let remedies: Vec<&str> =
        report.0["findings"].as_array().unwrap().iter().filter_map(|it| it["remedy"].as_str()).collect();
    assert!(remedies.iter().any(|it| it.contains("grant application app-none") && it.contains("admin consent")));
    assert!(report.of("permission_excessive").is_empty() && report.of("permissions").is_empty());
    bench.0.done().await;
}

#[tokio::test]
async fn permissions_that_are_too_much_are_named_with_the_lesser_one() {
    let bench = Bench::start().await;
    let (report, code) = bench.check("wide", FREE_BUSY).await;
    assert_eq!(
        (report.troubles(), code),
        (vec![("permission_excessive", "warning")], Ending::Warned),
        "{:#}",
        report.0
    );
    let text = "over-privileged: holds Calendars.ReadWrite where Calendars.ReadBasic.All would do";
    assert_eq!(report.one("permission_excessive").1, text);
    let (report, code) = bench.check("extra", FREE_BUSY).await;
    assert_eq!((report.troubles(), code), (vec![("permission_excessive", "warning")], Ending::Warned));
    assert!(report.one("permission_excessive").1.contains("Mail.Read, which nothing"), "{:#}", report.0);

    let mut lenient = bench.write("extra", FREE_BUSY);
    lenient.strict = false;
    assert_eq!(check::run(&lenient, &mut Vec::new()).await.unwrap(), Ending::Well, "warnings alone fail nobody");
    bench.0.done().await;
}

#[tokio::test]
async fn a_scope_that_holds_is_told_from_one_that_does_not_check_targets() {
    let bench = Bench::start().await;
    let (report, code) = bench.check("scoped", SCOPED).await;
    assert_eq!((report.troubles(), code), (vec![("scope_targets", "warning")], Ending::Warned), "{:#}", report.0);
    assert_eq!(report.one("scope").0, "ok");
    assert!(report.one("permissions").1.contains("Exchange grants the rest"));
    let (report, code) = bench.check("scoped-targets", SCOPED).await;
    assert_eq!((report.troubles(), code), (vec![], Ending::Well), "{:#}", report.0);
    assert!(report.one("scope_targets").1.contains("it checks whom it asks about"));

    let keys = "capabilities = [\"out_of_office_write\"]\nrbac_scoped = true";
    let (report, _) = bench.check("scoped-settings", keys).await;
    assert_eq!((report.one("scope").0, report.one("out_of_office_write").0), ("ok", "ok"), "{:#}", report.0);
    assert!(report.one("out_of_office_write").1.contains("writing was not tried"));
    let (verdict, text) = report.one("writing");
    assert!(verdict == "warning" && text.starts_with("out_of_office_write: "), "{text}");
    assert!(report.0.to_string().contains("must list Application MailboxSettings.ReadWrite as in scope"));
    assert_eq!(bench.0.calls("updateMailboxSettings").await, 0, "a doctor does not operate");
    bench.0.done().await;
}

#[tokio::test]
async fn a_scope_that_is_not_in_force_shows_nothing_and_one_that_leaks_fails() {
    let bench = Bench::start().await;
    let (report, code) = bench.check("none", SCOPED).await;
    assert_eq!((report.one("free_busy").0, report.one("scope").0, code), ("failed", "skipped", Ending::No));
    assert!(report.0.to_string().contains("30 minutes to 2 hours"));
    assert!(report.of("permission_missing").is_empty(), "no token shows what Exchange grants");

    let (report, code) = bench.check("leaky-scope", SCOPED).await;
    assert_eq!((report.one("permissions").0, report.one("scope").0, code), ("ok", "failed", Ending::No));
    assert!(report.one("scope").1.contains("over-privileged") && report.one("scope").1.contains(FORBIDDEN));

    let (report, code) = bench.check("leaky-consent", SCOPED).await;
    assert_eq!((report.one("permission_excessive").0, report.one("scope").0, code), ("warning", "failed", Ending::No));
    assert!(report.one("permission_excessive").1.contains("for all mailboxes, beside the scope"));
    assert!(report.of("scope_targets").is_empty(), "whom Exchange checks cannot be seen past a consent");
    bench.0.done().await;
}

#[tokio::test]
async fn mailboxes_of_the_command_line_come_first_and_must_be_somebodys() {
    let bench = Bench::start().await;
    let mut settings = bench.write("scoped", SCOPED);
    let online = settings.online.as_mut().unwrap();
    online.mailboxes = vec!["nina@contoso.example".to_owned(), "x@elsewhere.example".to_owned()];
    let mut out = Vec::new();
    check::run(&settings, &mut out).await.unwrap();
    let report = Report(serde_json::from_slice(&out).unwrap());
    assert_eq!(report.one("free_busy").0, "failed", "she is outside the scope");
    assert!(report.of("routing").contains(&("failed", "is in no tenant's domain")), "{:#}", report.0);
    bench.0.done().await;
}

#[tokio::test]
async fn a_chain_that_callers_do_not_trust_and_a_wrong_secret_fail() {
    let bench = Bench::start().await;
    let mut settings = bench.write("free-busy", FREE_BUSY);
    settings.online.as_mut().unwrap().public_ca = None;
    let mut out = Vec::new();
    assert_eq!(check::run(&settings, &mut out).await.unwrap(), Ending::No);
    let report = Report(serde_json::from_slice(&out).unwrap());
    assert!(report.one("public_url").1.contains("certificate"), "{:#}", report.0);

    let settings = bench.write("free-busy", FREE_BUSY);
    std::fs::write(bench.0.path("client-secret"), "mistyped").unwrap();
    let mut out = Vec::new();
    assert_eq!(check::run(&settings, &mut out).await.unwrap(), Ending::No);
    let report = Report(serde_json::from_slice(&out).unwrap());
    assert!(report.one("caller_token").1.contains("401") && !report.0.to_string().contains("mistyped"));
    bench.0.done().await;
}

#[tokio::test]
async fn a_running_gateway_tells_of_surplus_and_lack() {
    let setup = Setup { world: world(), ..Setup::new() };
    let gateway = Setup { credentials: vec![("free_busy", "extra"), ("directory", "half-directory")], ..setup };
    let gateway = gateway.start().await;
    let line = |figure: &str, id: &str| format!("calendar_relay_{figure}{{tenant=\"contoso\",client_id=\"{id}\"}}");
    while gateway.figure(&line("credential_missing", "app-half-directory")).await != 1 {}
    while gateway.figure(&line("credential_excess", "app-extra")).await != 1 {}
    let health = gateway.get(gateway.admin_url("/health")).await.json();
    let credentials = &health["tenants"][0]["credentials"];
    assert_eq!((&credentials[0]["missing"], &credentials[0]["excessive"]), (&json!([]), &json!(["Mail.Read"])));
    assert_eq!(credentials[1]["missing"], json!(["User.ReadBasic.All"]));
    gateway.done().await;
}
