//! What a configuration may say, and what is said of a wrong one.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod monitor;
mod policies;

use super::*;
use crate::audit::Target;
use crate::client::Ceiling;

const EXAMPLE: &str = include_str!("../../config.example.toml");

fn parse(text: &str) -> Result<Config, Problems> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("secrets")).unwrap();
    std::fs::write(folder.path().join("secrets/token-key"), "0123456789abcdef0123456789abcdef\n").unwrap();
    std::fs::write(folder.path().join("secrets/directory"), "directory-secret").unwrap();
    Config::parse(text, folder.path(), &|name| (name == "CALENDAR_RELAY_FREE_BUSY_SECRET").then(|| "s".to_owned()))
}

fn problem(from: &str, to: &str) -> (usize, String) {
    assert!(EXAMPLE.contains(from), "{from}");
    let problems = parse(&EXAMPLE.replacen(from, to, 1)).unwrap_err();
    let first = problems.iter().next().unwrap();
    (first.line, first.text.clone())
}

fn line_of(text: &str) -> usize {
    EXAMPLE.lines().position(|line| line.contains(text)).unwrap() + 1
}

#[test]
fn the_example_is_valid_and_shows_the_defaults() {
    let config = parse(EXAMPLE).unwrap();
    assert_eq!(config.tenants.len(), 1);
    assert_eq!(config.tenants[0].domains, ["contoso.example", "emea.contoso.example"]);
    assert_eq!(config.clients[0].policy.grants[0].view.ceiling, Ceiling::Time);
    let short = "[server]\nlisten = '127.0.0.1:1'\npublic_url = 'https://x'\nplain = true\n[tokens]\nkeys = [{ id = 'a', secret = { file = 'secrets/token-key' } }]\n";
    let defaults = parse(short).unwrap();
    assert_eq!(format!("{:?}", config.limits), format!("{:?}", defaults.limits));
    assert_eq!(format!("{:?}", config.graph), format!("{:?}", defaults.graph));
    assert_eq!(format!("{:?}", config.log), format!("{:?}", defaults.log));
    assert_eq!(config.ntlm.channel_binding, defaults.ntlm.channel_binding);
    assert_eq!(format!("{:?}", config.changes), format!("{:?}", defaults.changes));
    assert_eq!(config.policies.refresh, defaults.policies.refresh);
    assert_eq!(config.policies.max_age, defaults.policies.max_age);
    assert_eq!((config.admin_listen, config.tokens.lifetime), (defaults.admin_listen, defaults.tokens.lifetime));
}

#[test]
fn an_audit_log_has_one_place() {
    assert!(parse(EXAMPLE).unwrap().audit.is_none(), "off unless it is there");
    let with = |keys: &str| parse(&EXAMPLE.replace("# [audit]", &format!("[audit]\n{keys}")));
    assert_eq!(with("stdout = true").unwrap().audit.unwrap().target, Target::Stdout);
    let file = with("file = \"audit.jsonl\"").unwrap().audit.unwrap().target;
    assert!(matches!(file, Target::File(path) if path.ends_with("audit.jsonl") && path.is_absolute()));
    for (keys, problem) in [
        ("", "exactly one of"),
        ("file = \"a\"\nstdout = true", "exactly one of"),
        ("stdout = true\nhash_key = { file = \"secrets/directory\" }", "shorter than 32 bytes"),
    ] {
        let problems = with(keys).unwrap_err();
        assert!(problems.to_string().contains(problem), "{problems}");
    }
}

