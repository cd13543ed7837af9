//! Webhooks as a Connect module: wrapped and plain bodies, signed, with the headers that were captured.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/modules/webhook/> and
//! <https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/>.

use crate::{
    bitbucket::Bitbucket,
    calls::Sent,
    installation::Missing,
    resource::{Resources, timestamp},
    signing::hexadecimal,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

impl Bitbucket {
    /// Delivers an event about a pull request, as its author's doing, wrapped as Connect modules get it. The answer is the status
    /// that the app gave.
    ///
    /// # Errors
    /// No such installation or pull request, the descriptor does not listen to the event, or the app did not answer.
    pub async fn deliver(
        &self,
        client_key: &str,
        event_key: &str,
        repository: &str,
        pull_request_id: u64,
    ) -> Result<u16, Missing> {
        let author = self.world(|world| world.pull_request(repository, pull_request_id).map(|it| it.author.clone()));
        self.deliver_by(client_key, event_key, repository, pull_request_id, &author.unwrap_or_default()).await
    }

    /// The same as somebody else's doing (an account id).
    ///
    /// # Errors
    /// As for [`Bitbucket::deliver`].
    pub async fn deliver_by(
        &self,
        client_key: &str,
        event_key: &str,
        repository: &str,
        pull_request_id: u64,
        actor: &str,
    ) -> Result<u16, Missing> {
        let data = self.event_data(event_key, repository, pull_request_id, actor)?;
        self.deliver_body(client_key, event_key, &json!({ "event": event_key, "data": data })).await
    }

    /// Delivers an event with the body of an ordinary webhook, not wrapped.
    ///
    /// # Errors
    /// As for [`Bitbucket::deliver`].
    pub async fn deliver_plain(
        &self,
        client_key: &str,
        event_key: &str,
        repository: &str,
        pull_request_id: u64,
    ) -> Result<u16, Missing> {
        let author = self.world(|world| world.pull_request(repository, pull_request_id).map(|it| it.author.clone()));
        let data = self.event_data(event_key, repository, pull_request_id, &author.unwrap_or_default())?;
        self.deliver_body(client_key, event_key, &data).await
    }

    /// Delivers any body to where the app listens to an event, signed.
    ///
    /// # Errors
    /// No such installation, the descriptor does not listen to the event, or the app did not answer.
    pub async fn deliver_body(&self, client_key: &str, event_key: &str, body: &Value) -> Result<u16, Missing> {
        let url = self.with_record(client_key, |record| record.descriptor.webhook(event_key))?;
        let url = url.ok_or_else(|| Missing(format!("webhook for {event_key} in the descriptor")))?;
        let authorization = format!("JWT {}", self.sign(client_key, "POST", &url)?);
        // One hook per event key and installation, always the same one.
        let hook = Sha256::digest(format!("{client_key} {event_key}"));
        let answer = self
            .client
            .post(&url)
            .header("User-Agent", "Bitbucket-Webhooks/2.0")
            .header("Authorization", &authorization)
            .header("X-Event-Key", event_key)
            .header("X-Event-Time", self.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string())
            .header("X-Hook-Uuid", hook_uuid(&hexadecimal(&hook)))
            .header("X-Request-Uuid", Uuid::new_v4().to_string())
            .header("X-Attempt-Number", "1")
            .json(body)
            .send()
            .await;
        let status = answer.as_ref().ok().map(|answer| answer.status().as_u16());
        let sent = Sent { event: event_key.to_owned(), url, authorization: Some(authorization), body: body.clone(), status };
        self.state().sent.push(sent);
        status.ok_or_else(|| Missing(format!("answer to {event_key}")))
    }

    /// What an event about a pull request says: the body of an ordinary webhook, and `data` of a wrapped one.
    ///
    /// # Errors
    /// No such pull request.
    pub fn event_data(&self, event_key: &str, repository: &str, pull_request_id: u64, actor: &str) -> Result<Value, Missing> {
        let now = timestamp(self.now());
        let state = self.state();
        let resources = Resources { world: &state.world, url: &self.url };
        let pull_request = state.world.find_pull_request(repository, pull_request_id);
        let pull_request = pull_request.ok_or_else(|| Missing(format!("pull request {repository}#{pull_request_id}")))?;
        let actor = resources.account(actor);
        let mut data = json!({
            "pullrequest": resources.pull_request(&pull_request),
            "repository": state.world.repository(&pull_request.repository).map(|repository| resources.repository(repository)),
            "actor": actor,
        });
        // Webhooks name a repository in full only, without the slug that the API adds.
        if let Some(repository) = data["repository"].as_object_mut() {
            repository.remove("slug");
        }
        match event_key {
            "pullrequest:approved" | "pullrequest:unapproved" => data["approval"] = json!({ "date": now, "user": actor }),
            "pullrequest:changes_request_created" | "pullrequest:changes_request_removed" => {
                data["changes_request"] = json!({ "date": now, "user": actor });
            }
            _ => {}
        }
        Ok(data)
    }
}

fn hook_uuid(hexadecimal: &str) -> String {
    [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| hexadecimal.get(range).unwrap_or_default()).join("-")
}
