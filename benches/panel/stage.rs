//! One server to measure: the program on a database of its own beside a stand-in Bitbucket, with the requests that are sent to it.
//! For the bench only.

use std::fs;
use std::sync::Arc;

use bitbucket_sandbox::{Install, Installation, PullRequest, Sandbox, World};
use chrono::Utc;
use clarityloop_bitbucket::config::{self, Config};
use clarityloop_bitbucket::storage::{AnyConnection, Manager};
use serde_json::{Value, json};

use super::load::Load;
use super::process::{Process, Program};
use super::seed::{self, ASKED_FOR, FIRST_NUMBER, Ground};

const AMARA: &str = "712020:22a7b9c1-1d6b-4e2f-8b68-7b3a2d1e0002";
const PRIYA: &str = "712020:11f6a8b0-0c5a-4d1e-9a57-6a2f1c0d0001";
const INGRID: &str = "712020:66ebfd05-51af-4263-8fac-bf7e61520006";
const LEDGER: &str = "lumenpay/ledger";
/// Longer than the bench, shorter than the longest that is accepted.
const LIFETIME_SECONDS: i64 = 20 * 3600;

pub struct Stage {
    pub name: &'static str,
    pub program: Program,
    sandbox: Sandbox,
    installation: Installation,
    ground: Ground,
    links: usize,
    _folder: tempfile::TempDir,
}

impl Stage {
    /// Installs and confirms the app through the server's own doors and lays the ground for the links.
    pub async fn set_up(name: &'static str, binary: &str, database_url: Option<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database_url = database_url.unwrap_or_else(|| format!("sqlite://{}", folder.path().join("bench.db").display()));
        let options = bitbucket_sandbox::Options { world: world(), ..bitbucket_sandbox::Options::default() };
        let sandbox = Sandbox::start(options).await.unwrap();
        // The server is measured, not what Bitbucket allows it in an hour.
        sandbox.limit_no_calls();
        let program = Program::new(binary, &database_url, folder.path(), sandbox.url());
        let made = program.make_workspace();
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        let workspace = text("workspace_id");
        let viewer = program.add_member(&workspace, "Amara Okafor", "amara@lumenpay.example", AMARA);
        let author = program.add_member(&workspace, "Priya Raman", "priya@lumenpay.example", PRIYA);
        let server = program.serve();
        let installation = sandbox.install(&Install::new("lumenpay", &text("install_url"), INGRID)).await.unwrap();
        confirm(&program.url, &text("api_token")).await;
        drop(server);
        let repository = sandbox.world(|world| world.repository(LEDGER).unwrap().uuid.clone());
        let bare = |uuid: &str| uuid.trim_matches(['{', '}']).to_owned();
        let ground = Ground {
            workspace,
            viewer,
            author,
            web_url: sandbox.url().to_owned(),
            bitbucket_workspace: bare(&installation.workspace),
            repository: bare(&repository),
        };
        let stage = Self { name, program, sandbox, installation, ground, links: 0, _folder: folder };
        stage.ground.lay(&mut stage.connect());
        stage
    }

    /// Grows the database to so many links.
    pub fn grow_to(&mut self, links: usize) {
        self.ground.grow(&mut self.connect(), self.links, links);
        self.links = links;
    }

    pub fn serve(&self) -> Process {
        self.program.serve()
    }

    pub fn config(&self) -> Config {
        config::load(None, self.program.environment()).unwrap().0
    }

    pub fn connect(&self) -> AnyConnection {
        Manager::new(&self.config().database_url).connect_writer().unwrap()
    }

    pub fn load(&self, requests: Vec<Vec<u8>>, repeats: bool, accepts: fn(u16, &[u8]) -> bool) -> Load {
        Load { address: self.config().listen, requests: Arc::new(requests), repeats, accepts }
    }

    /// The panel as Bitbucket frames it, under as many different signed addresses as there are pull requests to ask for.
    pub fn panels(&self) -> Load {
        let linked = ASKED_FOR.min(self.links / 3);
        let requests = (0..ASKED_FOR).map(|number| get(&self.panel_address(FIRST_NUMBER + number % linked))).collect();
        self.load(requests, true, |status, body| status == 200 && links_shown(body) == 3)
    }

