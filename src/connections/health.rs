//! How an installation fares: what Bitbucket answered to our last calls, and how far our clock is from Bitbucket's. Jobs and the
//! extractor of signed calls write it; the settings page and the self-test read it.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::installations::State;
use super::removal::Removal;
use crate::bitbucket::Failure;
use crate::config::Now;
use crate::error::Result;
use crate::storage::AnyConnection;
use crate::storage::ids::InstallationId;
use crate::storage::schema::installations;

/// A clock that has moved by less is the same clock: calls take a moment to arrive.
const MOVED_SECONDS: i64 = 5;

/// How an installation fares.
#[derive(Clone, Debug, Queryable)]
pub struct Health {
    /// The event that came in last, such as `pullrequest:updated`.
    pub last_event: Option<String>,
    /// Why a call to Bitbucket failed last, as a stable code.
    pub last_error: Option<String>,
    /// When, UTC.
    pub last_error_at: Option<NaiveDateTime>,
    /// Since when Bitbucket refuses our key, UTC.
    pub refused_since: Option<NaiveDateTime>,
    /// The scopes that Bitbucket says we lack, separated by blanks.
    pub missing_scopes: Option<String>,
    /// By how much our clock is ahead of Bitbucket's; behind, when negative.
    pub clock_skew_seconds: Option<i32>,
    /// How far the removal at Bitbucket is, after an owner's disconnect.
    pub removal: Option<Removal>,
    /// Why the removal failed last, as a stable code.
    pub removal_error: Option<String>,
    /// When Forge called last by itself, UTC; it does so every hour.
    pub called_at: Option<NaiveDateTime>,
    /// When the key ends that Forge's calls bring, UTC.
    pub key_expires_at: Option<NaiveDateTime>,
}

/// What a call to Bitbucket was about, which tells what a refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The workspace that the app is installed in: whoever may not see it is not installed there any more.
    Workspace,
    /// One thing in it, which may be gone or hidden by itself.
    OneThing,
}

/// Notes that a call failed. What may pass needs nobody's attention; that the key is refused or a scope is missing does.
///
/// # Errors
/// When the database refuses.
pub fn note_failure(
    connection: &mut AnyConnection,
    id: &InstallationId,
    failure: &Failure,
    about: About,
    now: &Now,
) -> Result<()> {
    let row = installations::table.find(id).filter(installations::state.ne(State::Uninstalled));
    let failed = (installations::last_error.eq(Some(failure.code())), installations::last_error_at.eq(Some(now.at)));
    diesel::update(row).set(failed).execute(connection)?;
    let is_refusal = match failure {
        Failure::NotAuthorised | Failure::GrantEnded | Failure::WorkspaceDeleted => true,
        Failure::Forbidden { .. } | Failure::NotFound | Failure::Removed { .. } => about == About::Workspace,
        Failure::MissingScopes { .. } | Failure::NotEnabled { .. } | Failure::Refused { .. } | Failure::TooLarge => false,
        Failure::RateLimited { .. } | Failure::Down | Failure::Malformed => false,
    };
    if is_refusal {
        let newly = row.filter(installations::refused_since.is_null());
        diesel::update(newly).set(installations::refused_since.eq(Some(now.at))).execute(connection)?;
    }
    if let Failure::MissingScopes { required, .. } = failure {
        diesel::update(row).set(installations::missing_scopes.eq(Some(required.join(" ")))).execute(connection)?;
    }
    Ok(())
}

/// Notes that Bitbucket took our key, and for one thing the scopes as well.
///
/// # Errors
/// When the database refuses.
pub fn note_success(connection: &mut AnyConnection, id: &InstallationId, about: About) -> Result<()> {
    let refused = installations::table.find(id).filter(installations::refused_since.is_not_null());
    diesel::update(refused).set(installations::refused_since.eq(None::<NaiveDateTime>)).execute(connection)?;
    if about == About::OneThing {
        let lacking = installations::table.find(id).filter(installations::missing_scopes.is_not_null());
        diesel::update(lacking).set(installations::missing_scopes.eq(None::<String>)).execute(connection)?;
    }
    Ok(())
}

/// The skew to store when a call that was signed at `issued_at` comes in at `now` (both Unix seconds), when it is another than
/// the `known` one. Only a call that Bitbucket signs as it sends it (`is_fresh`) shows that we are ahead: an address can be
/// opened again minutes later.
pub fn moved_skew(known: Option<i32>, issued_at: i64, now: i64, is_fresh: bool) -> Option<i32> {
    let seen = now.saturating_sub(issued_at);
    let before = i64::from(known.unwrap_or(0));
    let is_news = if is_fresh {
        known.is_none() || (seen - before).abs() > MOVED_SECONDS
    } else {
        seen < before.min(0) - MOVED_SECONDS || (before < -MOVED_SECONDS && seen > before + MOVED_SECONDS)
    };
    let seen = if is_fresh { seen } else { seen.min(0) };
    is_news.then(|| i32::try_from(seen).unwrap_or(if seen < 0 { i32::MIN } else { i32::MAX }))
}

/// Stores how far our clock is from Bitbucket's.
///
/// # Errors
/// When the database refuses.
pub fn note_skew(connection: &mut AnyConnection, client_key: &str, seconds: i32) -> Result<()> {
    let row = installations::table.filter(installations::client_key.eq(client_key));
    diesel::update(row).set(installations::clock_skew_seconds.eq(Some(seconds))).execute(connection)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_opened_again_later_does_not_put_us_ahead() {
        assert_eq!(moved_skew(None, 1_000, 1_200, false), None);
        assert_eq!(moved_skew(None, 1_000, 1_200, true), Some(200));
        assert_eq!((moved_skew(None, 1_000, 1_000, true), moved_skew(Some(0), 1_000, 1_001, true)), (Some(0), None));
    }

    #[test]
    fn a_clock_that_is_behind_is_seen_at_any_call_and_so_is_its_mending() {
        assert_eq!(moved_skew(None, 1_030, 1_000, false), Some(-30));
        assert_eq!(moved_skew(Some(-30), 1_032, 1_000, false), None, "it has hardly moved");
        assert_eq!(moved_skew(Some(-30), 1_000, 1_001, false), Some(0));
        assert_eq!(moved_skew(Some(20), 1_000, 1_001, false), None, "only a fresh call tells");
        assert_eq!(moved_skew(Some(20), 1_000, 1_001, true), Some(1));
    }
}