#[test]
fn each_problem_names_its_line_its_key_and_the_remedy() {
    for (from, to, key) in [
        ("\"0.0.0.0:8443\"", "\"nowhere\"", "invalid socket address"),
        ("https://calendar.contoso.example\"", "http://calendar.contoso.example\"", "server.public_url"),
        ("trusted_proxies = []", "trusted_proxies = [\"x\"]", "server.trusted_proxies"),
        ("soap = []", "soap = [\"x\"]", "server.networks.soap"),
        ("health = []", "health = [\"192.0.2.0/33\"]", "server.networks.health"),
        ("certificate_names = []", "certificate_names = [\"a.example\"]", "needs server.client_ca"),
        ("plain = false", "plain = true", "server.plain"),
        ("deadline = \"9s\"", "deadline = 9", "invalid type"),
        ("deadline = \"9s\"", "deadline = \"nine\"", "is no duration"),
        ("deadline = \"9s\"", "deadline = \"0s\"", "is no time at all"),
        ("idle_timeout = \"75s\"", "idle_timeout = \"0s\"", "is no time at all"),
        ("timeout = \"8s\"", "timeout = \"0s\"", "is no time at all"),
        ("lifetime = \"1h\"", "lifetime = \"0s\"", "is no time at all"),
        ("header = \"x-forwarded-for\"", "header = \"via\"", "unknown variant `via`"),
        ("level = \"info\"", "level = \"calendar_relay=loud\"", "log.level"),
        ("# extra_ca = \"tls/proxy-ca.pem\"", "extra_ca = \"secrets/directory\"", "holds no certificate"),
        ("# extra_ca = \"tls/proxy-ca.pem\"", "extra_ca = \"none\"", "cannot be read"),
        ("days_per_window = 7", "days_per_window = 0", "cache.days_per_window"),
        ("# notification_url", "notification_url", "needs [store]"),
        ("# notification_url = \"https:", "notification_url = \"http:", "https addresses only"),
        ("calls_per_second = 20", "calls_per_second = 0", "nonzero"),
        ("out_of_office_lifetime = \"30s\"", "out_of_office_lifetime = 30", "invalid type"),
        ("mail_tips = false", "mail_tips = 7", "invalid type"),
        ("cloud = \"global\"", "cloud = \"moon\"", "tenants.cloud"),
        ("\"emea.contoso.example\"]", "\"contoso.example\"]", "tenants.domains"),
        ("\"emea.contoso.example\"]", "\"@contoso\"]", "tenants.domains"),
        ("\"emea.contoso.example\"]", "\"*.example\"]", "tenants.domains"),
        ("# concurrency = 64", "concurrency = 0", "nonzero"),
        ("# cache_megabytes = 128", "cache_megabytes = 257", "tenants.cache_megabytes"),
        ("default = false", "default = 7", "invalid type"),
        ("{ env = \"CALENDAR_RELAY_FREE_BUSY_SECRET\" }", "{ env = \"NO_SUCH\" }", "NO_SUCH is not set"),
        ("{ file = \"secrets/directory\" }", "{ file = \"secrets/none\" }", "cannot be read"),
        ("capabilities = [\"directory\"]", "capabilities = [\"everything\"]", "tenants.credentials.capabilities"),
        ("secrets_sha256 = [\"e3", "secrets_sha256 = [\"", "clients.secrets_sha256"),
        ("passwords_argon2id = []", "passwords_argon2id = [\"$1$x\"]", "clients.passwords_argon2id"),
        ("nt_hashes = []", "nt_hashes = [{ file = \"secrets/directory\" }]", "holds no 32 hexadecimal digits"),
        ("nt_hashes = []", "nt_hashes = [{ file = \"secrets/none\" }]", "cannot be read"),
        ("channel_binding = \"accepted\"", "channel_binding = \"ignored\"", "unknown variant `ignored`"),
        ("\"*@contoso.example\",", "\"contoso.example\",", "clients.mailboxes"),
        ("ceiling = \"time\"", "ceiling = \"sky\"", "clients.ceiling"),
        ("networks = [\"google-calendar-interop\"]", "networks = [\"google\"]", "clients.networks"),
        ("burst = 100", "brust = 100", "unknown field `brust`"),
    ] {
        let (line, text) = problem(from, to);
        assert!(text.contains(key), "{to}: {text}");
        assert_eq!(line, line_of(from), "{to}: {text}");
    }
}

