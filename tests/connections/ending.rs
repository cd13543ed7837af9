//! What is left of ended connections, and that a Bitbucket workspace which is disconnected keeps none, however many there were.

use clarityloop_bitbucket::connections::repositories::listing;
use clarityloop_bitbucket::storage::AnyConnection;
use clarityloop_bitbucket::storage::schema::{connections, repository_listings};
use diesel::prelude::*;
use reqwest::Method;
use serde_json::json;

use super::{CONNECTIONS, CONSUMER, connected, listed, owner, register, stored};
use crate::both;
use crate::harness::Test;
use crate::harness::lifecycle::LUMENPAY_UUID;

both!(with super::CONSUMER =>
    nothing_that_bitbucket_said_is_left_of_an_ended_connection,
    disconnecting_a_bitbucket_workspace_ends_every_connection_in_it,
    no_reading_begins_where_a_workspace_was_disconnected_meanwhile,
);

async fn nothing_that_bitbucket_said_is_left_of_an_ended_connection(test: &Test) {
    register(test);
    let ingrid = owner(test).await;
    let id = connected(test, &ingrid).await;
    let failing = (
        connections::failing_call.eq(Some("check")),
        connections::failing_code.eq(Some("bitbucket_missing_scopes")),
        connections::failed_at.eq(Some(test.now().naive_utc())),
        connections::missing_scopes.eq(Some("pipeline")),
    );
    let row = connections::table.find(id.clone());
    let fail = move |connection: &mut AnyConnection| Ok(diesel::update(row).set(failing).execute(connection)?);
    assert_eq!(test.server.app.write(fail).await.expect("a failure"), 1);
    assert_eq!(listed(test).await[0]["failing_code"], "bitbucket_missing_scopes");
    assert_eq!(ingrid.post(test, &format!("{CONNECTIONS}/{id}/disconnect"), &[]).await.status, 303);
    let ended = &listed(test).await[0];
    for field in ["scopes", "failing_code", "expires_at", "reach_name"] {
        assert_eq!(ended[field], json!(null), "{field}: {ended}");
    }
    type Left = (Option<String>, Option<String>, Option<chrono::NaiveDateTime>, Option<String>);
    let read = move |connection: &mut AnyConnection| {
        let columns = (connections::account_id, connections::failing_call, connections::failed_at, connections::missing_scopes);
        Ok(connections::table.find(id).select(columns).first::<Left>(connection)?)
    };
    assert_eq!(test.server.app.read(read).await.expect("a row"), (None, None, None, None));
    test.run_jobs().await;
}

async fn disconnecting_a_bitbucket_workspace_ends_every_connection_in_it(test: &Test) {
    test.installed().await;
    for _ in 0..103 {
        test.connection(LUMENPAY_UUID).await;
    }
    let installation = test.installations().await[0]["id"].as_str().expect("an id").to_owned();
    let path = format!("/installations/{installation}/disconnect");
    test.api_json(Method::POST, &path, Some(json!({"workspace": "lumenpay"}))).await;
    assert!(listed(test).await.iter().all(|connection| connection["state"] == "disconnected"));
    assert!(stored(test).await.is_empty(), "no secret is left");
    test.run_jobs().await;
}

async fn no_reading_begins_where_a_workspace_was_disconnected_meanwhile(test: &Test) {
    register(test);
    let ingrid = owner(test).await;
    let id = connected(test, &ingrid).await;
    assert_eq!(ingrid.post(test, &format!("{CONNECTIONS}/{id}/disconnect"), &[]).await.status, 303);
    test.run_jobs().await;
    // Another server saw that the list was due before that.
    let (workspace_id, uuid, now) = (test.made.owner.workspace_id.clone(), LUMENPAY_UUID, test.server.app.now());
    let uuid = uuid.parse().expect("a UUID");
    let begin = move |connection: &mut AnyConnection| listing::begin(connection, &workspace_id, uuid, &now);
    assert!(!test.server.app.write(begin).await.expect("an answer"));
    let count = |connection: &mut AnyConnection| Ok(repository_listings::table.count().get_result::<i64>(connection)?);
    assert_eq!(test.server.app.read(count).await.expect("a count"), 0);
}
