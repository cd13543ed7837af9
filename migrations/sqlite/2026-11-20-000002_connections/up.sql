-- The code in an install address names the ClarityLoop workspace. A replaced code takes no new installation.
CREATE TABLE install_codes (
    code TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    created_at TIMESTAMP NOT NULL,
    replaced_at TIMESTAMP
) WITHOUT ROWID;
CREATE INDEX install_codes_by_workspace ON install_codes (workspace_id);

-- What Bitbucket says of its workspaces. The row is also what installs and uninstalls of one workspace lock, so that it belongs
-- to one ClarityLoop workspace at a time.
CREATE TABLE bitbucket_workspaces (
    uuid TEXT NOT NULL PRIMARY KEY,
    slug TEXT,
    name TEXT,
    described_at TIMESTAMP
) WITHOUT ROWID;

-- workspace_id is whose it is, or was last when state is 'uninstalled': a tombstone, which keeps the secret, because a
-- re-install is signed with it.
CREATE TABLE installations (
    id TEXT NOT NULL PRIMARY KEY,
    door TEXT NOT NULL,
    client_key TEXT NOT NULL UNIQUE,
    bitbucket_workspace_uuid TEXT NOT NULL REFERENCES bitbucket_workspaces (uuid),
    workspace_id TEXT REFERENCES workspaces (id) ON DELETE CASCADE,
    install_code TEXT REFERENCES install_codes (code),
    state TEXT NOT NULL,
    is_registered BOOLEAN NOT NULL,
    secret TEXT,
    previous_secret TEXT,
    secret_changed_at TIMESTAMP,
    reported_installer TEXT,
    installed_at TIMESTAMP NOT NULL,
    confirmed_by TEXT REFERENCES members (id),
    confirmed_at TIMESTAMP,
    uninstalled_at TIMESTAMP,
    entry_shown BOOLEAN NOT NULL,
    entry_error TEXT,
    last_event_at TIMESTAMP
) WITHOUT ROWID;
CREATE INDEX installations_by_workspace ON installations (workspace_id, id);
CREATE INDEX installations_by_bitbucket_workspace ON installations (bitbucket_workspace_uuid);

-- One-time links that claim an installation which came without a code; stored hashed.
CREATE TABLE claim_links (
    token_hash TEXT NOT NULL PRIMARY KEY,
    installation_id TEXT NOT NULL REFERENCES installations (id) ON DELETE CASCADE,
    expires_at TIMESTAMP NOT NULL
) WITHOUT ROWID;

-- Lifecycle tokens are single use for as long as they live.
CREATE TABLE spent_tokens (
    fingerprint TEXT NOT NULL PRIMARY KEY,
    expires_at TIMESTAMP NOT NULL
) WITHOUT ROWID;
CREATE INDEX spent_tokens_by_expiry ON spent_tokens (expires_at);

-- A known text under the current key: opened at start, so that a wrong key is found before it does harm.
CREATE TABLE seal_check (
    id INTEGER NOT NULL PRIMARY KEY,
    sealed TEXT NOT NULL
) WITHOUT ROWID;
