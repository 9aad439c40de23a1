//! Tokens of clients: signed JWTs (RFC 7519).
//!
//! Owns what a token says, which keys sign it, and what it dies with: its time, its key, its client, and the secret it was
//! got by. Must not know HTTP, nor what a client may do.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use moka::sync::Cache;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::callers::Callers;
use super::logins::{Known, Proof, proofs};
use super::refusal::BadToken;
use crate::client::{CertificateName, Client};

/// Issues and verifies tokens: signed JWTs (RFC 7519), HS256, bound to issuer and audience.
pub struct Tokens {
    keys: Vec<Key>,
    issuer: String,
    lifetime: Duration,
    validation: Validation,
    /// What was verified before, by the SHA-256 of the token: clients send one token many times.
    verified: Cache<[u8; 32], Arc<Claims>>,
}

struct Key {
    header: Header,
    /// The header as it stands in tokens. Ours have this one to the letter, so that nothing in another's is ever read:
    /// neither its algorithm nor where it says its key is.
    prefix: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

/// What a token says.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Claims {
    iss: String,
    aud: String,
    /// The client's id.
    pub(super) sub: String,
    client_id: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: String,
    /// Which of the client's secrets it was got by; see [`secret_id`].
    secret_id: Option<String>,
    /// Which of the client's certificates it was got with, as the configuration names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<String>,
}

impl Claims {
    /// Whether they are still this client's, over a connection that has shown what `callers` say.
    ///
    /// A token ends with the secret by which it was got, so that one whose secret has leaked is of no use once the secret
    /// is taken from the configuration, nor that of an older client of the same id; another secret beside it changes
    /// nothing. A token that was got with a certificate is of no use without it, whatever the configuration says now.
    pub(super) fn hold_for(&self, client: &Arc<Client>, callers: &Callers<'_>) -> bool {
        let is_known = |id: &String| proofs(client).any(|proof| secret_id(&client.id, &proof) == *id);
        if client.id != self.sub || !self.secret_id.as_ref().is_some_and(is_known) {
            return false;
        }
        let Some(name) = &self.certificate else { return true };
        let name = CertificateName::parse(name);
        let is_shown = name.zip(callers.shown()).is_some_and(|(name, shown)| name.fits(shown));
        if !is_shown {
            callers.withhold(client);
        }
        is_shown
    }
}

impl Tokens {
    /// `keys` are ids and secrets; the first signs, all verify. `issuer` is also the audience.
    #[must_use]
    pub fn new(keys: &[(String, SecretString)], issuer: &str, lifetime: Duration) -> Self {
        let keys = keys.iter().filter_map(|(id, secret)| Key::new(id, secret));
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[issuer]);
        validation.set_required_spec_claims(&["iss", "aud", "exp"]);
        // Times are checked below against the time that the request came in.
        validation.validate_exp = false;
        let verified = Cache::builder().max_capacity(REMEMBERED).time_to_live(lifetime).build();
        Self { keys: keys.collect(), issuer: issuer.to_owned(), lifetime, validation, verified }
    }

    /// Who issues the tokens.
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// How long a token holds.
    pub(super) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// A new token for a client that has logged in, over a connection that has shown this of its certificates.
    pub(super) fn issue(
        &self,
        Known { client, proof }: &Known,
        certificate: Option<&CertificateName>,
        now: Timestamp,
    ) -> Option<String> {
        let key = self.keys.first()?;
        let now = now.as_second();
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.issuer.clone(),
            sub: client.id.clone(),
            client_id: client.id.clone(),
            iat: now,
            nbf: now,
            exp: now.saturating_add_unsigned(self.lifetime.as_secs()),
            jti: Uuid::new_v4().to_string(),
            secret_id: Some(secret_id(&client.id, proof)),
            certificate: certificate.map(CertificateName::to_string),
        };
        jsonwebtoken::encode(&key.header, &claims, &key.encoding).ok()
    }

    /// What a token says, if it is ours and holds at `now`.
    pub(super) fn verify(&self, token: &str, now: Timestamp) -> Result<Arc<Claims>, BadToken> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let claims = match self.verified.get(&digest) {
            Some(claims) => claims,
            None => {
                let claims = Arc::new(self.claims(token).ok_or(BadToken::Forged)?);
                self.verified.insert(digest, Arc::clone(&claims));
                claims
            }
        };
        let now = now.as_second();
        let holds = claims.exp > now && claims.nbf.max(claims.iat) <= now + CLOCK_SKEW;
        if holds { Ok(claims) } else { Err(BadToken::Outdated) }
    }

    /// What a token says, if it is ours.
    fn claims(&self, token: &str) -> Option<Claims> {
        let (header, _) = token.split_once('.')?;
        let key = self.keys.iter().find(|key| key.prefix == header)?;
        Some(jsonwebtoken::decode(token, &key.decoding, &self.validation).ok()?.claims)
    }
}

impl Key {
    /// `None` where no header can be written.
    fn new(id: &str, secret: &SecretString) -> Option<Self> {
        let secret = secret.expose_secret().as_bytes();
        let (encoding, decoding) = (EncodingKey::from_secret(secret), DecodingKey::from_secret(secret));
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(id.to_owned());
        let sample = jsonwebtoken::encode(&header, &(), &encoding).ok()?;
        let (prefix, _) = sample.split_once('.')?;
        Some(Self { prefix: prefix.to_owned(), header, encoding, decoding })
    }
}

