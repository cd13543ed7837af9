//! What owners and the app did, for owners to read. Written in the transaction of what it tells of.

mod log;

use diesel::prelude::*;

pub use log::{Entry, Filter, Who, list};

use crate::config::Now;
use crate::error::Result;
use crate::storage::AnyConnection;
use crate::storage::ids::{WorkspaceId, new_uuid};
use crate::storage::schema::audit;
use crate::word_column;

/// The actor of what the app did by itself.
pub const APP: &str = "app";
/// The actor of what the operator did at the command line.
pub const OPERATOR: &str = "operator";

word_column! {
    /// What an action is about, to choose by.
    Group {
        /// How Bitbucket is connected.
        Bitbucket => "bitbucket",
        /// Data that were deleted.
        Data => "data",
        /// Members, their roles and their ways in.
        People => "people",
        /// Which Bitbucket account is whose.
        Identities => "identities",
    }
}

impl Group {
    /// Every group.
    pub const ALL: [Self; 4] = [Self::Bitbucket, Self::Data, Self::People, Self::Identities];

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bitbucket => "Bitbucket",
            Self::Data => "Deleted data",
            Self::People => "People",
            Self::Identities => "Identities",
        }
    }
}

/// An action's word, its group, and the sentence after the actor's name; `{subject}` is the member it was done to, `{detail}` the
/// recorded detail.
type Action = (&'static str, Group, &'static str);

/// Every action that is recorded anywhere.
const ACTIONS: &[Action] = &[
    ("install_code_made", Group::Bitbucket, "made a new install code"),
    ("installed", Group::Bitbucket, "took in an installation of the Bitbucket workspace {detail}"),
    ("installation_confirmed", Group::Bitbucket, "confirmed the Bitbucket workspace {detail}"),
    (
        "installation_joined",
        Group::Bitbucket,
        "joined the Forge app of the Bitbucket workspace {detail}, which is connected here",
    ),
    ("installation_claimed", Group::Bitbucket, "claimed the Bitbucket workspace {detail}"),
    ("installation_refused", Group::Bitbucket, "refused the Bitbucket workspace {detail}"),
    ("disconnected", Group::Bitbucket, "disconnected the Bitbucket workspace {detail}"),
    (
        "connect_retired",
        Group::Bitbucket,
        "retired the Connect app of the Bitbucket workspace {detail}, where the Forge app goes on",
    ),
    ("uninstalled", Group::Bitbucket, "heard from Bitbucket that it was removed from the Bitbucket workspace {detail}"),
    ("app_removed", Group::Bitbucket, "removed itself from the Bitbucket workspace {detail}"),
    ("removal_refused", Group::Bitbucket, "was not allowed to remove itself from the Bitbucket workspace {detail}"),
    ("quick_action_on", Group::Bitbucket, "switched PR Quick Action on"),
    ("quick_action_off", Group::Bitbucket, "switched PR Quick Action off"),
    ("consumer_entered", Group::Bitbucket, "entered the OAuth consumer {detail}"),
    ("connection_made", Group::Bitbucket, "made the connection “{detail}”"),
    ("connection_granted_anew", Group::Bitbucket, "had the connection “{detail}” granted anew"),
    ("connection_workspace_chosen", Group::Bitbucket, "chose the Bitbucket workspace {detail} for a connection"),
    ("connection_replaced", Group::Bitbucket, "replaced the token of the connection “{detail}”"),
    ("connection_changed", Group::Bitbucket, "changed what the connection “{detail}” serves"),
    ("connection_ended", Group::Bitbucket, "disconnected the connection “{detail}”"),
    (
        "connection_displaced",
        Group::Bitbucket,
        "stopped the connection “{detail}”, whose Bitbucket workspace an administrator has connected elsewhere",
    ),
    (
        "connection_taken_again",
        Group::Bitbucket,
        "heard from Bitbucket that the token of the connection “{detail}” is taken again",
    ),
    ("consumer_removed", Group::Bitbucket, "removed the OAuth consumer {detail}"),
    ("hook_secrets_rotated", Group::Bitbucket, "gave the webhooks of the connection “{detail}” new secrets"),
    ("hooks_removed", Group::Bitbucket, "took leave of the webhooks of a disconnected connection: {detail}"),
    ("own_grant_made", Group::Bitbucket, "let ClarityLoop read Bitbucket in their own name"),
    ("own_grant_made_to_write", Group::Bitbucket, "let ClarityLoop write at Bitbucket in their own name"),
    ("own_grant_ended", Group::Bitbucket, "ended a member’s own grant"),
    ("connection_refused", Group::Bitbucket, "heard from Bitbucket that the connection “{detail}” has to be granted anew"),
    ("writes_allowed", Group::Bitbucket, "allowed changes at Bitbucket by API: {detail}"),
    ("writes_forbidden", Group::Bitbucket, "no longer allows changes at Bitbucket by API: {detail}"),
    ("bitbucket_write", Group::Bitbucket, "called the Bitbucket API: {detail}"),
    ("repositories_chosen", Group::Bitbucket, "chose {detail} of a Bitbucket workspace"),
    ("repositories_left_out", Group::Bitbucket, "left out {detail} of a Bitbucket workspace"),
    ("repository_rule_set", Group::Bitbucket, "decided about new repositories in {detail}"),
    ("proposal_approved", Group::Bitbucket, "did what {subject} had proposed about a repository"),
    ("proposal_refused", Group::Bitbucket, "refused what {subject} had proposed about a repository"),
    ("purge_proven", Group::Data, "looked for data of the Bitbucket workspace {subject} and found {detail}"),
    ("member_added", Group::People, "added {subject} ({detail})"),
    ("member_returned", Group::People, "added {subject} once more ({detail})"),
    ("member_removed", Group::People, "removed {subject} ({detail})"),
    ("items_handed_over", Group::People, "handed over what {subject} had open: {detail}"),
    ("role_changed", Group::People, "made {subject} {detail}"),
    ("manager_set", Group::People, "set who leads {subject}: {detail}"),
    ("sign_in_link_made", Group::People, "made a sign-in link for {subject} ({detail})"),
    ("join_approved", Group::People, "let {subject} join, whose Bitbucket account is {detail}"),
    ("join_refused", Group::People, "refused the Bitbucket account {detail}, who had asked to join"),
    ("identity_aligned", Group::Identities, "aligned {subject} with the Bitbucket account {detail}"),
    ("identity_bound", Group::Identities, "linked the Bitbucket account {detail} to {subject}"),
    ("account_not_a_member", Group::Identities, "marked the Bitbucket account {detail} as not a member"),
    ("account_unmarked", Group::Identities, "took back that the Bitbucket account {detail} is not a member"),
    ("identity_unbound", Group::Identities, "unlinked the Bitbucket account of {subject}"),
];

