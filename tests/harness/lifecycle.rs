//! Lifecycle calls that a test can change before they are sent, and what they leave behind.

use bitbucket_sandbox::{Install, InstallFailed, Installation, LifecyclePayload};
use clarityloop_bitbucket::storage::AnyConnection;
use clarityloop_bitbucket::storage::schema::{bitbucket_workspaces, installations, jobs};
use diesel::prelude::*;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{INGRID, LUMENPAY, Page, Test};

/// `lumenpay`, as the sandbox's demo world has it.
pub const LUMENPAY_UUID: &str = "5f0c7a52-1d0e-4b8b-9a3e-6a1f0e5d2c11";
/// Priya Raman's personal workspace.
pub const PERSONAL: &str = "priya-raman";

const PRIYAS_ADDRESS: &str = "priya@lumenpay.example";

/// A call to a lifecycle door.
#[derive(Clone)]
pub struct LifecycleCall {
    pub url: String,
    pub token: Option<String>,
    pub body: Value,
}

impl LifecycleCall {
    /// The same with one field of the body changed.
    pub fn with(mut self, pointer: &str, value: Value) -> Self {
        *self.body.pointer_mut(pointer).expect("a field of the body") = value;
        self
    }

    /// The same with another token, or with none.
    pub fn signed(self, token: impl Into<Option<String>>) -> Self {
        Self { token: token.into(), ..self }
    }

    /// The same to another server.
    pub fn to(self, url: &str) -> Self {
        let path = self.url.splitn(4, '/').nth(3).expect("a path").to_owned();
        Self { url: format!("{url}/{path}"), ..self }
    }
}

impl Test {
    /// What the test's app is installed with in `lumenpay`, for a test to change.
    pub fn to_install(&self) -> Install {
        Install::new(LUMENPAY, &self.descriptor_url(), INGRID)
    }

    /// Installs with these fields of the body changed or added.
    pub async fn install_with(&self, fields: Value) -> Result<Installation, InstallFailed> {
        let extra_fields = fields.as_object().expect("fields").clone();
        self.sandbox.install(&Install { extra_fields, ..self.to_install() }).await
    }

    /// An unsigned `installed` call for a client key that the sandbox need not know.
    pub fn first_install_call(&self, client_key: &str, secret: &str) -> LifecycleCall {
        let url = format!("{}/connect/{}/installed", self.url, self.made.install_code);
        LifecycleCall { url, token: None, body: self.body("installed", client_key, Some(secret)) }
    }

    /// An `installed` call of an installation, signed with the present secret, which it brings once more.
    pub fn reinstall_call(&self, installation: &Installation) -> LifecycleCall {
        let secret = self.sandbox.secret_of(&installation.client_key).expect("a secret");
        let call = self.first_install_call(&installation.client_key, &secret);
        let token = self.sandbox.sign(&installation.client_key, "POST", &call.url).expect("a token");
        call.signed(token)
    }

    /// An `uninstalled` call of an installation, signed with the present secret.
    pub fn uninstall_call(&self, installation: &Installation) -> LifecycleCall {
        let client_key = &installation.client_key;
        let url = format!("{}/connect/uninstalled", self.url);
        let token = self.sandbox.sign(client_key, "POST", &url).expect("a token");
        LifecycleCall { url, token: Some(token), body: self.body("uninstalled", client_key, None) }
    }

    fn body(&self, event: &str, client_key: &str, shared_secret: Option<&str>) -> Value {
        let (app_key, actor) = (self.config.connect.app_key.as_str(), (event == "installed").then_some(INGRID));
        let payload = LifecyclePayload { event, workspace: LUMENPAY, app_key, client_key, actor, shared_secret };
        self.sandbox.lifecycle_payload(&payload).expect("a body")
    }

    /// Sends a lifecycle call.
    pub async fn send(&self, call: &LifecycleCall) -> Page {
        Page::read(self.request(call).send().await.expect("an answer")).await
    }

    /// Sends a lifecycle call so many times at once.
    pub async fn send_at_once(&self, call: &LifecycleCall, times: usize) -> Vec<Page> {
        let mut sending = JoinSet::new();
        for _ in 0..times {
            let request = self.request(call);
            sending.spawn(async { Page::read(request.send().await.expect("an answer")).await });
        }
        sending.join_all().await
    }

