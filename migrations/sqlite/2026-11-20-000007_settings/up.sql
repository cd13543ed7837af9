-- What owners are shown of an installation. `refused_since` is when Bitbucket began to refuse our key, and is empty again once it
-- takes it; `last_error` stays as what happened last. `removal` is how far an owner's disconnect is at Bitbucket's side.
ALTER TABLE installations ADD COLUMN last_event TEXT;
ALTER TABLE installations ADD COLUMN last_error TEXT;
ALTER TABLE installations ADD COLUMN last_error_at TIMESTAMP;
ALTER TABLE installations ADD COLUMN refused_since TIMESTAMP;
ALTER TABLE installations ADD COLUMN missing_scopes TEXT;
ALTER TABLE installations ADD COLUMN clock_skew_seconds INTEGER;
ALTER TABLE installations ADD COLUMN removal TEXT;
ALTER TABLE installations ADD COLUMN removal_error TEXT;

-- The last purge of a Bitbucket workspace's data: what was deleted, as JSON of names and counts, and what was found when it was
-- looked for afterwards.
CREATE TABLE purges (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    bitbucket_workspace_uuid TEXT NOT NULL,
    begun_at TIMESTAMP NOT NULL,
    deleted TEXT NOT NULL,
    proven_at TIMESTAMP,
    PRIMARY KEY (workspace_id, bitbucket_workspace_uuid)
) WITHOUT ROWID;

CREATE INDEX jobs_that_failed ON jobs (kind) WHERE failed_at IS NOT NULL;
