//! Whose token it is, and when it counts.

use super::*;

#[test]
fn issuer_and_audience_must_be_the_client_key() {
    for (claims, expected) in [
        (claims_with("iss", json!("connection:1")), Refusal::IssuerMismatch),
        (claims_with("iss", json!([CLIENT_KEY])), Refusal::Claims),
        (claims_with("iss", json!("a b")), Refusal::Claims),
        (claims_with("iss", json!("a".repeat(256))), Refusal::Claims),
        (claims_without("iss"), Refusal::Claims),
        (claims_with("aud", json!("clarityloop")), Refusal::Audience),
        (claims_with("aud", json!([CLIENT_KEY, "clarityloop"])), Refusal::Audience),
        (claims_with("aud", json!([])), Refusal::Audience),
        (claims_with("aud", Value::Null), Refusal::Audience),
        (claims_with("aud", json!(1)), Refusal::Audience),
    ] {
        assert_eq!(refusal(&sign(&claims)), Some(expected), "{claims}");
    }
    for claims in [claims_without("aud"), claims_with("aud", json!([CLIENT_KEY]))] {
        assert_eq!(refusal(&sign(&claims)), None, "{claims}");
    }
}

#[test]
fn times_must_be_there_and_be_numbers() {
    for name in ["iat", "exp"] {
        assert_eq!(refusal(&sign(&claims_without(name))), Some(Refusal::Claims));
        for value in [Value::Null, json!(NOW.to_string()), json!([NOW]), json!(true)] {
            assert_eq!(refusal(&sign(&claims_with(name, value))), Some(Refusal::Claims));
        }
    }
    for value in [Value::Null, json!("0")] {
        assert_eq!(refusal(&sign(&claims_with("nbf", value))), Some(Refusal::Claims));
    }
    assert_eq!(refusal(&sign(&claims_with("iat", json!(NOW as f64 + 0.5)))), None);
}

#[test]
fn clocks_may_differ_by_a_minute_and_no_more() {
    let token = sign(&claims());
    assert!(verify_at(&token, NOW + 360).is_ok());
    assert_eq!(verify_at(&token, NOW + 361), Err(Refusal::Expired));
    assert!(verify_at(&token, NOW - 60).is_ok());
    assert_eq!(verify_at(&token, NOW - 61), Err(Refusal::IssuedInFuture));

    assert_eq!(refusal(&sign(&claims_with("nbf", json!(NOW + 60)))), None);
    assert_eq!(refusal(&sign(&claims_with("nbf", json!(NOW + 61)))), Some(Refusal::NotYetValid));
}

#[test]
fn a_token_lives_a_day_at_most() {
    assert_eq!(refusal(&sign(&claims_with("exp", json!(NOW + LONGEST_LIFETIME_SECONDS)))), None);
    for expires_at in
        [json!(NOW + LONGEST_LIFETIME_SECONDS + 1), json!(NOW * 1000), json!(u64::MAX), json!(1e300), json!(NOW - 1)]
    {
        assert_eq!(refusal(&sign(&claims_with("exp", expires_at.clone()))), Some(Refusal::Lifetime), "{expires_at}");
    }
    assert_eq!(refusal(&sign(&claims_with("iat", json!(i64::MIN)))), Some(Refusal::Lifetime));
}
