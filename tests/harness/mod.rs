//! The one harness of the black-box tests: a server on a fresh database, a sandbox that plays Bitbucket, and a member of its workspace.
//!
//! A test is an `async fn(&Test)`; [`both!`] runs it on SQLite and on PostgreSQL. Afterwards the harness fails on left-over jobs, on calls
//! to Bitbucket that nobody expected or that are not as its OpenAPI file has them, and on secrets that lie open.

pub mod browser;
pub mod connections;
pub mod forge;
pub mod forge_page;
pub mod granted;
pub mod lifecycle;
pub mod people;
pub mod postgres;
pub mod process;
pub mod secrets;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bitbucket_sandbox::{Install, Installation, Sandbox};
use chrono::{DateTime, TimeDelta, Utc};
use clarityloop_bitbucket::config::{self, Config};
use clarityloop_bitbucket::connections::install_codes;
use clarityloop_bitbucket::jobs;
use clarityloop_bitbucket::people::identities::{self, AccountId};
use clarityloop_bitbucket::people::members::{self, Member, NewMember, Role};
use clarityloop_bitbucket::people::text::{EmailAddress, Name};
use clarityloop_bitbucket::people::{api_tokens, sessions, workspaces};
use clarityloop_bitbucket::server::{self, Options, Running};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;

pub use process::free_address;

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// A test on both databases: `both!(name)` where `name` is an `async fn(&Test)`; `both!(with super::SETTINGS => name)` for a
/// server with settings.
#[macro_export]
macro_rules! both {
    (with $settings:expr => $($name:ident),+ $(,)?) => { $(
        mod $name {
            #[tokio::test]
            async fn sqlite() {
                $crate::harness::run_with($crate::harness::Backend::Sqlite, $settings, async |test| super::$name(test).await).await;
            }

            #[tokio::test]
            async fn postgres() {
                $crate::harness::run_with($crate::harness::Backend::Postgres, $settings, async |test| super::$name(test).await).await;
            }
        }
    )+ };
    ($($name:ident),+ $(,)?) => { $crate::both!(with &[] => $($name),+); };
}

/// Runs a test on a backend; on PostgreSQL it is skipped, with a word, where none can be had.
pub async fn run(backend: Backend, body: impl AsyncFnOnce(&Test)) {
    run_with(backend, &[], body).await;
}

/// The same with settings of the test's own.
pub async fn run_with(backend: Backend, settings: &[(&str, &str)], body: impl AsyncFnOnce(&Test)) {
    let Some(test) = Test::start(backend, settings).await else { return };
    body(&test).await;
    test.finish().await;
}

/// A ClarityLoop workspace as the command line makes it.
#[derive(Clone, Debug)]
pub struct Made {
    pub owner: Member,
    pub install_code: String,
    pub token: String,
}

/// A server, its Bitbucket and its people.
pub struct Test {
    pub backend: Backend,
    pub sandbox: Sandbox,
    pub server: Running,
    pub url: String,
    pub config: Config,
    pub http: Client,
    /// The workspace of the test, owned by Ingrid Solberg.
    pub made: Made,
    watched: secrets::Watched,
    offset_seconds: Arc<AtomicI64>,
    folder: tempfile::TempDir,
}

/// The people of the sandbox's demo world, by account id.
pub const PRIYA: &str = "712020:11f6a8b0-0c5a-4d1e-9a57-6a2f1c0d0001";
pub const AMARA: &str = "712020:22a7b9c1-1d6b-4e2f-8b68-7b3a2d1e0002";
pub const LUCIA: &str = "712020:44c9dbe3-3f8d-4041-8d8a-9d5c4f300004";
pub const TOMASZ: &str = "712020:33b8cad2-2e7c-4f30-9c79-8c4b3e2f0003";
pub const INGRID: &str = "712020:66ebfd05-51af-4263-8fac-bf7e61520006";
/// Its workspace and a repository in it; `ledger` 87 is an open pull request.
pub const LUMENPAY: &str = "lumenpay";
pub const LEDGER: &str = "lumenpay/ledger";

