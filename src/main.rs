//! The command line of the server.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::Utc;
use clap::{Parser, Subcommand};
use clarityloop_bitbucket::config::{self, Config, Now};
use clarityloop_bitbucket::connections::{entry, install_codes};
use clarityloop_bitbucket::error::{Error, Result};
use clarityloop_bitbucket::people::identities::{self, AccountId};
use clarityloop_bitbucket::people::members::{self, Member, NewMember, Role};
use clarityloop_bitbucket::people::text::{EmailAddress, Name};
use clarityloop_bitbucket::people::{api_tokens, pull_requests, sessions, workspaces};
use clarityloop_bitbucket::server::{self, Options};
use clarityloop_bitbucket::storage::ids::WorkspaceId;
use clarityloop_bitbucket::storage::seal::Keyring;
use clarityloop_bitbucket::storage::{AnyConnection, Database, Manager, migrate};
use clarityloop_bitbucket::telemetry;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// ClarityLoop for Bitbucket.
#[derive(Parser)]
#[command(version, about)]
struct CommandLine {
    /// A file of settings; clarityloop.toml in this folder when there is one.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve (the default).
    Serve,
    /// Bring the database up to date and end.
    Migrate,
    /// Print the effective settings with where each was set; secrets are not shown.
    CheckConfig,
    /// Workspaces.
    #[command(subcommand)]
    Workspace(WorkspaceCommand),
    /// Members.
    #[command(subcommand)]
    Member(MemberCommand),
    /// Bitbucket accounts of members.
    #[command(subcommand)]
    Identity(IdentityCommand),
    /// Print a one-time sign-in link for a member.
    SignInLink {
        /// The member's e-mail address.
        #[arg(long)]
        email: String,
        /// The workspace, when the address is known in several.
        #[arg(long)]
        workspace: Option<String>,
    },
    /// API tokens.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Write a consistent copy of the SQLite database while serving.
    Backup {
        /// The file to write; it must not exist.
        file: PathBuf,
    },
}

