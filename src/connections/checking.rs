//! Trying a connection out: one small read where it reaches, whose answer is written down. Owners press a button for it.

use super::grants::{self, Connection, Reach, State};
use super::{Parts, faring, refresh};
use crate::bitbucket::{ApiPath, Call, Failure};
use crate::config::Now;
use crate::error::{Error, Result};
use crate::people::Viewer;
use crate::storage::AnyConnection;
use crate::storage::ids::ConnectionId;

/// How the card names the call.
const CALL: &str = "check";

/// Asks Bitbucket for one repository that a connection of the viewer's workspace reaches, and notes the answer. That Bitbucket refuses is
/// no error here: the card says so. A pasted token that was refused is connected again when Bitbucket takes it now.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404); `workspace_not_chosen` or `nothing_to_check` (409); `token_not_fetched` (503), or whatever
/// Bitbucket's silence makes where the card would not say it.
pub async fn check(parts: &Parts<'_>, viewer: &Viewer, id: &ConnectionId, now: &Now) -> Result<()> {
    let (owner, asked) = (viewer.clone(), id.clone());
    let found = parts.database.read(move |connection| grants::find(connection, &owner, &asked)).await?;
    let is_refused = found.state == State::Reconnect && found.kind.is_pasted();
    let credential = match is_refused {
        true => refresh::refused_credential(parts, id, now).await?,
        false => refresh::credential(parts, id, now).await?,
    };
    let credential = credential.ok_or_else(nothing_to_check)?;
    let answer = match call(&found) {
        Some(call) => parts.bitbucket.call(&credential, &call?).await.map(|_answer| ()),
        None => return Err(Error::conflict("workspace_not_chosen", "Choose the Bitbucket workspace of this connection first.")),
    };
    let (id, now) = (id.clone(), now.clone());
    match answer {
        // The card of a token that was refused before says only that.
        Err(failure) if is_refused && failure.is_passing() => Err(failure.into()),
        answer => {
            let note = move |connection: &mut AnyConnection| match &answer {
                Ok(()) if is_refused => faring::note_taken_again(connection, &id, &now),
                Ok(()) => faring::note_success(connection, &id),
                Err(failure) => faring::note_failure(connection, &id, CALL, failure, &now),
            };
            parts.database.write(note).await
        }
    }
}

fn nothing_to_check() -> Error {
    let detail =
        "There is nothing left to check: Bitbucket has ended this consent, or the connection itself is ended. Connect again.";
    Error::conflict("nothing_to_check", detail)
}

/// The smallest read that tells whether a connection works; `None` before its workspace is chosen.
fn call(found: &Connection) -> Option<Result<Call>> {
    let workspace = format!("{{{}}}", found.bitbucket_workspace_uuid.as_ref()?);
    let path = |segments: &[&str]| ApiPath::of(segments).map_err(|_refused| Error::from(Failure::NotFound));
    Some(match (found.reach, found.reach_name.as_deref()) {
        (Reach::Repository, Some(repository)) => path(&["repositories", &workspace, repository]).map(Call::get),
        (Reach::Project, Some(key)) => {
            let listed = path(&["repositories", &workspace]).map(Call::get);
            listed.map(|call| call.with("pagelen", "10").with("q", format!("project.key=\"{key}\"")))
        }
        _ => path(&["repositories", &workspace]).map(|path| Call::get(path).with("pagelen", "10")),
    })
}