impl Test {
    /// A server on a fresh database with these settings on top; `None` when PostgreSQL is asked for and cannot be had.
    pub async fn start(backend: Backend, settings: &[(&str, &str)]) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database_url = match backend {
            Backend::Sqlite => format!("sqlite://{}", folder.path().join("test.db").display()),
            Backend::Postgres => postgres::server()?.fresh_database(),
        };
        let watched = secrets::Watched::begin();
        let sandbox = Sandbox::start(bitbucket_sandbox::Options::default()).await.expect("the sandbox starts");
        let offset_seconds = Arc::new(AtomicI64::new(0));
        let config = settings_of(&database_url, folder.path(), sandbox.url(), settings);
        let server = serve(config.clone(), Arc::clone(&offset_seconds)).await;
        let made = make_workspace(&server, "Lumen Pay", "Ingrid Solberg", "ingrid@lumenpay.example").await;
        let http = Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        let url = config.public_url.text.clone();
        Some(Self { backend, sandbox, server, url, config, http, made, watched, offset_seconds, folder })
    }

    /// Another server on the same database.
    pub async fn second_server(&self) -> (Running, String) {
        let mut config = self.config.clone();
        config.listen = free_address();
        let url = format!("http://{}", config.listen);
        (serve(config, Arc::clone(&self.offset_seconds)).await, url)
    }

    /// Moves the clocks of server and sandbox.
    pub fn pass_seconds(&self, seconds: i64) {
        self.offset_seconds.fetch_add(seconds, Ordering::SeqCst);
        self.sandbox.set_now(self.now());
    }

    pub fn now(&self) -> DateTime<Utc> {
        Utc::now() + TimeDelta::seconds(self.offset_seconds.load(Ordering::SeqCst))
    }

    /// Works off every job that is due.
    pub async fn run_jobs(&self) {
        while self.server.runner.step().await.expect("a job step") {}
    }

    /// The kinds of jobs that wait or have failed.
    pub async fn jobs(&self) -> Vec<String> {
        self.server.app.read(jobs::waiting).await.expect("the queue")
    }

    /// Fails on left-over jobs, on calls to Bitbucket that nobody expected or that are not as its OpenAPI file has them, and on secrets
    /// that lie open, and stops the server.
    pub async fn finish(self) {
        assert_eq!(self.jobs().await, Vec::<String>::new(), "jobs were left over");
        let unexpected = self.sandbox.unexpected_calls();
        assert!(unexpected.is_empty(), "Bitbucket was called unexpectedly: {unexpected:?}");
        assert_eq!(self.sandbox.misfits(), Vec::<String>::new(), "Bitbucket was called otherwise than its OpenAPI file says");
        assert_eq!(self.lying_open().await, Vec::<String>::new(), "secrets lie open");
        self.server.stop().await;
        drop(self.folder);
    }

    /// The address of the descriptor that names the test's workspace.
    pub fn descriptor_url(&self) -> String {
        format!("{}/connect/{}/descriptor.json", self.url, self.made.install_code)
    }

    /// Installs the app in `lumenpay`, has it described, and confirms it: a panel works.
    pub async fn installed(&self) -> Installation {
        let installation = self.install().await;
        self.confirm().await;
        installation
    }

    /// Installs the app in `lumenpay`; it waits for its owner.
    pub async fn install(&self) -> Installation {
        let install = Install::new(LUMENPAY, &self.descriptor_url(), INGRID);
        let installation = self.sandbox.install(&install).await.expect("the app installs");
        self.run_jobs().await;
        installation
    }

    /// Confirms the newest installation, as its owner.
    pub async fn confirm(&self) {
        let listed = self.api_json(Method::GET, "/installations", None).await;
        let id = listed["entries"][0]["id"].as_str().expect("an installation").to_owned();
        let answer = self.api(Method::POST, &format!("/installations/{id}/confirm")).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap_or_default());
        self.run_jobs().await;
    }

    /// Adds a member, bound to an account when one is named.
    pub async fn member(&self, name: &str, email: &str, account: Option<&str>) -> Member {
        let new = NewMember {
            name: Name::parse("name", name).expect("a name"),
            email: EmailAddress::parse(email).expect("an address"),
            role: Role::Member,
        };
        let (id, now) = (self.made.owner.workspace_id.clone(), self.server.app.now());
        let account = account.map(|account| AccountId::parse(account).expect("an account id"));
        self.server
            .app
            .write(move |connection| {
                let member = members::add(connection, &id, &new, &now)?;
                if let Some(account) = account {
                    identities::bind_by_operator(connection, &member, &account, None, &now)?;
                }
                Ok(member)
            })
            .await
            .expect("a member")
    }

    /// The member with this address.
    pub async fn member_by_email(&self, email: &str) -> Member {
        let email = EmailAddress::parse(email).expect("an address");
        self.server.app.read(move |connection| members::by_email(connection, &email, None)).await.expect("a member")
    }

    /// Binds a member to an account on the operator's word: bound and confirmed.
    pub async fn bind(&self, member: &Member, account: &str) {
        let (member, account, now) = (member.clone(), AccountId::parse(account).expect("an account id"), self.server.app.now());
        let work = move |connection: &mut _| identities::bind_by_operator(connection, &member, &account, None, &now);
        self.server.app.write(work).await.expect("a binding");
    }

    /// An API token of a member with these scopes.
    pub async fn token(&self, member: &Member, scopes: &str) -> String {
        let (member, now) = (member.clone(), self.server.app.now());
        let scopes = api_tokens::parse_scopes(scopes).expect("scopes");
        let work = move |connection: &mut _| {
            let name = Name::parse("name", "test")?;
            api_tokens::create(connection, &member, &name, &scopes, &now)
        };
        kept(self.server.app.write(work).await.expect("a token").expose())
    }

    /// A REST request of the workspace's owner.
    pub fn api(&self, method: Method, path: &str) -> RequestBuilder {
        self.api_as(&self.made.token, method, path)
    }

    /// A REST request with another token.
    pub fn api_as(&self, token: &str, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}/api/v1{path}", self.url)).bearer_auth(token)
    }

    /// The JSON that a REST request of the owner is answered with; anything but 2xx fails the test.
    pub async fn api_json(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let mut request = self.api(method, path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        let (status, text) = (answer.status(), answer.text().await.expect("a body"));
        secrets::note_answer(status.as_u16(), &text);
        assert!(status.is_success(), "{path}: {status}: {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Opens the panel of a pull request of the `ledger` repository as `account`.
    pub async fn panel(&self, installation: &Installation, pull_request: u64, account: &str) -> Page {
        let url = self.sandbox.panel_url(&installation.client_key, LEDGER, pull_request, account).expect("a panel address");
        self.get(&url).await
    }

    /// A page.
    pub async fn get(&self, url: &str) -> Page {
        Page::read(self.http.get(url).send().await.expect("an answer")).await
    }

    /// The secret of a new one-time sign-in link.
    pub async fn sign_in_link(&self, member: &Member) -> String {
        let (id, now) = (member.id.clone(), self.server.app.now());
        let work = move |connection: &mut _| sessions::new_link(connection, &id, &now);
        kept(self.server.app.write(work).await.expect("a link").expose())
    }

    /// The secret of a new session, which a browser sends as the cookie `clarityloop`.
    pub async fn session(&self, member: &Member) -> String {
        let (link, now) = (self.sign_in_link(member).await, self.server.app.now());
        let browser = sessions::Browser { label: "Firefox on Linux".to_owned(), former: None };
        let work = move |connection: &mut _| sessions::sign_in(connection, &link, &browser, &now);
        kept(self.server.app.write(work).await.expect("a session").expose())
    }

    /// A page, as whoever has this session.
    pub async fn get_as(&self, session: &str, path: &str) -> Page {
        let request = self.http.get(format!("{}{path}", self.url)).header("cookie", format!("clarityloop={session}"));
        Page::read(request.send().await.expect("an answer")).await
    }

    /// Posts a form of a page, as whoever has this session.
    pub async fn post_as(&self, session: &str, path: &str, form: &[(&str, &str)]) -> Page {
        let request = self.http.post(format!("{}{path}", self.url)).header("cookie", format!("clarityloop={session}"));
        Page::read(request.form(form).send().await.expect("an answer")).await
    }

    /// Posts a form of a panel.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Page {
        Page::read(self.http.post(format!("{}{path}", self.url)).form(form).send().await.expect("an answer")).await
    }
}

/// A secret that the search at the end of the test looks for.
fn kept(secret: &str) -> String {
    secrets::keep(secret);
    secret.to_owned()
}

/// An answer with its body.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: String,
}

