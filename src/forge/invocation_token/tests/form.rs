//! What is a token at all, and what its header may say.

use super::*;

#[test]
fn every_other_algorithm_is_refused_before_a_key_is_looked_up() {
    for algorithm in ["none", "None", "HS256", "RS384", "RS512", "PS256", "ES256", "rs256", ""] {
        let header = json!({ "alg": algorithm, "kid": KEY_ID }).to_string();
        let token = sign_with(&header, &platform().to_string(), &PAIRS[0]);
        assert_eq!(peek_key_id(&token), Err(Refusal::Algorithm), "{algorithm}");
        assert_eq!(verify_at(&token, NOW), Err(Refusal::Algorithm), "{algorithm}");
    }
    let unsigned = format!("{}.", parts(&json!({ "alg": "none", "kid": KEY_ID }).to_string(), &platform().to_string()));
    assert_eq!(verify_at(&unsigned, NOW), Err(Refusal::Algorithm));
}

#[test]
fn the_public_key_is_no_secret_to_sign_with() {
    let components = PublicKeyComponents { n: modulus(&PAIRS[0]), e: [1, 0, 1].as_slice() };
    let spki = components.as_der().expect("an encoding").as_ref().to_vec();
    let pkcs1 = PAIRS[0].public_key().as_ref().to_vec();
    for secret in [spki, pkcs1, modulus(&PAIRS[0]).to_vec()] {
        for (algorithm, expected) in [("HS256", Refusal::Algorithm), ("RS256", Refusal::Signature)] {
            let signing_input = parts(&json!({ "alg": algorithm, "kid": KEY_ID }).to_string(), &platform().to_string());
            let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), signing_input.as_bytes());
            let token = format!("{signing_input}.{}", URL_SAFE_NO_PAD.encode(mac));
            assert_eq!(verify_at(&token, NOW), Err(expected));
        }
    }
}

#[test]
fn an_unusual_header_is_refused() {
    for header in [
        json!({ "alg": "RS256" }).to_string(),
        json!({ "alg": "RS256", "kid": null }).to_string(),
        json!({ "alg": "RS256", "kid": "" }).to_string(),
        json!({ "alg": "RS256", "kid": 7 }).to_string(),
        json!({ "alg": "RS256", "kid": "a b" }).to_string(),
        json!({ "alg": "RS256", "kid": "a".repeat(256) }).to_string(),
        json!({ "alg": "RS256", "kid": KEY_ID, "crit": ["exp"] }).to_string(),
        json!({ "alg": "RS256", "kid": KEY_ID, "crit": null }).to_string(),
        json!({ "alg": "RS256", "kid": KEY_ID, "typ": "JOSE" }).to_string(),
        json!({ "alg": ["RS256"], "kid": KEY_ID }).to_string(),
        json!({ "kid": KEY_ID }).to_string(),
        format!(r#"{{"alg":"RS256","alg":"none","kid":"{KEY_ID}"}}"#),
        format!(r#"["RS256","{KEY_ID}",null,null]"#),
        format!("{} x", header()),
        String::new(),
    ] {
        let token = sign_with(&header, &platform().to_string(), &PAIRS[0]);
        assert_eq!(peek_key_id(&token), Err(Refusal::Malformed), "{header}");
        assert_eq!(verify_at(&token, NOW), Err(Refusal::Malformed), "{header}");
    }
    let ordinary = json!({ "alg": "RS256", "kid": KEY_ID, "typ": "JWT" }).to_string();
    assert!(verify_at(&sign_with(&ordinary, &platform().to_string(), &PAIRS[0]), NOW).is_ok());
}

#[test]
fn what_is_not_a_token_is_malformed() {
    let token = sign(&platform());
    let huge = sign(&with(platform(), "/jti", json!("a".repeat(LONGEST_TOKEN_BYTES))));
    for text in ["", ".", "..", "a.b", "a.b.c.d", &format!("{token}="), &format!("{token}.x"), &format!(" {token}"), &huge] {
        assert_eq!(verify_at(text, NOW), Err(Refusal::Malformed));
        assert_eq!(peek_key_id(text), Err(Refusal::Malformed));
    }
    let stripped = token.rsplit_once('.').expect("three parts").0;
    assert_eq!(verify_at(&format!("{stripped}."), NOW), Err(Refusal::Signature));
}

#[test]
fn claims_that_stand_twice_or_are_no_object_are_malformed() {
    let twice = platform().to_string().replacen('{', r#"{"aud":"another","#, 1);
    for claims in [twice.as_str(), "[]", "null", "", "{"] {
        assert_eq!(verify_at(&sign_with(&header(), claims, &PAIRS[0]), NOW), Err(Refusal::Malformed), "{claims}");
    }
}

#[test]
fn one_token_in_one_header_is_found() {
    let long = format!("Bearer {}", "a".repeat(LONGEST_TOKEN_BYTES + 1));
    for (headers, expected) in [
        (vec!["Bearer x.y.z"], Ok("x.y.z")),
        (vec![], Err(Refusal::Missing)),
        (vec!["Bearer "], Err(Refusal::Missing)),
        (vec!["Bearer x.y.z", "Bearer x.y.z"], Err(Refusal::Repeated)),
        (vec!["Bearer x.y.z", "JWT x.y.z"], Err(Refusal::Repeated)),
        (vec!["JWT x.y.z"], Err(Refusal::Malformed)),
        (vec!["bearer x.y.z"], Err(Refusal::Malformed)),
        (vec!["x.y.z"], Err(Refusal::Malformed)),
        (vec![long.as_str()], Err(Refusal::Malformed)),
    ] {
        assert_eq!(find_token(headers.iter().map(|header| header.as_bytes())), expected, "{headers:?}");
    }
    assert_eq!(find_token([b"Bearer \xff".as_slice()]), Err(Refusal::Malformed));
}
