//! Graph's own subscriptions: whom a notice is for, and whether it is one.
//!
//! Anybody may post to the addresses that Graph was given: nothing is believed but ids and secrets
//! that we made or were given ourselves. Must not know HTTP.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::Notify;

use crate::graph::{Meaning, Notice};

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Hooks(Mutex<HashMap<String, Known>>);

#[derive(Debug)]
struct Known {
    proof: [u8; 32],
    news: Arc<News>,
}

/// What a watcher is to do next.
#[derive(Debug, Default)]
pub(super) struct News {
    /// Rings when there is something to do.
    pub(super) bell: Notify,
    todo: Mutex<Todo>,
}

/// What has been told since the last look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Todo {
    /// Graph wants its subscription renewed.
    pub(super) renew: bool,
    /// Graph has ended its subscription.
    pub(super) removed: bool,
}

impl Hooks {
    /// From now on notices with the id and the secret of this proof are for that watcher.
    pub(super) fn add(&self, id: &str, proof: [u8; 32], news: &Arc<News>) {
        self.lock().insert(id.to_owned(), Known { proof, news: Arc::clone(news) });
    }

    /// No more notices with the id are expected.
    pub(super) fn remove(&self, id: &str) {
        self.lock().remove(id);
    }

    /// Hands a notice to its watcher; says whether it had one and the right secret.
    pub(super) fn note(&self, notice: &Notice) -> bool {
        let known = self.lock();
        let Some(known) = known.get(&notice.subscription) else { return false };
        if !bool::from(proof(&notice.client_state).ct_eq(&known.proof)) {
            return false;
        }
        known.news.note(notice.meaning);
        true
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl News {
    /// What there is to do; it is taken for done then.
    pub(super) fn take(&self) -> Todo {
        std::mem::take(&mut self.todo.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What could not be done yet is still to be done, without a ring: the next look takes it.
    pub(super) fn put_back(&self, left: Todo) {
        let mut todo = self.todo.lock().unwrap_or_else(PoisonError::into_inner);
        todo.renew |= left.renew;
        todo.removed |= left.removed;
    }

    fn note(&self, meaning: Meaning) {
        let mut todo = self.todo.lock().unwrap_or_else(PoisonError::into_inner);
        match meaning {
            Meaning::Changed => {}
            Meaning::Renew => todo.renew = true,
            Meaning::Removed => todo.removed = true,
        }
        drop(todo);
        self.bell.notify_one();
    }
}

/// A secret that Graph is given, and what is kept of it.
pub(super) fn secret() -> (SecretString, [u8; 32]) {
    let bytes: [u8; 32] = rand::random();
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let secret = SecretString::from(text);
    let proof = proof(secret.expose_secret());
    (secret, proof)
}

fn proof(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_ids_with_the_right_secret_do_anything() {
        let (hooks, news, (secret, proof)) = (Hooks::default(), Arc::new(News::default()), secret());
        hooks.add("id", proof, &news);
        let notice = |subscription: &str, client_state: &str, meaning| Notice {
            subscription: subscription.into(),
            client_state: client_state.into(),
            meaning,
        };
        let secret = secret.expose_secret();
        assert!(!hooks.note(&notice("other", secret, Meaning::Removed)));
        assert!(!hooks.note(&notice("id", "", Meaning::Removed)));
        assert!(!hooks.note(&notice("id", &secret[1..], Meaning::Removed)));
        assert_eq!(news.take(), Todo::default());
        assert!(hooks.note(&notice("id", secret, Meaning::Changed)));
        assert!(hooks.note(&notice("id", secret, Meaning::Renew)));
        assert_eq!(news.take(), Todo { renew: true, removed: false });
        assert_eq!(news.take(), Todo::default());
        news.put_back(Todo { renew: true, removed: false });
        assert!(hooks.note(&notice("id", secret, Meaning::Removed)));
        assert_eq!(news.take(), Todo { renew: true, removed: true }, "what is left, and what came meanwhile");
        hooks.remove("id");
        assert!(!hooks.note(&notice("id", secret, Meaning::Renew)));
    }
}
