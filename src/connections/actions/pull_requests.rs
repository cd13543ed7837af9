//! Opening and changing a pull request without losing reviewers (<https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pullrequests/>).

use serde_json::{Value, json};

use super::reviewers::{self, Reviewer};
use super::{Acting, Place, Written, said, text, with_key, without_nothing};
use crate::error::{Error, Result};
use crate::people::{idempotency, identities};

/// The most reviewers that a pull request is opened with; each that Bitbucket refuses costs a call.
const REVIEWERS_AT_MOST: usize = 50;
/// How many reviewers Bitbucket may refuse before we stop asking.
const REFUSED_AT_MOST: usize = 10;

/// A pull request to be.
#[derive(Clone, Debug)]
pub struct NewPullRequest {
    /// Its title.
    pub title: String,
    /// The branch it comes from, in the same repository.
    pub source_branch: String,
    /// The branch it goes into; without one Bitbucket takes the main branch.
    pub destination_branch: Option<String>,
    /// What it is about.
    pub description: Option<String>,
    /// Who shall look at it: account ids, or UUIDs in braces.
    pub reviewers: Vec<String>,
    /// Whether the repository's default reviewers shall as well. Bitbucket does not say that its API adds them, so they are sent.
    pub with_default_reviewers: bool,
    /// Whether the source branch goes when it is merged.
    pub close_source_branch: Option<bool>,
    /// Whether it is a draft.
    pub draft: Option<bool>,
}

/// What is to be different; what is left out stays.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Its title.
    pub title: Option<String>,
    /// What it is about.
    pub description: Option<String>,
    /// The branch it goes into.
    pub destination_branch: Option<String>,
    /// Exactly these reviewers; left out, those it has.
    pub reviewers: Option<Vec<String>>,
    /// Whether the source branch goes when it is merged.
    pub close_source_branch: Option<bool>,
    /// Whether it is a draft.
    pub draft: Option<bool>,
    /// When it was changed last as far as the caller knows: refused when somebody was quicker.
    pub if_updated_on: Option<String>,
}

/// A pull request, as Bitbucket has it after an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number.
    pub number: i64,
    /// Its title.
    pub title: Option<String>,
    /// `OPEN`, `MERGED`, `DECLINED` or `SUPERSEDED`.
    pub state: Option<String>,
    /// When it was changed last, as Bitbucket writes it.
    pub updated_on: Option<String>,
    /// Who shall look at it.
    pub reviewers: Vec<Reviewer>,
    /// Its page in Bitbucket.
    pub url: Option<String>,
}

/// Somebody whom Bitbucket did not take as a reviewer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Who.
    pub reviewer: Reviewer,
    /// What Bitbucket says.
    pub why: String,
}

impl PullRequest {
    pub(super) fn of(value: &Value) -> Result<Self> {
        let number = value["id"].as_i64().ok_or_else(|| super::calls::refusal(crate::bitbucket::Failure::Malformed))?;
        Ok(Self {
            number,
            title: text(value, "/title"),
            state: text(value, "/state"),
            updated_on: text(value, "/updated_on"),
            reviewers: reviewers::listed(&value["reviewers"]),
            url: text(value, "/links/html/href"),
        })
    }
}

/// Opens a pull request. A reviewer whom Bitbucket names as impossible (the author, somebody who has left) is left out and reported.
///
/// # Errors
/// `reviewers_too_many` (400); what `calls::make` refuses.
pub async fn open(
    acting: &Acting<'_>,
    place: &Place,
    new: &NewPullRequest,
    key: Option<idempotency::Request>,
) -> Result<(PullRequest, Vec<LeftOut>)> {
    let mut wanted = wanted(acting, place, new).await?;
    let mut left_out = Vec::new();
    loop {
        let body = without_nothing(json!({
            "title": new.title,
            "description": new.description,
            "source": { "branch": { "name": new.source_branch } },
            "destination": new.destination_branch.as_ref().map(|branch| json!({ "branch": { "name": branch } })),
            "reviewers": wanted.iter().map(Reviewer::reference).collect::<Vec<_>>(),
            "close_source_branch": new.close_source_branch,
            "draft": new.draft,
        }));
        match acting.write("POST", &place.path("/pullrequests"), Some(body), with_key(key.clone())).await {
            Ok(Written::Now(opened)) => return Ok((PullRequest::of(&opened)?, left_out)),
            Ok(Written::Before(kept)) => return Ok((opened_before(acting, place, kept.location()).await?, left_out)),
            Err(error) => {
                let refused = said(&error).and_then(|fields| reviewers::refused(&wanted, fields));
                let Some((at, why)) = refused.filter(|_| left_out.len() < REFUSED_AT_MOST) else { return Err(error) };
                left_out.push(LeftOut { reviewer: wanted.remove(at), why });
            }
        }
    }
}

