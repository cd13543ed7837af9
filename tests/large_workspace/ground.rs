//! What stands in the large workspace, made by SQL that both databases read alike. Every 500th conversation is the owner's.

use clarityloop_bitbucket::storage::AnyConnection;
use diesel::connection::SimpleConnection as _;

use crate::harness::Test;

const MEMBERS: usize = 2_000;
const FEEDBACK: usize = 20_000;
const ONE_ON_ONES: usize = 12_500;
const REQUESTS: usize = 10_000;
const GOALS: usize = 7_500;
const PULL_REQUESTS: usize = 40_000;
const LINKS_OF_EACH: usize = 4;

/// The id of a row of a sort: 1 members, 2 pull requests, 3 links, 4 feedback, 5 1:1s, 6 requests, 7 goals, 8 agenda items.
pub fn id(sort: usize, number: usize) -> String {
    format!("01990000-{sort:04}-7000-8000-{number:012}")
}

/// The same, of a number in a statement.
fn id_of(sort: usize, number: &str) -> String {
    format!("'01990000-{sort:04}-7000-8000-' || substr(CAST(1000000000000 + ({number}) AS TEXT), 2)")
}

fn numbers(count: usize) -> String {
    format!("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count})")
}

/// Fills the test's workspace.
pub async fn lay(test: &Test) {
    let (workspace, owner) = (test.made.owner.workspace_id.to_string(), test.made.owner.id.to_string());
    let (site, today) = (test.config.bitbucket_web_url.clone(), test.now().date_naive());
    let work = move |connection: &mut AnyConnection| {
        if let AnyConnection::Postgres(postgres) = connection {
            // A server's statement that takes ten seconds is lost; these may.
            postgres.batch_execute("SET LOCAL statement_timeout = 0").unwrap();
        }
        // The one type that the two databases do not read alike from a text.
        let today = match connection {
            AnyConnection::Sqlite(_) => format!("'{today}'"),
            AnyConnection::Postgres(_) => format!("DATE '{today}'"),
        };
        for statement in statements(&workspace, &owner, &site, &today) {
            connection.batch_execute(&statement).unwrap_or_else(|error| panic!("{error}: {statement}"));
        }
        Ok(())
    };
    test.server.app.write(work).await.expect("the ground");
}

fn statements(workspace: &str, owner: &str, site: &str, today: &str) -> Vec<String> {
    let when = format!("(SELECT created_at FROM workspaces WHERE id = '{workspace}')");
    let member = |number: &str| id_of(1, &format!("({number}) % {MEMBERS}"));
    // Whose a conversation is: the owner's now and then.
    let whose = |number: &str| format!("CASE WHEN {number} % 500 < 4 THEN '{owner}' ELSE {} END", member(number));
    let (first, second) = (whose("i"), member("i * 7 + 1"));
    let mut statements = vec![
        format!(
            "INSERT INTO members (id, workspace_id, name, email, email_folded, role, created_at) {} SELECT {}, '{workspace}', \
             'Colleague ' || i, 'c' || i || '@example.com', 'c' || i || '@example.com', 'member', {when} FROM n",
            numbers(MEMBERS),
            member("i")
        ),
        format!("UPDATE members SET manager_id = '{owner}' WHERE workspace_id = '{workspace}' AND name LIKE 'Colleague 1_'"),
        format!(
            "INSERT INTO identities (member_id, workspace_id, account_id, bound_by, bound_at, confirmed_at) {} \
             SELECT {}, '{workspace}', 'account-' || i, 'code', {when}, {when} FROM n",
            numbers(MEMBERS),
            member("i")
        ),
        format!(
            "INSERT INTO pull_requests (id, workspace_id, url, bitbucket_workspace_uuid, repository_uuid, repository_name, number, title, \
             state, author_account_id, fetched_at, created_at) {} SELECT {}, '{workspace}', \
             '{site}/lumenpay/ledger/pull-requests/' || (i + 1000), 'b', 'r', 'lumenpay/ledger', i + 1000, 'Change ' || i, \
             'OPEN', 'account-' || (i % {MEMBERS}), {when}, {when} FROM n",
            numbers(PULL_REQUESTS),
            id_of(2, "i")
        ),
        format!(
            "INSERT INTO pull_request_people (pull_request_id, account_id, part) {} \
             SELECT {}, 'account-' || (i % {MEMBERS}), 'author' FROM n",
            numbers(PULL_REQUESTS),
            id_of(2, "i")
        ),
        format!(
            "INSERT INTO feedback (id, workspace_id, author_id, subject_id, body, shared_at, created_at, updated_at) {} SELECT {}, \
             '{workspace}', {first}, {second}, 'A text', CASE WHEN i % 4 > 1 THEN {when} END, {when}, {when} FROM n",
            numbers(FEEDBACK),
            id_of(4, "i")
        ),
        format!(
            "INSERT INTO one_on_ones (id, workspace_id, creator_id, other_id, held_on, created_at, updated_at) {} SELECT {}, \
             '{workspace}', {first}, {second}, {today}, {when}, {when} FROM n",
            numbers(ONE_ON_ONES),
            id_of(5, "i")
        ),
        format!(
            "INSERT INTO agenda_items (id, one_on_one_id, body, added_by, created_at) {} SELECT {}, {}, 'An item', {first}, {when} FROM n",
            numbers(ONE_ON_ONES),
            id_of(8, "i"),
            id_of(5, "i")
        ),
        format!(
            "INSERT INTO requests (id, workspace_id, asker_id, asked_id, about_id, question, state, answer, created_at, updated_at) {} \
             SELECT {}, '{workspace}', {second}, {first}, {second}, 'A question', CASE WHEN i % 4 = 3 THEN 'answered' ELSE 'open' END, \
             '', {when}, {when} FROM n",
            numbers(REQUESTS),
            id_of(6, "i")
        ),
        format!(
            "INSERT INTO goals (id, workspace_id, owner_id, title, why, progress, is_public, created_at, updated_at) {} SELECT {}, \
             '{workspace}', {first}, 'A goal', '', 0, i % 10 = 9, {when}, {when} FROM n",
            numbers(GOALS),
            id_of(7, "i")
        ),
    ];
    let kinds = [("feedback", FEEDBACK, 4), ("one_on_one", ONE_ON_ONES, 5), ("request", REQUESTS, 6), ("goal", GOALS, 7)];
    for (kind, count, sort) in kinds {
        statements.push(format!(
            "INSERT INTO links (id, workspace_id, pull_request_id, target_kind, target_id, note, created_by, created_at) {} SELECT {}, \
             '{workspace}', {}, '{kind}', {}, 'A note', {}, {when} FROM n",
            numbers(count * LINKS_OF_EACH),
            id_of(3, &format!("i + {sort} * 100000")),
            id_of(2, &format!("(i * 7 + i / {LINKS_OF_EACH}) % {PULL_REQUESTS}")),
            id_of(sort, &format!("i / {LINKS_OF_EACH}")),
            whose(&format!("(i / {LINKS_OF_EACH})")),
        ));
    }
    statements
}
