//! What a webhook delivery says about where to look anew; the rest of its body is dropped. For the webhook door.
//!
//! Hooks of a Connect app come wrapped in `{"event", "data"}`, ordinary hooks plain with the event in `X-Event-Key`; both are
//! read. <https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/>

use serde::Deserialize;
use uuid::Uuid;

use super::{
    identifiers::{parse_pull_request, parse_repository_name, parse_uuid},
    payload::PayloadRefusal,
};

const LONGEST_EVENT_KEY_BYTES: usize = 64;

/// A delivery, reduced to its event and the ids it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The event key, such as `pullrequest:updated`.
    pub event: String,
    /// The Bitbucket workspace that the repository belongs to, when the body says so.
    pub workspace: Option<Uuid>,
    /// The repository, when the event has one.
    pub repository: Option<Uuid>,
    /// `workspace/repository`, when it is there and well formed.
    pub repository_name: Option<String>,
    /// The number of the pull request, for events of the kind `pullrequest:*`.
    pub pull_request: Option<u64>,
}

impl Delivery {
    /// Parses a delivery; `event_key_header` is the value of `X-Event-Key`.
    ///
    /// # Errors
    /// The first [`PayloadRefusal`] that applies. What is missing or `null` is not an error, except the event.
    pub fn parse(body: &[u8], event_key_header: Option<&str>) -> Result<Self, PayloadRefusal> {
        let body: Body = serde_json::from_slice(body).or(Err(PayloadRefusal::BodyMalformed))?;
        let event = event_key(body.event.as_deref(), event_key_header)?;
        let data = body.data.unwrap_or(Data { repository: body.repository, pullrequest: body.pullrequest });

        let repository = data.repository.unwrap_or_default();
        let workspace = repository.workspace.and_then(|workspace| workspace.uuid);
        let owner = repository.owner.and_then(|owner| owner.uuid);
        let pull_request = data.pullrequest.filter(|_| event.starts_with("pullrequest:"));
        Ok(Self {
            // Payloads of old have no workspace; a repository's owner is the workspace under its former name.
            workspace: uuid(workspace.or(owner), PayloadRefusal::WorkspaceUuidMalformed)?,
            repository: uuid(repository.uuid, PayloadRefusal::RepositoryUuidMalformed)?,
            repository_name: repository.full_name.as_deref().and_then(parse_repository_name).map(str::to_owned),
            pull_request: pull_request
                .and_then(|pull_request| pull_request.id)
                .map(|id| parse_pull_request(id).ok_or(PayloadRefusal::PullRequestMalformed))
                .transpose()?,
            event,
        })
    }
}

#[derive(Deserialize)]
struct Body {
    event: Option<String>,
    data: Option<Data>,
    repository: Option<Repository>,
    pullrequest: Option<PullRequest>,
}

#[derive(Deserialize)]
struct Data {
    repository: Option<Repository>,
    pullrequest: Option<PullRequest>,
}

#[derive(Default, Deserialize)]
struct Repository {
    uuid: Option<String>,
    full_name: Option<String>,
    workspace: Option<Account>,
    owner: Option<Account>,
}

#[derive(Deserialize)]
struct Account {
    uuid: Option<String>,
}

#[derive(Deserialize)]
struct PullRequest {
    id: Option<u64>,
}

fn event_key(in_body: Option<&str>, in_header: Option<&str>) -> Result<String, PayloadRefusal> {
    if let (Some(in_body), Some(in_header)) = (in_body, in_header)
        && in_body != in_header
    {
        return Err(PayloadRefusal::EventTypeMismatch);
    }
    in_body
        .or(in_header)
        .filter(|event| (1..=LONGEST_EVENT_KEY_BYTES).contains(&event.len()))
        .filter(|event| event.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b':' | b'_')))
        .map(str::to_owned)
        .ok_or(PayloadRefusal::EventKeyMalformed)
}

