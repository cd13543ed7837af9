//! No token, secret or code is left in the clear: not in the database's files, not in metrics, not in any body.

use bitbucket_sandbox::{AccessToken, Reach};
use clarityloop_bitbucket::config::DatabaseUrl;
use reqwest::Method;
use serde_json::json;

use super::hooks::look;
use super::{CONNECTIONS, connected, listed, owner, register, stored, works};
use crate::harness::{Backend, INGRID, Test, run_with};

const TOKEN: &str = "ATCTT3xFfGN0-a-token-that-nobody-may-see";

#[tokio::test]
async fn the_database_the_metrics_and_the_bodies_hold_no_secret() {
    run_with(Backend::Sqlite, super::CONSUMER, async |test| {
        register(test);
        test.sandbox.add_access_token(AccessToken::new(
            TOKEN,
            Reach::Workspace("lumenpay".to_owned()),
            &["repository", "pullrequest"],
        ));
        let ingrid = owner(test).await;
        let id = connected(test, &ingrid).await;
        let body =
            json!({"name": "All", "kind": "workspace_token", "workspace": "lumenpay", "token": TOKEN, "purposes": ["reading"]});
        let answer = test.api(Method::POST, "/connections").json(&body).send().await.expect("an answer");
        assert_eq!(answer.status(), 201);
        look(test).await;
        let rotate = format!("{CONNECTIONS}/{id}/hooks/rotate");
        let former: Vec<String> = test.sandbox.hooks().into_iter().filter_map(|hook| hook.secret).collect();
        assert_eq!(ingrid.post(test, &rotate, &[]).await.status, 303);
        test.run_jobs().await;
        let hook_secrets = test.sandbox.hooks().into_iter().filter_map(|hook| hook.secret).chain(former);
        let hook_secrets: Vec<String> = hook_secrets.collect();
        assert_eq!(hook_secrets.len(), 2, "a webhook's secret and the one before");
        test.pass_seconds(7300);
        assert_eq!(works(&test.server, &id).await, Some(true), "refreshed, so that there is a former pair as well");
        let own = [("client_id", "own-key"), ("client_secret", "a-consumers-secret")];
        assert_eq!(ingrid.post(test, &format!("{CONNECTIONS}/consumer"), &own).await.status, 303);
        let pair = test.sandbox.grant_directly("the-key", INGRID, &["account"]);
        assert!(pair.access_token.len() > 2_500, "as long as real ones");

        let mut seen =
            vec![answer.text().await.expect("a body"), String::from_utf8_lossy(&test.server.app.metrics.render()).into_owned()];
        seen.extend(listed(test).await.iter().map(ToString::to_string));
        for path in [CONNECTIONS, "/", "/settings/audit", "/profile"] {
            seen.push(ingrid.get(test, path).await.body);
        }
        let files = database_files(test);
        let stored = stored(test).await;
        assert_eq!(stored.len(), 4, "an access token, a refresh token and the one before, and a pasted token");
        // Long ones by their beginnings.
        let stored: Vec<String> = stored.into_iter().map(|(_, secret)| secret.chars().take(100).collect()).collect();
        let stored = stored.iter().chain(&hook_secrets).map(String::as_str);
        for secret in [TOKEN, "a-consumers-secret", "the-secret"].into_iter().chain(stored) {
            assert!(seen.iter().all(|text| !text.contains(secret)), "a secret is shown");
            let bytes = secret.as_bytes();
            assert!(
                files.iter().all(|file| !file.windows(bytes.len()).any(|window| window == bytes)),
                "a secret is stored in the clear"
            );
        }
    })
    .await;
}

/// The database and its log, as they lie on the disk.
fn database_files(test: &Test) -> Vec<Vec<u8>> {
    let DatabaseUrl::Sqlite(path) = &test.config.database_url else { panic!("not SQLite") };
    [path.clone(), path.with_extension("db-wal")].iter().filter_map(|file| std::fs::read(file).ok()).collect()
}
