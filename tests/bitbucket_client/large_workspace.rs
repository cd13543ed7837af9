//! A workspace of 5,000 repositories and 50,000 pull requests, paged through by the client in the background as fast as it can, under a
//! clock that is moved on whenever the client has to wait: no hour holds more calls than it may make.

use bitbucket_sandbox::{Call, Sandbox};
use chrono::TimeDelta;
use clarityloop_bitbucket::bitbucket::{
    Credential, Failure, Pages, PullRequestQuery, PullRequestState, RepositoryName, RepositoryQuery, WorkspaceName,
};
use futures_util::StreamExt as _;
use futures_util::stream;
use serde::de::DeserializeOwned;

use super::Beside;

const REPOSITORIES: u64 = 5_000;
/// The demo world has three of its own.
const ALL_REPOSITORIES: usize = 5_003;
/// 20 repositories with 2,500 each: 1,000 pages of fifty.
const BUSY: u64 = 20;
const PULL_REQUESTS_OF_EACH: u64 = 2_500;
/// Of the thousand calls an hour that Bitbucket documents, what the background does not leave to people.
const FOR_THE_BACKGROUND: usize = 800;
/// Calls of one credential that are under way at once in the background.
const UNDER_WAY: usize = 3;

#[tokio::test]
async fn a_whole_workspace_is_read_without_a_burst_above_the_budget() {
    let beside = Beside::start().await;
    let token = beside.token(&["repository", "pullrequest"]).in_background();
    let begun = beside.sandbox.now();
    beside.sandbox.world(|world| {
        world.populate("lumenpay", REPOSITORIES, 0, begun);
        for number in 1..=BUSY {
            world.crowd(&busy(number), PULL_REQUESTS_OF_EACH, begun);
        }
    });
    let workspace = WorkspaceName::Slug("lumenpay".to_owned());
    let repositories = beside.client.repositories(&token, &workspace, &RepositoryQuery::default()).unwrap();
    assert_eq!(read_whole(&beside.sandbox, repositories).await, (ALL_REPOSITORIES, 51));
    let read = stream::iter(1..=BUSY).map(|number| pull_requests(&beside, &token, number)).buffer_unordered(5);
    let read: Vec<(usize, usize)> = read.collect().await;
    assert_eq!(read, vec![(2_500, 50); 20]);

    let calls = beside.sandbox.calls();
    assert_eq!(calls.len(), 51 + 1_000, "each page was asked for once");
    assert!(calls.iter().all(|call| call.status == 200), "and Bitbucket never had to refuse");
    let busiest = busiest_hour(&calls);
    // What is under way when the clock moves on comes a moment late. Bitbucket’s own thousand is far.
    let (least, most) = (FOR_THE_BACKGROUND - 50, FOR_THE_BACKGROUND + UNDER_WAY);
    assert!((least..=most).contains(&busiest), "{busiest} calls within an hour");
    assert!(beside.sandbox.now() - begun > TimeDelta::hours(1), "it took as long as the budget wants");
    beside.assert_conforming();
}

fn busy(number: u64) -> String {
    format!("lumenpay/service-{number:05}")
}

async fn pull_requests(beside: &Beside, token: &Credential, number: u64) -> (usize, usize) {
    let every = vec![PullRequestState::Open, PullRequestState::Merged, PullRequestState::Declined];
    let query = PullRequestQuery { states: every, updated_since: None };
    let pages = beside.client.pull_requests(token, &RepositoryName::Full(busy(number)), &query).unwrap();
    read_whole(&beside.sandbox, pages).await
}

/// Reads a list to its end, as jobs do: whenever the client says when it may go on, it does so then. How many entries and pages it has.
async fn read_whole<T: DeserializeOwned>(sandbox: &Sandbox, mut pages: Pages<T>) -> (usize, usize) {
    let (mut entries, mut read) = (0, 0);
    loop {
        match pages.next_page().await {
            Ok(Some(page)) => {
                entries += page.values.len();
                read += 1;
            }
            Ok(None) => return (entries, read),
            Err(Failure::RateLimited { after_seconds: Some(seconds) }) => {
                sandbox.set_now(sandbox.now() + TimeDelta::seconds(i64::from(seconds)));
            }
            Err(failure) => panic!("{failure}"),
        }
    }
}

/// The most calls that came in any rolling hour.
fn busiest_hour(calls: &[Call]) -> usize {
    let mut first = 0;
    let mut most = 0;
    for (index, call) in calls.iter().enumerate() {
        while calls[first].at + TimeDelta::hours(1) <= call.at {
            first += 1;
        }
        most = most.max(index + 1 - first);
    }
    most
}
