//! The purge that an uninstall brings: what people made stays, as plain addresses; what Bitbucket said is gone, and shown to be.

use bitbucket_sandbox::{ClientKey, Install, World};
use clarityloop_bitbucket::config::DatabaseUrl;
use clarityloop_bitbucket::storage::AnyConnection;
use clarityloop_bitbucket::storage::schema::{audit, bitbucket_workspaces, jobs, pull_requests, sightings};
use diesel::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};

use crate::both;
use crate::harness::lifecycle::LUMENPAY_UUID;
use crate::harness::{INGRID, LEDGER, Test};

both!(
    a_purge_leaves_plain_addresses_and_nothing_else,
    a_pull_request_that_was_linked_by_its_ids_is_purged_as_well,
    the_last_door_purges_although_nobody_had_claimed_it,
    a_purge_is_proven_in_the_audit,
    the_database_file_does_not_hold_a_purged_title_any_more,
);

const TITLE: &str = "Close the day's books in one transaction";

type Kept = (String, Option<String>, Option<String>, Option<String>, Option<i64>);
type Said = (Option<String>, Option<String>, Option<String>, Option<String>, Option<chrono::NaiveDateTime>, Option<String>);

async fn rows(test: &Test) -> (Vec<Kept>, Vec<Said>) {
    let read = |connection: &mut AnyConnection| {
        let kept = (
            pull_requests::url,
            pull_requests::bitbucket_workspace_uuid,
            pull_requests::repository_uuid,
            pull_requests::repository_name,
            pull_requests::number,
        );
        let said = (
            pull_requests::title,
            pull_requests::state,
            pull_requests::author_account_id,
            pull_requests::reviewers,
            pull_requests::fetched_at,
            pull_requests::fetch_error,
        );
        Ok((pull_requests::table.select(kept).load(connection)?, pull_requests::table.select(said).load(connection)?))
    };
    test.server.app.read(read).await.expect("the rows")
}

async fn a_purge_leaves_plain_addresses_and_nothing_else(test: &Test) {
    let installation = test.installed().await;
    let feedback = test.attached(&installation).await;
    assert_eq!(rows(test).await.1[0].0.as_deref(), Some(TITLE));
    assert_eq!(test.sandbox.uninstall(&installation.client_key).await, Ok(204));
    let url = format!("{}/lumenpay/ledger/pull-requests/87", test.sandbox.url());
    let nothing = (vec![(url.clone(), None, None, None, None)], vec![(None, None, None, None, None, None)]);
    assert_eq!(rows(test).await, nothing, "at once");
    test.run_jobs().await;
    assert_eq!(rows(test).await, nothing, "and after the jobs");
    let counted = |connection: &mut AnyConnection| {
        let sighted: i64 = sightings::table.count().get_result(connection)?;
        let described = bitbucket_workspaces::table.select((bitbucket_workspaces::slug, bitbucket_workspaces::name));
        let described: Vec<(Option<String>, Option<String>)> = described.load(connection)?;
        let waiting: i64 = jobs::table.count().get_result(connection)?;
        Ok((sighted, described, waiting))
    };
    assert_eq!(test.server.app.read(counted).await.expect("the rows"), (0, vec![(None, None)], 0));
    let links = test.api_json(Method::GET, "/links", None).await;
    let link = &links["entries"][0];
    assert_eq!((&link["url"], &link["note"], &link["pull_request"]), (&json!(url), &json!("Nicely done"), &Value::Null));
    assert_eq!(link["target"], feedback, "the link stays with its conversation");
}

async fn a_pull_request_that_was_linked_by_its_ids_is_purged_as_well(test: &Test) {
    let installation = test.installed().await;
    test.bind(&test.made.owner, INGRID).await;
    let repository = test.sandbox.world(|world: &mut World| world.repository(LEDGER).expect("it").uuid.clone());
    let about = test.member("Priya Raman", "priya@lumenpay.example", None).await;
    let draft = json!({ "about": about.id.as_str(), "body": "Well done", "shared": false });
    let draft = test.api_json(Method::POST, "/feedback", Some(draft)).await;
    let link = json!({ "kind": "feedback", "target": draft["id"], "repository": repository, "pull_request": 87, "note": "" });
    test.api_json(Method::POST, "/links", Some(link)).await;
    assert_eq!(test.panel_status(&installation).await, 200);
    test.run_jobs().await;
    assert_eq!(rows(test).await.1[0].0.as_deref(), Some(TITLE), "who opens the panel has it fetched");
    assert_eq!(test.sandbox.uninstall(&installation.client_key).await, Ok(204));
    test.run_jobs().await;
    let (kept, said) = rows(test).await;
    assert_eq!((kept[0].1.as_ref(), said), (None, vec![(None, None, None, None, None, None)]));
}

async fn the_last_door_purges_although_nobody_had_claimed_it(test: &Test) {
    let installation = test.installed().await;
    test.attached(&installation).await;
    let descriptor_url = format!("{}/atlassian-connect.json", test.url);
    let unclaimed = Install { client_key: ClientKey::Connection, descriptor_url, ..test.to_install() };
    let unclaimed = test.sandbox.install(&unclaimed).await.expect("the app installs");
    test.run_jobs().await;
    test.pass_seconds(1);
    assert_eq!(test.sandbox.uninstall(&installation.client_key).await, Ok(204));
    assert_eq!(test.sandbox.uninstall(&unclaimed.client_key).await, Ok(204));
    test.run_jobs().await;
    assert_eq!(rows(test).await.1, [(None, None, None, None, None, None)]);
}

async fn a_purge_is_proven_in_the_audit(test: &Test) {
    let installation = test.installed().await;
    test.attached(&installation).await;
    assert_eq!(test.sandbox.uninstall(&installation.client_key).await, Ok(204));
    test.run_jobs().await;
    let read = |connection: &mut AnyConnection| {
        let rows = audit::table.order(audit::id.desc()).select((audit::actor, audit::action, audit::detail)).limit(2);
        Ok(rows.load::<(String, String, String)>(connection)?)
    };
    let word = |action: &str, detail: &str| ("app".to_owned(), action.to_owned(), detail.to_owned());
    let expected = [word("purge_proven", "nothing left"), word("uninstalled", LUMENPAY_UUID)];
    assert_eq!(test.server.app.read(read).await.expect("the audit"), expected);
}

/// On PostgreSQL there is no file to look into; what its pages may still hold is in the README.
async fn the_database_file_does_not_hold_a_purged_title_any_more(test: &Test) {
    let DatabaseUrl::Sqlite(file) = test.config.database_url.clone() else { return };
    let holds_title = || {
        let beside = |ending: &str| std::fs::read(format!("{}{ending}", file.display())).unwrap_or_default();
        let bytes = [beside(""), beside("-wal"), beside("-journal")].concat();
        bytes.windows(TITLE.len()).any(|window| window == TITLE.as_bytes())
    };
    let installation = test.installed().await;
    test.attached(&installation).await;
    assert!(holds_title());
    assert_eq!(test.sandbox.uninstall(&installation.client_key).await, Ok(204));
    test.run_jobs().await;
    assert!(!holds_title());
}
