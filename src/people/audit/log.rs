//! Reading the audit: by what, by whom and when, one page at a time.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use diesel::prelude::*;

use super::{ACTIONS, APP, Group, OPERATOR, action};
use crate::error::{Error, Result};
use crate::people::Viewer;
use crate::people::page::{Listed, Page};
use crate::storage::AnyConnection;
use crate::storage::schema::{audit, members};

/// Whose doings are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// The app's own.
    App,
    /// The operator's.
    Operator,
    /// A member's, named by e-mail address or exact name; former members too.
    Member(String),
}

impl Who {
    /// Reads what was typed; `None` for nothing.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "" => None,
            APP => Some(Self::App),
            OPERATOR => Some(Self::Operator),
            typed => Some(Self::Member(typed.to_owned())),
        }
    }
}

/// Which part of the audit is asked for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Actions of this group only.
    pub group: Option<Group>,
    /// What these did only.
    pub who: Option<Who>,
    /// From this moment on, UTC.
    pub from: Option<NaiveDateTime>,
    /// Before this moment, UTC.
    pub before: Option<NaiveDateTime>,
}

/// Something that was done.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its id.
    pub id: String,
    /// When, UTC.
    pub at: NaiveDateTime,
    /// Who did it: a member's id, [`APP`] or [`OPERATOR`].
    pub actor: String,
    /// Their name.
    pub actor_name: String,
    /// What was done, as a stable word.
    pub action: String,
    /// What was done, in words that follow the actor's name.
    pub does: String,
    /// To whom or what, as an id.
    pub subject: String,
    /// What was recorded beside it.
    pub detail: String,
}

#[derive(Queryable)]
struct Row {
    id: String,
    at: NaiveDateTime,
    actor: String,
    action: String,
    subject: String,
    detail: String,
}

/// The audit of the viewer's workspace.
///
/// # Errors
/// `owner_needed` (403); `person_unknown` (400) when nobody has the name in the filter.
pub fn list(connection: &mut AnyConnection, viewer: &Viewer, filter: &Filter, page: &Page) -> Result<Listed<Entry>> {
    viewer.must_own()?;
    let mut query = audit::table
        .filter(audit::workspace_id.eq(&viewer.workspace_id))
        .filter(audit::id.lt(page.bound()))
        .order(audit::id.desc())
        .limit(page.rows())
        .select((audit::id, audit::at, audit::actor, audit::action, audit::subject, audit::detail))
        .into_boxed();
    if let Some(group) = filter.group {
        let words: Vec<&str> = ACTIONS.iter().filter(|(_, of, _)| *of == group).map(|(word, _, _)| *word).collect();
        query = query.filter(audit::action.eq_any(words));
    }
    if let Some(who) = &filter.who {
        query = query.filter(audit::actor.eq_any(actors(connection, viewer, who)?));
    }
    if let Some(from) = filter.from {
        query = query.filter(audit::at.ge(within_reach(from)));
    }
    if let Some(before) = filter.before {
        query = query.filter(audit::at.lt(within_reach(before)));
    }
    let rows: Vec<Row> = query.load(connection)?;
    let names = names(connection, viewer, &rows)?;
    let listed = page.finish(rows, |row| row.id.clone());
    Ok(Listed { entries: listed.entries.into_iter().map(|row| entry(row, &names)).collect(), next: listed.next })
}

/// Further away than this nothing has been done, and a database may know no such moment.
fn within_reach(at: NaiveDateTime) -> NaiveDateTime {
    let last = NaiveDate::from_ymd_opt(9999, 12, 31).unwrap_or(NaiveDate::MAX).and_time(NaiveTime::MIN);
    at.clamp(DateTime::UNIX_EPOCH.naive_utc(), last)
}

fn actors(connection: &mut AnyConnection, viewer: &Viewer, who: &Who) -> Result<Vec<String>> {
    let typed = match who {
        Who::App => return Ok(vec![APP.to_owned()]),
        Who::Operator => return Ok(vec![OPERATOR.to_owned()]),
        Who::Member(typed) => typed,
    };
    let unknown = || {
        let detail = "Nobody in your workspace has this name or e-mail address. Check it and try again.";
        Error::invalid("person_unknown", "who", detail)
    };
    // Nobody's name has one, and PostgreSQL does not even look for a text with a NUL.
    if typed.chars().any(char::is_control) {
        return Err(unknown());
    }
    let ids: Vec<String> = members::table
        .filter(members::workspace_id.eq(&viewer.workspace_id))
        .filter(members::email_folded.eq(typed.to_lowercase()).or(members::name.eq(typed)))
        .select(members::id)
        .limit(20)
        .load(connection)?;
    if ids.is_empty() { Err(unknown()) } else { Ok(ids) }
}

/// The names of the members that the rows name, as actors or as subjects.
fn names(connection: &mut AnyConnection, viewer: &Viewer, rows: &[Row]) -> Result<HashMap<String, String>> {
    let ids = rows.iter().flat_map(|row| [row.actor.as_str(), row.subject.as_str()]);
    let ids: std::collections::HashSet<&str> = ids.filter(|id| id.len() == 36).collect();
    let named = members::table.filter(members::workspace_id.eq(&viewer.workspace_id)).filter(members::id.eq_any(ids));
    Ok(named.select((members::id, members::name)).load::<(String, String)>(connection)?.into_iter().collect())
}

fn entry(row: Row, names: &HashMap<String, String>) -> Entry {
    let name = |id: &String| names.get(id).unwrap_or(id).clone();
    let does = match action(&row.action) {
        Some((_, _, sentence)) if row.actor == row.subject => {
            sentence.replace("{subject}", "themselves").replace("{detail}", &row.detail)
        }
        Some((_, _, sentence)) => sentence.replace("{subject}", &name(&row.subject)).replace("{detail}", &row.detail),
        // Written by a newer version of the server.
        None => row.action.replace('_', " "),
    };
    let actor_name = match row.actor.as_str() {
        APP => "ClarityLoop".to_owned(),
        OPERATOR => "The operator".to_owned(),
        _ => name(&row.actor),
    };
    Entry {
        id: row.id,
        at: row.at,
        actor: row.actor,
        actor_name,
        action: row.action,
        does,
        subject: row.subject,
        detail: row.detail,
    }
}
