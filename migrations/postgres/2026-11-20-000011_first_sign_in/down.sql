ALTER TABLE members DROP COLUMN signed_in_at;