    /// The path and query of a panel that stays valid for as long as the bench runs.
    fn panel_address(&self, number: usize) -> String {
        let client_key = &self.installation.client_key;
        let framed = self.sandbox.panel_url(client_key, LEDGER, number as u64, AMARA).unwrap();
        let (unsigned, _) = framed.rsplit_once("&jwt=").unwrap();
        let token = self.sandbox.token(client_key, "GET", unsigned, LIFETIME_SECONDS).unwrap();
        let token = token.sign(&self.sandbox.secret_of(client_key).unwrap());
        format!("{}&jwt={token}", unsigned.strip_prefix(&self.program.url).unwrap())
    }

    /// A webhook about each linked pull request.
    pub fn webhooks(&self) -> Load {
        let client_key = &self.installation.client_key;
        let token = self.sandbox.token(client_key, "POST", "/connect/webhooks", LIFETIME_SECONDS).unwrap();
        let token = token.sign(&self.sandbox.secret_of(client_key).unwrap());
        let mut data = self.sandbox.event_data("pullrequest:updated", LEDGER, FIRST_NUMBER as u64, PRIYA).unwrap();
        let headers =
            format!("Authorization: JWT {token}\r\nX-Event-Key: pullrequest:updated\r\nContent-Type: application/json\r\n");
        let mut webhook = |number: usize| {
            data["pullrequest"]["id"] = json!(number);
            post("/connect/webhooks", &headers, &json!({ "event": "pullrequest:updated", "data": data }).to_string())
        };
        let requests = seed::numbers(self.links).into_iter().map(&mut webhook).collect();
        self.load(requests, false, |status, _| status == 204)
    }

    /// A save in the panel for each pull request that is asked for and each open draft of the viewer.
    pub async fn saves(&self) -> Load {
        let http = reqwest::Client::new();
        let mut tokens = Vec::new();
        for number in 0..ASKED_FOR {
            let address = format!("{}{}", self.program.url, self.panel_address(FIRST_NUMBER + number));
            let page = http.get(address).send().await.unwrap().text().await.unwrap();
            tokens.push(page.split_once("name=\"token\" value=\"").unwrap().1.split('"').next().unwrap().to_owned());
        }
        let save = |draft: &str, token: &str| {
            let form = format!("token={token}&target=feedback%3A{draft}&note=bench");
            post("/connect/panel/links", "Content-Type: application/x-www-form-urlencoded\r\n", &form)
        };
        let drafts = (0..seed::DRAFTS).map(seed::draft);
        let requests = drafts.flat_map(|draft| tokens.iter().map(move |token| save(&draft, token))).collect();
        self.load(requests, false, |status, body| status == 200 && links_shown(body) > 3)
    }
}

/// The text of a page shows as many links as it has buttons to take one away.
fn links_shown(body: &[u8]) -> usize {
    std::str::from_utf8(body).map_or(0, |page| page.matches("/remove\"").count())
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\nUser-Agent: bench\r\nAccept: text/html\r\n\r\n").into_bytes()
}

fn post(path: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("POST {path} HTTP/1.1\r\nHost: bench\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

async fn confirm(url: &str, token: &str) {
    let (http, api) = (reqwest::Client::new(), format!("{url}/api/v1/installations"));
    let listed: Value = http.get(&api).bearer_auth(token).send().await.unwrap().json().await.unwrap();
    let id = listed["entries"][0]["id"].as_str().unwrap();
    let confirmed = http.post(format!("{api}/{id}/confirm")).bearer_auth(token).send().await.unwrap();
    assert!(confirmed.status().is_success(), "{confirmed:?}");
}

fn world() -> World {
    let mut world = World::demo(Utc::now());
    let pattern = world.pull_request(LEDGER, 87).unwrap().clone();
    let asked_for = (FIRST_NUMBER..FIRST_NUMBER + ASKED_FOR).map(|id| id as u64);
    world.pull_requests.extend(asked_for.map(|id| PullRequest { id, author: PRIYA.to_owned(), ..pattern.clone() }));
    world
}

/// A figure of `/proc/PID/status`, in mebibytes.
pub fn memory_mebibytes(process: &Process, figure: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(':'));
    let kibibytes = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kibibytes.unwrap_or(f64::NAN) / 1024.0
}
