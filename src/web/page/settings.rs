//! The settings: how Bitbucket is connected, ending that, and the audit.

use askama::Template;

use super::{Person, Shell, Time};
use crate::connections::self_test::Finding;

/// `/settings/integrations/bitbucket`.
#[derive(Template)]
#[template(path = "web/settings/bitbucket.html")]
pub struct SettingsPage {
    /// What stands around it.
    pub shell: Shell,
    /// What is wrong with the server's own settings.
    pub setup: Option<Finding>,
    /// The Bitbucket workspaces that should move to the Forge app.
    pub move_to_forge: Vec<String>,
    /// The installations.
    pub cards: Vec<Card>,
    /// The switch.
    pub quick_action: QuickAction,
    /// How to install the app.
    pub install: Install,
    /// The day for which the instructions hold.
    pub today: Time,
    /// The last entries of the audit.
    pub happened: Vec<AuditRow>,
}

/// One installation, or a workspace that was disconnected.
pub struct Card {
    /// The installation's id.
    pub id: String,
    /// The name of the Bitbucket workspace.
    pub heading: String,
    /// How it stands.
    pub state: CardState,
    /// What needs somebody's attention.
    pub attention: Option<Attention>,
    /// What is known of it.
    pub facts: Vec<Fact>,
    /// What the app may read.
    pub scopes: Vec<Scope>,
    /// The self-test.
    pub findings: Vec<Finding>,
    /// What was deleted after a disconnect.
    pub deletion: Option<Deletion>,
    /// How far the removal at Bitbucket is, and whether a button asks again.
    pub removal: Option<(String, bool)>,
    /// Whether its key stays after it has ended: Connect's, with which Bitbucket signs a new installation.
    pub keeps_key: bool,
    /// Whether it is of the Connect app and can be retired, because the Forge app has taken over.
    pub is_retirable: bool,
    /// The Connect installation that this one of Forge took over from: its id, and how far its removal at Bitbucket is.
    pub retired: Option<(String, String, bool)>,
    /// Where Bitbucket lists the apps of the workspace.
    pub apps_url: String,
}

impl Card {
    fn is_well(&self) -> bool {
        !self.findings.iter().any(Finding::is_bad)
    }
}

/// How an installation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardState {
    /// An owner has to confirm it.
    Waiting,
    /// It works.
    Connected,
    /// It does not work as it should.
    NeedsAttention,
    /// It was ended, here or at Bitbucket.
    Disconnected,
}

impl CardState {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting for your confirmation",
            Self::Connected => "Connected",
            Self::NeedsAttention => "Needs attention",
            Self::Disconnected => "Disconnected",
        }
    }

    pub(super) fn tone(self) -> &'static str {
        match self {
            Self::Waiting => "info",
            Self::Connected => "success",
            Self::NeedsAttention => "warning",
            Self::Disconnected => "quiet",
        }
    }

    pub(super) fn icon(self) -> &'static str {
        match self {
            Self::Waiting => "wait",
            Self::Connected => "tick",
            Self::NeedsAttention => "warning",
            Self::Disconnected => "off",
        }
    }
}

/// What needs somebody's attention, and the one thing to do.
pub struct Attention {
    /// What is wrong, without a full stop.
    pub what: String,
    /// Since when.
    pub since: Option<Time>,
    /// What that means for people; empty when nothing is to be said.
    pub consequence: &'static str,
    /// The one thing to do.
    pub remedy: String,
    /// Whether it is done on Bitbucket's page of installed apps.
    pub leads_to_apps: bool,
    /// That page.
    pub apps_url: String,
}

/// A name and a value, which may be a moment between two texts.
pub struct Fact {
    /// What it is.
    pub name: &'static str,
    /// The text before the moment.
    pub before: String,
    /// Where that text leads.
    pub href: Option<String>,
    /// The moment.
    pub time: Option<Time>,
    /// The text behind it.
    pub after: String,
}

impl Fact {
    /// A fact that is a text.
    pub fn text(name: &'static str, text: &str) -> Self {
        Self { name, before: text.to_owned(), href: None, time: None, after: String::new() }
    }

    /// A fact that is a moment.
    pub fn at(name: &'static str, time: Time, after: &str) -> Self {
        Self { time: Some(time), after: after.to_owned(), ..Self::text(name, "") }
    }
}

