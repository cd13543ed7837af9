-- Links that were taken away, for a day, so that they can be attached again. The id is that of the link. is_seen: whoever made it had
-- been shown the pull request by Bitbucket.
CREATE TABLE detached_links (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    created_by TEXT NOT NULL REFERENCES members (id),
    target_kind TEXT NOT NULL,
    target_id TEXT NOT NULL,
    url TEXT NOT NULL,
    note TEXT NOT NULL,
    is_seen BOOLEAN NOT NULL,
    detached_at TIMESTAMP NOT NULL
) WITHOUT ROWID;
CREATE INDEX detached_links_by_age ON detached_links (detached_at);
CREATE INDEX detached_links_by_target ON detached_links (target_id);
