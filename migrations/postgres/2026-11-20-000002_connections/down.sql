DROP TABLE seal_check;
DROP TABLE spent_tokens;
DROP TABLE claim_links;
DROP TABLE installations;
DROP TABLE bitbucket_workspaces;
DROP TABLE install_codes;
