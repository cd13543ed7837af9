-- What owners allow their members to change at Bitbucket through the API: a group of writing operations by its word, or one operation
-- by its method and path as Atlassian's OpenAPI file has them. Nothing is allowed that does not stand here.
CREATE TABLE allowed_operations (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    what TEXT NOT NULL,
    allowed_by TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    allowed_at TIMESTAMP NOT NULL,
    PRIMARY KEY (workspace_id, what)
);
