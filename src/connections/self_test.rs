//! What is wrong with the set-up, each in one sentence with the thing to do. The settings page shows it; nothing is asked of
//! Bitbucket here: the jobs have written down what it answered.

use chrono::{NaiveDateTime, TimeDelta};
use reqwest::Url;

use super::installations::{Door, Installation, State};
use super::purge::Purge;
use crate::config::{Config, Now};

/// A clock that is off by more makes calls fail sooner or later: Bitbucket's tokens are taken with a minute's leeway.
const CLOCK_MAY_DIFFER_SECONDS: i32 = 10;
const PROOF_HOURS: i64 = 24;
/// Forge's hourly call may come late, or fail once; more is silence.
const SILENT_AFTER_HOURS: i64 = 3;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was found, without a full stop.
    pub what: String,
    /// Since when, UTC, when that is known.
    pub since: Option<NaiveDateTime>,
    /// What to do about it; absent when nothing is wrong.
    pub remedy: Option<String>,
}

impl Finding {
    fn good(what: impl Into<String>) -> Self {
        Self { what: what.into(), since: None, remedy: None }
    }

    fn bad(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), since: None, remedy: Some(remedy.into()) }
    }

    fn since(self, since: NaiveDateTime) -> Self {
        Self { since: Some(since), ..self }
    }

    /// Whether there is something to do.
    pub fn is_bad(&self) -> bool {
        self.remedy.is_some()
    }
}

/// What is to be said of the server's own settings.
pub fn of_settings(config: &Config) -> Finding {
    let address = &config.public_url.text;
    let is_here = is_loopback(address);
    if is_here && is_loopback(&config.bitbucket_api_url) {
        return Finding::good("Public address and Bitbucket are on this machine, as in a trial");
    }
    if is_here {
        let what = format!("The public address {address} leads to this machine only, so Bitbucket cannot reach it");
        let remedy =
            "Ask your operator to set public_url to the https address that Bitbucket reaches, then install the app again.";
        return Finding::bad(what, remedy);
    }
    if !config.public_url.is_https {
        let what = format!("The public address {address} is not https, which Bitbucket refuses");
        return Finding::bad(what, "Ask your operator to set public_url to an https address, then install the app again.");
    }
    Finding::good("Public address is https")
}

/// What is to be said of an installation that is not removed. `failed_jobs` are the kinds of its jobs that were given up.
pub fn of_installation(installation: &Installation, failed_jobs: &[String], now: &Now) -> Vec<Finding> {
    let mut findings = match installation.door {
        Door::Connect => vec![key(installation)],
        Door::Forge => of_forge(installation, now),
    };
    findings.extend(clock(installation));
    findings.push(scopes(installation));
    findings.extend(entry(installation));
    findings.extend(failed_jobs.iter().map(|kind| failed_job(kind)));
    findings
}

/// What is to be said of data that should be gone.
pub fn of_purge(purge: &Purge, now: &Now) -> Option<Finding> {
    let is_late = purge.proven_at.is_none() && purge.begun_at + TimeDelta::hours(PROOF_HOURS) < now.at;
    let bad = || {
        let remedy = "Ask your operator to look into the log for the job prove_purge.";
        Finding::bad("It is not proven yet that the data are gone", remedy).since(purge.begun_at)
    };
    is_late.then(bad)
}

fn key(installation: &Installation) -> Finding {
    match installation.health.refused_since {
        Some(since) => Finding::bad("Bitbucket refuses our key", key_remedy(installation)).since(since),
        None if installation.bitbucket_workspace_slug.is_some() => Finding::good("Bitbucket takes our key"),
        None if installation.door == Door::Forge => Finding::good("Bitbucket has not been asked with our key yet"),
        None => Finding::good("Bitbucket took our key when the app was installed"),
    }
}

/// For how many hours Forge has not called, when that is too long.
pub fn silent_hours(installation: &Installation, now: &Now) -> Option<i64> {
    let last = installation.health.called_at.unwrap_or(installation.installed_at);
    let hours = (now.at - last).num_hours();
    (installation.door == Door::Forge && hours >= SILENT_AFTER_HOURS).then_some(hours)
}

