//! The program killed with SIGKILL in the middle of saves, lifecycle calls, webhooks and Forge's events: what it has answered with 2xx is there
//! when it runs again.

mod load;
mod rotation;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bitbucket_sandbox::{ForgeInstall, PullRequest, Sandbox, Workspace, World};
use chrono::Utc;
use clarityloop_bitbucket::config;
use clarityloop_bitbucket::storage::{AnyConnection, Manager};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use reqwest::Client;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::harness::forge::APP;
use crate::harness::postgres::Server;
use crate::harness::process::Program;
use crate::harness::{AMARA, INGRID, LEDGER, LUMENPAY, PRIYA};
use load::{Answered, Load, PULL_REQUESTS, TOLD_ABOUT, WORKSPACES, first_pull_request};

/// After so many calls, begun or answered, the server is killed, round by round: moments that mean nothing to it.
const KILLED_AFTER: [usize; 3] = [37, 101, 173];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_survives_a_kill_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("crash.db").display());
    let crash = Crash::set_up(&url, folder, None).await;
    crash.rounds().await;
    let intact: String = sql_column(&mut crash.connect(), "SELECT integrity_check AS text FROM pragma_integrity_check").remove(0);
    assert_eq!(intact, "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_survives_a_kill_of_server_and_database_on_postgres() {
    let Some(cluster) = Server::crash_safe() else { return };
    let url = cluster.fresh_database();
    Crash::set_up(&url, tempfile::tempdir().unwrap(), Some(cluster)).await.rounds().await;
}

struct Crash {
    program: Program,
    sandbox: Arc<Sandbox>,
    /// The PostgreSQL that is killed too.
    cluster: Option<Arc<Server>>,
    descriptor_url: String,
    client_key: String,
    /// The same workspace's installation of the Forge app.
    forge_installation: String,
    _folder: tempfile::TempDir,
}

impl Crash {
    /// A workspace with two members, the app installed and confirmed, and the pull requests linked that webhooks will be about.
    async fn set_up(database_url: &str, folder: tempfile::TempDir, cluster: Option<Server>) -> Self {
        let options = bitbucket_sandbox::Options { world: world(), ..bitbucket_sandbox::Options::default() };
        let sandbox = Arc::new(Sandbox::start(options).await.unwrap());
        let program = Program::new(env!("CARGO_BIN_EXE_clarityloop-bitbucket"), database_url, folder.path(), sandbox.url());
        let program = program.with("FORGE__APP_ID", APP).with("FORGE__JWKS_URL", &sandbox.forge_keys_url());
        let made = program.make_workspace();
        let workspace = made["workspace_id"].as_str().unwrap();
        program.add_member(workspace, "Amara Okafor", "amara@lumenpay.example", AMARA);
        program.add_member(workspace, "Priya Raman", "priya@lumenpay.example", PRIYA);
        let mut crash = Self {
            descriptor_url: made["install_url"].as_str().unwrap().to_owned(),
            program,
            sandbox,
            cluster: cluster.map(Arc::new),
            client_key: String::new(),
            forge_installation: String::new(),
            _folder: folder,
        };
        let server = crash.program.serve();
        crash.client_key = install_and_confirm(&crash, made["api_token"].as_str().unwrap()).await;
        let forge = ForgeInstall::new(LUMENPAY, APP, &crash.program.url, INGRID);
        crash.forge_installation = crash.sandbox.install_forge(&forge).await.unwrap().id;
        let (load, _answered) = crash.load(0);
        for pull_request in TOLD_ABOUT {
            assert!(load.save_link(pull_request, "linked before").await, "a pull request can be linked");
        }
        server.kill_nine();
        crash
    }

    async fn rounds(&self) {
        let mut is_expected = Expected::default();
        for (round, killed_after) in (0..).zip(KILLED_AFTER) {
            let answered = self.run_until_killed(round, killed_after).await;
            is_expected.extend(answered);
            let server = self.program.serve();
            is_expected.check_rows(&mut self.connect());
            is_expected.check_installations(&self.sandbox).await;
            server.kill_nine();
        }
        is_expected.check_that_there_was_something();
    }

