//! The cards of the connections page, and the table of which credential serves what.

mod webhooks;

use std::collections::{BTreeMap, HashMap};

use crate::config::{Config, Now};
use crate::connections::consumers::{self, Entered};
use crate::connections::grants::{Connection, Kind, Reach, State};
use crate::connections::hooks::Listening;
use crate::connections::installations::{Installation, State as InstallationState};
use crate::connections::purge::Purge;
use crate::connections::purposes::{self, Purpose};
use crate::connections::{attention, closing, scopes};
use crate::storage::ids::{ConnectionId, InstallationId};
use crate::web::page::connections::{ConnectionCard, ConsentChoice, ConsumerForm, Serving};
use crate::web::page::settings::{CardState, Deletion, Fact, Scope};
use crate::web::page::{Time, WrongField};

/// What the page is made of.
pub struct Read {
    pub open: Vec<Connection>,
    pub ended: Vec<Connection>,
    pub installations: Vec<Installation>,
    pub purges: Vec<Purge>,
    pub entered: Option<Entered>,
    pub listening: HashMap<ConnectionId, Listening>,
    pub leaving: HashMap<ConnectionId, i64>,
}

/// Every card, the open ones first.
pub fn all(read: &Read, config: &Config, now: &Now) -> Vec<ConnectionCard> {
    let open = read.open.iter().map(|connection| open(connection, read, now));
    open.chain(read.ended.iter().map(|connection| ended(connection, read, config))).collect()
}

fn open(connection: &Connection, read: &Read, now: &Now) -> ConnectionCard {
    let listening = read.listening.get(&connection.id).cloned().unwrap_or_else(Listening::unknown);
    let attention = attention::of(connection, now);
    let (state, words) = match (connection.state, &attention) {
        (State::Reconnect, _) => (CardState::NeedsAttention, "Reconnect"),
        (_, Some(_)) => (CardState::NeedsAttention, "Needs attention"),
        _ => (CardState::Connected, "Connected"),
    };
    ConnectionCard {
        id: connection.id.to_string(),
        name: connection.name.clone(),
        state,
        words,
        attention,
        facts: facts(connection).into_iter().chain(webhooks::facts(connection, &listening)).collect(),
        troubles: webhooks::troubles(&listening),
        may_rotate: connection.state == State::Connected && listening.all() > 0,
        farewell: Vec::new(),
        scopes: held(connection),
        is_to_choose: connection.bitbucket_workspace_uuid.is_none(),
        is_pasted: connection.kind.is_pasted(),
        is_granted: connection.kind == Kind::OAuth,
        deletion: None,
        by_hand: None,
    }
}

fn ended(connection: &Connection, read: &Read, config: &Config) -> ConnectionCard {
    let leaving = read.leaving.get(&connection.id).copied().unwrap_or(0);
    // While another way is open, a purge of the workspace was an earlier one's.
    let uuid = connection.bitbucket_workspace_uuid.as_ref();
    let purge = read.purges.iter().find(|purge| {
        uuid == Some(&purge.bitbucket_workspace_uuid) && connection.disconnected_at.is_some_and(|at| at <= purge.begun_at)
    });
    let deletion = purge.map(|purge| Deletion {
        counts: purge.deleted.iter().filter(|(_, count)| **count > 0).map(|(name, count)| (name.clone(), *count)).collect(),
        deleted_at: Time::Moment(purge.begun_at),
        proven_at: purge.proven_at.map(Time::Moment),
    });
    let mut facts = vec![Fact::text("Kind", connection.kind.name())];
    facts.extend(connection.disconnected_at.map(|at| Fact::at("Disconnected", Time::Moment(at), "")));
    ConnectionCard {
        id: connection.id.to_string(),
        name: connection.name.clone(),
        state: CardState::Disconnected,
        words: "Disconnected",
        attention: None,
        facts,
        troubles: Vec::new(),
        may_rotate: false,
        farewell: webhooks::farewell(connection, leaving, config),
        scopes: Vec::new(),
        is_to_choose: false,
        is_pasted: false,
        is_granted: false,
        deletion,
        by_hand: Some(format!("{} {}", webhooks::fate_of_secrets(leaving), closing::by_hand(connection.kind))),
    }
}

