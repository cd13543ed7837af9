//! A throw-away PostgreSQL cluster from installed server binaries, stopped and deleted when its owner ends, however it ends; for
//! the folder it is in only.
//!
//! It listens on a free loopback port, has a random password and belongs to an ordinary user: PostgreSQL refuses to run as root.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use uuid::Uuid;

/// Stops and deletes the cluster once standard input ends, which it does when the process that holds the other end is gone.
const WATCH: &str = r#"read -r _; "$1" --pgdata="$2/data" --mode=immediate stop; rm -rf "$2""#;

/// Another process may take the free port between the look and the start, so a start is tried again with another.
const START_ATTEMPTS: usize = 5;

/// What a cluster is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Many short tests: nothing is synced to disk.
    Speed,
    /// Being killed: what was committed is on disk.
    Crash,
    /// Encrypted connections: any other is refused.
    Tls,
}

/// A running cluster.
pub struct Cluster {
    programs: PathBuf,
    directory: PathBuf,
    account: Option<Account>,
    purpose: Purpose,
    password: String,
    port: u16,
    watcher: Child,
}

/// The ordinary user that server processes run as when the tests run as root.
#[derive(Clone, Copy)]
struct Account {
    uid: u32,
    gid: u32,
}

impl Cluster {
    /// Makes a cluster and starts it. An error is the reason in words.
    pub fn start(purpose: Purpose) -> Result<Self, String> {
        let programs = find_programs().ok_or("no initdb, pg_ctl and postgres in PATH or under /usr/lib/postgresql")?;
        let (directory, account) = make_directory()?;
        let watcher = watch(&programs, &directory, account)?;
        let password = Uuid::new_v4().simple().to_string();
        let mut cluster = Self { programs, directory, account, purpose, password, port: 0, watcher };
        cluster.initialise()?;
        if purpose == Purpose::Tls {
            cluster.make_certificates()?;
        }
        cluster.start_on_a_free_port()?;
        Ok(cluster)
    }

    /// Where to connect to create databases.
    pub fn maintenance_url(&self) -> String {
        let query = match self.purpose {
            Purpose::Tls => format!("?sslmode=verify-full&sslrootcert={}", self.directory.join("ca.crt").display()),
            Purpose::Speed | Purpose::Crash => String::new(),
        };
        format!("postgres://clarityloop:{}@127.0.0.1:{}/postgres{query}", self.password, self.port)
    }

