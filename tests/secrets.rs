//! The search for secrets that ends every test: it finds what lies open, wherever that is, and says where.

use clarityloop_bitbucket::storage::AnyConnection;
use clarityloop_bitbucket::storage::schema::workspaces;
use diesel::prelude::*;

use crate::harness::secrets::{self, Finder};
use crate::harness::{AMARA, Backend, Test};

#[test]
fn a_secret_is_found_wherever_it_begins_and_nothing_else_is() {
    let (short, long) = ("p4ssw0rd", "0123456789abcdef".repeat(8));
    let finder = Finder::new([short, long.as_str(), "tiny"]);
    for begin in 0..9 {
        let text = format!("{}{short}", "x".repeat(begin));
        assert_eq!(finder.find(text.as_bytes()).as_deref(), Some(short), "after {begin} bytes");
        let text = format!("{}{long} and more", "x".repeat(begin));
        assert!(finder.find(text.as_bytes()).is_some_and(|found| long.ends_with(&found)), "after {begin} bytes");
    }
    for text in ["", "p4s", "p4ssw0r", "p4ssw0rD", "p4ss w0rd", "tiny tiny"] {
        assert_eq!(finder.find(text.as_bytes()), None, "{text}");
    }
}

/// Lays a token open in a way, and tells where it is found.
async fn found(backend: Backend, lay_open: impl AsyncFnOnce(&Test, &str)) -> Option<Vec<String>> {
    let test = Test::start(backend, &[]).await?;
    let token = test.sandbox.grant_directly("consumer", AMARA, &["account"]).access_token;
    assert_eq!(test.lying_open().await, Vec::<String>::new(), "nothing yet");
    lay_open(&test, &token).await;
    let found = test.lying_open().await;
    test.server.stop().await;
    Some(found)
}

async fn rename_workspace(test: &Test, name: &str) {
    let (row, name) = (workspaces::table.find(test.made.owner.workspace_id.clone()), name.to_owned());
    let work =
        move |connection: &mut AnyConnection| Ok(diesel::update(row).set(workspaces::name.eq(name)).execute(connection)?);
    test.server.app.write(work).await.expect("a name");
}

#[tokio::test]
async fn what_lies_open_in_the_file_of_sqlite_is_found() {
    let found = found(Backend::Sqlite, async |test, token| rename_workspace(test, token).await).await.expect("SQLite");
    assert!(found.iter().any(|found| found.contains("test.db")), "{found:?}");
}

#[tokio::test]
async fn what_lies_open_in_a_table_of_postgres_is_found() {
    let Some(found) = found(Backend::Postgres, async |test, token| rename_workspace(test, token).await).await else { return };
    assert!(found.len() == 1 && found[0].starts_with("workspaces: "), "{found:?}");
}

#[tokio::test]
async fn what_lies_open_in_the_log_is_found() {
    let log = async |_: &Test, token: &str| tracing::warn!(target: "clarityloop_bitbucket", token, "as nobody should");
    let found = found(Backend::Sqlite, log).await.expect("SQLite");
    assert!(found.len() == 1 && found[0].starts_with("the log: "), "{found:?}");
}

#[tokio::test]
async fn what_lies_open_in_a_refusal_or_among_the_metrics_is_found() {
    let refuse = async |_: &Test, token: &str| secrets::note_answer(400, &format!("{{\"detail\": \"{token} is wrong\"}}"));
    let refused = found(Backend::Sqlite, refuse).await.expect("SQLite");
    assert!(refused.len() == 1 && refused[0].starts_with("a refusal: "), "{refused:?}");
    let count = async |test: &Test, token: &str| test.server.app.metrics.token_refusals.with_label_values(&[token]).inc();
    let counted = found(Backend::Sqlite, count).await.expect("SQLite");
    assert!(counted.len() == 1 && counted[0].starts_with("the metrics: "), "{counted:?}");
}

#[tokio::test]
async fn sessions_links_and_api_tokens_are_looked_for_too() {
    for kind in ["a link", "a session", "an API token"] {
        let lay_open = async |test: &Test, _: &str| {
            let secret = match kind {
                "a link" => test.sign_in_link(&test.made.owner).await,
                "a session" => test.session(&test.made.owner).await,
                _ => test.made.token.clone(),
            };
            rename_workspace(test, &secret).await;
        };
        assert!(!found(Backend::Sqlite, lay_open).await.expect("SQLite").is_empty(), "{kind}");
    }
}
