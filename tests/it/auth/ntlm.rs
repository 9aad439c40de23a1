//! Log-in by NTLM: whose a connection is, and that nobody gets in by an old, foreign or altered answer.

mod client;

use client::{Connection, Login, NEGOTIATE, binding, hash_of, header};

use super::certificates::Authority;
use super::lists;
use crate::harness::{CLIENT, Gateway, SECRET, Setup, client as clients, client_of, trusting};

const OTHER_SECRET: &str = "another-generated-secret-of-more-than-128-bits";

/// The usual client, and one that may call from elsewhere alone: its requests are known by their 403.
fn setup() -> Setup {
    let hash = |secret| format!("nt_hashes = [{{ env = \"{}\" }}]\n", hash_of(secret));
    let mut setup = Setup::client(&["*"], &hash(SECRET));
    let elsewhere = format!("networks = [\"192.0.2.0/24\"]\n{}", hash(OTHER_SECRET));
    setup.clients.push_str(&clients("*", "time", &elsewhere).replace("interop", "other"));
    setup
}

fn good() -> Login<'static> {
    Login::new(CLIENT, SECRET)
}

fn other() -> Login<'static> {
    Login::new("other", OTHER_SECRET)
}

async fn connect(gateway: &Gateway) -> Connection {
    Connection::open(gateway, lists()).await
}

async fn statuses(connection: &mut Connection, times: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..times {
        statuses.push(connection.post(None).await.status);
    }
    statuses
}

#[tokio::test]
async fn a_connection_is_its_clients_after_three_legs_and_no_others() {
    let gateway = Setup { limits: "failures_per_minute = 1".to_owned(), ..setup() }.start().await;
    let (mut connection, mut second) = (connect(&gateway).await, connect(&gateway).await);
    let first = connection.post(None).await;
    assert_eq!(first.status, 401);
    let listed: Vec<_> = first.all("www-authenticate").iter().map(|it| it.split(' ').next().unwrap()).collect();
    assert_eq!(listed, ["Basic", "Bearer", "NTLM"]);
    assert_eq!(connection.log_in(good()).await, 200);
    assert_eq!(statuses(&mut connection, 3).await, [200, 200, 200]);
    assert_eq!(statuses(&mut second, 1).await, [401]);
    // The legs are no failures, of which one alone is allowed here.
    for _ in 0..5 {
        assert_eq!(connect(&gateway).await.log_in(good()).await, 200);
    }
    assert_eq!(gateway.figure("calendar_relay_limited_total{client=\"-\",limit=\"authentication\"}").await, 0);
    gateway.done().await;
}

#[tokio::test]
async fn every_name_of_the_client_and_clients_of_every_kind() {
    let gateway = setup().start().await;
    for user in [CLIENT, "INTEROP", "EXAMPLE\\interop", "example\\Interop", "interop@contoso.example", "\\interop"] {
        for (has_mic, binding) in [(true, None), (false, None), (true, Some([0; 16]))] {
            let login = Login { has_mic, binding, ..Login::new(user, SECRET) };
            assert_eq!(connect(&gateway).await.log_in(login).await, 200, "{user} {has_mic}");
        }
    }
    // Both ways to bring a message, and the answer is by the same.
    let mut connection = connect(&gateway).await;
    let head = connection.post(Some(&header("negotiate", NEGOTIATE))).await;
    let answer = header("Negotiate", &good().answer(&head.message("Negotiate")));
    assert_eq!(connection.post(Some(&answer)).await.status, 200);
    // Long bodies are read in every leg.
    let mut connection = Connection::open(&gateway, format!("{}{}", lists(), " ".repeat(500_000))).await;
    assert_eq!(connection.post(None).await.status, 401);
    assert_eq!(connection.log_in(good()).await, 200);
    gateway.done().await;
}

#[tokio::test]
async fn new_credentials_take_the_connection_over_whether_they_are_right_or_not() {
    use base64::Engine as _;
    let basic = |user: &str, secret: &str| {
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{secret}"));
        format!("Basic {pair}")
    };
    let gateway = setup().start().await;
    let bearer = format!("Bearer {}", gateway.token().await);
    let mut connection = connect(&gateway).await;
    assert_eq!(connection.log_in(other()).await, 403);
    assert_eq!(statuses(&mut connection, 2).await, [403, 403], "networks are looked at with each request");
    assert_eq!(connection.log_in(good()).await, 200);
    assert_eq!(statuses(&mut connection, 2).await, [200, 200]);
    // (what is sent, its status): afterwards the connection is nobody's.
    for (authorization, status) in [
        (basic("other", SECRET), 403),
        (basic(CLIENT, SECRET), 200),
        (bearer, 200),
        (basic(CLIENT, "wrong"), 401),
        (header("NTLM", NEGOTIATE), 401),
        (header("NTLM", b"NTLMSSP\0"), 401),
        ("NTLM".to_owned(), 401),
        ("Unheard of".to_owned(), 401),
    ] {
        assert_eq!(connection.log_in(good()).await, 200);
        assert_eq!(connection.post(Some(&authorization)).await.status, status, "{authorization}");
        assert_eq!(statuses(&mut connection, 1).await, [401], "{authorization}");
    }
    assert_eq!(connection.log_in(good()).await, 200);
    assert_eq!(connection.log_in(Login::new(CLIENT, "wrong")).await, 401);
    assert_eq!(statuses(&mut connection, 1).await, [401]);
    gateway.done().await;
}

