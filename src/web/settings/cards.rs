//! The cards of the settings page: one for each installation, and one for each Bitbucket workspace that was disconnected.

use chrono::TimeDelta;

use crate::config::{Config, Now};
use crate::connect::descriptor;
use crate::connections::installations::{Door, Installation, State};
use crate::connections::overview::{Overview, Standing};
use crate::connections::removal::Removal;
use crate::connections::self_test::{self, Finding};
use crate::web::page::Time;
use crate::web::page::settings::{Attention, Card, CardState, Deletion, Fact, Scope};

const ERRORS_SHOWN_DAYS: i64 = 30;

/// Every card, the open ones first.
pub fn all(config: &Config, overview: &Overview, now: &Now) -> Vec<Card> {
    let open = overview.open.iter().map(|standing| open(config, standing, now));
    open.chain(overview.disconnected.iter().map(|standing| disconnected(config, standing, now))).collect()
}

fn open(config: &Config, standing: &Standing, now: &Now) -> Card {
    let installation = &standing.installation;
    let mut findings = self_test::of_installation(installation, &standing.failed_jobs, now);
    let attention = findings.iter().find(|finding| finding.is_bad()).map(|finding| attention(config, installation, finding, now));
    let state = match (installation.state, &attention) {
        (State::Waiting, _) => CardState::Waiting,
        (_, Some(_)) => CardState::NeedsAttention,
        (_, None) => CardState::Connected,
    };
    // What is wrong with the server's own settings stands above all cards, and is no fault of this one.
    findings.insert(0, self_test::of_settings(config));
    Card {
        id: installation.id.to_string(),
        heading: installation.typed_name().to_owned(),
        state,
        attention,
        facts: facts(config, standing, now),
        scopes: scopes(installation),
        findings,
        deletion: None,
        removal: None,
        keeps_key: true,
        is_retirable: standing.is_retirable,
        retired: standing.retired.as_ref().and_then(retired),
        apps_url: apps_url(config, installation),
    }
}

fn disconnected(config: &Config, standing: &Standing, now: &Now) -> Card {
    let installation = &standing.installation;
    let mut facts = vec![Fact::text("Bitbucket workspace", &installation.bitbucket_workspace_uuid)];
    facts.push(Fact::text("Door", door(installation)));
    facts.extend(installation.uninstalled_at.map(|at| Fact::at("Disconnected", Time::Moment(at), "")));
    let deletion = standing.purge.as_ref().map(|purge| Deletion {
        counts: purge.deleted.iter().filter(|(_, count)| **count > 0).map(|(name, count)| (name.clone(), *count)).collect(),
        deleted_at: Time::Moment(purge.begun_at),
        proven_at: purge.proven_at.map(Time::Moment),
    });
    Card {
        id: installation.id.to_string(),
        heading: "Disconnected workspace".to_owned(),
        state: CardState::Disconnected,
        attention: None,
        facts,
        scopes: Vec::new(),
        findings: standing.purge.as_ref().and_then(|purge| self_test::of_purge(purge, now)).into_iter().collect(),
        deletion,
        removal: installation.health.removal.map(|removal| removal_words(removal, installation)),
        keeps_key: installation.door == Door::Connect,
        is_retirable: false,
        retired: None,
        apps_url: config.bitbucket_web_url.clone(),
    }
}

/// What is to be said of the Connect app that was retired: its installation, how far the removal is, whether asking again may help.
fn retired(installation: &Installation) -> Option<(String, String, bool)> {
    let (words, may_ask_again) = removal_words(installation.health.removal?, installation);
    let words = words.replacen("The app", "The Connect app", 1);
    Some((installation.id.to_string(), words, may_ask_again))
}

/// How far the removal at Bitbucket is, and whether asking again may help.
fn removal_words(removal: Removal, installation: &Installation) -> (String, bool) {
    let code = installation.health.removal_error.as_deref();
    match (removal, code) {
        (Removal::Done, _) => ("The app is removed at Bitbucket.".to_owned(), false),
        (Removal::Pending, None) => ("The app is being removed at Bitbucket. Reload this page in a moment.".to_owned(), false),
        (Removal::Pending, Some(code)) => {
            let words = "Bitbucket has not removed the app yet, because it does not answer as it should";
            (format!("{words} ({code}). It is asked again by itself; nothing is shown there meanwhile."), true)
        }
        (Removal::Refused, code) => {
            let code = code.unwrap_or("refused");
            let words = "Bitbucket does not take the removal from us";
            (format!("{words} ({code}). If Installed apps in Bitbucket still lists ClarityLoop, remove it there."), true)
        }
        (Removal::ByHand, _) => {
            let words = "One step is left: an app of this kind cannot remove itself.";
            (format!("{words} Open Workspace settings > Installed apps in Bitbucket and uninstall ClarityLoop."), false)
        }
    }
}

fn attention(config: &Config, installation: &Installation, finding: &Finding, now: &Now) -> Attention {
    let is_cut_off = installation.health.refused_since.is_some() || self_test::silent_hours(installation, now).is_some();
    let consequence = if is_cut_off { "Titles and states are no longer kept fresh. Links that exist stay." } else { "" };
    Attention {
        what: finding.what.clone(),
        since: finding.since.map(Time::Moment),
        consequence,
        remedy: finding.remedy.clone().unwrap_or_default(),
        leads_to_apps: finding.remedy.as_deref().is_some_and(|remedy| remedy.starts_with("Open Installed apps")),
        apps_url: apps_url(config, installation),
    }
}

/// Where Bitbucket lists the apps of the workspace.
fn apps_url(config: &Config, installation: &Installation) -> String {
    let site = &config.bitbucket_web_url;
    match &installation.bitbucket_workspace_slug {
        Some(slug) => format!("{site}/{slug}/workspace/settings/addon-management"),
        None => site.clone(),
    }
}

