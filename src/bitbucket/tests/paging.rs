//! Lists over the wire.

use std::pin::pin;

use futures_util::StreamExt as _;
use proptest::prelude::*;

use super::stub::{Reply, Stub, credential};
use crate::bitbucket::{Failure, RepositoryName, RepositoryQuery, WorkspaceName};

fn workspace() -> WorkspaceName {
    WorkspaceName::Slug("lumenpay".to_owned())
}

fn names(from: usize, to: usize) -> String {
    (from..to).map(|number| format!(r#"{{"full_name":"lumenpay/{number}"}}"#)).collect::<Vec<_>>().join(",")
}

/// A list of pages of these sizes, linked by opaque cursors to the server's own address.
async fn list(sizes: Vec<usize>) -> Stub {
    Stub::start(move |seen, _| {
        let number: usize = seen.target.split("ctx=p").nth(1).map_or(0, |text| text.parse().unwrap());
        let from: usize = sizes[..number].iter().sum();
        let next = match number + 1 < sizes.len() {
            true => format!(r#","next":"/2.0/repositories/lumenpay?pagelen=100&ctx=p{}""#, number + 1),
            false => String::new(),
        };
        Reply::json(&format!(r#"{{"values":[{}]{next}}}"#, names(from, from + sizes[number])))
    })
    .await
}

#[tokio::test]
async fn a_list_is_read_to_its_end_and_a_page_may_be_empty() {
    let stub = list(vec![2, 0, 1]).await;
    let mut pages = stub.client().repositories(&credential(), &workspace(), &RepositoryQuery::default()).unwrap();
    let mut sizes = Vec::new();
    while let Some(page) = pages.next_page().await.unwrap() {
        sizes.push(page.values.len());
    }
    assert_eq!(sizes, [2, 0, 1]);
    assert!(pages.next_page().await.unwrap().is_none());
    let first = "/2.0/repositories/lumenpay?pagelen=100";
    assert_eq!(stub.targets(), [first.to_owned(), format!("{first}&ctx=p1"), format!("{first}&ctx=p2")]);
}

#[tokio::test]
async fn a_list_is_a_stream_and_may_go_on_where_it_was_left() {
    let stub = list(vec![2, 2, 1]).await;
    let pages = || stub.client().repositories(&credential(), &workspace(), &RepositoryQuery::default()).unwrap();
    let mut stream = pin!(pages().into_stream());
    let mut all = Vec::new();
    while let Some(entry) = stream.next().await {
        all.push(entry.unwrap().full_name.unwrap());
    }
    assert_eq!(all, ["lumenpay/0", "lumenpay/1", "lumenpay/2", "lumenpay/3", "lumenpay/4"]);
    let next = pages().next_page().await.unwrap().unwrap().next.unwrap();
    let (rest, has_more) = pages().from_page(&next).unwrap().at_most(2).await.unwrap();
    assert_eq!((rest.len(), rest[0].full_name.as_deref(), has_more), (2, Some("lumenpay/2"), true));
}

#[tokio::test]
async fn a_list_that_leads_back_to_itself_or_away_is_given_up() {
    for next in
        ["/2.0/repositories/lumenpay?pagelen=100", "https://evil.example/2.0/x", "/1.0/x", "ftp://x", "//evil.example/2.0/"]
    {
        let stub = Stub::start(move |_, _| Reply::json(&format!(r#"{{"values":[],"next":"{next}"}}"#))).await;
        let mut pages = stub.client().repositories(&credential(), &workspace(), &RepositoryQuery::default()).unwrap();
        assert_eq!(pages.next_page().await.unwrap_err(), Failure::Malformed, "{next}");
        assert_eq!(stub.seen().len(), 1);
        let pages = stub.client().repositories(&credential(), &workspace(), &RepositoryQuery::default()).unwrap();
        assert_eq!(pages.from_page(next).is_ok(), next.starts_with("/2.0/"), "{next}");
    }
}

#[tokio::test]
async fn pipelines_that_forget_to_name_the_next_page_are_read_to_their_end() {
    let stub = Stub::start(|seen, before| {
        let values = |count: usize| vec!["{}"; count].join(",");
        assert!(seen.target.contains("sort=-created_on"), "{}", seen.target);
        Reply::json(&match before {
            0 => format!(r#"{{"page":1,"pagelen":100,"size":250,"values":[{}]}}"#, values(100)),
            1 => format!(r#"{{"page":2,"pagelen":100,"size":250,"values":[{}]}}"#, values(100)),
            _ => format!(r#"{{"page":3,"pagelen":100,"size":250,"values":[{}]}}"#, values(50)),
        })
    })
    .await;
    let name = RepositoryName::Full("a/b".to_owned());
    let (pipelines, has_more) = stub.client().pipelines(&credential(), &name, None).unwrap().at_most(1_000).await.unwrap();
    assert_eq!((pipelines.len(), has_more), (250, false));
    let targets = stub.targets();
    assert!(targets[0].starts_with("/2.0/repositories/a/b/pipelines/?"), "{targets:?}");
    assert!(targets[1].ends_with("&page=2") && targets[2].ends_with("&page=3"), "{targets:?}");
}

#[tokio::test]
async fn a_page_that_fails_is_asked_for_again() {
    let stub = Stub::start(|_, before| match before {
        0 => Reply::json(r#"{"values":[],"next":"/2.0/repositories/lumenpay?page=2"}"#),
        1 => Reply::json("<html>"),
        _ => Reply::json(r#"{"values":[]}"#),
    })
    .await;
    let mut pages = stub.client().repositories(&credential(), &workspace(), &RepositoryQuery::default()).unwrap();
    assert!(pages.next_page().await.unwrap().is_some());
    assert_eq!(pages.next_page().await.unwrap_err(), Failure::Malformed);
    assert!(pages.next_page().await.unwrap().is_some());
    assert!(pages.next_page().await.unwrap().is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// However a list is cut into pages, every entry comes once and in order.
    #[test]
    fn every_entry_comes_once_and_in_order(sizes in proptest::collection::vec(0_usize..5, 1..8)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let total: usize = sizes.iter().sum();
        let (all, has_more) = runtime.block_on(async {
            let stub = list(sizes).await;
            stub.client().repositories(&credential(), &workspace(), &RepositoryQuery::default()).unwrap().at_most(1_000).await.unwrap()
        });
        let expected: Vec<_> = (0..total).map(|number| Some(format!("lumenpay/{number}"))).collect();
        prop_assert_eq!(all.into_iter().map(|repository| repository.full_name).collect::<Vec<_>>(), expected);
        prop_assert!(!has_more);
    }
}
