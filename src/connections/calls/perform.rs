//! Making a call: allowed, with a right, shown first when asked, confirmed where it destroys, written down where it writes. Doors call it.

use std::sync::Arc;

use super::access::{self, Right};
use super::allowed;
use super::asked::Asked;
use super::kept::{self, Kept};
use super::permission::Permissions;
use super::place;
use crate::bitbucket::operations::Effect;
use crate::bitbucket::{Answer, Call, Failure};
use crate::config::Now;
use crate::connections::purposes::Way;
use crate::connections::{Parts, faring};
use crate::error::{Error, Kind, Result};
use crate::people::{Viewer, audit, idempotency};
use crate::storage::AnyConnection;
use crate::storage::ids::ConnectionId;

/// How the card names the call.
const CALL: &str = "call";
/// The longest detail of an audit entry, in characters: a path may be longer.
const LONGEST_DETAIL: usize = 400;

/// How a call is to be made.
#[derive(Clone, Debug, Default)]
pub struct Manner {
    /// Only says what would be sent.
    pub is_dry_run: bool,
    /// Repeats the name of what is destroyed.
    pub confirm: Option<String>,
    /// Makes a repetition harmless.
    pub key: Option<idempotency::Request>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Nothing was sent; this is what would be.
    Planned(Plan),
    /// Bitbucket's answer.
    Answered(Box<Answered>),
    /// The same request was answered before, in this way.
    Repeated(Kept),
}

/// What a call would send. The credential is in none of it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The call.
    pub call: Call,
    /// Its whole address.
    pub address: String,
    /// With whose right it would be made, in one sentence.
    pub why: String,
    /// What a confirmation must repeat, where one is needed.
    pub confirm: Option<String>,
}

/// Bitbucket's answer and what goes with it.
#[derive(Clone, Debug)]
pub struct Answered {
    /// What Bitbucket answered.
    pub answer: Answer,
    /// With whose right it was asked, in one sentence.
    pub why: String,
}

/// Makes a call.
///
/// # Errors
/// `write_not_allowed` (403); what `access::right` refuses; `confirmation_needed` (409); `idempotency_key_reused` or `answer_unknown`
/// (409); what Bitbucket refuses, with the remedy.
pub async fn make(
    parts: &Parts<'_>,
    permissions: &Permissions,
    viewer: &Viewer,
    asked: Asked,
    manner: Manner,
    now: &Now,
) -> Result<Outcome> {
    let operation = asked.target.operation;
    if !operation.is_read() {
        let asking = viewer.clone();
        parts.database.read(move |connection| allowed::must_be_allowed(connection, &asking, operation)).await?;
    }
    let (right, call) = access::right(parts, permissions, viewer, &asked, now).await?;
    let name = asked.target.name();
    let confirm = (operation.effect == Effect::Destructive).then_some(name);
    if manner.is_dry_run {
        let address = format!("{}{}", parts.config.bitbucket_api_url, call.target());
        return Ok(Outcome::Planned(Plan { call, address, why: right.why, confirm }));
    }
    if let Some(name) = confirm.filter(|name| manner.confirm.as_deref() != Some(name)) {
        let detail = format!("This cannot be taken back. Look at a dry run, and send it again with confirm set to {name}.");
        return Err(Error::conflict("confirmation_needed", detail).at("confirm"));
    }
    if operation.is_read() {
        let answer = parts.bitbucket.call(&right.credential, &call).await;
        note(parts, &right.way, &answer, now).await;
        return Ok(Outcome::Answered(Box::new(Answered { answer: answer.map_err(refusal)?, why: right.why })));
    }
    write(parts, viewer, &right, &asked, &call, manner.key, now).await
}

