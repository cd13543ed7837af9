//! Webhooks of connections: made where the account may make them, found again when an answer was lost, mended, rotated, and removed where
//! nobody wants them any more.

mod door;
mod ending;
mod polling;

use bitbucket_sandbox::{AccessToken, Fault, Hook, Misbehaviour, Permission, PullRequestState, Reach, World};
use clarityloop_bitbucket::connections::hooks::keeping;
use clarityloop_bitbucket::connections::repositories::listing;
use clarityloop_bitbucket::people::links::{self, Kind, NewLink, Target};
use clarityloop_bitbucket::people::pull_requests::parse_repository;
use clarityloop_bitbucket::people::text::Note;
use reqwest::Method;
use serde_json::{Value, json};

use super::{CONNECTIONS, CONSUMER, connected, consent, listed, owner, register};
use crate::both;
use crate::harness::lifecycle::LUMENPAY_UUID;
use crate::harness::people::Person;
use crate::harness::{AMARA, LEDGER, LUCIA, Test};

both!(with super::CONSUMER =>
    an_admins_connection_has_one_webhook_of_the_whole_workspace,
    others_have_one_in_each_chosen_repository_that_they_administer,
    an_answer_that_is_lost_leaves_no_second_webhook,
    what_somebody_has_changed_or_removed_is_mended,
    a_new_secret_is_told_and_the_former_one_is_taken_for_an_hour,
    a_token_that_may_make_none_takes_leave_of_those_of_its_predecessor,
);

/// The repositories of the sandbox's world, without braces.
const LEDGER_UUID: &str = "b2d51f2c-63b5-4f69-9e7c-1c8c8d4ba002";
const CHECKOUT_UUID: &str = "a1c40e1b-52a4-4e58-8d6b-0b7b7c3a9f01";

/// What the server does every minute about webhooks, and the jobs of it; answers whether there was anything to do.
pub async fn look(test: &Test) -> bool {
    let is_due = keeping::enqueue_due(&test.server.app.database, &test.server.app.now()).await.expect("a look");
    test.run_jobs().await;
    is_due
}

/// The only webhook there is at Bitbucket.
fn only(test: &Test) -> Hook {
    let mut hooks = test.sandbox.hooks();
    assert_eq!(hooks.len(), 1, "{:?}", hooks.iter().map(|hook| &hook.subject).collect::<Vec<_>>());
    hooks.remove(0)
}

/// How the newest connection hears of changes, as REST tells.
async fn heard(test: &Test) -> Value {
    listed(test).await[0]["hooks"].clone()
}

/// Calls to webhooks of Bitbucket so far, by method.
fn calls(test: &Test, method: &str) -> usize {
    test.sandbox.calls().iter().filter(|call| call.method == method && call.path.contains("/hooks")).count()
}

fn hooks_of_workspace() -> String {
    format!("/2.0/workspaces/{{{LUMENPAY_UUID}}}/hooks")
}

/// Attaches the ledger's pull request 87 to a draft, as its owner who looks at it in Bitbucket, and has it fetched.
pub async fn linked(test: &Test) {
    let priya = test.member("Priya Raman", "priya@lumenpay.example", None).await;
    let draft = json!({"about": priya.id, "body": "Well done.", "shared": false});
    let draft = test.api_json(Method::POST, "/feedback", Some(draft)).await;
    let new = NewLink {
        target: Target::parse(Kind::Feedback, draft["id"].as_str().expect("an id")).expect("a target"),
        pull_request: parse_repository(&test.config.bitbucket_web_url, LEDGER, 87).expect("a reference"),
        note: Note::parse("").expect("a note"),
        is_before_the_makers_eyes: true,
    };
    let (viewer, now) = (test.made.owner.viewer(), test.server.app.now());
    test.server.app.write(move |connection| links::create(connection, &viewer, &new, &now)).await.expect("a link");
    test.run_jobs().await;
    assert_eq!(state(test).await, "OPEN");
}

