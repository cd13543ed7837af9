//! What stands in the database: one workspace, a viewer, and as many links as are asked for, by SQL that both databases read alike.
//! For the bench only.

use clarityloop_bitbucket::storage::AnyConnection;
use diesel::connection::SimpleConnection as _;

/// The pull requests whose panels are opened, by number from [`FIRST_NUMBER`].
pub const ASKED_FOR: usize = 500;
/// The number of the first pull request that is asked for; the others follow from [`FIRST_OTHER`].
pub const FIRST_NUMBER: usize = 1_000;
/// The number of the first pull request that nobody asks for.
pub const FIRST_OTHER: usize = 10_000;
/// The viewer's open drafts.
pub const DRAFTS: usize = 8;
const LINKS_OF_OTHERS: usize = 5;
const COLLEAGUES: usize = 6;

/// Whose links they are.
pub struct Ground {
    pub workspace: String,
    pub viewer: String,
    pub author: String,
    /// Where Bitbucket is.
    pub web_url: String,
    /// UUIDs without braces.
    pub bitbucket_workspace: String,
    pub repository: String,
}

/// How many pull requests of each sort make up so many links.
fn parts(links: usize) -> (usize, usize) {
    let asked_for = ASKED_FOR.min(links / 3);
    (asked_for, (links - 3 * asked_for).div_ceil(LINKS_OF_OTHERS))
}

/// The numbers of the pull requests that have links.
pub fn numbers(links: usize) -> Vec<usize> {
    let (asked_for, others) = parts(links);
    (FIRST_NUMBER..FIRST_NUMBER + asked_for).chain(FIRST_OTHER..FIRST_OTHER + others).collect()
}

/// The id of an open draft of the viewer.
pub fn draft(number: usize) -> String {
    format!("01990000-0004-7000-8000-{number:012}")
}

impl Ground {
    /// Colleagues and open drafts, before the first link.
    pub fn lay(&self, connection: &mut AnyConnection) {
        let Self { workspace, viewer, author, .. } = self;
        let when = when(workspace);
        let member = id(1, "i");
        run(
            connection,
            &format!(
                "INSERT INTO members (id, workspace_id, name, email, email_folded, role, created_at) {} \
                 SELECT {member}, '{workspace}', 'Colleague ' || i, 'c' || i || '@example.com', 'c' || i || '@example.com', \
                 'member', {when} FROM n",
                numbers_from(0, COLLEAGUES)
            ),
        );
        run(
            connection,
            &format!(
                "INSERT INTO feedback (id, workspace_id, author_id, subject_id, body, created_at, updated_at) {} \
                 SELECT {}, '{workspace}', '{viewer}', '{author}', '', {when}, {when} FROM n",
                numbers_from(0, DRAFTS),
                id(4, "i")
            ),
        );
    }

    /// Grows what there is from so many links to so many.
    pub fn grow(&self, connection: &mut AnyConnection, from: usize, to: usize) {
        let ((asked_before, others_before), (asked_for, others)) = (parts(from), parts(to));
        if let AnyConnection::Postgres(postgres) = connection {
            // A server's statement that takes ten seconds is lost; this one may.
            postgres.batch_execute("SET statement_timeout = 0").unwrap();
        }
        connection.batch_execute("BEGIN").unwrap();
        self.insert_asked_for(connection, asked_before, asked_for);
        self.insert_others(connection, others_before, others);
        connection.batch_execute("COMMIT").unwrap();
        let tidy = match connection {
            AnyConnection::Sqlite(_) => "PRAGMA wal_checkpoint(TRUNCATE)",
            // What the server's own housekeeping does within a minute.
            AnyConnection::Postgres(_) => "VACUUM ANALYZE",
        };
        connection.batch_execute(tidy).unwrap();
    }