#[derive(Subcommand)]
enum WorkspaceCommand {
    /// Make a workspace with its first owner.
    Create {
        /// What it is called.
        #[arg(long)]
        name: String,
        /// The owner's name.
        #[arg(long)]
        owner_name: String,
        /// The owner's e-mail address.
        #[arg(long)]
        owner_email: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Switch PR Quick Action on or off.
    QuickAction {
        /// on or off.
        #[arg(value_parser = ["on", "off"])]
        switch: String,
        /// The address of an owner, in whose name it is done.
        #[arg(long)]
        email: String,
        /// The workspace, when the address is known in several.
        #[arg(long)]
        workspace: Option<String>,
    },
}

#[derive(Subcommand)]
enum MemberCommand {
    /// Add a member.
    Add {
        /// What they are called.
        #[arg(long)]
        name: String,
        /// Their e-mail address.
        #[arg(long)]
        email: String,
        /// owner or member.
        #[arg(long, default_value = "member", value_parser = ["owner", "member"])]
        role: String,
        /// The workspace, when there are several.
        #[arg(long)]
        workspace: Option<String>,
    },
}

#[derive(Subcommand)]
enum IdentityCommand {
    /// Bind a member to an Atlassian account, on your word.
    Bind {
        /// The member's e-mail address.
        #[arg(long)]
        email: String,
        /// The Atlassian account id.
        #[arg(long)]
        account_id: String,
        /// The Bitbucket UUID.
        #[arg(long)]
        bitbucket_uuid: Option<String>,
        /// The workspace, when the address is known in several.
        #[arg(long)]
        workspace: Option<String>,
    },
}

#[derive(Subcommand)]
enum TokenCommand {
    /// Make an API token and print it, this once.
    Create {
        /// The member's e-mail address.
        #[arg(long)]
        email: String,
        /// read, write, owner, bitbucket, mcp; several separated by commas.
        #[arg(long)]
        scope: Vec<String>,
        /// What it is for.
        #[arg(long, default_value = "command line")]
        name: String,
        /// The workspace, when the address is known in several.
        #[arg(long)]
        workspace: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    match run(CommandLine::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            complain(&problem);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "the command line answers on standard output and complains on standard error")]
fn complain(problem: &str) {
    eprintln!("{problem}");
}

#[expect(clippy::print_stdout, reason = "the command line answers on standard output and complains on standard error")]
fn say(line: &str) {
    println!("{line}");
}

fn run(line: CommandLine) -> std::result::Result<(), String> {
    let default_file = Path::new("clarityloop.toml");
    let file = line.config.or_else(|| default_file.exists().then(|| default_file.to_owned()));
    let environment: Vec<(String, String)> = std::env::vars().collect();
    let (config, settings) = config::load(file.as_deref(), &environment).map_err(|problems| problems.to_string())?;
    match line.command.unwrap_or(Command::Serve) {
        Command::Serve => serve(config),
        Command::CheckConfig => {
            settings.iter().for_each(|setting| say(&format!("{} = {:?}  # {}", setting.name, setting.value, setting.origin)));
            Ok(())
        }
        Command::Migrate => {
            let mut connection = Manager::new(&config.database_url).connect_writer().map_err(|error| error.to_string())?;
            let applied = migrate(&mut connection).map_err(|error| error.to_string())?;
            say(&format!("{} migrations applied", applied.len()));
            Ok(())
        }
        Command::Backup { file } => {
            Database::backup(&config, &file).map_err(|error| error.to_string())?;
            say(&format!("wrote {}", file.display()));
            Ok(())
        }
        command => with_database(&config, |connection, now| command.run(connection, &config, now)),
    }
}

fn now(config: &Config) -> Now {
    Now::new(Utc::now(), config.random.clone())
}

/// Runs one command in one transaction, on a database that is up to date, and prints its answer after the commit.
fn with_database(
    config: &Config,
    work: impl FnOnce(&mut AnyConnection, &Now) -> Result<String> + Send,
) -> std::result::Result<(), String> {
    let mut connection = open(config)?;
    let answer = Manager::write(&mut connection, |connection| work(connection, &now(config)));
    answer.map(|answer| say(&answer)).map_err(|error| error.detail.to_string())
}

fn open(config: &Config) -> std::result::Result<AnyConnection, String> {
    let manager = Manager::new(&config.database_url);
    manager.prepare_file().map_err(|error| error.to_string())?;
    let mut connection = manager.connect_writer().map_err(|error| format!("database_url: {error}"))?;
    migrate(&mut connection).map_err(|error| format!("migrations: {error}"))?;
    Keyring::open(config, &mut connection)?;
    Ok(connection)
}

fn serve(config: Config) -> std::result::Result<(), String> {
    telemetry::init(&config);
    first_start(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let public_url = config.public_url.text.clone();
        let running = server::start(config, Options::default()).await.map_err(|error| error.to_string())?;
        tracing::info!(address = %running.address, public_url, "serving");
        wait_for_signal().await.map_err(|error| error.to_string())?;
        tracing::info!("stopping");
        running.stop().await;
        Ok(())
    })
}

async fn wait_for_signal() -> std::io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => interrupted,
    }
}

/// With nothing configured, a fresh database gets a workspace, and somebody at a terminal the link that signs its owner in.
fn first_start(config: &Config) -> std::result::Result<(), String> {
    if config.data_is_chosen {
        return Ok(());
    }
    let mut connection = open(config)?;
    let now = now(config);
    let link = Manager::write(&mut connection, |connection| {
        if workspaces::count(connection)? > 0 {
            return Ok(None);
        }
        let owner = NewMember {
            name: Name::parse("name", "Owner")?,
            email: EmailAddress::parse("owner@example.com")?,
            role: Role::Owner,
        };
        let created = create_workspace(connection, &Name::parse("name", "My workspace")?, &owner, &now)?;
        sessions::new_link(connection, &created.1.id, &now).map(Some)
    });
    if let Some(link) = link.map_err(|error| error.to_string())? {
        if std::io::stdout().is_terminal() {
            say(&format!("Sign in, once within 24 hours: {}/sign-in/{}", config.public_url.text, link.expose()));
        } else {
            tracing::info!("made a first workspace; `sign-in-link --email owner@example.com` prints the link to sign in with");
        }
    }
    Ok(())
}

fn create_workspace(
    connection: &mut AnyConnection,
    name: &Name,
    owner: &NewMember,
    now: &Now,
) -> Result<(WorkspaceId, Member, String)> {
    let workspace = workspaces::create(connection, name, now)?;
    let member = members::add(connection, &workspace.id, owner, now)?;
    let code = install_codes::replace(connection, &workspace.id, now)?;
    Ok((workspace.id, member, code))
}

