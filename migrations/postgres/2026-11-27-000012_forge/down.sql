ALTER TABLE installations DROP COLUMN system_token_expires_at;
ALTER TABLE installations DROP COLUMN system_token;
ALTER TABLE installations DROP COLUMN called_at;
ALTER TABLE installations DROP COLUMN environment;
