//! The rows of webhooks: made before Bitbucket is asked, with a sealed secret each, and what is written down of the answers.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use uuid::Uuid;

use super::{CHECKED_EVERY_SECONDS, Place};
use crate::config::{Now, Secret};
use crate::connections::grants::{self, State};
use crate::error::{Error, Result};
use crate::people::new_secret;
use crate::storage::AnyConnection;
use crate::storage::ids::{ConnectionId, HookId};
use crate::storage::schema::{connection_hooks, connections};
use crate::storage::seal::Keyring;
use crate::storage::statement::OnConflict as _;

/// For how long what a former secret has signed is taken, once Bitbucket knows the new one. Bitbucket gives a delivery up within minutes.
const GRACE_SECONDS: i64 = 3600;

pub(super) const SECRET: &str = "secret";
pub(super) const PREVIOUS_SECRET: &str = "previous_secret";

/// A webhook without its secrets.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) id: HookId,
    pub(super) place: Place,
    pub(super) hook_uuid: Option<Uuid>,
    due_at: NaiveDateTime,
    is_told: bool,
    is_failing: bool,
}

impl Row {
    /// Whether Bitbucket is to be asked about it now. What was refused is tried again after a day, or when somebody presses a button.
    pub(super) fn is_due(&self, now: &Now) -> bool {
        self.due_at <= now.at || (!self.is_told && !self.is_failing)
    }

    /// Whether Bitbucket is to be asked now to remove it.
    pub(super) fn may_leave(&self, now: &Now) -> bool {
        self.due_at <= now.at || !self.is_failing
    }

    /// Whether Bitbucket has refused to make it, so that there is nothing to remove.
    pub(super) fn was_never_made(&self) -> bool {
        self.is_failing && self.hook_uuid.is_none()
    }
}

/// What Bitbucket is to be asked to make or change.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    pub(super) id: HookId,
    pub(super) hook_uuid: Option<Uuid>,
    pub(super) secret: Secret,
    pub(super) is_told: bool,
}

/// What a secret of a webhook is sealed for: neither another row's nor another column's can be put in its place.
pub(super) fn sealed_for(id: &HookId, column: &str) -> String {
    format!("connection_hooks:{id}:{column}")
}

/// The webhooks of a connection, those that wait longest first.
pub(super) fn of(connection: &mut AnyConnection, id: &ConnectionId, at_most: i64) -> Result<Vec<Row>> {
    type Columns = (HookId, String, Option<String>, NaiveDateTime, bool, bool);
    let rows: Vec<Columns> = connection_hooks::table
        .filter(connection_hooks::connection_id.eq(id))
        .order((connection_hooks::due_at, connection_hooks::id))
        .limit(at_most)
        .select((
            connection_hooks::id,
            connection_hooks::place,
            connection_hooks::hook_uuid,
            connection_hooks::due_at,
            connection_hooks::is_told,
            connection_hooks::failing_code.is_not_null(),
        ))
        .load(connection)?;
    let read = |(id, place, hook_uuid, due_at, is_told, is_failing): Columns| {
        Ok(Row { id, place: Place::parse(&place)?, hook_uuid: uuid(hook_uuid)?, due_at, is_told, is_failing })
    };
    rows.into_iter().map(read).collect()
}

fn uuid(text: Option<String>) -> Result<Option<Uuid>> {
    text.map(|text| Uuid::try_parse(&text)).transpose().map_err(Error::internal)
}

/// The row of a place, made with a new secret when there is none; `None` when the connection has ended meanwhile.
pub(super) fn prepare(
    connection: &mut AnyConnection,
    connection_id: &ConnectionId,
    place: Place,
    keyring: &Keyring,
    now: &Now,
) -> Result<Option<Prepared>> {
    grants::lock(connection, connection_id)?;
    let live = connections::table.find(connection_id).filter(connections::state.eq(State::Connected));
    if live.count().get_result::<i64>(connection)? == 0 {
        return Ok(None);
    }
    let id = HookId::new(now);
    diesel::insert_into(connection_hooks::table)
        .values((
            connection_hooks::id.eq(&id),
            connection_hooks::connection_id.eq(connection_id),
            connection_hooks::place.eq(place.word()),
            connection_hooks::secret.eq(keyring.seal(new_secret(now).expose(), &sealed_for(&id, SECRET))?),
            connection_hooks::secret_made_at.eq(now.at),
            connection_hooks::is_told.eq(false),
            connection_hooks::due_at.eq(now.at),
        ))
        .on_conflict_sql("ON CONFLICT (connection_id, place) DO NOTHING")
        .execute(connection)?;
    let row = connection_hooks::table
        .filter(connection_hooks::connection_id.eq(connection_id))
        .filter(connection_hooks::place.eq(place.word()))
        .select((connection_hooks::id, connection_hooks::hook_uuid, connection_hooks::secret, connection_hooks::is_told));
    let (id, hook_uuid, sealed, is_told): (HookId, Option<String>, String, bool) = row.first(connection)?;
    // A delivery may come before the name of its webhook does: the row that is asked about is the one that waits longest.
    diesel::update(connection_hooks::table.find(&id)).set(connection_hooks::due_at.eq(now.at)).execute(connection)?;
    let secret = keyring.open_text(&sealed, &sealed_for(&id, SECRET))?;
    Ok(Some(Prepared { id, hook_uuid: uuid(hook_uuid)?, secret, is_told }))
}

