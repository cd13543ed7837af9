//! Forge's public keys as this server holds them: fetched when needed, kept for an hour, never fetched for each bad token. For
//! the verifier.
//!
//! Forge rotates its keys without notice, so an unknown name is asked for at once, but at most once a minute whoever asks. While
//! Forge does not answer, the keys that are held go on counting.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use reqwest::Url;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::key_set::{KeySet, LARGEST_DOCUMENT_BYTES, PublicKey, Unusable};
use super::refusal::Refusal;
use crate::config::Now;

/// How long keys count without a look at Forge's document.
pub const KEPT_SECONDS: i64 = 60 * 60;
/// How long after one fetch the next may follow.
pub const BETWEEN_FETCHES_SECONDS: i64 = 60;
const CONNECT_SECONDS: u64 = 2;
/// An event has to be answered within five seconds.
const ANSWER_SECONDS: u64 = 3;

/// The cache; clones share it.
#[derive(Clone, Debug)]
pub struct KeyCache {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    http: reqwest::Client,
    url: Url,
    held: RwLock<Held>,
    /// Whoever holds the turn fetches, the others wait or use what is held.
    turn: Arc<Mutex<()>>,
}

#[derive(Debug, Default)]
struct Held {
    keys: KeySet,
    fetched_at: Option<i64>,
    tried_at: Option<i64>,
}

/// Why the document could not be had.
#[derive(Debug, thiserror::Error)]
enum FetchFailure {
    #[error("{0}")]
    Unreachable(reqwest::Error),
    #[error("the answer has the status {0}")]
    Status(u16),
    #[error("the answer is larger than a key set")]
    TooLarge,
    #[error(transparent)]
    Unusable(#[from] Unusable),
}

impl KeyCache {
    /// An empty cache of the document at `url`; the first look-up fetches it.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(url: Url) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("clarityloop-bitbucket/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(CONNECT_SECONDS))
            .timeout(Duration::from_secs(ANSWER_SECONDS))
            .build()?;
        Ok(Self { shared: Arc::new(Shared { http, url, held: RwLock::default(), turn: Arc::default() }) })
    }

    /// The key of this name.
    ///
    /// # Errors
    /// [`Refusal::KeyUnknown`], or [`Refusal::KeysUnavailable`] when not one key is held.
    pub async fn key(&self, key_id: &str, now: &Now) -> Result<PublicKey, Refusal> {
        let at = now.unix_seconds();
        match self.shared.known(key_id, at) {
            Some((key, true)) => return Ok(key),
            Some((key, false)) => match Arc::clone(&self.shared.turn).try_lock_owned() {
                Ok(turn) => self.fetch_if_due(turn, at).await,
                Err(_taken) => return Ok(key),
            },
            None => {
                let turn = Arc::clone(&self.shared.turn).lock_owned().await;
                self.fetch_if_due(turn, at).await;
            }
        }
        let held = self.shared.held();
        let none = if held.keys.is_empty() { Refusal::KeysUnavailable } else { Refusal::KeyUnknown };
        held.keys.key(key_id).cloned().ok_or(none)
    }

    /// The fetch is a task of its own, so that a caller who goes away does not end it for those who wait.
    async fn fetch_if_due(&self, turn: OwnedMutexGuard<()>, at: i64) {
        let shared = Arc::clone(&self.shared);
        if !shared.may_try(at) {
            return;
        }
        let fetch = tokio::spawn(async move {
            let _turn = turn;
            shared.fetch(at).await;
        });
        if let Err(error) = fetch.await {
            tracing::error!(%error, "the fetch of Forge's keys did not end");
        }
    }
}

impl Shared {
    /// The key, and whether it may be used without a look at the document.
    fn known(&self, key_id: &str, at: i64) -> Option<(PublicKey, bool)> {
        let held = self.held();
        let is_fresh = is_within(held.fetched_at, at, KEPT_SECONDS);
        held.keys.key(key_id).map(|key| (key.clone(), is_fresh))
    }

    /// Says that a fetch is begun, unless there was one within the last minute.
    fn may_try(&self, at: i64) -> bool {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        if is_within(held.tried_at, at, BETWEEN_FETCHES_SECONDS) {
            return false;
        }
        held.tried_at = Some(at);
        true
    }

    async fn fetch(&self, at: i64) {
        match self.document().await {
            Ok(keys) => {
                let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
                held.keys = keys;
                held.fetched_at = Some(at);
            }
            Err(error) => tracing::warn!(%error, "Forge's keys could not be fetched, those held go on counting"),
        }
    }

    async fn document(&self) -> Result<KeySet, FetchFailure> {
        let mut response = self.http.get(self.url.clone()).send().await.map_err(unreachable)?;
        if !response.status().is_success() {
            return Err(FetchFailure::Status(response.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > LARGEST_DOCUMENT_BYTES {
                return Err(FetchFailure::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(KeySet::parse(&body)?)
    }

    fn held(&self) -> RwLockReadGuard<'_, Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether `then` is less than `seconds` ago. A moment ahead of the clock is not: the clock has been set back.
fn is_within(then: Option<i64>, at: i64, seconds: i64) -> bool {
    then.is_some_and(|then| (0..seconds).contains(&at.saturating_sub(then)))
}

fn unreachable(error: reqwest::Error) -> FetchFailure {
    FetchFailure::Unreachable(error.without_url())
}

#[cfg(test)]
mod tests;
