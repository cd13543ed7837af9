//! What answers mean.

use proptest::prelude::*;

use super::*;

fn of(status: u16, body: &str) -> Failure {
    Failure::of_answer(StatusCode::from_u16(status).unwrap(), body.as_bytes())
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn the_scopes_a_call_lacks_are_read_from_an_object_and_a_plain_detail_is_tolerated() {
    let body = r#"{"type":"error","error":{"message":"m","detail":{"granted":["account"],"required":["account","repository"]}}}"#;
    let failure = of(403, body);
    let (required, granted) = (strings(&["account", "repository"]), strings(&["account"]));
    assert_eq!(failure, Failure::MissingScopes { required, granted });
    assert!(failure.remedy().contains("the scope repository."), "{}", failure.remedy());
    for body in [r#"{"error":{"detail":"no"}}"#, "plain text", "", "<html>no</html>", "[1]", r#"{"error":{"detail":{}}}"#] {
        assert_eq!(of(403, body), Failure::Forbidden { because: Barrier::Unsaid }, "{body}");
    }
}

#[test]
fn what_stands_in_the_way_is_told_apart_where_bitbucket_says_so() {
    for (body, because) in [
        ("To access this repository, an admin must whitelist your IP.", Barrier::IpAllowList),
        (r#"{"error":{"message":"You must enable two-step verification to access this."}}"#, Barrier::TwoStepVerification),
        (r#"{"error":{"message":"Upgrade to Premium to use this."}}"#, Barrier::Plan),
    ] {
        assert_eq!(of(403, body), Failure::Forbidden { because }, "{body}");
    }
    assert_eq!(of(402, ""), Failure::Forbidden { because: Barrier::Plan });
}

#[test]
fn what_atlassian_removed_names_its_announcement_and_a_deleted_workspace_is_another_thing() {
    let body = |data: &str| {
        format!(r#"{{"type":"error","error":{{"message":"CHANGE-2770 - Functionality has been deprecated","data":{data}}}}}"#)
    };
    let url = "https://developer.atlassian.com/cloud/bitbucket/changelog/#CHANGE-2770";
    let removed = |url: &str| Failure::Removed { announcement: Some(url.to_owned()) };
    let community = "https://community.atlassian.com/x";
    assert_eq!(of(410, &body(&format!(r#"{{"announcement_url":"{community}"}}"#))), removed(community));
    for evil in ["javascript:alert(1)", "https://evil.example/", "https://x@evil.atlassian.com/", "http://www.atlassian.com/"] {
        assert_eq!(of(410, &body(&format!(r#"{{"announcement_url":"{evil}"}}"#))), removed(url), "{evil}");
    }
    assert_eq!(of(410, "gone"), Failure::Removed { announcement: None });
    assert_eq!(of(410, r#"{"error":{"message":"This workspace has been deleted"}}"#), Failure::WorkspaceDeleted);
}

#[test]
fn search_that_is_off_is_told_apart_from_what_is_not_there() {
    let off = "Search is not enabled for the requested workspace, navigate to https://bitbucket.org/search to turn it on";
    let body = format!(r#"{{"type":"error","error":{{"message":"{off}"}}}}"#);
    assert_eq!(of(404, &body), Failure::NotEnabled { what: Feature::CodeSearch });
    assert_eq!(of(404, r#"{"error":{"message":"Resource not found"}}"#), Failure::NotFound);
}

#[test]
fn a_refusal_says_what_bitbucket_says_of_each_field() {
    let body = r#"{"type":"error","error":{"message":"Bad request","fields":{"reviewers":["Malformed reviewers list"],"title":"too\nlong"}}}"#;
    let Failure::Refused { status: 400, message, fields } = of(400, body) else { panic!("a refusal") };
    let pair = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    assert_eq!(message.as_deref(), Some("Bad request"));
    assert_eq!(fields, [pair("reviewers", "Malformed reviewers list"), pair("title", "too long")]);
    assert_eq!(
        of(400, body).remedy(),
        "Bitbucket refused this: Bad request; reviewers: Malformed reviewers list; title: too long. Change that and try again."
    );
}

#[test]
fn what_a_token_endpoint_answers_says_whether_the_consumer_or_the_grant_is_wrong() {
    assert_eq!(of(400, r#"{"error":"unauthorized_client"}"#), Failure::NotAuthorised);
    assert_eq!(of(400, r#"{"error":"invalid_grant","error_description":"x"}"#), Failure::GrantEnded);
    assert_eq!(of(400, r#"{"error":"invalid_request","error_description":"Invalid refresh_token"}"#), Failure::GrantEnded);
    let other = of(400, r#"{"error":"invalid_request","error_description":"Invalid redirect_uri"}"#);
    assert!(matches!(&other, Failure::Refused { message: Some(text), .. } if text == "Invalid redirect_uri"));
    assert!(other.remedy_when(Doing::FetchingToken).contains("callback address"));
    assert!(Failure::GrantEnded.remedy_when(Doing::RefreshingToken).contains("not used for three months"));
}

#[test]
fn only_what_may_pass_is_tried_again() {
    for (status, passes) in
        [(500, true), (502, true), (503, true), (408, true), (555, false), (400, false), (404, false), (302, false)]
    {
        assert_eq!(of(status, "").is_passing(), passes, "{status}");
    }
}

#[test]
fn whoever_asked_us_is_told_when_to_ask_again_only_where_that_may_help() {
    let passing = Error::from(Failure::RateLimited { after_seconds: Some(300) });
    assert_eq!((passing.kind, passing.retry_after_seconds), (Kind::Upstream, Some(300)));
    let missing = Error::from(of(403, r#"{"error":{"detail":{"required":["pipeline"]}}}"#));
    assert_eq!((missing.kind, missing.code, missing.retry_after_seconds), (Kind::Forbidden, "bitbucket_missing_scopes", None));
    assert!(missing.detail.contains("lacks the scope pipeline."));
    assert_eq!(Error::from(Failure::NotAuthorised).kind, Kind::Conflict);
}

proptest! {
    #[test]
    fn any_body_is_read_and_what_is_said_stays_short_and_on_one_line(body in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let said = ErrorBody::read(&body);
        if let Some(message) = said.message {
            prop_assert!(message.chars().count() <= 300 && !message.chars().any(char::is_control));
        }
    }
}