    /// Runs everything at once, kills the server and its database after so many answers, and tells what was answered.
    async fn run_until_killed(&self, round: u32, killed_after: usize) -> Vec<Answered> {
        let server = self.program.serve();
        let (load, mut receiver) = self.load(round);
        let workspaces: Vec<String> = (0..WORKSPACES).map(|number| workspace_slug(round, number)).collect();
        let callers = load.start(&workspaces);
        let mut answered = Vec::new();
        receiver.recv_many(&mut answered, 1).await;
        while answered.len() < killed_after {
            receiver.recv_many(&mut answered, 1).await;
        }
        if let Some(cluster) = self.cluster.clone() {
            // The server goes on without its database, and with it once it is back.
            tokio::task::spawn_blocking(move || cluster.kill_nine_and_restart()).await.unwrap();
        }
        server.kill_nine();
        load.is_over.store(true, Ordering::SeqCst);
        drop(load);
        callers.join_all().await;
        while receiver.recv_many(&mut answered, usize::MAX).await > 0 {}
        answered
    }

    fn load(&self, round: u32) -> (Load, UnboundedReceiver<Answered>) {
        let (sender, receiver) = unbounded_channel();
        let load = Load {
            sandbox: Arc::clone(&self.sandbox),
            http: Client::new(),
            url: self.program.url.clone(),
            descriptor_url: self.descriptor_url.clone(),
            client_key: self.client_key.clone(),
            forge_installation: self.forge_installation.clone(),
            round,
            answered: sender,
            is_over: Arc::new(AtomicBool::new(false)),
        };
        (load, receiver)
    }

    fn connect(&self) -> AnyConnection {
        let (config, _) = config::load(None, self.program.environment()).unwrap();
        Manager::new(&config.database_url).connect_writer().unwrap()
    }
}

async fn install_and_confirm(crash: &Crash, token: &str) -> String {
    let install = bitbucket_sandbox::Install::new(LUMENPAY, &crash.descriptor_url, INGRID);
    let installation = crash.sandbox.install(&install).await.unwrap();
    let (http, api) = (Client::new(), format!("{}/api/v1/installations", crash.program.url));
    let listed = http.get(&api).bearer_auth(token).send().await.unwrap().json::<serde_json::Value>().await.unwrap();
    let id = listed["entries"][0]["id"].as_str().unwrap();
    let confirmed = http.post(format!("{api}/{id}/confirm")).bearer_auth(token).send().await.unwrap();
    assert!(confirmed.status().is_success(), "{confirmed:?}");
    installation.client_key
}

/// What must be there after everything that was answered.
#[derive(Default)]
struct Expected {
    notes: BTreeSet<String>,
    /// By workspace: the client key, and whether it is installed.
    installations: BTreeMap<String, (String, bool)>,
    /// The Forge installations that were told of.
    forge_installations: BTreeSet<String>,
    /// By pull request: the least edition of its title.
    editions: BTreeMap<u64, u32>,
    uninstalls: usize,
}

impl Extend<Answered> for Expected {
    fn extend<T: IntoIterator<Item = Answered>>(&mut self, answered: T) {
        for one in answered {
            match one {
                Answered::Saved { note } => {
                    self.notes.insert(note);
                }
                Answered::Calling { workspace } => {
                    self.installations.remove(&workspace);
                }
                Answered::Installed { workspace, client_key } => {
                    self.installations.insert(workspace, (client_key, true));
                }
                Answered::Uninstalled { workspace, client_key } => {
                    self.uninstalls += 1;
                    self.installations.insert(workspace, (client_key, false));
                }
                Answered::InstalledForge { installation } => {
                    self.forge_installations.insert(installation);
                }
                Answered::Told { pull_request, edition } => {
                    self.editions.insert(pull_request, edition);
                }
            }
        }
    }
}

