//! Certificates, others' tokens and the machine's identity; and what an administrator changes meanwhile.

use std::fs;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::ToSpan;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use sha2::Digest;

use super::{NOW, Reply, Running, TENANT, read, small, start};

const CLIENT: &str = "app-signs";
const TYPE: (&str, &str) = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");

fn file(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/credentials");
    fs::read_to_string(folder.join(name)).unwrap()
}

fn thumbprints(name: &str) -> (String, String) {
    let der = CertificateDer::from_pem_slice(file(name).as_bytes()).unwrap();
    (URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(&der)), URL_SAFE_NO_PAD.encode(sha1::Sha1::digest(&der)))
}

/// Signs whatever it is given.
fn jwt(header: &Value, claims: &Value, key: &str, algorithm: Algorithm) -> String {
    let key = EncodingKey::from_rsa_pem(file(key).as_bytes()).unwrap();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    format!("{signed}.{}", crypto::sign(signed.as_bytes(), &key, algorithm).unwrap())
}

fn header() -> Value {
    json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": thumbprints("gateway.pem").0 })
}

fn claims(running: &Running) -> Value {
    let now = NOW.get().as_second();
    let audience = format!("{}/{TENANT}/oauth2/v2.0/token", running.simulator.base_url());
    json!({ "aud": audience, "iss": CLIENT, "sub": CLIENT, "jti": "1", "nbf": now, "iat": now, "exp": now + 300 })
}

fn with(value: Value, changes: &[(&str, Value)]) -> Value {
    let mut value = value;
    for (name, change) in changes {
        let fields = value.as_object_mut().unwrap();
        if change.is_null() {
            fields.remove(*name)
        } else {
            fields.insert((*name).to_owned(), change.clone())
        };
    }
    value
}

/// A company with an application that signs with a certificate, one that others speak for, and one of a machine.
async fn company() -> Running {
    let mut world = small();
    let applications = world["tenants"][0]["applications"].as_array_mut().unwrap();
    applications.extend([
        json!({ "name": "signs", "client_id": CLIENT, "roles": ["User.Read.All"],
            "certificates": [file("gateway.pem"), file("over.pem")] }),
        json!({ "name": "cluster", "client_id": "app-cluster", "roles": ["User.Read.All"], "federated": [{
            "issuer": "https://cluster.example/", "subject": "system:serviceaccount:relay:relay",
            "key": public_key("old.pem") }] }),
        json!({ "name": "machine", "client_id": "app-machine", "roles": ["User.Read.All"], "managed_identity": true }),
    ]);
    start(&world).await
}

/// A certificate's public key as PEM.
fn public_key(certificate: &str) -> String {
    use x509_parser::prelude::{FromDer, X509Certificate};
    let der = CertificateDer::from_pem_slice(file(certificate).as_bytes()).unwrap();
    let (_, parsed) = X509Certificate::from_der(&der).unwrap();
    let text = base64::engine::general_purpose::STANDARD.encode(parsed.public_key().raw);
    format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n")
}

async fn show(running: &Running, client_id: &str, assertion: &str) -> Reply {
    let changes = [("client_id", client_id), ("client_secret", ""), TYPE, ("client_assertion", assertion)];
    running.ask_token(TENANT, &changes).await
}

fn number(reply: &Reply) -> i64 {
    reply.body["error_codes"][0].as_i64().unwrap_or_default()
}

