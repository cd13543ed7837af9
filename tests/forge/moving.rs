//! Moving from Connect to Forge: the installation joins, both doors work, the Connect app is retired, and nothing is lost.

use bitbucket_sandbox::{ClientKey, ForgeInstallation, Install, Installation, PullRequestState, World};
use reqwest::Method;
use serde_json::{Value, json};

use crate::both;
use crate::harness::forge::FORGE;
use crate::harness::lifecycle::LUMENPAY_UUID;
use crate::harness::people::Person;
use crate::harness::{LEDGER, LUCIA, Test, make_workspace};

both!(with super::FORGE =>
    a_workspace_moves_from_connect_to_forge_with_everything_it_has,
    an_installation_joins_when_the_connect_app_is_confirmed_after_it,
    a_connect_app_that_waits_is_joined_by_nobody,
    the_connect_app_is_retired_only_where_the_forge_app_is_connected,
    the_last_door_purges_whichever_it_is,
    a_door_that_is_nobodys_keeps_nothing_of_whoever_has_uninstalled,
    an_installation_joins_nobody_where_somebody_else_has_a_connection,
);

const SETTINGS: &str = "/settings/integrations/bitbucket";

async fn ids(test: &Test) -> (String, String) {
    let listed = test.installations().await;
    let of = |door: &str| {
        let found = listed.iter().find(|one| one["door"] == door && one["state"] != "uninstalled").expect("a door");
        found["id"].as_str().expect("an id").to_owned()
    };
    (of("connect"), of("forge"))
}

async fn retire(test: &Test, connect: &str) -> u16 {
    let session = test.session(&test.made.owner).await;
    let path = format!("{SETTINGS}/installations/{connect}/retire");
    let asked = test.get_as(&session, &path).await;
    if asked.status != 200 {
        return asked.status;
    }
    test.post_as(&session, &path, &[("csrf", &asked.field("csrf"))]).await.status
}

/// Both doors, and a link that was made by the Connect panel.
async fn both_doors(test: &Test) -> (Installation, ForgeInstallation) {
    let connect = test.installed().await;
    test.attached(&connect).await;
    let forge = test.install_forge().await;
    (connect, forge)
}

async fn refreshed_by(test: &Test) -> Option<String> {
    let mut calls = test.sandbox.calls().into_iter().filter(|call| call.path.contains("/pullrequests/87"));
    calls.next_back().and_then(|call| call.authorized_as)
}

fn close(test: &Test, state: PullRequestState) {
    let now = test.now();
    test.sandbox.world(|world: &mut World| world.pull_request_mut(LEDGER, 87).expect("it").close(state, LUCIA, now));
    test.pass_seconds(1);
}

async fn a_workspace_moves_from_connect_to_forge_with_everything_it_has(test: &Test) {
    let (connect, forge) = both_doors(test).await;
    assert_eq!(test.states().await, ["active", "active"], "it has joined by itself");

    // Both doors work.
    assert_eq!(test.panel_status(&connect).await, 200);
    let event = "avi:bitbucket:updated:pullrequest";
    assert_eq!(test.sandbox.deliver_forge(&forge.id, event, LEDGER, 87).await, Ok(Some(204)));
    assert_eq!(test.sandbox.deliver(&connect.client_key, "pullrequest:updated", LEDGER, 87).await, Ok(204));
    test.run_jobs().await;
    let before = (test.api_json(Method::GET, "/links", None).await, test.api_json(Method::GET, "/members", None).await);
    assert_eq!(before.0["entries"][0]["pull_request"]["state"], "OPEN");
    let session = test.session(&test.made.owner).await;
    let identities = test.get_as(&session, &format!("{SETTINGS}/identities")).await;
    assert_eq!(identities.status, 200);
    test.run_jobs().await;
    let readings = test.sandbox.calls().iter().filter(|call| call.path.ends_with("/members")).count();
    assert_eq!(readings, 1, "one Bitbucket workspace is read once, whichever door its key came by");
    let page = test.get_as(&session, SETTINGS).await.body;
    assert!(!page.contains("Move to the Forge app") && page.contains("Retire"), "{page}");

    // The Connect app goes, and the Forge app goes on.
    let (id, _) = ids(test).await;
    assert_eq!(retire(test, &id).await, 303);
    assert_eq!(test.panel_status(&connect).await, 403, "at once");
    let page = test.get_as(&session, SETTINGS).await.body;
    assert!(page.contains("The Connect app is being removed at Bitbucket"), "{page}");
    test.run_jobs().await;
    assert!(test.sandbox.calls().iter().any(|call| call.method == "DELETE" && call.path == "/2.0/addon" && call.status < 300));
    let of_connect = |connect: &str, listed: &[Value]| listed.iter().find(|one| one["id"] == connect).cloned().expect("it");
    let retired = of_connect(&id, &test.installations().await);
    assert_eq!((&retired["state"], &retired["health"]["removal"]), (&json!("uninstalled"), &json!("done")));
    let page = test.get_as(&session, SETTINGS).await.body;
    assert!(page.contains("The Connect app is removed at Bitbucket") && !page.contains("Disconnected workspace"), "{page}");

    let after = (test.api_json(Method::GET, "/links", None).await, test.api_json(Method::GET, "/members", None).await);
    assert_eq!(after.0["entries"][0], before.0["entries"][0], "with title, state and author");
    assert_eq!(after.1, before.1);
    close(test, PullRequestState::Merged);
    assert_eq!(test.sandbox.deliver_forge(&forge.id, "avi:bitbucket:fulfilled:pullrequest", LEDGER, 87).await, Ok(Some(204)));
    test.run_jobs().await;
    assert_eq!(test.api_json(Method::GET, "/links", None).await["entries"][0]["pull_request"]["state"], "MERGED");
    assert_eq!(refreshed_by(test).await.as_deref(), Some(forge.id.as_str()));
    let actions = test.api_json(Method::GET, "/audit", None).await;
    let actions: Vec<&str> =
        actions["entries"].as_array().expect("entries").iter().filter_map(|it| it["action"].as_str()).collect();
    for action in ["installation_joined", "connect_retired", "app_removed"] {
        assert!(actions.contains(&action), "{actions:?}");
    }
    assert!(!actions.contains(&"purge_proven"), "nothing was purged: {actions:?}");
}

