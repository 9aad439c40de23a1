//! Names and secrets of clients: whether they are right.
//!
//! In constant time, at the same cost for unknown users, and no more of it at once than the machine
//! can bear. Must not know HTTP.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use hmac::{Hmac, KeyInit, Mac};
use moka::sync::Cache;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use super::callers::Callers;
use super::failures::{Failed, Failures};
use super::refusal::Refusal;
use crate::client::{Client, Clients};

/// Verifies names and secrets.
pub struct Logins {
    /// Passwords being verified.
    checks: Arc<Semaphore>,
    /// Log-ins whose passwords are verified, or wait for it.
    queue: Arc<Semaphore>,
    /// The same for those who were right from there lately, so that strangers cannot take their places.
    reserved: Arc<Semaphore>,
    /// Passwords that were right, under a key that dies with the process; with them what proved them.
    remembered: Cache<[u8; 32], Proof>,
    key: [u8; 32],
    /// What is verified when a client has fewer hashes than another, or there is no such client:
    /// as many as the most that a client has, as costly as the costliest.
    decoys: Vec<String>,
    failures: Arc<Failures>,
}

/// Who has logged in, and by what.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) client: Arc<Client>,
    pub(super) proof: Proof,
}

/// What stands for one of a client's secrets, as the configuration has it: SHA-256 of the secret or of its hash.
pub(super) type Proof = [u8; 32];

/// What stands for each of a client's secrets.
pub(super) fn proofs(client: &Client) -> impl Iterator<Item = Proof> {
    client.secrets.iter().copied().chain(client.passwords.iter().map(|hash| Sha256::digest(hash).into()))
}

/// Why a log-in does not succeed.
#[derive(Debug)]
enum Unsuccessful {
    /// Nobody looked at it.
    Busy,
    /// It is wrong, or taken for wrong.
    Failed(Failed),
}

impl Logins {
    /// `checks` passwords may be verified at once.
    #[must_use]
    pub fn new(clients: &Clients, checks: usize, failures: Arc<Failures>) -> Self {
        let most = clients.iter().map(|client| client.passwords.len()).max().unwrap_or(0);
        let decoy = if most > 0 { decoy(clients) } else { None };
        Self {
            checks: Arc::new(Semaphore::new(checks)),
            queue: Arc::new(Semaphore::new(checks.saturating_add(MOST_WAITING).min(Semaphore::MAX_PERMITS))),
            reserved: Arc::new(Semaphore::new(MOST_WAITING)),
            remembered: Cache::builder().max_capacity(REMEMBERED).time_to_idle(REMEMBERED_FOR).build(),
            key: rand::random(),
            decoys: decoy.map(|decoy| vec![decoy; most]).unwrap_or_default(),
            failures,
        }
    }

    /// The client with this name and secret: the first pair that is right, where they can be read
    /// in several ways. That none is right is counted once, under the first name, and held up.
    pub(super) async fn verify(
        &self,
        callers: &Callers<'_>,
        readings: &[(&str, &SecretString)],
        address: IpAddr,
    ) -> Result<Known, Refusal> {
        let user = readings.first().map_or("", |(name, _)| name);
        match self.find(callers, readings, user, address).await {
            Ok(known) => {
                self.failures.forget(user, address);
                Ok(known)
            }
            Err(Unsuccessful::Busy) => Err(Refusal::Busy),
            Err(Unsuccessful::Failed(failed)) => Err(failed.held_up().await),
        }
    }