fn token_claims(token: &Value) -> Value {
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn a_certificates_assertion_is_believed() {
    let mut running = company().await;
    let older = json!({ "alg": "RS256", "typ": "JWT", "x5t": thumbprints("gateway.pem").1 });
    let mut by_domain = claims(&running);
    by_domain["aud"] = json!(running.simulator.base_url() + "/T.example/oauth2/v2.0/token");
    for assertion in [
        jwt(&header(), &claims(&running), "gateway.key", Algorithm::PS256),
        jwt(&older, &claims(&running), "gateway.key", Algorithm::RS256),
        jwt(&header(), &by_domain, "gateway.key", Algorithm::PS256),
    ] {
        let issued = show(&running, CLIENT, &assertion).await.expect(200);
        let told = token_claims(&issued["access_token"]);
        assert_eq!((&told["appidacr"], &told["appid"]), (&json!("2"), &json!(CLIENT)));
        running.token = issued["access_token"].as_str().unwrap().to_owned();
        running.get("/v1.0/users").await.expect(200);
    }
    assert_eq!(token_claims(&json!(running.token_of("app-basic").await))["appidacr"], "1");
}

#[tokio::test]
async fn each_flaw_of_an_assertion_is_refused_by_its_name() {
    let running = company().await;
    let now = NOW.get().as_second();
    let good = || claims(&running);
    let other = format!("{}/22222222-2222-4333-8444-555555555555/oauth2/v2.0/token", running.simulator.base_url());
    let over = json!({ "alg": "PS256", "x5t#S256": thumbprints("over.pem").0 });
    let plain = json!({ "alg": "PS256", "typ": "JWT" });
    let rs = json!({ "alg": "RS256", "x5t#S256": thumbprints("gateway.pem").0 });
    let cases: [(&str, Value, Value, &str, i64); 17] = [
        ("unknown certificate", with(header(), &[("x5t#S256", json!("AAAA"))]), good(), "gateway.key", 700_027),
        ("another's key", header(), good(), "over.key", 700_027),
        ("another algorithm than signed with", rs, good(), "gateway.key", 700_027),
        ("expired certificate", over, good(), "over.key", 700_027),
        ("another tenant", header(), with(good(), &[("aud", json!(other))]), "gateway.key", 700_023),
        ("no audience", header(), with(good(), &[("aud", Value::Null)]), "gateway.key", 700_023),
        ("another issuer", header(), with(good(), &[("iss", json!("app-basic"))]), "gateway.key", 700_021),
        ("no subject", header(), with(good(), &[("sub", Value::Null)]), "gateway.key", 700_021),
        ("over", header(), with(good(), &[("exp", json!(now - 300))]), "gateway.key", 700_024),
        ("not yet", header(), with(good(), &[("nbf", json!(now + 301))]), "gateway.key", 700_024),
        ("no end", header(), with(good(), &[("exp", Value::Null)]), "gateway.key", 50027),
        ("no jti", header(), with(good(), &[("jti", Value::Null)]), "gateway.key", 50027),
        ("no thumbprint", plain, good(), "gateway.key", 50027),
        ("unsigned", with(header(), &[("alg", json!("none"))]), good(), "gateway.key", 50027),
        ("by a public key as secret", with(header(), &[("alg", json!("HS256"))]), good(), "gateway.key", 50027),
        ("another type", with(header(), &[("typ", json!("at+jwt"))]), good(), "gateway.key", 50027),
        ("no object", json!([]), good(), "gateway.key", 50027),
    ];
    for (flaw, header, claims, key, code) in cases {
        let reply = show(&running, CLIENT, &jwt(&header, &claims, key, Algorithm::PS256)).await;
        assert_eq!((reply.status, number(&reply)), (401, code), "{flaw}: {}", reply.body);
        assert_eq!(reply.body["error"], "invalid_client");
    }
    let within = with(good(), &[("nbf", json!(now + 299)), ("exp", json!(now - 299))]);
    show(&running, CLIENT, &jwt(&header(), &within, "gateway.key", Algorithm::PS256)).await.expect(200);
    let good = jwt(&header(), &good(), "gateway.key", Algorithm::PS256);
    assert_eq!(
        number(&show(&running, "app-basic", &good).await),
        700_027,
        "another application has no such certificate"
    );
    let untyped = [("client_id", CLIENT), ("client_secret", ""), ("client_assertion", good.as_str())];
    assert_eq!(number(&running.ask_token(TENANT, &untyped).await), 900_144);
    let typed = [&untyped[..], &[("client_assertion_type", "saml")]].concat();
    assert_eq!(number(&running.ask_token(TENANT, &typed).await), 9_002_313);
    assert_eq!(number(&running.ask_token(TENANT, &[("client_id", CLIENT)]).await), 7_000_215, "it has no secret");
}

#[tokio::test]
async fn somebody_elses_word_is_taken_where_it_is_trusted() {
    let running = company().await;
    let now = NOW.get().as_second();
    let header = json!({ "alg": "RS256", "kid": "k", "typ": "JWT" });
    let claims = json!({ "iss": "https://cluster.example/", "sub": "system:serviceaccount:relay:relay",
        "aud": ["api://AzureADTokenExchange"], "iat": now, "nbf": now, "exp": now + 3600 });
    let signed = |claims: &Value, key: &str| jwt(&header, claims, key, Algorithm::RS256);
    let issued = show(&running, "app-cluster", &signed(&claims, "old-pkcs1.key")).await.expect(200);
    assert_eq!(token_claims(&issued["access_token"])["appidacr"], "2");
    let cases = [
        ("iss", json!("https://Cluster.example/"), 700_211),
        ("sub", json!("system:serviceaccount:relay:Relay"), 700_213),
        ("aud", json!("https://kubernetes.default.svc"), 700_212),
        ("exp", json!(now - 301), 700_024),
    ];
    for (claim, value, code) in cases {
        let wrong = with(claims.clone(), &[(claim, value)]);
        let reply = show(&running, "app-cluster", &signed(&wrong, "old-pkcs1.key")).await;
        assert_eq!((reply.status, number(&reply)), (401, code), "{claim}: {}", reply.body);
    }
    assert_eq!(number(&show(&running, "app-cluster", &signed(&claims, "gateway.key")).await), 700_027);
    assert_eq!(number(&show(&running, "app-basic", &signed(&claims, "old-pkcs1.key")).await), 50027, "trusts nobody");
}

/// What is wrong, query and headers with it, and a word of the refusal.
type Flaw<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str);

