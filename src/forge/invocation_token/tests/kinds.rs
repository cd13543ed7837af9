//! Which door takes which kind of call.

use super::*;

const PANEL_ONLY: [Option<Refusal>; 3] = [None, Some(Refusal::NotOfSettings), Some(Refusal::NotOfPlatform)];
const SETTINGS_ONLY: [Option<Refusal>; 3] = [Some(Refusal::NotOfPanel), None, Some(Refusal::NotOfPlatform)];
const PLATFORM_ONLY: [Option<Refusal>; 3] = [Some(Refusal::NotOfPanel), Some(Refusal::NotOfSettings), None];
const NO_DOOR: [Option<Refusal>; 3] = [Some(Refusal::NotOfPanel), Some(Refusal::NotOfSettings), Some(Refusal::NotOfPlatform)];

fn kinds(claims: &Value) -> [Option<Refusal>; 3] {
    let invocation = read(claims).expect("a token of Forge");
    [invocation.of_panel().err(), invocation.of_settings().err(), invocation.of_platform().err()]
}

#[test]
fn every_kind_of_call_is_taken_by_one_door_alone() {
    assert_eq!(kinds(&page(PANEL)), PANEL_ONLY);
    assert_eq!(kinds(&page(ACTION)), PANEL_ONLY);
    assert_eq!(kinds(&page(SETTINGS)), SETTINGS_ONLY);
    assert_eq!(kinds(&platform()), PLATFORM_ONLY);
    for module in
        ["bitbucket:repoPullRequestCard", "bitbucket:mergeCheck", "BITBUCKET:REPOPULLREQUESTACTION", "core:endpoint", ""]
    {
        assert_eq!(kinds(&page(module)), NO_DOOR, "{module}");
    }
}

#[test]
fn a_page_without_a_person_and_a_person_without_a_page_reach_no_door() {
    for module in [PANEL, ACTION, SETTINGS] {
        assert_eq!(kinds(&without(page(module), "/principal")), NO_DOOR);
        assert_eq!(kinds(&with(page(module), "/principal", Value::Null)), NO_DOOR);
        assert_eq!(kinds(&without(page(module), "/context/extension")), NO_DOOR);
        assert_eq!(kinds(&with(page(module), "/context/extension", json!({}))), NO_DOOR);
        assert_eq!(kinds(&without(page(module), "/context/extension/type")), NO_DOOR);
        assert_eq!(kinds(&with(page(module), "/context/extension/type", json!([module]))), NO_DOOR);
    }
    assert_eq!(kinds(&with(platform(), "/principal", json!(AMARA))), NO_DOOR);
    assert_eq!(kinds(&with(platform(), "/context", json!({ "extension": {} , "workspaceId": WORKSPACE }))), NO_DOOR);
}

#[test]
fn a_panel_names_who_and_what() {
    let invocation = read(&page(ACTION)).expect("a token of Forge");
    let panel = Panel { account: AMARA, repository: REPOSITORY, pull_request: 412, is_action: true };
    assert_eq!(invocation.of_panel(), Ok(panel));
    let bare = with(page(PANEL), "/context/extension/repository/uuid", json!(REPOSITORY.to_string()));
    let invocation = read(&bare).expect("a token of Forge");
    assert_eq!(invocation.of_panel().map(|panel| (panel.repository, panel.is_action)), Ok((REPOSITORY, false)));
    assert_eq!(read(&page(SETTINGS)).expect("a token of Forge").of_settings(), Ok(AMARA));
}

#[test]
fn a_panel_on_nothing_is_refused() {
    for (pointer, value) in [
        ("/context/extension/repository", Value::Null),
        ("/context/extension/repository/uuid", json!("../user")),
        ("/context/extension/pullRequest", json!(412)),
        ("/context/extension/pullRequest/id", json!("412")),
        ("/context/extension/pullRequest/id", json!(0)),
        ("/context/extension/pullRequest/id", json!(-1)),
        ("/context/extension/pullRequest/id", json!(u64::MAX)),
    ] {
        assert_eq!(kinds(&with(page(PANEL), pointer, value.clone())), NO_DOOR, "{pointer} {value}");
    }
}

#[test]
fn a_principal_or_an_extension_of_another_type_is_no_token_of_forge() {
    for value in [json!(7), json!(""), json!([AMARA]), json!({ "accountId": AMARA }), json!("<script>"), json!("a".repeat(256))] {
        assert_eq!(refusal(&with(page(PANEL), "/principal", value.clone())), Some(Refusal::Claims), "{value}");
    }
    for value in [json!(PANEL), json!([{}]), json!(true)] {
        assert_eq!(refusal(&with(page(PANEL), "/context/extension", value.clone())), Some(Refusal::Claims), "{value}");
    }
}

#[test]
fn only_a_token_that_does_not_verify_is_401() {
    for refusal in
        [Refusal::Environment, Refusal::IsolatedCloud, Refusal::NotOfPanel, Refusal::NotOfSettings, Refusal::NotOfPlatform]
    {
        assert_eq!(refusal.status(), 403);
    }
    for refusal in [Refusal::Missing, Refusal::Signature, Refusal::KeyUnknown, Refusal::Expired, Refusal::Claims] {
        assert_eq!(refusal.status(), 401);
    }
    assert_eq!(Refusal::KeysUnavailable.status(), 503);
}