impl Page {
    pub async fn read(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let page = Self { status, headers, body: response.text().await.expect("a body") };
        secrets::note_page(&page);
        page
    }

    /// The value of the first hidden field with this name.
    pub fn field(&self, name: &str) -> String {
        let marker = format!("name=\"{name}\" value=\"");
        let begin = self.body.find(&marker).unwrap_or_else(|| panic!("no field {name} in {}", self.body)) + marker.len();
        self.body[begin..].split('"').next().unwrap_or_default().to_owned()
    }

    /// The stable code of a problem document.
    pub fn code(&self) -> String {
        let problem: Value = serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body));
        problem["code"].as_str().unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Settings for a server on `database_url` beside the sandbox at `bitbucket`.
pub fn settings_of(database_url: &str, folder: &std::path::Path, bitbucket: &str, settings: &[(&str, &str)]) -> Config {
    let listen = free_address();
    let mut pairs = vec![
        ("CLARITYLOOP__LISTEN".to_owned(), listen.to_string()),
        ("CLARITYLOOP__METRICS_LISTEN".to_owned(), String::new()),
        ("CLARITYLOOP__DATABASE_URL".to_owned(), database_url.to_owned()),
        ("CLARITYLOOP__DATABASE__READERS".to_owned(), "2".to_owned()),
        ("CLARITYLOOP__DATA_DIR".to_owned(), folder.display().to_string()),
        ("CLARITYLOOP__WORKERS".to_owned(), "1".to_owned()),
        ("CLARITYLOOP__BITBUCKET__API_URL".to_owned(), bitbucket.to_owned()),
        ("CLARITYLOOP__BITBUCKET__WEB_URL".to_owned(), bitbucket.to_owned()),
        ("CLARITYLOOP__FORGE__JWKS_URL".to_owned(), format!("{bitbucket}/forge/.well-known/jwks.json")),
    ];
    pairs.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    config::load(None, &pairs).unwrap_or_else(|problems| panic!("{problems}")).0
}