    /// Each with three links to feedback that the viewer wrote and shared, and seen by the viewer.
    fn insert_asked_for(&self, connection: &mut AnyConnection, from: usize, to: usize) {
        if from == to {
            return;
        }
        let Self { workspace, viewer, author, .. } = self;
        let (when, pull_request) = (when(workspace), id(2, "i"));
        self.insert_pull_requests(connection, &pull_request, FIRST_NUMBER, from, to);
        let sighted = format!(
            "INSERT INTO sightings (pull_request_id, member_id, seen_at) {} SELECT {pull_request}, '{viewer}', {when} FROM n",
            numbers_from(from, to)
        );
        run(connection, &sighted);
        let links = numbers_from(3 * from, 3 * to);
        self.insert_feedback(connection, &links, &format!("'{viewer}', '{author}'"), &id(3, "i"));
        self.insert_links(connection, &links, &id(2, "i / 3"), &id(3, "i"), &id(5, "i"), &format!("'{viewer}'"));
    }

    /// Each with five links to what colleagues wrote about one another.
    fn insert_others(&self, connection: &mut AnyConnection, from: usize, to: usize) {
        if from == to {
            return;
        }
        self.insert_pull_requests(connection, &id(6, "i"), FIRST_OTHER, from, to);
        let links = numbers_from(LINKS_OF_OTHERS * from, LINKS_OF_OTHERS * to);
        let (writer, subject) = (id(1, &format!("i % {COLLEAGUES}")), id(1, &format!("(i + 1) % {COLLEAGUES}")));
        self.insert_feedback(connection, &links, &format!("{writer}, {subject}"), &id(7, "i"));
        let pull_request = id(6, &format!("i / {LINKS_OF_OTHERS}"));
        self.insert_links(connection, &links, &pull_request, &id(7, "i"), &id(8, "i"), &writer);
    }

    fn insert_pull_requests(&self, connection: &mut AnyConnection, id: &str, first: usize, from: usize, to: usize) {
        let Self { workspace, web_url, bitbucket_workspace, repository, .. } = self;
        let insert = format!(
            "INSERT INTO pull_requests (id, workspace_id, url, bitbucket_workspace_uuid, repository_uuid, repository_name, number, \
             title, state, fetched_at, created_at) {} SELECT {id}, '{workspace}', \
             '{web_url}/lumenpay/ledger/pull-requests/' || (i + {first}), '{bitbucket_workspace}', '{repository}', \
             'lumenpay/ledger', i + {first}, 'Close the day in one transaction, ' || i, 'OPEN', {when}, {when} FROM n",
            numbers_from(from, to),
            when = when(workspace)
        );
        run(connection, &insert);
    }

    fn insert_feedback(&self, connection: &mut AnyConnection, numbers: &str, people: &str, id: &str) {
        let (workspace, when) = (&self.workspace, when(&self.workspace));
        let insert = format!(
            "INSERT INTO feedback (id, workspace_id, author_id, subject_id, body, shared_at, created_at, updated_at) {numbers} \
             SELECT {id}, '{workspace}', {people}, 'Kept a cool head when the books would not balance.', {when}, {when}, {when} FROM n"
        );
        run(connection, &insert);
    }

    fn insert_links(
        &self,
        connection: &mut AnyConnection,
        numbers: &str,
        pull_request: &str,
        target: &str,
        id: &str,
        maker: &str,
    ) {
        let (workspace, when) = (&self.workspace, when(&self.workspace));
        let insert = format!(
            "INSERT INTO links (id, workspace_id, pull_request_id, target_kind, target_id, note, created_by, created_at) {numbers} \
             SELECT {id}, '{workspace}', {pull_request}, 'feedback', {target}, 'The retry is what I meant.', {maker}, {when} FROM n"
        );
        run(connection, &insert);
    }
}

fn numbers_from(from: usize, to: usize) -> String {
    format!("WITH RECURSIVE n(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {to})")
}

/// An id of a sort of row, made from a number.
fn id(sort: usize, number: &str) -> String {
    format!("'01990000-{sort:04}-7000-8000-' || substr(CAST(1000000000000 + ({number}) AS TEXT), 2)")
}

/// A time that both databases store alike.
fn when(workspace: &str) -> String {
    format!("(SELECT created_at FROM workspaces WHERE id = '{workspace}')")
}

fn run(connection: &mut AnyConnection, sql: &str) {
    connection.batch_execute(sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
}
