//! What an account can do in the panel before it is anybody's: ask whether it may join, hide the panel, show it again.

use super::read;
use crate::config::Now;
use crate::connections::installations::State;
use crate::connections::panel_state::PanelState;
use crate::error::{Error, Result};
use crate::panel::context::Context;
use crate::people::identities::AccountId;
use crate::people::join_requests::{self, Question};
use crate::people::text::{EmailAddress, Name};
use crate::people::{attempts, hidden_panels};
use crate::storage::AnyConnection;
use crate::storage::ids::WorkspaceId;

/// Questions in ten minutes before an account must wait.
const QUESTIONS_AT_MOST: i32 = 5;

/// Counts one question, in a transaction of its own: the count must outlive a refusal.
///
/// # Errors
/// What [`read`] refuses with; the inner error is `too_many_tries` (429).
pub fn count(connection: &mut AnyConnection, context: &Context, web_url: &str, now: &Now) -> Result<Result<()>> {
    let state = read(connection, context, web_url)?;
    let subject = format!("join:{}:{}", state.installation_id, context.account);
    attempts::count(connection, &subject, QUESTIONS_AT_MOST, now)
}

/// Asks the owners whether the signed account may join.
///
/// # Errors
/// `panel_not_available` (403); `join_asked` or `member_already` (409).
pub fn ask(
    connection: &mut AnyConnection,
    context: &Context,
    name: Name,
    email: EmailAddress,
    web_url: &str,
    now: &Now,
) -> Result<()> {
    let state = read(connection, context, web_url)?;
    if state.viewer.is_some() {
        return Err(Error::conflict("member_already", "This Bitbucket account belongs to a member already."));
    }
    let question = Question {
        name,
        email,
        account: AccountId::parse(&context.account)?,
        bitbucket_workspace: context.bitbucket_workspace,
        pull_request_url: context.reference(web_url).url,
    };
    join_requests::ask(connection, &open_workspace(state)?, &question, now)
}

/// Hides the panel for the signed account, or shows it again.
///
/// # Errors
/// `panel_not_available` (403).
pub fn set_hidden(connection: &mut AnyConnection, context: &Context, is_hidden: bool, web_url: &str, now: &Now) -> Result<()> {
    let workspace = open_workspace(read(connection, context, web_url)?)?;
    let account = AccountId::parse(&context.account)?;
    if is_hidden {
        hidden_panels::hide(connection, &workspace, &account, now)
    } else {
        hidden_panels::show(connection, &workspace, &account)
    }
}

/// The workspace whose panel is in use.
fn open_workspace(state: PanelState) -> Result<WorkspaceId> {
    let is_open = state.state == State::Active;
    let workspace = state.workspace.filter(|workspace| is_open && workspace.quick_action);
    workspace.map(|workspace| workspace.id).ok_or_else(|| {
        Error::forbidden("panel_not_available", "The panel cannot be used here at the moment. Reload the pull request.")
    })
}
