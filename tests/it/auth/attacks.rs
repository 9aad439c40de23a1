//! Attacks by token: whatever is sent, the answer is one and the same, and no log line repeats it.

use std::io::Write;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use calendar_relay::app;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use serde_json::{Value, json};
use sha2::Sha256;
use tracing_subscriber::EnvFilter;

use super::{bare, status};
use crate::harness::{Answer, CLIENT, Gateway, ISSUER, SECRET, SIGNING_KEY, Setup, client_of, every_thread_is_heard};

const OTHER_KEY: &str = "fedcba9876543210fedcba9876543210";
/// The header of a good token, as it is written.
const GOOD: &str = r#"{"typ":"JWT","alg":"HS256","kid":"k1"}"#;

/// A token of any text, signed with HS256.
fn signed(header: &str, claims: &str, key: &[u8]) -> String {
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn claims(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

/// The claims of a good token, in which one is changed, or taken away by null.
fn with(claims: &Value, name: &str, value: Value) -> String {
    let mut claims = claims.clone();
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    claims.to_string()
}

/// What stays the same: all but the time and the request's id.
fn shape(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let headers = answer.headers.iter().filter(|(name, _)| *name != "date" && *name != "request-id");
    let mut headers: Vec<_> =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    headers.sort();
    (answer.status, headers, answer.body.clone())
}

/// A gateway at which each attack can come from elsewhere, so that none is held up for another's sake.
fn setup() -> Setup {
    let limits = "failures_per_minute = 1000".to_owned();
    Setup { limits, server: "trusted_proxies = [\"127.0.0.1\"]".to_owned(), ..Setup::new() }
}

/// Bad headers of the token, with which it is signed as it should be.
fn headers() -> Vec<String> {
    let mut headers: Vec<String> =
        ["none", "None", "NONE", "nOnE", "", "HS384", "HS512", "RS256", "PS256", "ES256", "EdDSA", "hs256", "HS256 "]
            .iter()
            .map(|alg| format!(r#"{{"typ":"JWT","alg":"{alg}","kid":"k1"}}"#))
            .collect();
    let kids = [
        "k9",
        "",
        "K1",
        "../../etc/passwd",
        "/dev/null",
        "k1' OR '1'='1",
        "k1\\u0000",
        "https://evil.example/key",
        "k1;--",
    ];
    headers.extend(kids.iter().map(|kid| format!(r#"{{"typ":"JWT","alg":"HS256","kid":"{kid}"}}"#)));
    let jwk = format!(r#"{{"kty":"oct","k":"{}","kid":"k1"}}"#, URL_SAFE_NO_PAD.encode(OTHER_KEY));
    headers.extend(
        [
            r#""jku":"https://evil.example/keys""#.to_owned(),
            r#""x5u":"https://evil.example/chain""#.to_owned(),
            format!(r#""jwk":{jwk}"#),
            r#""x5c":["MIIB"]"#.to_owned(),
            r#""crit":["exp"]"#.to_owned(),
            r#""crit":["b64"],"b64":false"#.to_owned(),
            r#""alg":"none""#.to_owned(),
            r#""kid":"k1""#.to_owned(),
            r#""zip":"DEF""#.to_owned(),
        ]
        .iter()
        .map(|more| format!(r#"{{"typ":"JWT","alg":"HS256","kid":"k1",{more}}}"#)),
    );
    let odd = [r#"{"typ":"JWT","alg":"HS256"}"#, r#"{"alg":"HS256","kid":1}"#, "[]", "null", "", "{", r#"["HS256"]"#];
    headers.extend(odd.map(str::to_owned));
    headers
}

/// Bad tokens, and what each of them tries.
fn tokens(gateway: &Gateway, good: &str) -> Vec<(String, String)> {
    let key = SIGNING_KEY.as_bytes();
    let (now, claims) = (app::now().as_second(), claims(good));
    let parts: Vec<&str> = good.split('.').collect();
    let whole = claims.to_string();
    let mut all: Vec<(String, String)> = Vec::new();
    let mut add = |what: &str, token: String| all.push((what.to_owned(), token));

    for header in headers() {
        add(&header, signed(&header, &whole, key));
        add(&format!("{header}, no signature"), format!("{}.{}.", URL_SAFE_NO_PAD.encode(&header), parts[1]));
        add(
            &format!("{header}, the old signature"),
            format!("{}.{}.{}", URL_SAFE_NO_PAD.encode(&header), parts[1], parts[2]),
        );
    }
    // Key confusion: what everybody can know, as the key.
    let pem = std::fs::read(&gateway.made.files.certificate).unwrap();
    let der = gateway.authority();
    for (what, public) in [
        ("PEM", pem.as_slice()),
        ("DER", der.as_ref()),
        ("empty", b""),
        ("the key's id", b"k1"),
        ("the issuer", ISSUER.as_bytes()),
        ("another gateway's", OTHER_KEY.as_bytes()),
    ] {
        for alg in ["HS256", "RS256"] {
            add(&format!("{what} as the key, {alg}"), signed(&GOOD.replace("HS256", alg), &whole, public));
        }
    }
    for (name, value) in [
        ("aud", json!("https://graph.microsoft.com")),
        ("aud", json!(["https://evil.example", ISSUER])),
        ("aud", json!("")),
        ("aud", json!(format!("{ISSUER}/"))),
        ("aud", Value::Null),
        ("iss", json!("https://evil.example")),
        ("iss", json!(format!("{ISSUER}.evil.example"))),
        ("iss", json!([ISSUER])),
        ("iss", Value::Null),
        ("exp", json!(now - 1)),
        ("exp", json!(-1)),
        ("exp", json!("9999999999")),
        ("exp", json!(1e300)),
        ("exp", Value::Null),
        ("nbf", json!(now + 600)),
        ("nbf", Value::Null),
        ("iat", json!(now + 600)),
        ("iat", json!(true)),
        ("sub", json!("formerly")),
        ("sub", json!("INTEROP")),
        ("sub", json!("interop@contoso.example")),
        ("sub", json!([CLIENT])),
        ("sub", json!("")),
        ("sub", Value::Null),
        ("secret_id", json!("AAAAAAAAAAAAAAAAAAAAAA")),
        ("secret_id", json!("")),
        ("secret_id", Value::Null),
        ("certificate", json!("any.example")),
        ("certificate", json!("*")),
    ] {
        add(&format!("{name}: {value}"), signed(GOOD, &with(&claims, name, value), key));
    }
    let again = |more: &str| format!("{},{more}}}", whole.trim_end_matches('}'));
    for twice in [r#""sub":"interop""#.to_owned(), format!(r#""exp":{}"#, now + 600), format!(r#""aud":"{ISSUER}""#)] {
        add(&format!("twice {twice}"), signed(GOOD, &again(&twice), key));
    }
    for (what, text) in [
        ("an array", "[]".to_owned()),
        ("null", "null".to_owned()),
        ("a text", "\"x\"".to_owned()),
        ("no JSON", "{".to_owned()),
        ("deep", format!("{}{}", "[".repeat(4000), "]".repeat(4000))),
        ("deep in a claim", again(&format!(r#""x":{}{}"#, "[".repeat(4000), "]".repeat(4000)))),
        ("20 kB", again(&format!(r#""x":"{}""#, "x".repeat(15_000)))),
    ] {
        // What is too long or of no use besides is not looked at, if the rest is in order.
        let token = signed(GOOD, &text, key);
        let token = if what.starts_with("deep in") || what == "20 kB" { format!("{token}A") } else { token };
        add(what, token);
    }
    let (first, rest) = parts[2].split_at(1);
    let turned = format!("{}{rest}", if first == "A" { "B" } else { "A" });
    for (what, token) in [
        ("a turned signature", format!("{}.{}.{turned}", parts[0], parts[1])),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("four parts", format!("{good}.{}", parts[2])),
        ("five parts, as encrypted ones have", format!("{}.a.b.c.d", parts[0])),
        ("cut off", good[..good.len() - 1].to_owned()),
        ("cut off in the claims", good[..parts[0].len() + 9].to_owned()),
        ("padded", format!("{good}==")),
        ("in the other alphabet", format!("{}.{}.{}", parts[0], parts[1], STANDARD.encode([0xfb; 32]))),
        ("two at once", format!("{good}, {good}")),
        ("two, one of them good", format!("{good} {good}")),
        ("quoted", format!("\"{good}\"")),
        ("rubbish", "a.b.c".to_owned()),
        ("dots", "..".to_owned()),
        ("one dot", ".".to_owned()),
    ] {
        add(what, token);
    }
    all
}

/// Whole headers that are bad, or several of them.
fn requests(good: &str) -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let bearer = format!("Bearer {good}");
    let basic = format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{SECRET}")));
    let bytes = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>();
    vec![
        ("two good tokens", bytes(&[&bearer, &bearer])),
        ("a good token and a bad one", bytes(&[&bearer, "Bearer a.b.c"])),
        ("a bad token and a good one", bytes(&["Bearer a.b.c", &bearer])),
        ("a good token and good Basic", bytes(&[&bearer, &basic])),
        ("good Basic and a good token", bytes(&[&basic, &bearer])),
        ("good Basic twice", bytes(&[&basic, &basic])),
        ("a good token and nothing", bytes(&[&bearer, ""])),
        ("another scheme", bytes(&[&format!("Token {good}")])),
        ("no scheme", bytes(&[good])),
        ("no token", bytes(&["Bearer"])),
        ("an empty token", bytes(&["Bearer  "])),
        ("a tab", bytes(&[&format!("Bearer\t{good}")])),
        ("beyond ASCII", vec![[b"Bearer ", "é".as_bytes(), good.as_bytes()].concat()]),
        ("no UTF-8", vec![[b"Bearer \xff\xfe", good.as_bytes()].concat()]),
    ]
}

/// Sends these `Authorization` headers, from a network that nobody has used before.
async fn attack(gateway: &Gateway, values: &[Vec<u8>], network: usize) -> Answer {
    let mut request = bare(gateway).header("x-forwarded-for", format!("2001:db8:0:{network:x}::1"));
    for value in values {
        request = request.header(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
    }
    gateway.send(request).await
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn every_attack_has_the_same_answer_and_no_line_repeats_it() {
    every_thread_is_heard();
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone());
    let filter = EnvFilter::new("info,calendar_relay=trace");
    let _guard = tracing::subscriber::set_default(subscriber.with_env_filter(filter).finish());

    let gateway = setup().start().await;
    let good = gateway.token().await;
    assert_eq!(status(&gateway, bare(&gateway).bearer_auth(&good)).await, 200);
    let again = signed(GOOD, &claims(&good).to_string(), SIGNING_KEY.as_bytes());
    assert_eq!(status(&gateway, bare(&gateway).bearer_auth(&again)).await, 200, "a good one can be made here");

    let expected = shape(&gateway.send(bare(&gateway)).await);
    assert_eq!(expected.0, 401);
    assert_eq!(expected.2, "");
    let bad = tokens(&gateway, &good);
    assert!(bad.len() > 150, "{}", bad.len());
    let single = bad.iter().map(|(what, token)| (what.as_str(), vec![format!("Bearer {token}").into_bytes()]));
    for (index, (what, values)) in single.chain(requests(&good)).enumerate() {
        let answer = attack(&gateway, &values, index + 1).await;
        assert_eq!(shape(&answer), expected, "{what}");
    }
    // What came before changes nothing for who is right.
    assert_eq!(status(&gateway, bare(&gateway).bearer_auth(&good)).await, 200);
    gateway.done().await;

    let lines = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(lines.contains("wrong credentials") && lines.contains("outcome=\"outdated\""), "{lines}");
    let signatures = bad.iter().filter_map(|(_, token)| token.rsplit('.').next()).filter(|text| text.len() > 16);
    for secret in signatures.chain(good.split('.').skip(1)).chain([SECRET, SIGNING_KEY]) {
        assert!(!lines.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn what_is_too_long_for_a_header_is_not_looked_at() {
    let gateway = setup().start().await;
    let good = gateway.token().await;
    let http = client_of(&gateway.made.authority, reqwest::ClientBuilder::http1_only);
    let long = format!("{good}{}", "x".repeat(64 << 10));
    // The server may answer and close before all of it is sent.
    if let Ok(answer) = http.post(gateway.url("/")).bearer_auth(long).send().await {
        assert_eq!(answer.status(), 431);
    }
    assert_eq!(status(&gateway, bare(&gateway).bearer_auth(&good)).await, 200);
    gateway.done().await;
}

#[tokio::test]
async fn tokens_end_with_the_client_and_with_the_secret() {
    const SECOND: &str = "another-generated-secret-of-more-than-128-bits";
    let digest = calendar_relay::commands::credentials::sha256;
    let listed = |secrets: &[&str]| {
        let digests: Vec<String> = secrets.iter().map(|secret| format!("\"{}\"", digest(secret))).collect();
        let setup = Setup::new();
        let clients = setup.clients.replace(&format!("\"{}\"", digest(SECRET)), &digests.join(", "));
        Setup { clients, ..setup }
    };
    let gateway = listed(&[SECRET, SECOND]).start().await;
    let first = gateway.token().await;
    let answer = gateway.form(&format!("client_id={CLIENT}&client_secret={SECOND}")).await;
    let second = answer.json()["access_token"].as_str().unwrap().to_owned();
    let statuses = async |gateway: &Gateway| {
        let of = async |token: &str| status(gateway, bare(gateway).bearer_auth(token)).await;
        [of(&first).await, of(&second).await]
    };
    assert_eq!(statuses(&gateway).await, [200, 200]);
    for secret in [SECRET, SECOND] {
        assert_eq!(status(&gateway, bare(&gateway).basic_auth(CLIENT, Some(secret))).await, 200);
    }
    gateway.done().await;

    // The same signing key ever since.
    for (secrets, expected) in
        [(vec![SECRET, "a-third-one"], [200, 401]), (vec![SECOND], [401, 200]), (vec!["a-third-one"], [401, 401])]
    {
        let gateway = listed(&secrets).start().await;
        assert_eq!(statuses(&gateway).await, expected, "{secrets:?}");
        gateway.done().await;
    }
    let gone = Setup::new();
    let gateway = Setup { clients: gone.clients.replace("id = \"interop\"", "id = \"another\""), ..gone }.start().await;
    let expected = shape(&gateway.send(bare(&gateway)).await);
    let answer = gateway.send(bare(&gateway).bearer_auth(&first)).await;
    assert_eq!((answer.status, shape(&answer)), (401, expected), "the client is gone, though another has its secret");
    gateway.done().await;
}

#[tokio::test]
async fn who_asks_for_tokens_wrongly_learns_nothing() {
    let gateway = setup().start().await;
    let good = format!("client_id={CLIENT}&client_secret={SECRET}");
    let form = "application/x-www-form-urlencoded";
    let mut networks = 0..;
    let mut post = |content_type: &str, basic: &[(&str, &str)], body: &str| {
        let network: u16 = networks.next().unwrap();
        let mut post =
            gateway.http.post(gateway.url("/token")).header("content-type", content_type).body(body.to_owned());
        post = post.header("x-forwarded-for", format!("2001:db8:1:{network:x}::1"));
        basic.iter().fold(post, |post, (id, secret)| {
            post.header(AUTHORIZATION, format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))))
        })
    };
    let wrong = shape(&gateway.send(post(form, &[], &format!("client_id={CLIENT}&client_secret=wrong"))).await);
    assert_eq!(wrong.0, 401);
    for body in [
        format!("client_id=nobody&client_secret={SECRET}"),
        format!("client_id={CLIENT}%00&client_secret={SECRET}"),
        format!("client_id={CLIENT}&client_secret={SECRET}%00"),
        format!("client_id={CLIENT}'--&client_secret=x"),
        format!("client_id={CLIENT}&client_secret={}", "x".repeat(60_000)),
    ] {
        assert_eq!(shape(&gateway.send(post(form, &[], &body)).await), wrong, "{body}");
    }
    let right = (CLIENT, SECRET);
    for (what, content_type, basic, body, status, error) in [
        ("one Basic", form, vec![right], "", 200, None),
        ("both ways, the same", form, vec![right], &*good, 200, None),
        ("both ways, another secret", form, vec![right], &good.replace(SECRET, "x"), 400, Some("invalid_request")),
        ("both ways, another client", form, vec![right], &good.replace(CLIENT, "x"), 400, Some("invalid_request")),
        ("two Basic", form, vec![right, right], "", 401, Some("invalid_client")),
        ("two Basic and a form", form, vec![right, ("x", "y")], &good, 401, Some("invalid_client")),
        ("client_id twice", form, vec![], &format!("{good}&client_id=x"), 400, Some("invalid_request")),
        ("client_secret twice", form, vec![], &format!("{good}&client_secret={SECRET}"), 400, Some("invalid_request")),
        ("scope twice", form, vec![], &format!("{good}&scope=a&scope=b"), 400, Some("invalid_request")),
        ("JSON", "application/json", vec![], r#"{"client_id":"interop"}"#, 400, Some("invalid_request")),
        ("a form that says it is none", "text/plain", vec![], &good, 400, Some("invalid_request")),
        ("many parts", "multipart/form-data; boundary=x", vec![], &good, 400, Some("invalid_request")),
        ("with a charset", "application/x-www-form-urlencoded; charset=utf-8", vec![], &good, 200, None),
        ("too long", form, vec![], &"x".repeat(100_000), 413, Some("invalid_request")),
    ] {
        let answer = gateway.send(post(content_type, &basic, body)).await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (status, error), "{what}");
        assert!(!answer.body.contains(SECRET), "{what}");
        assert_eq!(answer.header("cache-control"), "no-store", "{what}");
    }
    let answer = gateway.get(format!("{}?{good}", gateway.url("/token"))).await;
    assert_eq!(answer.status, 405, "secrets have no place in an address");
    gateway.done().await;
}
