//! The program killed around the rotation of a token: after Bitbucket has made the next pair and before it is stored, and as soon as it has
//! answered; and two programs on one PostgreSQL that refresh at once. The connection survives, and nobody's log holds a token.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bitbucket_sandbox::{Consumer, CredentialKind, Fault, Misbehaviour, Sandbox, query_pairs};
use chrono::{NaiveDateTime, TimeDelta, Utc};
use clarityloop_bitbucket::config;
use clarityloop_bitbucket::storage::schema::{connection_secrets, connections};
use clarityloop_bitbucket::storage::{AnyConnection, Manager};
use diesel::prelude::*;
use reqwest::Client;
use serde_json::{Value, json};

use crate::harness::postgres;
use crate::harness::process::{Process, Program};
use crate::harness::secrets::Finder;
use crate::harness::{INGRID, Page};

const CONNECTIONS: &str = "/settings/integrations/bitbucket/connections";
const TOKEN_ENDPOINT: &str = "/site/oauth2/access_token";
/// Longer than any test here takes.
const NEVER_MILLISECONDS: u64 = 60_000;

#[tokio::test]
async fn a_connection_survives_a_kill_between_answer_and_write_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("rotation.db").display());
    Rotating::set_up(&url, folder).await.survives().await;
}

#[tokio::test]
async fn a_connection_survives_a_kill_between_answer_and_write_on_postgres() {
    let Some(server) = postgres::server() else { return };
    Rotating::set_up(&server.fresh_database(), tempfile::tempdir().unwrap()).await.survives().await;
}

#[tokio::test]
async fn of_two_programs_that_refresh_at_once_one_asks_and_both_go_on() {
    let Some(server) = postgres::server() else { return };
    let rotating = Rotating::set_up(&server.fresh_database(), tempfile::tempdir().unwrap()).await;
    let (first, other) = (rotating.program.serve(), rotating.program.another());
    let second = other.serve();
    let slow = Fault::Slow { milliseconds: 500 };
    rotating.sandbox.misbehave(Misbehaviour::on(TOKEN_ENDPOINT, slow));
    rotating.let_the_token_end();
    let before = rotating.asked();
    let (here, there) = tokio::join!(rotating.check(&rotating.program.url), rotating.check(&other.url));
    assert_eq!((here, there), (Some(303), Some(303)));
    assert_eq!(rotating.asked(), before + 1, "one lease for both");
    rotating.must_work("two at once").await;
    first.kill_nine();
    second.kill_nine();
    rotating.must_be_silent();
}

/// A program with a connection by consent.
struct Rotating {
    program: Program,
    sandbox: Arc<Sandbox>,
    http: Client,
    session: String,
    csrf: String,
    api_token: String,
    id: String,
    _folder: tempfile::TempDir,
}

impl Rotating {
    /// A workspace whose owner has connected by consent; the program has ended.
    async fn set_up(database_url: &str, folder: tempfile::TempDir) -> Self {
        let sandbox = Arc::new(Sandbox::start(bitbucket_sandbox::Options::default()).await.unwrap());
        let program = Program::new(env!("CARGO_BIN_EXE_clarityloop-bitbucket"), database_url, folder.path(), sandbox.url());
        let program = program.with("OAUTH__CLIENT_ID", "the-key").with("OAUTH__CLIENT_SECRET", "the-secret").with("LOG", "debug");
        sandbox.add_consumer(Consumer {
            client_id: "the-key".to_owned(),
            client_secret: "the-secret".to_owned(),
            callback_url: format!("{}/sign-in/bitbucket/callback", program.url),
            scopes: ["account", "repository", "pullrequest", "pipeline", "webhook"].map(str::to_owned).into(),
        });
        let made = program.make_workspace();
        let server = program.serve();
        // A program that was killed leaves no connection to come back to.
        let http = Client::builder().redirect(reqwest::redirect::Policy::none()).pool_max_idle_per_host(0).build().unwrap();
        let api_token = made["api_token"].as_str().unwrap().to_owned();
        let (session, csrf, id) = (String::new(), String::new(), String::new());
        let mut rotating = Self { program, sandbox, http, session, csrf, api_token, id, _folder: folder };
        rotating.sign_in().await;
        rotating.connect().await;
        server.kill_nine();
        rotating
    }

