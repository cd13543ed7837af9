use chrono::{TimeZone as _, Utc};

use super::*;
use crate::config::Random;
use crate::connections::purposes::Purpose;

fn now() -> Now {
    Now::new(Utc.with_ymd_and_hms(2026, 11, 27, 12, 0, 0).unwrap(), Random::system())
}

fn typed(kind: &str) -> Typed {
    Typed {
        name: "Ledger".to_owned(),
        kind: kind.to_owned(),
        workspace: "lumenpay".to_owned(),
        reach_name: "ledger".to_owned(),
        email: "priya@lumenpay.example".to_owned(),
        token: Some(Secret::new("ATCTT3xFfGN0")),
        expires_on: "2027-03-01".to_owned(),
        purposes: Purposes::of(&[Purpose::ReadingActivity]),
    }
}

fn code(typed: Typed) -> &'static str {
    typed.parse(&now()).unwrap_err().code
}

#[test]
fn a_token_of_each_kind_is_read_with_its_reach_and_its_last_day() {
    let pasted = typed("project_token").parse(&now()).unwrap();
    assert_eq!((pasted.reach, pasted.reach_name.as_deref()), (Reach::Project, Some("LEDGER")));
    assert_eq!(pasted.expires_at.unwrap().to_string(), "2027-03-02 00:00:00", "to the end of its last day");
    let pasted = typed("workspace_token").parse(&now()).unwrap();
    assert_eq!((pasted.reach, pasted.reach_name, pasted.email), (Reach::Workspace, None, None));
    assert!(typed("api_token").parse(&now()).unwrap().email.is_some());
}

#[test]
fn an_app_password_is_told_by_its_form_and_refused_with_what_to_use_instead() {
    let pasted = Typed { token: Some(Secret::new(" ATBBx8zNnQ ")), ..typed("api_token") };
    let error = pasted.parse(&now()).unwrap_err();
    assert_eq!(error.code, "app_password_ended");
    assert!(error.detail.contains("API token"));
    assert_eq!(code(typed("app_password")), "app_password_ended");
}

#[test]
fn what_cannot_be_is_refused_before_bitbucket_is_asked() {
    assert_eq!(code(typed("oauth")), "token_kind_unknown");
    assert_eq!(code(Typed { token: None, ..typed("workspace_token") }), "token_malformed");
    assert_eq!(code(Typed { token: Some(Secret::new("two words")), ..typed("workspace_token") }), "token_malformed");
    assert_eq!(code(Typed { workspace: "..".to_owned(), ..typed("workspace_token") }), "workspace_slug_invalid");
    assert_eq!(code(Typed { workspace: "a/b".to_owned(), ..typed("workspace_token") }), "workspace_slug_invalid");
    assert_eq!(code(Typed { reach_name: String::new(), ..typed("repository_token") }), "reach_name_invalid");
    assert_eq!(code(Typed { expires_on: "2026-11-26".to_owned(), ..typed("workspace_token") }), "token_expired");
    assert_eq!(code(Typed { expires_on: String::new(), ..typed("api_token") }), "expiry_missing");
    assert_eq!(code(Typed { expires_on: "2028-01-01".to_owned(), ..typed("api_token") }), "expiry_too_far");
    assert_eq!(code(Typed { purposes: Purposes::default(), ..typed("workspace_token") }), "purpose_missing");
}
