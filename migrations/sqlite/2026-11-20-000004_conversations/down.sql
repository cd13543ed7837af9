DROP INDEX members_by_manager;
DROP TABLE goals;
DROP TABLE requests;
DROP TABLE one_on_one_notes;
DROP TABLE agenda_items;
DROP TABLE one_on_ones;
DROP INDEX feedback_by_manager;
ALTER TABLE feedback DROP COLUMN manager_id;
