//! Signing in: one-time links, and the sessions that every way in opens. Both are stored as hashes only. Doors use it.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::members::{self, Member};
use super::{Viewer, new_secret};
use crate::config::{Now, Secret};
use crate::error::{Error, Result};
use crate::storage::AnyConnection;
use crate::storage::ids::{MemberId, SessionId};
use crate::storage::schema::{members as member_rows, sessions, sign_in_links, workspaces};
use crate::storage::seal::hash_hex;

const LINK_SECONDS: i64 = 24 * 3600;
/// How long a session lasts.
pub const SESSION_SECONDS: i64 = 30 * 24 * 3600;
/// A member who signs in once more than this loses the oldest session, so that the list of them stays short.
const SESSIONS_AT_MOST: i64 = 50;

/// The browser that somebody signs in with.
#[derive(Clone, Debug)]
pub struct Browser {
    /// What its owner knows it by: "Firefox on Linux".
    pub label: String,
    /// The secret of the session it had until now, whoever's it was.
    pub former: Option<Secret>,
}

/// A session, as its owner sees it.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// The browser it was opened in.
    pub browser: String,
    /// When it was opened, UTC.
    pub created_at: NaiveDateTime,
    /// Whether it is the one that asks.
    pub is_this: bool,
}

/// Makes a one-time link for a member, valid 24 hours; the answer is its secret, which is not stored.
///
/// # Errors
/// When the database refuses.
pub fn new_link(connection: &mut AnyConnection, member_id: &MemberId, now: &Now) -> Result<Secret> {
    let secret = new_secret(now);
    diesel::insert_into(sign_in_links::table)
        .values((
            sign_in_links::token_hash.eq(hash_hex(secret.expose().as_bytes())),
            sign_in_links::member_id.eq(member_id),
            sign_in_links::expires_at.eq(now.plus_seconds(LINK_SECONDS)),
        ))
        .execute(connection)?;
    Ok(secret)
}

/// Whom a link signs in, for the page that asks before it does; the link is not used up.
///
/// # Errors
/// `link_used` (409) or `link_unknown` (404), the latter also when it is too old.
pub fn read_link(connection: &mut AnyConnection, secret: &str, now: &Now) -> Result<(Member, String)> {
    let row: Option<(MemberId, NaiveDateTime, Option<NaiveDateTime>)> = sign_in_links::table
        .find(hash_hex(secret.as_bytes()))
        .select((sign_in_links::member_id, sign_in_links::expires_at, sign_in_links::used_at))
        .first(connection)
        .optional()?;
    let unknown = || {
        Error::new(
            crate::error::Kind::NotFound,
            "link_unknown",
            "This link is too old or was never valid. Ask an owner of your workspace for a new one.",
        )
    };
    let (member_id, expires_at, used_at) = row.ok_or_else(unknown)?;
    if used_at.is_some() {
        return Err(Error::conflict(
            "link_used",
            "This link has been used already. Ask an owner of your workspace for a new one.",
        ));
    }
    if expires_at <= now.at {
        return Err(unknown());
    }
    let found = member_rows::table
        .inner_join(workspaces::table)
        .filter(member_rows::id.eq(member_id))
        .filter(member_rows::removed_at.is_null())
        .select((members::COLUMNS, workspaces::name))
        .first(connection)
        .optional()?;
    found.ok_or_else(unknown)
}

/// Uses a link up and opens a session in `browser`; the answer is the session's secret, for the cookie.
///
/// # Errors
/// As [`read_link`].
pub fn sign_in(connection: &mut AnyConnection, link: &str, browser: &Browser, now: &Now) -> Result<Secret> {
    let (member, _) = read_link(connection, link, now)?;
    // Two tries at once: only the one that changes the row signs in.
    let unused = sign_in_links::table.find(hash_hex(link.as_bytes())).filter(sign_in_links::used_at.is_null());
    if diesel::update(unused).set(sign_in_links::used_at.eq(Some(now.at))).execute(connection)? == 0 {
        return Err(Error::conflict(
            "link_used",
            "This link has been used already. Ask an owner of your workspace for a new one.",
        ));
    }
    diesel::delete(sign_in_links::table.filter(sign_in_links::expires_at.lt(now.plus_seconds(-30 * 24 * 3600))))
        .execute(connection)?;
    open(connection, &member.id, browser, now)
}