    async fn find(
        &self,
        callers: &Callers<'_>,
        readings: &[(&str, &SecretString)],
        user: &str,
        address: IpAddr,
    ) -> Result<Known, Unsuccessful> {
        for (name, secret) in readings {
            if let Some(known) = self.known(callers.named(name), secret) {
                return Ok(known);
            }
        }
        let attempt = Attempt { user: user.to_owned(), address, failures: Arc::clone(&self.failures) };
        if self.decoys.is_empty() {
            return Err(attempt.fail());
        }
        attempt.may_go_on()?;
        let queue = if self.failures.knows(user, address) { &self.reserved } else { &self.queue };
        let place = Arc::clone(queue).try_acquire_owned().map_err(|_| Unsuccessful::Busy)?;
        let candidates = readings.iter().map(|(name, secret)| self.candidate(callers.named(name), secret)).collect();
        // A task of its own: a caller that leaves neither frees the place while the work goes on,
        // nor escapes being counted.
        let check = check(candidates, attempt, Arc::clone(&self.checks));
        let checked = tokio::spawn(async move {
            let checked = check.await;
            drop(place);
            checked
        });
        let (known, memory) = checked.await.unwrap_or(Err(Unsuccessful::Busy))?;
        self.remembered.insert(memory, known.proof);
        Ok(known)
    }

    /// The client, if a generated secret is right, or a password that was right before.
    fn known(&self, client: Option<&Arc<Client>>, secret: &SecretString) -> Option<Known> {
        let digest: [u8; 32] = Sha256::digest(secret.expose_secret().as_bytes()).into();
        let nobody: &[[u8; 32]] = &[[0; 32]];
        let stored = client.map_or(nobody, |client| &client.secrets);
        // No early end: the time must not tell which of several secrets came close.
        let generated = stored.iter().fold(subtle::Choice::from(0), |found, stored| found | stored.ct_eq(&digest));
        let remembered = self.memory(client, secret).and_then(|memory| self.remembered.get(&memory));
        let proof = if bool::from(generated) { Some(digest) } else { remembered };
        client.zip(proof).map(|(client, proof)| Known { client: Arc::clone(client), proof })
    }

    /// What is to be verified: always as many hashes.
    fn candidate(&self, client: Option<&Arc<Client>>, secret: &SecretString) -> Candidate {
        let mut hashes = client.map(|client| client.passwords.clone()).unwrap_or_default();
        let own = hashes.len();
        hashes.extend(self.decoys.iter().skip(own).cloned());
        let claimed = client.cloned().zip(self.memory(client, secret));
        Candidate { hashes, own, secret: secret.clone(), claimed }
    }

    fn memory(&self, client: Option<&Arc<Client>>, secret: &SecretString) -> Option<[u8; 32]> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        mac.update(client.map_or("", |client| &client.id).as_bytes());
        mac.update(&[0]);
        mac.update(secret.expose_secret().as_bytes());
        Some(mac.finalize().into_bytes().into())
    }
}

/// Who tries to log in, from where.
struct Attempt {
    user: String,
    address: IpAddr,
    failures: Arc<Failures>,
}

impl Attempt {
    /// Whether passwords are verified for it; else it has failed.
    fn may_go_on(&self) -> Result<(), Unsuccessful> {
        if self.failures.allow(&self.user, self.address) { Ok(()) } else { Err(self.fail()) }
    }

    fn fail(&self) -> Unsuccessful {
        Unsuccessful::Failed(self.failures.note(Some(&self.user), self.address))
    }
}

/// A password, and what it is verified against.
struct Candidate {
    hashes: Vec<String>,
    /// How many of the hashes are the client's own; they are the first.
    own: usize,
    secret: SecretString,
    /// Whose it is if it is right, and how that is remembered.
    claimed: Option<(Arc<Client>, [u8; 32])>,
}

/// Whose the password is, by what, and how that is remembered.
type Right = (Known, [u8; 32]);

impl Candidate {
    fn verify(self) -> Option<Right> {
        let secret = self.secret.expose_secret().as_bytes();
        let mut found = None;
        for (index, hash) in self.hashes.iter().enumerate() {
            let right =
                PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(secret, &hash).is_ok());
            if right && index < self.own {
                found = Some(Sha256::digest(hash).into());
            }
        }
        let ((client, memory), proof) = self.claimed.zip(found)?;
        Some((Known { client, proof }, memory))
    }
}

