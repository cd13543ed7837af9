//! To whom a Bitbucket workspace belongs when two ClarityLoop workspaces want it: an administrator's proof wins over a member's, and of
//! equals the first stays.

use bitbucket_sandbox::{AccessToken, Install, Reach};
use clarityloop_bitbucket::connections::repositories::listing;
use reqwest::Method;
use serde_json::{Value, json};

use super::{CONNECTIONS, CONSUMER, connected, consent, owner, register, works};
use crate::both;
use crate::harness::lifecycle::LUMENPAY_UUID;
use crate::harness::people::Person;
use crate::harness::{INGRID, LUCIA, TOMASZ, Test, make_workspace};

both!(with super::CONSUMER =>
    an_administrators_installation_displaces_a_members_connection_once_it_is_confirmed,
    an_administrators_connection_displaces_members_whatever_they_connected_with,
    a_claim_displaces_members_as_a_confirmation_does,
    a_member_takes_a_bitbucket_workspace_from_nobody,
    whoever_was_displaced_comes_back_when_the_place_is_free,
);

const CONSENT: &str = "/settings/integrations/bitbucket/connections/consent";

/// The owner of another ClarityLoop workspace.
async fn maya(test: &Test) -> Person {
    let made = make_workspace(&test.server, "Elsewhere", "Maya Levi", "maya@elsewhere.example").await;
    Person { token: made.token, ..Person::of(test, made.owner).await }
}

/// Connects Lumen Pay for reading as somebody at Bitbucket.
async fn connects(test: &Test, who: &Person, account: &str) -> u16 {
    consent(test, who, CONSENT, &[("purpose", "reading")], account).await.status
}

async fn newest(test: &Test, who: &Person) -> Value {
    who.call(test, Method::GET, "/connections", None).await.1["entries"][0].clone()
}

/// How many repositories somebody's workspace has listed of Lumen Pay.
async fn repositories(test: &Test, who: &Person) -> Option<usize> {
    let path = format!("/bitbucket-workspaces/{LUMENPAY_UUID}/repositories");
    who.call(test, Method::GET, &path, None).await.1["entries"].as_array().map(Vec::len)
}

async fn look(test: &Test) {
    listing::enqueue_due(&test.server.app.database, &test.server.app.now()).await.expect("a look");
    test.run_jobs().await;
}

async fn an_administrators_installation_displaces_a_members_connection_once_it_is_confirmed(test: &Test) {
    register(test);
    let maya = maya(test).await;
    assert_eq!(connects(test, &maya, TOMASZ).await, 303, "who is no administrator connects all the same");
    look(test).await;
    assert_eq!(repositories(test, &maya).await, Some(3));
    test.install().await;
    assert_eq!(newest(test, &maya).await["state"], "connected", "an installation that waits displaces nobody");
    test.confirm().await;

    let displaced = newest(test, &maya).await;
    assert_eq!(displaced["state"], "displaced", "{displaced}");
    assert!(displaced["attention"]["what"].as_str().expect("what").contains("An administrator"), "{displaced}");
    let id = displaced["id"].as_str().expect("an id");
    assert_eq!(works(&test.server, id).await, None, "nothing is asked with it any more");
    let page = maya.get(test, CONNECTIONS).await;
    assert!(page.body.contains("Needs attention") && page.body.contains("connected it to another"), "{}", page.body);
    assert!(maya.get(test, "/settings/audit").await.body.contains("stopped the connection"));
    let check = maya.post(test, &format!("{CONNECTIONS}/{id}/check"), &[]).await;
    assert!(check.status == 409 && check.body.contains("nothing left to check"), "{}", check.body);

    // Nothing of what Maya's workspace has read is shown to the winner, and its own list is read with its own installation.
    let ingrid = Person { token: test.made.token.clone(), ..owner(test).await };
    assert!(matches!(repositories(test, &ingrid).await, None | Some(0)), "before its own reading there is nothing");
    test.pass_seconds(25 * 3600);
    let by_maya = || test.sandbox.calls().iter().filter(|call| format!("{call:?}").contains(TOMASZ)).count();
    let before = by_maya();
    look(test).await;
    assert_eq!(by_maya(), before, "no reading begins with what was displaced");
    assert_eq!(repositories(test, &ingrid).await, Some(3));
}

