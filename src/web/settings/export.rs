//! `/settings/audit.csv`: the whole audit, or what a filter leaves of it, sent a part at a time.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream;

use super::audit::{Typed, does, names_of};
use crate::app::App;
use crate::connections::installations;
use crate::error::Error;
use crate::people::Viewer;
use crate::people::audit::{self, Entry, Filter};
use crate::people::page::Page;
use crate::web::failure::PageResult;
use crate::web::owner::Owner;

const ENTRIES_AT_A_TIME: usize = 500;
const HEADINGS: [&str; 7] = ["time", "who", "what", "action", "subject", "detail", "id"];

/// Where the export stands.
struct Export {
    app: web::Data<App>,
    viewer: Viewer,
    filter: Filter,
    names: HashMap<String, String>,
    page: Option<Page>,
    begun: bool,
}

/// `GET /settings/audit.csv`.
///
/// # Errors
/// `owner_needed` (403); `group_invalid`, `day_invalid` or `person_unknown` (400).
pub async fn send(app: web::Data<App>, owner: Owner, request: HttpRequest) -> PageResult<HttpResponse> {
    let (viewer, filter) = (owner.0.viewer(), Typed::of(&request).filter(owner.0.zone)?);
    let (asker, asked) = (viewer.clone(), filter.clone());
    let open = app
        .read(move |connection| {
            // What is wrong with the filter must be said before the first part is sent.
            audit::list(connection, &asker, &asked, &Page { before: None, limit: 1 })?;
            installations::open(connection, &asker)
        })
        .await?;
    let page = Some(Page { before: None, limit: ENTRIES_AT_A_TIME });
    let export = Export { app, viewer, filter, names: names_of(open.iter()), page, begun: false };
    let parts = stream::try_unfold(export, |export| async move { part(export).await.map_err(actix_web::Error::from) });
    let mut response = HttpResponse::Ok();
    response.content_type("text/csv; charset=utf-8");
    response.insert_header(("Content-Disposition", "attachment; filename=\"clarityloop-audit.csv\""));
    Ok(response.streaming(parts))
}

async fn part(mut export: Export) -> Result<Option<(web::Bytes, Export)>, Error> {
    let Some(page) = export.page.take() else { return Ok(None) };
    let (viewer, filter) = (export.viewer.clone(), export.filter.clone());
    let (asked, limit) = (page.clone(), page.limit);
    let listed = export.app.read(move |connection| audit::list(connection, &viewer, &filter, &asked)).await?;
    let mut text = String::new();
    if !export.begun {
        text += &line(HEADINGS.map(str::to_owned));
        export.begun = true;
    }
    text.extend(listed.entries.iter().map(|entry| line(cells(entry, &export.names))));
    export.page = listed.next.map(|before| Page { before: Some(before), limit });
    Ok(Some((web::Bytes::from(text), export)))
}

fn cells(entry: &Entry, names: &HashMap<String, String>) -> [String; 7] {
    let at = entry.at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let [who, action] = [&entry.actor_name, &entry.action].map(Clone::clone);
    [at, who, does(entry, names), action, entry.subject.clone(), entry.detail.clone(), entry.id.clone()]
}

/// A line of RFC 4180, each cell quoted.
fn line<const N: usize>(cells: [String; N]) -> String {
    let quoted: Vec<String> = cells.iter().map(|text| format!("\"{}\"", harmless(text).replace('"', "\"\""))).collect();
    quoted.join(",") + "\r\n"
}

/// A spreadsheet takes a cell that begins so for a formula and runs it (<https://owasp.org/www-community/attacks/CSV_Injection>); an
/// apostrophe in front makes it a text.
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_begins_like_a_formula_and_quotes_stay_within_theirs() {
        let cells = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "say \"hi\", all"].map(str::to_owned);
        let expected = "\"'=1+1\",\"'+1\",\"'-1\",\"'@SUM(A1)\",\"'\tx\",\"say \"\"hi\"\", all\"\r\n";
        assert_eq!(line(cells), expected);
    }
}
