//! The bodies of lifecycle calls, field by field as they were captured; tests take one as the start of a forged one.

use crate::{bitbucket::Bitbucket, installation::Missing, resource::Resources};
use serde_json::{Value, json};

/// The host's key: the same in unrelated installs, and nothing verifies with it.
const PUBLIC_KEY: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCBFq+6CV3zWvlBrJ8rxhZJl9Qm0t5j7bPpS0JxkCq7R4T1qQIDAQAB";

/// What a lifecycle body says, for tests that build their own. It holds a secret, so it has no `Debug`.
#[derive(Clone, Copy)]
pub struct LifecyclePayload<'a> {
    /// `installed` or `uninstalled`.
    pub event: &'a str,
    /// UUID or slug of the workspace.
    pub workspace: &'a str,
    /// The app key.
    pub app_key: &'a str,
    /// Names the installation.
    pub client_key: &'a str,
    /// Account id of the person who acts; only `installed` has one.
    pub actor: Option<&'a str>,
    /// Only `installed` has one.
    pub shared_secret: Option<&'a str>,
}

impl Bitbucket {
    /// A lifecycle body, field by field as it was captured.
    ///
    /// # Errors
    /// No such workspace or person.
    pub fn lifecycle_payload(&self, payload: &LifecyclePayload<'_>) -> Result<Value, Missing> {
        let mut state = self.state();
        if let Some(secret) = payload.shared_secret {
            state.keep_secret(secret);
        }
        let resources = Resources { world: &state.world, url: &self.url };
        let workspace = state.world.workspace(payload.workspace);
        let workspace = workspace.ok_or_else(|| Missing(format!("workspace {}", payload.workspace)))?;
        let mut principal = resources.principal(workspace);
        principal["is_active"] = json!(true);
        principal["properties"] = json!({});
        principal["has_2fa_enabled"] = Value::Null;
        if workspace.personal {
            principal["department"] = Value::Null;
            principal["zoneinfo"] = Value::Null;
            principal["is_staff"] = json!(false);
        }
        let mut body = json!({
            "productType": "bitbucket",
            "principal": principal,
            "eventType": payload.event,
            "baseUrl": self.url,
            "publicKey": PUBLIC_KEY,
            "user": principal,
            "key": payload.app_key,
            "baseApiUrl": self.url,
            "clientKey": payload.client_key,
        });
        if let Some(account_id) = payload.actor {
            let actor = state.world.user(account_id).ok_or_else(|| Missing(format!("person {account_id}")))?;
            let uuid = actor.uuid.trim_matches(['{', '}']);
            body["actor"] = json!({ "type": "user", "uuid": uuid, "account_id": account_id });
        }
        if let Some(secret) = payload.shared_secret {
            body["sharedSecret"] = json!(secret);
        }
        Ok(body)
    }
}
