//! The addresses of the app's pages inside Bitbucket: context parameters replaced, Bitbucket's own appended, signed at the end.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/context-parameters/> and
//! <https://developer.atlassian.com/cloud/bitbucket/connect-context-access/>; the appended ones as captured.

use crate::{
    bitbucket::Bitbucket,
    descriptor::{Descriptor, ITEM_LOCATION, PANEL_LOCATION},
    installation::Missing,
    percent::{percent_encode, with_parameter},
    resource::Resources,
};
use serde_json::{Map, Value};
use uuid::Uuid;

/// How long the token of a framed page is valid, as captured.
const FRAME_LIFETIME_SECONDS: i64 = 300;

impl Bitbucket {
    /// The signed address of the app's panel on a pull request, as its page frames it. The repository is a UUID, a slug or a name
    /// in full; the viewer is an account id, `None` for somebody who is not signed in.
    ///
    /// # Errors
    /// No such installation, repository, pull request or person, or the descriptor has no panel.
    pub fn panel_url<'a>(
        &self,
        client_key: &str,
        repository: &str,
        pull_request_id: u64,
        viewer: impl Into<Option<&'a str>>,
    ) -> Result<String, Missing> {
        let target = (repository, pull_request_id, viewer.into());
        self.module_url(client_key, "webPanels", PANEL_LOCATION, target)
    }

    /// The signed address that the app's item in a pull request's action row opens. Everything else as for the panel.
    ///
    /// # Errors
    /// As for [`Bitbucket::panel_url`].
    pub fn item_url<'a>(
        &self,
        client_key: &str,
        repository: &str,
        pull_request_id: u64,
        viewer: impl Into<Option<&'a str>>,
    ) -> Result<String, Missing> {
        let target = (repository, pull_request_id, viewer.into());
        self.module_url(client_key, "webItems", ITEM_LOCATION, target)
    }

    /// The signed address of the app's configure page.
    ///
    /// # Errors
    /// No such installation, or the descriptor has no configure page.
    pub fn configure_url(&self, client_key: &str) -> Result<String, Missing> {
        let descriptor = self.with_record(client_key, |record| record.descriptor.clone())?;
        let page = descriptor.configure_page().ok_or_else(|| Missing("configure page in the descriptor".to_owned()))?;
        let context = self.workspace_context(client_key, None)?;
        self.framed_url(client_key, &descriptor, page.url, &context)
    }

    /// `target` is repository, number and viewer.
    fn module_url(
        &self,
        client_key: &str,
        kind: &str,
        location: &str,
        target: (&str, u64, Option<&str>),
    ) -> Result<String, Missing> {
        let descriptor = self.with_record(client_key, |record| record.descriptor.clone())?;
        let module = descriptor.module_at(kind, location).ok_or_else(|| Missing(format!("{location} in {kind}")))?;
        let context = self.pull_request_context(client_key, target.0, target.1, target.2)?;
        self.framed_url(client_key, &descriptor, module.url, &context)
    }

    fn framed_url(
        &self,
        client_key: &str,
        descriptor: &Descriptor,
        template: &str,
        context: &Map<String, Value>,
    ) -> Result<String, Missing> {
        let address = descriptor.absolute(&replace_parameters(template, context, descriptor));
        let address = with_parameter(&address, "xdm_c", &format!("channel-{}", Uuid::new_v4()));
        let address = with_parameter(&address, "xdm_e", &self.url);
        let address = with_parameter(&address, "crev", "7278f871aa92/dist/connect/v5");
        let token = self.token(client_key, "GET", &address, FRAME_LIFETIME_SECONDS)?.sign(&self.secret_of(client_key)?);
        self.state().keep_secret(&token);
        Ok(with_parameter(&address, "jwt", &token))
    }

    fn pull_request_context(
        &self,
        client_key: &str,
        repository: &str,
        pull_request_id: u64,
        viewer: Option<&str>,
    ) -> Result<Map<String, Value>, Missing> {
        let mut context = self.workspace_context(client_key, viewer)?;
        let state = self.state();
        let resources = Resources { world: &state.world, url: &self.url };
        let pull_request = state.world.pull_request(repository, pull_request_id);
        let pull_request = pull_request.ok_or_else(|| Missing(format!("pull request {repository}#{pull_request_id}")))?;
        context.insert("pullrequest".to_owned(), resources.pull_request(pull_request));
        if let Some(repository) = state.world.repository(&pull_request.repository) {
            context.insert("repository".to_owned(), resources.repository(repository));
        }
        Ok(context)
    }

    fn workspace_context(&self, client_key: &str, viewer: Option<&str>) -> Result<Map<String, Value>, Missing> {
        let workspace = self.with_record(client_key, |record| record.workspace.clone())?;
        let state = self.state();
        let resources = Resources { world: &state.world, url: &self.url };
        let workspace = state.world.workspace(&workspace).ok_or_else(|| Missing(format!("workspace {workspace}")))?;
        let mut context = Map::new();
        context.insert("workspace".to_owned(), resources.workspace(workspace));
        context.insert("principal".to_owned(), resources.principal(workspace));
        if let Some(account_id) = viewer {
            let user = state.world.user(account_id).ok_or_else(|| Missing(format!("person {account_id}")))?;
            context.insert("user".to_owned(), resources.user(user));
        }
        Ok(context)
    }
}

/// The template with every parameter that exists and that the scopes allow in its place; the others stay literal, percent-encoded
/// as a browser would send them.
fn replace_parameters(template: &str, context: &Map<String, Value>, descriptor: &Descriptor) -> String {
    let mut pieces = template.split('{');
    let mut replaced = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once('}').unwrap_or((piece, ""));
        let value = parameter(name, context, descriptor).unwrap_or_else(|| format!("{{{name}}}"));
        replaced.push_str(&percent_encode(&value));
        replaced.push_str(rest);
    }
    replaced
}

fn parameter(name: &str, context: &Map<String, Value>, descriptor: &Descriptor) -> Option<String> {
    let (root, path) = name.split_once('.')?;
    let scope = match root {
        "user" | "target_user" | "workspace" | "principal" => "account",
        "pullrequest" => "pullrequest",
        _ => "repository",
    };
    let value = path.split('.').try_fold(context.get(root)?, |value, key| value.get(key))?;
    match value {
        _ if !descriptor.allows(scope) => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}
