-- How a connection hears of changes at Bitbucket: way is 'unknown' until somebody has looked, 'workspace' by one webhook of the whole
-- Bitbucket workspace, 'repositories' by one in each chosen repository, 'polling' by asking regularly. code is why it asks, where something
-- stands in the way. due_at is when it is looked at next, leased_until for how long one server keeps its webhooks. workspace_refused_at is
-- when Bitbucket last refused a webhook of the whole workspace, so that this is not tried at every look.
CREATE TABLE connection_listening (
    connection_id TEXT NOT NULL PRIMARY KEY REFERENCES connections (id) ON DELETE CASCADE,
    way TEXT NOT NULL,
    code TEXT,
    due_at TIMESTAMP NOT NULL,
    leased_until TIMESTAMP,
    workspace_refused_at TIMESTAMP
);

-- The webhooks of a connection. place is 'workspace' or the UUID of a repository. The row is there before Bitbucket is asked to make the
-- webhook: hook_uuid is empty until Bitbucket has named it. The secrets are sealed; is_told says that Bitbucket is known to sign with secret,
-- else it may still sign with previous_secret, which is taken until previous_until, or for as long as that is empty. due_at is when Bitbucket
-- is asked about it next. failing_code is why that failed. The rows of an ended connection are those that Bitbucket is yet to remove.
CREATE TABLE connection_hooks (
    id TEXT NOT NULL PRIMARY KEY,
    connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    place TEXT NOT NULL,
    hook_uuid TEXT,
    secret TEXT NOT NULL,
    secret_made_at TIMESTAMP NOT NULL,
    is_told BOOLEAN NOT NULL,
    previous_secret TEXT,
    previous_until TIMESTAMP,
    due_at TIMESTAMP NOT NULL,
    failing_code TEXT,
    delivered_at TIMESTAMP
);
CREATE UNIQUE INDEX connection_hooks_by_place ON connection_hooks (connection_id, place);

-- When a linked pull request was last asked for because nothing tells of its changes, whatever the answer was.
ALTER TABLE pull_requests ADD COLUMN polled_at TIMESTAMP;
-- What is asked for regularly: the open ones, however many were closed before.
CREATE INDEX pull_requests_open ON pull_requests (workspace_id, bitbucket_workspace_uuid, fetched_at) WHERE state = 'OPEN';