fn uuid(text: Option<String>, refusal: PayloadRefusal) -> Result<Option<Uuid>, PayloadRefusal> {
    text.map(|text| parse_uuid(&text).ok_or(refusal)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const WORKSPACE: Uuid = Uuid::from_u128(0xacf54878_51be_473e_bf0b_0fbb12e011ad);
    const REPOSITORY: Uuid = Uuid::from_u128(0x1b08c6c1_51be_473e_bf0b_0fbb12e011ad);

    fn data() -> Value {
        json!({
            "repository": {
                "type": "repository", "full_name": "festivus-miracle/minimal-pants", "uuid": REPOSITORY.braced().to_string(),
                "workspace": { "slug": "festivus-miracle", "uuid": WORKSPACE.braced().to_string() },
                "owner": { "type": "team", "uuid": "{00000000-0000-0000-0000-000000000001}" },
            },
            "pullrequest": { "id": 11, "title": "Not kept", "source": { "repository": null } },
            "actor": { "type": "user" },
        })
    }

    fn parse(body: &Value, header: Option<&str>) -> Result<Delivery, PayloadRefusal> {
        Delivery::parse(body.to_string().as_bytes(), header)
    }

    #[test]
    fn a_wrapped_and_a_plain_delivery_say_the_same() {
        let wrapped = parse(&json!({ "event": "pullrequest:created", "data": data() }), Some("pullrequest:created"));
        let plain = parse(&data(), Some("pullrequest:created"));
        assert_eq!(wrapped, plain);
        assert_eq!(
            plain,
            Ok(Delivery {
                event: "pullrequest:created".to_owned(),
                workspace: Some(WORKSPACE),
                repository: Some(REPOSITORY),
                repository_name: Some("festivus-miracle/minimal-pants".to_owned()),
                pull_request: Some(11),
            })
        );
    }

    #[test]
    fn the_owner_stands_in_for_a_workspace_that_is_not_there() {
        let mut body = data();
        body["repository"]["workspace"] = Value::Null;
        body["repository"]["owner"]["uuid"] = json!(WORKSPACE.to_string());
        assert_eq!(parse(&body, Some("pullrequest:updated")).map(|delivery| delivery.workspace), Ok(Some(WORKSPACE)));
    }

    #[test]
    fn what_is_missing_is_none_and_no_error() {
        for body in
            [json!({}), json!({ "repository": null, "pullrequest": null }), json!({ "repository": {}, "pullrequest": {} })]
        {
            let delivery = parse(&body, Some("pullrequest:updated")).expect("lenient");
            assert_eq!((delivery.workspace, delivery.repository, delivery.pull_request), (None, None, None));
        }
    }

    #[test]
    fn only_pull_request_events_have_a_pull_request() {
        assert_eq!(parse(&data(), Some("repo:push")).map(|delivery| delivery.pull_request), Ok(None));
    }

    #[test]
    fn a_name_that_could_lead_elsewhere_is_left_out() {
        let mut body = data();
        body["repository"]["full_name"] = json!("festivus-miracle/../../2.0/user");
        assert_eq!(parse(&body, Some("repo:push")).map(|delivery| delivery.repository_name), Ok(None));
    }

    #[test]
    fn a_delivery_without_one_clear_event_is_refused() {
        let wrapped = json!({ "event": "repo:push", "data": {} });
        assert_eq!(parse(&json!({}), None), Err(PayloadRefusal::EventKeyMalformed));
        assert_eq!(parse(&json!({}), Some("<b>")), Err(PayloadRefusal::EventKeyMalformed));
        assert_eq!(parse(&json!({}), Some(&"a".repeat(65))), Err(PayloadRefusal::EventKeyMalformed));
        assert_eq!(parse(&wrapped, Some("repo:fork")), Err(PayloadRefusal::EventTypeMismatch));
    }

    #[test]
    fn ids_that_are_none_are_refused() {
        let parse_with = |pointer: &str, value: Value| {
            let mut body = data();
            *body.pointer_mut(pointer).expect("a field") = value;
            parse(&body, Some("pullrequest:updated"))
        };
        assert_eq!(parse_with("/repository/workspace/uuid", json!("../user")), Err(PayloadRefusal::WorkspaceUuidMalformed));
        assert_eq!(parse_with("/repository/uuid", json!("1")), Err(PayloadRefusal::RepositoryUuidMalformed));
        assert_eq!(parse_with("/pullrequest/id", json!(0)), Err(PayloadRefusal::PullRequestMalformed));
        assert_eq!(parse_with("/pullrequest/id", json!("11")), Err(PayloadRefusal::BodyMalformed));
        assert_eq!(Delivery::parse(b"[]x", Some("repo:push")), Err(PayloadRefusal::BodyMalformed));
    }
}