    async fn get(&self, address: &str) -> Page {
        let request = self.http.get(address).header("cookie", format!("clarityloop={}", self.session));
        Page::read(request.send().await.unwrap()).await
    }

    async fn post(&self, address: &str, fields: &[(&str, &str)]) -> Page {
        let request = self.http.post(address).header("cookie", format!("clarityloop={}", self.session));
        Page::read(request.form(fields).send().await.unwrap()).await
    }

    async fn sign_in(&mut self) {
        let link = self.program.print(&["sign-in-link", "--email", "ingrid@lumenpay.example"]);
        let csrf = self.get(&link).await.field("csrf");
        let signed_in = self.post(&link, &[("csrf", &csrf)]).await;
        let cookie = signed_in.header("set-cookie").strip_prefix("clarityloop=").unwrap();
        self.session = cookie.split(';').next().unwrap().to_owned();
    }

    /// Consents at Bitbucket as Ingrid, and comes back.
    async fn connect(&mut self) {
        let page = format!("{}{CONNECTIONS}", self.program.url);
        self.csrf = self.get(&page).await.field("csrf");
        let left = self.post(&format!("{page}/consent"), &[("csrf", &self.csrf), ("purpose", "reading")]).await;
        let (_, link) =
            left.body.split_once("<a class=\"button button-primary\" href=\"").unwrap_or_else(|| panic!("{}", left.body));
        let address = link.split('"').next().unwrap().replace("&#38;", "&");
        let (bitbucket, query) = address.split_once('?').unwrap();
        let mut fields = query_pairs(query);
        fields.extend([("as".to_owned(), INGRID.to_owned()), ("answer".to_owned(), "grant".to_owned())]);
        let answered = Page::read(self.http.post(bitbucket).form(&fields).send().await.unwrap()).await;
        let back = self.get(answered.header("location")).await;
        assert_eq!(back.status, 303, "{}", back.body);
        self.id = self.listed().await["id"].as_str().unwrap().to_owned();
    }

    /// The connection as REST shows it.
    async fn listed(&self) -> Value {
        let listed = self.http.get(format!("{}/api/v1/connections", self.program.url)).bearer_auth(&self.api_token);
        listed.send().await.unwrap().json::<Value>().await.unwrap()["entries"][0].clone()
    }

    /// Has the program at `url` ask Bitbucket whether the connection works; the status, and none when the program ended over it.
    async fn check(&self, url: &str) -> Option<u16> {
        let request = self.http.post(format!("{url}{CONNECTIONS}/{}/check", self.id));
        let request = request.header("cookie", format!("clarityloop={}", self.session)).form(&[("csrf", &self.csrf)]);
        request.send().await.ok().map(|answer| answer.status().as_u16())
    }

    fn connection(&self) -> AnyConnection {
        let (config, _) = config::load(None, self.program.environment()).unwrap();
        Manager::new(&config.database_url).connect_writer().unwrap()
    }

    /// Two hours later, as far as the program knows: the access token has ended.
    fn let_the_token_end(&self) {
        let ended = (Utc::now() - TimeDelta::seconds(1)).naive_utc();
        let row = connections::table.find(&self.id);
        diesel::update(row).set(connections::expires_at.eq(Some(ended))).execute(&mut self.connection()).unwrap();
    }

    /// Half a minute later: whoever was killed does not hold the right to ask any more.
    fn let_the_lease_end(&self) {
        let ended = (Utc::now() - TimeDelta::seconds(1)).naive_utc();
        let row = connection_secrets::table.find(&self.id);
        diesel::update(row).set(connection_secrets::leased_until.eq(Some(ended))).execute(&mut self.connection()).unwrap();
    }