#[test]
fn several_tenants_have_different_domains_one_default_and_shares_that_fit() {
    let with = |more: &str, own: &str| {
        let fabrikam = format!(
            "[[tenants]]\nname = \"fabrikam\"\nid = \"f\"\n{more}\n[[tenants.credentials]]\n\
             client_id = \"f\"\nsecret = {{ file = \"secrets/directory\" }}\ncapabilities = [\"directory\"]\n"
        );
        let text = EXAMPLE.replace("# cache_megabytes = 128", own).replacen("default = false", "default = true", 1);
        parse(&format!("{text}\n{fabrikam}")).map(|config| config.tenants).map_err(|problems| problems.to_string())
    };
    let tenants = with("domains = [\"*.Contoso.example\"]\nconcurrency = 8\ncache_megabytes = 6", "").unwrap();
    assert_eq!((tenants[0].is_default, tenants[1].is_default), (true, false));
    assert_eq!(tenants[1].domains, ["*.contoso.example"]);
    let limits = tenants[1].limits;
    assert_eq!((limits.concurrency, limits.cache_megabytes), (Some(8), Some(6)));
    let elsewhere = "domains = [\"fabrikam.example\"]";
    for (more, own, problem) in [
        ("domains = [\"EMEA.contoso.example\"]", "", "tenants.domains: emea.contoso.example is there already"),
        (&format!("{elsewhere}\ndefault = true"), "", "tenants.default: is true of another tenant already"),
        (elsewhere, "cache_megabytes = 256", "tenants.cache_megabytes: 256 megabytes of tenants' own leave nothing"),
        (&format!("{elsewhere}\ncache_megabytes = 1"), "cache_megabytes = 256", "tenants.cache_megabytes: 257"),
    ] {
        let told = with(more, own).unwrap_err();
        assert!(told.contains(problem), "{told}");
    }
    assert!(with(&format!("{elsewhere}\ncache_megabytes = 1"), "cache_megabytes = 255").is_ok());
}

#[test]
fn ntlm_is_for_tls_unless_it_is_said_to_be_elsewhere() {
    let with = |server: &str, ntlm: &str| {
        let text = format!(
            "[server]\nlisten = '127.0.0.1:1'\npublic_url = 'https://x.example'\n{server}\n[ntlm]\n{ntlm}\n\
             [tokens]\nkeys = [{{ id = 'a', secret = {{ file = 'secrets/token-key' }} }}]\n\
             [[clients]]\nid = 'c'\nnt_hashes = [{{ file = 'secrets/token-key' }}]\ncapabilities = []\nmailboxes = []\n\
             ceiling = 'time'"
        );
        parse(&text).map(|config| config.clients[0].nt_hashes.len()).map_err(|problems| problems.to_string())
    };
    let tls = "certificate = 'a'\nprivate_key = 'b'";
    assert_eq!(with(tls, ""), Ok(1));
    assert_eq!(with(tls, "channel_binding = 'required'"), Ok(1));
    assert_eq!(with("plain = true", "plain = true"), Ok(1));
    assert!(with("plain = true", "").unwrap_err().contains("clients.nt_hashes: NTLM needs TLS"));
    let required = with("plain = true", "plain = true\nchannel_binding = 'required'");
    assert!(required.unwrap_err().contains("ntlm.channel_binding"));
    let config = parse(&EXAMPLE.replace("nt_hashes = []", "nt_hashes = [{ file = 'secrets/token-key' }]")).unwrap();
    assert!(!format!("{config:?}").contains("[1, 35"), "no hash is shown");
}

#[test]
fn captures_go_to_a_directory() {
    let with = |path: &str| parse(&format!("{EXAMPLE}\n[capture]\ndirectory = \"{path}\"\n"));
    assert!(with("captures").is_ok());
    assert!(with("secrets").is_ok());
    let problems = with("secrets/directory").unwrap_err().to_string();
    assert!(problems.contains("capture.directory: is no directory"), "{problems}");
}

#[test]
fn a_short_token_key_is_refused_and_no_secret_is_shown() {
    let text = EXAMPLE.replace("secrets/token-key", "secrets/directory");
    let problems = parse(&text).unwrap_err().to_string();
    assert!(problems.contains("shorter than 32 bytes"), "{problems}");
    assert!(!problems.contains("directory-secret"));
    assert!(!format!("{:?}", parse(EXAMPLE).unwrap()).contains("directory-secret"));
}

#[test]
fn graph_is_reached_over_tls_or_on_this_host() {
    let with = |url: &str| {
        parse(&EXAMPLE.replace("# graph_url = \"https://graph.microsoft.com/\"", &format!("graph_url = \"{url}\"")))
    };
    assert!(with("http://127.0.0.1:9/").is_ok());
    let cloud = with("https://proxy.example").unwrap().tenants.remove(0).cloud;
    assert_eq!(
        (cloud.graph.as_str(), cloud.resource.as_str()),
        ("https://proxy.example/", "https://graph.microsoft.com/")
    );
    assert!(with("http://proxy.example/").is_err());
    assert!(with("https://proxy.example/v1.0").is_err());
}

