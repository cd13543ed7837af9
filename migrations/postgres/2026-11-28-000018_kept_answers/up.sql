-- What Bitbucket answered to a writing call that was sent under an idempotency key: sealed, because it may hold what is private. It goes
-- with its key after a day, with its member, and with what is kept of its Bitbucket workspace; that one is unknown where the workspace
-- is not connected here and the member called with a grant of their own.
CREATE TABLE kept_answers (
    member_id TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    bitbucket_workspace_uuid TEXT,
    answer TEXT NOT NULL,
    PRIMARY KEY (member_id, idempotency_key),
    FOREIGN KEY (member_id, idempotency_key) REFERENCES idempotency_keys (member_id, idempotency_key) ON DELETE CASCADE
);
CREATE INDEX kept_answers_by_bitbucket_workspace ON kept_answers (bitbucket_workspace_uuid);
