//! Which Atlassian account a member is, and how the two are bound: by a code typed into the person's own panel or by signing in
//! with Bitbucket, never silently.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::members::{self, Member};
use super::{Viewer, audit};
use crate::config::Now;
use crate::error::{Error, Result};
use crate::storage::AnyConnection;
use crate::storage::ids::{MemberId, WorkspaceId};
use crate::storage::schema::{binding_codes, identities, members as member_rows};
use crate::storage::seal::hash_hex;
use crate::storage::statement::OnConflict as _;
use crate::word_column;

/// How long a binding code is valid.
pub const CODE_SECONDS: i64 = 600;
/// Letters and digits that are not taken for one another: 32, so that a code of eight has 40 bits.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

word_column! {
    /// On whose word an identity was bound.
    BoundBy {
        /// The person's, with a code.
        Code => "code",
        /// The person's, by signing in with Bitbucket.
        SignIn => "sign_in",
        /// The operator's, at the command line.
        Operator => "operator",
        /// An owner's, by hand.
        Owner => "owner",
        /// An owner's, about the account that asked to join.
        Joined => "joined",
    }
}

/// An Atlassian account id, as Bitbucket signs it into the panel's address: the key of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountId(String);

impl AccountId {
    /// Reads an account id: 1 to 128 printable ASCII characters.
    ///
    /// # Errors
    /// `account_id_invalid` (400).
    pub fn parse(text: &str) -> Result<Self> {
        if (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::invalid("account_id_invalid", "account_id", "This is not an Atlassian account id."))
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A member's Bitbucket account.
#[derive(Clone, Debug, Queryable, PartialEq, Eq)]
pub struct Identity {
    /// The member.
    pub member_id: MemberId,
    /// The Atlassian account id.
    pub account_id: String,
    /// The Bitbucket UUID, without braces, when known.
    pub bitbucket_uuid: Option<String>,
    /// On whose word.
    pub bound_by: BoundBy,
    /// When, UTC.
    pub bound_at: NaiveDateTime,
    /// When the person confirmed it. Until then it says whose work it is and opens no door.
    pub confirmed_at: Option<NaiveDateTime>,
}

const COLUMNS: (
    identities::member_id,
    identities::account_id,
    identities::bitbucket_uuid,
    identities::bound_by,
    identities::bound_at,
    identities::confirmed_at,
) = (
    identities::member_id,
    identities::account_id,
    identities::bitbucket_uuid,
    identities::bound_by,
    identities::bound_at,
    identities::confirmed_at,
);

/// The identity of a member of the viewer's workspace.
///
/// # Errors
/// When the database refuses.
pub fn of(connection: &mut AnyConnection, viewer: &Viewer, member_id: &MemberId) -> Result<Option<Identity>> {
    let row = identities::table.find(member_id).filter(identities::workspace_id.eq(&viewer.workspace_id));
    Ok(row.select(COLUMNS).first(connection).optional()?)
}

/// The member of a workspace who has confirmed that this account is theirs.
///
/// # Errors
/// When the database refuses.
pub fn member_with(connection: &mut AnyConnection, workspace_id: &WorkspaceId, account_id: &AccountId) -> Result<Option<Viewer>> {
    let confirmed = identities::table
        .inner_join(member_rows::table)
        .filter(identities::workspace_id.eq(workspace_id))
        .filter(identities::account_id.eq(account_id.as_str()))
        .filter(identities::confirmed_at.is_not_null())
        .filter(member_rows::removed_at.is_null());
    let member: Option<Member> = confirmed.select(members::COLUMNS).first(connection).optional()?;
    Ok(member.map(|member| member.viewer()))
}

/// The identities of these members of the viewer's workspace.
///
/// # Errors
/// When the database refuses.
pub fn of_all(connection: &mut AnyConnection, viewer: &Viewer, members: &[MemberId]) -> Result<Vec<Identity>> {
    let rows =
        identities::table.filter(identities::workspace_id.eq(&viewer.workspace_id)).filter(identities::member_id.eq_any(members));
    Ok(rows.select(COLUMNS).load(connection)?)
}

/// Binds on the operator's word: bound and confirmed.
///
/// # Errors
/// `identity_taken` or `account_taken` (409).
pub fn bind_by_operator(
    connection: &mut AnyConnection,
    member: &Member,
    account_id: &AccountId,
    bitbucket_uuid: Option<uuid::Uuid>,
    now: &Now,
) -> Result<()> {
    bind(connection, &member.workspace_id, &member.id, account_id, bitbucket_uuid, BoundBy::Operator, now)?;
    audit::record(
        connection,
        &member.workspace_id,
        audit::OPERATOR,
        "identity_bound",
        member.id.as_str(),
        account_id.as_str(),
        now,
    )
}

/// Binds a new member to the account that asked to join: confirmed, since Bitbucket has signed who asked.
///
/// # Errors
/// `account_taken` (409).
pub(super) fn bind_joined(connection: &mut AnyConnection, member: &Member, account_id: &AccountId, now: &Now) -> Result<()> {
    bind(connection, &member.workspace_id, &member.id, account_id, None, BoundBy::Joined, now)
}

/// Aligns a member with an account on an owner's word: it says whose work it is, and opens nothing before the member confirms it
/// with a code.
///
/// # Errors
/// `owner_needed` (403), `not_found` (404), `identity_taken` or `account_taken` (409).
pub fn align(
    connection: &mut AnyConnection,
    viewer: &Viewer,
    member_id: &MemberId,
    account_id: &AccountId,
    bitbucket_uuid: Option<uuid::Uuid>,
    now: &Now,
) -> Result<Identity> {
    viewer.must_own()?;
    let member = members::find(connection, viewer, member_id)?;
    bind(connection, &viewer.workspace_id, &member.id, account_id, bitbucket_uuid, BoundBy::Owner, now)?;
    audit::record(
        connection,
        &viewer.workspace_id,
        viewer.member_id.as_str(),
        "identity_aligned",
        member_id.as_str(),
        account_id.as_str(),
        now,
    )?;
    of(connection, viewer, member_id)?.ok_or_else(|| Error::not_found("identity"))
}

/// Unbinds a member: their own identity, or anybody's for an owner.
///
/// # Errors
/// `owner_needed` (403); `not_found` (404).
pub fn unbind(connection: &mut AnyConnection, viewer: &Viewer, member_id: &MemberId, now: &Now) -> Result<()> {
    if *member_id != viewer.member_id {
        viewer.must_own()?;
    }
    let row = identities::table.find(member_id).filter(identities::workspace_id.eq(&viewer.workspace_id));
    if diesel::delete(row).execute(connection)? == 0 {
        return Err(Error::not_found("identity"));
    }
    audit::record(connection, &viewer.workspace_id, viewer.member_id.as_str(), "identity_unbound", member_id.as_str(), "", now)
}

/// Makes a code that binds the viewer's Bitbucket account when typed into the panel: single use, ten minutes. An earlier one no
/// longer works.
///
/// # Errors
/// `identity_confirmed` (409) when the viewer is bound already.
pub fn new_code(connection: &mut AnyConnection, viewer: &Viewer, now: &Now) -> Result<String> {
    if of(connection, viewer, &viewer.member_id)?.is_some_and(|identity| identity.confirmed_at.is_some()) {
        return Err(Error::conflict(
            "identity_confirmed",
            "Your Bitbucket account is linked already. Unlink it first to link another.",
        ));
    }
    diesel::delete(binding_codes::table.filter(binding_codes::member_id.eq(&viewer.member_id))).execute(connection)?;
    diesel::delete(binding_codes::table.filter(binding_codes::expires_at.le(now.at))).execute(connection)?;
    let code: String = now.random.bytes::<8>().iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
    diesel::insert_into(binding_codes::table)
        .values((
            binding_codes::code_hash.eq(hash_hex(code.as_bytes())),
            binding_codes::member_id.eq(&viewer.member_id),
            binding_codes::workspace_id.eq(&viewer.workspace_id),
            binding_codes::expires_at.eq(now.plus_seconds(CODE_SECONDS)),
        ))
        .execute(connection)?;
    Ok(format!("{}-{}", &code[..4], &code[4..]))
}

/// Binds the signed account to the member whose code was typed.
///
/// # Errors
/// `code_wrong` (400) when it is unknown, used or too old; `identity_taken` or `account_taken` (409).
pub fn redeem(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    account_id: &AccountId,
    typed: &str,
    now: &Now,
) -> Result<Member> {
    let code: String = typed.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_uppercase()).take(16).collect();
    let row = binding_codes::table
        .find(hash_hex(code.as_bytes()))
        .filter(binding_codes::workspace_id.eq(workspace_id))
        .filter(binding_codes::expires_at.gt(now.at));
    // Deleting is also what makes it single use when it is typed twice at once.
    let member_id: Option<MemberId> =
        diesel::delete(row).returning(binding_codes::member_id).get_result(connection).optional()?;
    let wrong = || {
        Error::invalid("code_wrong", "code", "This code is wrong, used or older than 10 minutes. Get a new one on your profile.")
    };
    let member_id = member_id.ok_or_else(wrong)?;
    bind(connection, workspace_id, &member_id, account_id, None, BoundBy::Code, now)?;
    audit::record(connection, workspace_id, member_id.as_str(), "identity_bound", member_id.as_str(), account_id.as_str(), now)?;
    let member = member_rows::table.find(&member_id).filter(member_rows::removed_at.is_null());
    member.select(members::COLUMNS).first(connection).optional()?.ok_or_else(wrong)
}

/// Binds on the word of Bitbucket, where the person has just signed in, or confirms what is bound already.
///
/// # Errors
/// `identity_taken` or `account_taken` (409).
pub(super) fn bind_by_sign_in(
    connection: &mut AnyConnection,
    member: &Member,
    account_id: &AccountId,
    bitbucket_uuid: Option<uuid::Uuid>,
    now: &Now,
) -> Result<()> {
    let known = of(connection, &member.viewer(), &member.id)?;
    if known.is_some_and(|known| known.account_id == account_id.as_str() && known.confirmed_at.is_some()) {
        return Ok(());
    }
    bind(connection, &member.workspace_id, &member.id, account_id, bitbucket_uuid, BoundBy::SignIn, now)?;
    let (actor, account) = (member.id.as_str(), account_id.as_str());
    audit::record(connection, &member.workspace_id, actor, "identity_bound", actor, account, now)
}

/// Binds or confirms the account that has just given the viewer's own grant, as signing in with Bitbucket does: they hold both.
///
/// # Errors
/// `identity_taken` when they are linked to another account, `account_taken` when the account is another member's (409).
pub fn confirm_by_grant(
    connection: &mut AnyConnection,
    viewer: &Viewer,
    account_id: &AccountId,
    bitbucket_uuid: Option<uuid::Uuid>,
    now: &Now,
) -> Result<()> {
    let member = members::find(connection, viewer, &viewer.member_id)?;
    let own = of(connection, viewer, &viewer.member_id)?;
    if own.is_some_and(|own| own.account_id != account_id.as_str()) {
        let detail = "This consent is by another Bitbucket account than the one that you are linked to. Sign in to Bitbucket with that one \
                      and give it again, or unlink it on your profile first.";
        return Err(Error::conflict("identity_taken", detail));
    }
    bind_by_sign_in(connection, &member, account_id, bitbucket_uuid, now)
}

/// One account per member and the reverse. Binding the same two again confirms them when `bound_by` is the person or the
/// operator; anything else that is bound stays.
fn bind(
    connection: &mut AnyConnection,
    workspace_id: &WorkspaceId,
    member_id: &MemberId,
    account_id: &AccountId,
    bitbucket_uuid: Option<uuid::Uuid>,
    bound_by: BoundBy,
    now: &Now,
) -> Result<()> {
    let confirmed_at = (bound_by != BoundBy::Owner).then_some(now.at);
    let bitbucket_uuid = bitbucket_uuid.map(|uuid| uuid.to_string());
    let inserted = diesel::insert_into(identities::table)
        .values((
            identities::member_id.eq(member_id),
            identities::workspace_id.eq(workspace_id),
            identities::account_id.eq(account_id.as_str()),
            identities::bitbucket_uuid.eq(&bitbucket_uuid),
            identities::bound_by.eq(bound_by),
            identities::bound_at.eq(now.at),
            identities::confirmed_at.eq(confirmed_at),
        ))
        .on_conflict_sql("ON CONFLICT DO NOTHING")
        .execute(connection)?;
    if inserted > 0 {
        return Ok(());
    }
    let own: Option<Identity> = identities::table.find(member_id).select(COLUMNS).first(connection).optional()?;
    match own {
        Some(own) if own.account_id == account_id.as_str() => {
            let confirmed_at = own.confirmed_at.or(confirmed_at);
            let bitbucket_uuid = bitbucket_uuid.or(own.bitbucket_uuid);
            diesel::update(identities::table.find(member_id))
                .set((identities::confirmed_at.eq(confirmed_at), identities::bitbucket_uuid.eq(bitbucket_uuid)))
                .execute(connection)?;
            Ok(())
        }
        Some(_) => Err(Error::conflict(
            "identity_taken",
            "This member is linked to another Bitbucket account. Unlink that one first, on the profile or by an owner.",
        )),
        None => Err(Error::conflict(
            "account_taken",
            "This Bitbucket account is linked to another member. They or an owner must unlink it first.",
        )),
    }
}