async fn check(candidates: Vec<Candidate>, attempt: Attempt, checks: Arc<Semaphore>) -> Result<Right, Unsuccessful> {
    let _permit = checks.acquire_owned().await.map_err(|_| Unsuccessful::Busy)?;
    // Others of this address may have failed while this one waited.
    attempt.may_go_on()?;
    let verify = move || candidates.into_iter().find_map(Candidate::verify);
    let right = tokio::task::spawn_blocking(verify).await.map_err(|_| Unsuccessful::Busy)?;
    right.ok_or_else(|| attempt.fail())
}

/// A hash of a random password, as costly to verify as the costliest of the clients'.
fn decoy(clients: &Clients) -> Option<String> {
    let hashes = clients.iter().flat_map(|client| &client.passwords);
    let costs = hashes.filter_map(|hash| Params::try_from(&PasswordHash::new(hash).ok()?).ok());
    let costliest = costs.max_by_key(|cost| u64::from(cost.m_cost()) * u64::from(cost.t_cost()))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, costliest);
    argon2.hash_password(&rand::random::<[u8; 16]>()).ok().map(|hash| hash.to_string())
}

/// How many right passwords are remembered, and for how long after they were last used. Long, for who is remembered is
/// let in however often strangers have been wrong in the same network under the same name. A password that is taken away
/// is forgotten with the process: what clients there are changes with a restart alone.
const REMEMBERED: u64 = 10_000;
const REMEMBERED_FOR: Duration = Duration::from_secs(12 * 3600);
/// How many log-ins may wait for their passwords to be verified: some seconds' worth.
const MOST_WAITING: usize = 64;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::client::{Ceiling, Policy};

    const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn hash(password: &str, passes: u32) -> String {
        let cost = Params::new(Params::MIN_M_COST, passes, 1, None).unwrap();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost);
        argon2.hash_password(password.as_bytes()).unwrap().to_string()
    }

    fn clients() -> Clients {
        let client = |id: &str, passwords: &[String]| {
            let policy = Policy::unlimited(&[], &[], Ceiling::Time);
            Client { passwords: passwords.to_vec(), ..Client::without_login(id, policy) }
        };
        Clients::new([client("two", &[hash("old", 1), hash("new", 3)]), client("one", &[hash("only", 1)])])
    }

    fn logins(clients: &Clients, failures: u32) -> Logins {
        Logins::new(clients, 1, Arc::new(Failures::new(failures)))
    }

    async fn log_in(logins: &Logins, clients: &Clients, name: &str, password: &str) -> Result<String, Refusal> {
        let callers = Callers::new(clients, None);
        let known = logins.verify(&callers, &[(name, &SecretString::from(password))], ADDRESS).await?;
        assert!(proofs(&known.client).any(|proof| proof == known.proof));
        Ok(known.client.id.clone())
    }

    #[tokio::test]
    async fn any_password_of_a_client_lets_it_in_and_no_decoy_does() {
        let clients = clients();
        let logins = logins(&clients, 10);
        for (name, password) in [("two", "old"), ("two", "new"), ("one", "only"), ("one", "only")] {
            assert_eq!(log_in(&logins, &clients, name, password).await.as_deref(), Ok(name), "{password}");
        }
        for (name, password) in [("two", "only"), ("one", "old"), ("nobody", "only"), ("nobody", "")] {
            assert_eq!(log_in(&logins, &clients, name, password).await, Err(Refusal::Wrong), "{name} {password}");
        }
    }

    #[test]
    fn every_log_in_costs_as_many_verifications_and_decoys_the_most() {
        let clients = clients();
        let logins = logins(&clients, 10);
        for name in ["one", "two", "nobody"] {
            let candidate = logins.candidate(clients.named(name), &SecretString::from("x"));
            assert_eq!(candidate.hashes.len(), 2, "{name}");
        }
        assert!(logins.decoys.iter().all(|decoy| decoy.contains("t=3")));
    }

    #[tokio::test]
    async fn who_leaves_before_the_answer_is_counted_all_the_same() {
        let clients = clients();
        let logins = logins(&clients, 1);
        let busy = Arc::clone(&logins.checks).acquire_owned().await.unwrap();
        let wrong = SecretString::from("wrong");
        {
            let (pairs, callers) = ([("one", &wrong)], Callers::new(&clients, None));
            let mut left = std::pin::pin!(logins.verify(&callers, &pairs, ADDRESS));
            assert!(futures::poll!(&mut left).is_pending());
        }
        drop(busy);
        // Its place is free again only when its password has been verified.
        let places = u32::try_from(MOST_WAITING + 1).unwrap();
        drop(logins.queue.acquire_many(places).await.unwrap());
        assert_eq!(log_in(&logins, &clients, "one", "wrong").await, Err(Refusal::TooOften));
    }

    #[tokio::test(start_paused = true)]
    async fn wrong_secrets_are_held_up_longer_each_time_and_right_ones_never() {
        let secret = |id: &str| Client {
            secrets: vec![Sha256::digest(b"right").into()],
            ..Client::without_login(id, Policy::unlimited(&[], &[], Ceiling::Time))
        };
        let clients = Clients::new([secret("a"), secret("b")]);
        let logins = logins(&clients, 100);
        let begun = tokio::time::Instant::now();
        let mut ends = Vec::new();
        for _ in 0..6 {
            assert_eq!(log_in(&logins, &clients, "a", "wrong").await, Err(Refusal::Wrong));
            ends.push(begun.elapsed().as_millis());
        }
        assert_eq!(ends, [0, 0, 0, 250, 750, 1750]);
        assert_eq!(log_in(&logins, &clients, "b", "wrong").await, Err(Refusal::Wrong));
        assert_eq!(log_in(&logins, &clients, "a", "right").await.as_deref(), Ok("a"));
        assert_eq!(log_in(&logins, &clients, "a", "wrong").await, Err(Refusal::Wrong));
        assert_eq!(begun.elapsed().as_millis(), 1750);
    }

    #[tokio::test(start_paused = true)]
    async fn strangers_who_are_wrong_in_the_same_network_do_not_shut_out_whom_they_name() {
        let clients = clients();
        let logins = logins(&clients, 1);
        assert_eq!(log_in(&logins, &clients, "one", "only").await.as_deref(), Ok("one"));
        for _ in 0..20 {
            log_in(&logins, &clients, "one", "wrong").await.unwrap_err();
        }
        assert!(!logins.failures.allow("one", ADDRESS));
        assert_eq!(log_in(&logins, &clients, "one", "only").await.as_deref(), Ok("one"));
        // It is remembered for as long as it is used, not for some time since it was verified.
        let policy = logins.remembered.policy();
        assert_eq!((policy.time_to_live(), policy.time_to_idle()), (None, Some(REMEMBERED_FOR)));
    }

    #[tokio::test]
    async fn no_more_than_some_wait() {
        let clients = clients();
        let logins = logins(&clients, 10);
        let places = u32::try_from(MOST_WAITING + 1).unwrap();
        let full = Arc::clone(&logins.queue).acquire_many_owned(places).await.unwrap();
        assert_eq!(log_in(&logins, &clients, "one", "only").await, Err(Refusal::Busy));
        drop(full);
        assert_eq!(log_in(&logins, &clients, "one", "only").await.as_deref(), Ok("one"));
        // Whoever was right from there has a place, however many strangers come.
        let _full = Arc::clone(&logins.queue).acquire_many_owned(places).await.unwrap();
        logins.remembered.invalidate_all();
        assert_eq!(log_in(&logins, &clients, "two", "old").await, Err(Refusal::Busy));
        assert_eq!(log_in(&logins, &clients, "one", "only").await.as_deref(), Ok("one"));
    }
}