/// Forge's calls, and the key for Bitbucket that they bring.
fn of_forge(installation: &Installation, now: &Now) -> Vec<Finding> {
    let has_key = installation.health.key_expires_at.is_some_and(|expires_at| expires_at > now.at);
    if let Some(hours) = silent_hours(installation, now) {
        let what = format!("Forge has not called for {hours} hours");
        let remedy = "Open Installed apps in Bitbucket. Where ClarityLoop is not listed any more, disconnect the workspace here; else \
                      ask your operator whether Forge reaches this server.";
        return vec![Finding::bad(what, remedy)];
    }
    if !has_key {
        let remedy = "Ask your operator to deploy the Forge app anew with the scope read:app-system-token.";
        let lacking = Finding::bad("Forge calls, and brings no key for Bitbucket", remedy);
        let waiting = Finding::good("Forge’s first call has not come yet");
        return vec![if installation.health.called_at.is_some() { lacking } else { waiting }];
    }
    vec![Finding::good("Forge calls, and brings our key"), key(installation)]
}

/// What to do when Bitbucket refuses our key.
pub fn key_remedy(installation: &Installation) -> &'static str {
    match installation.door {
        Door::Connect => "Open Installed apps in Bitbucket and install ClarityLoop again, then run the self-test.",
        Door::Forge => "Open Installed apps in Bitbucket and update ClarityLoop, then run the self-test.",
    }
}

fn clock(installation: &Installation) -> Option<Finding> {
    let seconds = installation.health.clock_skew_seconds?;
    if seconds.abs() <= CLOCK_MAY_DIFFER_SECONDS {
        return Some(Finding::good("Clock agrees with Bitbucket’s"));
    }
    let (apart, side) = (seconds.unsigned_abs(), if seconds > 0 { "ahead of" } else { "behind" });
    let what = format!("This server’s clock is {apart} seconds {side} Bitbucket’s");
    Some(Finding::bad(what, "Ask your operator to set it by network time: from a minute on, calls are refused."))
}

fn scopes(installation: &Installation) -> Finding {
    match &installation.health.missing_scopes {
        None => Finding::good("No scope is missing"),
        Some(missing) => {
            let remedy = match installation.door {
                Door::Connect => {
                    "Open Installed apps in Bitbucket, remove ClarityLoop and install it again: only that grants new scopes."
                }
                Door::Forge => "Open Installed apps in Bitbucket and agree to the newest version of ClarityLoop.",
            };
            Finding::bad(format!("Bitbucket says that the app lacks {}", missing.replace(' ', ", ")), remedy)
        }
    }
}

fn entry(installation: &Installation) -> Option<Finding> {
    let code = installation.entry_error.as_ref().filter(|_| installation.state != State::Uninstalled)?;
    let what = format!("Bitbucket could not be told whether to show the entry ({code})");
    Some(Finding::bad(what, "Press the switch of PR Quick Action again; panels obey it in any case."))
}

fn failed_job(kind: &str) -> Finding {
    let what = format!("A job was given up after many tries ({kind})");
    Finding::bad(what, "Run the self-test, which asks Bitbucket again; if it stays, ask your operator for the log.")
}

/// Whether an address leads to the machine itself.
fn is_loopback(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let is_local_name = host == "localhost" || host.ends_with(".localhost");
    is_local_name || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(public_url: &str, api_url: &str) -> Config {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let pairs = [pair("CLARITYLOOP__PUBLIC_URL", public_url), pair("CLARITYLOOP__BITBUCKET__API_URL", api_url)];
        crate::config::load(None, &pairs).unwrap().0
    }

    #[test]
    fn only_an_address_that_bitbucket_reaches_by_https_will_do() {
        const BITBUCKET: &str = "https://api.bitbucket.org";
        let found = |public_url: &str, api_url: &str| of_settings(&config(public_url, api_url)).what;
        assert!(found("http://127.0.0.1:8080", BITBUCKET).contains("leads to this machine only"));
        assert!(found("https://localhost:8080", BITBUCKET).contains("leads to this machine only"));
        assert!(found("http://[::1]:8080", BITBUCKET).contains("leads to this machine only"));
        assert!(found("http://loop.lumenpay.example", BITBUCKET).contains("is not https"));
        assert!(!of_settings(&config("https://loop.lumenpay.example", BITBUCKET)).is_bad());
        assert!(!of_settings(&config("http://127.0.0.1:8080", "http://127.0.0.1:7990")).is_bad());
    }
}
