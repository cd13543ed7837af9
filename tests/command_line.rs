//! The binary itself, as an operator runs it: settings, refusals to start, what the log holds, a graceful stop, a backup.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Page, free_address};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const OTHER_KEY: &str = "HwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder and the settings of a server that lives in it.
struct Place {
    folder: TempDir,
    listen: SocketAddr,
}

/// A server that runs in a process of its own; killed when a test ends early.
struct Process {
    child: Child,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), listen: free_address() }
    }

    fn command(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_clarityloop-bitbucket"));
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        command.env("CLARITYLOOP__LISTEN", self.listen.to_string()).env("CLARITYLOOP__METRICS_LISTEN", "");
        command.env("CLARITYLOOP__SECRET_KEY", KEY).env("CLARITYLOOP__LOG", "debug").env("CLARITYLOOP__LOG_FORMAT", "json");
        command.envs(settings.iter().copied());
        command
    }

    fn run(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Output {
        self.command(arguments, settings).output().expect("the binary runs")
    }

    /// Standard output of a command that must succeed.
    fn answer(&self, arguments: &[&str], settings: &[(&str, &str)]) -> String {
        let output = self.run(arguments, settings);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    /// Standard error of a command that must fail.
    fn refusal(&self, arguments: &[&str], settings: &[(&str, &str)]) -> String {
        let output = self.run(arguments, settings);
        assert!(!output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).expect("text")
    }

    fn make_workspace(&self) -> Value {
        let owner =
            ["--name", "Lumen Pay", "--owner-name", "Ingrid Solberg", "--owner-email", "ingrid@lumenpay.example", "--json"];
        let arguments: Vec<&str> = ["workspace", "create"].into_iter().chain(owner).collect();
        serde_json::from_str(&self.answer(&arguments, &[])).expect("JSON")
    }

    /// Serves until stopped; what is logged goes to a file.
    async fn serve(&self) -> Process {
        let log = fs::File::create(self.log_file()).expect("a file");
        let child = self.command(&["serve"], &[]).stdout(Stdio::null()).stderr(log).spawn().expect("the server starts");
        let process = Process { child };
        let begun = Instant::now();
        while reqwest::get(self.url("/health/ready")).await.map(|answer| answer.status().as_u16()).unwrap_or_default() != 200 {
            assert!(begun.elapsed() < PATIENCE, "never ready: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        process
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.listen)
    }

    fn log_file(&self) -> std::path::PathBuf {
        self.folder.path().join("log")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.log_file()).expect("a log")
    }
}

impl Process {
    fn terminate(&self) {
        let killed = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().expect("kill runs");
        assert!(killed.success());
    }

    fn wait(mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the process") {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not stop");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already where the test waited for it.
        let _ended_already = self.child.kill();
        let _nothing_to_wait_for = self.child.wait();
    }
}

/// A setting's line in what `check-config` prints.
fn line<'a>(printed: &'a str, name: &str) -> &'a str {
    let begins = format!("{name} = ");
    printed.lines().find(|line| line.starts_with(&begins)).unwrap_or_else(|| panic!("no {name} in {printed}"))
}

#[test]
fn check_config_names_where_each_setting_is_from_and_shows_no_secret() {
    let place = Place::new();
    fs::write(
        place.folder.path().join("clarityloop.toml"),
        "shutdown_seconds = 7\n[oauth]\nclient_id = \"the-key\"\nclient_secret = \"oauth-s3cret\"\n",
    )
    .expect("a file");
    let settings = [
        ("CLARITYLOOP__DATABASE_URL", "postgres://ada:passw0rd@db.example/clarityloop"),
        ("CLARITYLOOP__CONNECT__APP_SECRET", "app-s3cret"),
    ];
    let printed = place.answer(&["check-config"], &settings);
    for secret in [KEY, "oauth-s3cret", "app-s3cret", "passw0rd"] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
    for (name, value, origin) in [
        ("shutdown_seconds", "7", "clarityloop.toml"),
        ("listen", &place.listen.to_string(), "environment"),
        ("bitbucket.api_url", "https://api.bitbucket.org", "default"),
        ("connect.app_secret", "set, not shown", "environment"),
        ("oauth.client_secret", "set, not shown", "clarityloop.toml"),
        ("database_url", "db.example", "environment"),
    ] {
        let line = line(&printed, name);
        assert!(line.contains(value) && line.rsplit('#').next().unwrap_or_default().contains(origin), "{line}");
    }
    let other = place.folder.path().join("other.toml");
    fs::write(&other, "shutdown_seconds = 9\n").expect("a file");
    let printed = place.answer(&["--config", "other.toml", "check-config"], &[]);
    assert!(line(&printed, "shutdown_seconds").contains("other.toml"), "{printed}");
}

