//! `cargo run --example demo`: the server beside a stand-in Bitbucket, with people, conversations of every kind and pull requests to try things on.
//! It prints what to open, starts afresh each time, and ends with Ctrl-C.

mod forge;
mod story;

use std::error::Error;
use std::net::TcpListener;
use std::path::PathBuf;

use bitbucket_sandbox::{Consumer, Install, Sandbox, World, percent_encode};
use chrono::Utc;
use clarityloop_bitbucket::config::{self, Config, Now};
use clarityloop_bitbucket::connections::{install_codes, installations};
use clarityloop_bitbucket::error::Result;
use clarityloop_bitbucket::panel::actions::Choice;
use clarityloop_bitbucket::people::identities::{self, AccountId};
use clarityloop_bitbucket::people::join_requests::{self, Question};
use clarityloop_bitbucket::people::members::{self, Member, NewMember, Role};
use clarityloop_bitbucket::people::page::Page;
use clarityloop_bitbucket::people::text::{EmailAddress, Name};
use clarityloop_bitbucket::people::{api_tokens, sessions, workspaces};
use clarityloop_bitbucket::server::{self, Options, Running};
use clarityloop_bitbucket::storage::AnyConnection;
use clarityloop_bitbucket::telemetry;
use uuid::Uuid;

type Failed = Box<dyn Error>;

/// The stand-in's workspace; what is demonstrated happens in it.
const BITBUCKET_WORKSPACE: &str = "lumenpay";
/// Amara's open pull request, reviewed by Tomasz and Priya.
const RETRY_CARDS: (&str, u64) = ("lumenpay/checkout", 412);
/// Tomasz's open pull request, reviewed by Amara.
const SECURE_FRAME: (&str, u64) = ("lumenpay/checkout", 409);
/// Lucía's merged pull request, reviewed by Amara and Priya.
const SHOPPER_CURRENCY: (&str, u64) = ("lumenpay/checkout", 398);
/// Ingrid's open pull request.
const BALANCED_POSTINGS: (&str, u64) = ("lumenpay/ledger", 84);
/// Tomasz's declined pull request.
const EXPORT_STREAM: (&str, u64) = ("lumenpay/ledger", 71);
/// Priya's open pull request in a public repository.
const HOW_WE_REVIEW: (&str, u64) = ("lumenpay/handbook", 23);

/// The people, of whom the stand-in knows an account under the same name.
#[derive(Clone)]
struct People {
    ingrid: Member,
    priya: Member,
    amara: Member,
    tomasz: Member,
    mei: Member,
}

/// What a visitor needs, each shown once and kept nowhere.
struct Keys {
    ingrid_signs_in: String,
    priya_signs_in: String,
    amara_signs_in: String,
    mei_signs_in: String,
    api_token: String,
}

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let listen = free_port_from(8181)?;
    let sandbox_listen = ([127, 0, 0, 1], free_port_from(listen + 1)?).into();
    let sandbox = Sandbox::start(bitbucket_sandbox::Options { listen: sandbox_listen, world: World::demo(Utc::now()) }).await?;
    let config = settings(listen, sandbox.url())?;
    telemetry::init(&config);
    sandbox.add_consumer(Consumer {
        client_id: "demo".to_owned(),
        client_secret: "demo".to_owned(),
        callback_url: format!("{}/sign-in/bitbucket/callback", config.public_url.text),
        scopes: vec!["account".to_owned(), "email".to_owned()],
    });
    let server = server::start(config, Options::default()).await?;

    let (people, install_code) = write(&server, make_workspace).await?;
    install(&server, &sandbox, &people.ingrid, &install_code).await?;
    let forge = forge::install(&server, &sandbox, &account_of(&people.ingrid.name).unwrap_or_default()).await?;
    let told = people.clone();
    let attached = write(&server, move |connection, now| story::write(connection, &told, now)).await?;
    for link in attached {
        let target = Choice::value(link.target.kind, &link.target.id);
        attach_in_the_panel(&server, &sandbox, link.name, link.pull_request, &target, link.note).await?;
    }
    ask_to_join(&server, &sandbox, &people.ingrid).await?;
    let keys = write(&server, move |connection, now| make_keys(connection, &people, now)).await?;

    tell(&server, &sandbox, &keys);
    forge::tell(&sandbox, forge.as_ref());
    tokio::signal::ctrl_c().await?;
    server.stop().await;
    Ok(())
}

/// The first port from `first` on that nobody listens on.
fn free_port_from(first: u16) -> Result<u16, Failed> {
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    (first..first + 100).find(is_free).ok_or_else(|| "no free port".into())
}