/// A scope that the app holds.
pub struct Scope {
    /// Its name at Bitbucket.
    pub name: String,
    /// What it is for.
    pub why: &'static str,
}

/// What a disconnect deleted, and the proof.
pub struct Deletion {
    /// What was deleted, with how many.
    pub counts: Vec<(String, i64)>,
    /// When.
    pub deleted_at: Time,
    /// When it was looked for again and nothing was found.
    pub proven_at: Option<Time>,
}

/// The switch "Add to ClarityLoop".
pub struct QuickAction {
    /// How it stands.
    pub is_on: bool,
    /// What it does at each kind of installation.
    pub effects: Vec<String>,
    /// Whether Bitbucket follows, when it does not yet.
    pub state: Option<String>,
}

/// How the app is installed.
pub struct Install {
    /// The heading of its card.
    pub heading: &'static str,
    /// Where the Forge app is installed; absent until the operator has set it.
    pub forge_link: Option<String>,
    /// The Connect install URL.
    pub connect_url: Option<String>,
    /// Bitbucket's page that asks for the grant.
    pub grant_url: Option<String>,
    /// Whether the Connect app is registered with Bitbucket, and is claimed from its page there.
    pub is_registered: bool,
    /// What to send to an admin of the Bitbucket workspace.
    pub message: String,
}

/// The page that asks before an installation is refused.
#[derive(Template)]
#[template(path = "web/settings/refuse.html")]
pub struct RefusePage {
    /// What stands around it.
    pub shell: Shell,
    /// The Bitbucket workspace.
    pub name: String,
    /// Where the form posts to.
    pub action: String,
}

/// The page that asks before the Connect app is retired.
#[derive(Template)]
#[template(path = "web/settings/retire.html")]
pub struct RetirePage {
    /// What stands around it.
    pub shell: Shell,
    /// The Bitbucket workspace.
    pub name: String,
    /// Where the form posts to.
    pub action: String,
}

/// The page that asks before a Bitbucket workspace is disconnected.
#[derive(Template)]
#[template(path = "web/settings/disconnect.html")]
pub struct DisconnectPage {
    /// What stands around it.
    pub shell: Shell,
    /// The name to type.
    pub name: String,
    /// Where the form posts to.
    pub action: String,
    /// How many links there are.
    pub links: i64,
    /// Whether the app removes itself at Bitbucket.
    pub removes_itself: bool,
    /// Whether there is a key that stays.
    pub keeps_key: bool,
    /// What was typed.
    pub typed: String,
    /// Whether the links were ticked.
    pub removes_links: bool,
    /// What was wrong with what was typed.
    pub problem: Option<String>,
}

/// The page that asks before the install code is replaced.
#[derive(Template)]
#[template(path = "web/settings/install_code.html")]
pub struct InstallCodePage {
    /// What stands around it.
    pub shell: Shell,
}

/// `/settings/audit`.
#[derive(Template)]
#[template(path = "web/settings/audit.html")]
pub struct AuditPage {
    /// What stands around it.
    pub shell: Shell,
    /// The groups to choose from.
    pub groups: Vec<GroupChoice>,
    /// Whose doings, as typed.
    pub who: String,
    /// The first day, as typed.
    pub from: String,
    /// The last day, as typed.
    pub until: String,
    /// The field that is wrong, and what to do about it.
    pub problem: Option<(&'static str, String)>,
    /// Whether anything was left out.
    pub is_filtered: bool,
    /// The entries.
    pub rows: Vec<AuditRow>,
    /// Where older entries are.
    pub older_href: Option<String>,
    /// Whether this is the newest page.
    pub is_first: bool,
    /// Where the newest entries are.
    pub newest_href: String,
    /// Where the export is.
    pub export_href: String,
}

impl AuditPage {
    fn problem_at(&self, field: &str) -> Option<&str> {
        self.problem.as_ref().filter(|(at, _)| *at == field).map(|(_, sentence)| sentence.as_str())
    }
}

/// A group of actions, to choose.
pub struct GroupChoice {
    /// Its word.
    pub word: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Whether it is chosen.
    pub is_chosen: bool,
}

/// An entry of the audit.
pub struct AuditRow {
    /// The member who did it; none for the app and the operator.
    pub person: Option<Person>,
    /// The name of who did it.
    pub actor: String,
    /// What was done.
    pub does: String,
    /// When.
    pub at: Time,
}
