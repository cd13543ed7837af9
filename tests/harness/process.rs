//! The program itself in a process of its own, for tests that kill it and for the bench that measures it.

#![expect(clippy::panic, reason = "a harness that cannot do its work fails the test that asked")]

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// A start that takes longer has failed.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// The program with its settings.
pub struct Program {
    binary: PathBuf,
    environment: Vec<(String, String)>,
    log: PathBuf,
    /// Where it serves.
    pub url: String,
}

impl Program {
    /// For the database at `database_url`, beside the sandbox at `bitbucket`, with `folder` for its key file and its log.
    pub fn new(binary: &str, database_url: &str, folder: &Path, bitbucket: &str) -> Self {
        let listen = free_address().to_string();
        let settings = [
            ("LISTEN", listen.as_str()),
            ("METRICS_LISTEN", ""),
            ("DATABASE_URL", database_url),
            ("DATA_DIR", &folder.display().to_string()),
            ("BITBUCKET__API_URL", bitbucket),
            ("BITBUCKET__WEB_URL", bitbucket),
            ("LOG", "error"),
        ];
        let environment = settings.map(|(name, value)| (format!("CLARITYLOOP__{name}"), value.to_owned())).to_vec();
        Self { binary: binary.into(), environment, log: folder.join("log"), url: format!("http://{listen}") }
    }

    /// The same with this setting.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let name = format!("CLARITYLOOP__{name}");
        self.environment.retain(|(known, _)| *known != name);
        self.environment.push((name, value.to_owned()));
        self
    }

    /// Another with the same settings at another address.
    pub fn another(&self) -> Self {
        let listen = free_address().to_string();
        let of = |(name, value): &(String, String)| (name.clone(), value.clone());
        let others = self.environment.iter().filter(|(name, _)| name != "CLARITYLOOP__LISTEN").map(of);
        let environment = others.chain([("CLARITYLOOP__LISTEN".to_owned(), listen.clone())]).collect();
        Self { binary: self.binary.clone(), environment, log: self.log.clone(), url: format!("http://{listen}") }
    }

    /// What it has logged.
    pub fn logged(&self) -> Vec<u8> {
        fs::read(&self.log).unwrap_or_default()
    }

    /// The settings as the environment carries them.
    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// What a command prints.
    ///
    /// # Panics
    /// When it fails.
    pub fn print(&self, arguments: &[&str]) -> String {
        let output = self.command().args(arguments).output().unwrap_or_else(|error| panic!("{}: {error}", self.binary.display()));
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Makes a workspace owned by Ingrid Solberg; the answer is what `workspace create --json` prints.
    pub fn make_workspace(&self) -> Value {
        let owner = ["--owner-name", "Ingrid Solberg", "--owner-email", "ingrid@lumenpay.example"];
        let made = self.print(&[&["workspace", "create", "--json", "--name", "Lumen Pay"], &owner[..]].concat());
        serde_json::from_str(&made).unwrap_or_else(|error| panic!("{error}: {made}"))
    }

    /// Adds a member who is bound to a Bitbucket account.
    pub fn add_member(&self, workspace: &str, name: &str, email: &str, account: &str) -> String {
        let of_workspace = ["--workspace", workspace, "--email", email];
        let id = self.print(&[&["member", "add", "--name", name], &of_workspace[..]].concat());
        self.print(&[&["identity", "bind", "--account-id", account], &of_workspace[..]].concat());
        id
    }

    /// Starts to serve and answers when it is ready.
    ///
    /// # Panics
    /// When it ends or does not become ready in time.
    pub fn serve(&self) -> Process {
        self.serve_with(self.command())
    }

    /// The same by another command that serves with the same settings.
    pub fn serve_with(&self, mut command: Command) -> Process {
        let log = fs::OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.unwrap_or_else(|error| panic!("{}: {error}", self.log.display()));
        let started =
            command.envs(self.environment.iter().cloned()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        let mut process = Process { child: started.unwrap_or_else(|error| panic!("{}: {error}", self.binary.display())) };
        let begun = Instant::now();
        while !is_ready(&self.url) {
            let has_ended = process.child.try_wait().is_ok_and(|status| status.is_some());
            if has_ended || begun.elapsed() > READY_WITHIN {
                panic!("the server did not become ready: {}", fs::read_to_string(&self.log).unwrap_or_default());
            }
            thread::sleep(Duration::from_millis(1));
        }
        process
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.envs(self.environment.iter().cloned());
        command
    }
}

/// A process that serves; dropping it kills it.
pub struct Process {
    pub child: Child,
}

impl Process {
    /// Ends it with SIGKILL.
    pub fn kill_nine(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// Whether the server at `url` says that it is ready.
fn is_ready(url: &str) -> bool {
    use std::io::{Read as _, Write as _};
    let address = url.trim_start_matches("http://");
    let Ok(mut connection) = TcpStream::connect(address) else { return false };
    let asked =
        connection.write_all(format!("GET /health/ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes());
    let mut answer = String::new();
    asked.is_ok() && connection.read_to_string(&mut answer).is_ok() && answer.starts_with("HTTP/1.1 200")
}

/// A loopback address that was free a moment ago.
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    listener.unwrap_or_else(|error| panic!("no free port: {error}"))
}