async fn wanted(acting: &Acting<'_>, place: &Place, new: &NewPullRequest) -> Result<Vec<Reviewer>> {
    let mut wanted: Vec<Reviewer> = new.reviewers.iter().map(|text| Reviewer::named(text)).collect::<Result<_>>()?;
    if new.with_default_reviewers {
        let (viewer, own) = (acting.viewer.clone(), acting.viewer.member_id.clone());
        let author = acting.parts.database.read(move |connection| identities::of(connection, &viewer, &own)).await?;
        let path = place.path("/effective-default-reviewers");
        let answered = acting.read(&path, &[("pagelen", "100")]).await?;
        let defaults = answered["values"].as_array().into_iter().flatten().map(|entry| Reviewer::of(&entry["user"]));
        let is_author =
            |one: &Reviewer| author.as_ref().is_some_and(|author| one.account_id.as_deref() == Some(&author.account_id));
        for reviewer in defaults.filter(|one| !is_author(one)) {
            match wanted.iter_mut().find(|known| known.is_same_as(&reviewer)) {
                // Named by hand, and now known by name.
                Some(known) => *known = reviewer,
                None => wanted.push(reviewer),
            }
        }
    }
    if wanted.len() > REVIEWERS_AT_MOST {
        return Err(Error::invalid(
            "reviewers_too_many",
            "reviewers",
            "A pull request is opened with 50 reviewers at most. Name fewer.",
        ));
    }
    Ok(wanted)
}

async fn opened_before(acting: &Acting<'_>, place: &Place, location: Option<&str>) -> Result<PullRequest> {
    let number = location.and_then(|address| address.trim_end_matches('/').rsplit('/').next()?.parse().ok());
    let number = number.ok_or_else(|| {
        let detail = "This was opened before, and Bitbucket did not say under which number. Look for it at Bitbucket.";
        Error::conflict("answer_not_kept", detail)
    })?;
    Ok(read(acting, place, number).await?.0)
}

/// A pull request as it is, with everything that Bitbucket said of it.
pub(super) async fn read(acting: &Acting<'_>, place: &Place, number: i64) -> Result<(PullRequest, Value)> {
    let value = acting.read(&place.path(&format!("/pullrequests/{number}")), &[]).await?;
    Ok((PullRequest::of(&value)?, value))
}

/// Changes a pull request. It is read first and written back whole: what is left out of Bitbucket's own call is cleared, reviewers above
/// all.
///
/// # Errors
/// `pull_request_closed` or `pull_request_changed` (409); what `calls::make` refuses.
pub async fn change(
    acting: &Acting<'_>,
    place: &Place,
    number: i64,
    changes: &Changes,
    key: Option<idempotency::Request>,
) -> Result<PullRequest> {
    let (before, value) = read(acting, place, number).await?;
    must_be_open(&before)?;
    if changes.if_updated_on.is_some() && changes.if_updated_on != before.updated_on {
        return Err(changed_meanwhile());
    }
    let wanted = match &changes.reviewers {
        Some(named) => named.iter().map(|text| Reviewer::named(text)).collect::<Result<_>>()?,
        None => before.reviewers.clone(),
    };
    write_back(acting, place, &value, changes, &wanted, key).await.map(|written| written.unwrap_or(before))
}

/// Writes a pull request back as it was read, with what is to be different; `None` when this was done before.
pub(super) async fn write_back(
    acting: &Acting<'_>,
    place: &Place,
    read: &Value,
    changes: &Changes,
    reviewers: &[Reviewer],
    key: Option<idempotency::Request>,
) -> Result<Option<PullRequest>> {
    let number = read["id"].as_i64().unwrap_or_default();
    let branch = changes.destination_branch.clone().or_else(|| text(read, "/destination/branch/name"));
    let described = text(read, "/description").or_else(|| text(read, "/summary/raw"));
    let body = without_nothing(json!({
        "title": changes.title.clone().or_else(|| text(read, "/title")),
        "description": changes.description.clone().or(described),
        "destination": branch.map(|name| json!({ "branch": { "name": name } })),
        "reviewers": reviewers.iter().map(Reviewer::reference).collect::<Vec<_>>(),
        "close_source_branch": changes.close_source_branch.or_else(|| read["close_source_branch"].as_bool()),
        "draft": changes.draft.or_else(|| read["draft"].as_bool()),
    }));
    match acting.write("PUT", &place.path(&format!("/pullrequests/{number}")), Some(body), with_key(key)).await? {
        Written::Now(written) => PullRequest::of(&written).map(Some),
        Written::Before(_) => Ok(None),
    }
}

pub(super) fn must_be_open(pull_request: &PullRequest) -> Result<()> {
    if pull_request.state.as_deref() == Some("OPEN") {
        return Ok(());
    }
    Err(Error::conflict("pull_request_closed", "Bitbucket changes open pull requests only, and this one is not open any more."))
}

pub(super) fn changed_meanwhile() -> Error {
    Error::conflict("pull_request_changed", "Somebody changed this pull request meanwhile. Load it anew and try again.")
}