impl Expected {
    fn check_rows(&self, connection: &mut AnyConnection) {
        let notes: BTreeSet<String> = sql_column(connection, "SELECT note AS text FROM links").into_iter().collect();
        let lost: Vec<_> = self.notes.difference(&notes).collect();
        assert!(lost.is_empty(), "saved and not there: {lost:?}");
        let known =
            sql_column(connection, "SELECT client_key AS text FROM installations WHERE door = 'forge'").into_iter().collect();
        let forgotten: Vec<_> = self.forge_installations.difference(&known).collect();
        assert!(forgotten.is_empty(), "installed and not there: {forgotten:?}");
        let incomplete = "SELECT links.id AS text FROM links LEFT JOIN pull_requests ON pull_requests.id = links.pull_request_id \
             LEFT JOIN feedback ON feedback.id = links.target_id WHERE pull_requests.id IS NULL OR feedback.id IS NULL";
        assert_eq!(sql_column(connection, incomplete), Vec::<String>::new(), "links without their two ends");
        self.check_editions(connection);
    }

    /// A webhook that was taken has had its effect, or is still a job. The jobs are read first: one that is done in between
    /// has stored its title by then.
    fn check_editions(&self, connection: &mut AnyConnection) {
        let payloads = sql_column(connection, "SELECT payload AS text FROM jobs WHERE kind = 'refresh_pull_request'").join(" ");
        for (pull_request, edition) in &self.editions {
            let sql = format!("SELECT number, id AS text, title FROM pull_requests WHERE number = {pull_request}");
            let row = diesel::sql_query(sql).get_result::<Titled>(connection).unwrap();
            let stored: u32 = row.title.as_deref().and_then(|title| title.strip_prefix("Title ")?.parse().ok()).unwrap_or(0);
            assert!(stored >= *edition || payloads.contains(&row.text), "{} is at edition {stored} of {edition}", row.number);
        }
    }

    /// Bitbucket's side of every installation opens the configure page: with the secret it was answered for, or no more.
    async fn check_installations(&self, sandbox: &Sandbox) {
        let http = Client::new();
        for (workspace, (client_key, is_installed)) in &self.installations {
            let address = sandbox.configure_url(client_key).unwrap();
            let status = load::get(&http, &address).await.map(|page| page.status);
            assert_eq!(status, Some(if *is_installed { 200 } else { 403 }), "the app in {workspace}");
        }
    }

    /// The rounds are worth something only if everything happened in them.
    fn check_that_there_was_something(&self) {
        assert!(self.notes.len() > 20, "{} links", self.notes.len());
        assert!(self.installations.len() > 5 && self.uninstalls > 0, "{} installations", self.installations.len());
        assert_eq!(self.editions.len(), TOLD_ABOUT.len());
        assert!(self.forge_installations.len() > 5, "{} installations of Forge", self.forge_installations.len());
    }
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    text: String,
}

#[derive(QueryableByName)]
struct Titled {
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = Text)]
    text: String,
    #[diesel(sql_type = Nullable<Text>)]
    title: Option<String>,
}

/// The column `text` of every row.
fn sql_column(connection: &mut AnyConnection, sql: &str) -> Vec<String> {
    diesel::sql_query(sql).load::<Line>(connection).unwrap().into_iter().map(|line| line.text).collect()
}

/// The demo world with workspaces to install in and pull requests to link, for every round.
fn world() -> World {
    let mut world = World::demo(Utc::now());
    let pattern = world.pull_request(LEDGER, 87).unwrap().clone();
    let of_rounds = rounds().flat_map(|round| (0..PULL_REQUESTS).map(move |n| first_pull_request(round) + n));
    let numbers: Vec<u64> = TOLD_ABOUT.into_iter().chain(of_rounds).collect();
    world.pull_requests.extend(numbers.into_iter().map(|id| PullRequest { id, author: PRIYA.to_owned(), ..pattern.clone() }));
    for round in rounds() {
        world.workspaces.extend((0..WORKSPACES).map(|number| Workspace {
            uuid: format!("{{00000000-0000-4000-8000-{round:04}{number:08}}}"),
            slug: workspace_slug(round, number),
            name: format!("Workspace {number} of round {round}"),
            personal: false,
        }));
    }
    world
}

fn rounds() -> impl Iterator<Item = u32> {
    (0..).zip(KILLED_AFTER).map(|(round, _)| round)
}

fn workspace_slug(round: u32, number: usize) -> String {
    format!("round-{round}-workspace-{number}")
}
