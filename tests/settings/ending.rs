//! Refusing and disconnecting from the settings, what Bitbucket is told, and what is proven afterwards.

use bitbucket_sandbox::{Fault, Installation, Misbehaviour};
use clarityloop_bitbucket::connections::installations::Door;
use clarityloop_bitbucket::storage::AnyConnection;
use clarityloop_bitbucket::storage::schema::{installations, links, pull_requests};
use diesel::prelude::*;
use reqwest::Method;
use serde_json::json;

use crate::both;
use crate::harness::{INGRID, LEDGER, Test};

use super::{SETTINGS, assert_lacks, assert_shows, newest, page, press};

both!(
    a_refused_installation_ends_and_is_removed_at_bitbucket,
    a_disconnect_stops_deletes_removes_and_proves,
    a_wrong_name_disconnects_nothing_and_what_was_typed_stays,
    links_are_removed_when_the_owner_asks,
    a_removal_waits_until_bitbucket_answers,
    a_removal_that_bitbucket_refuses_says_what_to_do,
    an_app_that_cannot_remove_itself_shows_the_last_step,
    uninstalled_at_bitbucket_ends_in_the_same_place,
    late_calls_do_not_revive_what_was_disconnected,
    a_disconnected_workspace_can_be_installed_again,
);

fn removals(test: &Test) -> usize {
    test.sandbox.calls().iter().filter(|call| call.method == "DELETE" && call.path == "/2.0/addon").count()
}

fn is_at_bitbucket(test: &Test, installation: &Installation) -> bool {
    test.sandbox.installations().iter().any(|it| it.client_key == installation.client_key && it.active)
}

async fn disconnect(test: &Test, fields: &[(&str, &str)]) -> crate::harness::Page {
    press(test, &format!("/installations/{}/disconnect", newest(test).await), fields).await
}

async fn a_refused_installation_ends_and_is_removed_at_bitbucket(test: &Test) {
    let installation = test.install().await;
    let path = format!("/installations/{}/refuse", newest(test).await);
    let session = test.session(&test.made.owner).await;
    let asked = test.get_as(&session, &format!("{SETTINGS}{path}")).await;
    assert_shows(&asked, &["Refuse lumenpay", "Keep it waiting"]);
    let refused = press(test, &path, &[]).await;
    assert_eq!((refused.status, refused.header("location")), (303, "/settings/integrations/bitbucket?done=refused"));
    assert_eq!(test.panel_status(&installation).await, 403, "at once");
    test.run_jobs().await;
    assert_eq!((test.states().await, removals(test)), (vec![json!("uninstalled")], 1));
    assert!(!is_at_bitbucket(test, &installation));
    assert_shows(
        &page(test).await,
        &["Disconnected</span>", "The app is removed at Bitbucket.", "refused the Bitbucket workspace"],
    );
    assert_eq!(press(test, &path, &[]).await.status, 409, "it does not wait any more");
}

async fn a_disconnect_stops_deletes_removes_and_proves(test: &Test) {
    let installation = test.installed().await;
    test.attached(&installation).await;
    let session = test.session(&test.made.owner).await;
    let open = test.sandbox.panel_url(&installation.client_key, LEDGER, 87, INGRID).expect("a panel address");
    let asked = test.get_as(&session, &format!("{SETTINGS}/installations/{}/disconnect", newest(test).await)).await;
    assert_shows(
        &asked,
        &["Type lumenpay to disconnect it", "Deleted at once, proven within 24 hours", "Stays, and why", "the one link"],
    );
    let ended = disconnect(test, &[("workspace", " LumenPay ")]).await;
    assert_eq!((ended.status, ended.header("location")), (303, "/settings/integrations/bitbucket?done=disconnected"));
    assert_eq!(test.get(&open).await.status, 403, "at once");
    let under_way = page(test).await;
    assert_shows(
        &under_way,
        &["Disconnected</span>", "The app is being removed at Bitbucket.", "It is looked for again in a moment"],
    );
    assert_lacks(&under_way, &["lumenpay</h2>", "“Lumen Pay”"]);
    test.run_jobs().await;
    assert_eq!(removals(test), 1);
    assert!(!is_at_bitbucket(test, &installation));
    let proven = page(test).await;
    assert_shows(&proven, &["details of pull requests (1)", "The app is removed at Bitbucket.", "nothing left</span>"]);
    let link = &test.api_json(Method::GET, "/links", None).await["entries"][0];
    assert_eq!((&link["note"], link["pull_request"].is_null()), (&json!("Nicely done"), true), "links stay as addresses");
    assert_eq!(disconnect(test, &[("workspace", "lumenpay")]).await.status, 409);
}