async fn an_administrators_connection_displaces_members_whatever_they_connected_with(test: &Test) {
    register(test);
    let maya = maya(test).await;
    assert_eq!(connects(test, &maya, TOMASZ).await, 303);
    let reach = Reach::Repository("lumenpay/ledger".to_owned());
    test.sandbox.add_access_token(AccessToken::new("ATCTT-ledger", reach, &["repository", "pullrequest"]));
    let pasted = json!({"name": "Ledger", "kind": "repository_token", "workspace": "lumenpay", "reach_name": "ledger",
        "token": "ATCTT-ledger", "purposes": ["reading"]});
    assert_eq!(maya.call(test, Method::POST, "/connections", Some(pasted)).await.0, 201);
    // The token of a whole workspace that does not show itself to be one is a member's as well.
    let reach = Reach::Workspace("lumenpay".to_owned());
    test.sandbox.add_access_token(AccessToken::new("ATCTT-all", reach.clone(), &["repository", "pullrequest"]));
    let pasted = json!({"name": "All", "kind": "workspace_token", "workspace": "lumenpay", "token": "ATCTT-all",
        "purposes": ["reading"]});
    assert_eq!(maya.call(test, Method::POST, "/connections", Some(pasted)).await.0, 201);

    connected(test, &owner(test).await).await;
    let all = maya.call(test, Method::GET, "/connections", None).await.1;
    let states: Vec<&Value> = all["entries"].as_array().expect("entries").iter().map(|one| &one["state"]).collect();
    assert_eq!(states, ["displaced", "displaced", "displaced"]);
    // An administrator's own token is no stronger than the administrator who came first.
    test.sandbox.add_access_token(AccessToken::new("ATCTT-own", reach, &["account", "repository", "pullrequest"]));
    let pasted = json!({"name": "Own", "kind": "workspace_token", "workspace": "lumenpay", "token": "ATCTT-own",
        "purposes": ["reading"]});
    let (status, answer) = maya.call(test, Method::POST, "/connections", Some(pasted)).await;
    assert_eq!((status, &answer["code"]), (409, &json!("bitbucket_workspace_taken")), "{answer}");
}

async fn a_claim_displaces_members_as_a_confirmation_does(test: &Test) {
    register(test);
    let maya = maya(test).await;
    assert_eq!(connects(test, &maya, TOMASZ).await, 303);
    let descriptor_url = format!("{}/atlassian-connect.json", test.url);
    let unclaimed = Install { descriptor_url, ..test.to_install() };
    let unclaimed = test.sandbox.install(&unclaimed).await.expect("the app installs");
    test.run_jobs().await;
    assert_eq!(newest(test, &maya).await["state"], "connected", "it is nobody's yet");
    test.claimed(&unclaimed).await;
    assert_eq!((&newest(test, &maya).await["state"], test.states().await), (&json!("displaced"), vec![json!("active")]));
    test.run_jobs().await;
}

async fn a_member_takes_a_bitbucket_workspace_from_nobody(test: &Test) {
    register(test);
    let (maya, ingrid) = (maya(test).await, owner(test).await);
    assert_eq!(connects(test, &maya, TOMASZ).await, 303);
    assert_eq!(connects(test, &ingrid, LUCIA).await, 409, "of two members the first stays");
    assert_eq!(newest(test, &maya).await["state"], "connected");
    assert_eq!(connects(test, &ingrid, INGRID).await, 303, "an administrator wins");
    assert_eq!(connects(test, &maya, TOMASZ).await, 409);
    assert_eq!(connects(test, &maya, INGRID).await, 409, "of two administrators the first stays");
}

async fn whoever_was_displaced_comes_back_when_the_place_is_free(test: &Test) {
    register(test);
    let (maya, ingrid) = (maya(test).await, owner(test).await);
    assert_eq!(connects(test, &maya, TOMASZ).await, 303);
    let winner = connected(test, &ingrid).await;
    let id = newest(test, &maya).await["id"].as_str().expect("an id").to_owned();
    let again = format!("{CONNECTIONS}/{id}/consent");
    assert_eq!(consent(test, &maya, &again, &[], TOMASZ).await.status, 409, "it is taken");
    assert_eq!(newest(test, &maya).await["state"], "displaced");
    assert_eq!(ingrid.post(test, &format!("{CONNECTIONS}/{winner}/disconnect"), &[]).await.status, 303);
    assert_eq!(consent(test, &maya, &again, &[], TOMASZ).await.status, 303);
    assert_eq!(newest(test, &maya).await["state"], "connected");
    assert_eq!(works(&test.server, &id).await, Some(true));
    test.run_jobs().await;
}