    /// How many pairs were stored after the first, and until when somebody may ask for the next.
    fn stored(&self) -> (i32, Option<NaiveDateTime>) {
        let row =
            connection_secrets::table.find(&self.id).select((connection_secrets::refreshes, connection_secrets::leased_until));
        row.first(&mut self.connection()).unwrap()
    }

    /// How often a refresh token was used and the answer was written.
    fn asked(&self) -> usize {
        self.sandbox.calls().iter().filter(|call| call.body.contains("grant_type=refresh_token")).count()
    }

    async fn survives(&self) {
        self.survives_a_lost_answer().await;
        for round in 0..3 {
            self.survives_a_kill_at_the_answer(round).await;
        }
        self.must_be_silent();
    }

    /// Bitbucket has made the next pair, and whoever asked is killed before it hears of it.
    async fn survives_a_lost_answer(&self) {
        let server = self.program.serve();
        let (stored, handed_out) = (self.stored().0, self.sandbox.secrets().len());
        let late = Fault::Late { milliseconds: NEVER_MILLISECONDS };
        self.sandbox.misbehave(Misbehaviour::on(TOKEN_ENDPOINT, late));
        self.let_the_token_end();
        let killed = async {
            until("the next pair is made", || self.sandbox.secrets().len() > handed_out).await;
            server.kill_nine();
        };
        let (answered, ()) = tokio::join!(self.check(&self.program.url), killed);
        assert_eq!(answered, None, "killed over it");
        let (now_stored, leased_until) = self.stored();
        assert_eq!(now_stored, stored, "the pair is lost");
        assert!(leased_until.is_some(), "whoever was killed held the right to ask");
        self.sandbox.behave();
        self.goes_on("a lost answer").await;
        assert_eq!(self.stored().0, stored + 1, "the former refresh token is still taken, and the next pair is stored");
    }

    /// Whoever asked is killed as soon as Bitbucket has answered: the pair may be stored or not.
    async fn survives_a_kill_at_the_answer(&self, round: usize) {
        let server: Process = self.program.serve();
        self.let_the_token_end();
        let asked = self.asked();
        let killed = async {
            until("the pair is answered", || self.asked() > asked).await;
            server.kill_nine();
        };
        tokio::join!(self.check(&self.program.url), killed);
        self.goes_on(&format!("round {round}")).await;
    }

    /// Starts again when the time of whoever was killed is over, and works.
    async fn goes_on(&self, when: &str) {
        self.let_the_lease_end();
        let server = self.program.serve();
        assert_eq!(self.check(&self.program.url).await, Some(303), "{when}");
        self.must_work(when).await;
        server.kill_nine();
    }

    async fn must_work(&self, when: &str) {
        let listed = self.listed().await;
        let standing = (&listed["state"], &listed["failing_code"]);
        assert_eq!(standing, (&json!("connected"), &json!(null)), "{when}: {listed}");
        let calls = self.sandbox.calls();
        let last =
            calls.iter().rev().find(|call| call.path.starts_with("/2.0/repositories/") && call.query == "pagelen=10").unwrap();
        assert_eq!((last.status, last.credential), (200, Some(CredentialKind::OAuth)), "{when}");
    }

    /// No secret stands in what the program has logged.
    fn must_be_silent(&self) {
        let mut secrets = self.sandbox.secrets();
        secrets.extend([self.session.clone(), self.api_token.clone()]);
        assert_eq!(Finder::new(secrets.iter().map(String::as_str)).find(&self.program.logged()), None);
        assert!(!self.program.logged().is_empty(), "it does log");
        assert_eq!(self.sandbox.misfits(), Vec::<String>::new());
    }
}

/// Looks again and again, as soon as anything could have happened in between.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(15), "{what}: not so after fifteen seconds");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
