-- Steps that wait for an event of the outside world.
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
