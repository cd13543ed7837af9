//! Chromium for tests, driven through chromedriver by the WebDriver protocol (<https://www.w3.org/TR/webdriver2/>).
//!
//! Without Chromium or chromedriver the tests that ask go without and say so on standard error, unless
//! `CLARITYLOOP_TEST_REQUIRE` (names separated by commas) holds `chromium`: then they fail.

mod looks;

use std::env;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Once;
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};

pub use looks::{in_every_look, sign_in, with_browser};

use super::free_address;

/// How long a browser may take for what a test waits for.
const PATIENCE: Duration = Duration::from_secs(20);

/// One browser at a time: each takes more of a small machine than all other tests together.
static TURN: Mutex<()> = Mutex::const_new(());

/// The name under which WebDriver hands out elements (<https://www.w3.org/TR/webdriver2/#elements>).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// The Tab and Enter keys (<https://www.w3.org/TR/webdriver2/#keyboard-actions>).
pub const TAB: &str = "\u{e004}";
pub const ENTER: &str = "\u{e007}";

/// A browser with a fresh profile, and with the frame or window in it that is looked at. Stopped on drop.
pub struct Browser {
    driver: Child,
    address: SocketAddr,
    session: String,
    http: Client,
    _profile: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

/// How a page is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// `light` or `dark`.
    pub scheme: &'static str,
    /// In CSS pixels.
    pub width: u32,
}

impl Browser {
    /// Starts a browser; `None` when there is none to be had.
    ///
    /// # Panics
    /// When one is required and cannot be had, and when it does not start.
    pub async fn start(runs_scripts: bool) -> Option<Self> {
        let (Some(chromium), Some(chromedriver)) = (program("chromium"), program("chromedriver")) else {
            return skip("chromium or chromedriver is not installed");
        };
        let turn = TURN.lock().await;
        let profile = tempfile::tempdir().expect("a temporary folder");
        let address = free_address();
        let driver = Command::new(chromedriver)
            .arg(format!("--port={}", address.port()))
            // Whatever the machine's own zone is, a test that names none is in this one.
            .env("TZ", "UTC")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let http = Client::builder().timeout(PATIENCE * 3).build().expect("a client");
        // The value exists before the session does, so that whatever fails from here on stops the driver.
        let mut browser = Self { driver, address, session: String::new(), http, _profile: profile, _turn: turn };
        browser.wait_for_driver().await;
        let capabilities = capabilities(&chromium, &browser._profile, runs_scripts);
        let opened = browser.send("", json!({ "capabilities": { "alwaysMatch": capabilities } })).await;
        browser.session = format!("/{}", opened["sessionId"].as_str().expect("a session"));
        Some(browser)
    }

    async fn wait_for_driver(&self) {
        let is_ready = async || self.http.get(format!("http://{}/status", self.address)).send().await.is_ok();
        let ready = async {
            while !is_ready().await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, ready).await.expect("chromedriver answers");
    }

    /// One command; the answer is its value.
    async fn send(&self, command: &str, body: Value) -> Value {
        self.try_to_send(command, &body).await.unwrap_or_else(|problem| panic!("{command} {body}: {problem}"))
    }

    /// The same; an error is its code and what it says.
    async fn try_to_send(&self, command: &str, body: &Value) -> Result<Value, String> {
        let url = format!("http://{}/session{}{command}", self.address, self.session);
        let answer = self.http.post(&url).json(body).send().await.unwrap_or_else(|error| panic!("{command}: {error}"));
        let mut answer: Value = answer.json().await.unwrap_or_else(|error| panic!("{command}: {error}"));
        match answer["value"]["error"].as_str() {
            None => Ok(answer["value"].take()),
            Some(code) => {
                let problem = answer["value"]["message"].as_str().unwrap_or_default().lines().next().unwrap_or_default();
                Err(format!("{code}: {problem}"))
            }
        }
    }

