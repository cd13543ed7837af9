DROP INDEX pull_requests_open;
ALTER TABLE pull_requests DROP COLUMN polled_at;
DROP TABLE connection_hooks;
DROP TABLE connection_listening;
