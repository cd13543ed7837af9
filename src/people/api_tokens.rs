//! API tokens of members: what programs sign in with. Stored as hashes only.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::members::{self, Member, Role};
use super::new_secret;
use super::text::Name;
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

/// Makes a token; the answer is its secret, shown once and not stored.
///
/// # Errors
/// `scope_needs_owner` (403) when the member's role does not allow a scope.
pub fn create(connection: &mut AnyConnection, member: &Member, name: &Name, scopes: &[Scope], now: &Now) -> Result<Secret> {
    if scopes.contains(&Scope::Owner) && member.role != Role::Owner {
        return Err(Error::forbidden("scope_needs_owner", "Only an owner can hold a token with the scope owner."));
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
        ))
        .execute(connection)?;
    Ok(secret)
}

/// The member who holds this token, and the scopes that count: those of the token that the member's role still allows.
///
/// # Errors
/// `api_token_unknown` (401).
pub fn holder(connection: &mut AnyConnection, secret: &str, now: &Now) -> Result<(Member, Vec<Scope>)> {
    let found: Option<(Member, String, Option<NaiveDateTime>)> = api_tokens::table
        .inner_join(member_rows::table)
        .filter(api_tokens::token_hash.eq(hash_hex(secret.as_bytes())))
        .filter(member_rows::removed_at.is_null())
        .select((members::COLUMNS, api_tokens::scopes, api_tokens::expires_at))
        .first(connection)
        .optional()?;
    let valid = found.filter(|(_, _, expires_at)| expires_at.is_none_or(|expires_at| expires_at > now.at));
    let (member, scopes, _) = valid.ok_or_else(|| {
        Error::unauthorised("api_token_unknown", "This API token is unknown, revoked or expired. Make a new one.")
    })?;
    let mut scopes: Vec<Scope> = scopes.split(' ').filter_map(Scope::parse).collect();
    scopes.retain(|scope| *scope != Scope::Owner || member.role == Role::Owner);
    Ok((member, scopes))
}