    /// A command about an element. A page that is being left may still have shown it: then the next page's is meant.
    async fn send_about(&self, selector: &str, command: impl Fn(&str) -> (String, Value)) -> Value {
        let meant = async {
            loop {
                let (command, body) = command(&self.find(selector).await);
                match self.try_to_send(&command, &body).await {
                    Err(problem) if problem.starts_with("stale element") => {}
                    answer => break answer.unwrap_or_else(|problem| panic!("{command} {body}: {problem}")),
                }
            }
        };
        tokio::time::timeout(PATIENCE, meant).await.unwrap_or_else(|_elapsed| panic!("{selector} is never there for long"))
    }

    async fn ask(&self, command: &str) -> Value {
        let url = format!("http://{}/session{}{command}", self.address, self.session);
        let answer = self.http.get(&url).send().await.unwrap_or_else(|error| panic!("{command}: {error}"));
        let mut answer: Value = answer.json().await.unwrap_or_else(|error| panic!("{command}: {error}"));
        answer["value"].take()
    }

    /// A command of Chrome's own protocol (<https://chromedevtools.github.io/devtools-protocol/>).
    async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.send("/goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await
    }

    /// Opens a page.
    pub async fn open(&self, url: &str) {
        self.send("/url", json!({ "url": url })).await;
    }

    /// Opens a page in a window of its own and looks at it; the answer is the window before, for [`Browser::look_at_window`].
    pub async fn open_in_new_window(&self, url: &str) -> Value {
        let before = self.ask("/window").await;
        let opened = self.send("/window/new", json!({ "type": "tab" })).await;
        self.look_at_window(&opened["handle"]).await;
        self.open(url).await;
        before
    }

    /// Looks at another window.
    pub async fn look_at_window(&self, window: &Value) {
        self.send("/window", json!({ "handle": window })).await;
    }

    /// Looks into a frame of the page, which must be there or come.
    pub async fn look_into(&self, selector: &str) {
        self.send_about(selector, |frame| ("/frame".to_owned(), json!({ "id": { ELEMENT: frame } }))).await;
    }

    /// Looks at the page itself again.
    pub async fn look_at_page(&self) {
        self.send("/frame", json!({ "id": null })).await;
    }

    /// The address of what is looked at, when it is a page.
    pub async fn url(&self) -> String {
        self.ask("/url").await.as_str().unwrap_or_default().to_owned()
    }

    /// Waits for an element.
    pub async fn find(&self, selector: &str) -> String {
        let found = self.send("/element", json!({ "using": "css selector", "value": selector })).await;
        found[ELEMENT].as_str().expect("an element").to_owned()
    }

    /// Waits for an element that has this text in it.
    pub async fn find_text(&self, text: &str) {
        let path = format!("//body//*[contains(normalize-space(.), {})]", json!(text));
        self.send("/element", json!({ "using": "xpath", "value": path })).await;
    }

    /// Presses an element with the mouse.
    pub async fn press(&self, selector: &str) {
        self.send_about(selector, |element| (format!("/element/{element}/click"), json!({}))).await;
    }

    /// Types into an element.
    pub async fn fill(&self, selector: &str, text: &str) {
        self.send_about(selector, |element| (format!("/element/{element}/value"), json!({ "text": text }))).await;
    }

