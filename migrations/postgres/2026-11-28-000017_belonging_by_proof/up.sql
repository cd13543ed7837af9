-- Whether whoever granted or pasted it administers the Bitbucket workspace, as Bitbucket said when it was connected: the strength of the
-- proof by which a Bitbucket workspace belongs to a ClarityLoop workspace. Of what was connected before nobody has said so.
ALTER TABLE connections ADD COLUMN is_administrator BOOLEAN NOT NULL DEFAULT FALSE;

-- A member has one grant of their own for each purpose at a time: one that reads, and one that writes.
DROP INDEX connections_own;
CREATE UNIQUE INDEX connections_own ON connections (member_id, purposes)
    WHERE member_id IS NOT NULL AND state <> 'disconnected';

-- Of what has ended nothing is left that Bitbucket said, and no consumer is kept for it.
UPDATE connections
SET consumer_id = NULL, scopes = NULL, expires_at = NULL, failing_call = NULL, failing_code = NULL, failed_at = NULL,
    missing_scopes = NULL
WHERE state = 'disconnected';
