//! What Bitbucket answered to a writing call, kept for a day for whoever repeats the request: sealed, because it may say what is private, and
//! gone with its Bitbucket workspace. `perform` keeps and reads it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::shown::Shown;
use crate::bitbucket::Answer;
use crate::error::{Error, Result};
use crate::people::{Viewer, idempotency};
use crate::storage::AnyConnection;
use crate::storage::ids::{MemberId, WorkspaceId};
use crate::storage::schema::{kept_answers as answers, members};
use crate::storage::seal::Keyring;

/// A larger body is not kept: whoever repeats the request is told so.
const LARGEST_BODY_BYTES: usize = 64 * 1024;

/// What is kept of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// The status that Bitbucket answered.
    pub status: u16,
    /// The headers that matter, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; none when it was too large, or is deleted with its workspace.
    pub body: Option<Vec<u8>>,
}

/// The same as it is sealed; the status stands beside the key.
#[derive(Serialize, Deserialize)]
struct Stored {
    headers: Vec<(String, String)>,
    /// In base64.
    body: Option<String>,
}

impl Kept {
    /// Where Bitbucket said that the new thing is.
    pub fn location(&self) -> Option<&str> {
        self.header("location")
    }

    /// The body as what it is.
    pub fn shown(&self) -> Shown {
        Shown::of(self.header("content-type"), self.body.as_deref().unwrap_or_default())
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What a sealed answer is bound to.
fn sealed_for(member_id: &MemberId, key: &str) -> String {
    format!("kept_answers:{member_id}:{key}")
}

/// Keeps the answer to a request whose key is reserved, with the Bitbucket workspace that it says something of.
///
/// # Errors
/// When the database refuses.
pub(super) fn keep(
    connection: &mut AnyConnection,
    viewer: &Viewer,
    request: &idempotency::Request,
    bitbucket_workspace: Option<Uuid>,
    answer: &Answer,
    keyring: &Keyring,
) -> Result<()> {
    idempotency::settle(connection, viewer, request, answer.status.as_u16(), "")?;
    let body = (answer.body.len() <= LARGEST_BODY_BYTES).then(|| STANDARD.encode(&answer.body));
    let stored = Stored { headers: answer.headers.clone(), body };
    let text = serde_json::to_string(&stored).map_err(Error::internal)?;
    diesel::insert_into(answers::table)
        .values((
            answers::member_id.eq(&viewer.member_id),
            answers::idempotency_key.eq(&request.key),
            answers::bitbucket_workspace_uuid.eq(bitbucket_workspace.map(|uuid| uuid.to_string())),
            answers::answer.eq(keyring.seal(&text, &sealed_for(&viewer.member_id, &request.key))?),
        ))
        .execute(connection)?;
    Ok(())
}

/// What is kept of the answer that the same request was given with `status`.
///
/// # Errors
/// When the database refuses.
pub(super) fn read(
    connection: &mut AnyConnection,
    viewer: &Viewer,
    request: &idempotency::Request,
    status: u16,
    keyring: &Keyring,
) -> Result<Kept> {
    let row = answers::table.find((&viewer.member_id, &request.key)).select(answers::answer);
    let sealed: Option<String> = row.first(connection).optional()?;
    // A key that the server has no more, or an answer that is deleted, leaves the status: enough to send nothing twice.
    let text = sealed.and_then(|sealed| keyring.open_text(&sealed, &sealed_for(&viewer.member_id, &request.key)).ok());
    let stored: Option<Stored> = text.and_then(|text| serde_json::from_str(text.expose()).ok());
    let Some(stored) = stored else { return Ok(Kept { status, ..Kept::default() }) };
    let body = stored.body.and_then(|body| STANDARD.decode(body).ok());
    Ok(Kept { status, headers: stored.headers, body })
}

/// Forgets what members of a ClarityLoop workspace were answered about a Bitbucket workspace; how many answers that were.
pub(in crate::connections) fn purge(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    bitbucket_workspace: Uuid,
) -> Result<usize> {
    let own = members::table.filter(members::workspace_id.eq(workspace_id)).select(members::id);
    let about = answers::table.filter(answers::bitbucket_workspace_uuid.eq(Some(bitbucket_workspace.to_string())));
    Ok(diesel::delete(about.filter(answers::member_id.eq_any(own))).execute(connection)?)
}

/// How many such answers there are.
pub(in crate::connections) fn count(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    bitbucket_workspace: Uuid,
) -> Result<i64> {
    let own = members::table.filter(members::workspace_id.eq(workspace_id)).select(members::id);
    let about = answers::table.filter(answers::bitbucket_workspace_uuid.eq(Some(bitbucket_workspace.to_string())));
    Ok(about.filter(answers::member_id.eq_any(own)).count().get_result(connection)?)
}
