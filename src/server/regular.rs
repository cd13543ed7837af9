//! What the server does by itself from time to time: it looks what is due and enqueues jobs for it. `start` runs it beside the job loop.

use std::time::Duration;

use actix_web::web;

use crate::activity::polling;
use crate::app::App;
use crate::connections::hooks::{farewell, keeping};
use crate::connections::repositories::listing;
use crate::connections::{closing, consumer_removal, refresh};
use crate::error::Result;
use crate::people::idempotency;
use crate::storage::AnyConnection;

const EVERY: Duration = Duration::from_secs(60);

/// Looks every minute until the task is dropped. Several servers may do so at once: what waits already is not enqueued twice.
pub(super) async fn run(app: web::Data<App>) {
    loop {
        if let Err(error) = look(&app).await {
            tracing::warn!(code = error.code, %error, "what is due could not be looked for");
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn look(app: &App) -> Result<()> {
    let (database, now) = (&app.database, app.now());
    let due = [
        refresh::enqueue_due(database, &now).await?,
        listing::enqueue_due(database, &now).await?,
        keeping::enqueue_due(database, &now).await?,
        farewell::enqueue_overdue(database, &now).await?,
        polling::enqueue_due(database, &now).await?,
    ];
    if due.contains(&true) {
        app.jobs_waiting.notify_one();
    }
    let work = move |connection: &mut AnyConnection| {
        idempotency::forget(connection, &now)?;
        closing::end_grants_of_removed(connection, &now)?;
        consumer_removal::forget_unneeded(connection, None, &now)
    };
    app.database.write(work).await?;
    Ok(())
}