#[tokio::test]
async fn a_machine_is_known_by_where_it_is() {
    let mut running = company().await;
    let ask = async |running: &Running, query: &str, headers: &[(&str, &str)]| {
        let url = format!("{}/metadata/identity/oauth2/token?{query}", running.simulator.base_url());
        let request =
            headers.iter().fold(running.http.get(url), |request, (name, value)| request.header(*name, *value));
        read(request.send().await.unwrap()).await
    };
    let query = "api-version=2018-02-01&resource=https%3A%2F%2Fgraph.microsoft.com%2F";
    let here = [("Metadata", "true")];
    for query in [query.to_owned(), format!("{query}&client_id=app-machine")] {
        let issued = ask(&running, &query, &here).await.expect(200);
        assert_eq!((&issued["expires_in"], &issued["token_type"]), (&json!("3599"), &json!("Bearer")));
        assert_eq!(issued["expires_on"], (NOW.get().as_second() + 3599).to_string());
        assert_eq!(issued["resource"], "https://graph.microsoft.com/");
        running.token = issued["access_token"].as_str().unwrap().to_owned();
        running.get("/v1.0/users").await.expect(200);
    }
    let cases: [Flaw<'_>; 7] = [
        ("no header", query, &[], "Required metadata header not specified"),
        ("false", query, &[("Metadata", "false")], "Required metadata header not specified"),
        ("forwarded", query, &[("Metadata", "true"), ("X-Forwarded-For", "10.0.0.1")], "forwarded"),
        ("no version", "resource=https%3A%2F%2Fgraph.microsoft.com", &here, "api-version"),
        ("no resource", "api-version=2018-02-01", &here, "audience"),
        ("another resource", "api-version=2018-02-01&resource=https%3A%2F%2Fx.example", &here, "AADSTS500011"),
        ("no identity of this machine", &format!("{query}&client_id=app-basic"), &here, "Identity not found"),
    ];
    for (what, query, headers, told) in cases {
        let reply = ask(&running, query, headers).await;
        assert!(reply.status == 400 && reply.body["error"].is_string(), "{what}: {} {}", reply.status, reply.body);
        assert!(reply.body["error_description"].as_str().unwrap().contains(told), "{what}: {}", reply.body);
    }
    let second = json!({ "managed_identity": true });
    running.send("PATCH", "/control/applications/app-basic", &[], Some(&second)).await.expect(204);
    let reply = ask(&running, query, &here).await;
    assert!(reply.body["error_description"].as_str().unwrap().starts_with("Multiple"), "{}", reply.body);
    running.fault(json!({ "call": "token", "status": 429, "code": "too_many_requests", "times": 1 })).await;
    let reply = ask(&running, query, &here).await;
    assert_eq!((reply.status, &reply.body["error"]), (429, &json!("too_many_requests")));
}