#[test]
fn an_unknown_or_bad_setting_stops_the_start_and_is_named() {
    let place = Place::new();
    for (name, value, named) in [
        ("CLARITYLOOP__BITBUKET__API_URL", "http://127.0.0.1:1", "bitbuket.api_url"),
        ("CLARITYLOOP__NOTHING", "1", "nothing"),
        ("CLARITYLOOP__LISTEN", "everywhere", "listen"),
        ("CLARITYLOOP__DATABASE_URL", "mysql://localhost/x", "database_url"),
        ("CLARITYLOOP__SECRET_KEY", "c2hvcnQ=", "secret_key"),
        ("CLARITYLOOP__SHUTDOWN_SECONDS", "soon", "shutdown_seconds"),
    ] {
        let complaint = place.refusal(&["serve"], &[(name, value)]);
        assert!(complaint.contains(named), "{name}: {complaint}");
        assert!(!complaint.contains("c2hvcnQ="), "{complaint}");
    }
    assert!(!place.folder.path().join("data").exists(), "nothing was begun");
    fs::write(place.folder.path().join("clarityloop.toml"), "listne = \"127.0.0.1:1\"\n").expect("a file");
    assert!(place.refusal(&["serve"], &[]).contains("listne"));
    assert!(!place.run(&["--config", "not-there.toml", "check-config"], &[]).status.success());
}

#[test]
fn another_secret_key_than_the_database_was_made_with_refuses_to_start() {
    let place = Place::new();
    place.make_workspace();
    for arguments in [&["serve"][..], &["sign-in-link", "--email", "ingrid@lumenpay.example"]] {
        let complaint = place.refusal(arguments, &[("CLARITYLOOP__SECRET_KEY", OTHER_KEY)]);
        assert!(complaint.contains("secret_key"), "{complaint}");
        assert!(!complaint.contains(OTHER_KEY) && !complaint.contains(KEY), "{complaint}");
    }
    let rotated = format!("{OTHER_KEY},{KEY}");
    place.answer(&["sign-in-link", "--email", "ingrid@lumenpay.example"], &[("CLARITYLOOP__SECRET_KEY", &rotated)]);
}

#[test]
fn a_workspace_is_made_with_everything_its_owner_needs() {
    let place = Place::new();
    let made = place.make_workspace();
    for name in ["workspace_id", "member_id", "sign_in_url", "install_url", "install_code", "api_token"] {
        assert!(made[name].as_str().is_some_and(|value| !value.is_empty()), "{name} in {made}");
    }
    let code = made["install_code"].as_str().expect("a code");
    assert_eq!(made["install_url"], place.url(&format!("/connect/{code}/descriptor.json")));
    assert!(made["sign_in_url"].as_str().expect("a link").starts_with(&place.url("/sign-in/")));
    let twice = place.refusal(&["member", "add", "--name", "Ingrid", "--email", "INGRID@lumenpay.example"], &[]);
    assert!(twice.contains("e-mail"), "{twice}");
}

