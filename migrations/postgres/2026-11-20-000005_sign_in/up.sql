-- A session gets an id to name it by where its owner looks at it, and the browser it was opened in. Those that are open stay open.
ALTER TABLE sessions ADD COLUMN id TEXT;
ALTER TABLE sessions ADD COLUMN browser TEXT;
UPDATE sessions SET id = gen_random_uuid()::text, browser = 'Unknown browser';
ALTER TABLE sessions ALTER COLUMN id SET NOT NULL;
ALTER TABLE sessions ALTER COLUMN browser SET NOT NULL;
ALTER TABLE sessions DROP CONSTRAINT sessions_pkey;
ALTER TABLE sessions ADD PRIMARY KEY (id);
ALTER TABLE sessions ADD UNIQUE (token_hash);
DROP INDEX sessions_by_member;
CREATE INDEX sessions_by_member ON sessions (member_id, id);
-- Ended sessions are swept out at every sign-in.
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Written at most once an hour.
ALTER TABLE api_tokens ADD COLUMN last_used_at TIMESTAMP;

-- Signing in with Bitbucket: what was sent along with a person, taken out when they come back.
CREATE TABLE sign_in_states (
    state_hash TEXT NOT NULL PRIMARY KEY,
    expires_at TIMESTAMP NOT NULL
);

-- A person who came back, is known in several workspaces and has yet to choose. candidates: the members they may sign in as, each as
-- known:ID or invited:ID, separated by spaces.
CREATE TABLE sign_in_choices (
    secret_hash TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    bitbucket_uuid TEXT,
    candidates TEXT NOT NULL,
    expires_at TIMESTAMP NOT NULL
);

-- Who an account is, wherever it is known.
CREATE INDEX identities_by_account ON identities (account_id);
