//! `installed` for a client key that is known: signed with the secret that is stored, and all checks of a first install again.

use bitbucket_sandbox::{ClientKey, Fault, Install, Installation, Misbehaviour, World};
use reqwest::Method;
use serde_json::json;

use crate::both;
use crate::harness::lifecycle::{LUMENPAY_UUID, PERSONAL, refusal, soon};
use crate::harness::{INGRID, LEDGER, Made, Test, make_workspace};

both!(
    a_new_secret_takes_the_place_of_the_old_one,
    a_replaced_secret_verifies_what_it_signed_before_the_change_for_an_hour,
    a_replaced_secret_does_not_verify_what_it_signed_after_the_change,
    an_answer_that_was_lost_is_made_up_for_by_the_next_install,
    a_replaced_secret_signs_no_install_after_its_hour,
    an_install_of_a_known_client_key_must_be_signed_with_its_secret,
    another_installation_cannot_sign_for_this_one,
    a_client_key_does_not_move_to_another_bitbucket_workspace,
    the_checks_and_the_proof_are_those_of_a_first_install,
    a_bitbucket_workspace_belongs_to_one_clarityloop_workspace_at_a_time,
    a_connection_counts_as_an_installation_does,
    an_installation_is_not_confirmed_where_somebody_else_has_a_connection,
);

/// A token for the panel of `installation`, signed by `secret` now and valid for longer than a replaced secret counts.
fn long_lived_panel(test: &Test, installation: &Installation, secret: &str) -> String {
    let framed = test.sandbox.panel_url(&installation.client_key, LEDGER, 87, INGRID).expect("a panel address");
    let address = framed.split("&jwt=").next().expect("an address").to_owned();
    let token = test.sandbox.token(&installation.client_key, "GET", &address, 3 * 3600).expect("a token").sign(secret);
    format!("{address}&jwt={token}")
}

fn secret(test: &Test, installation: &Installation) -> String {
    test.sandbox.secret_of(&installation.client_key).expect("a secret")
}

async fn a_new_secret_takes_the_place_of_the_old_one(test: &Test) {
    let installation = test.installed().await;
    let former = secret(test, &installation);
    test.install().await;
    assert_ne!(secret(test, &installation), former);
    assert_eq!(test.states().await, ["active"], "an active installation stays what it is");
    soon("the new secret signs panels", async || test.panel_status(&installation).await == 200).await;
    assert_eq!(test.sandbox.deliver(&installation.client_key, "pullrequest:updated", LEDGER, 87).await, Ok(204));
    assert_eq!(test.sandbox.uninstall(&installation.client_key).await, Ok(204));
    test.run_jobs().await;
}

async fn a_replaced_secret_verifies_what_it_signed_before_the_change_for_an_hour(test: &Test) {
    let installation = test.installed().await;
    let before = long_lived_panel(test, &installation, &secret(test, &installation));
    test.pass_seconds(2);
    test.install().await;
    soon("the new secret signs panels", async || test.panel_status(&installation).await == 200).await;
    assert_eq!(test.get(&before).await.status, 200);
    test.pass_seconds(3500);
    assert_eq!(test.get(&before).await.status, 200);
    test.pass_seconds(101);
    soon("the hour is over", async || test.get(&before).await.status == 401).await;
}

async fn a_replaced_secret_does_not_verify_what_it_signed_after_the_change(test: &Test) {
    let installation = test.installed().await;
    let former = secret(test, &installation);
    test.install().await;
    test.pass_seconds(1);
    let after = long_lived_panel(test, &installation, &former);
    soon("the old secret is refused", async || test.get(&after).await.status == 401).await;
}

/// Our 204 was lost, so Bitbucket keeps the secret that we have replaced, and signs the next install with it.
async fn an_answer_that_was_lost_is_made_up_for_by_the_next_install(test: &Test) {
    let installation = test.installed().await;
    let former = secret(test, &installation);
    let lost = Install { lose_answer: true, ..test.to_install() };
    for _ in 0..2 {
        test.pass_seconds(600);
        assert!(test.sandbox.install(&lost).await.is_err());
        assert_eq!(test.sandbox.sent().last().expect("a call").status, Some(204));
        assert_eq!(secret(test, &installation), former);
    }
    test.pass_seconds(600);
    test.install().await;
    assert_eq!(test.states().await, ["active"]);
    soon("the panel works again", async || test.panel_status(&installation).await == 200).await;
}