#[tokio::test]
async fn answers_hold_once_for_their_own_challenge_on_their_own_connection() {
    let gateway = setup().start().await;
    let (mut one, mut two) = (connect(&gateway).await, connect(&gateway).await);
    let older = one.challenge().await;
    let newer = one.challenge().await;
    assert_ne!(older[24..32], newer[24..32]);
    assert_eq!(one.post(Some(&header("NTLM", &good().answer(&older)))).await.status, 401, "an older challenge");
    assert_eq!(one.post(Some(&header("NTLM", &good().answer(&newer)))).await.status, 401, "one that was tried");

    let answer = header("NTLM", &good().answer(&one.challenge().await));
    assert_eq!(two.post(Some(&answer)).await.status, 401, "another connection");
    two.challenge().await;
    assert_eq!(two.post(Some(&answer)).await.status, 401, "another connection with a challenge of its own");
    assert_eq!(one.post(Some(&answer)).await.status, 200);
    assert_eq!(one.post(Some(&answer)).await.status, 401, "twice");
    one.challenge().await;
    assert_eq!(one.post(Some(&answer)).await.status, 401, "twice, to a new challenge");
    assert_eq!(statuses(&mut one, 1).await, [401]);
    assert_eq!(statuses(&mut two, 1).await, [401]);
    gateway.done().await;
}

#[tokio::test]
async fn wrong_altered_old_and_nameless_answers() {
    let gateway = Setup { limits: "failures_per_minute = 1000".to_owned(), ..setup() }.start().await;
    let mut connection = connect(&gateway).await;
    for (user, secret) in [(CLIENT, "wrong"), ("nobody", SECRET), ("other", SECRET)] {
        let challenge = connection.challenge().await;
        let head = connection.post(Some(&header("NTLM", &Login::new(user, secret).answer(&challenge)))).await;
        assert_eq!((head.status, head.all("www-authenticate").len()), (401, 3), "{user}");
    }
    let length = good().answer(&connection.challenge().await).len();
    for at in (0..length).step_by(7) {
        let mut answer = good().answer(&connection.challenge().await);
        answer[at] ^= 0x10;
        assert_eq!(connection.post(Some(&header("NTLM", &answer))).await.status, 401, "{at}");
        assert_eq!(connection.log_in(good()).await, 200, "the right one is let in all the same");
    }
    for response in [&[7; 24][..], &[7; 16], &[], &[1; 200]] {
        connection.challenge().await;
        let answer = header("NTLM", &good().message(response));
        assert_eq!(connection.post(Some(&answer)).await.status, 401, "{}", response.len());
    }
    connection.challenge().await;
    let anonymous = header("NTLM", &Login::new("", SECRET).message(&[7; 100]));
    assert_eq!(connection.post(Some(&anonymous)).await.status, 401);
    assert_eq!(statuses(&mut connection, 1).await, [401]);
    gateway.done().await;
}

#[tokio::test]
async fn bindings_are_of_a_certificate_of_ours() {
    for is_required in [false, true] {
        let mut setup = setup();
        if is_required {
            setup.tokens.push_str("\n[ntlm]\nchannel_binding = \"required\"");
        }
        let gateway = setup.start().await;
        let certificate = |gateway: &Gateway| {
            use rustls::pki_types::pem::PemObject;
            let file = &gateway.made.files.certificate;
            binding(&rustls::pki_types::CertificateDer::from_pem_file(file).unwrap())
        };
        let ours = certificate(&gateway);
        let bound = |binding| Login { binding, ..good() };
        assert_eq!(connect(&gateway).await.log_in(bound(Some(ours))).await, 200);
        let unbound = if is_required { 401 } else { 200 };
        assert_eq!(connect(&gateway).await.log_in(bound(None)).await, unbound);
        assert_eq!(connect(&gateway).await.log_in(bound(Some([0; 16]))).await, unbound);
        assert_eq!(connect(&gateway).await.log_in(bound(Some([1; 16]))).await, 401);
        // A session may outlive the certificate that it began with.
        let _made = calendar_relay::commands::certificate::make(gateway.folder.path(), "test", &[]).unwrap();
        gateway.app.reload_certificates();
        assert_ne!(certificate(&gateway), ours);
        for binding in [ours, certificate(&gateway)] {
            assert_eq!(connect(&gateway).await.log_in(bound(Some(binding))).await, 200);
        }
        gateway.done().await;
    }
}

