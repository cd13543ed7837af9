//! What goes on while the server is killed: link saves, installs, re-installs, uninstalls and webhooks, all at once, each answered
//! call told to whoever will look for it afterwards. For `crash` only.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bitbucket_sandbox::{ForgeInstall, Install, Sandbox, Sent};
use reqwest::Client;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;

use crate::harness::forge::APP;
use crate::harness::{AMARA, INGRID, LEDGER, Page};

/// What the server has answered with 2xx, so that it may not be forgotten.
#[derive(Clone, Debug)]
pub enum Answered {
    /// A link with this note was saved.
    Saved { note: String },
    /// A lifecycle call is under way: until its answer it is open how this workspace will stand.
    Calling { workspace: String },
    /// The app was installed or installed again.
    Installed { workspace: String, client_key: String },
    /// The app was uninstalled.
    Uninstalled { workspace: String, client_key: String },
    /// Forge's `installed` event was taken.
    InstalledForge { installation: String },
    /// A webhook or an event of Forge was taken after the title of this pull request had become `Title {edition}`.
    Told { pull_request: u64, edition: u32 },
}

/// Everything a caller needs.
#[derive(Clone)]
pub struct Load {
    pub sandbox: Arc<Sandbox>,
    pub http: Client,
    pub url: String,
    pub descriptor_url: String,
    /// The installation whose panel is used and whose webhooks come.
    pub client_key: String,
    /// The same workspace's installation of the Forge app, whose events come as well.
    pub forge_installation: String,
    /// Which round it is, from 0.
    pub round: u32,
    pub answered: UnboundedSender<Answered>,
    pub is_over: Arc<AtomicBool>,
}

/// Linked in each round by [`SAVERS`] tasks at once.
pub const PULL_REQUESTS: u64 = 24;
/// Linked before the first round; the webhooks are about them.
pub const TOLD_ABOUT: [u64; 4] = [501, 502, 503, 504];
/// Workspaces that apps are installed in, in each round.
pub const WORKSPACES: usize = 12;
const SAVERS: u64 = 6;
const INSTALLERS: usize = 3;

impl Load {
    /// Starts every caller; they end when `is_over`.
    pub fn start(&self, workspaces: &[String]) -> JoinSet<()> {
        let mut callers = JoinSet::new();
        for saver in 0..SAVERS {
            callers.spawn(self.clone().save_links(saver));
        }
        for mine in workspaces.chunks(WORKSPACES / INSTALLERS) {
            callers.spawn(self.clone().install_everywhere(mine.to_vec()));
        }
        for pull_request in TOLD_ABOUT {
            callers.spawn(self.clone().tell(pull_request));
        }
        callers
    }

    fn goes_on(&self) -> bool {
        !self.is_over.load(Ordering::SeqCst)
    }

    fn has_answered(&self, answered: Answered) {
        self.answered.send(answered).ok();
    }

    async fn save_links(self, saver: u64) {
        let mut saved = 0;
        while self.goes_on() {
            let pull_request = first_pull_request(self.round) + (saver + saved * SAVERS) % PULL_REQUESTS;
            let note = format!("pull request {pull_request}, saver {saver}, save {saved}");
            if self.save_link(pull_request, &note).await {
                self.has_answered(Answered::Saved { note });
            }
            saved += 1;
        }
    }

    /// Opens the panel and attaches the pull request to a new draft; whether that was answered with 2xx.
    pub async fn save_link(&self, pull_request: u64, note: &str) -> bool {
        let Ok(address) = self.sandbox.panel_url(&self.client_key, LEDGER, pull_request, AMARA) else { return false };
        let Some(page) = get(&self.http, &address).await.filter(|page| page.status == 200) else { return false };
        let form = [("token", page.field("token")), ("target", "new:author".to_owned()), ("note", note.to_owned())];
        let sent = self.http.post(format!("{}/connect/panel/links", self.url)).form(&form).send().await;
        sent.is_ok_and(|answer| answer.status().is_success())
    }

    async fn install_everywhere(self, workspaces: Vec<String>) {
        for (turn, workspace) in workspaces.iter().cycle().enumerate() {
            if !self.goes_on() {
                return;
            }
            self.install(workspace).await;
            self.install_forge(workspace).await;
            // In the second turn every workspace is installed anew, after an uninstall or on top.
            if let Some(client_key) = self.install(workspace).await
                && turn % 2 == 0
            {
                self.uninstall(workspace, &client_key).await;
            }
        }
    }

    async fn install(&self, workspace: &str) -> Option<String> {
        self.has_answered(Answered::Calling { workspace: workspace.to_owned() });
        let install = Install::new(workspace, &self.descriptor_url, INGRID);
        let client_key = self.sandbox.install(&install).await.ok()?.client_key;
        self.has_answered(Answered::Installed { workspace: workspace.to_owned(), client_key: client_key.clone() });
        Some(client_key)
    }

    /// Once in every workspace: Forge installs an app no second time.
    async fn install_forge(&self, workspace: &str) {
        let install = ForgeInstall::new(workspace, APP, &self.url, INGRID);
        let Ok(installation) = self.sandbox.install_forge(&install).await else { return };
        let id = format!("installation/{}", installation.id);
        let is_of_it = |sent: &Sent| sent.body["id"].as_str().is_some_and(|named| named.ends_with(&id));
        if self.sandbox.sent().iter().rev().find(|sent| is_of_it(sent)).is_some_and(|sent| sent.status == Some(204)) {
            self.has_answered(Answered::InstalledForge { installation: installation.id });
        }
    }

    async fn uninstall(&self, workspace: &str, client_key: &str) {
        self.has_answered(Answered::Calling { workspace: workspace.to_owned() });
        if self.sandbox.uninstall(client_key).await.is_ok_and(|status| status == 204) {
            let (workspace, client_key) = (workspace.to_owned(), client_key.to_owned());
            self.has_answered(Answered::Uninstalled { workspace, client_key });
        }
    }

    async fn tell(self, pull_request: u64) {
        let mut edition = 10_000 * self.round;
        while self.goes_on() {
            edition += 1;
            let title = format!("Title {edition}");
            let now = self.sandbox.now();
            self.sandbox.world(|world| world.pull_request_mut(LEDGER, pull_request).map(|row| row.retitle(&title, now)));
            // By one door and by the other.
            let is_told = if edition.is_multiple_of(2) {
                let told = self.sandbox.deliver(&self.client_key, "pullrequest:updated", LEDGER, pull_request).await;
                told.is_ok_and(|status| status == 204)
            } else {
                let event = "avi:bitbucket:updated:pullrequest";
                let told = self.sandbox.deliver_forge(&self.forge_installation, event, LEDGER, pull_request).await;
                told == Ok(Some(204))
            };
            if is_told {
                self.has_answered(Answered::Told { pull_request, edition });
            }
        }
    }
}

/// The first of the [`PULL_REQUESTS`] that are linked in a round.
pub fn first_pull_request(round: u32) -> u64 {
    1000 + 100 * u64::from(round)
}

/// A page, `None` when the server ended in the middle of it.
pub async fn get(http: &Client, url: &str) -> Option<Page> {
    let answer = http.get(url).send().await.ok()?;
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Some(Page { status, headers, body: answer.text().await.ok()? })
}
