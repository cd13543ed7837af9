//! Looking at a page as people do: in light and dark, wide and narrow, and with the eyes of axe-core.

use serde_json::{Value, json};

use super::{Browser, Look};
use crate::harness::{Backend, Test, run};
use clarityloop_bitbucket::people::members::Member;

/// <https://github.com/dequelabs/axe-core>, whose licence lies beside it.
const AXE: &str = include_str!("../../vendor/axe-core/axe.min.js");
/// Faults against WCAG 2.2 A and AA and against good practice, each with the first element that has it.
const FAULTS: &str = "const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const found = await axe.run(document, { runOnly: tags, iframes: false, resultTypes: ['violations'] });
    return found.violations.map((fault) => `${fault.id}: ${fault.help}: ${fault.nodes[0].html}`);";

const LOOKS: [Look; 4] = [
    Look { scheme: "light", width: 1280 },
    Look { scheme: "dark", width: 1280 },
    Look { scheme: "light", width: 360 },
    Look { scheme: "dark", width: 360 },
];

/// Runs a test with a browser on SQLite, because what differs between the databases is tested at each door, and fails on anything
/// that its console complained about.
pub async fn with_browser(runs_scripts: bool, body: impl AsyncFnOnce(&Test, &Browser)) {
    let Some(browser) = Browser::start(runs_scripts).await else { return };
    let body = async |test: &Test| {
        body(test, &browser).await;
        assert_eq!(browser.complaints().await, Vec::<String>::new(), "the console complained");
    };
    run(Backend::Sqlite, body).await;
}

/// Signs a member in with a one-time link, in the window that is looked at.
pub async fn sign_in(test: &Test, browser: &Browser, member: &Member) {
    browser.open(&format!("{}/sign-in/{}", test.url, test.sign_in_link(member).await)).await;
    browser.press("main button").await;
    browser.find(".bar-me").await;
}

/// Keeps a picture of what is there in every look. Fails where it is wider than the screen, does not follow the scheme, or has a
/// fault that axe-core finds.
pub async fn in_every_look(browser: &Browser, name: &str, frame: Option<&str>) {
    let mut grounds = Vec::new();
    for look in LOOKS {
        browser.look_at_page().await;
        browser.look(look).await;
        assert_fits(browser, name, look).await;
        if let Some(frame) = frame {
            browser.look_into(frame).await;
            browser.find(".panel-body").await;
            assert_fits(browser, name, look).await;
        }
        assert_accessible(browser, name, look).await;
        grounds.push(browser.run("return getComputedStyle(document.querySelector('main')).color", json!([])).await);
        browser.keep_picture(name, look).await;
    }
    browser.look_at_page().await;
    assert_ne!(grounds[0], grounds[1], "{name}: text has the same colour in light and dark");
}

async fn assert_fits(browser: &Browser, name: &str, look: Look) {
    let overflow = "const page = document.documentElement; return page.scrollWidth - page.clientWidth";
    assert_eq!(browser.run(overflow, json!([])).await, 0, "{name} is wider than {look:?}");
}

async fn assert_accessible(browser: &Browser, name: &str, look: Look) {
    let is_there = browser.run("return typeof axe === 'object'", json!([])).await;
    if is_there != json!(true) {
        browser.run(AXE, json!([])).await;
    }
    let faults = browser.run(&format!("return (async () => {{ {FAULTS} }})()"), json!([])).await;
    assert_eq!(faults, Value::Array(Vec::new()), "{name} in {look:?} has faults");
}
