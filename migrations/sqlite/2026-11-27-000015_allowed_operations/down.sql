DROP TABLE allowed_operations;
