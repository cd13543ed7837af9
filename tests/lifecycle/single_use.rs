//! Lifecycle tokens are single use, and spent with their effect: what was answered 503 has spent nothing.

use bitbucket_sandbox::{Fault, Misbehaviour};

use crate::both;
use crate::harness::Test;

both!(
    a_lifecycle_token_is_used_once,
    of_eight_calls_with_one_token_one_is_taken,
    a_token_is_remembered_for_as_long_as_it_lives,
    a_call_that_was_answered_503_has_spent_nothing,
    an_install_token_does_not_uninstall_and_the_reverse,
);

async fn a_lifecycle_token_is_used_once(test: &Test) {
    let installation = test.installed().await;
    let call = test.reinstall_call(&installation);
    assert_eq!(test.send(&call).await.status, 204);
    let again = test.send(&call).await;
    assert_eq!((again.status, again.code()), (401, "token_spent".to_owned()));
    let uninstall = test.uninstall_call(&installation);
    assert_eq!(test.send(&uninstall).await.status, 204);
    let again = test.send(&uninstall).await;
    assert_eq!((again.status, again.code()), (401, "token_spent".to_owned()));
    test.run_jobs().await;
}

async fn of_eight_calls_with_one_token_one_is_taken(test: &Test) {
    let installation = test.installed().await;
    for call in [test.reinstall_call(&installation), test.uninstall_call(&installation)] {
        let pages = test.send_at_once(&call, 8).await;
        let mut statuses: Vec<u16> = pages.iter().map(|page| page.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 401, 401, 401, 401, 401, 401, 401]);
        assert_eq!(pages.iter().filter(|page| page.status == 401 && page.code() == "token_spent").count(), 7);
    }
    test.run_jobs().await;
}

async fn a_token_is_remembered_for_as_long_as_it_lives(test: &Test) {
    let installation = test.installed().await;
    let call = test.reinstall_call(&installation);
    let secret = test.sandbox.secret_of(&installation.client_key).expect("a secret");
    let lives_a_day = test.sandbox.token(&installation.client_key, "POST", &call.url, 24 * 3600).expect("a token").sign(&secret);
    let call = call.signed(lives_a_day);
    assert_eq!(test.send(&call).await.status, 204);
    test.pass_seconds(24 * 3600 + 30);
    // Any other lifecycle call takes the opportunity to forget what is too old.
    assert_eq!(test.send(&test.reinstall_call(&installation)).await.status, 204);
    let replayed = test.send(&call).await;
    assert_eq!((replayed.status, replayed.code()), (401, "token_spent".to_owned()), "within the leeway it would still verify");
    test.pass_seconds(120);
    assert_eq!(test.send(&call).await.code(), "token_expired");
    test.run_jobs().await;
}

async fn a_call_that_was_answered_503_has_spent_nothing(test: &Test) {
    let installation = test.installed().await;
    let call = test.reinstall_call(&installation);
    test.sandbox.misbehave(Misbehaviour::on("/2.0/workspaces/", Fault::Status(503)));
    assert_eq!(test.send(&call).await.status, 503);
    assert_eq!(test.send(&call).await.status, 503);
    test.sandbox.behave();
    assert_eq!(test.send(&call).await.status, 204);
    assert_eq!(test.send(&call).await.code(), "token_spent");
    test.run_jobs().await;
}

async fn an_install_token_does_not_uninstall_and_the_reverse(test: &Test) {
    let installation = test.installed().await;
    let (install, uninstall) = (test.reinstall_call(&installation), test.uninstall_call(&installation));
    let page = test.send(&uninstall.clone().signed(install.token.clone())).await;
    assert_eq!((page.status, page.code()), (401, "query_string_hash_mismatch".to_owned()));
    let page = test.send(&install.signed(uninstall.token)).await;
    assert_eq!((page.status, page.code()), (401, "query_string_hash_mismatch".to_owned()));
    assert_eq!(test.states().await, ["active"]);
}
