//! Signing in: one-time links and the sessions they open. Both are stored as hashes only.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::members::{self, Member};
use super::new_secret;
use crate::config::{Now, Secret};
use crate::error::{Error, Result};
use crate::storage::AnyConnection;
use crate::storage::ids::MemberId;
use crate::storage::schema::{members as member_rows, sessions, sign_in_links, workspaces};
use crate::storage::seal::hash_hex;

const LINK_SECONDS: i64 = 24 * 3600;
/// How long a session lasts.
pub const SESSION_SECONDS: i64 = 30 * 24 * 3600;

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
            "This link is too old or was never valid. Ask an owner for a new one.",
        )
    };
    let (member_id, expires_at, used_at) = row.ok_or_else(unknown)?;
    if used_at.is_some() {
        return Err(Error::conflict("link_used", "This link has been used already. Ask an owner for a new one."));
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

/// Uses a link up and opens a session; the answer is the session's secret, for the cookie.
///
/// # Errors
/// As [`read_link`].
pub fn sign_in(connection: &mut AnyConnection, link: &str, now: &Now) -> Result<Secret> {
    let (member, _) = read_link(connection, link, now)?;
    // Two tries at once: only the one that changes the row signs in.
    let unused = sign_in_links::table.find(hash_hex(link.as_bytes())).filter(sign_in_links::used_at.is_null());
    if diesel::update(unused).set(sign_in_links::used_at.eq(Some(now.at))).execute(connection)? == 0 {
        return Err(Error::conflict("link_used", "This link has been used already. Ask an owner for a new one."));
    }
    diesel::delete(sign_in_links::table.filter(sign_in_links::expires_at.lt(now.plus_seconds(-30 * 24 * 3600))))
        .execute(connection)?;
    diesel::delete(sessions::table.filter(sessions::expires_at.lt(now.at))).execute(connection)?;
    let secret = new_secret(now);
    diesel::insert_into(sessions::table)
        .values((
            sessions::token_hash.eq(hash_hex(secret.expose().as_bytes())),
            sessions::member_id.eq(&member.id),
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

/// Ends a session.
///
/// # Errors
/// When the database refuses.
pub fn sign_out(connection: &mut AnyConnection, secret: &str) -> Result<()> {
    diesel::delete(sessions::table.find(hash_hex(secret.as_bytes()))).execute(connection)?;
    Ok(())
}
