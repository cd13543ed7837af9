-- deduplication_key holds a second job of the same meaning back until the first is taken up.
CREATE TABLE jobs (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    deduplication_key TEXT UNIQUE,
    run_at TIMESTAMP NOT NULL,
    attempts INTEGER NOT NULL,
    locked_until TIMESTAMP,
    last_error TEXT,
    failed_at TIMESTAMP,
    created_at TIMESTAMP NOT NULL
) WITHOUT ROWID;
CREATE INDEX jobs_that_wait ON jobs (run_at) WHERE failed_at IS NULL;
