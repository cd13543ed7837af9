use proptest::prelude::*;

use super::*;

fn canonical(method: &str, target: &str) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    canonical_request(method, path, &Query::parse(query).expect("a query"))
}

fn hash(method: &str, target: &str) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    query_string_hash(method, path, &Query::parse(query).expect("a query"))
}

/// From Atlassian's JwtSigningInteroperabilityTest; all 78 stand in `tests/vectors.rs`.
#[test]
fn published_vectors_have_their_canonical_requests() {
    for (target, expected) in [
        ("/test?param=some+spaces+in+this+parameter", "GET&/test&param=some%20spaces%20in%20this%20parameter"),
        ("/test?director=%E5%AE%AE%E5%B4%8E+%E9%A7%BF", "GET&/test&director=%E5%AE%AE%E5%B4%8E%20%E9%A7%BF"),
        ("/test?title=1+%2B+1+equals+3", "GET&/test&title=1%20%2B%201%20equals%203"),
        ("/test?rfc=%24-_.%2B%21*%27%28%29%2C", "GET&/test&rfc=%24-_.%2B%21%2A%27%28%29%2C"),
        ("/test?eta=in+%7E3+days", "GET&/test&eta=in%20~3%20days"),
        ("/test?tuples=1%2C2%2C3&tuples=6%2C5%2C4&tuples=7%2C9%2C8", "GET&/test&tuples=1%2C2%2C3,6%2C5%2C4,7%2C9%2C8"),
        ("/test?ids=-1&ids=1&ids=20&ids=2&ids=10", "GET&/test&ids=-1,1,10,2,20"),
        ("/test?ids=.1&ids=.2&ids=%3A1&ids=%3A2", "GET&/test&ids=.1,.2,%3A1,%3A2"),
        ("/test?c=&c=+&c=%2520&c=%2B", "GET&/test&c=,%20,%2520,%2B"),
        ("/test?a10=1&a1=2&b1=3&b10=4", "GET&/test&a1=2&a10=1&b1=3&b10=4"),
        ("/test?A=A&a=a&b=b&B=B", "GET&/test&A=A&B=B&a=a&b=b"),
        ("/test?notmuch=&jwt=a.b.c", "GET&/test&notmuch="),
        ("/endsWithDelimiter/?a=b", "GET&/endsWithDelimiter&a=b"),
        ("/path-._~?a=b", "GET&/path-._~&a=b"),
        ("/path!$&'()*+,;=?a=b", "GET&/path!$%26'()*+,;=&a=b"),
        ("/", "GET&/&"),
        ("//", "GET&/&"),
        ("", "GET&/&"),
    ] {
        assert_eq!(canonical("get", target), expected);
    }
}

/// Hashes in tokens that Bitbucket itself made.
#[test]
fn captured_requests_of_bitbucket_have_their_hashes() {
    let panel = "/notebook?repo=dimtass%2Fstm32f746-x-cube-ai-mnist&cset=d89704fffc8d0d33cbc746259f98985fb8f89caf\
        &name=MNIST-TensorFlow.ipynb&path=jupyter_notebook%2FMNIST-TensorFlow.ipynb\
        &xdm_c=channel-61356ac9-d642-48c2-be40-332f61eb754b&xdm_e=https%3A%2F%2Fbitbucket.org\
        &crev=7278f871aa92%2Fdist%2Fconnect%2Fv5&jwt=a.b.c";
    for (method, target, expected) in [
        ("POST", "/bitbucket/webhook/", "dbcf4dcadc2373d44fff39fd9ecf9442792238144d029aa2502f63a9b6ed6393"),
        ("POST", "/bitbucket/install/", "558563f29d5457e68521c3a1aa2caf0d46b7cf9820f1328a184cb75cc2bd656b"),
        ("POST", "/bitbucket/uninstall/", "6a8804c6201d2999836a35c283c608338960c209911010870013877dc74cac04"),
        ("GET", panel, "ac15bb473fe71de496d7a20b3b17efb0261e76059830da0d13462b8d89d0e6b5"),
    ] {
        assert_eq!(hash(method, target), expected);
    }
}

#[test]
fn the_path_is_taken_as_it_was_requested() {
    assert_eq!(canonical("GET", "/a%2Fb/%7Bc%7D/%2e%2e"), "GET&/a%2Fb/%7Bc%7D/%2e%2e&");
}

#[test]
fn names_and_values_are_sorted_by_their_utf16_code_units() {
    let (early, late) = ("%F0%9F%98%80", "%EF%BC%A1");
    let target = format!("/x?{late}=1&{early}={late}&{early}={early}");
    let expected = format!("GET&/x&{early}={early},{late}&{late}=1");
    assert_eq!(canonical("GET", &target), expected);
}

#[test]
fn only_the_parameter_that_holds_the_token_is_left_out() {
    assert_eq!(canonical("GET", "/x?jwt=1&JWT=2&jwt[]=3&xdm_e=4"), "GET&/x&JWT=2&jwt%5B%5D=3&xdm_e=4");
}

fn any_pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    proptest::collection::vec((".{0,6}", ".{0,12}"), 0..12)
}

fn encoded(pairs: &[(String, String)]) -> String {
    let mut raw = String::new();
    for (name, value) in pairs {
        raw.push('&');
        push_encoded(&mut raw, name);
        raw.push('=');
        push_encoded(&mut raw, value);
    }
    raw
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded_to_the_same(pairs in any_pairs()) {
        let query = Query::parse(&encoded(&pairs)).expect("well encoded");
        let read: Vec<_> = query.pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        prop_assert_eq!(read, pairs);
    }

    #[test]
    fn the_order_of_parameters_makes_no_difference((one, other) in any_pairs()
        .prop_flat_map(|pairs| (Just(pairs.clone()), Just(pairs).prop_shuffle())))
    {
        let one = Query::parse(&encoded(&one)).expect("well encoded");
        let other = Query::parse(&encoded(&other)).expect("well encoded");
        prop_assert_eq!(canonical_request("GET", "/panel", &one), canonical_request("GET", "/panel", &other));
    }

    #[test]
    fn a_changed_value_changes_the_hash(mut pairs in any_pairs(), at in any::<prop::sample::Index>(), more in ".{1,4}") {
        prop_assume!(pairs.iter().any(|(name, _)| name != "jwt"));
        let one = Query::parse(&encoded(&pairs)).expect("well encoded");
        let before = query_string_hash("GET", "/panel", &one);
        let at = at.index(pairs.len());
        prop_assume!(pairs[at].0 != "jwt");
        pairs[at].1.push_str(&more);
        let other = Query::parse(&encoded(&pairs)).expect("well encoded");
        prop_assert_ne!(before, query_string_hash("GET", "/panel", &other));
    }
}
