//! The secrets of connections: what each is sealed for, storing and forgetting them. Only `connections` calls it.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use crate::config::Secret;
use crate::error::Result;
use crate::storage::AnyConnection;
use crate::storage::ids::ConnectionId;
use crate::storage::schema::connection_secrets;
use crate::storage::seal::Keyring;
use crate::storage::statement::OnConflict as _;

/// A secret of a connection, by its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sealed {
    AccessToken,
    RefreshToken,
    PreviousRefreshToken,
    Email,
}

/// What a secret of a connection is sealed for: neither another row's nor another column's can be put in its place.
pub(super) fn sealed_for(id: &ConnectionId, column: Sealed) -> String {
    let column = match column {
        Sealed::AccessToken => "access_token",
        Sealed::RefreshToken => "refresh_token",
        Sealed::PreviousRefreshToken => "previous_refresh_token",
        Sealed::Email => "email",
    };
    format!("connections:{id}:{column}")
}

/// Seals every secret of connections under the newest key.
///
/// # Errors
/// When the database refuses or a secret cannot be opened.
pub(super) fn seal_anew(connection: &mut AnyConnection, keyring: &Keyring) -> Result<usize> {
    type Secrets = (ConnectionId, String, Option<String>, Option<String>, Option<String>);
    let rows: Vec<Secrets> = connection_secrets::table
        .select((
            connection_secrets::connection_id,
            connection_secrets::access_token,
            connection_secrets::refresh_token,
            connection_secrets::previous_refresh_token,
            connection_secrets::email,
        ))
        .load(connection)?;
    let mut changed = 0;
    for (id, access, refresh, previous, email) in rows {
        let mut is_changed = false;
        let mut anew = |sealed: Option<String>, column: Sealed| -> Result<Option<String>> {
            let Some(sealed) = sealed else { return Ok(None) };
            let newer = keyring.seal_anew(&sealed, &sealed_for(&id, column))?;
            is_changed |= newer.is_some();
            Ok(Some(newer.unwrap_or(sealed)))
        };
        let access = anew(Some(access), Sealed::AccessToken)?.unwrap_or_default();
        let secrets = (
            connection_secrets::access_token.eq(access),
            connection_secrets::refresh_token.eq(anew(refresh, Sealed::RefreshToken)?),
            connection_secrets::previous_refresh_token.eq(anew(previous, Sealed::PreviousRefreshToken)?),
            connection_secrets::email.eq(anew(email, Sealed::Email)?),
        );
        if is_changed {
            diesel::update(connection_secrets::table.find(&id)).set(secrets).execute(connection)?;
            changed += 1;
        }
    }
    Ok(changed)
}

/// Stores what was granted or pasted in place of what was there. A refresh that is under way comes too late for it.
pub(super) fn put(
    connection: &mut AnyConnection,
    id: &ConnectionId,
    access_token: &Secret,
    refresh_token: Option<&Secret>,
    email: Option<&str>,
    keyring: &Keyring,
) -> Result<()> {
    let sealed = |text: &str, column: Sealed| keyring.seal(text, &sealed_for(id, column));
    let refresh = refresh_token.map(|token| sealed(token.expose(), Sealed::RefreshToken)).transpose()?;
    diesel::insert_into(connection_secrets::table)
        .values((
            connection_secrets::connection_id.eq(id),
            connection_secrets::access_token.eq(sealed(access_token.expose(), Sealed::AccessToken)?),
            connection_secrets::refresh_token.eq(refresh),
            connection_secrets::email.eq(email.map(|email| sealed(email, Sealed::Email)).transpose()?),
            connection_secrets::previous_refresh_until.eq(None::<NaiveDateTime>),
            connection_secrets::refreshes.eq(1),
        ))
        .on_conflict_sql(
            "ON CONFLICT (connection_id) DO UPDATE SET access_token = excluded.access_token, \
             refresh_token = excluded.refresh_token, email = excluded.email, previous_refresh_token = NULL, \
             previous_refresh_until = NULL, refreshes = connection_secrets.refreshes + 1, lease = NULL, leased_until = NULL",
        )
        .execute(connection)?;
    Ok(())
}

/// Takes a connection's secrets away.
pub(super) fn forget(connection: &mut AnyConnection, id: &ConnectionId) -> Result<()> {
    diesel::delete(connection_secrets::table.find(id)).execute(connection)?;
    Ok(())
}