/// Opens a session for a member who has proven who they are. The secret is new, and what the browser was signed in as before ends:
/// nobody can be made to go on with a session that somebody else knows.
///
/// # Errors
/// When the database refuses.
pub(super) fn open(connection: &mut AnyConnection, member_id: &MemberId, browser: &Browser, now: &Now) -> Result<Secret> {
    if let Some(former) = &browser.former {
        sign_out(connection, former.expose())?;
    }
    diesel::delete(sessions::table.filter(sessions::expires_at.le(now.at))).execute(connection)?;
    let too_many: Vec<SessionId> = sessions::table
        .filter(sessions::member_id.eq(member_id))
        .order((sessions::created_at.desc(), sessions::id.desc()))
        .limit(SESSIONS_AT_MOST)
        .offset(SESSIONS_AT_MOST - 1)
        .select(sessions::id)
        .load(connection)?;
    diesel::delete(sessions::table.filter(sessions::id.eq_any(too_many))).execute(connection)?;
    let first_time = member_rows::table.find(member_id).filter(member_rows::signed_in_at.is_null());
    diesel::update(first_time).set(member_rows::signed_in_at.eq(Some(now.at))).execute(connection)?;
    let secret = new_secret(now);
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(SessionId::new(now)),
            sessions::token_hash.eq(hash_hex(secret.expose().as_bytes())),
            sessions::member_id.eq(member_id),
            sessions::browser.eq(&browser.label),
            sessions::created_at.eq(now.at),
            sessions::expires_at.eq(now.plus_seconds(SESSION_SECONDS)),
        ))
        .execute(connection)?;
    Ok(secret)
}

/// The member whose session this is.
///
/// # Errors
/// `session_ended` (401).
pub fn member_of(connection: &mut AnyConnection, secret: &str, now: &Now) -> Result<Member> {
    let found = sessions::table
        .inner_join(member_rows::table)
        .filter(sessions::token_hash.eq(hash_hex(secret.as_bytes())))
        .filter(sessions::expires_at.gt(now.at))
        .filter(member_rows::removed_at.is_null())
        .select(members::COLUMNS)
        .first(connection)
        .optional()?;
    found.ok_or_else(|| Error::unauthorised("session_ended", "Sign in to go on."))
}

/// The viewer's sessions, the newest first; `current` is the secret of the one that asks.
///
/// # Errors
/// When the database refuses.
pub fn list(connection: &mut AnyConnection, viewer: &Viewer, current: &Secret, now: &Now) -> Result<Vec<Session>> {
    let rows: Vec<(SessionId, String, NaiveDateTime, String)> = sessions::table
        .filter(sessions::member_id.eq(&viewer.member_id))
        .filter(sessions::expires_at.gt(now.at))
        .order((sessions::created_at.desc(), sessions::id.desc()))
        .limit(SESSIONS_AT_MOST)
        .select((sessions::id, sessions::browser, sessions::created_at, sessions::token_hash))
        .load(connection)?;
    let current = hash_hex(current.expose().as_bytes());
    let session = |(id, browser, created_at, hash)| Session { id, browser, created_at, is_this: hash == current };
    Ok(rows.into_iter().map(session).collect())
}

/// Ends one of the viewer's sessions.
///
/// # Errors
/// `not_found` (404), also for somebody else's.
pub fn end(connection: &mut AnyConnection, viewer: &Viewer, id: &SessionId) -> Result<()> {
    let own = sessions::table.find(id).filter(sessions::member_id.eq(&viewer.member_id));
    match diesel::delete(own).execute(connection)? {
        0 => Err(Error::not_found("session")),
        _ => Ok(()),
    }
}

/// Ends every session of the viewer but the one with the secret `current`; the answer is how many there were.
///
/// # Errors
/// When the database refuses.
pub fn end_others(connection: &mut AnyConnection, viewer: &Viewer, current: &Secret) -> Result<usize> {
    let own = sessions::table.filter(sessions::member_id.eq(&viewer.member_id));
    let others = own.filter(sessions::token_hash.ne(hash_hex(current.expose().as_bytes())));
    Ok(diesel::delete(others).execute(connection)?)
}

/// Ends the session with this secret.
///
/// # Errors
/// When the database refuses.
pub fn sign_out(connection: &mut AnyConnection, secret: &str) -> Result<()> {
    let row = sessions::table.filter(sessions::token_hash.eq(hash_hex(secret.as_bytes())));
    diesel::delete(row).execute(connection)?;
    Ok(())
}
