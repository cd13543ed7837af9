//! Ordinary webhooks, which are made over REST: what is kept of them, and how an event is delivered to them.
//!
//! Source: <https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/> and
//! <https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/>.

use crate::{bitbucket::Bitbucket, calls::Sent, installation::Missing, signing::hexadecimal};
use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac};
use serde_json::Value;
use sha2::Sha256;
use uuid::Uuid;

/// Bodies that are larger are not sent at all, and nobody is told.
const LARGEST_BODY_BYTES: usize = 256 * 1024;
/// The first attempt and two more, after a 5xx or no answer at all.
const ATTEMPTS: u32 = 3;

/// A webhook. It holds a secret, so it has no `Debug`.
#[derive(Clone)]
pub struct Hook {
    /// In braces.
    pub uuid: String,
    /// UUID of the workspace or repository that it is on.
    pub subject: String,
    /// Whether `subject` is a workspace.
    pub is_of_workspace: bool,
    /// Where events go.
    pub url: String,
    /// For people to read.
    pub description: String,
    /// Whether events are sent at all.
    pub active: bool,
    /// What deliveries are signed with; the API never shows it.
    pub secret: Option<String>,
    /// Which events.
    pub events: Vec<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A delivery that can be sent as often as a test wants, in any order.
#[derive(Clone)]
pub struct Delivery {
    /// The hook's UUID, in braces.
    pub hook: String,
    /// The key of the event.
    pub event: String,
    /// Where it goes.
    pub url: String,
    /// The exact bytes that are signed and sent.
    pub body: String,
    /// The value of `X-Hub-Signature`, if the hook has a secret.
    pub signature: Option<String>,
    /// The value of `X-Request-UUID`, the same for every attempt.
    pub request_uuid: String,
}

/// The value of `X-Hub-Signature`: `sha256=` and the HMAC-SHA256 of the raw body in hexadecimal.
#[must_use]
pub fn hub_signature(secret: &str, body: &[u8]) -> String {
    // A key of any length is right for HMAC, so that there is always one.
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map(|mac| mac.chain_update(body).finalize().into_bytes());
    format!("sha256={}", hexadecimal(&mac.unwrap_or_default()))
}

impl Bitbucket {
    /// All webhooks that were made over REST.
    #[must_use]
    pub fn hooks(&self) -> Vec<Hook> {
        self.state().hooks.clone()
    }

    /// Removes a webhook as somebody would on its page.
    pub fn remove_hook(&self, uuid: &str) {
        self.state().hooks.retain(|hook| hook.uuid != uuid);
    }

    /// The deliveries of an event about a pull request to every active hook of its repository and workspace that listens, not yet
    /// sent. `actor` is an account id.
    ///
    /// # Errors
    /// No such pull request.
    pub fn deliveries(&self, event: &str, repository: &str, pull_request_id: u64, actor: &str) -> Result<Vec<Delivery>, Missing> {
        let body = self.event_data(event, repository, pull_request_id, actor)?;
        let repository = self.world(|world| world.repository(repository).cloned());
        let repository = repository.ok_or_else(|| Missing("repository".to_owned()))?;
        let listens = |hook: &&Hook| {
            let is_here = hook.subject == if hook.is_of_workspace { &repository.workspace } else { &repository.uuid }.as_str();
            is_here && hook.active && hook.events.iter().any(|listened| listened == event)
        };
        let state = self.state();
        Ok(state.hooks.iter().filter(listens).map(|hook| delivery(hook, event, &body)).collect())
    }

    /// A delivery of any body to one hook, not yet sent, whether it listens or not.
    ///
    /// # Errors
    /// No such hook.
    pub fn delivery(&self, hook: &str, event: &str, body: &Value) -> Result<Delivery, Missing> {
        let state = self.state();
        let hook = state.hooks.iter().find(|known| known.uuid == hook).ok_or_else(|| Missing(format!("hook {hook}")))?;
        Ok(delivery(hook, event, body))
    }

    /// Sends a delivery and tries again after a 5xx or no answer. The statuses of the attempts, 0 for no answer; none when the body is
    /// too large to be sent.
    pub async fn send(&self, delivery: &Delivery) -> Vec<u16> {
        let mut statuses = Vec::new();
        if delivery.body.len() > LARGEST_BODY_BYTES {
            return statuses;
        }
        for attempt in 1..=ATTEMPTS {
            let status = self.attempt(delivery, attempt).await;
            statuses.push(status.unwrap_or(0));
            if status.is_some_and(|status| status < 500) {
                break;
            }
        }
        statuses
    }

    /// Delivers an event about a pull request, as somebody's doing (an account id), to every hook that listens: the statuses of all
    /// attempts, hook by hook.
    ///
    /// # Errors
    /// No such pull request.
    pub async fn deliver_to_hooks(
        &self,
        event: &str,
        repository: &str,
        pull_request_id: u64,
        actor: &str,
    ) -> Result<Vec<Vec<u16>>, Missing> {
        let mut answers = Vec::new();
        for delivery in self.deliveries(event, repository, pull_request_id, actor)? {
            answers.push(self.send(&delivery).await);
        }
        Ok(answers)
    }

    async fn attempt(&self, delivery: &Delivery, attempt: u32) -> Option<u16> {
        let mut request = self
            .client
            .post(&delivery.url)
            .header("User-Agent", "Bitbucket-Webhooks/2.0")
            .header("Content-Type", "application/json")
            .header("X-Event-Key", &delivery.event)
            .header("X-Hook-UUID", delivery.hook.trim_matches(['{', '}']))
            .header("X-Request-UUID", &delivery.request_uuid)
            .header("X-Attempt-Number", attempt.to_string());
        if let Some(signature) = &delivery.signature {
            request = request.header("X-Hub-Signature", signature);
        }
        let status = request.body(delivery.body.clone()).send().await.ok().map(|answer| answer.status().as_u16());
        let body = serde_json::from_str(&delivery.body).unwrap_or_default();
        let (event, url) = (delivery.event.clone(), delivery.url.clone());
        self.state().sent.push(Sent { event, url, authorization: None, body, status });
        status
    }
}

fn delivery(hook: &Hook, event: &str, body: &Value) -> Delivery {
    let body = body.to_string();
    Delivery {
        hook: hook.uuid.clone(),
        event: event.to_owned(),
        url: hook.url.clone(),
        signature: hook.secret.as_ref().map(|secret| hub_signature(secret, body.as_bytes())),
        body,
        request_uuid: Uuid::new_v4().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::hub_signature;

    #[test]
    fn the_published_signature_comes_out() {
        let expected = "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9";
        assert_eq!(hub_signature("It's a Secret to Everybody", b"Hello World!"), expected);
    }
}
