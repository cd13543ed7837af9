-- When a member first signed in. From then on no owner makes a link that signs them in: their drafts and notes are theirs alone.
ALTER TABLE members ADD COLUMN signed_in_at TIMESTAMP;
UPDATE members SET signed_in_at = created_at
WHERE id IN (SELECT member_id FROM sessions) OR id IN (SELECT member_id FROM sign_in_links WHERE used_at IS NOT NULL);