/// How the linked pull request stands, as its maker sees it.
pub async fn state(test: &Test) -> Value {
    test.api_json(Method::GET, "/links", None).await["entries"][0]["pull_request"]["state"].clone()
}

pub fn merge(test: &Test) {
    let now = test.now();
    test.sandbox.world(|world: &mut World| {
        world.pull_request_mut(LEDGER, 87).expect("it").close(PullRequestState::Merged, LUCIA, now);
    });
    test.pass_seconds(1);
}

/// Delivers the event about the linked pull request to every webhook that listens: the statuses.
pub async fn deliver(test: &Test, event: &str) -> Vec<Vec<u16>> {
    test.sandbox.deliver_to_hooks(event, LEDGER, 87, LUCIA).await.expect("a pull request")
}

/// Reads the list of repositories and chooses these of it.
async fn choose(test: &Test, chosen: &[&str], left_out: &[&str]) {
    listing::enqueue_due(&test.server.app.database, &test.server.app.now()).await.expect("a look");
    test.run_jobs().await;
    let path = format!("/bitbucket-workspaces/{LUMENPAY_UUID}/choice");
    test.api_json(Method::PUT, &path, Some(json!({"chosen": chosen, "left_out": left_out}))).await;
}

/// Connects by OAuth for reading, as Amara, who administers the ledger alone.
async fn connected_as_amara(test: &Test) -> Person {
    register(test);
    test.sandbox.world(|world: &mut World| world.permit(LEDGER, AMARA, Permission::Admin));
    let ingrid = owner(test).await;
    let page = consent(test, &ingrid, &format!("{CONNECTIONS}/consent"), &[("purpose", "reading")], AMARA).await;
    assert_eq!(page.header("location"), format!("{CONNECTIONS}?done=connected"), "{}", page.body);
    ingrid
}

async fn an_admins_connection_has_one_webhook_of_the_whole_workspace(test: &Test) {
    register(test);
    let ingrid = owner(test).await;
    let id = connected(test, &ingrid).await;
    assert_eq!(heard(test).await["way"], "unknown");
    assert!(look(test).await, "a new connection is looked at");
    let hook = only(test);
    assert_eq!(hook.url, format!("{}/hooks/bitbucket/{id}", test.url));
    assert!(hook.is_of_workspace && hook.active && hook.secret.as_ref().is_some_and(|secret| secret.len() >= 32));
    assert!(hook.events.iter().all(|event| event.starts_with("pullrequest:")), "{:?}", hook.events);
    let heard = heard(test).await;
    assert_eq!((&heard["way"], &heard["working"], &heard["failing"]), (&json!("workspace"), &json!(1), &json!([])));
    let page = ingrid.get(test, CONNECTIONS).await;
    assert!(page.body.contains("By a webhook of the whole workspace"), "{}", page.body);
    assert!(!look(test).await, "nothing is due");
    let asked = calls(test, "GET");
    test.pass_seconds(3601);
    assert!(look(test).await, "every hour it is looked whether anything is");
    assert_eq!((calls(test, "GET"), calls(test, "POST")), (asked, 1), "Bitbucket is asked once a day");
    test.pass_seconds(24 * 3600);
    look(test).await;
    assert_eq!((calls(test, "GET"), calls(test, "POST")), (asked + 1, 1));
}