fn facts(config: &Config, standing: &Standing, now: &Now) -> Vec<Fact> {
    let installation = &standing.installation;
    let mut facts = vec![workspace(config, installation), Fact::text("Door", door(installation))];
    let installer = match (&standing.installer, &installation.reported_installer) {
        (Some(name), _) => format!(" by {name}, as reported by Bitbucket"),
        (None, Some(account)) => format!(" by the account {account}, as reported by Bitbucket"),
        (None, None) => String::new(),
    };
    facts.push(Fact::at("Installed", Time::Moment(installation.installed_at), &installer));
    if let Some(at) = installation.confirmed_at {
        let by = match (&standing.confirmed_by, installation.door) {
            (Some(name), _) => format!(" by {name}"),
            (None, Door::Forge) => " by itself, because the Bitbucket workspace was connected already".to_owned(),
            (None, Door::Connect) => String::new(),
        };
        facts.push(Fact::at("Confirmed", Time::Moment(at), &by));
    }
    if installation.state == State::Active {
        facts.push(last_event(installation));
        facts.extend(installation.health.called_at.map(|at| Fact::at("Forge’s last call", Time::Moment(at), "")));
    }
    let shown_from = now.at - TimeDelta::days(ERRORS_SHOWN_DAYS);
    let error = installation.health.last_error.as_ref().zip(installation.health.last_error_at);
    facts.push(match error.filter(|(_, at)| *at > shown_from) {
        Some((code, at)) => {
            Fact { before: format!("{} ({code}), ", error_words(code)), ..Fact::at("Last error", Time::Moment(at), "") }
        }
        None => Fact::text("Last error", "None in the last 30 days"),
    });
    facts
}

fn workspace(config: &Config, installation: &Installation) -> Fact {
    let (slug, name) = (&installation.bitbucket_workspace_slug, &installation.bitbucket_workspace_name);
    let Some(slug) = slug else {
        let text = format!("{}, whose name Bitbucket has not told yet", installation.bitbucket_workspace_uuid);
        return Fact::text("Bitbucket workspace", &text);
    };
    let after = name.as_ref().map_or(String::new(), |name| format!(", “{name}”"));
    let href = Some(format!("{}/{slug}/", config.bitbucket_web_url));
    Fact { href, after, ..Fact::text("Bitbucket workspace", slug) }
}

fn door(installation: &Installation) -> &'static str {
    match (installation.door, installation.is_registered) {
        (Door::Connect, false) => "Connect, installed by URL",
        (Door::Connect, true) => "Connect, an app registered with Bitbucket",
        (Door::Forge, _) => "Forge",
    }
}

fn last_event(installation: &Installation) -> Fact {
    let Some(at) = installation.last_event_at else {
        return Fact::text("Last event", "None yet: Bitbucket sends one when a pull request changes");
    };
    let event = installation.health.last_event.as_deref().unwrap_or("event");
    let words = match event {
        "pullrequest:created" | "avi:bitbucket:created:pullrequest" => "Pull request opened",
        "pullrequest:updated" | "avi:bitbucket:updated:pullrequest" => "Pull request updated",
        "pullrequest:push" => "Pull request pushed to",
        "pullrequest:approved" => "Pull request approved",
        "pullrequest:unapproved" => "Approval taken back",
        "pullrequest:changes_request_created" => "Changes requested",
        "pullrequest:changes_request_removed" => "Request for changes taken back",
        "pullrequest:fulfilled" | "avi:bitbucket:fulfilled:pullrequest" => "Pull request merged",
        "pullrequest:rejected" | "avi:bitbucket:rejected:pullrequest" => "Pull request declined",
        "avi:bitbucket:updated:pullrequest-reviewer-status" => "Pull request reviewed",
        "avi:bitbucket:push:repository" => "Repository pushed to",
        comment if comment.starts_with("avi:bitbucket:") && comment.ends_with(":pullrequest-comment") => {
            "Comment on a pull request"
        }
        build if build.starts_with("avi:bitbucket:") && build.ends_with(":build-status") => "Build status",
        other => other,
    };
    Fact { before: format!("{words}, "), ..Fact::at("Last event", Time::Moment(at), "") }
}

fn error_words(code: &str) -> &'static str {
    match code {
        "bitbucket_not_authorised" => "Bitbucket refused our key",
        "bitbucket_forbidden" => "Bitbucket did not allow a call",
        "bitbucket_missing_scopes" => "Bitbucket says that the app lacks a scope",
        "bitbucket_ip_not_allowed" => "The workspace takes calls from listed addresses only",
        "bitbucket_two_step_needed" => "The workspace wants two-step verification",
        "bitbucket_plan_limit" => "The workspace’s plan does not include a call",
        "bitbucket_workspace_deleted" => "The Bitbucket workspace has been deleted",
        "bitbucket_too_large" => "Bitbucket’s answer was too large",
        "bitbucket_not_found" => "Bitbucket did not find what was asked for",
        "bitbucket_gone" => "Atlassian has removed what was asked for",
        "bitbucket_rate_limited" => "Bitbucket asked to wait",
        "bitbucket_down" => "Bitbucket did not answer",
        "bitbucket_malformed" => "Bitbucket’s answer could not be read",
        _ => "Bitbucket refused a call",
    }
}

fn scopes(installation: &Installation) -> Vec<Scope> {
    match installation.door {
        Door::Connect => descriptor::scopes().into_iter().map(|(name, why)| Scope { name, why }).collect(),
        // What a Forge app may read is consented to and listed at Bitbucket.
        Door::Forge => Vec::new(),
    }
}