async fn an_installation_joins_when_the_connect_app_is_confirmed_after_it(test: &Test) {
    let connect = test.install().await;
    let forge = test.install_forge().await;
    assert_eq!(test.forge_state(&forge).await.as_deref(), Some("waiting"), "nobody has confirmed anything");
    let link = test.forge_claim_link(&forge).await;
    test.confirm().await;
    assert_eq!(test.forge_state(&forge).await.as_deref(), Some("active"));
    assert_eq!(test.panel_status(&connect).await, 200);
    let session = test.session(&test.made.owner).await;
    assert_eq!(test.get_as(&session, &link).await.status, 404, "its claim link went with it");
}

async fn a_connect_app_that_waits_is_joined_by_nobody(test: &Test) {
    test.install().await;
    let forge = test.installed_forge().await;
    assert_eq!(test.forge_state(&forge).await.as_deref(), Some("active"), "claimed by its own link");
    let mut states = test.states().await;
    states.sort_by_key(ToString::to_string);
    assert_eq!(states, ["active", "waiting"], "the Connect app still waits");
}

async fn the_connect_app_is_retired_only_where_the_forge_app_is_connected(test: &Test) {
    let connect = test.installed().await;
    let id = test.installations().await[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(retire(test, &id).await, 409, "nothing would be left");
    test.install_forge().await;
    let (_, forge_id) = ids(test).await;
    assert_eq!(retire(test, &forge_id).await, 409, "the Forge app removes itself in Bitbucket only");
    let path = format!("{SETTINGS}/installations/{id}/retire");
    let member = Person::new(test, "Jonas Weber").await;
    assert_eq!(member.get(test, &path).await.status, 403);
    let elsewhere = make_workspace(&test.server, "Elsewhere", "Maya Levi", "maya@elsewhere.example").await;
    let maya = Person::of(test, elsewhere.owner).await;
    assert_eq!((maya.get(test, &path).await.status, maya.post(test, &path, &[]).await.status), (404, 404));
    assert_eq!(test.panel_status(&connect).await, 200);
    assert_eq!(retire(test, &id).await, 303);
    assert_eq!(retire(test, &id).await, 409, "once");
    test.run_jobs().await;
}

async fn the_last_door_purges_whichever_it_is(test: &Test) {
    let (connect, forge) = both_doors(test).await;
    let slug = async || test.installations().await[0]["bitbucket_workspace"]["slug"].clone();
    test.sandbox.uninstall_forge(&forge.id).await.expect("it uninstalls");
    test.run_jobs().await;
    assert_eq!((slug().await, test.panel_status(&connect).await), (json!("lumenpay"), 200), "one door is still open");
    let forge = test.install_forge().await;
    assert_eq!(test.forge_state(&forge).await.as_deref(), Some("active"));
    assert_eq!(test.sandbox.uninstall(&connect.client_key).await, Ok(204));
    test.run_jobs().await;
    assert_eq!(slug().await, "lumenpay");
    test.sandbox.uninstall_forge(&forge.id).await.expect("it uninstalls");
    test.run_jobs().await;
    assert_eq!(slug().await, Value::Null);
    let link = &test.api_json(Method::GET, "/links", None).await["entries"][0];
    assert_eq!((&link["pull_request"], &link["note"]), (&Value::Null, &json!("Nicely done")));
}

async fn a_door_that_is_nobodys_keeps_nothing_of_whoever_has_uninstalled(test: &Test) {
    let (connect, forge) = both_doors(test).await;
    let descriptor_url = format!("{}/atlassian-connect.json", test.url);
    let unclaimed = Install { client_key: ClientKey::Connection, descriptor_url, ..test.to_install() };
    test.sandbox.install(&unclaimed).await.expect("the app installs");
    test.run_jobs().await;
    let link = async || test.api_json(Method::GET, "/links", None).await["entries"][0]["pull_request"].clone();
    assert_eq!(test.sandbox.uninstall(&connect.client_key).await, Ok(204));
    test.run_jobs().await;
    assert_ne!(link().await, Value::Null, "the workspace's own other door is open");
    test.sandbox.uninstall_forge(&forge.id).await.expect("it uninstalls");
    assert_eq!(link().await, Value::Null, "at once");
    test.run_jobs().await;
    assert_eq!(link().await, Value::Null);
}

async fn an_installation_joins_nobody_where_somebody_else_has_a_connection(test: &Test) {
    test.installed().await;
    let other = make_workspace(&test.server, "Elsewhere", "Maya Levi", "maya@elsewhere.example").await;
    let id = test.connection(LUMENPAY_UUID).await;
    test.give_connection(&id, &other.owner).await;
    let forge = test.install_forge().await;
    assert_eq!(test.forge_state(&forge).await.as_deref(), Some("waiting"));
    assert_eq!(test.states().await, ["active"], "it is nobody's");
}
