//! How a connection fares: what Bitbucket answered to the last call on it, and when its token ends. Whoever calls Bitbucket on a
//! connection writes it; its card and the owners' start page read it.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::grants::{Kind, State};
use crate::bitbucket::Failure;
use crate::config::Now;
use crate::error::Result;
use crate::people::audit;
use crate::storage::AnyConnection;
use crate::storage::ids::{ConnectionId, WorkspaceId};
use crate::storage::schema::connections;

/// How the card names a refresh.
pub(super) const REFRESH: &str = "refresh";
/// The days before the end of a pasted token when its owners are told, the first last.
pub const WARNED_DAYS: [i64; 3] = [1, 7, 30];

/// How near the end of a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It has ended.
    Ended,
    /// It ends within so many days: 30, 7 or 1.
    Within(i64),
}

/// How near the end of a pasted token is; `None` while it is more than thirty days away, or unknown. Tokens by OAuth are refreshed.
pub fn ending(kind: Kind, expires_at: Option<NaiveDateTime>, now: &Now) -> Option<Ending> {
    let left = expires_at.filter(|_| kind.is_pasted())? - now.at;
    if left <= chrono::TimeDelta::zero() {
        return Some(Ending::Ended);
    }
    WARNED_DAYS.into_iter().find(|days| left <= chrono::TimeDelta::days(*days)).map(Ending::Within)
}

/// Notes that a call failed, such as `repositories`. A pasted token that Bitbucket refuses has to be replaced; one by OAuth is refreshed
/// at its next use, which tells whether the grant has ended.
///
/// # Errors
/// When the database refuses.
pub fn note_failure(connection: &mut AnyConnection, id: &ConnectionId, call: &str, failure: &Failure, now: &Now) -> Result<()> {
    let row = connections::table.find(id).filter(connections::state.eq(State::Connected));
    let failed = diesel::update(row)
        .set((
            connections::failing_call.eq(Some(call)),
            connections::failing_code.eq(Some(failure.code())),
            connections::failed_at.eq(Some(now.at)),
        ))
        .returning((connections::kind, connections::workspace_id, connections::name))
        .get_result::<(Kind, WorkspaceId, String)>(connection)
        .optional()?;
    let Some((kind, workspace_id, name)) = failed else { return Ok(()) };
    match failure {
        Failure::NotAuthorised if kind.is_pasted() => {
            diesel::update(row).set(connections::state.eq(State::Reconnect)).execute(connection)?;
            audit::record(connection, &workspace_id, audit::APP, "connection_refused", id.as_str(), &name, now)
        }
        Failure::NotAuthorised => {
            diesel::update(row).set(connections::expires_at.eq(Some(now.at))).execute(connection)?;
            Ok(())
        }
        Failure::MissingScopes { required, .. } => {
            diesel::update(row).set(connections::missing_scopes.eq(Some(required.join(" ")))).execute(connection)?;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Notes that calls work again. A refresh that failed is made up for by a refresh alone: until then an old token may well work.
///
/// # Errors
/// When the database refuses.
pub fn note_success(connection: &mut AnyConnection, id: &ConnectionId) -> Result<()> {
    if is_failing(connection, id)? { clear(connection, id) } else { Ok(()) }
}

/// Notes that Bitbucket takes a pasted token again that it had refused: it was refused in passing.
///
/// # Errors
/// When the database refuses.
pub(super) fn note_taken_again(connection: &mut AnyConnection, id: &ConnectionId, now: &Now) -> Result<()> {
    let refused = connections::table.find(id).filter(connections::state.eq(State::Reconnect));
    let taken = diesel::update(refused)
        .set(connections::state.eq(State::Connected))
        .returning((connections::workspace_id, connections::name))
        .get_result::<(WorkspaceId, String)>(connection)
        .optional()?;
    // Somebody may have replaced or ended it meanwhile.
    let Some((workspace_id, name)) = taken else { return Ok(()) };
    clear(connection, id)?;
    audit::record(connection, &workspace_id, audit::APP, "connection_taken_again", id.as_str(), &name, now)
}

/// Whether a call failed, other than a refresh, and none has worked since.
///
/// # Errors
/// When the database refuses.
pub fn is_failing(connection: &mut AnyConnection, id: &ConnectionId) -> Result<bool> {
    let failing = connections::table.find(id).filter(connections::failing_code.is_not_null());
    let failing = failing.filter(connections::failing_call.ne(Some(REFRESH)));
    Ok(failing.count().get_result::<i64>(connection)? > 0)
}

/// Takes back what failed.
pub(super) fn clear(connection: &mut AnyConnection, id: &ConnectionId) -> Result<()> {
    let nothing = None::<String>;
    diesel::update(connections::table.find(id))
        .set((
            connections::failing_call.eq(&nothing),
            connections::failing_code.eq(&nothing),
            connections::failed_at.eq(None::<NaiveDateTime>),
            connections::missing_scopes.eq(&nothing),
        ))
        .execute(connection)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::{TimeDelta, Utc};

    use super::*;
    use crate::config::Random;

    #[test]
    fn owners_are_warned_thirty_days_a_week_and_a_day_ahead() {
        let now = Now::new(Utc::now(), Random::system());
        let found = |seconds: i64| ending(Kind::WorkspaceToken, Some(now.at + TimeDelta::seconds(seconds)), &now);
        let day = 24 * 3600;
        assert_eq!(found(30 * day + 1), None);
        assert_eq!(found(30 * day), Some(Ending::Within(30)));
        assert_eq!(found(7 * day), Some(Ending::Within(7)));
        assert_eq!(found(day), Some(Ending::Within(1)));
        assert_eq!(found(0), Some(Ending::Ended));
        assert_eq!(ending(Kind::OAuth, Some(now.at), &now), None, "it is refreshed");
        assert_eq!(ending(Kind::ApiToken, None, &now), None);
    }
}