async fn a_wrong_name_disconnects_nothing_and_what_was_typed_stays(test: &Test) {
    let installation = test.installed().await;
    for typed in ["", "Lumen Pay", "lumenpay-labs", "<b>lumenpay</b>"] {
        let wrong = disconnect(test, &[("workspace", typed), ("links", "on")]).await;
        assert_eq!(wrong.status, 400, "{typed}");
        assert_shows(&wrong, &["is-wrong", "aria-invalid=\"true\"", "Type lumenpay to disconnect it."]);
        assert!(!wrong.body.contains("<b>lumenpay</b>\""), "{}", wrong.body);
        if typed == "Lumen Pay" {
            assert_shows(&wrong, &["value=\"Lumen Pay\""]);
        }
    }
    test.run_jobs().await;
    assert_eq!((test.states().await, removals(test)), (vec![json!("active")], 0));
    assert_eq!(test.panel_status(&installation).await, 200);
}

async fn links_are_removed_when_the_owner_asks(test: &Test) {
    let installation = test.installed().await;
    let feedback = test.attached(&installation).await;
    let by_address = format!("{}/lumenpay/checkout/pull-requests/409", test.sandbox.url());
    let elsewhere = format!("{}/lumenpay2/checkout/pull-requests/1", test.sandbox.url());
    for url in [&by_address, &elsewhere] {
        let link = json!({ "kind": "feedback", "target": feedback, "url": url, "note": "" });
        test.api_json(Method::POST, "/links", Some(link)).await;
    }
    test.run_jobs().await;
    let session = test.session(&test.made.owner).await;
    let asked = test.get_as(&session, &format!("{SETTINGS}/installations/{}/disconnect", newest(test).await)).await;
    assert_shows(&asked, &["the 2 links"]);
    assert_eq!(disconnect(test, &[("workspace", "lumenpay"), ("links", "on")]).await.status, 303);
    test.run_jobs().await;
    let count = |connection: &mut AnyConnection| {
        let kept: Vec<String> = pull_requests::table.select(pull_requests::url).load(connection)?;
        let count: i64 = links::table.count().get_result(connection)?;
        Ok((kept, count))
    };
    assert_eq!(test.server.app.read(count).await.expect("the rows"), (vec![elsewhere], 1));
    assert_shows(&page(test).await, &["links (2)", "nothing left</span>"]);
}

async fn a_removal_waits_until_bitbucket_answers(test: &Test) {
    let installation = test.installed().await;
    test.attached(&installation).await;
    test.sandbox.misbehave(Misbehaviour::on("/2.0/addon", Fault::Status(503)));
    assert_eq!(disconnect(test, &[("workspace", "lumenpay")]).await.status, 303);
    test.run_jobs().await;
    let down = page(test).await;
    assert_shows(&down, &["Bitbucket has not removed the app yet", "(bitbucket_down)", "Try again now", "nothing left</span>"]);
    assert!(is_at_bitbucket(test, &installation));
    assert_eq!(test.panel_status(&installation).await, 403, "it shows nothing meanwhile");
    let secret = |connection: &mut AnyConnection| {
        Ok(installations::table.select(installations::secret).first::<Option<String>>(connection)?)
    };
    assert!(test.server.app.read(secret).await.expect("the row").is_some(), "the key is needed until then");
    test.sandbox.behave();
    test.pass_seconds(10);
    test.run_jobs().await;
    assert!(!is_at_bitbucket(test, &installation));
    let done = page(test).await;
    assert_shows(&done, &["The app is removed at Bitbucket."]);
    assert_lacks(&done, &["Try again now"]);
    assert_eq!(removals(test), 2);
}

