//! Two implementations of the canonical request, written apart, agree on whatever the server's own reads at all.

use bitbucket_sandbox::canonical_request as written_apart;
use clarityloop_bitbucket::connect::query::Query;
use clarityloop_bitbucket::connect::query_string_hash::canonical_request;
use proptest::prelude::*;

const CASES: u32 = 4_000;

/// What queries are put together from: separators, escapes in both cases, half escapes, names that repeat and that only look so.
const PIECES: &str = "& & & = = a a b A jwt jwt= %6awt JWT a[] a%5B%5D %61 + %20 %2B %26 %3D %2C , %25 %2525 %7B {user.account_id} \
    ~ %7E * ' ( ! . - _ / ? : @ %C3%A9 %c3%a9 é 日本 %F0%9F%98%80 😀 \u{ffff} \u{e000} %00 ; | %";

fn piece() -> impl Strategy<Value = String> {
    let fixed: Vec<&str> = PIECES.split(' ').collect();
    prop_oneof![
        8 => prop::sample::select(fixed).prop_map(str::to_owned),
        1 => any::<char>().prop_filter("a fragment begins elsewhere", |letter| *letter != '#').prop_map(String::from),
        1 => any::<u8>().prop_map(|byte| format!("%{byte:02X}")),
    ]
}

fn text(most_pieces: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..most_pieces).prop_map(|pieces| pieces.concat())
}

fn path() -> impl Strategy<Value = String> {
    let segment =
        prop_oneof![Just("connect"), Just("panel"), Just(""), Just("a&b"), Just("%26"), Just("%7b"), Just("é"), Just("a+b")];
    (any::<bool>(), prop::collection::vec(segment, 0..5), any::<bool>()).prop_map(|(begins, segments, ends)| {
        let slash = |wanted: bool| if wanted { "/" } else { "" };
        format!("{}{}{}", slash(begins), segments.join("/"), slash(ends))
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES,
        max_global_rejects: CASES * 10,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn both_implementations_agree_on_every_request_that_is_read(
        method in prop::sample::select(vec!["GET", "get", "POST", "Put", "DELETE"]),
        path in path(),
        query in text(24),
    ) {
        let parsed = Query::parse(&query);
        prop_assume!(parsed.is_ok());
        let ours = parsed.map(|parsed| canonical_request(method, &path, &parsed)).unwrap_or_default();
        prop_assert_eq!(ours, written_apart(method, &path, &query));
    }
}
