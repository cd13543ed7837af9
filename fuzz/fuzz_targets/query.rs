//! Any query is either refused or read without loss: its canonical form is one that says the same, in an order of its own,
//! and holds nothing of the token.
#![no_main]

#[path = "../../src/connect"]
mod connect {
    pub mod query;
    pub mod query_string_hash;
}

use std::collections::HashMap;

use connect::query::{LONGEST_QUERY_BYTES, MOST_PAIRS, Query};
use connect::query_string_hash::{canonical_request, query_string_hash};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str)| {
    let (raw, path) = input;
    let Ok(query) = Query::parse(raw) else { return };
    let pairs: Vec<(&str, &str)> = query.pairs().collect();

    assert!(raw.len() <= LONGEST_QUERY_BYTES && pairs.len() <= MOST_PAIRS);
    a_parameter_is_read_once_or_not_at_all(&query, &pairs);
    the_canonical_form_does_not_depend_on_the_order(&query, &pairs, path);
    the_canonical_form_says_the_same(&query, &pairs, path);
});

fn a_parameter_is_read_once_or_not_at_all(query: &Query, pairs: &[(&str, &str)]) {
    for (name, _) in pairs {
        let values: Vec<&str> = pairs
            .iter()
            .filter(|(other, _)| other == name)
            .map(|(_, value)| *value)
            .collect();
        match query.parameter(name) {
            Ok(Some(value)) => assert_eq!(values, [value]),
            Ok(None) => {
                assert!(values == [""] || (values.len() == 1 && values[0].starts_with('{')))
            }
            Err(_) => assert!(values.len() > 1),
        }
    }
}

fn the_canonical_form_does_not_depend_on_the_order(
    query: &Query,
    pairs: &[(&str, &str)],
    path: &str,
) {
    let reversed = Query::from_pairs(pairs.iter().rev().copied());
    assert_eq!(
        query_string_hash("GET", path, query),
        query_string_hash("get", path, &reversed)
    );
}

fn the_canonical_form_says_the_same(query: &Query, pairs: &[(&str, &str)], path: &str) {
    let canonical = canonical_request("GET", path, query);
    let parts: Vec<&str> = canonical.splitn(3, '&').collect();
    assert_eq!(parts[0], "GET");
    assert!(parts[1].starts_with('/'));

    let mut read: HashMap<String, Vec<String>> = HashMap::new();
    for parameter in parts[2]
        .split('&')
        .filter(|parameter| !parameter.is_empty())
    {
        let (name, values) = parameter.split_once('=').expect("a name");
        let values = values.split(',').map(decoded).collect();
        assert!(
            read.insert(decoded(name), values).is_none(),
            "a name comes once"
        );
    }
    let mut sent: HashMap<String, Vec<String>> = HashMap::new();
    for (name, value) in pairs.iter().filter(|(name, _)| *name != "jwt") {
        sent.entry((*name).to_owned())
            .or_default()
            .push((*value).to_owned());
    }
    // Which order the values are in is for the unit tests.
    read.values_mut()
        .chain(sent.values_mut())
        .for_each(|values| values.sort());
    assert_eq!(read, sent);
}

fn decoded(encoded: &str) -> String {
    assert!(
        encoded
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte))
    );
    // As a value, because an empty name would not be a pair of its own.
    let query = Query::parse(&format!("value={encoded}")).expect("well encoded");
    query.pairs().next().expect("one pair").1.to_owned()
}
