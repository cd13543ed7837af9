//! The sandbox's own signer against tokens and hashes that others have published.

use bitbucket_sandbox::{canonical_request, is_signed_with, query_string_hash};
use serde_json::Value;

/// Method, path, raw query, canonical request: from Atlassian's interoperability tests.
const CANONICAL: [(&str, &str, &str, &str); 5] = [
    ("GET", "/test", "title=1+%2B+1+equals+3", "GET&/test&title=1%20%2B%201%20equals%203"),
    ("get", "/test", "tuples=1%2C2%2C3&tuples=7%2C9%2C8&tuples=6%2C5%2C4", "GET&/test&tuples=1%2C2%2C3,6%2C5%2C4,7%2C9%2C8"),
    ("GET", "/test", "A=A&a=a&b=b&B=B&jwt=x.y.z", "GET&/test&A=A&B=B&a=a&b=b"),
    ("GET", "/endsWithDelimiter/", "", "GET&/endsWithDelimiter&"),
    ("GET", "/path!$&'()*+,;=", "a=b", "GET&/path!$%26'()*+,;=&a=b"),
];

#[test]
fn canonical_requests_are_as_published() {
    for (method, path, query, canonical) in CANONICAL {
        assert_eq!(canonical_request(method, path, query), canonical);
    }
    assert_eq!(canonical_request("GET", "", ""), "GET&/&");
}

#[test]
fn hashes_are_those_that_bitbucket_sent() {
    let iframe = "xdm_c=channel-61356ac9-d642-48c2-be40-332f61eb754b&xdm_e=https://bitbucket.org&crev=7278f871aa92/dist/connect/v5\
        &repo=dimtass/stm32f746-x-cube-ai-mnist&cset=d89704fffc8d0d33cbc746259f98985fb8f89caf&name=MNIST-TensorFlow.ipynb\
        &path=jupyter_notebook/MNIST-TensorFlow.ipynb";
    for (method, path, query, hash) in [
        ("POST", "/bitbucket/webhook/", "", "dbcf4dcadc2373d44fff39fd9ecf9442792238144d029aa2502f63a9b6ed6393"),
        ("POST", "/bitbucket/install", "", "558563f29d5457e68521c3a1aa2caf0d46b7cf9820f1328a184cb75cc2bd656b"),
        ("POST", "/bitbucket/uninstall", "", "6a8804c6201d2999836a35c283c608338960c209911010870013877dc74cac04"),
        ("GET", "/notebook", iframe, "ac15bb473fe71de496d7a20b3b17efb0261e76059830da0d13462b8d89d0e6b5"),
    ] {
        assert_eq!(query_string_hash(&canonical_request(method, path, query)), hash, "{path}");
    }
}

#[test]
fn every_published_vector_passes() {
    let Some(official) = vectors("qsh-official.json") else {
        return;
    };
    let secret = official["secret"].as_str().unwrap();
    for test in official["tests"].as_array().unwrap() {
        check(test, "GET", test["signed_url"].as_str().unwrap());
        let token = test["signed_url"].as_str().unwrap().split_once("jwt=").unwrap().1;
        assert!(is_signed_with(token, secret), "{test}");
    }
    let Some(table) = vectors("qsh-bitbucket-table.json") else {
        return;
    };
    for test in table["tests"].as_array().unwrap() {
        check(test, test["method"].as_str().unwrap(), test["url"].as_str().unwrap());
    }
}

fn check(test: &Value, method: &str, url: &str) {
    let (_, path_and_query) = url.split_once("://").unwrap().1.split_once('/').unwrap();
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let canonical = canonical_request(method, path, query);
    assert_eq!(canonical, test["canonical"].as_str().unwrap(), "{}", test["name"]);
    assert_eq!(query_string_hash(&canonical), test["qsh"].as_str().unwrap(), "{}", test["name"]);
}

fn vectors(file: &str) -> Option<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/vectors/");
    let text = std::fs::read_to_string(format!("{folder}{file}"));
    if text.is_err() {
        eprintln!("skipped: {file} is not here");
    }
    serde_json::from_str(&text.ok()?).ok()
}
