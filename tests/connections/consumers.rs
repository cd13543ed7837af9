//! The OAuth consumer of a workspace: removed when nothing lives by it any more, and its secret with it; a replaced one's secret goes as soon
//! as nothing is refreshed through it.

use clarityloop_bitbucket::connections::consumer_removal;
use clarityloop_bitbucket::storage::AnyConnection;
use clarityloop_bitbucket::storage::schema::oauth_consumers;
use diesel::prelude::*;
use reqwest::Method;
use serde_json::json;

use super::{CONNECTIONS, connected, consent, consumer, leave, listed, owner, works};
use crate::both;
use crate::harness::people::Person;
use crate::harness::{AMARA, INGRID, Test};
use crate::sign_in::visitor::answer;

both!(
    a_consumer_is_removed_when_no_connection_lives_by_it_and_takes_own_grants_with_it,
    a_consumer_is_removed_by_rest,
    a_replaced_consumer_is_kept_for_what_is_refreshed_through_it_and_no_longer,
    a_consent_that_is_under_way_comes_back_to_a_consumer_that_was_replaced_meanwhile,
);

const REMOVE: &str = "/settings/integrations/bitbucket/connections/consumer/remove";

async fn enter(test: &Test, owner: &Person, key: &str) {
    test.sandbox.add_consumer(consumer(test, key, "a-secret"));
    let fields = [("client_id", key), ("client_secret", "a-secret")];
    assert_eq!(owner.post(test, &format!("{CONNECTIONS}/consumer"), &fields).await.status, 303);
}

/// The keys of the consumers whose secrets are stored.
async fn kept(test: &Test) -> Vec<String> {
    let read = |connection: &mut AnyConnection| {
        let keys = oauth_consumers::table.order(oauth_consumers::client_id).select(oauth_consumers::client_id);
        Ok(keys.load::<String>(connection)?)
    };
    test.server.app.read(read).await.expect("consumers")
}

/// What the server does every minute.
async fn look(test: &Test) {
    let now = test.server.app.now();
    let look = move |connection: &mut AnyConnection| consumer_removal::forget_unneeded(connection, None, &now);
    test.server.app.write(look).await.expect("a look");
}

async fn a_consumer_is_removed_when_no_connection_lives_by_it_and_takes_own_grants_with_it(test: &Test) {
    let (ingrid, amara) = (owner(test).await, Person::new(test, "Amara Okafor").await);
    assert_eq!(ingrid.get(test, REMOVE).await.status, 404, "none is entered");
    enter(test, &ingrid, "own-key").await;
    let id = connected(test, &ingrid).await;
    assert_eq!(consent(test, &amara, "/profile/grant", &[], AMARA).await.status, 303);
    let page = ingrid.get(test, REMOVE).await;
    assert!(page.body.contains("One connection lives") && !page.body.contains("button-danger"), "{}", page.body);
    let page = ingrid.post(test, REMOVE, &[]).await;
    assert!(page.status == 409 && page.body.contains("One connection lives by this consumer"), "{}", page.body);
    assert_eq!(works(&test.server, &id).await, Some(true));

    assert_eq!(ingrid.post(test, &format!("{CONNECTIONS}/{id}/disconnect"), &[]).await.status, 303);
    let page = ingrid.get(test, REMOVE).await;
    assert!(page.body.contains("A member’s own grant ends") && page.body.contains("own-key"), "{}", page.body);
    let page = ingrid.post(test, REMOVE, &[]).await;
    assert_eq!(page.header("location"), format!("{CONNECTIONS}?done=consumer-removed"), "{}", page.body);
    assert_eq!(kept(test).await, Vec::<String>::new(), "the secret is gone");
    assert!(amara.get(test, "/profile").await.body.contains("Not given"));
    let page = ingrid.get(test, &format!("{CONNECTIONS}?done=consumer-removed")).await;
    assert!(
        page.body.contains("The consumer is removed.") && page.body.contains("There is no OAuth consumer yet"),
        "{}",
        page.body
    );
    assert!(ingrid.get(test, "/settings/audit").await.body.contains("removed the OAuth consumer own-key"));
    test.run_jobs().await;
}