/// Writes down what is about to be sent, sends it, and writes down what came of it: what cannot be undone is never unknown.
async fn write(
    parts: &Parts<'_>,
    viewer: &Viewer,
    right: &Right,
    asked: &Asked,
    call: &Call,
    key: Option<idempotency::Request>,
    now: &Now,
) -> Result<Outcome> {
    let what = format!("{} {}", call.method, call.path.as_str().trim_start_matches("/2.0"));
    let (asking, moment, reserved) = (viewer.clone(), now.clone(), key.clone());
    let (begun, keyring) = (line(&what, "sent, and no answer was recorded"), Arc::clone(parts.keyring));
    let begin = move |connection: &mut AnyConnection| {
        if let Some(key) = &reserved {
            if let Some((status, _)) = idempotency::answered(connection, &asking, key, &moment)? {
                return kept::read(connection, &asking, key, status, &keyring).map(Err);
            }
            idempotency::reserve(connection, &asking, key, &moment)?;
        }
        let actor = asking.member_id.as_str();
        audit::begin(connection, &asking.workspace_id, actor, "bitbucket_write", "", &begun, &moment).map(Ok)
    };
    let entry = match parts.database.write(begin).await? {
        Ok(entry) => entry,
        Err(kept) => return Ok(Outcome::Repeated(kept)),
    };
    let answer = parts.bitbucket.call(&right.credential, call).await;
    let (asking, outcome, keyring) = (viewer.clone(), outcome_of(&answer), Arc::clone(parts.keyring));
    let (workspace, to_keep) = (asked.target.workspace().map(str::to_owned), answer.as_ref().ok().cloned());
    let end = move |connection: &mut AnyConnection| {
        audit::complete(connection, &asking.workspace_id, &entry, &line(&what, &outcome.words))?;
        match (&key, &to_keep) {
            (Some(key), Some(answer)) => {
                let uuid = workspace.map(|name| place::connected(connection, &asking.workspace_id, &name)).transpose()?.flatten();
                kept::keep(connection, &asking, key, uuid, answer, &keyring)
            }
            (Some(key), None) if !outcome.is_unknown => idempotency::release(connection, &asking, key),
            _ => Ok(()),
        }
    };
    parts.database.write(end).await?;
    note(parts, &right.way, &answer, now).await;
    let answer = answer.map_err(refusal)?;
    Ok(Outcome::Answered(Box::new(Answered { answer, why: right.why.clone() })))
}

/// Notes on a connection that Bitbucket takes it, or takes it no more. What else Bitbucket refuses is about what was asked, which
/// anybody may get wrong.
async fn note(parts: &Parts<'_>, way: &Way, answer: &Result<Answer, Failure>, now: &Now) {
    let Way::Connection(id) = way.clone() else { return };
    let noted = match answer {
        Ok(_) => note_success(parts, id).await,
        Err(Failure::NotAuthorised) => {
            let moment = now.clone();
            let note = move |connection: &mut AnyConnection| {
                faring::note_failure(connection, &id, CALL, &Failure::NotAuthorised, &moment)
            };
            parts.database.write(note).await
        }
        Err(_) => return,
    };
    // What was called has happened or not, whatever becomes of the note.
    if let Err(error) = noted {
        tracing::warn!(code = error.code, "how a connection fares could not be noted");
    }
}

async fn note_success(parts: &Parts<'_>, id: ConnectionId) -> Result<()> {
    // Most calls find nothing to take back, and need no write to see it.
    let asked = id.clone();
    if parts.database.read(move |connection| faring::is_failing(connection, &asked)).await? {
        parts.database.write(move |connection| faring::note_success(connection, &id)).await?;
    }
    Ok(())
}

struct Written {
    words: String,
    /// Whether Bitbucket may have done it all the same.
    is_unknown: bool,
}

fn outcome_of(answer: &Result<Answer, Failure>) -> Written {
    match answer {
        Ok(answer) => Written { words: format!("done ({})", answer.status.as_u16()), is_unknown: false },
        Err(failure @ (Failure::Down | Failure::Malformed | Failure::TooLarge)) => {
            Written { words: format!("outcome unknown ({})", failure.code()), is_unknown: true }
        }
        Err(failure) => Written { words: format!("refused ({})", failure.code()), is_unknown: false },
    }
}

fn line(what: &str, outcome: &str) -> String {
    // The path is percent-encoded, so that each byte is a character.
    let shown = what.get(..LONGEST_DETAIL).map_or_else(|| what.to_owned(), |cut| format!("{cut}…"));
    format!("{shown}: {outcome}")
}

/// What Bitbucket's refusal is to whoever called: theirs to act on, with the remedy, and never a fault of this server's.
pub fn refusal(failure: Failure) -> Error {
    let kind = match &failure {
        Failure::NotFound | Failure::NotEnabled { .. } => Kind::NotFound,
        Failure::MissingScopes { .. } | Failure::Forbidden { .. } => Kind::Forbidden,
        Failure::Removed { .. } | Failure::WorkspaceDeleted => Kind::Gone,
        Failure::RateLimited { .. } => Kind::TooMany,
        Failure::NotAuthorised | Failure::GrantEnded => Kind::Conflict,
        Failure::Refused { status: 409, .. } => Kind::Conflict,
        Failure::Refused { .. } | Failure::TooLarge => Kind::Invalid,
        Failure::Down | Failure::Malformed => Kind::Upstream,
    };
    let retry_after_seconds = match &failure {
        Failure::RateLimited { after_seconds } => Some(after_seconds.unwrap_or(60)),
        Failure::Down | Failure::Malformed => Some(30),
        _ => None,
    };
    let mut error = Error::new(kind, failure.code(), failure.remedy()).because(failure);
    error.retry_after_seconds = retry_after_seconds;
    error
}
