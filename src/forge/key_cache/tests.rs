//! A stand-in that counts how often it is asked, and answers as it is told.

use std::sync::Mutex as BlockingMutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::DateTime;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::config::Random;
use crate::forge::key_set::tests::{PAIRS, published, sign};

struct StandIn {
    cache: KeyCache,
    fetches: Arc<AtomicUsize>,
    answer: Arc<BlockingMutex<(u16, String)>>,
}

impl StandIn {
    async fn start(keys: &[Value]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/jwks.json", listener.local_addr().expect("an address"));
        let (fetches, answer) = (Arc::new(AtomicUsize::new(0)), Arc::new(BlockingMutex::new((200, document(keys)))));
        let (counted, told) = (Arc::clone(&fetches), Arc::clone(&answer));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4096];
                let _read = stream.read(&mut request).await;
                counted.fetch_add(1, Ordering::SeqCst);
                let (status, body) = told.lock().expect("the answer").clone();
                // Long enough for the others of a storm to arrive meanwhile.
                tokio::time::sleep(Duration::from_millis(30)).await;
                let head = format!("HTTP/1.1 {status} X\r\nlocation: /jwks.json\r\ncontent-length: {}\r\n", body.len());
                let _written = stream.write_all(format!("{head}connection: close\r\n\r\n{body}").as_bytes()).await;
            }
        });
        Self { cache: KeyCache::new(url.parse().expect("a URL")).expect("a client"), fetches, answer }
    }

    fn answers(&self, status: u16, body: String) {
        *self.answer.lock().expect("the answer") = (status, body);
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    async fn refusal(&self, key_id: &str, at: i64) -> Option<Refusal> {
        self.cache.key(key_id, &now(at)).await.err()
    }
}

fn document(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

fn first() -> Value {
    published("a", &PAIRS[0])
}

fn now(seconds: i64) -> Now {
    let at = DateTime::from_timestamp(1_763_600_000 + seconds, 0).expect("a moment");
    Now::new(at, Random::system())
}

#[tokio::test]
async fn keys_are_kept_for_an_hour() {
    let stand_in = StandIn::start(&[first()]).await;
    for at in [0, 1, KEPT_SECONDS - 1] {
        assert_eq!(stand_in.refusal("a", at).await, None);
    }
    assert_eq!(stand_in.fetches(), 1);
    assert_eq!(stand_in.refusal("a", KEPT_SECONDS).await, None);
    assert_eq!(stand_in.fetches(), 2);
    // A clock that was set back must not keep keys for longer.
    assert_eq!(stand_in.refusal("a", -KEPT_SECONDS).await, None);
    assert_eq!(stand_in.fetches(), 3);
}

#[tokio::test]
async fn a_storm_of_unknown_keys_is_one_fetch_a_minute() {
    let stand_in = StandIn::start(&[first()]).await;
    assert_eq!(stand_in.refusal("a", 0).await, None);
    let storm = async |at| {
        let key_ids: Vec<String> = (0..50).map(|number| format!("unknown-{number}")).collect();
        let asked = key_ids.iter().map(|key_id| stand_in.refusal(key_id, at));
        futures_util::future::join_all(asked).await
    };
    assert_eq!(storm(BETWEEN_FETCHES_SECONDS - 1).await, [Some(Refusal::KeyUnknown); 50]);
    assert_eq!(stand_in.fetches(), 1);
    assert_eq!(storm(BETWEEN_FETCHES_SECONDS).await, [Some(Refusal::KeyUnknown); 50]);
    assert_eq!(stand_in.fetches(), 2);
}

#[tokio::test]
async fn many_first_callers_share_one_fetch() {
    let stand_in = StandIn::start(&[first()]).await;
    let asked = (0..20).map(|_| stand_in.refusal("a", 0));
    assert_eq!(futures_util::future::join_all(asked).await, [None; 20]);
    assert_eq!(stand_in.fetches(), 1);
}

#[tokio::test]
async fn a_rotation_is_seen_at_the_first_token_of_the_new_key() {
    let stand_in = StandIn::start(&[first()]).await;
    assert_eq!(stand_in.refusal("a", 0).await, None);
    stand_in.answers(200, document(&[published("b", &PAIRS[1])]));
    assert_eq!(stand_in.refusal("b", 60).await, None);
    assert_eq!(stand_in.refusal("a", 61).await, Some(Refusal::KeyUnknown));
    // The same name for another key counts once the document is read again.
    stand_in.answers(200, document(&[published("b", &PAIRS[0])]));
    let key = stand_in.cache.key("b", &now(60 + KEPT_SECONDS)).await.expect("a key");
    assert!(key.has_signed("text", &sign(&PAIRS[0], "text")));
}

#[tokio::test]
async fn keys_go_on_counting_while_forge_does_not_answer() {
    let stand_in = StandIn::start(&[first()]).await;
    assert_eq!(stand_in.refusal("a", 0).await, None);
    for (number, (status, body)) in [
        (503, String::new()),
        (200, "<html>".to_owned()),
        (200, document(&[])),
        (200, " ".repeat(LARGEST_DOCUMENT_BYTES + 1)),
        (302, document(&[first()])),
    ]
    .into_iter()
    .enumerate()
    {
        stand_in.answers(status, body);
        let at = KEPT_SECONDS + BETWEEN_FETCHES_SECONDS * i64::try_from(number).expect("few");
        assert_eq!(stand_in.refusal("a", at).await, None, "{status}");
        assert_eq!(stand_in.refusal("a", at + 1).await, None, "{status}");
        assert_eq!(stand_in.refusal("b", at + 2).await, Some(Refusal::KeyUnknown), "{status}");
        assert_eq!(stand_in.fetches(), number + 2);
    }
}

#[tokio::test]
async fn without_any_key_the_answer_is_to_come_back_later() {
    let stand_in = StandIn::start(&[first()]).await;
    stand_in.answers(500, String::new());
    assert_eq!(stand_in.refusal("a", 0).await, Some(Refusal::KeysUnavailable));
    stand_in.answers(200, document(&[first()]));
    assert_eq!(stand_in.refusal("a", 59).await, Some(Refusal::KeysUnavailable));
    assert_eq!(stand_in.refusal("a", 60).await, None);
    assert_eq!(stand_in.fetches(), 2);
}

#[tokio::test]
async fn a_caller_who_goes_away_does_not_end_the_fetch() {
    let stand_in = StandIn::start(&[first()]).await;
    let impatient = tokio::time::timeout(Duration::from_millis(10), stand_in.refusal("a", 0)).await;
    assert!(impatient.is_err());
    assert_eq!(stand_in.refusal("a", 1).await, None);
    assert_eq!(stand_in.fetches(), 1);
}