async fn a_replaced_secret_signs_no_install_after_its_hour(test: &Test) {
    let installation = test.installed().await;
    let signed = test.reinstall_call(&installation);
    test.install().await;
    test.pass_seconds(3601);
    let former = test.sandbox.token(&installation.client_key, "POST", &signed.url, 3600).expect("a token");
    let former_secret = signed.body["sharedSecret"].as_str().expect("a secret").to_owned();
    let page = test.send(&test.reinstall_call(&installation).signed(former.sign(&former_secret))).await;
    assert_eq!((page.status, page.code()), (401, "token_signature".to_owned()));
}

async fn an_install_of_a_known_client_key_must_be_signed_with_its_secret(test: &Test) {
    let installation = test.installed().await;
    let call = test.reinstall_call(&installation);
    let wrong = test.sandbox.token(&installation.client_key, "POST", &call.url, 3600).expect("a token");
    for (token, code) in [(None, "token_missing"), (Some(wrong.sign("another")), "token_signature")] {
        let page = test.send(&call.clone().signed(token)).await;
        assert_eq!((page.status, page.code().as_str()), (401, code));
    }
    let replaced = call.clone().signed(wrong.sign("its own secret")).with("/sharedSecret", json!("its own secret"));
    assert_eq!(test.send(&replaced).await.code(), "token_signature", "the secret of the body signs nothing");
    assert_eq!(test.send(&call).await.status, 204, "the stored secret is what it was");
    test.run_jobs().await;
}

async fn another_installation_cannot_sign_for_this_one(test: &Test) {
    let installation = test.installed().await;
    let personal = Install { workspace: PERSONAL.to_owned(), ..test.to_install() };
    let other = test.sandbox.install(&personal).await.expect("the app installs");
    test.run_jobs().await;
    let other_secret = secret(test, &other);
    for call in [test.reinstall_call(&installation), test.uninstall_call(&installation)] {
        let of_other = test.sandbox.token(&other.client_key, "POST", &call.url, 3600).expect("a token");
        let claiming = test.sandbox.token(&installation.client_key, "POST", &call.url, 3600).expect("a token");
        for token in [of_other, claiming] {
            let page = test.send(&call.clone().signed(token.sign(&other_secret))).await;
            assert_eq!((page.status, page.code()), (401, "token_signature".to_owned()));
        }
    }
    assert_eq!(test.states().await, ["waiting", "active"]);
}

async fn a_client_key_does_not_move_to_another_bitbucket_workspace(test: &Test) {
    let install = Install { client_key: ClientKey::Connection, ..test.to_install() };
    let installation = test.sandbox.install(&install).await.expect("the app installs");
    test.run_jobs().await;
    let calls = test.sandbox.calls().len();
    let elsewhere = test.sandbox.world(|world: &mut World| world.workspace(PERSONAL).expect("a workspace").uuid.clone());
    for call in [test.reinstall_call(&installation), test.uninstall_call(&installation)] {
        let page = test.send(&call.with("/principal/uuid", json!(elsewhere))).await;
        assert_eq!((page.status, page.code()), (403, "workspace_mismatch".to_owned()));
    }
    assert_eq!(test.sandbox.calls().len(), calls, "nobody was asked");
    assert_eq!(test.states().await, ["waiting"]);
}

async fn the_checks_and_the_proof_are_those_of_a_first_install(test: &Test) {
    let installation = test.installed().await;
    let call = test.reinstall_call(&installation);
    let refused = [
        ("/baseApiUrl", json!("https://bitbucket.evil.example"), (400, "api_url_mismatch")),
        ("/key", json!("another-app"), (400, "app_key_mismatch")),
        ("/productType", json!("jira"), (400, "product_type_unknown")),
        ("/principal/uuid", json!("lumenpay"), (400, "workspace_uuid_malformed")),
        ("/sharedSecret", json!("a secret that Bitbucket does not know"), (401, "secret_not_proven")),
    ];
    for (pointer, value, (status, code)) in refused {
        let page = test.send(&call.clone().with(pointer, value)).await;
        assert_eq!((page.status, page.code().as_str()), (status, code), "{pointer}");
    }
    test.sandbox.misbehave(Misbehaviour::on("/2.0/workspaces/", Fault::DroppedConnection));
    let unanswered = test.sandbox.install(&test.to_install()).await.expect_err("a refusal");
    assert_eq!(refusal(&unanswered), (503, "bitbucket_down".to_owned()));
    test.sandbox.behave();
    assert_eq!(test.panel_status(&installation).await, 200, "the old secret is still the one");
}

