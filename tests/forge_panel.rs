//! The panel and the settings page of the Forge app, asked for as its page does, through Forge's proxy: the same panel as in Bitbucket's
//! frame, every form, and who is refused.

mod forms;
mod pull_requests;
mod refusals;
mod same;
mod settings;

use bitbucket_sandbox::{ForgeCaller, ForgeInstallation, RemoteRequest};
use serde_json::{Value, json};

use crate::harness::{AMARA, LEDGER, LUCIA, Test};

/// What the app's page gets of a call.
#[derive(Debug)]
struct Answer {
    status: u16,
    body: Value,
}

impl Answer {
    /// The panel or the page that is shown.
    fn html(&self) -> &str {
        self.body["html"].as_str().unwrap_or_else(|| panic!("nothing is shown: {self:?}"))
    }

    /// Shown as it should be, with this in it.
    fn shows(&self, text: &str) -> bool {
        self.status == 200 && self.html().contains(text)
    }

    fn saved(&self) -> bool {
        self.body["saved"] == true
    }

    fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

/// The panel of the ledger's pull request 87, which is Lucía's.
fn panel_of(viewer: &str) -> ForgeCaller<'_> {
    ForgeCaller::Panel { viewer, repository: LEDGER, pull_request: 87 }
}

/// Calls a door as a page of the app.
async fn ask(test: &Test, app: &ForgeInstallation, caller: ForgeCaller<'_>, path: &str, body: Value) -> Answer {
    let answer = test.sandbox.invoke_remote(&app.id, caller, &RemoteRequest::post(path, body)).await.expect("an answer");
    let kind = answer.headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.as_str());
    assert_eq!(kind, Some("application/json"), "Forge takes nothing else: {:?}", answer.body);
    Answer { status: answer.status, body: answer.body }
}

/// Opens the panel.
async fn open(test: &Test, app: &ForgeInstallation, viewer: &str) -> Answer {
    ask(test, app, panel_of(viewer), "/forge/panel", json!({})).await
}

/// Sends a form of the panel.
async fn send(test: &Test, app: &ForgeInstallation, viewer: &str, form: &str, fields: Value) -> Answer {
    let answer = ask(test, app, panel_of(viewer), &format!("/forge/panel/{form}"), fields).await;
    test.run_jobs().await;
    answer
}

/// Amara and Lucía, both bound, whose pull request 87 of the ledger is.
async fn amara_and_lucia(test: &Test) {
    test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
    test.member("Lucía Fernández", "lucia@lumenpay.example", Some(LUCIA)).await;
}

/// How often Bitbucket was asked for the pull request.
fn questions(test: &Test) -> usize {
    test.sandbox.calls().iter().filter(|call| call.path.ends_with("/pullrequests/87")).count()
}
