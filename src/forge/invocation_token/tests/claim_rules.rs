//! Whose token it is, when it counts, and what it must name.

use super::*;

#[test]
fn issuer_audience_and_app_must_be_forge_and_this_app() {
    for (pointer, value, expected) in [
        ("/iss", json!("forge/invocation-token/staging"), Refusal::Issuer),
        ("/iss", json!("https://forge.cdn.stg.atlassian-dev.net"), Refusal::Issuer),
        ("/iss", json!(["forge/invocation-token"]), Refusal::Issuer),
        ("/iss", Value::Null, Refusal::Issuer),
        ("/aud", json!(OTHER_APP), Refusal::Audience),
        ("/aud", json!([APP]), Refusal::Audience),
        ("/aud", json!([APP, OTHER_APP]), Refusal::Audience),
        ("/aud", json!(APP.rsplit('/').next()), Refusal::Audience),
        ("/aud", json!(format!("{APP}/")), Refusal::Audience),
        ("/aud", Value::Null, Refusal::Audience),
        ("/app/id", json!(OTHER_APP), Refusal::App),
        ("/app/id", json!([APP]), Refusal::Claims),
        ("/app", json!(APP), Refusal::Claims),
        ("/app", Value::Null, Refusal::Claims),
    ] {
        assert_eq!(refusal(&with(platform(), pointer, value.clone())), Some(expected), "{pointer} {value}");
    }
    for pointer in ["/iss", "/aud", "/app", "/app/id", "/app/environment", "/iat", "/exp"] {
        assert_eq!(refusal(&without(platform(), pointer)), Some(Refusal::Claims), "{pointer}");
    }
}

#[test]
fn clocks_may_differ_by_five_seconds_and_no_more() {
    let token = sign(&platform());
    assert!(verify_at(&token, NOW + 30).is_ok());
    assert_eq!(verify_at(&token, NOW + 31), Err(Refusal::Expired));
    assert!(verify_at(&token, NOW - 5).is_ok());
    assert_eq!(verify_at(&token, NOW - 6), Err(Refusal::IssuedInFuture));
    assert_eq!(refusal(&with(platform(), "/nbf", json!(NOW + 5))), None);
    assert_eq!(refusal(&with(platform(), "/nbf", json!(NOW + 6))), Some(Refusal::NotYetValid));
    assert_eq!(refusal(&without(platform(), "/nbf")), None);
}

#[test]
fn times_are_numbers_and_a_token_lives_five_minutes_at_most() {
    for name in ["/iat", "/exp", "/nbf"] {
        for value in [Value::Null, json!(NOW.to_string()), json!([NOW]), json!(true)] {
            assert_eq!(refusal(&with(platform(), name, value)), Some(Refusal::Claims), "{name}");
        }
    }
    assert_eq!(refusal(&with(platform(), "/exp", json!(NOW + LONGEST_LIFETIME_SECONDS))), None);
    for exp in [json!(NOW + LONGEST_LIFETIME_SECONDS + 1), json!(u64::MAX), json!(1e300), json!(NOW - 1)] {
        assert_eq!(refusal(&with(platform(), "/exp", exp.clone())), Some(Refusal::Lifetime), "{exp}");
    }
    assert_eq!(refusal(&with(platform(), "/iat", json!(i64::MIN))), Some(Refusal::Lifetime));
    assert_eq!(refusal(&with(platform(), "/exp", json!(NOW as f64 + 25.5))), None);
}

#[test]
fn only_the_accepted_environments_are_served() {
    for (environment, accepted, expected) in [
        ("PRODUCTION", &["PRODUCTION"][..], None),
        ("DEVELOPMENT", &["PRODUCTION"], Some(Refusal::Environment)),
        ("STAGING", &["PRODUCTION", "DEVELOPMENT"], Some(Refusal::Environment)),
        ("DEVELOPMENT", &["PRODUCTION", "DEVELOPMENT"], None),
        ("PRODUCTION", &["PRODUCTION", "DEVELOPMENT"], None),
        ("production", &["PRODUCTION"], Some(Refusal::Environment)),
        ("PRODUCTION", &[], Some(Refusal::Environment)),
    ] {
        let token = sign(&with(platform(), "/app/environment/type", json!(environment)));
        assert_eq!(verify_in(&token, accepted, NOW).err(), expected, "{environment} {accepted:?}");
    }
    assert_eq!(refusal(&with(platform(), "/icLabel", json!("ic-1"))), Some(Refusal::IsolatedCloud));
}

#[test]
fn an_installation_is_named_once_or_twice_alike() {
    for claims in [
        without(platform(), "/app/installation/id"),
        without(platform(), "/app/installationId"),
        with(platform(), "/app/installationId", json!(INSTALLATION.to_string())),
    ] {
        assert_eq!(read(&claims).map(|read| read.installation), Ok(INSTALLATION), "{claims}");
    }
    let other = "ari:cloud:ecosystem::installation/99999999-2222-4333-8444-555555555555";
    for value in [json!(other), json!("x"), json!(7), Value::Null, json!(APP)] {
        assert_eq!(refusal(&with(platform(), "/app/installationId", value.clone())), Some(Refusal::Claims), "{value}");
    }
    assert_eq!(refusal(&without(without(platform(), "/app/installation/id"), "/app/installationId")), Some(Refusal::Claims));
}

#[test]
fn the_workspace_is_found_wherever_forge_writes_it() {
    let elsewhere = json!([
        { "name": "jira", "workspaceId": "99999999-1d0e-4b8b-9a3e-6a1f0e5d2c11" },
        { "name": "bitbucket", "workspaceId": WORKSPACE.to_string() },
    ]);
    let installed = format!("ari:cloud:bitbucket::workspace/{WORKSPACE}");
    let bare = without(platform(), "/app/installation/contexts");
    for claims in [
        platform(),
        with(platform(), "/app/installation/contexts", elsewhere),
        with(platform(), "/context", Value::Null),
        with(bare.clone(), "/context", json!({ "workspaceId": WORKSPACE.braced().to_string() })),
        with(bare.clone(), "/context", json!({ "installContext": installed })),
        with(bare.clone(), "/context", json!({ "workspaceId": null, "installContext": installed })),
    ] {
        assert_eq!(read(&claims).map(|read| read.workspace), Ok(WORKSPACE), "{claims}");
    }
    for context in [Value::Null, json!({}), json!({ "workspaceId": 7 }), json!({ "workspaceId": "x" }), json!("x"), json!([])] {
        assert_eq!(refusal(&with(bare.clone(), "/context", context.clone())), Some(Refusal::Claims), "{context}");
    }
}
