-- The repositories of connected Bitbucket workspaces, as Bitbucket lists them, and which of them are chosen: what is not chosen is never
-- read. project_key is '' where Bitbucket names no project. folded is what a search compares, and what the list is ordered by; it ends in
-- the UUID, so that no two are alike. decided_by is empty where the rule for new repositories has decided. gone_at is when a whole
-- listing did not name it any more; the choice stays, in case it comes back.
CREATE TABLE repositories (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    uuid TEXT NOT NULL,
    bitbucket_workspace_uuid TEXT NOT NULL REFERENCES bitbucket_workspaces (uuid),
    full_name TEXT NOT NULL,
    name TEXT NOT NULL,
    folded TEXT NOT NULL,
    project_key TEXT NOT NULL,
    project_name TEXT,
    is_private BOOLEAN NOT NULL,
    default_branch TEXT,
    is_chosen BOOLEAN NOT NULL,
    decided_by TEXT REFERENCES members (id),
    decided_at TIMESTAMP NOT NULL,
    listed_at TIMESTAMP NOT NULL,
    gone_at TIMESTAMP,
    PRIMARY KEY (workspace_id, uuid)
) WITHOUT ROWID;
CREATE INDEX repositories_by_name ON repositories (workspace_id, bitbucket_workspace_uuid, folded);
CREATE INDEX repositories_by_full_name ON repositories (workspace_id, full_name);

-- Whether repositories that Bitbucket lists for the first time are chosen: project_key '' stands for the whole Bitbucket workspace, and a
-- project's own rule goes before it. Where there is none, they are not.
CREATE TABLE repository_rules (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    bitbucket_workspace_uuid TEXT NOT NULL REFERENCES bitbucket_workspaces (uuid),
    project_key TEXT NOT NULL,
    includes_new BOOLEAN NOT NULL,
    set_by TEXT NOT NULL REFERENCES members (id),
    set_at TIMESTAMP NOT NULL,
    PRIMARY KEY (workspace_id, bitbucket_workspace_uuid, project_key)
) WITHOUT ROWID;

-- How far the list of a Bitbucket workspace's repositories is read. begun_at names the reading that is under way or was the last: pages of
-- an earlier one change nothing. found counts what it has named so far. listed_at is when the list was read to its end. error is
-- why the last reading ended without that.
CREATE TABLE repository_listings (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    bitbucket_workspace_uuid TEXT NOT NULL REFERENCES bitbucket_workspaces (uuid),
    begun_at TIMESTAMP NOT NULL,
    is_under_way BOOLEAN NOT NULL,
    found INTEGER NOT NULL,
    listed_at TIMESTAMP,
    error TEXT,
    PRIMARY KEY (workspace_id, bitbucket_workspace_uuid)
) WITHOUT ROWID;

-- What members propose. A repository is named as the member has typed it, because they must not learn from the answer whether there is
-- one; an owner's approval looks for it.
CREATE TABLE repository_proposals (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    bitbucket_workspace_uuid TEXT NOT NULL REFERENCES bitbucket_workspaces (uuid),
    full_name TEXT NOT NULL,
    is_to_be_chosen BOOLEAN NOT NULL,
    proposed_by TEXT NOT NULL REFERENCES members (id),
    proposed_at TIMESTAMP NOT NULL,
    decision TEXT,
    decided_by TEXT REFERENCES members (id),
    decided_at TIMESTAMP
) WITHOUT ROWID;
CREATE INDEX repository_proposals_by_workspace ON repository_proposals (workspace_id, id);
-- One question about a repository waits at a time.
CREATE UNIQUE INDEX repository_proposals_open ON repository_proposals (workspace_id, full_name) WHERE decision IS NULL;