/// Notes that a webhook is as it should be, and that Bitbucket signs with its present secret.
pub(super) fn note_kept(connection: &mut AnyConnection, prepared: &Prepared, hook_uuid: Uuid, now: &Now) -> Result<()> {
    let nothing = None::<String>;
    let over = connection_hooks::table.find(&prepared.id).filter(connection_hooks::previous_until.le(now.at));
    diesel::update(over).set(connection_hooks::previous_secret.eq(&nothing)).execute(connection)?;
    // A secret that was made while Bitbucket was asked about the webhook is one that it does not know yet.
    if !prepared.is_told {
        let told = connection_hooks::previous_until.eq(Some(now.plus_seconds(GRACE_SECONDS)));
        let row = diesel::update(connection_hooks::table.find(&prepared.id));
        row.set((connection_hooks::is_told.eq(true), told)).execute(connection)?;
    }
    diesel::update(connection_hooks::table.find(&prepared.id))
        .set((
            connection_hooks::hook_uuid.eq(Some(hook_uuid.to_string())),
            connection_hooks::due_at.eq(now.plus_seconds(CHECKED_EVERY_SECONDS)),
            connection_hooks::failing_code.eq(&nothing),
        ))
        .execute(connection)?;
    Ok(())
}

/// Notes why a webhook cannot be made, checked or removed, and when it is tried again.
pub(super) fn note_failing(connection: &mut AnyConnection, id: &HookId, code: &str, now: &Now) -> Result<()> {
    diesel::update(connection_hooks::table.find(id))
        .set((
            connection_hooks::failing_code.eq(Some(code)),
            connection_hooks::due_at.eq(now.plus_seconds(CHECKED_EVERY_SECONDS)),
        ))
        .execute(connection)?;
    Ok(())
}

/// Forgets a webhook that is gone.
pub(super) fn forget(connection: &mut AnyConnection, id: &HookId) -> Result<()> {
    diesel::delete(connection_hooks::table.find(id)).execute(connection)?;
    Ok(())
}

/// Gives every webhook of a connection whose secret Bitbucket knows a new one; the former is taken until Bitbucket knows the new one, and a
/// while longer. How many there were. One that Bitbucket is yet to be told keeps its secret: nobody else has ever known it.
pub(super) fn rotate(
    connection: &mut AnyConnection,
    connection_id: &ConnectionId,
    keyring: &Keyring,
    now: &Now,
) -> Result<usize> {
    let told = connection_hooks::table
        .filter(connection_hooks::connection_id.eq(connection_id))
        .filter(connection_hooks::is_told.eq(true));
    let rows: Vec<(HookId, String)> = told.select((connection_hooks::id, connection_hooks::secret)).load(connection)?;
    for (id, former) in &rows {
        let former = keyring.open_text(former, &sealed_for(id, SECRET))?;
        diesel::update(connection_hooks::table.find(id))
            .set((
                connection_hooks::secret.eq(keyring.seal(new_secret(now).expose(), &sealed_for(id, SECRET))?),
                connection_hooks::secret_made_at.eq(now.at),
                connection_hooks::previous_secret.eq(Some(keyring.seal(former.expose(), &sealed_for(id, PREVIOUS_SECRET))?)),
                connection_hooks::previous_until.eq(None::<NaiveDateTime>),
                connection_hooks::is_told.eq(false),
                connection_hooks::due_at.eq(now.at),
            ))
            .execute(connection)?;
    }
    Ok(rows.len())
}

/// Seals every secret of webhooks under the newest key.
///
/// # Errors
/// When the database refuses or a secret cannot be opened.
pub(in crate::connections) fn seal_anew(connection: &mut AnyConnection, keyring: &Keyring) -> Result<usize> {
    let rows =
        connection_hooks::table.select((connection_hooks::id, connection_hooks::secret, connection_hooks::previous_secret));
    let rows: Vec<(HookId, String, Option<String>)> = rows.load(connection)?;
    let mut changed = 0;
    for (id, secret, previous) in rows {
        let newer = keyring.seal_anew(&secret, &sealed_for(&id, SECRET))?;
        let anew = |sealed: &String| keyring.seal_anew(sealed, &sealed_for(&id, PREVIOUS_SECRET));
        let newer_previous = previous.as_ref().map(anew).transpose()?.flatten();
        if newer.is_some() || newer_previous.is_some() {
            diesel::update(connection_hooks::table.find(&id))
                .set((
                    connection_hooks::secret.eq(newer.unwrap_or(secret)),
                    connection_hooks::previous_secret.eq(newer_previous.or(previous)),
                ))
                .execute(connection)?;
            changed += 1;
        }
    }
    Ok(changed)
}
