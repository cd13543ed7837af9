//! API tokens of members: what programs sign in with. Stored as hashes only.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::members::{self, Member, Role};
use super::text::Name;
use super::{Viewer, new_secret};
use crate::config::{Now, Secret};
use crate::error::{Error, Result};
use crate::storage::AnyConnection;
use crate::storage::ids::TokenId;
use crate::storage::schema::{api_tokens, members as member_rows};
use crate::storage::seal::hash_hex;
use crate::word_column;

word_column! {
    /// What a token may be used for.
    Scope {
        /// Read what its member may read.
        Read => "read",
        /// Write what its member may write.
        Write => "write",
        /// What only owners may.
        Owner => "owner",
        /// Call the Bitbucket API.
        Bitbucket => "bitbucket",
        /// Serve an agent over MCP.
        Mcp => "mcp",
    }
}

/// Every scope.
pub const ALL_SCOPES: [Scope; 5] = [Scope::Read, Scope::Write, Scope::Owner, Scope::Bitbucket, Scope::Mcp];

/// How many tokens a member may have, so that the list of them stays short.
const TOKENS_AT_MOST: i64 = 100;
/// How old the note of a token's last use may become before it is written anew.
const USE_NOTED_EVERY_SECONDS: i64 = 3600;

/// A token, as its owner sees it; its secret is not kept.
#[derive(Clone, Debug)]
pub struct ApiToken {
    /// Its id.
    pub id: TokenId,
    /// What its owner calls it.
    pub name: String,
    /// What it may be used for, as far as the owner's role allows it.
    pub scopes: Vec<Scope>,
    /// When it was made, UTC.
    pub created_at: NaiveDateTime,
    /// When it ends, UTC; never when there is none.
    pub expires_at: Option<NaiveDateTime>,
    /// When it was last used, to the hour, UTC.
    pub last_used_at: Option<NaiveDateTime>,
}

/// Who holds a token, and what it may be used for now.
#[derive(Clone, Debug)]
pub struct Holder {
    /// The member.
    pub member: Member,
    /// The scopes that count: those of the token that the member's role still allows.
    pub scopes: Vec<Scope>,
    /// The token.
    pub token: TokenId,
    /// Whether its last use is to be noted, see [`note_use`].
    pub is_use_to_be_noted: bool,
}

/// The scopes that a member with this role can give a token.
pub fn scopes_of(role: Role) -> Vec<Scope> {
    ALL_SCOPES.into_iter().filter(|scope| is_allowed(*scope, role)).collect()
}

fn is_allowed(scope: Scope, role: Role) -> bool {
    scope != Scope::Owner || role == Role::Owner
}

/// Reads scopes separated by commas or spaces.
///
/// # Errors
/// `scope_unknown` (400).
pub fn parse_scopes(text: &str) -> Result<Vec<Scope>> {
    let words = text.split([',', ' ']).filter(|word| !word.is_empty());
    let unknown = || Error::invalid("scope_unknown", "scope", "A scope is read, write, owner, bitbucket or mcp.");
    let scopes: Result<Vec<Scope>> = words.map(|word| Scope::parse(word).ok_or_else(unknown)).collect();
    scopes.and_then(|scopes| if scopes.is_empty() { Err(unknown()) } else { Ok(scopes) })
}

/// Makes a token without an end; the answer is its secret, shown once and not stored.
///
/// # Errors
/// As [`create_for_days`].
pub fn create(connection: &mut AnyConnection, member: &Member, name: &Name, scopes: &[Scope], now: &Now) -> Result<Secret> {
    create_for_days(connection, member, name, scopes, None, now)
}

/// Makes a token that ends after so many days, or never; the answer is its secret, shown once and not stored.
///
/// # Errors
/// `scope_needs_owner` (403) when the member's role does not allow a scope; `tokens_too_many` (409).
pub fn create_for_days(
    connection: &mut AnyConnection,
    member: &Member,
    name: &Name,
    scopes: &[Scope],
    days: Option<u32>,
    now: &Now,
) -> Result<Secret> {
    if !scopes.iter().all(|scope| is_allowed(*scope, member.role)) {
        return Err(Error::forbidden("scope_needs_owner", "Only an owner can hold a token with the scope owner."));
    }
    let known: i64 = api_tokens::table.filter(api_tokens::member_id.eq(&member.id)).count().get_result(connection)?;
    if known >= TOKENS_AT_MOST {
        let detail = format!("You have {TOKENS_AT_MOST} API tokens. Revoke one that is no longer used.");
        return Err(Error::conflict("tokens_too_many", detail));
    }
    // The prefix lets scanners of leaked secrets recognise one of ours.
    let secret = Secret::new(format!("clb_{}", new_secret(now).expose()));
    let words: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
    diesel::insert_into(api_tokens::table)
        .values((
            api_tokens::id.eq(TokenId::new(now)),
            api_tokens::token_hash.eq(hash_hex(secret.expose().as_bytes())),
            api_tokens::member_id.eq(&member.id),
            api_tokens::name.eq(name.as_str()),
            api_tokens::scopes.eq(words.join(" ")),
            api_tokens::created_at.eq(now.at),
            api_tokens::expires_at.eq(days.map(|days| now.plus_seconds(i64::from(days) * 24 * 3600))),
        ))
        .execute(connection)?;
    Ok(secret)
}