fn workspace_id(text: Option<&str>) -> Result<Option<WorkspaceId>> {
    text.map(|text| WorkspaceId::parse(text).ok_or_else(|| Error::not_found("workspace"))).transpose()
}

fn member(connection: &mut AnyConnection, email: &str, workspace: Option<&str>) -> Result<Member> {
    members::by_email(connection, &EmailAddress::parse(email)?, workspace_id(workspace)?.as_ref())
}

impl Command {
    fn run(self, connection: &mut AnyConnection, config: &Config, now: &Now) -> Result<String> {
        match self {
            Self::Workspace(WorkspaceCommand::Create { name, owner_name, owner_email, json }) => {
                let owner = NewMember {
                    name: Name::parse("owner-name", &owner_name)?,
                    email: EmailAddress::parse(&owner_email)?,
                    role: Role::Owner,
                };
                let (id, owner, code) = create_workspace(connection, &Name::parse("name", &name)?, &owner, now)?;
                let link = sessions::new_link(connection, &owner.id, now)?;
                let token_name = Name::parse("name", "made with the workspace")?;
                let token = api_tokens::create(connection, &owner, &token_name, &api_tokens::ALL_SCOPES, now)?;
                let url = &config.public_url.text;
                let sign_in_url = format!("{url}/sign-in/{}", link.expose());
                let install_url = format!("{url}/connect/{code}/descriptor.json");
                if json {
                    let made = serde_json::json!({
                        "workspace_id": id, "member_id": owner.id, "sign_in_url": sign_in_url, "install_url": install_url,
                        "install_code": code, "api_token": token.expose(),
                    });
                    Ok(made.to_string())
                } else {
                    Ok(format!(
                        "workspace      {id}\nsign in        {sign_in_url}\ninstall app    {install_url}\nAPI token      {}",
                        token.expose()
                    ))
                }
            }
            Self::Workspace(WorkspaceCommand::QuickAction { switch, email, workspace }) => {
                let owner = member(connection, &email, workspace.as_deref())?;
                entry::switch(connection, &owner.viewer(), switch == "on", now)?;
                Ok(format!("PR Quick Action is {switch}"))
            }
            Self::Member(MemberCommand::Add { name, email, role, workspace }) => {
                let id = match workspace_id(workspace.as_deref())? {
                    Some(id) => workspaces::find(connection, &id)?.id,
                    None => workspaces::the_only_one(connection)?.id,
                };
                let role =
                    Role::parse(&role).ok_or_else(|| Error::invalid("role_invalid", "role", "A role is owner or member."))?;
                let new = NewMember { name: Name::parse("name", &name)?, email: EmailAddress::parse(&email)?, role };
                let added = members::add(connection, &id, &new, now)?;
                Ok(added.id.to_string())
            }
            Self::Identity(IdentityCommand::Bind { email, account_id, bitbucket_uuid, workspace }) => {
                let member = member(connection, &email, workspace.as_deref())?;
                let malformed = || Error::invalid("bitbucket_uuid_invalid", "bitbucket-uuid", "This is not a UUID.");
                let uuid = bitbucket_uuid.map(|text| pull_requests::parse_uuid(&text).ok_or_else(malformed)).transpose()?;
                identities::bind_by_operator(connection, &member, &AccountId::parse(&account_id)?, uuid, now)?;
                Ok(format!("{} is {account_id}", member.email))
            }
            Self::SignInLink { email, workspace } => {
                let member = member(connection, &email, workspace.as_deref())?;
                let link = sessions::new_link(connection, &member.id, now)?;
                Ok(format!("{}/sign-in/{}", config.public_url.text, link.expose()))
            }
            Self::Token(TokenCommand::Create { email, scope, name, workspace, json }) => {
                let member = member(connection, &email, workspace.as_deref())?;
                let scopes = api_tokens::parse_scopes(&scope.join(","))?;
                let token = api_tokens::create(connection, &member, &Name::parse("name", &name)?, &scopes, now)?;
                if json {
                    Ok(serde_json::json!({ "api_token": token.expose(), "scopes": scopes }).to_string())
                } else {
                    Ok(token.expose().to_owned())
                }
            }
            Self::Serve | Self::Migrate | Self::CheckConfig | Self::Backup { .. } => Ok(String::new()),
        }
    }
}
