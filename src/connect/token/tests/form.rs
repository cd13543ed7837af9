//! What is a token at all, and where it may stand.

use super::*;

#[test]
fn every_other_algorithm_is_refused_before_anything_is_looked_up() {
    for algorithm in ["none", "None", "HS512", "HS384", "RS256", "ES256", "hs256", ""] {
        let header = json!({ "alg": algorithm, "typ": "JWT" }).to_string();
        let token = sign_with(&header, &claims().to_string(), SECRET);
        assert_eq!(peek_client_key(&token), Err(Refusal::Algorithm), "{algorithm}");
        assert_eq!(refusal(&token), Some(Refusal::Algorithm), "{algorithm}");
    }
}

#[test]
fn an_unusual_header_is_refused() {
    for header in [
        r#"{"alg":"HS256","crit":["exp"]}"#,
        r#"{"alg":"HS256","crit":null}"#,
        r#"{"alg":"HS256","typ":"JOSE"}"#,
        r#"{"alg":"HS256","alg":"none"}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"typ":"JWT"}"#,
        r#"["HS256","JWT",null]"#,
        r#"{"alg":"HS256"} x"#,
        "",
    ] {
        let token = sign_with(header, &claims().to_string(), SECRET);
        assert_eq!(peek_client_key(&token), Err(Refusal::Malformed), "{header}");
    }
}

#[test]
fn what_is_not_a_token_is_malformed() {
    let token = sign(&claims());
    for text in [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c.d",
        &format!("{token}="),
        &format!("{token}.x"),
        &format!(" {token}"),
        &"a".repeat(LONGEST_TOKEN_BYTES + 1),
    ] {
        assert_eq!(refusal(text), Some(Refusal::Malformed), "{text}");
    }
    let twice = claims().to_string().replacen('{', r#"{"iss":"connection:1","#, 1);
    assert_eq!(refusal(&sign_with(r#"{"alg":"HS256"}"#, &twice, SECRET)), Some(Refusal::Malformed));
}

#[test]
fn a_stripped_signature_is_refused() {
    let token = sign(&claims());
    let (signing_input, _) = token.rsplit_once('.').expect("three parts");
    assert_eq!(refusal(&format!("{signing_input}.")), Some(Refusal::Signature));
}

#[test]
fn one_token_in_one_place_is_found() {
    let nothing = Query::parse("a=b").expect("a query");
    let in_query = Query::parse("a=b&jwt=x.y.z").expect("a query");
    let twice = Query::parse("jwt=x.y.z&jwt=x.y.z").expect("a query");
    let empty = Query::parse("jwt=").expect("a query");
    let long = format!("JWT {}", "a".repeat(LONGEST_TOKEN_BYTES + 1));

    for (headers, query, expected) in [
        (vec!["JWT x.y.z"], &nothing, Ok("x.y.z")),
        (vec![], &in_query, Ok("x.y.z")),
        (vec![], &nothing, Err(Refusal::Missing)),
        (vec![], &empty, Err(Refusal::Missing)),
        (vec!["JWT "], &nothing, Err(Refusal::Missing)),
        (vec!["JWT x.y.z"], &in_query, Err(Refusal::Repeated)),
        (vec!["JWT x.y.z"], &empty, Err(Refusal::Repeated)),
        (vec!["Basic eDp5"], &in_query, Err(Refusal::Repeated)),
        (vec!["JWT x.y.z", "JWT x.y.z"], &nothing, Err(Refusal::Repeated)),
        (vec![], &twice, Err(Refusal::Repeated)),
        (vec!["Bearer x.y.z"], &nothing, Err(Refusal::Malformed)),
        (vec!["jwt x.y.z"], &nothing, Err(Refusal::Malformed)),
        (vec!["x.y.z"], &nothing, Err(Refusal::Malformed)),
        (vec![long.as_str()], &nothing, Err(Refusal::Malformed)),
    ] {
        assert_eq!(find_token(headers.iter().map(|header| header.as_bytes()), query), expected, "{headers:?}");
    }
    assert_eq!(find_token([b"JWT \xff".as_slice()], &nothing), Err(Refusal::Malformed));
}

#[test]
fn one_token_has_one_fingerprint_however_its_signature_is_written() {
    let token = sign(&claims());
    let fingerprint = token_fingerprint(&token);
    assert_eq!(fingerprint.len(), 64);
    assert_eq!(token_fingerprint(&format!("{token}=")), fingerprint);
    assert_ne!(token_fingerprint(&sign(&claims_with("iat", json!(NOW + 1)))), fingerprint);
}