#[tokio::test]
async fn the_log_holds_no_secret_and_no_query_string() {
    let place = Place::new();
    let made = place.make_workspace();
    let server = place.serve().await;
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let link = made["sign_in_url"].as_str().expect("a link").to_owned();
    let api_token = made["api_token"].as_str().expect("a token").to_owned();
    let asked = Page::read(http.get(&link).send().await.expect("an answer")).await;
    let signed_in = Page::read(http.post(&link).form(&[("csrf", asked.field("csrf"))]).send().await.expect("an answer")).await;
    let session = signed_in.header("set-cookie").split(['=', ';']).nth(1).expect("a session").to_owned();
    let cookie = format!("clarityloop={session}");
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJzM2NyZXQifQ.c2lnbmF0dXJl";
    for request in [
        http.get(place.url(&format!("/connect/panel?title=s3cret-title&jwt={jwt}"))),
        http.post(place.url("/connect/webhooks?s3cret-name=1")).header("authorization", format!("JWT {jwt}")),
        http.post(place.url("/connect/panel/links")).form(&[("token", "s3cret-panel-token"), ("note", "s3cret-note")]),
        http.post(place.url("/connect/installed")).body("{\"sharedSecret\":\"s3cret-shared\"}"),
        http.get(place.url("/profile")).header("cookie", &cookie),
        http.get(place.url("/sign-in/s3cret-link")),
        http.get(place.url("/s3cret-path")),
        http.get(place.url("/api/v1/members?limit=s3cret-limit")).bearer_auth(&api_token),
        http.get(place.url("/api/v1/members")).bearer_auth("clb_s3cret-token"),
    ] {
        request.send().await.expect("an answer");
    }
    server.terminate();
    assert!(server.wait().success());
    let log = place.log();
    let secret_of_link = link.rsplit('/').next().expect("a secret");
    for secret in ["s3cret", "c2lnbmF0dXJl", "eyJpc3Mi", "jwt=", secret_of_link, &api_token, &session, KEY] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"))).collect();
    let answered: Vec<&Value> = lines.iter().filter(|line| line["message"] == "answered").collect();
    assert!(answered.iter().any(|line| line["route"] == "/sign-in/{link}" && line["status"] == 303), "{log}");
    assert!(answered.iter().all(|line| line["span"]["request_id"].as_str().is_some_and(|id| id.len() == 16)), "{log}");
}

#[tokio::test]
async fn a_request_in_flight_is_answered_before_the_server_stops() {
    let place = Place::new();
    let server = place.serve().await;
    let mut connection = TcpStream::connect(place.listen).expect("a connection");
    connection.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    // With "100 Continue" the server says that it is in the middle of this request.
    let head = "POST /connect/installed HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n";
    connection.write_all(head.as_bytes()).expect("a head");
    assert!(read_until_blank_line(&mut connection).starts_with("HTTP/1.1 100"));
    server.terminate();
    let begun = Instant::now();
    while TcpStream::connect(place.listen).is_ok() {
        assert!(begun.elapsed() < PATIENCE, "it still takes connections");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    connection.write_all(b"{}").expect("a body");
    let answer = read_until_blank_line(&mut connection);
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("application/problem+json"), "{answer}");
    drop(connection);
    assert!(server.wait().success(), "{}", place.log());
}

fn read_until_blank_line(connection: &mut TcpStream) -> String {
    use std::io::Read as _;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && connection.read(&mut byte).expect("an answer") == 1 {
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("text")
}

#[tokio::test]
async fn a_backup_that_is_taken_while_serving_is_a_whole_database() {
    let place = Place::new();
    let made = place.make_workspace();
    let server = place.serve().await;
    let api_token = made["api_token"].as_str().expect("a token");
    let member = serde_json::json!({ "name": "Amara Okafor", "email": "amara@lumenpay.example", "role": "member" });
    let client = reqwest::Client::new();
    let added = client.post(place.url("/api/v1/members")).bearer_auth(api_token).json(&member).send().await.expect("an answer");
    assert_eq!(added.status(), 201);
    place.answer(&["backup", "copy.db"], &[]);
    assert!(place.refusal(&["backup", "copy.db"], &[]).contains("copy.db"), "a copy is never written over");
    server.terminate();
    assert!(server.wait().success());
    let copy = [("CLARITYLOOP__DATABASE_URL", "sqlite://copy.db")];
    assert!(Path::new(&place.folder.path().join("copy.db")).exists());
    let link = place.answer(&["sign-in-link", "--email", "amara@lumenpay.example"], &copy);
    assert!(link.starts_with(&place.url("/sign-in/")), "what was answered before the backup is in it: {link}");
    let complaint = place.refusal(&["sign-in-link", "--email", "nobody@lumenpay.example"], &copy);
    assert!(complaint.contains("member"), "{complaint}");
}
