//! Signing in with Bitbucket: what is kept while a person is there, and which member they are when they come back. The door in `web`
//! talks to Bitbucket between these steps.

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use uuid::Uuid;

use super::identities::{self, AccountId};
use super::members::{self, Member};
use super::new_secret;
use super::sessions::{self as session_rules, Browser};
use super::text::EmailAddress;
use crate::config::{Now, Secret};
use crate::error::{Error, Result};
use crate::storage::AnyConnection;
use crate::storage::ids::MemberId;
use crate::storage::schema::{
    identities as identity_rows, members as member_rows, sessions, sign_in_choices, sign_in_states, workspaces,
};
use crate::storage::seal::hash_hex;
use crate::word_column;

/// How long a person may take at Bitbucket, and then to choose.
pub const SECONDS: i64 = 600;
/// Nobody is a member of more workspaces than a page can list.
const CANDIDATES_AT_MOST: i64 = 50;

/// An account, as Bitbucket has just said whose it is.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its Atlassian account id.
    pub id: AccountId,
    /// Its Bitbucket UUID.
    pub uuid: Option<Uuid>,
}

word_column! {
    /// How somebody comes to be one whom an account may sign in as.
    Way {
        /// By a confirmed identity with this account.
        Known => "known",
        /// By the e-mail address they were invited with, while no identity says otherwise. An owner's alignment with this account agrees.
        Invited => "invited",
        /// By being signed in here already as the member whom an owner has aligned with this account.
        SignedIn => "signed_in",
    }
}

/// A member whom an account may sign in as.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The member.
    pub member: Member,
    /// The name of their workspace.
    pub workspace: String,
    /// Why.
    pub way: Way,
}

/// Begins: the answer is for the browser's cookie, and [`state`] of it goes to Bitbucket and back.
///
/// # Errors
/// When the database refuses.
pub fn begin(connection: &mut AnyConnection, now: &Now) -> Result<Secret> {
    diesel::delete(sign_in_states::table.filter(sign_in_states::expires_at.le(now.at))).execute(connection)?;
    let secret = new_secret(now);
    let row = (
        sign_in_states::state_hash.eq(hash_hex(state(&secret).as_bytes())),
        sign_in_states::expires_at.eq(now.plus_seconds(SECONDS)),
    );
    diesel::insert_into(sign_in_states::table).values(row).execute(connection)?;
    Ok(secret)
}

/// What goes along to Bitbucket: whoever reads it there cannot make the cookie of it.
pub fn state(secret: &Secret) -> String {
    hash_hex(format!("state:{}", secret.expose()).as_bytes())
}

/// Ends the beginning: `sent` must belong to this browser's cookie, be no older than ten minutes, and come back the first time.
///
/// # Errors
/// `sign_in_state_wrong` (400).
pub fn come_back(connection: &mut AnyConnection, browser: Option<&Secret>, sent: &str, now: &Now) -> Result<()> {
    let is_ours = browser.is_some_and(|secret| {
        aws_lc_rs::constant_time::verify_slices_are_equal(state(secret).as_bytes(), sent.as_bytes()).is_ok()
    });
    let row = sign_in_states::table.find(hash_hex(sent.as_bytes())).filter(sign_in_states::expires_at.gt(now.at));
    // Deleting is also what makes it single use when it comes twice at once.
    if is_ours && diesel::delete(row).execute(connection)? > 0 {
        return Ok(());
    }
    let detail = "This sign-in was not begun in this browser, or more than ten minutes ago. Begin again.";
    Err(Error::invalid("sign_in_state_wrong", "state", detail))
}

/// The members who have confirmed that this account is theirs. An owner's alignment opens no session: else whoever owns a workspace
/// could sign in as anybody in it.
///
/// # Errors
/// When the database refuses.
pub fn known(connection: &mut AnyConnection, account: &Account) -> Result<Vec<Candidate>> {
    let rows: Vec<(Member, String)> = identity_rows::table
        .inner_join(member_rows::table.inner_join(workspaces::table))
        .filter(identity_rows::account_id.eq(account.id.as_str()))
        .filter(identity_rows::confirmed_at.is_not_null())
        .filter(member_rows::removed_at.is_null())
        .order((workspaces::name, member_rows::id))
        .limit(CANDIDATES_AT_MOST)
        .select((members::COLUMNS, workspaces::name))
        .load(connection)?;
    Ok(rows.into_iter().map(|(member, workspace)| Candidate { member, workspace, way: Way::Known }).collect())
}

