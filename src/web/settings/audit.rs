//! `/settings/audit`: what owners and the app did, by group, person and time.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::connections::installations::{self, Installation};
use crate::error::{Error, Kind, Result};
use crate::people::audit::{self, APP, Entry, Filter, Group, OPERATOR, Who};
use crate::people::page::{Listed, Page};
use crate::web::failure::{PageResult, html};
use crate::web::owner::Owner;
use crate::web::page::settings::{AuditPage, AuditRow, GroupChoice};
use crate::web::page::{Place, Time};
use crate::web::session::person;
use crate::web::zone::Zone;

/// What the form of the page sends, as it was typed; empty texts for what was left open.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Typed {
    /// The word of a group.
    pub group: String,
    /// Whose doings.
    pub who: String,
    /// The first day.
    pub from: String,
    /// The last day.
    pub until: String,
    /// Where the page begins.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub before: String,
}

impl Typed {
    /// Reads the query of an address; what is unknown in it is left out.
    pub fn of(request: &HttpRequest) -> Self {
        web::Query::from_query(request.query_string()).map(web::Query::into_inner).unwrap_or_default()
    }

    /// The filter that was meant, by days of the viewer's zone.
    ///
    /// # Errors
    /// `group_invalid` or `day_invalid` (400).
    pub fn filter(&self, zone: Zone) -> Result<Filter> {
        let group = match self.group.as_str() {
            "" => None,
            word => {
                let unknown = || Error::invalid("group_invalid", "group", "There is no such group. Choose one from the list.");
                Some(Group::parse(word).ok_or_else(unknown)?)
            }
        };
        let (from, until) = (day(&self.from, "from")?, day(&self.until, "until")?);
        let day_after = until.and_then(|until| until.succ_opt());
        let begin_of = |day| zone.begin_of(day);
        Ok(Filter { group, who: Who::parse(&self.who), from: from.map(begin_of), before: day_after.map(begin_of) })
    }

    /// The same filter as the query of an address, on another page.
    pub fn query(&self, before: &str) -> String {
        serde_urlencoded::to_string(Self { before: before.to_owned(), ..self.clone() }).unwrap_or_default()
    }
}

fn day(text: &str, field: &'static str) -> Result<Option<NaiveDate>> {
    if text.is_empty() {
        return Ok(None);
    }
    let invalid = |error| Error::invalid("day_invalid", field, "Write a day as 2026-11-20.").because(error);
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map(Some).map_err(invalid)
}

/// `GET /settings/audit`.
///
/// # Errors
/// `owner_needed` (403); `cursor_invalid` (400). A filter that cannot be read comes back with a message at its field.
pub async fn show(app: web::Data<App>, owner: Owner, request: HttpRequest) -> PageResult<HttpResponse> {
    let typed = Typed::of(&request);
    let page = Page::parse(Some(typed.before.as_str()).filter(|before| !before.is_empty()), None)?;
    let viewer = owner.0.viewer();
    let read = match typed.filter(owner.0.zone) {
        Ok(filter) => {
            let work = move |connection: &mut _| {
                let listed = audit::list(connection, &viewer, &filter, &page)?;
                Ok((listed, installations::open(connection, &viewer)?))
            };
            app.read(work).await
        }
        Err(error) => Err(error),
    };
    match read {
        Ok((listed, open)) => html(&view(&owner, &typed, listed, &names_of(open.iter()), None)),
        Err(error) if error.kind == Kind::Invalid => {
            let nothing = Listed { entries: Vec::new(), next: None };
            let mut response = html(&view(&owner, &typed, nothing, &HashMap::new(), Some(&error)))?;
            *response.status_mut() = StatusCode::BAD_REQUEST;
            Ok(response)
        }
        Err(error) => Err(error.into()),
    }
}

fn view(
    owner: &Owner,
    typed: &Typed,
    listed: Listed<Entry>,
    names: &HashMap<String, String>,
    problem: Option<&Error>,
) -> AuditPage {
    let groups = Group::ALL.into_iter().map(|group| GroupChoice {
        word: group.as_str(),
        name: group.name(),
        is_chosen: typed.group == group.as_str(),
    });
    AuditPage {
        shell: owner.0.shell(Place::Integrations, None),
        groups: groups.collect(),
        who: typed.who.clone(),
        from: typed.from.clone(),
        until: typed.until.clone(),
        problem: problem.map(|error| (error.field.unwrap_or("who"), error.detail.to_string())),
        is_filtered: [&typed.group, &typed.who, &typed.from, &typed.until].iter().any(|text| !text.is_empty()),
        rows: listed.entries.into_iter().map(|entry| row(entry, names)).collect(),
        older_href: listed.next.map(|next| format!("/settings/audit?{}", typed.query(&next))),
        is_first: typed.before.is_empty(),
        newest_href: format!("/settings/audit?{}", typed.query("")),
        export_href: format!("/settings/audit.csv?{}", typed.query("")),
    }
}

/// The slugs of Bitbucket workspaces that are connected, by their UUIDs, which is all that the audit keeps.
pub(super) fn names_of<'a>(installations: impl Iterator<Item = &'a Installation>) -> HashMap<String, String> {
    let named = installations.filter_map(|it| Some((it.bitbucket_workspace_uuid.clone(), it.bitbucket_workspace_slug.clone()?)));
    named.collect()
}

/// An entry as a row.
pub(super) fn row(entry: Entry, names: &HashMap<String, String>) -> AuditRow {
    let is_app = [APP, OPERATOR].contains(&entry.actor.as_str());
    AuditRow {
        person: (!is_app).then(|| person(&entry.actor, &entry.actor_name, "")),
        does: does(&entry, names),
        actor: entry.actor_name,
        at: Time::Moment(entry.at),
    }
}

/// What was done, with the Bitbucket workspace by its slug while it is connected.
pub(super) fn does(entry: &Entry, names: &HashMap<String, String>) -> String {
    let uuid = [&entry.detail, &entry.subject].into_iter().find(|id| names.contains_key(*id));
    match uuid {
        Some(uuid) => entry.does.replace(uuid.as_str(), &names[uuid]),
        None => entry.does.clone(),
    }
}
