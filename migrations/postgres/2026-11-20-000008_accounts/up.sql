-- Accounts that Bitbucket named: on linked pull requests, and as members of the Bitbucket workspace. Whose they are stands in
-- identities. A disconnect deletes what was last seen in that Bitbucket workspace.
CREATE TABLE bitbucket_accounts (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    account_id TEXT NOT NULL,
    bitbucket_workspace_uuid TEXT NOT NULL,
    bitbucket_uuid TEXT,
    display_name TEXT,
    nickname TEXT,
    -- Names and account id without capitals and accents: lists are ordered by it, byte by byte on both databases, and searched in it.
    folded TEXT COLLATE "C" NOT NULL,
    is_workspace_member BOOLEAN NOT NULL,
    is_not_a_member BOOLEAN NOT NULL,
    seen_at TIMESTAMP NOT NULL,
    PRIMARY KEY (workspace_id, account_id)
);
CREATE INDEX bitbucket_accounts_by_name ON bitbucket_accounts (workspace_id, folded);
CREATE INDEX bitbucket_accounts_by_bitbucket_workspace ON bitbucket_accounts (bitbucket_workspace_uuid);

-- Who has which part in a linked pull request: what stands in its author_account_id and reviewers, to be looked up by person.
CREATE TABLE pull_request_people (
    pull_request_id TEXT NOT NULL REFERENCES pull_requests (id) ON DELETE CASCADE,
    account_id TEXT NOT NULL,
    part TEXT NOT NULL,
    PRIMARY KEY (pull_request_id, account_id, part)
);
CREATE INDEX pull_request_people_by_account ON pull_request_people (account_id, pull_request_id);

-- Reviewers follow when a pull request is fetched anew.
INSERT INTO pull_request_people (pull_request_id, account_id, part)
    SELECT id, author_account_id, 'author' FROM pull_requests WHERE author_account_id IS NOT NULL;

-- When its members were read last, or why they could not be.
ALTER TABLE bitbucket_workspaces ADD COLUMN members_read_at TIMESTAMP;
ALTER TABLE bitbucket_workspaces ADD COLUMN members_error TEXT;