fn action(word: &str) -> Option<&'static Action> {
    ACTIONS.iter().find(|(known, _, _)| *known == word)
}

/// Records that `actor` (a member's id, [`APP`] or [`OPERATOR`]) did `action` to `subject`; `detail` is one plain line.
///
/// # Errors
/// When the database refuses.
pub fn record(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    actor: &str,
    action: &'static str,
    subject: &str,
    detail: &str,
    now: &Now,
) -> Result<()> {
    begin(connection, workspace_id, actor, action, subject, detail, now).map(|_entry| ())
}

/// The same about something whose outcome is not known yet: [`complete`] writes it into the entry that is named. When the server stops
/// in between, the entry stays as it was begun.
///
/// # Errors
/// When the database refuses.
pub fn begin(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    actor: &str,
    action: &'static str,
    subject: &str,
    detail: &str,
    now: &Now,
) -> Result<String> {
    let id = new_uuid(now).to_string();
    diesel::insert_into(audit::table)
        .values((
            audit::id.eq(&id),
            audit::workspace_id.eq(workspace_id),
            audit::at.eq(now.at),
            audit::actor.eq(actor),
            audit::action.eq(action),
            audit::subject.eq(subject),
            audit::detail.eq(detail),
        ))
        .execute(connection)?;
    Ok(id)
}

/// Writes the outcome into an entry that was begun.
///
/// # Errors
/// When the database refuses.
pub fn complete(connection: &mut AnyConnection, workspace_id: &WorkspaceId, entry: &str, detail: &str) -> Result<()> {
    let row = audit::table.find(entry).filter(audit::workspace_id.eq(workspace_id));
    diesel::update(row).set(audit::detail.eq(detail)).execute(connection)?;
    Ok(())
}

#[cfg(test)]
mod tests;