async fn others_have_one_in_each_chosen_repository_that_they_administer(test: &Test) {
    let ingrid = connected_as_amara(test).await;
    look(test).await;
    assert_eq!(test.sandbox.hooks().len(), 0, "what is not chosen is not listened to");
    assert!(ingrid.get(test, CONNECTIONS).await.body.contains("no repository is chosen"));
    choose(test, &[LEDGER_UUID, CHECKOUT_UUID], &[]).await;
    assert!(look(test).await, "a choice is followed within a minute");
    let hook = only(test);
    assert!(!hook.is_of_workspace && hook.subject.contains(LEDGER_UUID));
    let heard_now = heard(test).await;
    assert_eq!((&heard_now["way"], &heard_now["working"]), (&json!("repositories"), &json!(1)));
    assert_eq!(heard_now["failing"][0]["code"], "bitbucket_forbidden");
    let page = ingrid.get(test, CONNECTIONS).await;
    assert!(page.body.contains("By webhooks in 1 of 2 chosen repositories"), "{}", page.body);
    assert!(page.body.contains("a Bitbucket admin gives it"), "{}", page.body);
    let asked = calls(test, "POST");
    test.pass_seconds(3601);
    look(test).await;
    assert_eq!(calls(test, "POST"), asked, "a refusal is not tried at every look");
    // Somebody gives the right: the next day, or at once when a button is pressed.
    test.sandbox.world(|world: &mut World| world.permit("lumenpay/checkout", AMARA, Permission::Admin));
    let id = listed(test).await[0]["id"].as_str().expect("an id").to_owned();
    test.api_json(Method::POST, &format!("/connections/{id}/hooks/check"), None).await;
    test.run_jobs().await;
    assert_eq!((test.sandbox.hooks().len(), heard(test).await["working"].clone()), (2, json!(2)));
    choose(test, &[], &[LEDGER_UUID]).await;
    look(test).await;
    assert!(only(test).subject.contains(CHECKOUT_UUID), "what is left out is listened to no more");
    // And when Amara comes to administer the workspace, one webhook takes the place of all.
    test.sandbox.world(|world: &mut World| world.enrol("lumenpay", AMARA, bitbucket_sandbox::WorkspacePermission::Owner));
    test.pass_seconds(24 * 3600 + 1);
    look(test).await;
    assert!(only(test).is_of_workspace);
    assert_eq!(heard(test).await["way"], "workspace");
}

async fn an_answer_that_is_lost_leaves_no_second_webhook(test: &Test) {
    register(test);
    connected(test, &owner(test).await).await;
    // The list is answered, and what comes after it is not.
    test.sandbox.misbehave(Misbehaviour::on(&hooks_of_workspace(), Fault::Slow { milliseconds: 1 }).times(1));
    test.sandbox.misbehave(Misbehaviour::on(&hooks_of_workspace(), Fault::LostAnswer).times(1));
    look(test).await;
    let made = only(test);
    assert_eq!((heard(test).await["working"].clone(), test.jobs().await), (json!(0), vec!["keep_hooks".to_owned()]));
    // What it delivers before we have learnt of it is ours all the same.
    assert_eq!(deliver(test, "pullrequest:updated").await, [[204]]);
    test.pass_seconds(10);
    test.run_jobs().await;
    let kept = only(test);
    assert_eq!((kept.uuid, kept.secret, calls(test, "POST")), (made.uuid, made.secret, 1));
    assert_eq!(heard(test).await["working"], 1);
    assert_eq!(deliver(test, "pullrequest:updated").await, [[204]]);
}

async fn what_somebody_has_changed_or_removed_is_mended(test: &Test) {
    register(test);
    let id = connected(test, &owner(test).await).await;
    look(test).await;
    let made = only(test);
    let reach = Reach::Workspace("lumenpay".to_owned());
    test.sandbox.add_access_token(AccessToken::new("ATCTT-somebody", reach, &["webhook", "pullrequest"]));
    let somebody = async |method: Method, below: &str, body: Value| {
        let url = format!("{}/2.0/workspaces/lumenpay/hooks{below}", test.sandbox.url());
        let answer = test.http.request(method, url).bearer_auth("ATCTT-somebody").json(&body).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
    };
    let braced = made.uuid.replace('{', "%7B").replace('}', "%7D");
    let changed = json!({"url": made.url, "active": false, "secret": null, "events": ["repo:push"]});
    somebody(Method::PUT, &format!("/{braced}"), changed).await;
    somebody(Method::POST, "", json!({"url": made.url, "active": true, "events": ["repo:push"]})).await;
    let check = format!("/connections/{id}/hooks/check");
    test.api_json(Method::POST, &check, None).await;
    test.run_jobs().await;
    let mended = only(test);
    assert_eq!((&mended.uuid, mended.active, &mended.secret), (&made.uuid, true, &made.secret));
    assert_eq!(mended.events, made.events);
    test.sandbox.remove_hook(&made.uuid);
    test.api_json(Method::POST, &check, None).await;
    test.run_jobs().await;
    let anew = only(test);
    assert!(anew.uuid != made.uuid && anew.secret == made.secret);
    assert_eq!(deliver(test, "pullrequest:updated").await, [[204]]);
}