/// Settings and an empty folder of its own, which a demo on another port does not share.
fn settings(port: u16, bitbucket: &str) -> Result<Config, Failed> {
    let folder = PathBuf::from(format!("demo-data/{port}"));
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let settings = [
        ("CLARITYLOOP__LISTEN", format!("127.0.0.1:{port}")),
        ("CLARITYLOOP__METRICS_LISTEN", String::new()),
        ("CLARITYLOOP__DATA_DIR", folder.display().to_string()),
        ("CLARITYLOOP__LOG", "warn".to_owned()),
        ("CLARITYLOOP__BITBUCKET__API_URL", bitbucket.to_owned()),
        ("CLARITYLOOP__BITBUCKET__WEB_URL", bitbucket.to_owned()),
        ("CLARITYLOOP__FORGE__APP_ID", forge::APP.to_owned()),
        ("CLARITYLOOP__FORGE__JWKS_URL", format!("{bitbucket}/forge/.well-known/jwks.json")),
        ("CLARITYLOOP__OAUTH__CLIENT_ID", "demo".to_owned()),
        ("CLARITYLOOP__OAUTH__CLIENT_SECRET", "demo".to_owned()),
    ];
    let (config, _) = config::load(None, &settings.map(|(name, value)| (name.to_owned(), value)))?;
    Ok(config)
}

async fn write<T: Send + 'static>(
    server: &Running,
    work: impl FnOnce(&mut AnyConnection, &Now) -> Result<T> + Send + 'static,
) -> Result<T> {
    let now = server.app.now();
    server.app.write(move |connection| work(connection, &now)).await
}

/// The workspace, its people and its install code. Mei's account stays unknown, so that the code screen can be tried, and Lucía stays
/// outside, so that somebody can ask to join.
fn make_workspace(connection: &mut AnyConnection, now: &Now) -> Result<(People, String)> {
    let workspace = workspaces::create(connection, &Name::parse("name", "Lumen Pay")?, now)?;
    let mut add = |name: &str, email: &str, role: Role| -> Result<Member> {
        let new = NewMember { name: Name::parse("name", name)?, email: EmailAddress::parse(email)?, role };
        let member = members::add(connection, &workspace.id, &new, now)?;
        if let Some(account) = account_of(name).filter(|_| name != "Mei Tanaka") {
            identities::bind_by_operator(connection, &member, &AccountId::parse(&account)?, None, now)?;
        }
        Ok(member)
    };
    let people = People {
        ingrid: add("Ingrid Solberg", "ingrid@lumenpay.example", Role::Owner)?,
        priya: add("Priya Raman", "priya@lumenpay.example", Role::Member)?,
        amara: add("Amara Okafor", "amara@lumenpay.example", Role::Member)?,
        tomasz: add("Tomasz Zieliński", "tomasz@lumenpay.example", Role::Member)?,
        mei: add("Mei Tanaka", "mei@lumenpay.example", Role::Member)?,
    };
    Ok((people, install_codes::replace(connection, &workspace.id, now)?))
}

/// The account id of somebody in the stand-in's world.
fn account_of(name: &str) -> Option<String> {
    World::demo(Utc::now()).users.into_iter().find(|user| user.display_name == name).map(|user| user.account_id)
}

/// Installs the app as a Bitbucket admin would, and confirms it as the owner.
async fn install(server: &Running, sandbox: &Sandbox, owner: &Member, install_code: &str) -> Result<(), Failed> {
    let descriptor_url = format!("{}/connect/{install_code}/descriptor.json", server.app.config.public_url.text);
    let admin = account_of(&owner.name).unwrap_or_default();
    sandbox.install(&Install::new(BITBUCKET_WORKSPACE, &descriptor_url, &admin)).await?;
    let viewer = owner.viewer();
    let confirm = move |connection: &mut AnyConnection, now: &Now| {
        for waiting in installations::list(connection, &viewer, &Page { before: None, limit: 1 })?.entries {
            installations::confirm(connection, &viewer, &waiting.id, now)?;
        }
        Ok(())
    };
    Ok(write(server, confirm).await?)
}

