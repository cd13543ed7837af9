//! The published vectors for the query string hash and for HS256 tokens, read from beside the repository where they are kept.
//! A handful of them stand in the unit tests of `connect`, which always run.

#![expect(clippy::expect_used, reason = "a vector that cannot be read must fail the test")]
#![expect(clippy::print_stdout, reason = "a test that is skipped must say so in its output")]

use std::{fs, path::Path};

use clarityloop_bitbucket::connect::{
    query::Query,
    query_string_hash::{canonical_request, query_string_hash},
    refusal::Refusal,
    token::{SignedRequest, VerificationKey, find_token, peek_client_key, verify},
};
use serde_json::Value;

/// When the tokens of the official vectors were made, in Unix seconds.
const OFFICIAL_CLOCK: i64 = 1_466_731_075;

fn vectors(name: &str) -> Option<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors").join(name);
    let Ok(text) = fs::read_to_string(&path) else {
        println!("skipped: no vectors at {}", path.display());
        return None;
    };
    Some(serde_json::from_str(&text).expect("vectors are JSON"))
}

fn text<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector[name].as_str().expect("a text")
}

fn path_and_query<'a>(url: &'a str, base: &str) -> (&'a str, Query) {
    let target = url.strip_prefix(base).expect("the base");
    let (path, raw) = target.split_once('?').unwrap_or((target, ""));
    (path, Query::parse(raw).expect("a query"))
}

#[test]
fn all_official_vectors_are_accepted_with_their_signatures() {
    let Some(vectors) = vectors("qsh-official.json") else {
        return;
    };
    let tests = vectors["tests"].as_array().expect("a list");
    assert_eq!(tests.len(), 78);
    let keys = [VerificationKey::new(text(&vectors, "secret"))];
    let wrong_keys = [VerificationKey::new("another secret")];

    for test in tests {
        let (path, query) = path_and_query(text(test, "signed_url"), text(&vectors, "base_url"));
        assert_eq!(canonical_request("GET", path, &query), text(test, "canonical"), "{}", test["name"]);
        assert_eq!(query_string_hash("GET", path, &query), text(test, "qsh"), "{}", test["name"]);

        let token = find_token([], &query).expect("a token");
        let client_key = peek_client_key(token).expect("an issuer");
        let request = SignedRequest { method: "GET", path, public_path: None, query: &query };
        let claims = verify(token, &client_key, &keys, &request, OFFICIAL_CLOCK);
        assert!(claims.is_ok_and(|claims| claims.issued_at == OFFICIAL_CLOCK), "{}", test["name"]);
        let refusal = verify(token, &client_key, &wrong_keys, &request, OFFICIAL_CLOCK).err();
        assert_eq!(refusal, Some(Refusal::Signature), "{}", test["name"]);
    }
}

#[test]
fn all_rows_of_the_table_have_their_hashes() {
    let Some(vectors) = vectors("qsh-bitbucket-table.json") else {
        return;
    };
    let tests = vectors["tests"].as_array().expect("a list");
    assert!(!tests.is_empty());

    for test in tests {
        let (path, query) = path_and_query(text(test, "url"), "http://example.com");
        let method = text(test, "method");
        assert_eq!(canonical_request(method, path, &query), text(test, "canonical"), "{}", test["name"]);
        assert_eq!(query_string_hash(method, path, &query), text(test, "qsh"), "{}", test["name"]);
    }
}