/// The members who were invited with one of these addresses, which Bitbucket has confirmed: those without an identity, or whom an
/// owner has aligned with this very account, in workspaces where the account is nobody else's.
///
/// # Errors
/// When the database refuses.
pub fn invited(connection: &mut AnyConnection, account: &Account, emails: &[EmailAddress]) -> Result<Vec<Candidate>> {
    let folded: Vec<String> = emails.iter().map(EmailAddress::folded).collect();
    let has_another = identity_rows::member_id
        .eq(member_rows::id)
        .and(identity_rows::account_id.ne(account.id.as_str()).or(identity_rows::confirmed_at.is_not_null()));
    let is_anothers = identity_rows::workspace_id
        .eq(member_rows::workspace_id)
        .and(identity_rows::account_id.eq(account.id.as_str()))
        .and(identity_rows::member_id.ne(member_rows::id));
    let rows: Vec<(Member, String)> = member_rows::table
        .inner_join(workspaces::table)
        .filter(member_rows::email_folded.eq_any(folded))
        .filter(member_rows::removed_at.is_null())
        .filter(not(exists(identity_rows::table.filter(has_another.or(is_anothers)))))
        .order((workspaces::name, member_rows::id))
        .limit(CANDIDATES_AT_MOST)
        .select((members::COLUMNS, workspaces::name))
        .load(connection)?;
    Ok(rows.into_iter().map(|(member, workspace)| Candidate { member, workspace, way: Way::Invited }).collect())
}

/// The member who is signed in in this browser, when an owner has aligned them with this account: they hold both, and so confirm it.
///
/// # Errors
/// When the database refuses.
pub fn signed_in(connection: &mut AnyConnection, account: &Account, browser: &Browser, now: &Now) -> Result<Option<Candidate>> {
    let Some(session) = &browser.former else { return Ok(None) };
    let row = sessions::table
        .inner_join(member_rows::table.inner_join(workspaces::table).inner_join(identity_rows::table))
        .filter(sessions::token_hash.eq(hash_hex(session.expose().as_bytes())))
        .filter(sessions::expires_at.gt(now.at))
        .filter(member_rows::removed_at.is_null())
        .filter(identity_rows::account_id.eq(account.id.as_str()))
        .select((members::COLUMNS, workspaces::name));
    let found: Option<(Member, String)> = row.first(connection).optional()?;
    Ok(found.map(|(member, workspace)| Candidate { member, workspace, way: Way::SignedIn }))
}

/// Signs the account in as this member, whose identity it now confirms; the answer is the session's secret.
///
/// # Errors
/// `account_unknown` (403) when that is no longer true; `identity_taken` or `account_taken` (409).
pub fn enter(
    connection: &mut AnyConnection,
    account: &Account,
    member_id: &MemberId,
    way: Way,
    browser: &Browser,
    now: &Now,
) -> Result<Secret> {
    let row = member_rows::table.find(member_id).filter(member_rows::removed_at.is_null());
    let member: Member = row.select(members::COLUMNS).first(connection).optional()?.ok_or_else(unknown)?;
    let identity = identities::of(connection, &member.viewer(), &member.id)?;
    // Since the question was asked an owner may have unbound the member, or somebody may have bound them.
    let still_holds = match way {
        Way::Known => identity.is_some_and(|found| found.account_id == account.id.as_str() && found.confirmed_at.is_some()),
        Way::Invited => identity.is_none_or(|found| found.account_id == account.id.as_str()),
        Way::SignedIn => signed_in(connection, account, browser, now)?.is_some_and(|found| found.member.id == member.id),
    };
    if !still_holds {
        return Err(unknown());
    }
    identities::bind_by_sign_in(connection, &member, &account.id, account.uuid, now)?;
    session_rules::open(connection, &member.id, browser, now)
}