type Row = (TokenId, String, String, NaiveDateTime, Option<NaiveDateTime>, Option<NaiveDateTime>);

macro_rules! own_tokens {
    ($viewer:expr) => {
        api_tokens::table.filter(api_tokens::member_id.eq(&$viewer.member_id)).select((
            api_tokens::id,
            api_tokens::name,
            api_tokens::scopes,
            api_tokens::created_at,
            api_tokens::expires_at,
            api_tokens::last_used_at,
        ))
    };
}

/// The viewer's tokens, the newest first, ended ones too.
///
/// # Errors
/// When the database refuses.
pub fn list(connection: &mut AnyConnection, viewer: &Viewer) -> Result<Vec<ApiToken>> {
    let rows: Vec<Row> = own_tokens!(viewer).order(api_tokens::id.desc()).limit(TOKENS_AT_MOST).load(connection)?;
    Ok(rows.into_iter().map(|row| read(row, viewer)).collect())
}

/// One of the viewer's tokens.
///
/// # Errors
/// `not_found` (404), also for somebody else's.
pub fn find(connection: &mut AnyConnection, viewer: &Viewer, id: &TokenId) -> Result<ApiToken> {
    let row: Option<Row> = own_tokens!(viewer).filter(api_tokens::id.eq(id)).first(connection).optional()?;
    row.map(|row| read(row, viewer)).ok_or_else(|| Error::not_found("API token"))
}

fn read((id, name, scopes, created_at, expires_at, last_used_at): Row, viewer: &Viewer) -> ApiToken {
    ApiToken { id, name, scopes: counting(&scopes, viewer.role), created_at, expires_at, last_used_at }
}

fn counting(scopes: &str, role: Role) -> Vec<Scope> {
    scopes.split(' ').filter_map(Scope::parse).filter(|scope| is_allowed(*scope, role)).collect()
}

/// Revokes one of the viewer's tokens: it works no longer, on any server.
///
/// # Errors
/// `not_found` (404), also for somebody else's.
pub fn revoke(connection: &mut AnyConnection, viewer: &Viewer, id: &TokenId) -> Result<()> {
    let own = api_tokens::table.find(id).filter(api_tokens::member_id.eq(&viewer.member_id));
    match diesel::delete(own).execute(connection)? {
        0 => Err(Error::not_found("API token")),
        _ => Ok(()),
    }
}

/// The member who holds this token, and the scopes that count.
///
/// # Errors
/// `api_token_unknown` (401).
pub fn holder(connection: &mut AnyConnection, secret: &str, now: &Now) -> Result<Holder> {
    type Found = (Member, TokenId, String, Option<NaiveDateTime>, Option<NaiveDateTime>);
    let found: Option<Found> = api_tokens::table
        .inner_join(member_rows::table)
        .filter(api_tokens::token_hash.eq(hash_hex(secret.as_bytes())))
        .filter(member_rows::removed_at.is_null())
        .select((members::COLUMNS, api_tokens::id, api_tokens::scopes, api_tokens::expires_at, api_tokens::last_used_at))
        .first(connection)
        .optional()?;
    let valid = found.filter(|(_, _, _, expires_at, _)| expires_at.is_none_or(|expires_at| expires_at > now.at));
    let (member, token, scopes, _, last_used_at) = valid.ok_or_else(|| {
        Error::unauthorised("api_token_unknown", "This API token is unknown, revoked or expired. Make a new one.")
    })?;
    let is_use_to_be_noted = last_used_at.is_none_or(|noted_at| noted_at <= now.plus_seconds(-USE_NOTED_EVERY_SECONDS));
    Ok(Holder { scopes: counting(&scopes, member.role), member, token, is_use_to_be_noted })
}

/// Notes that a token was used; of several at once the first writes. For after the answer, and only when [`Holder`] asks for it.
///
/// # Errors
/// When the database refuses.
pub fn note_use(connection: &mut AnyConnection, id: &TokenId, now: &Now) -> Result<()> {
    let is_old = api_tokens::last_used_at.is_null().or(api_tokens::last_used_at.le(now.plus_seconds(-USE_NOTED_EVERY_SECONDS)));
    diesel::update(api_tokens::table.find(id).filter(is_old))
        .set(api_tokens::last_used_at.eq(Some(now.at)))
        .execute(connection)?;
    Ok(())
}