#[tokio::test]
async fn behind_a_proxy_each_request_is_somebodys_own() {
    let server = "trusted_proxies = [\"127.0.0.0/8\"]".to_owned();
    let gateway = Setup { server, ..setup() }.start().await;
    let (mut one, mut two) = (connect(&gateway).await, connect(&gateway).await);
    one.headers = "X-Forwarded-For: 192.0.2.7\r\n".to_owned();
    two.headers = one.headers.clone();
    // The proxy's own certificate is what the client has seen.
    assert_eq!(one.log_in(Login { binding: Some([1; 16]), ..good() }).await, 200);
    assert_eq!(statuses(&mut one, 1).await, [401]);
    assert_eq!(one.log_in(other()).await, 200, "its network is the one that the proxy tells");

    // The legs may come over several connections: requests_ntlm sends the cookie back as it was given.
    let head = one.post(Some(&header("NTLM", NEGOTIATE))).await;
    let cookie = head.all("set-cookie")[0].to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("Secure"), "{cookie}");
    let answer = header("NTLM", &good().answer(&head.message("NTLM")));
    assert_eq!(two.post(Some(&answer)).await.status, 401, "without the cookie");
    two.headers = format!("{}Cookie: a=b; {cookie}\r\n", two.headers);
    assert_eq!(two.post(Some(&answer)).await.status, 200);
    assert_eq!(two.post(Some(&answer)).await.status, 401, "twice");
    assert_eq!(one.post(Some(&answer)).await.status, 401, "twice, over the first connection");
    gateway.done().await;

    // Without a proxy there is no cookie, and none is looked at.
    let gateway = setup().start().await;
    assert!(connect(&gateway).await.post(Some(&header("NTLM", NEGOTIATE))).await.all("set-cookie").is_empty());
    gateway.done().await;
}

#[tokio::test]
async fn over_http_2_the_client_is_sent_to_http_1() {
    let gateway = setup().start().await;
    let http = client_of(&gateway.made.authority, |builder| {
        builder.tls_backend_preconfigured(trusting(&gateway.made.authority, &["h2"]))
    });
    let post = || http.post(gateway.url("/")).body(lists());
    for _ in 0..2 {
        let response = post().send().await.unwrap();
        assert_eq!((response.status().as_u16(), response.version()), (401, reqwest::Version::HTTP_2));
        assert!(response.headers().get_all("www-authenticate").iter().any(|scheme| scheme == "NTLM"));
        let error = post().header("authorization", header("NTLM", NEGOTIATE)).send().await.unwrap_err();
        let mut source: &(dyn std::error::Error + 'static) = &error;
        while let Some(deeper) = source.source() {
            source = deeper;
        }
        let reason = source.downcast_ref::<h2::Error>().and_then(h2::Error::reason);
        assert_eq!(reason, Some(h2::Reason::HTTP_1_1_REQUIRED), "{error:?}");
        // Other schemes, and the same connection, are none the worse for it.
        assert_eq!(post().basic_auth(CLIENT, Some(SECRET)).send().await.unwrap().status(), 200);
    }
    gateway.done().await;
}

#[tokio::test]
async fn what_is_listed_is_what_somebody_can_use() {
    let hash = format!("nt_hashes = [{{ env = \"{}\" }}]", hash_of(SECRET));
    let mut setup = Setup::new();
    setup.clients = setup
        .clients
        .lines()
        .map(|line| if line.starts_with("secrets_sha256") { &hash } else { line })
        .collect::<Vec<_>>()
        .join("\n");
    setup.tokens.push_str("\n[ntlm]\nplain = true");
    let gateway = Setup { tls: false, ..setup }.start().await;
    let mut connection = connect(&gateway).await;
    let head = connection.post(None).await;
    assert_eq!(head.all("www-authenticate"), ["NTLM"]);
    assert!(head.all("ms-diagnostics-public").is_empty());
    assert_eq!(connection.log_in(good()).await, 200, "on plain loopback, when told to");
    gateway.done().await;

    // Nobody has an NT hash: it is not offered, and not understood.
    let gateway = Setup::new().start().await;
    let mut connection = connect(&gateway).await;
    let head = connection.post(Some(&header("NTLM", NEGOTIATE))).await;
    assert_eq!((head.status, head.all("www-authenticate").len()), (401, 2));
    gateway.done().await;
}

#[tokio::test]
async fn a_client_that_needs_a_certificate_shows_it_by_ntlm_too() {
    let authority = Authority::new();
    let hash = format!("nt_hashes = [{{ env = \"{}\" }}]\ncertificate_names = [\"own.example\"]\n", hash_of(SECRET));
    let gateway = Setup { server: authority.key(), ..Setup::client(&["*"], &hash) }.start().await;
    for (shown, expected) in [(None, 401), (Some("other.example"), 401), (Some("own.example"), 200)] {
        let tls = match shown {
            None => trusting(&gateway.made.authority, &["http/1.1"]),
            Some(name) => authority.shows(&gateway.made.authority, &["http/1.1"], name),
        };
        let mut connection = Connection::over(tls, &gateway, lists()).await;
        assert_eq!(connection.log_in(good()).await, expected, "{shown:?}");
        assert_eq!(connection.post(None).await.status, expected, "{shown:?}");
    }
    gateway.done().await;
}
