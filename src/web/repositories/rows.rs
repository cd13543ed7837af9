//! Repositories, projects and proposals as the page shows them.

use super::View;
use crate::connections::repositories::listing::NO_CREDENTIAL;
use crate::connections::repositories::places::{Counts, Decided, Place};
use crate::connections::repositories::proposals::Proposal;
use crate::connections::repositories::search::Show;
use crate::connections::repositories::{self};
use crate::web::page::Time;
use crate::web::page::repositories::{
    Chosen, ProjectOption, ProposalRow, Reading, RepositoryRow, RuleOption, ShowTab, WorkspaceTab,
};

use super::REPOSITORIES;

/// How far a list is read, in words.
pub(super) fn reading(place: &Place, is_owner: bool) -> Reading {
    let Some(reading) = &place.reading else {
        let sentence = "The list has not been read yet. That begins by itself within a minute.".to_owned();
        return Reading { sentence, listed_at: None, problem: None, is_under_way: false };
    };
    let sentence = match (reading.is_under_way, is_owner) {
        (true, true) => format!("The list is being read: {} repositories so far. Reload in a moment.", reading.found),
        (true, false) => "The list is being read. Reload in a moment.".to_owned(),
        (false, _) => String::new(),
    };
    let problem = reading.error.as_deref().map(|code| match code {
        NO_CREDENTIAL => "No connection here may list repositories. Connect the app, or a token that reads repositories.",
        "bitbucket_missing_scopes" => "The connection lacks the scope that lists repositories. Give it that scope, or reconnect.",
        "bitbucket_not_authorised" | "bitbucket_grant_ended" => {
            "Bitbucket does not accept the connection any more. Reconnect it on the settings page."
        }
        "bitbucket_ip_not_allowed" => {
            "The Bitbucket workspace takes calls from listed addresses only. A Bitbucket admin adds this server's address."
        }
        "too_many_repositories" => "There are more repositories than are read. Those that were read are listed.",
        _ => "Bitbucket does not let the connection list the repositories. It is asked again in an hour.",
    });
    Reading { sentence, listed_at: reading.listed_at.map(Time::Day), problem, is_under_way: reading.is_under_way }
}

/// What is decided about the project that is looked at, or about the whole.
pub(super) fn chosen(decided: &Decided, project: Option<&str>) -> Chosen {
    let of_project = project.and_then(|key| decided.projects.iter().find(|project| project.key == key));
    let (what, counts, rule) = match (project, of_project) {
        (Some(_), Some(project)) => (format!("project {}", project.key), project.counts.clone(), project.includes_new),
        (Some(key), None) => (format!("project {key}"), Counts::default(), None),
        (None, _) => ("this workspace".to_owned(), decided.counts.clone(), Some(decided.includes_new)),
    };
    let option = |value, label, is_chosen| RuleOption { value, label, is_chosen };
    let mut rules = vec![
        option("chosen", "New repositories are chosen", rule == Some(true)),
        option("left-out", "New repositories are not chosen", rule == Some(false)),
    ];
    if project.is_some() {
        let as_whole = match decided.includes_new {
            true => "As in the whole workspace: chosen",
            false => "As in the whole workspace: not chosen",
        };
        rules.insert(0, option("as-workspace", as_whole, rule.is_none()));
    }
    let left = counts.all - counts.chosen;
    Chosen { what, all: counts.all, chosen: counts.chosen, left, rules }
}

/// The projects, to narrow the list to one.
pub(super) fn projects(decided: &Decided, current: Option<&str>) -> Vec<ProjectOption> {
    let option = |project: &repositories::places::Project| {
        let name = project.name.as_deref().unwrap_or_default();
        let Counts { all, chosen } = project.counts;
        let label = format!("{} {name} ({chosen} of {all})", project.key).replace("  ", " ");
        ProjectOption { label, is_chosen: current == Some(&project.key), key: project.key.clone() }
    };
    decided.projects.iter().map(option).collect()
}

/// The parts of the list to choose from.
pub(super) fn tabs(here: &View) -> Vec<ShowTab> {
    let all =
        [(Show::All, "All"), (Show::Chosen, "Chosen"), (Show::NotChosen, "Not chosen"), (Show::Gone, "Gone from Bitbucket")];
    let tab = |(show, label): (Show, &'static str)| {
        let view = View { show: show.as_str().to_owned(), after: None, ..here.clone() };
        ShowTab { href: view.href(), label, is_current: here.shows() == show }
    };
    all.into_iter().map(tab).collect()
}

/// The Bitbucket workspaces, where there are several.
pub(super) fn workspaces(places: &[Place], current: Option<usize>) -> Vec<WorkspaceTab> {
    if places.len() < 2 {
        return Vec::new();
    }
    let tab = |(index, place): (usize, &Place)| {
        let href = format!("{REPOSITORIES}?workspace={}", place.uuid);
        WorkspaceTab { href, name: place.name().to_owned(), is_current: current == Some(index) }
    };
    places.iter().enumerate().map(tab).collect()
}

/// A repository in the list.
pub(super) fn repository(repository: &repositories::Repository) -> RepositoryRow {
    let project = match (&repository.project_name, repository.project_key.as_str()) {
        (_, "") => None,
        (Some(name), key) if name != key => Some(format!("{name} ({key})")),
        (_, key) => Some(key.to_owned()),
    };
    let mut facts: Vec<String> = project.into_iter().collect();
    facts.push(if repository.is_private { "private" } else { "public" }.to_owned());
    match &repository.default_branch {
        Some(branch) => facts.push(branch.clone()),
        None => facts.push("empty".to_owned()),
    }
    RepositoryRow {
        uuid: repository.uuid.clone(),
        name: repository.full_name.clone(),
        facts,
        is_chosen: repository.is_chosen,
        gone_at: repository.gone_at.map(Time::Day),
    }
}

/// A proposal that waits.
pub(super) fn proposal(proposal: Proposal) -> ProposalRow {
    let what = if proposal.is_to_be_chosen { "choose" } else { "leave out" };
    ProposalRow {
        action: format!("{REPOSITORIES}/proposals/{}", proposal.id),
        what: format!("{what} {}", proposal.full_name),
        by: proposal.name,
        at: Time::Day(proposal.proposed_at),
    }
}
