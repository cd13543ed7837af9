-- A session gets an id to name it by where its owner looks at it, and the browser it was opened in. Those that are open stay open:
-- an id is made for each in the shape of a UUID.
CREATE TABLE sessions_with_browser (
    id TEXT NOT NULL PRIMARY KEY,
    token_hash TEXT NOT NULL UNIQUE,
    member_id TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    browser TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL
) WITHOUT ROWID;
INSERT INTO sessions_with_browser
SELECT
    lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-8' || substr(hex(randomblob(2)), 2)
        || '-' || hex(randomblob(6))),
    token_hash, member_id, 'Unknown browser', created_at, expires_at
FROM sessions;
DROP TABLE sessions;
ALTER TABLE sessions_with_browser RENAME TO sessions;
CREATE INDEX sessions_by_member ON sessions (member_id, id);
-- Ended sessions are swept out at every sign-in.
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Written at most once an hour.
ALTER TABLE api_tokens ADD COLUMN last_used_at TIMESTAMP;

-- Signing in with Bitbucket: what was sent along with a person, taken out when they come back.
CREATE TABLE sign_in_states (
    state_hash TEXT NOT NULL PRIMARY KEY,
    expires_at TIMESTAMP NOT NULL
) WITHOUT ROWID;

-- A person who came back, is known in several workspaces and has yet to choose. candidates: the members they may sign in as, each as
-- known:ID or invited:ID, separated by spaces.
CREATE TABLE sign_in_choices (
    secret_hash TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    bitbucket_uuid TEXT,
    candidates TEXT NOT NULL,
    expires_at TIMESTAMP NOT NULL
) WITHOUT ROWID;

-- Who an account is, wherever it is known.
CREATE INDEX identities_by_account ON identities (account_id);
