-- What a Forge installation has beside a Connect one. Its client_key is the id that Forge gave it; its secret stays empty. The app's
-- own access token for Bitbucket comes along with Forge's calls, is kept sealed, and ends by itself: where Forge has not called for some
-- hours (called_at), there is none. A Bitbucket workspace holds one living installation for each environment of the app.
ALTER TABLE installations ADD COLUMN environment TEXT;
ALTER TABLE installations ADD COLUMN called_at TIMESTAMP;
ALTER TABLE installations ADD COLUMN system_token TEXT;
ALTER TABLE installations ADD COLUMN system_token_expires_at TIMESTAMP;