    /// Kills the server and all its processes with SIGKILL and starts it again on the same port.
    pub fn kill_nine_and_restart(&self) -> Result<(), String> {
        let postmaster = self.postmaster()?;
        let children = fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children")).unwrap_or_default();
        // A child may have ended by itself in between, so the answer of kill says nothing; the start below tells.
        let mut kill = self.command("sh");
        kill.args(["-c", r#"kill -9 "$@""#, "sh"]).arg(&postmaster).args(children.split_whitespace());
        kill.output().map_err(in_words)?;
        // The start is refused while a killed process still holds the shared memory.
        let mut started = self.start_server();
        for _ in 1..START_ATTEMPTS {
            if started.is_ok() {
                break;
            }
            thread::sleep(Duration::from_millis(500));
            started = self.start_server();
        }
        started
    }

    fn initialise(&self) -> Result<(), String> {
        let password_file = self.directory.join("password");
        fs::write(&password_file, &self.password).map_err(in_words)?;
        self.own(&password_file)?;
        let mut initdb = self.program("initdb");
        initdb.args(["--username=clarityloop", "--auth=scram-sha-256", "--no-locale", "--encoding=UTF8", "--no-sync"]);
        run(initdb.arg(argument("--pwfile=", &password_file)).arg(self.data_argument()))?;

        let data = self.directory.join("data");
        let door = if self.purpose == Purpose::Tls { "hostssl" } else { "host" };
        fs::write(data.join("pg_hba.conf"), format!("{door} all all 127.0.0.1/32 scram-sha-256\n")).map_err(in_words)?;
        fs::write(data.join("postgresql.conf"), self.settings()).map_err(in_words)
    }

    fn settings(&self) -> String {
        let on_or_off = |on| if on { "on" } else { "off" };
        let durable = on_or_off(self.purpose == Purpose::Crash);
        let tls = on_or_off(self.purpose == Purpose::Tls);
        format!(
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nmax_connections = 400\nfsync = {durable}\n\
             full_page_writes = {durable}\nssl = {tls}\nssl_cert_file = '../server.crt'\nssl_key_file = '../server.key'\n"
        )
    }

    fn make_certificates(&self) -> Result<(), String> {
        let request = |name: &str| {
            let mut openssl = self.command("openssl");
            openssl.args(["req", "-x509", "-nodes", "-days", "2", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
            openssl.args(["-keyout", &format!("{name}.key"), "-out", &format!("{name}.crt")]);
            openssl
        };
        run(request("ca").args(["-subj", "/CN=ClarityLoop test authority"]))?;
        let server = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
        run(request("server").args(["-CA", "ca.crt", "-CAkey", "ca.key"]).args(server))
    }

    fn start_on_a_free_port(&mut self) -> Result<(), String> {
        let mut started = Err(String::new());
        for _ in 0..START_ATTEMPTS {
            self.port = free_port()?;
            started = self.start_server();
            if started.is_ok() {
                break;
            }
        }
        started
    }

    fn start_server(&self) -> Result<(), String> {
        let log = self.directory.join("log");
        let mut pg_ctl = self.program("pg_ctl");
        pg_ctl.arg(self.data_argument()).arg(argument("--log=", &log)).arg(format!("--options=-p {}", self.port));
        run(pg_ctl.args(["--wait", "--timeout=60", "start"])).map_err(|reason| {
            let log = fs::read_to_string(&log).unwrap_or_default();
            format!("{reason}: {}", log.lines().rev().take(3).collect::<Vec<_>>().join(" / "))
        })
    }

    /// The id of the server's first process, which the server keeps on the first line of its lock file.
    fn postmaster(&self) -> Result<String, String> {
        let lock = fs::read_to_string(self.directory.join("data/postmaster.pid")).map_err(in_words)?;
        lock.lines().next().map(str::to_owned).ok_or_else(|| "the server's lock file is empty".to_owned())
    }

    fn data_argument(&self) -> String {
        argument("--pgdata=", &self.directory.join("data"))
    }

    fn own(&self, path: &Path) -> Result<(), String> {
        self.account.map_or(Ok(()), |account| chown(path, Some(account.uid), Some(account.gid)).map_err(in_words))
    }

    fn program(&self, name: &str) -> Command {
        self.command(self.programs.join(name))
    }

    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        command_as(self.account, program, &self.directory)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.watcher.stdin.take());
        self.watcher.wait().ok();
    }
}

fn find_programs() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut debian = fs::read_dir("/usr/lib/postgresql")
        .map_or_else(|_| Vec::new(), |versions| versions.flatten().map(|version| version.path().join("bin")).collect::<Vec<_>>());
    debian.sort_by_key(|programs| std::cmp::Reverse(version_of(programs)));
    env::split_paths(&path)
        .chain(debian)
        .find(|programs| ["initdb", "pg_ctl", "postgres"].iter().all(|name| programs.join(name).is_file()))
}

/// The version in `/usr/lib/postgresql/15/bin`.
fn version_of(programs: &Path) -> Option<u32> {
    programs.parent()?.file_name()?.to_str()?.parse().ok()
}

/// A directory for the cluster and, when the tests run as root, the ordinary user whose it is.
fn make_directory() -> Result<(PathBuf, Option<Account>), String> {
    let directory = tempfile::Builder::new().prefix("clarityloop-postgres-").tempdir().map_err(in_words)?.keep();
    if fs::metadata(&directory).map_err(in_words)?.uid() != 0 {
        return Ok((directory, None));
    }
    let account = ordinary_account().ok_or("the tests run as root, and there is no user postgres or nobody")?;
    chown(&directory, Some(account.uid), Some(account.gid)).map_err(in_words)?;
    Ok((directory, Some(account)))
}

fn ordinary_account() -> Option<Account> {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    ["postgres", "nobody"].iter().find_map(|name| {
        let user = users.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields.first() == Some(name))?;
        Some(Account { uid: user.get(2)?.parse().ok()?, gid: user.get(3)?.parse().ok()? })
    })
}

/// Starts the process that cleans up. A group of its own keeps it alive when the tests are interrupted at the terminal.
fn watch(programs: &Path, directory: &Path, account: Option<Account>) -> Result<Child, String> {
    let mut watcher = command_as(account, "sh", Path::new("/"));
    watcher.args(["-c", WATCH, "sh"]).arg(programs.join("pg_ctl")).arg(directory);
    watcher.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().map_err(in_words)
}

fn command_as(account: Option<Account>, program: impl AsRef<OsStr>, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory);
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid);
    }
    command
}

fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(in_words)?;
    Ok(listener.local_addr().map_err(in_words)?.port())
}

fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim().replace('\n', " / ")))
}

fn argument(name: &str, path: &Path) -> String {
    format!("{name}{}", path.display())
}

fn in_words(error: std::io::Error) -> String {
    error.to_string()
}
