-- An OAuth consumer that an owner has entered for the workspace. The secret is sealed. One that was replaced stays for as long as
-- connections are refreshed with it. may_act_alone: it is private, and an owner lets it act as itself (client credentials).
CREATE TABLE oauth_consumers (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    client_id TEXT NOT NULL,
    client_secret TEXT NOT NULL,
    may_act_alone BOOLEAN NOT NULL,
    entered_by TEXT NOT NULL REFERENCES members (id),
    entered_at TIMESTAMP NOT NULL,
    replaced_at TIMESTAMP
) WITHOUT ROWID;
CREATE INDEX oauth_consumers_by_workspace ON oauth_consumers (workspace_id);

-- What was granted besides the app's installation: by OAuth, or by a token that somebody pasted. member_id is empty for what the
-- whole workspace uses, else it is a member's own grant. bitbucket_workspace_uuid is empty until one of those reached is chosen, and
-- for own grants, which follow the person. consumer_id is empty for the operator's consumer and for pasted tokens.
--
-- scopes, purposes and missing_scopes are words separated by blanks; scopes is empty where Bitbucket does not tell. expires_at is the
-- access token's end, or that of a pasted token as its owner said. reach and reach_name are where the credential works at all,
-- restricted_to (JSON, a list of repositories' slugs) is where we may use it. ending is what came of disconnecting it.
CREATE TABLE connections (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    bitbucket_workspace_uuid TEXT REFERENCES bitbucket_workspaces (uuid),
    kind TEXT NOT NULL,
    member_id TEXT REFERENCES members (id),
    consumer_id TEXT REFERENCES oauth_consumers (id),
    name TEXT NOT NULL,
    account_id TEXT,
    scopes TEXT,
    expires_at TIMESTAMP,
    purposes TEXT NOT NULL,
    reach TEXT NOT NULL,
    reach_name TEXT,
    restricted_to TEXT,
    default_branch TEXT,
    state TEXT NOT NULL,
    failing_call TEXT,
    failing_code TEXT,
    failed_at TIMESTAMP,
    missing_scopes TEXT,
    created_by TEXT NOT NULL REFERENCES members (id),
    created_at TIMESTAMP NOT NULL,
    refreshed_at TIMESTAMP,
    disconnected_at TIMESTAMP,
    ending TEXT
);
CREATE INDEX connections_by_workspace ON connections (workspace_id, id);
CREATE INDEX connections_by_bitbucket_workspace ON connections (bitbucket_workspace_uuid);
-- A member has one grant of their own at a time.
CREATE UNIQUE INDEX connections_own ON connections (member_id) WHERE member_id IS NOT NULL AND state <> 'disconnected';

-- Their secrets, sealed; the row goes when Bitbucket refuses them for good or the connection ends. access_token is also a pasted token,
-- which email goes with when it is an API token. Bitbucket takes previous_refresh_token for some ten minutes more. refreshes counts the
-- pairs that were stored: whoever comes late with an older one does not replace a newer one. lease is who refreshes at the moment.
CREATE TABLE connection_secrets (
    connection_id TEXT NOT NULL PRIMARY KEY REFERENCES connections (id) ON DELETE CASCADE,
    access_token TEXT NOT NULL,
    email TEXT,
    refresh_token TEXT,
    previous_refresh_token TEXT,
    previous_refresh_until TIMESTAMP,
    refreshes INTEGER NOT NULL,
    lease TEXT,
    leased_until TIMESTAMP
);

-- What was sent along with somebody who gives consent at Bitbucket, taken out when they come back: in the same session, once.
-- connection_id is the connection that is granted anew or more.
CREATE TABLE consent_states (
    state_hash TEXT NOT NULL PRIMARY KEY,
    session_hash TEXT NOT NULL,
    member_id TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    consumer_id TEXT REFERENCES oauth_consumers (id) ON DELETE CASCADE,
    connection_id TEXT REFERENCES connections (id) ON DELETE CASCADE,
    is_own BOOLEAN NOT NULL,
    purposes TEXT NOT NULL,
    expires_at TIMESTAMP NOT NULL
) WITHOUT ROWID;