async fn a_consumer_is_removed_by_rest(test: &Test) {
    let path = "/oauth-consumer";
    let status = async |method: Method| test.api(method, path).send().await.expect("an answer").status().as_u16();
    assert_eq!((status(Method::GET).await, status(Method::DELETE).await), (404, 404), "none is entered");
    let ingrid = owner(test).await;
    enter(test, &ingrid, "own-key").await;
    let id = connected(test, &ingrid).await;
    let shown = test.api_json(Method::GET, path, None).await;
    assert_eq!((&shown["client_id"], &shown["connections"], &shown["own_grants"]), (&json!("own-key"), &json!(1), &json!(0)));
    assert!(!shown.to_string().contains("a-secret"), "{shown}");
    assert_eq!(status(Method::DELETE).await, 409);
    test.api_json(Method::POST, &format!("/connections/{id}/disconnect"), Some(json!({}))).await;
    assert_eq!((status(Method::DELETE).await, status(Method::GET).await), (204, 404));
    assert_eq!(kept(test).await, Vec::<String>::new());
    test.run_jobs().await;
}

async fn a_replaced_consumer_is_kept_for_what_is_refreshed_through_it_and_no_longer(test: &Test) {
    let ingrid = owner(test).await;
    enter(test, &ingrid, "first-key").await;
    enter(test, &ingrid, "second-key").await;
    assert_eq!(kept(test).await, ["second-key"], "nothing lived by the first");
    let id = connected(test, &ingrid).await;
    enter(test, &ingrid, "third-key").await;
    test.pass_seconds(7300);
    assert_eq!(works(&test.server, &id).await, Some(true), "it is refreshed through the second");
    look(test).await;
    assert_eq!(kept(test).await, ["second-key", "third-key"]);
    assert_eq!(consent(test, &ingrid, &format!("{CONNECTIONS}/{id}/consent"), &[], INGRID).await.status, 303);
    look(test).await;
    assert_eq!(kept(test).await, ["third-key"], "granted anew through the third");
    // What Bitbucket has refused for good is granted anew through whichever is entered then.
    enter(test, &ingrid, "fourth-key").await;
    test.sandbox.revoke_grants("third-key", INGRID);
    test.pass_seconds(7300);
    assert_eq!(works(&test.server, &id).await, None);
    look(test).await;
    assert_eq!((kept(test).await, &listed(test).await[0]["state"]), (vec!["fourth-key".to_owned()], &json!("reconnect")));
}

async fn a_consent_that_is_under_way_comes_back_to_a_consumer_that_was_replaced_meanwhile(test: &Test) {
    let ingrid = owner(test).await;
    enter(test, &ingrid, "first-key").await;
    let address = leave(test, &ingrid, &format!("{CONNECTIONS}/consent"), &[("purpose", "reading")]).await;
    let back = answer(test, &address, INGRID, "grant").await;
    enter(test, &ingrid, "second-key").await;
    assert_eq!(ingrid.get(test, &back).await.header("location"), format!("{CONNECTIONS}?done=connected"));
    // One that nobody comes back from holds it for as long as somebody may take.
    enter(test, &ingrid, "third-key").await;
    leave(test, &ingrid, &format!("{CONNECTIONS}/consent"), &[("purpose", "reading")]).await;
    enter(test, &ingrid, "fourth-key").await;
    assert_eq!(kept(test).await, ["first-key", "fourth-key", "third-key"]);
    test.pass_seconds(601);
    look(test).await;
    assert_eq!(kept(test).await, ["first-key", "fourth-key"]);
    // A consent that comes back to a removed consumer keeps nothing.
    let address = leave(test, &ingrid, &format!("{CONNECTIONS}/consent"), &[("purpose", "agents")]).await;
    let back = answer(test, &address, INGRID, "grant").await;
    assert_eq!(ingrid.post(test, REMOVE, &[]).await.status, 303);
    assert_eq!(ingrid.get(test, &back).await.status, 400);
    assert_eq!(listed(test).await.len(), 1);
}