/// Opens the panel on a pull request as its page does, and attaches the pull request.
async fn attach_in_the_panel(
    server: &Running,
    sandbox: &Sandbox,
    name: &str,
    (repository, id): (&str, u64),
    target: &str,
    note: &str,
) -> Result<(), Failed> {
    let installation = sandbox.installations().into_iter().next().ok_or("the app is not installed")?;
    let account = account_of(name).unwrap_or_default();
    let panel =
        reqwest::get(sandbox.panel_url(&installation.client_key, repository, id, account.as_str())?).await?.text().await?;
    let token = panel.split("name=\"token\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let form = [("token", token.ok_or("the panel has no form")?), ("target", target), ("note", note)];
    let address = format!("{}/connect/panel/links", server.app.config.public_url.text);
    reqwest::Client::new().post(address).form(&form).send().await?.error_for_status()?;
    Ok(())
}

/// Lucía, who is no member, asks from her own pull request.
async fn ask_to_join(server: &Running, sandbox: &Sandbox, owner: &Member) -> Result<(), Failed> {
    let (repository, id) = SHOPPER_CURRENCY;
    let question = Question {
        name: Name::parse("name", "Lucía Fernández")?,
        email: EmailAddress::parse("lucia@lumenpay.example")?,
        account: AccountId::parse(&account_of("Lucía Fernández").unwrap_or_default())?,
        bitbucket_workspace: bitbucket_workspace()?,
        pull_request_url: format!("{}/{repository}/pull-requests/{id}", sandbox.url()),
    };
    let workspace_id = owner.workspace_id.clone();
    Ok(write(server, move |connection, now| join_requests::ask(connection, &workspace_id, &question, now)).await?)
}

/// Which workspace the stand-in calls [`BITBUCKET_WORKSPACE`].
fn bitbucket_workspace() -> Result<Uuid, Failed> {
    let found = World::demo(Utc::now()).workspaces.into_iter().find(|workspace| workspace.slug == BITBUCKET_WORKSPACE);
    Ok(found.ok_or("the stand-in has no such workspace")?.uuid.parse()?)
}

fn make_keys(connection: &mut AnyConnection, people: &People, now: &Now) -> Result<Keys> {
    let mut link = |member: &Member| sessions::new_link(connection, &member.id, now).map(|secret| secret.expose().to_owned());
    let (ingrid_signs_in, priya_signs_in) = (link(&people.ingrid)?, link(&people.priya)?);
    let (amara_signs_in, mei_signs_in) = (link(&people.amara)?, link(&people.mei)?);
    let name = Name::parse("name", "demo")?;
    let token = api_tokens::create(connection, &people.ingrid, &name, &api_tokens::ALL_SCOPES, now)?;
    Ok(Keys { ingrid_signs_in, priya_signs_in, amara_signs_in, mei_signs_in, api_token: token.expose().to_owned() })
}

#[expect(clippy::print_stdout, reason = "a demo says on standard output what to open")]
fn tell(server: &Running, sandbox: &Sandbox, keys: &Keys) {
    let (url, bitbucket) = (&server.app.config.public_url.text, sandbox.url());
    let page = |(repository, id): (&str, u64), name: &str| {
        format!("{bitbucket}/{repository}/pull-requests/{id}?as={}", percent_encode(&account_of(name).unwrap_or_default()))
    };
    println!(
        "ClarityLoop {url}    stand-in Bitbucket {bitbucket}

Attach a pull request. Amara reviews this one, and the panel on the right is hers:
  {amara_reviews}
See what others attached to her own, where she may see it:
  {amara_wrote}

Link an account. Bitbucket's Mei is not known to ClarityLoop yet, so her panel asks for a code:
  {mei_reviews}
Sign in as her (once), open Profile and press \"Get a code\":
  {url}/sign-in/{mei}

Sign in, each link once, in a window of its own or after signing out:
  Ingrid, owner                   {url}/sign-in/{ingrid}
  Priya, member, leads the others {url}/sign-in/{priya}
  Amara, member                   {url}/sign-in/{amara}
or press \"Sign in with Bitbucket\" on {url}/sign-in and choose who you are.

Let somebody in. Lucía is not a member and has asked from her pull request; Ingrid sees it on {url}/people:
  {lucia_wrote}

The app as a Bitbucket admin sees it, to configure, remove and install again:
  {bitbucket}/{BITBUCKET_WORKSPACE}/workspace/settings/addon-management

The API, described at {url}/api, with Ingrid's token:
  curl -H 'Authorization: Bearer {token}' {url}/api/v1/installations
",
        amara_reviews = page(SECURE_FRAME, "Amara Okafor"),
        amara_wrote = page(RETRY_CARDS, "Amara Okafor"),
        mei_reviews = page(SECURE_FRAME, "Mei Tanaka"),
        mei = keys.mei_signs_in,
        lucia_wrote = page(SHOPPER_CURRENCY, "Lucía Fernández"),
        priya = keys.priya_signs_in,
        ingrid = keys.ingrid_signs_in,
        amara = keys.amara_signs_in,
        token = keys.api_token,
    );
}