    /// Presses a key wherever the focus is.
    pub async fn key(&self, key: &str) {
        let strokes = json!([{ "type": "keyDown", "value": key }, { "type": "keyUp", "value": key }]);
        self.send("/actions", json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": strokes }] })).await;
    }

    /// The visible text of an element.
    pub async fn text(&self, selector: &str) -> String {
        let element = self.find(selector).await;
        self.ask(&format!("/element/{element}/text")).await.as_str().unwrap_or_default().to_owned()
    }

    /// A property of an element as the page's scripts see it.
    pub async fn property(&self, selector: &str, name: &str) -> Value {
        let element = self.find(selector).await;
        self.ask(&format!("/element/{element}/property/{name}")).await
    }

    /// How many elements there are at this moment.
    pub async fn count(&self, selector: &str) -> u64 {
        self.run("return document.querySelectorAll(arguments[0]).length", json!([selector])).await.as_u64().unwrap_or_default()
    }

    /// The result of a script in what is looked at.
    pub async fn run(&self, script: &str, arguments: Value) -> Value {
        self.send("/execute/sync", json!({ "script": script, "args": arguments })).await
    }

    /// Waits until a script's result is true.
    pub async fn wait_until(&self, script: &str) {
        let becomes_true = async {
            while self.run(script, json!([])).await != json!(true) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, becomes_true).await.unwrap_or_else(|_elapsed| panic!("never became true: {script}"));
    }

    /// Looks at everything in this way from now on.
    pub async fn look(&self, look: Look) {
        let feature = json!({ "name": "prefers-color-scheme", "value": look.scheme });
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": [feature] })).await;
        self.size(look.width, 800).await;
    }

    /// Is somewhere else from the next page on: in a zone by its name, such as `Pacific/Kiritimati`.
    pub async fn move_to_zone(&self, zone: &str) {
        self.devtools("Emulation.setTimezoneOverride", json!({ "timezoneId": zone })).await;
    }

    async fn size(&self, width: u32, height: u64) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Keeps a picture of the whole page, or of its first 1200 pixels, as `target/screenshots/{name}-{scheme}-{width}.png`.
    pub async fn keep_picture(&self, name: &str, look: Look) {
        // A page is never less tall than its window, so the window is made low before the page is measured.
        self.size(look.width, 400).await;
        let page = self.devtools("Page.getLayoutMetrics", json!({})).await;
        let height = page["cssContentSize"]["height"].as_f64().unwrap_or_default() as u64;
        self.size(look.width, height.min(1200)).await;
        let picture = self.ask("/screenshot").await;
        let bytes = base64_of(picture.as_str().expect("a picture"));
        let folder = target_folder().join("screenshots");
        std::fs::create_dir_all(&folder).expect("a folder for pictures");
        let file = folder.join(format!("{name}-{}-{}.png", look.scheme, look.width));
        std::fs::write(file, bytes).expect("a picture is kept");
        self.size(look.width, 800).await;
    }

    /// What the console has reported as wrong since the last call: errors of scripts, refused resources, policies that were hit.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.send("/se/log", json!({ "type": "browser" })).await;
        let entries = log.as_array().cloned().unwrap_or_default();
        let severe = entries.iter().filter(|entry| entry["level"] == "SEVERE");
        severe.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Asked to shut down, the driver ends its Chromium; killed, it would leave it running.
        if let Ok(mut stream) = TcpStream::connect(self.address) {
            stream.set_read_timeout(Some(PATIENCE)).ok();
            stream.write_all(b"GET /shutdown HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok();
            stream.read_to_end(&mut Vec::new()).ok();
        }
        self.driver.kill().ok();
        self.driver.wait().ok();
    }
}

fn capabilities(chromium: &std::path::Path, profile: &tempfile::TempDir, runs_scripts: bool) -> Value {
    let profile = format!("--user-data-dir={}", profile.path().display());
    let arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        &profile,
    ];
    let scripts = if runs_scripts { 1 } else { 2 };
    json!({
        "browserName": "chrome",
        "timeouts": { "implicit": PATIENCE.as_millis() },
        "goog:loggingPrefs": { "browser": "ALL" },
        "goog:chromeOptions": {
            "binary": chromium,
            "args": arguments,
            "prefs": { "profile.managed_default_content_settings.javascript": scripts },
        },
    })
}

/// Where a program lies on the search path.
fn program(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// The folder that cargo builds into: the test lies in `debug/deps` below it.
fn target_folder() -> PathBuf {
    let test = env::current_exe().expect("the test's own file");
    test.ancestors().nth(3).expect("the target folder").to_owned()
}

fn base64_of(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).expect("base64")
}

/// Says that tests go without a browser, past the test runner, which would keep what a passing test prints to itself.
fn skip(reason: &str) -> Option<Browser> {
    let required = env::var("CLARITYLOOP_TEST_REQUIRE").unwrap_or_default();
    if required.split(',').any(|name| name.trim() == "chromium") {
        panic!("Chromium is required (CLARITYLOOP_TEST_REQUIRE) and cannot be had: {reason}");
    }
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        writeln!(std::io::stderr(), "browser tests skipped: {reason}").ok();
    });
    None
}
