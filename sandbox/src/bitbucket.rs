//! The stand-in itself: its state behind one lock, its clock, its world; every other file adds what it can do.

use crate::{
    access_tokens::{AccessToken, ApiToken},
    budget::Budget,
    calls::{Call, Sent},
    downloads::Download,
    forge::Forge,
    hook::Hook,
    installation::Record,
    misbehaviour::Misbehaviour,
    oauth::{Code, Consumer, Grant, Refresh, Switches},
    registered_app::RegisteredApp,
    world::World,
};
use chrono::{DateTime, Duration, Utc};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A stand-in Bitbucket Cloud. Tests reach it through [`crate::Sandbox`], the handlers share it.
pub struct Bitbucket {
    pub(crate) url: String,
    pub(crate) client: reqwest::Client,
    state: Mutex<State>,
}

/// Everything that changes.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) clock_offset: Duration,
    pub(crate) world: World,
    pub(crate) installations: Vec<Record>,
    pub(crate) registered_apps: Vec<RegisteredApp>,
    pub(crate) last_connection: u32,
    pub(crate) forge: Forge,
    pub(crate) consumers: Vec<Consumer>,
    pub(crate) codes: Vec<Code>,
    pub(crate) grants: Vec<Grant>,
    pub(crate) refreshes: Vec<Refresh>,
    pub(crate) oauth: Switches,
    pub(crate) access_tokens: Vec<AccessToken>,
    pub(crate) api_tokens: Vec<ApiToken>,
    pub(crate) hooks: Vec<Hook>,
    pub(crate) budget: Budget,
    pub(crate) is_code_search_removed: bool,
    pub(crate) misbehaviours: Vec<Misbehaviour>,
    pub(crate) calls: Vec<Call>,
    pub(crate) expected_prefixes: Vec<String>,
    pub(crate) expected_misfits: Vec<String>,
    pub(crate) secrets: Vec<String>,
    pub(crate) downloads: Vec<Download>,
    pub(crate) sent: Vec<Sent>,
}

impl Bitbucket {
    pub(crate) fn new(url: String, world: World) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(std::time::Duration::from_secs(10))
            // The sandbox's own thread and the tests' runtimes share this client; an idle connection must not outlive its runtime.
            .pool_max_idle_per_host(0)
            .build()?;
        Ok(Self { url, client, state: Mutex::new(State { world, ..State::default() }) })
    }

    /// The one origin of the pages and of the API, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What the sandbox takes for the present: the machine's clock and the offset that a test has set.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        Utc::now() + self.state().clock_offset
    }

    /// Sets the clock; from here it goes on as the machine's does.
    pub fn set_now(&self, now: DateTime<Utc>) {
        self.state().clock_offset = now - Utc::now();
    }

    /// Reads or changes the world. No webhook is sent by itself.
    pub fn world<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        change(&mut self.state().world)
    }

    /// From now on code search answers 410, as it is announced for November 2026, or as before.
    pub fn remove_code_search(&self, is_removed: bool) {
        self.state().is_code_search_removed = is_removed;
    }

    /// A test that fails while it holds the lock must not fail the others.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
