//! What Bitbucket reads of us: the app descriptor, rendered from `descriptor/connect.json`. For the descriptor doors and for
//! `PUT /2.0/addon`. <https://developer.atlassian.com/bitbucket/descriptor>
//!
//! The scopes, each with what would be missing without it; `pullrequest` implies `repository`:
//!
//! | scope | what needs it |
//! | --- | --- |
//! | `account` | the context parameters `workspace.*` and `user.*` of the panel; the workspace's slug and name |
//! | `pullrequest` | the context parameters `pullrequest.*` and `repository.*`; the webhooks; reading linked pull requests |
//! | `webhook` | `GET /2.0/workspaces/{uuid}/hooks`, the call that proves a shared secret before it is stored |

use serde_json::{Map, Value};

const TEMPLATE: &str = include_str!("../../descriptor/connect.json");

/// The values that a descriptor is rendered with.
#[derive(Debug, Clone, Copy)]
pub struct Descriptor<'a> {
    /// The key of this app: `connect.app_key`.
    pub app_key: &'a str,
    /// The address of this server as Bitbucket reaches it. Bitbucket takes no slash at its end, so one is cut off.
    pub public_url: &'a str,
    /// The code of the ClarityLoop workspace that installs by it; none for a registered app.
    pub install_code: Option<&'a str>,
    /// Whether pull requests show the panel and its entry in the menu.
    pub quick_action: bool,
    /// Where a workspace installs the Forge app that follows this one:
    /// <https://developer.atlassian.com/cloud/bitbucket/link-connect-to-its-equivalent-forge-app/>.
    pub forge_app_link: Option<&'a str>,
    /// The resource name (ARI) of that Forge app.
    pub forge_app_id: Option<&'a str>,
}

/// The scopes that the descriptor asks for, each with what it is for, in words that follow its name.
pub fn scopes() -> Vec<(String, &'static str)> {
    // The template is compiled in, and a test reads it.
    let template: Value = serde_json::from_str(TEMPLATE).unwrap_or_default();
    let named = template["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str);
    named.map(|scope| (scope.to_owned(), purpose(scope).unwrap_or_default())).collect()
}

fn purpose(scope: &str) -> Option<&'static str> {
    match scope {
        "account" => Some("to know who presses the button, and what the workspace is called"),
        "pullrequest" => Some("for title, state, author and reviewers of linked ones, and to hear when one changes"),
        "webhook" => Some("to prove that the key of an installation is Bitbucket’s"),
        _ => None,
    }
}

impl Descriptor<'_> {
    /// The descriptor as Bitbucket reads it.
    pub fn render(&self) -> Value {
        // The template is compiled in, and a test reads it.
        let mut descriptor: Map<String, Value> = serde_json::from_str(TEMPLATE).unwrap_or_default();
        let installed = match self.install_code {
            Some(code) => format!("/connect/{code}/installed"),
            None => "/connect/installed".to_owned(),
        };
        let placeholders = [
            ("<app key>", Some(self.app_key)),
            ("<public url>", Some(self.public_url.trim_end_matches('/'))),
            ("<installed path>", Some(installed.as_str())),
            ("<forge app link>", self.forge_app_link),
            ("<forge app id>", self.forge_app_id),
        ];
        fill(&mut descriptor, &placeholders);
        if !self.quick_action
            && let Some(modules) = descriptor.get_mut("modules").and_then(Value::as_object_mut)
        {
            modules.retain(|module, _| module != "webPanels" && module != "webItems");
        }
        Value::Object(descriptor)
    }
}

/// Puts values where the template has placeholders, and takes entries away whose value is absent. A placeholder is a whole
/// string, so that no value can break out of its own.
fn fill(object: &mut Map<String, Value>, placeholders: &[(&str, Option<&str>)]) {
    object.retain(|_, entry| match entry {
        Value::String(text) => {
            match placeholders.iter().find(|(placeholder, _)| placeholder == text) {
                Some((_, Some(value))) => *text = (*value).to_owned(),
                Some((_, None)) => return false,
                None => {}
            }
            true
        }
        Value::Object(inner) => {
            fill(inner, placeholders);
            true
        }
        _ => true,
    });
}

#[cfg(test)]
mod tests;