fn facts(connection: &Connection) -> Vec<Fact> {
    let mut facts = vec![Fact::text("Kind", connection.kind.name())];
    if connection.bitbucket_workspace_uuid.is_some() {
        facts.push(Fact::text("Bitbucket workspace", workspace(connection)));
    }
    let reach = match (connection.reach, &connection.reach_name) {
        (Reach::Project, Some(key)) => format!("The project {key}"),
        (Reach::Repository, Some(slug)) => format!("The repository {slug}"),
        _ => "The whole workspace".to_owned(),
    };
    facts.push(Fact::text("Reaches", &reach));
    if let Some(slugs) = connection.restriction() {
        facts.push(Fact::text("Used only for", &slugs.join(", ")));
    }
    let branch = connection.default_branch.as_deref().unwrap_or("Each repository’s own main branch");
    facts.push(Fact::text("Default branch", branch));
    let serves: Vec<&str> = connection.purposes.iter().map(Purpose::name).collect();
    facts.push(Fact::text("Serves", if serves.is_empty() { "Nothing yet" } else { "" }));
    if let (Some(last), false) = (facts.last_mut(), serves.is_empty()) {
        last.before = serves.join(", ");
    }
    facts.push(Fact::at("Connected", Time::Moment(connection.created_at), ""));
    if connection.kind.is_pasted() {
        facts.push(match connection.expires_at {
            Some(end) => Fact::at("The token ends", Time::Moment(end), ""),
            None => Fact::text("The token ends", "Nobody has said"),
        });
    } else {
        facts.extend(connection.refreshed_at.map(|at| Fact::at("Refreshed", Time::Moment(at), "")));
    }
    if let (Some(call), Some(code), Some(at)) = (&connection.failing.call, &connection.failing.code, connection.failing.at) {
        facts.push(Fact { before: format!("{call} ({code}), "), ..Fact::at("Last error", Time::Moment(at), "") });
    }
    facts
}

fn workspace(connection: &Connection) -> &str {
    let uuid = connection.bitbucket_workspace_uuid.as_deref().unwrap_or_default();
    connection.bitbucket_workspace_slug.as_deref().unwrap_or(uuid)
}

/// The scopes that Bitbucket told, with what each is for where one of our purposes asks for it.
fn held(connection: &Connection) -> Vec<Scope> {
    let Some(granted) = &connection.scopes else { return Vec::new() };
    let why = |scope: &str| {
        let known = scopes::in_words_of_oauth(scope);
        let asked = Purpose::ALL.into_iter().flat_map(|purpose| scopes::asked_for(purpose).iter());
        asked.clone().find(|(name, _)| *name == known).map_or("is not needed for anything here", |(_, why)| why)
    };
    granted.split_whitespace().map(|scope| Scope { name: scope.to_owned(), why: why(scope) }).collect()
}

/// Which credential serves which purpose in each Bitbucket workspace.
pub fn serving(read: &Read) -> Vec<Serving> {
    let mut workspaces: BTreeMap<&str, &str> = BTreeMap::new();
    for installation in read.installations.iter().filter(|it| it.state == InstallationState::Active) {
        workspaces.insert(&installation.bitbucket_workspace_uuid, installation.typed_name());
    }
    for connection in &read.open {
        if let Some(uuid) = &connection.bitbucket_workspace_uuid {
            workspaces.entry(uuid).or_insert_with(|| workspace(connection));
        }
    }
    let row = |uuid: &str, name: &str, purpose: Purpose| {
        let active: Vec<InstallationId> = read
            .installations
            .iter()
            .filter(|it| it.state == InstallationState::Active && it.bitbucket_workspace_uuid == uuid)
            .map(|it| it.id.clone())
            .collect();
        let there = read.open.iter().filter(|it| it.bitbucket_workspace_uuid.as_deref() == Some(uuid));
        let usable = there.filter(|it| it.state == State::Connected).cloned();
        let by = purposes::in_order(&active, usable, purpose, |_| true);
        Serving {
            workspace: name.to_owned(),
            purpose: purpose.name(),
            by: by.iter().map(|candidate| candidate.why(purpose)).collect(),
        }
    };
    let rows = workspaces.iter().flat_map(|(uuid, name)| Purpose::ALL.map(|purpose| row(uuid, name, purpose)));
    rows.collect()
}

/// What can be consented to.
pub fn consents() -> Vec<ConsentChoice> {
    let choice = |purpose: Purpose| ConsentChoice {
        word: purpose.as_str(),
        purpose: purpose.name(),
        scopes: scopes::asked_for(purpose).iter().map(|(name, why)| Scope { name: (*name).to_owned(), why }).collect(),
    };
    Purpose::ALL.into_iter().map(choice).collect()
}

/// The form for the consumer.
pub fn consumer(config: &Config, entered: Option<&Entered>, typed: Option<(String, WrongField)>) -> ConsumerForm {
    let (client_id, wrong) =
        typed.unwrap_or_else(|| (entered.map(|entered| entered.client_id.clone()).unwrap_or_default(), WrongField::default()));
    ConsumerForm {
        client_id,
        is_entered: entered.is_some(),
        may_act_alone: entered.is_some_and(|entered| entered.may_act_alone),
        callback: consumers::callback(config),
        wrong,
    }
}
