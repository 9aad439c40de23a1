//! What `[monitor]` may say.

use super::*;
use crate::calendar::Mailbox;
use crate::out_of_office::Form;

/// 32 bytes of the letter A.
const KEY: &str = "whsec_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=";

/// The example with its monitor switched on as it tells operators to.
fn example() -> String {
    let stored = EXAMPLE.replace("# [store]\n# path", "[store]\npath");
    let begin = stored.find("# [monitor]").unwrap();
    let end = begin + stored[begin..].find("# An audit log").unwrap();
    let section: Vec<&str> =
        stored[begin..end].lines().map(|line| line.strip_prefix('#').unwrap_or(line).trim_start_matches(' ')).collect();
    format!("{}{}\n{}", &stored[..begin], section.join("\n"), &stored[end..])
}

fn parse_with(text: &str, key: &str) -> Result<Config, Problems> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    std::fs::create_dir(folder.path().join("secrets")).unwrap();
    write("secrets/token-key", "0123456789abcdef0123456789abcdef\n");
    write("secrets/directory", "directory-secret");
    write("secrets/webhook", key);
    write("secrets/monitor-token", "the-token");
    Config::parse(text, folder.path(), &|_| Some("s".to_owned()))
}

fn parsed(text: &str) -> Result<Config, Problems> {
    parse_with(text, KEY)
}

#[test]
fn the_example_is_valid_and_shows_the_defaults() {
    assert!(parse(EXAMPLE).unwrap().monitor.is_none(), "off unless it is there");
    let monitor = parsed(&example()).unwrap().monitor.unwrap();
    let [mediator, intranet] = monitor.settings.webhooks.as_slice() else { panic!("{monitor:?}") };
    assert!(matches!(mediator.form, Form::Mediator));
    assert_eq!((mediator.name.as_str(), mediator.target.url.as_str()), ("mediator", "http://10.1.2.3:8080/"));
    assert_eq!(mediator.target.private_networks, ["10.1.2.3/32".parse().unwrap()]);
    assert!(matches!(&intranet.form, Form::Standard { keys } if keys.len() == 1));
    assert_eq!(monitor.settings.default_domain.as_deref(), Some("contoso.example"));
    assert!(monitor.settings.mailboxes[0].matches(&Mailbox::parse("a@contoso.example").unwrap()));
    assert!(!format!("{monitor:?}").contains("QUFB"), "no key is shown");

    let whole = example();
    let begin = whole.find("[monitor]").unwrap();
    let end = begin + whole[begin..].find("# An audit log").unwrap();
    let short = "[monitor]\nmailboxes = [\"*@contoso.example\"]\ndefault_domain = \"contoso.example\"\n";
    let defaults = parsed(&format!("{}{short}{}", &whole[..begin], &whole[end..])).unwrap().monitor.unwrap();
    assert!(defaults.settings.webhooks.is_empty());
    let mut shown = monitor;
    shown.settings.webhooks.clear();
    assert_eq!(format!("{shown:?}"), format!("{defaults:?}"));
}

#[test]
fn each_problem_names_its_line_its_key_and_the_remedy() {
    let example = example();
    for (from, to, key) in [
        ("[store]\npath = \"calendar-relay.sqlite\"", "", "monitor: needs a place"),
        ("listen = \"127.0.0.1:8445\"", "listen = \"0.0.0.0:8445\"", "monitor.listen: is not on this host alone"),
        ("networks = []\n# The", "networks = [\"x\"]\n# The", "monitor.networks: is no network"),
        ("hosts = []", "hosts = [\"http://relay\"]", "monitor.hosts: is no host's name"),
        ("hosts = []", "hosts = [\"relay:8445\"]", "monitor.hosts: is no host's name"),
        ("hosts = []", "hosts = [\"\"]", "monitor.hosts: is no host's name"),
        ("tls = false", "tls = true\nplain = true", "duplicate key"),
        ("mailboxes = [\"*@contoso.example\"]", "mailboxes = []", "monitor.mailboxes: nobody may be watched"),
        (
            "mailboxes = [\"*@contoso.example\"]",
            "mailboxes = [\"contoso\"]",
            "monitor.mailboxes: is no address pattern",
        ),
        ("mailboxes = [\"*@contoso.example\"]", "", "missing field `mailboxes`"),
        ("default_domain = \"contoso.example\"", "default_domain = \"fabrikam.example\"", "monitor.default_domain"),
        ("\ninterval = \"1m\"", "\ninterval = \"10m\"", "monitor.longest_interval: is shorter"),
        ("\ninterval = \"1m\"", "\ninterval = \"0s\"", "is no time at all"),
        ("calls_per_second = 10", "calls_per_second = 0", "nonzero"),
        ("give_up = \"72h\"", "give_up = \"3 fortnights\"", "is no duration"),
        ("name = \"intranet\"", "name = \"Mediator\"", "monitor.webhooks.name: \"Mediator\" is already on line"),
        ("name = \"intranet\"", "name = \" \"", "monitor.webhooks.name: is empty"),
        ("kind = \"standard\"", "kind = \"other\"", "unknown variant `other`"),
        ("kind = \"standard\"", "kind = \"mediator\"", "monitor.webhooks.secrets: a mediator checks no signature"),
        ("kind = \"mediator\"", "kind = \"standard\"", "monitor.webhooks.secrets: a standard webhook needs secrets"),
        ("plain = true\n# Addresses", "## Addresses", "monitor.webhooks.url: is not https"),
        (
            "url = \"http://10.1.2.3:8080\"",
            "url = \"https://10.1.2.3:8080\"",
            "monitor.webhooks.url: is https, yet plain",
        ),
        ("url = \"http://10.1.2.3:8080\"", "url = \"ftp://10.1.2.3\"", "monitor.webhooks.url: is no http"),
        ("url = \"http://10.1.2.3:8080\"", "url = \"http://10.1.2.3/?x\"", "monitor.webhooks.url: must have no query"),
        ("url = \"https://intranet", "url = \"https://u:p@intranet", "neither a user name"),
        ("private_networks = [\"10.1.2.3\"]", "private_networks = []", "monitor.webhooks.url: "),
        ("private_networks = [\"10.1.2.3\"]", "private_networks = [\"here\"]", "monitor.webhooks.private_networks"),
        ("timeout = \"10s\"\n\n[[monitor", "timeout = \"0s\"\n\n[[monitor", "is no time at all"),
        ("{ file = \"secrets/webhook\" }", "{ file = \"secrets/none\" }", "cannot be read"),
        ("{ file = \"secrets/webhook\" }", "{ file = \"secrets/directory\" }", "is no whsec_"),
        (
            "# extra_ca = \"tls/intranet-ca.pem\"",
            "extra_ca = \"secrets/webhook\"",
            "monitor.webhooks.extra_ca: holds no certificate",
        ),
        ("# token = ", "token = { file = \"secrets/none\" } #", "monitor.token: "),
    ] {
        assert!(example.contains(from), "{from}");
        let changed = example.replacen(from, to, 1);
        let problems = parsed(&changed).map(|_| ()).unwrap_err().to_string();
        assert!(problems.contains(key), "{to}: {problems}");
    }
}

