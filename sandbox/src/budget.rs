//! How often a credential may call: a rolling hour for each resource, and what an answer says of it.
//!
//! Source: <https://support.atlassian.com/bitbucket-cloud/docs/api-request-limits/>.

use crate::{bitbucket::Bitbucket, calls::CredentialKind};
use actix_web::{
    HttpResponse, HttpResponseBuilder,
    http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
};
use chrono::{DateTime, Duration, Utc};
use std::collections::{HashMap, VecDeque};

/// What calls are counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// Almost everything: 1,000 an hour.
    RepositoryData,
    /// Files as they are: 5,000 an hour.
    RawFiles,
    /// Webhooks: 1,000 an hour.
    Webhooks,
}

/// What a refusal says about when to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// Nothing, which happens.
    Missing,
    /// A number of seconds.
    Seconds,
    /// A date as HTTP writes it.
    Date,
}

/// The counters of everybody.
pub(crate) struct Budget {
    limits: HashMap<Resource, usize>,
    spent: HashMap<(String, Resource), VecDeque<DateTime<Utc>>>,
    retry_after: RetryAfter,
    shows_what_is_left: bool,
}

/// Where a caller stands after a call, left in the request for the headers.
#[derive(Clone, Copy)]
pub(crate) struct Standing {
    resource: Resource,
    limit: usize,
    left: usize,
    /// Until the oldest call is an hour old.
    reset_seconds: i64,
    shows_what_is_left: bool,
}

/// That a caller has used everything up.
#[derive(Debug)]
pub(crate) struct UsedUp {
    pub(crate) seconds: i64,
    pub(crate) at: DateTime<Utc>,
    pub(crate) retry_after: RetryAfter,
}

impl Resource {
    /// What a call to a path below `/2.0` is counted as.
    pub(crate) fn of(pattern: &str, is_raw_file: bool) -> Self {
        match pattern {
            _ if pattern.contains("/hooks") => Self::Webhooks,
            _ if pattern.contains("/src/") && is_raw_file => Self::RawFiles,
            _ => Self::RepositoryData,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::RepositoryData => "api-repositories",
            Self::RawFiles => "api-raw-files",
            Self::Webhooks => "api-webhooks",
        }
    }
}

impl Default for Budget {
    fn default() -> Self {
        let limits = [(Resource::RepositoryData, 1000), (Resource::RawFiles, 5000), (Resource::Webhooks, 1000)];
        Self { limits: limits.into(), spent: HashMap::new(), retry_after: RetryAfter::Missing, shows_what_is_left: false }
    }
}

impl Bitbucket {
    /// From now on so many calls an hour are allowed for each credential; what was called before counts.
    pub fn limit_calls(&self, resource: Resource, calls_an_hour: usize) {
        self.state().budget.limits.insert(resource, calls_an_hour);
    }

    /// From now on nobody's calls are limited, as no real Bitbucket does.
    pub fn limit_no_calls(&self) {
        for resource in [Resource::RepositoryData, Resource::RawFiles, Resource::Webhooks] {
            self.limit_calls(resource, usize::MAX);
        }
    }

    /// What a refusal of too many calls says about when to come back.
    pub fn answer_too_many_with(&self, retry_after: RetryAfter) {
        self.state().budget.retry_after = retry_after;
    }

    /// Whether answers to everybody say how many calls are left, which real ones say to anonymous callers only.
    pub fn show_calls_left(&self, shows: bool) {
        self.state().budget.shows_what_is_left = shows;
    }

    /// How many calls somebody has made within the last hour, by what stands in the record as `authorized_as`.
    #[must_use]
    pub fn calls_of_last_hour(&self, authorized_as: &str, resource: Resource) -> usize {
        let since = self.now() - Duration::hours(1);
        let state = self.state();
        let own = state.budget.spent.iter().filter(|((whose, of), _)| *of == resource && whose.ends_with(authorized_as));
        own.map(|(_, moments)| moments.iter().filter(|moment| **moment > since).count()).sum()
    }

    pub(crate) fn spend(&self, whose: String, resource: Resource) -> Result<Standing, UsedUp> {
        let now = self.now();
        let mut state = self.state();
        let budget = &mut state.budget;
        let limit = budget.limits.get(&resource).copied().unwrap_or(usize::MAX);
        let moments = budget.spent.entry((whose, resource)).or_default();
        while moments.front().is_some_and(|oldest| *oldest <= now - Duration::hours(1)) {
            moments.pop_front();
        }
        let oldest = moments.front().copied().unwrap_or(now);
        let reset_seconds = (oldest + Duration::hours(1) - now).num_seconds() + 1;
        if moments.len() >= limit {
            let at = now + Duration::seconds(reset_seconds);
            return Err(UsedUp { seconds: reset_seconds, at, retry_after: budget.retry_after });
        }
        moments.push_back(now);
        let left = limit - moments.len();
        Ok(Standing { resource, limit, left, reset_seconds, shows_what_is_left: budget.shows_what_is_left })
    }
}

impl Standing {
    /// Writes what a real answer says of it to this kind of caller.
    pub(crate) fn write(self, kind: CredentialKind, headers: &mut HeaderMap) {
        let mut write = |name: &'static str, value: String| {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        // The API tells these only; the limit grows with the workspace.
        if matches!(kind, CredentialKind::AccessToken | CredentialKind::ForgeToken) && self.limit != usize::MAX {
            write("x-ratelimit-limit", self.limit.to_string());
            write("x-ratelimit-resource", self.resource.as_str().to_owned());
            write("x-ratelimit-nearlimit", (self.left * 5 < self.limit).to_string());
        }
        if self.shows_what_is_left {
            write("x-ratelimit-limit", format!("{0}, {0};w=3600", self.limit));
            write("x-ratelimit-remaining", self.left.to_string());
            write("x-ratelimit-reset", self.reset_seconds.to_string());
        }
    }
}

impl UsedUp {
    /// 429 in plain text.
    pub(crate) fn answer(&self) -> HttpResponse {
        too_many(self.retry_after, self.seconds, self.at).body("Rate limit for this resource has been exceeded")
    }
}

/// 429, with a header as told.
pub(crate) fn too_many(retry_after: RetryAfter, seconds: i64, at: DateTime<Utc>) -> HttpResponseBuilder {
    let mut response = HttpResponse::TooManyRequests();
    match retry_after {
        RetryAfter::Missing => {}
        RetryAfter::Seconds => {
            response.insert_header((RETRY_AFTER, seconds.to_string()));
        }
        RetryAfter::Date => {
            response.insert_header((RETRY_AFTER, at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()));
        }
    }
    response.content_type("text/plain; charset=utf-8");
    response
}
