//! Tokens that people paste: what they reach, what they may, and how they are refused.

use crate::app::{AMARA, client};
use bitbucket_sandbox::{AccessToken, ApiToken, CredentialKind, Options, Permission, Reach, Sandbox};
use chrono::Duration;
use serde_json::{Value, json};

const CHECKOUT: &str = "/2.0/repositories/lumenpay/checkout";
const HANDBOOK: &str = "/2.0/repositories/lumenpay/handbook";
const LEDGER: &str = "/2.0/repositories/lumenpay/ledger";

pub async fn ask(sandbox: &Sandbox, token: &str, path: &str) -> (u16, Value) {
    let answer = client().get(format!("{}{path}", sandbox.url())).bearer_auth(token).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

async fn ask_basic(sandbox: &Sandbox, email: &str, token: &str, path: &str) -> (u16, String) {
    let answer = client().get(format!("{}{path}", sandbox.url())).basic_auth(email, Some(token)).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn an_access_token_reaches_what_it_was_made_for() {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    sandbox.world(|world| world.repositories[2].private = true);
    let project = Reach::Project { workspace: "lumenpay".to_owned(), key: "PAY".to_owned() };
    for (token, reach, expected) in [
        ("of-repository", Reach::Repository("lumenpay/checkout".to_owned()), [200, 404, 404]),
        ("of-project", project, [200, 200, 404]),
        ("of-workspace", Reach::Workspace("lumenpay".to_owned()), [200, 200, 200]),
        ("of-another", Reach::Workspace("priya-raman".to_owned()), [404, 404, 404]),
    ] {
        sandbox.add_access_token(AccessToken::new(token, reach, &["repository"]));
        for (path, expected) in [CHECKOUT, LEDGER, HANDBOOK].into_iter().zip(expected) {
            assert_eq!(ask(&sandbox, token, path).await.0, expected, "{token} {path}");
        }
    }
    let (status, body) = ask(&sandbox, "of-repository", "/2.0/user").await;
    assert_eq!((status, &body["error"]["detail"]), (403, &json!({ "granted": ["repository"], "required": ["account"] })));
    assert_eq!(sandbox.calls().pop().unwrap().credential, Some(CredentialKind::AccessToken));
    sandbox.revoke_token("of-workspace");
    assert_eq!(ask(&sandbox, "of-workspace", CHECKOUT).await.0, 401);
}

#[tokio::test]
async fn a_workspace_token_with_the_account_scope_is_a_user_of_its_own() {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let reach = Reach::Workspace("lumenpay".to_owned());
    let end = sandbox.now() + Duration::days(30);
    sandbox.add_access_token(AccessToken { expires_at: Some(end), ..AccessToken::new("t", reach, &["account", "pullrequest"]) });
    let (_, me) = ask(&sandbox, "t", "/2.0/user").await;
    assert_eq!((&me["type"], me.get("account_id")), (&json!("app_user"), None));
    assert_eq!(ask(&sandbox, "t", "/2.0/user/emails").await.0, 403);
    assert_eq!(ask(&sandbox, "t", CHECKOUT).await.0, 200, "pullrequest implies repository");
    let (_, workspaces) = ask(&sandbox, "t", "/2.0/user/workspaces").await;
    assert_eq!(workspaces["values"][0]["workspace"]["slug"], "lumenpay");
    sandbox.set_now(end);
    assert_eq!(ask(&sandbox, "t", CHECKOUT).await.0, 401);
}

#[tokio::test]
async fn an_api_token_is_used_with_the_e_mail_address_and_implies_nothing() {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let email = "Amara@LumenPay.example";
    sandbox.add_api_token(ApiToken::new("api", email, AMARA, &["read:user:bitbucket", "write:repository:bitbucket"]));
    let (status, me) = ask_basic(&sandbox, email, "api", "/2.0/user").await;
    assert!(status == 200 && me.contains(AMARA), "{me}");
    let (status, body) = ask_basic(&sandbox, email, "api", CHECKOUT).await;
    assert!(status == 403 && body.contains("read:repository:bitbucket"), "{body}");
    for (name, token) in [("amara-okafor", "api"), (email, "an-app-password")] {
        let (status, body) = ask_basic(&sandbox, name, token, "/2.0/user").await;
        assert!(status == 401 && body.starts_with("Login failed"), "{body}");
    }
}

#[tokio::test]
async fn an_api_token_of_one_workspace_sees_no_other_and_a_person_only_what_they_may() {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let scopes = ["read:repository:bitbucket", "read:workspace:bitbucket"];
    let token = ApiToken::new("api", "a@b.example", AMARA, &scopes);
    sandbox.add_api_token(ApiToken { workspace: Some("priya-raman".to_owned()), ..token.clone() });
    assert_eq!(ask_basic(&sandbox, "a@b.example", "api", CHECKOUT).await.0, 404);
    assert_eq!(ask_basic(&sandbox, "a@b.example", "api", HANDBOOK).await.0, 200, "a public repository is everybody's");
    sandbox.add_api_token(token);
    assert_eq!(ask_basic(&sandbox, "a@b.example", "api", CHECKOUT).await.0, 200);
    sandbox.world(|world| world.permit("lumenpay/checkout", AMARA, Permission::None));
    assert_eq!(ask_basic(&sandbox, "a@b.example", "api", CHECKOUT).await.0, 404);
    let (_, permissions) =
        ask_basic(&sandbox, "a@b.example", "api", "/2.0/user/workspaces/lumenpay/permissions/repositories").await;
    assert!(permissions.contains("lumenpay/ledger") && !permissions.contains("lumenpay/checkout"), "{permissions}");
}