async fn serve(config: Config, offset_seconds: Arc<AtomicI64>) -> Running {
    let clock = Arc::new(move || Utc::now() + TimeDelta::seconds(offset_seconds.load(Ordering::SeqCst)));
    server::start(config, Options { clock, works_jobs: false }).await.unwrap_or_else(|error| panic!("{error}"))
}

/// Makes a workspace with its owner, install code and a token with every scope.
pub async fn make_workspace(server: &Running, name: &str, owner_name: &str, email: &str) -> Made {
    let now = server.app.now();
    let name = Name::parse("name", name).expect("a name");
    let owner = NewMember {
        name: Name::parse("name", owner_name).expect("a name"),
        email: EmailAddress::parse(email).expect("an address"),
        role: Role::Owner,
    };
    let made = server.app.write(move |connection| {
        let workspace = workspaces::create(connection, &name, &now)?;
        let owner = members::add(connection, &workspace.id, &owner, &now)?;
        let install_code = install_codes::replace(connection, &workspace.id, &now)?;
        let token = api_tokens::create(connection, &owner, &name, &api_tokens::ALL_SCOPES, &now)?;
        let token = token.expose().to_owned();
        Ok(Made { owner, install_code, token })
    });
    let made = made.await.expect("a workspace");
    secrets::keep(&made.token);
    made
}
