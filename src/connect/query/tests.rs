use super::*;

fn pairs(raw: &str) -> Vec<(String, String)> {
    Query::parse(raw).expect("a query").pairs
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn pairs_are_decoded_and_keep_their_order() {
    assert_eq!(
        pairs("b=1+%2B+1&a=%e5%AE%AE&&c&=d&b=x=y"),
        [pair("b", "1 + 1"), pair("a", "宮"), pair("c", ""), pair("", "d"), pair("b", "x=y")]
    );
    assert_eq!(pairs(""), []);
}

#[test]
fn what_is_not_percent_encoded_utf8_is_refused() {
    for raw in ["%", "a=%2", "a=%zz", "a=%+1", "%é=1"] {
        assert_eq!(Query::parse(raw), Err(QueryError::MalformedEncoding), "{raw}");
    }
    for raw in ["a=%ff", "a=%e5%ae", "%c0%80=1", "a=%ed%a0%80"] {
        assert_eq!(Query::parse(raw), Err(QueryError::NotUtf8), "{raw}");
    }
}

#[test]
fn a_query_has_at_most_a_hundred_pairs_and_eight_kibibytes() {
    assert!(Query::parse(&["a=1"; MOST_PAIRS].join("&")).is_ok());
    assert_eq!(Query::parse(&["a=1"; MOST_PAIRS + 1].join("&")), Err(QueryError::TooManyPairs));
    assert!(Query::parse(&"a".repeat(LONGEST_QUERY_BYTES)).is_ok());
    assert_eq!(Query::parse(&"a".repeat(LONGEST_QUERY_BYTES + 1)), Err(QueryError::TooLong));
}

#[test]
fn a_parameter_that_comes_twice_is_refused_when_it_is_read() {
    let query = Query::parse("account=a&pull_request=1&pull_request=1&acc%6Funt=").expect("a query");
    for name in ["account", "pull_request"] {
        assert_eq!(query.parameter(name), Err(RepeatedParameter { name: name.to_owned() }));
    }
    assert_eq!(query.parameter("workspace"), Ok(None));
}

#[test]
fn a_bracketed_or_differently_written_name_is_another_name() {
    let query = Query::parse("account=a&account[]=b&account%5B0%5D=c&Account=d&account%20=e").expect("a query");
    assert_eq!(query.parameter("account"), Ok(Some("a")));
    assert_eq!(query.parameter("account[]"), Ok(Some("b")));
}

#[test]
fn an_empty_value_and_an_unreplaced_placeholder_count_as_absent() {
    let raw = "a=&b&c=%7Buser.account_id%7D&d={repo_path}&e={}";
    let query = Query::parse(raw).expect("a query");
    for name in ["a", "b", "c", "d", "e"] {
        assert_eq!(query.parameter(name), Ok(None), "{name}");
    }
}

#[test]
fn a_uuid_in_braces_and_a_text_with_braces_are_values() {
    let query = Query::parse("a=%7Bacf54878-51be-473e-bf0b-0fbb12e011ad%7D&b={x}+and+{y}&c={x").expect("a query");
    assert_eq!(query.parameter("a"), Ok(Some("{acf54878-51be-473e-bf0b-0fbb12e011ad}")));
    assert_eq!(query.parameter("b"), Ok(Some("{x} and {y}")));
    assert_eq!(query.parameter("c"), Ok(Some("{x")));
}

#[test]
fn debug_output_and_errors_show_no_value() {
    let query = Query::parse("jwt=secret-token&title=private").expect("a query");
    assert_eq!(format!("{query:?}"), r#"["jwt", "title"]"#);
    let error = Query::parse("jwt=secret%ff").expect_err("not UTF-8");
    assert!(!format!("{error:?} {error} {}", error.code()).contains("secret"));
}