async fn a_removal_that_bitbucket_refuses_says_what_to_do(test: &Test) {
    let installation = test.installed().await;
    test.sandbox.misbehave(Misbehaviour::on("/2.0/addon", Fault::Status(403)));
    assert_eq!(disconnect(test, &[("workspace", "lumenpay")]).await.status, 303);
    test.run_jobs().await;
    assert_shows(&page(test).await, &["Bitbucket does not take the removal from us", "remove it there", "Try again now"]);
    test.sandbox.behave();
    let again = press(test, &format!("/installations/{}/remove", newest(test).await), &[]).await;
    assert_eq!(again.header("location"), "/settings/integrations/bitbucket?done=removing");
    test.run_jobs().await;
    assert!(!is_at_bitbucket(test, &installation));
    assert_shows(&page(test).await, &["The app is removed at Bitbucket."]);
    let path = format!("/installations/{}/remove", newest(test).await);
    assert_eq!(press(test, &path, &[]).await.status, 404, "there is nothing left to remove");
}

async fn an_app_that_cannot_remove_itself_shows_the_last_step(test: &Test) {
    test.installed().await;
    let as_forge = |connection: &mut AnyConnection| {
        diesel::update(installations::table).set(installations::door.eq(Door::Forge)).execute(connection)?;
        Ok(())
    };
    test.server.app.write(as_forge).await.expect("the row");
    let session = test.session(&test.made.owner).await;
    let asked = test.get_as(&session, &format!("{SETTINGS}/installations/{}/disconnect", newest(test).await)).await;
    assert_shows(&asked, &["The last step is yours"]);
    assert_eq!(disconnect(test, &[("workspace", "lumenpay")]).await.status, 303);
    test.run_jobs().await;
    let ended = page(test).await;
    assert_shows(&ended, &["One step is left", "Open Workspace settings &#62; Installed apps", "Forge</dd>"]);
    assert_lacks(&ended, &["Try again now"]);
    assert_eq!(removals(test), 0);
}

async fn uninstalled_at_bitbucket_ends_in_the_same_place(test: &Test) {
    let installation = test.installed().await;
    test.attached(&installation).await;
    assert_eq!(test.sandbox.uninstall(&installation.client_key).await, Ok(204));
    test.run_jobs().await;
    let ended = page(test).await;
    assert_shows(
        &ended,
        &["Disconnected</span>", "The app was removed there.", "details of pull requests (1)", "nothing left</span>"],
    );
    assert_eq!(removals(test), 0, "there is nothing to remove any more");
}

async fn late_calls_do_not_revive_what_was_disconnected(test: &Test) {
    let installation = test.installed().await;
    let late_uninstall = test.uninstall_call(&installation);
    test.sandbox.misbehave(Misbehaviour::on("/2.0/addon", Fault::Status(503)));
    assert_eq!(disconnect(test, &[("workspace", "lumenpay")]).await.status, 303);
    test.run_jobs().await;
    assert_eq!(test.sandbox.deliver(&installation.client_key, "pullrequest:updated", LEDGER, 87).await, Ok(403));
    let id = newest(test).await;
    assert_eq!(press(test, &format!("/installations/{id}/confirm"), &[]).await.status, 409);
    assert_eq!(test.send(&late_uninstall).await.status, 204);
    assert_eq!(test.states().await, ["uninstalled"]);
    assert_shows(&page(test).await, &["The app is removed at Bitbucket."]);
    test.pass_seconds(10);
    test.run_jobs().await;
    assert_eq!(removals(test), 1, "Bitbucket has said so itself; it is not asked any more");
}

async fn a_disconnected_workspace_can_be_installed_again(test: &Test) {
    let first = test.installed().await;
    test.attached(&first).await;
    test.sandbox.misbehave(Misbehaviour::on("/2.0/addon", Fault::Status(503)));
    assert_eq!(disconnect(test, &[("workspace", "lumenpay")]).await.status, 303);
    test.run_jobs().await;
    test.sandbox.behave();
    test.pass_seconds(1);
    assert_eq!(test.send(&test.reinstall_call(&first)).await.status, 204, "signed with the key that was kept");
    test.pass_seconds(60);
    test.run_jobs().await;
    assert_eq!((test.states().await, removals(test)), (vec![json!("waiting")], 1), "what was installed again is not removed");
    assert_shows(&page(test).await, &["Waiting for your confirmation", "lumenpay</h2>"]);
    test.confirm().await;
    assert_eq!(test.panel_status(&first).await, 200);
    test.run_jobs().await;
    assert_lacks(&page(test).await, &["Disconnected</span>"]);
}
