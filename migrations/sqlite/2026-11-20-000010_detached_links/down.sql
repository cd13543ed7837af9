DROP TABLE detached_links;
