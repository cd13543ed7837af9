//! A list of Bitbucket's, page by page: follows `next` and computes nothing, ends, and notices when it would not. Whoever reads lists
//! gets one from a typed call.
//!
//! <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#pagination>

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::marker::PhantomData;

use futures_util::stream::{self, Stream};
use reqwest::Method;
use serde::de::DeserializeOwned;

use super::answers::Page;
use super::operation::Operation;
use super::{Call, Client, Credential, Failure};

/// More pages than the largest list that we read in one go has: 5,000 repositories are 50, 50,000 pull requests are 1,000.
const MOST_PAGES: usize = 5_000;

/// A list, read a page at a time. Each page is one call.
#[derive(Debug)]
pub struct Pages<T> {
    client: Client,
    credential: Credential,
    operation: Operation,
    next: Option<String>,
    /// Fingerprints of the pages that were asked for: a list that leads back to one of them would never end.
    asked: HashSet<u64>,
    fingerprints: RandomState,
    may_lack_next: bool,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Pages<T> {
    /// The list that `first` begins; `operation` says how many entries a page may have.
    pub(super) fn new(
        client: &Client,
        operation: Operation,
        credential: &Credential,
        first: Result<Call, Failure>,
    ) -> Result<Self, Failure> {
        let first = first?.with("pagelen", operation.page_size.to_string());
        Ok(Self {
            client: client.clone(),
            credential: credential.clone(),
            operation,
            next: Some(first.target()),
            asked: HashSet::new(),
            fingerprints: RandomState::new(),
            may_lack_next: false,
            of: PhantomData,
        })
    }

    /// The same for a service that now and then forgets to name the next page of several.
    pub(super) fn that_may_lack_next(self) -> Self {
        Self { may_lack_next: true, ..self }
    }

    /// The same list from where an earlier reading stopped: the `next` of its last page.
    ///
    /// # Errors
    /// `Malformed` when that leads anywhere but to the API.
    pub fn from_page(self, next: &str) -> Result<Self, Failure> {
        let next = Some(self.client.target_of(next)?);
        Ok(Self { next, ..self })
    }

    /// The next page, or `None` after the last. After a failure the same page is asked for again.
    ///
    /// # Errors
    /// A [`Failure`]; `Malformed` for a list that leads back to itself or away from the API, `TooLarge` for one without an end.
    pub async fn next_page(&mut self) -> Result<Option<Page<T>>, Failure> {
        let Some(target) = self.next.clone() else { return Ok(None) };
        let answer = self.client.send(self.operation, &self.credential, &Method::GET, &target, None).await?;
        let page: Page<T> = answer.json()?;
        self.asked.insert(self.fingerprints.hash_one(&target));
        let next = match &page.next {
            Some(next) => Some(self.client.target_of(next)?),
            None if self.may_lack_next => following(&target, &page),
            None => None,
        };
        if let Some(next) = &next {
            if self.asked.contains(&self.fingerprints.hash_one(next)) {
                tracing::warn!(operation = self.operation.name, "a list of Bitbucket leads back to itself");
                return Err(Failure::Malformed);
            }
            if self.asked.len() >= MOST_PAGES {
                tracing::warn!(operation = self.operation.name, "a list of Bitbucket has no end");
                return Err(Failure::TooLarge);
            }
        }
        self.next = next;
        Ok(Some(page))
    }

    /// The first `entries` of the list, and whether there are more.
    ///
    /// # Errors
    /// As [`Pages::next_page`].
    pub async fn at_most(mut self, entries: usize) -> Result<(Vec<T>, bool), Failure> {
        let mut all = Vec::new();
        while let Some(page) = self.next_page().await? {
            all.extend(page.values);
            if all.len() >= entries {
                let has_more = all.len() > entries || self.next.is_some();
                all.truncate(entries);
                return Ok((all, has_more));
            }
        }
        Ok((all, false))
    }

    /// Entry by entry; the stream ends after a failure.
    pub fn into_stream(self) -> impl Stream<Item = Result<T, Failure>>
    where
        T: Send + 'static,
    {
        let pages = stream::try_unfold(self, |mut pages| async move {
            let page = pages.next_page().await?;
            Ok::<_, Failure>(page.map(|page| (stream::iter(page.values.into_iter().map(Ok)), pages)))
        });
        futures_util::TryStreamExt::try_flatten(pages)
    }
}

/// The page after this one by its number, when the page is full and the list says that it has more
/// (<https://jira.atlassian.com/browse/BCLOUD-20639>).
fn following<T>(target: &str, page: &Page<T>) -> Option<String> {
    let (number, size, length) = (page.page?, page.size?, page.pagelen?);
    let is_full = u64::try_from(page.values.len()).is_ok_and(|entries| entries >= length);
    if length == 0 || !is_full || number.checked_mul(length)? >= size {
        return None;
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let others: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("page=")).collect();
    let separator = if others.is_empty() { "" } else { "&" };
    Some(format!("{path}?{}{separator}page={}", others.join("&"), number.checked_add(1)?))
}