#[test]
fn a_problem_is_told_with_its_line() {
    let example = example();
    let changed = example.replacen("name = \"intranet\"", "name = \"mediator\"", 1);
    let line = example.lines().position(|line| line == "name = \"intranet\"").unwrap() + 1;
    let problems = parsed(&changed).unwrap_err();
    assert_eq!(problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [line]);
}

#[test]
fn beyond_this_host_it_is_said_how_and_for_whom() {
    let beyond = example().replacen("listen = \"127.0.0.1:8445\"", "listen = \"0.0.0.0:8445\"", 1);
    let with = |networks: &str, tls: &str| {
        let text = beyond.replacen("networks = []\n# The", &format!("networks = [{networks}]\n# The"), 1);
        parsed(&text.replacen("tls = false", tls, 1).replacen("plain = false\n# Who", "## Who", 1))
            .map(|config| config.monitor.unwrap().tls)
            .map_err(|problems| problems.to_string())
    };
    assert_eq!(with("\"10.0.0.0/8\"", "tls = true"), Ok(true));
    assert_eq!(with("\"10.0.0.0/8\"", "plain = true"), Ok(false));
    assert!(with("\"10.0.0.0/8\"", "").unwrap_err().contains("monitor.listen"));
    assert!(with("", "tls = true").unwrap_err().contains("monitor.networks"));
    assert!(with("\"10.0.0.0/8\"", "tls = true\nplain = true").unwrap_err().contains("monitor.plain"));
    let plain = parsed(&example().replacen("tls = false", "tls = true", 1).replacen(
        "certificate = \"tls/fullchain.pem\"\nprivate_key = \"tls/key.pem\"",
        "",
        1,
    ));
    assert!(plain.unwrap_err().to_string().contains("certificate"));
}

#[test]
fn names_are_compared_in_lower_case_and_without_their_last_dot() {
    let named = example().replacen("hosts = []", "hosts = [\"Relay.Contoso.example.\", \"relay\"]", 1);
    assert_eq!(parsed(&named).unwrap().monitor.unwrap().access.hosts, ["relay.contoso.example", "relay"]);
}

#[test]
fn signing_keys_have_their_length() {
    let with = |key: &str| parse_with(&example(), key).is_ok();
    assert!(with(KEY) && with(&format!("  {KEY} \n")));
    for wrong in [
        "whsec_QUFB",
        KEY.trim_end_matches('='),
        "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=",
        "whsec_????????????????????????????????",
    ] {
        assert!(!with(wrong), "{wrong}");
    }
    assert!(!with(&format!("whsec_{}", "QUFB".repeat(22))), "66 bytes");
}

#[test]
fn patterns_reach_domains() {
    let reaches = |pattern: &str, domain: &str| crate::client::Pattern::new(pattern).reaches(domain);
    assert!(reaches("*", "contoso.example") && reaches("*@*", "contoso.example"));
    assert!(reaches("room-*@Contoso.example", "contoso.EXAMPLE") && reaches("a@*.example", "contoso.example"));
    assert!(
        reaches("*@emea.contoso.example", "*.contoso.example") && reaches("*@e*.contoso.example", "*.contoso.example")
    );
    assert!(!reaches("*@contoso.example", "*.contoso.example"));
    assert!(!reaches("*@contoso.example", "fabrikam.example") && !reaches("*@contoso.example", "emea.contoso.example"));
}
