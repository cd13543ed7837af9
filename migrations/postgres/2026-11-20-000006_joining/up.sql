-- A person in Bitbucket who asks to become a member, from the panel of a pull request. decision: approved, refused; none while it
-- waits. An account has one such row in a workspace, so that asking again and again is one question.
CREATE TABLE join_requests (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    bitbucket_workspace_uuid TEXT NOT NULL,
    account_id TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    pull_request_url TEXT NOT NULL,
    asked_at TIMESTAMP NOT NULL,
    decision TEXT,
    decided_by TEXT REFERENCES members (id),
    decided_at TIMESTAMP,
    UNIQUE (workspace_id, account_id)
);
CREATE INDEX join_requests_that_wait ON join_requests (workspace_id, id) WHERE decision IS NULL;
-- A purge finds what came from one Bitbucket workspace.
CREATE INDEX join_requests_by_bitbucket_workspace ON join_requests (bitbucket_workspace_uuid);

-- Who has hidden the panel for themselves, member or not.
CREATE TABLE hidden_panels (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    account_id TEXT NOT NULL,
    hidden_at TIMESTAMP NOT NULL,
    PRIMARY KEY (workspace_id, account_id)
);

-- A name without capitals and accents, written by the server: people are listed and searched by it. What stands here already is
-- folded as far as the database can.
ALTER TABLE members ADD COLUMN name_folded TEXT NOT NULL DEFAULT '';
UPDATE members SET name_folded = lower(name);
CREATE INDEX members_by_folded_name ON members (workspace_id, name_folded, id) WHERE removed_at IS NULL;
