//! Calls that Forge makes by itself: what they carry, and how an event is tried again.
//!
//! Source: <https://developer.atlassian.com/platform/forge/remote/sending-product-events/>.

use super::{
    installation::Record,
    invocation::ForgeCaller,
    remote::{joined, trace_headers},
    state::FailedDelivery,
};
use crate::{bitbucket::Bitbucket, calls::Sent, installation::Missing};
use serde_json::{Value, json};
use std::time::Duration;

/// How long a remote may take for an event.
const ANSWER_SECONDS: u64 = 5;
/// How often an event is tried again, a minute apart.
const MOST_RETRIES: u32 = 4;

impl Bitbucket {
    /// Delivers an event about a pull request, as its author's doing. The answer is the status that the remote gave, `None` when
    /// it gave none within five seconds; what the remote did not take is kept for [`Bitbucket::retry_forge_deliveries`].
    ///
    /// # Errors
    /// No such installation or pull request.
    pub async fn deliver_forge(
        &self,
        installation: &str,
        event_type: &str,
        repository: &str,
        pull_request_id: u64,
    ) -> Result<Option<u16>, Missing> {
        let author = self.world(|world| world.pull_request(repository, pull_request_id).map(|it| it.author.clone()));
        let body = self.forge_event(event_type, repository, pull_request_id, &author.unwrap_or_default())?;
        self.deliver_forge_body(installation, body).await
    }

    /// Delivers any body as an event, also to an installation that has ended: late deliveries happen.
    ///
    /// # Errors
    /// No such installation.
    pub async fn deliver_forge_body(&self, installation: &str, body: Value) -> Result<Option<u16>, Missing> {
        let route = self.forge_record(installation)?.install.routes.events;
        self.deliver_to(installation, route, body).await
    }

    /// A minute passes: every event that the remote has not taken is sent once more, with a new token, and given up after the
    /// fourth time. The answers are in the order of the first deliveries.
    ///
    /// # Errors
    /// No such installation.
    pub async fn retry_forge_deliveries(&self) -> Result<Vec<Option<u16>>, Missing> {
        let failed = std::mem::take(&mut self.state().forge.failed_deliveries);
        let mut answers = Vec::new();
        for mut delivery in failed {
            delivery.retries += 1;
            let mut body = delivery.body.clone();
            body["retryContext"] = json!({ "retryCount": delivery.retries, "retryReason": delivery.reason, "retryData": null });
            let answer = self.call_remote(&delivery.installation, &delivery.route, ForgeCaller::Trigger, body).await?;
            answers.push(answer);
            if delivery.retries < MOST_RETRIES {
                self.keep_unless_taken(delivery, answer);
            }
        }
        Ok(answers)
    }

    /// How many events the remote has not taken and will be sent again.
    #[must_use]
    pub fn failed_forge_deliveries(&self) -> usize {
        self.state().forge.failed_deliveries.len()
    }

    pub(super) async fn deliver_to(&self, installation: &str, route: String, body: Value) -> Result<Option<u16>, Missing> {
        let answer = self.call_remote(installation, &route, ForgeCaller::Trigger, body.clone()).await?;
        let delivery = FailedDelivery { installation: installation.to_owned(), route, body, retries: 0, reason: "" };
        self.keep_unless_taken(delivery, answer);
        Ok(answer)
    }

    /// A call without a person: signed, with the app's own access token.
    pub(super) async fn call_remote(
        &self,
        installation: &str,
        route: &str,
        caller: ForgeCaller<'_>,
        body: Value,
    ) -> Result<Option<u16>, Missing> {
        let record = self.forge_record(installation)?;
        let url = address(&record, route)?;
        let authorization = format!("Bearer {}", self.forge_token(installation, caller)?.sign());
        let mut request = self.client.post(url.clone()).timeout(Duration::from_secs(ANSWER_SECONDS)).json(&body);
        request = request.header("Authorization", &authorization);
        for (name, value) in trace_headers().into_iter().chain(self.forge_token_headers(&record, None)) {
            request = request.header(name, value);
        }
        let status = request.send().await.ok().map(|answer| answer.status().as_u16());
        let event = body.get("eventType").and_then(Value::as_str).unwrap_or(route).to_owned();
        self.state().sent.push(Sent { event, url: url.into(), authorization: Some(authorization), body, status });
        Ok(status)
    }

    fn keep_unless_taken(&self, delivery: FailedDelivery, answer: Option<u16>) {
        let reason = match answer {
            Some(200..300) => return,
            Some(401) => "INVALID_FORGE_INVOCATION_TOKEN",
            Some(_) => "INVALID_REMOTE_INVOCATION_ERROR",
            None => "TIMEOUT_ERROR",
        };
        self.state().forge.failed_deliveries.push(FailedDelivery { reason, ..delivery });
    }
}

fn address(record: &Record, route: &str) -> Result<reqwest::Url, Missing> {
    joined(&record.install.remote_url, route).ok_or_else(|| Missing(format!("address {route} at the remote")))
}