    fn request(&self, call: &LifecycleCall) -> RequestBuilder {
        let request = self.http.post(&call.url).json(&call.body);
        match &call.token {
            Some(token) => request.header("Authorization", format!("JWT {token}")),
            None => request,
        }
    }

    /// The workspace's installations as its owner sees them by REST, the newest first.
    pub async fn installations(&self) -> Vec<Value> {
        self.installations_of(&self.made.token).await
    }

    /// The same for another workspace's owner.
    pub async fn installations_of(&self, token: &str) -> Vec<Value> {
        let answer = self.api_as(token, Method::GET, "/installations").send().await.expect("an answer");
        let page = Page::read(answer).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let listed: Value = serde_json::from_str(&page.body).expect("JSON");
        listed["entries"].as_array().expect("entries").clone()
    }

    /// The states of the workspace's installations, the newest first.
    pub async fn states(&self) -> Vec<Value> {
        self.installations().await.iter().map(|installation| installation["state"].clone()).collect()
    }

    /// How many rows any install has left in the database, in all workspaces.
    pub async fn stored_installs(&self) -> i64 {
        let count = |connection: &mut AnyConnection| {
            let installed: i64 = installations::table.count().get_result(connection)?;
            let workspaces: i64 = bitbucket_workspaces::table.count().get_result(connection)?;
            Ok(installed + workspaces)
        };
        self.server.app.read(count).await.expect("a count")
    }

    /// The path of the claim link on the app's page inside Bitbucket.
    pub async fn claim_link(&self, installation: &Installation) -> String {
        let configure = self.sandbox.configure_url(&installation.client_key).expect("a configure page");
        let page = self.get(&configure).await;
        let (_, link) = page.body.split_once(&format!("{}/claim/", self.url)).unwrap_or_else(|| panic!("{}", page.body));
        let link = link.split('"').next().unwrap_or_default();
        super::secrets::keep(link);
        format!("/claim/{link}")
    }

    /// Claims an installation that came without a code, as the workspace's owner.
    pub async fn claimed(&self, installation: &Installation) {
        let link = self.claim_link(installation).await;
        let session = self.session(&self.made.owner).await;
        let csrf = self.get_as(&session, &link).await.field("csrf");
        assert_eq!(self.post_as(&session, &link, &[("csrf", &csrf)]).await.status, 303);
    }

    /// Attaches `ledger` 87 in the panel to a new draft of the owner's about Priya Raman, and has it fetched; the answer is the
    /// draft's id.
    pub async fn attached(&self, installation: &Installation) -> String {
        self.bind(&self.made.owner, INGRID).await;
        self.member("Priya Raman", PRIYAS_ADDRESS, None).await;
        let about = self.priya().await;
        let token = self.panel(installation, 87, INGRID).await.field("token");
        let form = [("token", token.as_str()), ("target", "new:someone"), ("about", about.as_str()), ("note", "Nicely done")];
        let saved = self.post("/connect/panel/links", &form).await;
        assert_eq!(saved.status, 200, "{}", saved.body);
        self.run_jobs().await;
        let links = self.api_json(Method::GET, "/links", None).await;
        links["entries"][0]["target"].as_str().expect("a draft").to_owned()
    }

    /// The id of the member whom [`Test::attached`] makes.
    pub async fn priya(&self) -> String {
        self.member_by_email(PRIYAS_ADDRESS).await.id.to_string()
    }

    /// Returns when a job is being worked at.
    pub async fn until_a_job_is_taken_up(&self) {
        let taken_up = |connection: &mut AnyConnection| {
            Ok(jobs::table.filter(jobs::locked_until.is_not_null()).count().get_result::<i64>(connection)? > 0)
        };
        soon("a job is taken up", async || self.server.app.read(taken_up).await.expect("the queue")).await;
    }

    /// The status that a fresh panel is answered with; 200 for a panel that works.
    pub async fn panel_status(&self, installation: &Installation) -> u16 {
        self.panel(installation, 87, INGRID).await.status
    }
}

/// The stable code that a refused install was answered with.
pub fn refusal(failed: &InstallFailed) -> (u16, String) {
    let problem: Value = serde_json::from_str(&failed.body).unwrap_or_else(|_| json!({ "code": failed.body }));
    (failed.status, problem["code"].as_str().unwrap_or_default().to_owned())
}

/// Asks again until `is_so` or five seconds have passed: for keys, which a server may hold for a second.
pub async fn soon(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{what}: not so after five seconds");
        tokio::task::yield_now().await;
    }
}
