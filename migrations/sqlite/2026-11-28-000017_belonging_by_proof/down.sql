-- The grant that writes has no place beside the one that reads.
DELETE FROM connection_secrets
WHERE connection_id IN (SELECT id FROM connections WHERE member_id IS NOT NULL AND purposes = 'writes');
UPDATE connections SET state = 'disconnected'
WHERE member_id IS NOT NULL AND purposes = 'writes';
UPDATE connections SET state = 'reconnect' WHERE state = 'displaced';
DROP INDEX connections_own;
CREATE UNIQUE INDEX connections_own ON connections (member_id) WHERE member_id IS NOT NULL AND state <> 'disconnected';
ALTER TABLE connections DROP COLUMN is_administrator;
