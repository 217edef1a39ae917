-- Steps that wait for an event of the outside world, and steps that wait for a run they have started.
CREATE TABLE waits (
    run_id TEXT NOT NULL,
    path TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    workspace_id TEXT NOT NULL,
    event TEXT NOT NULL,
    "key" TEXT NOT NULL,
    PRIMARY KEY (run_id, path)
);
CREATE INDEX waits_event ON waits (workspace_id, event, "key");
CREATE TABLE children (
    run_id TEXT NOT NULL,
    path TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    workspace_id TEXT NOT NULL,
    child TEXT NOT NULL,
    PRIMARY KEY (run_id, path, attempt)
);
CREATE UNIQUE INDEX children_child ON children (child);