async fn a_new_secret_is_told_and_the_former_one_is_taken_for_an_hour(test: &Test) {
    register(test);
    let ingrid = owner(test).await;
    let id = connected(test, &ingrid).await;
    let rotate = format!("{CONNECTIONS}/{id}/hooks/rotate");
    assert_eq!(ingrid.post(test, &rotate, &[]).await.status, 409, "there is no webhook yet");
    look(test).await;
    let former = only(test);
    let under_way = test.sandbox.deliveries("pullrequest:updated", LEDGER, 87, LUCIA).expect("deliveries").remove(0);
    test.sandbox.misbehave(Misbehaviour::on(&hooks_of_workspace(), Fault::Status(503)));
    let page = ingrid.post(test, &rotate, &[]).await;
    assert_eq!((page.status, page.header("location")), (303, format!("{CONNECTIONS}?done=rotated").as_str()), "{}", page.body);
    assert!(ingrid.get(test, page.header("location")).await.body.contains("Bitbucket is yet to be told"));
    test.run_jobs().await;
    assert_eq!(only(test).secret, former.secret, "Bitbucket has not been told");
    test.pass_seconds(2 * 3600);
    assert_eq!(test.sandbox.send(&under_way).await, [204], "so what it signs is taken for as long as that takes");
    test.sandbox.behave();
    test.run_jobs().await;
    let present = only(test);
    assert!(present.uuid == former.uuid && present.secret != former.secret);
    assert_eq!(deliver(test, "pullrequest:updated").await, [[204]]);
    assert_eq!(test.sandbox.send(&under_way).await, [204], "a delivery that was under way");
    test.pass_seconds(3601);
    assert_eq!(test.sandbox.send(&under_way).await, [401]);
    assert_eq!(deliver(test, "pullrequest:updated").await, [[204]]);
    let again = test.api_json(Method::POST, &format!("/connections/{id}/hooks/rotate"), None).await;
    assert_eq!((&again["hooks"]["untold"], &again["hooks"]["working"]), (&json!(1), &json!(0)));
    test.run_jobs().await;
    assert!(only(test).secret != present.secret && heard(test).await["untold"] == 0);
    assert!(ingrid.get(test, "/settings/audit").await.body.contains("new secrets"));
}

async fn a_token_that_may_make_none_takes_leave_of_those_of_its_predecessor(test: &Test) {
    let token = |secret: &str, scopes: &[&str]| {
        test.sandbox.add_access_token(AccessToken::new(secret, Reach::Workspace("lumenpay".to_owned()), scopes));
    };
    token("ATCTT-hooks", &["repository", "pullrequest", "webhook"]);
    token("ATCTT-none", &["repository", "pullrequest"]);
    let body = json!({"name": "All", "kind": "workspace_token", "workspace": "lumenpay", "token": "ATCTT-hooks", "purposes": ["reading"]});
    let id = test.api_json(Method::POST, "/connections", Some(body)).await["id"].as_str().expect("an id").to_owned();
    look(test).await;
    assert!(only(test).is_of_workspace);
    let replaced = test.api_json(Method::PUT, &format!("/connections/{id}/token"), Some(json!({"token": "ATCTT-none"}))).await;
    assert_eq!(replaced["hooks"]["working"], 0);
    assert_eq!(test.sandbox.hooks().len(), 0);
    look(test).await;
    assert_eq!(heard(test).await["way"], "polling");
}