/// Nobody has this account.
pub fn unknown() -> Error {
    let detail = "Nobody here has this Bitbucket account. Ask an owner of your workspace to invite you with the e-mail address of \
                  your Bitbucket account and sign in again, or open a sign-in link.";
    Error::forbidden("account_unknown", detail)
}

/// Keeps what an account may choose from; the answer is for the browser's cookie.
///
/// # Errors
/// When the database refuses.
pub fn offer(connection: &mut AnyConnection, account: &Account, candidates: &[Candidate], now: &Now) -> Result<Secret> {
    diesel::delete(sign_in_choices::table.filter(sign_in_choices::expires_at.le(now.at))).execute(connection)?;
    let secret = new_secret(now);
    let words: Vec<String> =
        candidates.iter().map(|candidate| format!("{}:{}", candidate.way.as_str(), candidate.member.id)).collect();
    diesel::insert_into(sign_in_choices::table)
        .values((
            sign_in_choices::secret_hash.eq(hash_hex(secret.expose().as_bytes())),
            sign_in_choices::account_id.eq(account.id.as_str()),
            sign_in_choices::bitbucket_uuid.eq(account.uuid.map(|uuid| uuid.to_string())),
            sign_in_choices::candidates.eq(words.join(" ")),
            sign_in_choices::expires_at.eq(now.plus_seconds(SECONDS)),
        ))
        .execute(connection)?;
    Ok(secret)
}

/// What the browser with this secret may choose from.
///
/// # Errors
/// `sign_in_choice_gone` (400).
pub fn offered(connection: &mut AnyConnection, secret: &Secret, now: &Now) -> Result<Vec<Candidate>> {
    let row = sign_in_choices::table.find(hash_hex(secret.expose().as_bytes())).filter(sign_in_choices::expires_at.gt(now.at));
    let words: Option<String> = row.select(sign_in_choices::candidates).first(connection).optional()?;
    let choices = parse(&words.ok_or_else(choice_gone)?);
    let ids: Vec<&MemberId> = choices.iter().map(|(_, id)| id).collect();
    let rows: Vec<(Member, String)> = member_rows::table
        .inner_join(workspaces::table)
        .filter(member_rows::id.eq_any(ids))
        .filter(member_rows::removed_at.is_null())
        .order((workspaces::name, member_rows::id))
        .select((members::COLUMNS, workspaces::name))
        .load(connection)?;
    let way_of = |member: &Member| choices.iter().find(|(_, id)| *id == member.id).map_or(Way::Known, |(way, _)| *way);
    Ok(rows.into_iter().map(|(member, workspace)| Candidate { way: way_of(&member), member, workspace }).collect())
}

/// Signs in as the member that was chosen; the choice is used up.
///
/// # Errors
/// `sign_in_choice_gone` (400), also for a member who was not offered; else as [`enter`].
pub fn choose(
    connection: &mut AnyConnection,
    secret: &Secret,
    member_id: &MemberId,
    browser: &Browser,
    now: &Now,
) -> Result<Secret> {
    let row = sign_in_choices::table.find(hash_hex(secret.expose().as_bytes())).filter(sign_in_choices::expires_at.gt(now.at));
    let returned = (sign_in_choices::account_id, sign_in_choices::bitbucket_uuid, sign_in_choices::candidates);
    let taken: Option<(String, Option<String>, String)> =
        diesel::delete(row).returning(returned).get_result(connection).optional()?;
    let (account_id, uuid, candidates) = taken.ok_or_else(choice_gone)?;
    let (way, _) = parse(&candidates).into_iter().find(|(_, id)| id == member_id).ok_or_else(choice_gone)?;
    let uuid = uuid.and_then(|uuid| Uuid::try_parse(&uuid).ok());
    enter(connection, &Account { id: AccountId::parse(&account_id)?, uuid }, member_id, way, browser, now)
}

fn parse(candidates: &str) -> Vec<(Way, MemberId)> {
    let one = |word: &str| word.split_once(':').and_then(|(way, id)| Some((Way::parse(way)?, MemberId::parse(id)?)));
    candidates.split(' ').filter_map(one).collect()
}

fn choice_gone() -> Error {
    Error::invalid("sign_in_choice_gone", "member", "This choice was made already, or ten minutes have passed. Begin again.")
}
