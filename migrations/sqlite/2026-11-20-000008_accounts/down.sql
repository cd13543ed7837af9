ALTER TABLE bitbucket_workspaces DROP COLUMN members_error;
ALTER TABLE bitbucket_workspaces DROP COLUMN members_read_at;
DROP TABLE pull_request_people;
DROP TABLE bitbucket_accounts;