async fn other_workspace(test: &Test) -> (Made, String) {
    let other = make_workspace(&test.server, "Other", "Olga Other", "olga@other.example").await;
    let descriptor = format!("{}/connect/{}/descriptor.json", test.url, other.install_code);
    (other, descriptor)
}

async fn a_bitbucket_workspace_belongs_to_one_clarityloop_workspace_at_a_time(test: &Test) {
    let installation = test.install().await;
    let (other, descriptor_url) = other_workspace(test).await;
    for client_key in [ClientKey::Ari, ClientKey::Connection] {
        let install = Install { descriptor_url: descriptor_url.clone(), client_key, ..test.to_install() };
        let refused = test.sandbox.install(&install).await.expect_err("a refusal");
        assert_eq!(refusal(&refused), (409, "bitbucket_workspace_taken".to_owned()), "{client_key:?}, while it waits");
    }
    test.confirm().await;
    let install = Install { descriptor_url: descriptor_url.clone(), ..test.to_install() };
    assert_eq!(refusal(&test.sandbox.install(&install).await.expect_err("a refusal")).0, 409, "when it is active");
    assert_eq!((test.installations_of(&other.token).await.len(), test.states().await), (0, vec![json!("active")]));
    assert_eq!(test.sandbox.uninstall(&installation.client_key).await, Ok(204));
    test.sandbox.install(&install).await.expect("what was left may be taken");
    test.run_jobs().await;
    assert_eq!(test.installations_of(&other.token).await[0]["state"], "waiting");
    assert_eq!(test.states().await, Vec::<serde_json::Value>::new());
    let id = test.installations_of(&other.token).await[0]["id"].as_str().expect("an id").to_owned();
    let confirmed = test.api(Method::POST, &format!("/installations/{id}/confirm")).send().await.expect("an answer");
    assert_eq!(confirmed.status(), 404, "the former workspace has no say in it");
}

async fn a_connection_counts_as_an_installation_does(test: &Test) {
    let (other, descriptor_url) = other_workspace(test).await;
    test.connection(LUMENPAY_UUID).await;
    let by_code = Install { descriptor_url, ..test.to_install() };
    let refused = test.sandbox.install(&by_code).await.expect_err("a refusal");
    assert_eq!(refusal(&refused), (409, "bitbucket_workspace_taken".to_owned()));
    // Without a code it is nobody's and may wait; whoever has no connection cannot claim it.
    let descriptor_url = format!("{}/atlassian-connect.json", test.url);
    let unclaimed = Install { descriptor_url, ..test.to_install() };
    let unclaimed = test.sandbox.install(&unclaimed).await.expect("the app installs");
    test.run_jobs().await;
    let (link, olga) = (test.claim_link(&unclaimed).await, test.session(&other.owner).await);
    let csrf = test.get_as(&olga, &link).await.field("csrf");
    let refused = test.post_as(&olga, &link, &[("csrf", &csrf)]).await;
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert_eq!(test.installations_of(&other.token).await.len(), 0);
    test.claimed(&unclaimed).await;
    assert_eq!(test.states().await, ["active"]);
    test.run_jobs().await;
}

async fn an_installation_is_not_confirmed_where_somebody_else_has_a_connection(test: &Test) {
    test.install().await;
    let (other, _) = other_workspace(test).await;
    let connection = test.connection(LUMENPAY_UUID).await;
    test.give_connection(&connection, &other.owner).await;
    let id = test.installations().await[0]["id"].as_str().expect("an id").to_owned();
    let answer = test.api(Method::POST, &format!("/installations/{id}/confirm")).send().await.expect("an answer");
    assert_eq!(answer.status(), 409);
    let problem: serde_json::Value = answer.json().await.expect("a problem");
    assert_eq!((&problem["code"], test.states().await), (&json!("bitbucket_workspace_taken"), vec![json!("waiting")]));
}
