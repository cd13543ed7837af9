//! `/api/v1/audit`: what owners and the app did.

use actix_web::{HttpRequest, web};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Caller;
use super::listing::{self, List};
use crate::app::App;
use crate::error::Result;
use crate::people::api_tokens::Scope;
use crate::people::audit::{self, Filter, Group, Who};
use crate::people::page::Page;

/// Which part of the audit is asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditQuery {
    /// Where to go on: the `next` of the page before.
    cursor: Option<String>,
    /// How many entries, 1 to 100; 50 when absent.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// Actions of this group only.
    #[param(inline)]
    group: Option<Group>,
    /// What these did only: `app`, `operator`, or a member's e-mail address or exact name.
    who: Option<String>,
    /// From this day on, UTC.
    from: Option<NaiveDate>,
    /// Up to this day and with it, UTC.
    until: Option<NaiveDate>,
}

/// Something that was done.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditEntry {
    /// Its id.
    id: String,
    /// When.
    at: DateTime<Utc>,
    /// Who did it: a member's id, `app` or `operator`.
    actor: String,
    /// Their name.
    actor_name: String,
    /// What was done, as a stable word.
    action: String,
    /// What was done, in words that follow the name.
    sentence: String,
    /// To whom or what, as an id; empty when to nobody.
    subject: String,
    /// What was recorded beside it.
    detail: String,
}

impl From<audit::Entry> for AuditEntry {
    fn from(entry: audit::Entry) -> Self {
        Self {
            id: entry.id,
            at: entry.at.and_utc(),
            actor: entry.actor,
            actor_name: entry.actor_name,
            action: entry.action,
            sentence: entry.does,
            subject: entry.subject,
            detail: entry.detail,
        }
    }
}

/// What owners and the app did, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/audit",
    operation_id = "list_audit",
    tag = "Bitbucket",
    security(("api_token" = ["read", "owner"])),
    params(AuditQuery),
    responses((status = 200, body = List<AuditEntry>), (status = 400, description = "`person_unknown`"))
)]
pub(super) async fn list(app: web::Data<App>, caller: Caller, request: HttpRequest) -> Result<web::Json<List<AuditEntry>>> {
    caller.needs(Scope::Read)?;
    caller.needs(Scope::Owner)?;
    let query: AuditQuery = listing::query(&request)?;
    let page = Page::parse(query.cursor.as_deref(), query.limit.as_deref())?;
    let who = query.who.as_deref().and_then(Who::parse);
    let begin_of = |day: NaiveDate| day.and_time(NaiveTime::MIN);
    let before = query.until.and_then(|until| until.succ_opt()).map(begin_of);
    let filter = Filter { group: query.group, who, from: query.from.map(begin_of), before };
    let listed = app.read(move |connection| audit::list(connection, &caller.viewer, &filter, &page)).await?;
    Ok(web::Json(List::new(listed, AuditEntry::from)))
}
