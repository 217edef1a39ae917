-- Programs of code steps that stand at a checkpoint: a cache, sealed for the one step that may go on from it. May be deleted at any time.
CREATE TABLE suspended_programs (
    run_id TEXT NOT NULL,
    path TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    program TEXT NOT NULL,
    proof BLOB NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (run_id, path)
);
