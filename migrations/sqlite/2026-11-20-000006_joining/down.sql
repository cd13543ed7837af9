DROP INDEX members_by_folded_name;
ALTER TABLE members DROP COLUMN name_folded;
DROP TABLE hidden_panels;
DROP TABLE join_requests;
