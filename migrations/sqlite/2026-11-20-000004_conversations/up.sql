-- The manager that feedback was shared with, beside its subject. They see it as long as they are the subject's manager.
ALTER TABLE feedback ADD COLUMN manager_id TEXT REFERENCES members (id);
CREATE INDEX feedback_by_manager ON feedback (manager_id, id) WHERE manager_id IS NOT NULL;

-- Two members who talk on a day; creator_id planned it.
CREATE TABLE one_on_ones (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    creator_id TEXT NOT NULL REFERENCES members (id),
    other_id TEXT NOT NULL REFERENCES members (id),
    held_on DATE NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
) WITHOUT ROWID;
-- Pages and the panel list a person's 1:1s, whichever of the two they are.
CREATE INDEX one_on_ones_by_creator ON one_on_ones (creator_id, held_on);
CREATE INDEX one_on_ones_by_other ON one_on_ones (other_id, held_on);

-- carried_from is the item of an earlier 1:1 that was still open when this one was planned.
CREATE TABLE agenda_items (
    id TEXT NOT NULL PRIMARY KEY,
    one_on_one_id TEXT NOT NULL REFERENCES one_on_ones (id) ON DELETE CASCADE,
    body TEXT NOT NULL,
    added_by TEXT NOT NULL REFERENCES members (id),
    carried_from TEXT REFERENCES agenda_items (id) ON DELETE SET NULL,
    done_at TIMESTAMP,
    created_at TIMESTAMP NOT NULL
) WITHOUT ROWID;
CREATE INDEX agenda_items_by_one_on_one ON agenda_items (one_on_one_id, id);
CREATE INDEX agenda_items_by_carried_from ON agenda_items (carried_from) WHERE carried_from IS NOT NULL;

-- Private: read and written by member_id alone.
CREATE TABLE one_on_one_notes (
    one_on_one_id TEXT NOT NULL REFERENCES one_on_ones (id) ON DELETE CASCADE,
    member_id TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    body TEXT NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    PRIMARY KEY (one_on_one_id, member_id)
) WITHOUT ROWID;

-- asker_id asks asked_id for feedback about about_id, often themselves. state: open, answered, declined, closed.
CREATE TABLE requests (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    asker_id TEXT NOT NULL REFERENCES members (id),
    asked_id TEXT NOT NULL REFERENCES members (id),
    about_id TEXT NOT NULL REFERENCES members (id),
    question TEXT NOT NULL,
    due_on DATE,
    state TEXT NOT NULL,
    answer TEXT NOT NULL,
    decided_at TIMESTAMP,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
) WITHOUT ROWID;
CREATE INDEX requests_by_asker ON requests (asker_id, state, id);
CREATE INDEX requests_by_asked ON requests (asked_id, state, id);

-- progress is 0 to 100. A public goal is seen by the whole workspace, any other by its owner and their manager.
CREATE TABLE goals (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    owner_id TEXT NOT NULL REFERENCES members (id),
    title TEXT NOT NULL,
    why TEXT NOT NULL,
    due_on DATE,
    progress INTEGER NOT NULL,
    is_public BOOLEAN NOT NULL,
    closed_at TIMESTAMP,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
) WITHOUT ROWID;
CREATE INDEX goals_by_owner ON goals (owner_id, id);
CREATE INDEX goals_that_are_public ON goals (workspace_id, id) WHERE is_public;
-- Managers find the goals of the people they lead.
CREATE INDEX members_by_manager ON members (manager_id) WHERE manager_id IS NOT NULL;