/// How a token names the secret it was got by. Nothing about the secret can be found out from it: that has 128 bits and
/// more, or its hash has a salt.
fn secret_id(client: &str, proof: &Proof) -> String {
    let digest = Sha256::new().chain_update("secret_id\0").chain_update(client).chain_update([0]).chain_update(proof);
    URL_SAFE_NO_PAD.encode(digest.finalize().get(..SECRET_ID_BYTES).unwrap_or_default())
}

/// So that two of a client's secrets are not taken for one another.
const SECRET_ID_BYTES: usize = 16;
/// Tokens that are remembered.
const REMEMBERED: u64 = 10_000;
/// Replicas may share keys and yet not the exact time.
const CLOCK_SKEW: i64 = 60;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::client::{Ceiling, Certificate, Clients, Policy};

    const PROOF: Proof = [1; 32];

    fn client(secrets: &[Proof]) -> Client {
        let policy = Policy::unlimited(&[], &[], Ceiling::Time);
        Client { secrets: secrets.to_vec(), ..Client::without_login("c", policy) }
    }

    fn issue(tokens: &Tokens, now: i64) -> String {
        tokens.issue(&Known { client: Arc::new(client(&[PROOF])), proof: PROOF }, None, at(now)).unwrap()
    }

    fn tokens(keys: &[(&str, &str)], issuer: &str) -> Tokens {
        let keys: Vec<_> = keys.iter().map(|(id, secret)| ((*id).to_owned(), SecretString::from(*secret))).collect();
        Tokens::new(&keys, issuer, Duration::from_secs(3600))
    }

    fn verify(tokens: &Tokens, token: &str, now: Timestamp) -> Result<String, BadToken> {
        tokens.verify(token, now).map(|claims| claims.sub.clone())
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    const OLD: (&str, &str) = ("old", "0123456789abcdef0123456789abcdef");
    const NEW: (&str, &str) = ("new", "fedcba9876543210fedcba9876543210");

    #[test]
    fn a_token_holds_for_its_lifetime_and_over_a_rotation_of_keys() {
        let token = issue(&tokens(&[OLD], "https://a"), 1000);
        let rotated = tokens(&[NEW, OLD], "https://a");
        assert_eq!(verify(&rotated, &token, at(1000)), Ok("c".to_owned()));
        assert_eq!(verify(&rotated, &token, at(4599)), Ok("c".to_owned()));
        assert_eq!(verify(&rotated, &token, at(4600)), Err(BadToken::Outdated));
        assert_eq!(verify(&rotated, &token, at(900)), Err(BadToken::Outdated));
        assert_eq!(verify(&tokens(&[NEW], "https://a"), &token, at(1000)), Err(BadToken::Forged));
    }

    #[test]
    fn forged_unsigned_and_foreign_tokens_are_refused() {
        let ours = tokens(&[OLD], "https://a");
        let token = issue(&ours, 1000);
        let parts: Vec<&str> = token.split('.').collect();
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT","kid":"old"}"#);
        let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
        let other = URL_SAFE_NO_PAD.encode(claims.replace(r#""sub":"c""#, r#""sub":"d""#));
        for forged in [
            format!("{none}.{}.", parts[1]),
            format!("{none}.{}.{}", parts[1], parts[2]),
            format!("{}.{other}.{}", parts[0], parts[2]),
            format!("{}.{}.", parts[0], parts[1]),
            "a.b.c".to_owned(),
            String::new(),
        ] {
            assert_eq!(verify(&ours, &forged, at(1000)), Err(BadToken::Forged), "{forged}");
        }
        assert_eq!(verify(&tokens(&[OLD], "https://b"), &token, at(1000)), Err(BadToken::Forged));
        let stolen_id = issue(&tokens(&[("old", NEW.1)], "https://a"), 1000);
        assert_eq!(verify(&ours, &stolen_id, at(1000)), Err(BadToken::Forged));
    }

    #[test]
    fn a_token_ends_with_the_secret_it_was_got_by() {
        let ours = tokens(&[OLD], "https://a");
        let claims = ours.verify(&issue(&ours, 1000), at(1000)).unwrap();
        let holds = |client: Client| {
            let clients = Clients::new([client]);
            let callers = Callers::new(&clients, None);
            claims.hold_for(callers.named("c").unwrap(), &callers)
        };
        assert!(holds(client(&[PROOF])));
        assert!(holds(client(&[[2; 32], PROOF])), "rotation begins with another one beside it");
        assert!(!holds(client(&[[2; 32]])), "the secret is gone, or the client was made anew");
        assert!(!holds(client(&[])));
        assert!(!holds(Client { id: "C".to_owned(), ..client(&[PROOF]) }), "another client");
    }

    #[test]
    fn a_token_got_with_a_certificate_holds_with_it_alone() {
        let ours = tokens(&[OLD], "https://a");
        let known = Known { client: Arc::new(client(&[PROOF])), proof: PROOF };
        let name = CertificateName::parse("a.example").unwrap();
        let claims = ours.verify(&ours.issue(&known, Some(&name), at(1000)).unwrap(), at(1000)).unwrap();
        let certificate = |name: &str| Certificate {
            names: vec![name.to_owned()],
            common_names: Vec::new(),
            fingerprint: [0; 32],
            not_after: jiff::Timestamp::MAX,
        };
        // The client's entry may have been taken away since.
        let clients = Clients::new([client(&[PROOF])]);
        for (shown, holds) in [(None, false), (Some("b.example"), false), (Some("a.example"), true)] {
            let shown = shown.map(certificate);
            let callers = Callers::new(&clients, shown.as_ref());
            assert_eq!(claims.hold_for(callers.named("c").unwrap(), &callers), holds, "{shown:?}");
        }
    }
}
