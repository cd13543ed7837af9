//! What a request with an Idempotency-Key was answered, so that a repetition creates nothing twice. Used by the REST door.

use diesel::prelude::*;

use super::Viewer;
use crate::config::Now;
use crate::error::{Error, Result};
use crate::storage::AnyConnection;
use crate::storage::schema::idempotency_keys as keys;
use crate::storage::statement::OnConflict as _;

const KEPT_SECONDS: i64 = 24 * 3600;
/// The status of a request whose answer is not known yet.
const PENDING: i32 = 0;

/// A key as sent, with a hash of what was sent under it.
#[derive(Clone, Debug)]
pub struct Request {
    /// 1 to 255 printable characters, chosen by the caller.
    pub key: String,
    /// The hash of method, path and body.
    pub hash: String,
}

impl Request {
    /// Reads the header's value.
    ///
    /// # Errors
    /// `idempotency_key_invalid` (400).
    pub fn parse(key: &str, hash: String) -> Result<Self> {
        if (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self { key: key.to_owned(), hash })
        } else {
            Err(Error::invalid(
                "idempotency_key_invalid",
                "Idempotency-Key",
                "An idempotency key is 1 to 255 printable ASCII characters.",
            ))
        }
    }
}

/// The status and body that the same request was answered before.
///
/// # Errors
/// `idempotency_key_reused` (409) when the key was sent with another request; `answer_unknown` (409) when the same request was
/// sent on to elsewhere and nobody knows its answer, or not yet.
pub fn answered(connection: &mut AnyConnection, viewer: &Viewer, request: &Request, now: &Now) -> Result<Option<(u16, String)>> {
    let kept = keys::table.find((&viewer.member_id, &request.key)).filter(keys::created_at.gt(now.plus_seconds(-KEPT_SECONDS)));
    let row: Option<(String, i32, String)> =
        kept.select((keys::request_hash, keys::status, keys::body)).first(connection).optional()?;
    match row {
        None => Ok(None),
        Some((hash, PENDING, _)) if hash == request.hash => Err(Error::conflict(
            "answer_unknown",
            "The same request was sent before, and its answer is not known: it is under way, or was lost. Look at Bitbucket what has become \
             of it, and choose a new key to send it again.",
        )),
        Some((hash, status, body)) if hash == request.hash => Ok(Some((u16::try_from(status).unwrap_or(200), body))),
        Some(_) => {
            Err(Error::conflict("idempotency_key_reused", "This idempotency key was used for another request. Choose a new one."))
        }
    }
}

/// Keeps the answer for a day, in the transaction that made it true.
///
/// # Errors
/// `idempotency_key_in_use` (409) when the same request is being answered elsewhere at this moment.
pub fn keep(
    connection: &mut AnyConnection,
    viewer: &Viewer,
    request: &Request,
    status: u16,
    body: &str,
    now: &Now,
) -> Result<()> {
    forget(connection, now)?;
    let inserted = diesel::insert_into(keys::table)
        .values((
            keys::member_id.eq(&viewer.member_id),
            keys::idempotency_key.eq(&request.key),
            keys::request_hash.eq(&request.hash),
            keys::status.eq(i32::from(status)),
            keys::body.eq(body),
            keys::created_at.eq(now.at),
        ))
        .on_conflict_sql("ON CONFLICT DO NOTHING")
        .execute(connection)?;
    if inserted == 0 {
        return Err(Error::conflict(
            "idempotency_key_in_use",
            "The same request is being answered at this moment. Send it again.",
        ));
    }
    Ok(())
}

/// Forgets what is older than a day, with whatever is kept beside it; how many requests that were. The server calls it every minute.
///
/// # Errors
/// When the database refuses.
pub fn forget(connection: &mut AnyConnection, now: &Now) -> Result<usize> {
    Ok(diesel::delete(keys::table.filter(keys::created_at.le(now.plus_seconds(-KEPT_SECONDS)))).execute(connection)?)
}

/// Keeps the key of a request that is sent on to elsewhere, in the transaction before: until [`settle`] or [`release`] says what came
/// of it, a repetition is refused rather than sent twice.
///
/// # Errors
/// `idempotency_key_in_use` (409) when the same request is being answered elsewhere at this moment.
pub fn reserve(connection: &mut AnyConnection, viewer: &Viewer, request: &Request, now: &Now) -> Result<()> {
    keep(connection, viewer, request, 0, "", now)
}

/// Keeps the answer to a request that [`reserve`] has kept the key of.
///
/// # Errors
/// When the database refuses.
pub fn settle(connection: &mut AnyConnection, viewer: &Viewer, request: &Request, status: u16, body: &str) -> Result<()> {
    let row = keys::table.find((&viewer.member_id, &request.key)).filter(keys::request_hash.eq(&request.hash));
    diesel::update(row).set((keys::status.eq(i32::from(status)), keys::body.eq(body))).execute(connection)?;
    Ok(())
}

/// Gives the key of a request free that was refused elsewhere: nothing has happened, and it may be sent again.
///
/// # Errors
/// When the database refuses.
pub fn release(connection: &mut AnyConnection, viewer: &Viewer, request: &Request) -> Result<()> {
    let row = keys::table.find((&viewer.member_id, &request.key)).filter(keys::status.eq(PENDING));
    diesel::delete(row).execute(connection)?;
    Ok(())
}
