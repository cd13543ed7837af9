DROP INDEX identities_by_account;
DROP TABLE sign_in_choices;
DROP TABLE sign_in_states;
ALTER TABLE api_tokens DROP COLUMN last_used_at;
CREATE TABLE sessions_without_browser (
    token_hash TEXT NOT NULL PRIMARY KEY,
    member_id TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL
) WITHOUT ROWID;
INSERT INTO sessions_without_browser SELECT token_hash, member_id, created_at, expires_at FROM sessions;
DROP TABLE sessions;
ALTER TABLE sessions_without_browser RENAME TO sessions;
CREATE INDEX sessions_by_member ON sessions (member_id);