#[tokio::test]
async fn certificates_are_registered_and_removed_at_run_time() {
    let running = company().await;
    let assert_code = async |certificate: &str, key: &str, code: i64| {
        let header = with(header(), &[("x5t#S256", json!(thumbprints(certificate).0))]);
        let reply = show(&running, CLIENT, &jwt(&header, &claims(&running), key, Algorithm::PS256)).await;
        assert_eq!(number(&reply), code, "{certificate} {}", reply.body);
    };
    let path = format!("/control/applications/{CLIENT}/certificates");
    assert_code("old.pem", "old-pkcs1.key", 700_027).await;
    running.post(&path, &json!({ "certificate": file("old.pem") })).await.expect(204);
    assert_code("old.pem", "old-pkcs1.key", 0).await;
    assert_code("gateway.pem", "gateway.key", 0).await;
    let thumbprint = format!("{path}/{}", thumbprints("gateway.pem").0);
    running.send("DELETE", &thumbprint, &[], None).await.expect(204);
    assert_code("gateway.pem", "gateway.key", 700_027).await;
    assert_code("old.pem", "old-pkcs1.key", 0).await;
    assert_eq!(running.send("DELETE", &thumbprint, &[], None).await.status, 404);
    assert_eq!(running.post(&path, &json!({ "certificate": file("gateway.key") })).await.status, 400);
    let all = running.get("/control/applications").await.expect(200);
    let one = all["applications"].as_array().unwrap().iter().find(|one| one["client_id"] == CLIENT).unwrap();
    assert_eq!(one["certificates"].as_array().unwrap().len(), 2);
    assert!(!all.to_string().contains("\"secret\""), "{all}");
}

#[tokio::test]
async fn roles_secrets_and_scopes_change_at_run_time() {
    let mut running = company().await;
    let path = "/control/applications/app-basic";
    let change = async |running: &Running, change: Value| {
        running.send("PATCH", path, &[], Some(&change)).await.expect(204);
    };
    let users = async |running: &mut Running, secret: &str| {
        let issued =
            running.ask_token(TENANT, &[("client_id", "app-basic"), ("client_secret", secret)]).await.expect(200);
        running.token = issued["access_token"].as_str().unwrap().to_owned();
        running.get("/v1.0/users").await.status
    };
    assert_eq!(users(&mut running, "secret").await, 403);
    change(&running, json!({ "roles": ["User.ReadBasic.All"], "client_secret": "new" })).await;
    assert_eq!(running.get("/v1.0/users").await.status, 403, "roles are in the token, and this one is older");
    assert_eq!(users(&mut running, "new").await, 200);
    let refused = running.ask_token(TENANT, &[("client_id", "app-basic")]).await;
    assert_eq!(number(&refused), 7_000_215);
    let view =
        "/v1.0/users/room1@t.example/calendarView?startDateTime=2026-11-24T00:00:00Z&endDateTime=2026-11-25T00:00:00Z";
    assert_eq!(running.get(view).await.status, 403);
    let rooms = json!([{ "role": "Application Calendars.Read", "mailboxes": ["room*@t.example"] }]);
    change(&running, json!({ "rbac": rooms })).await;
    assert_eq!(running.get(view).await.status, 200, "Exchange looks at each call");
    let yesterday = (NOW.get() - 24.hours()).to_string();
    change(&running, json!({ "secret_expires": yesterday })).await;
    let refused = running.ask_token(TENANT, &[("client_id", "app-basic"), ("client_secret", "new")]).await;
    assert_eq!(number(&refused), 7_000_222);
    let send = async |path: &str, body: Value| running.send("PATCH", path, &[], Some(&body)).await.status;
    assert_eq!(send(path, json!({ "role": [] })).await, 400);
    assert_eq!(send(path, json!({ "tenant": "another", "roles": [] })).await, 404);
    assert_eq!(send("/control/applications/nobody", json!({})).await, 404);
}
