-- Ids are texts made by the server (UUID v7), times are UTC, closed sets of words are texts that the server checks: the same
-- columns mean the same on SQLite and PostgreSQL.

CREATE TABLE workspaces (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    quick_action BOOLEAN NOT NULL,
    created_at TIMESTAMP NOT NULL
) WITHOUT ROWID;

-- A removed member keeps the row: what they wrote stays readable under their name.
CREATE TABLE members (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    email_folded TEXT NOT NULL,
    role TEXT NOT NULL,
    manager_id TEXT REFERENCES members (id),
    created_at TIMESTAMP NOT NULL,
    removed_at TIMESTAMP,
    UNIQUE (workspace_id, email_folded)
) WITHOUT ROWID;
CREATE INDEX members_by_email ON members (email_folded);
-- The panel lists colleagues by name; the index alone answers.
CREATE INDEX members_by_name ON members (workspace_id, name, id) WHERE removed_at IS NULL;

-- Links, sessions and tokens are stored as hashes only: a copy of the database signs nobody in.
CREATE TABLE sign_in_links (
    token_hash TEXT NOT NULL PRIMARY KEY,
    member_id TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    expires_at TIMESTAMP NOT NULL,
    used_at TIMESTAMP
) WITHOUT ROWID;

CREATE TABLE sessions (
    token_hash TEXT NOT NULL PRIMARY KEY,
    member_id TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_by_member ON sessions (member_id);

CREATE TABLE api_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    token_hash TEXT NOT NULL UNIQUE,
    member_id TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP
) WITHOUT ROWID;
CREATE INDEX api_tokens_by_member ON api_tokens (member_id);

-- One Bitbucket account per member and the reverse, within a workspace. Without confirmed_at an owner has aligned the two by hand:
-- enough to say whose work it is, not enough to act as that person.
CREATE TABLE identities (
    member_id TEXT NOT NULL PRIMARY KEY REFERENCES members (id) ON DELETE CASCADE,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    account_id TEXT NOT NULL,
    bitbucket_uuid TEXT,
    bound_by TEXT NOT NULL,
    bound_at TIMESTAMP NOT NULL,
    confirmed_at TIMESTAMP,
    UNIQUE (workspace_id, account_id)
) WITHOUT ROWID;

CREATE TABLE binding_codes (
    code_hash TEXT NOT NULL PRIMARY KEY,
    member_id TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    expires_at TIMESTAMP NOT NULL
) WITHOUT ROWID;
CREATE INDEX binding_codes_by_member ON binding_codes (member_id);

-- How often something that can be guessed was tried, counted here so that every server counts together.
CREATE TABLE attempts (
    subject TEXT NOT NULL PRIMARY KEY,
    tries INTEGER NOT NULL,
    window_ends_at TIMESTAMP NOT NULL
) WITHOUT ROWID;

CREATE TABLE feedback (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    author_id TEXT NOT NULL REFERENCES members (id),
    subject_id TEXT NOT NULL REFERENCES members (id),
    body TEXT NOT NULL,
    shared_at TIMESTAMP,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
) WITHOUT ROWID;
-- The panel lists a person's open drafts, newest first; pages list what a person wrote or was given.
CREATE INDEX feedback_by_author ON feedback (author_id, shared_at, created_at);
CREATE INDEX feedback_by_subject ON feedback (subject_id, shared_at);

-- A pull request that somebody linked. After a purge only id, workspace and url are left.
CREATE TABLE pull_requests (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    url TEXT NOT NULL,
    bitbucket_workspace_uuid TEXT,
    repository_uuid TEXT,
    repository_name TEXT,
    number BIGINT,
    title TEXT,
    state TEXT,
    author_account_id TEXT,
    reviewers TEXT,
    fetched_at TIMESTAMP,
    fetch_error TEXT,
    created_at TIMESTAMP NOT NULL,
    UNIQUE (workspace_id, repository_uuid, number),
    UNIQUE (workspace_id, url)
) WITHOUT ROWID;
CREATE INDEX pull_requests_by_bitbucket_workspace ON pull_requests (bitbucket_workspace_uuid);

-- Who has opened the panel of a linked pull request, and so has been shown by Bitbucket that they may see it.
CREATE TABLE sightings (
    pull_request_id TEXT NOT NULL REFERENCES pull_requests (id) ON DELETE CASCADE,
    member_id TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    seen_at TIMESTAMP NOT NULL,
    PRIMARY KEY (pull_request_id, member_id)
) WITHOUT ROWID;

-- target_id is the id of a row of the table that target_kind names.
CREATE TABLE links (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    pull_request_id TEXT NOT NULL REFERENCES pull_requests (id) ON DELETE CASCADE,
    target_kind TEXT NOT NULL,
    target_id TEXT NOT NULL,
    note TEXT NOT NULL,
    created_by TEXT NOT NULL REFERENCES members (id),
    created_at TIMESTAMP NOT NULL,
    UNIQUE (pull_request_id, target_kind, target_id)
) WITHOUT ROWID;
-- Not beginning with the kind: a planner could take it for every link of that kind.
CREATE INDEX links_by_target ON links (target_id, target_kind, created_at);
CREATE INDEX links_by_creator ON links (created_by, id);

-- What a request with an Idempotency-Key was answered, for a day.
CREATE TABLE idempotency_keys (
    member_id TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    idempotency_key TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (member_id, idempotency_key)
) WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

CREATE TABLE audit (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    at TIMESTAMP NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX audit_by_workspace ON audit (workspace_id, id);
