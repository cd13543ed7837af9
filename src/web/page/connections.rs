//! Settings > Integrations > Bitbucket > Connections: what was granted by OAuth and tokens, what each serves, and the forms around it.

use askama::Template;

use super::settings::{CardState, Deletion, Fact, Scope};
use super::{Shell, WrongField};
use crate::connections::attention::Attention;

/// `/settings/integrations/bitbucket/connections`.
#[derive(Template)]
#[template(path = "web/settings/connections.html")]
pub struct ConnectionsPage {
    /// What stands around it.
    pub shell: Shell,
    /// Which credential serves which purpose, by Bitbucket workspace.
    pub serving: Vec<Serving>,
    /// The connections.
    pub cards: Vec<ConnectionCard>,
    /// What can be consented to, with its scopes.
    pub consents: Vec<ConsentChoice>,
    /// Whether there is a consumer to consent with.
    pub has_consumer: bool,
    /// The consumer that an owner has entered.
    pub consumer: ConsumerForm,
}

/// Which credentials serve a purpose in a Bitbucket workspace, the one that is tried first on top.
pub struct Serving {
    /// The Bitbucket workspace.
    pub workspace: String,
    /// The purpose.
    pub purpose: &'static str,
    /// Why each, in one sentence.
    pub by: Vec<String>,
}

/// One connection.
pub struct ConnectionCard {
    /// Its id.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// How it stands.
    pub state: CardState,
    /// How it stands, in words.
    pub words: &'static str,
    /// What needs somebody's attention.
    pub attention: Option<Attention>,
    /// What is known of it.
    pub facts: Vec<Fact>,
    /// What keeps webhooks from being made or checked, and what to do.
    pub troubles: Vec<String>,
    /// Whether there are webhooks whose secrets can be changed.
    pub may_rotate: bool,
    /// What became of its webhooks, for an ended one.
    pub farewell: Vec<Remark>,
    /// What it may, and why.
    pub scopes: Vec<Scope>,
    /// Whether its workspace is yet to be chosen.
    pub is_to_choose: bool,
    /// Whether it was pasted, and so is replaced; else it is granted anew.
    pub is_pasted: bool,
    /// Whether a person grants it.
    pub is_granted: bool,
    /// What was deleted when the last way closed, for an ended one.
    pub deletion: Option<Deletion>,
    /// What becomes of its secrets, and what is left to do at Bitbucket, for an ended one.
    pub by_hand: Option<String>,
}

/// A sentence with a sign before it.
pub struct Remark {
    /// The name of the icon.
    pub icon: &'static str,
    /// The class of its line.
    pub class: &'static str,
    /// The sentence.
    pub words: String,
}

/// Something to consent to.
pub struct ConsentChoice {
    /// The purpose's word.
    pub word: &'static str,
    /// The purpose.
    pub purpose: &'static str,
    /// What it asks for, and why.
    pub scopes: Vec<Scope>,
}

/// The form for an OAuth consumer.
pub struct ConsumerForm {
    /// The key, as entered or typed.
    pub client_id: String,
    /// Whether one is entered.
    pub is_entered: bool,
    /// Whether it may act as itself.
    pub may_act_alone: bool,
    /// The callback address to enter at Bitbucket.
    pub callback: String,
    /// Which field is wrong.
    pub wrong: WrongField,
}

/// A word and a name to choose.
pub struct Choice {
    /// What the form sends.
    pub word: &'static str,
    /// What it says.
    pub name: &'static str,
    /// Whether it is chosen.
    pub is_chosen: bool,
}

/// The form for a token: a new connection's, or one that takes the present one's place.
#[derive(Template)]
#[template(path = "web/settings/connection_token.html")]
pub struct TokenPage {
    /// What stands around it.
    pub shell: Shell,
    /// Where it is posted to.
    pub action: String,
    /// The connection whose token is replaced.
    pub replaced: Option<String>,
    /// Whether an e-mail address goes with it.
    pub needs_email: bool,
    /// The kinds to choose from.
    pub kinds: Vec<Choice>,
    /// The purposes to choose from.
    pub purposes: Vec<Choice>,
    /// What was typed, but for the token: it is never shown again.
    pub name: String,
    /// The slug of the Bitbucket workspace.
    pub workspace: String,
    /// The project's key or the repository's slug.
    pub reach_name: String,
    /// The e-mail address.
    pub email: String,
    /// The last day.
    pub expires_on: String,
    /// Which field is wrong.
    pub wrong: WrongField,
}

/// The form of what owners change about a connection.
#[derive(Template)]
#[template(path = "web/settings/connection.html")]
pub struct ConnectionPage {
    /// What stands around it.
    pub shell: Shell,
    /// Where it is posted to.
    pub action: String,
    /// What it is called.
    pub name: String,
    /// The purposes to choose from.
    pub purposes: Vec<Choice>,
    /// The slugs of the repositories it is restricted to, one a line.
    pub repositories: String,
    /// The branch that is meant when nobody names one.
    pub default_branch: String,
    /// Which field is wrong.
    pub wrong: WrongField,
}

/// The page that offers the workspaces that a connection reaches.
#[derive(Template)]
#[template(path = "web/settings/connection_workspace.html")]
pub struct ChooseBitbucketPage {
    /// What stands around it.
    pub shell: Shell,
    /// Where it is posted to.
    pub action: String,
    /// The workspaces: UUID, slug, and whether whoever granted it administers it.
    pub reached: Vec<(String, String, bool)>,
    /// How many are shown, when there are more.
    pub cut_after: Option<usize>,
}

/// The page that asks before the OAuth consumer is removed.
#[derive(Template)]
#[template(path = "web/settings/consumer_remove.html")]
pub struct RemoveConsumerPage {
    /// What stands around it.
    pub shell: Shell,
    /// Where it is posted to.
    pub action: String,
    /// The consumer's key.
    pub client_id: String,
    /// How many connections live by it: while there is any, it stays.
    pub connections: i64,
    /// How many members' own grants end with it.
    pub own_grants: i64,
}

/// The page that asks before a connection is ended.
#[derive(Template)]
#[template(path = "web/settings/connection_end.html")]
pub struct EndConnectionPage {
    /// What stands around it.
    pub shell: Shell,
    /// Where it is posted to.
    pub action: String,
    /// What it is called.
    pub name: String,
    /// How many webhooks are removed at Bitbucket.
    pub hooks: i64,
    /// Whether it is the last way into its Bitbucket workspace.
    pub is_last: bool,
    /// What is left to do at Bitbucket.
    pub by_hand: &'static str,
}