#[test]
fn assertions_are_made_for_entra_alone() {
    let secret = "secret = { env = \"CALENDAR_RELAY_FREE_BUSY_SECRET\" }";
    let certificate = "certificates = [{ certificate = 'secrets/directory', private_key = 'secrets/directory' }]";
    let with = |url: &str, proof: &str| {
        let text = EXAMPLE.replacen(secret, proof, 1);
        let line = "# login_url = \"https://login.microsoftonline.com/\"";
        assert!(EXAMPLE.contains(line) && EXAMPLE.contains(secret));
        parse(&text.replace(line, &format!("login_url = \"{url}\""))).map_err(|problems| problems.to_string())
    };
    for entra in ["https://login.microsoftonline.us", "https://login.partner.microsoftonline.cn/", "http://localhost:9"]
    {
        assert!(with(entra, certificate).is_ok(), "{entra}");
    }
    for proxy in ["https://proxy.example", "https://login.microsoftonline.com.evil.example/"] {
        let told = with(proxy, certificate).unwrap_err();
        assert!(told.contains("tenants.login_url: Entra would refuse") && told.contains("use graph.proxy"), "{told}");
        assert!(with(proxy, secret).is_ok(), "a secret is the same everywhere");
    }
}

#[test]
fn mail_tips_need_an_application_for_the_whole_tenant() {
    let scoped = EXAMPLE.replacen("rbac_scoped = false", "rbac_scoped = true", 1);
    assert!(parse(&scoped).is_ok());
    let problems = parse(&scoped.replace("mail_tips = false", "mail_tips = true")).unwrap_err();
    let [problem] = &problems.iter().collect::<Vec<_>>()[..] else { panic!("one") };
    assert!(problem.text.contains("tenants.credentials.mail_tips: Exchange has no role"), "{}", problem.text);
    assert_eq!(problem.line, line_of("mail_tips = false"));
    let alone = EXAMPLE.replace("capabilities = [\"free_busy\"]", "capabilities = []");
    let tenant = parse(&alone.replace("mail_tips = false", "mail_tips = true")).unwrap().tenants.remove(0);
    assert_eq!((tenant.mail_tips(), tenant.credentials[0].capabilities.len()), (Some(0), 0));
    assert_eq!(parse(EXAMPLE).unwrap().tenants[0].mail_tips(), None);
}

#[test]
fn who_writes_needs_a_store() {
    let (from, to) = ("capabilities = [\"free_busy\", \"directory\"]", "capabilities = [\"calendar_write\"]");
    let (line, text) = problem(from, to);
    assert_eq!(line, line_of(from));
    assert!(text.contains("[store]"), "{text}");
    let writing = EXAMPLE.replacen(from, to, 1);
    let stored = writing.replace("# [store]\n# path", "[store]\npath");
    assert!(parse(&stored).unwrap().store.is_some());
    let in_memory = stored.replace("\"calendar-relay.sqlite\"", "\":memory:\"");
    assert!(parse(&in_memory).unwrap().store.is_none());
}

#[test]
fn clients_certificates_need_their_authorities_and_tls() {
    let with_ca = EXAMPLE.replacen("# client_ca", "client_ca", 1);
    let named = |names: &str| with_ca.replacen("certificate_names = []", &format!("certificate_names = [{names}]"), 1);
    let digest = "ab".repeat(32);
    let config = parse(&named(&format!("\"Interop.Example\", \"sha256:{digest}\""))).unwrap();
    let names: Vec<String> = config.clients[0].certificates.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["interop.example", &format!("sha256:{digest}")]);
    assert!(config.server.tls.unwrap().client_ca.unwrap().ends_with("tls/clients-ca.pem"));

    let first = |text: &str| parse(text).unwrap_err().iter().next().unwrap().text.clone();
    for wrong in ["*.example", "", "sha256:ab"] {
        assert!(first(&named(&format!("\"{wrong}\""))).contains("clients.certificate_names"), "{wrong}");
    }
    let plain = with_ca
        .replacen("plain = false", "plain = true", 1)
        .replacen("0.0.0.0:8443", "127.0.0.1:8443", 1)
        .replacen("\ncertificate = ", "\n# certificate = ", 1)
        .replacen("\nprivate_key = ", "\n# private_key = ", 1);
    assert!(first(&plain).contains("server.client_ca"), "{}", first(&plain));
}
