-- Snapshots of long runs, how long runs are kept, what they take, and which values they share.

-- A cache: what a run's rows up to `seq` come to. May be deleted at any time.
CREATE TABLE snapshots (
    run_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    workspace_id TEXT NOT NULL,
    codec TEXT NOT NULL,
    rows_bytes INTEGER NOT NULL,
    written_bytes INTEGER NOT NULL,
    state BLOB NOT NULL,
    PRIMARY KEY (run_id, seq)
);

-- Which run needs which value above 32 kB: a value goes with the last run that needs it.
CREATE TABLE blob_refs (
    run_id TEXT NOT NULL,
    hash TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (run_id, hash)
);
CREATE INDEX blob_refs_hash ON blob_refs (hash);
INSERT OR IGNORE INTO blob_refs (run_id, hash, workspace_id, bytes)
SELECT journal.run_id, moved.value, journal.workspace_id, length(blobs.body)
FROM journal, json_each(CAST(journal.payload AS TEXT), '$.blobs') AS moved JOIN blobs ON blobs.hash = moved.value
WHERE instr(CAST(journal.payload AS TEXT), '"blobs":{') > 0;

-- Runs that are gone for every reader, and whose rows are being deleted.
CREATE TABLE swept_runs (
    run_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    PRIMARY KEY (run_id)
);

-- What the rows of a run up to `seq` take; a cache, brought up to date when somebody asks.
CREATE TABLE run_sizes (
    run_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (run_id)
);

ALTER TABLE workflows ADD COLUMN retention_days INTEGER;

-- None of these costs a step anything: they hold only rows that are rare.
CREATE INDEX journal_bounds ON journal (run_id, seq) WHERE kind IN ('run_resumed', 'run_forked');
CREATE INDEX runs_fork ON runs (fork_of) WHERE fork_of IS NOT NULL;
CREATE INDEX runs_parent ON runs (parent_run) WHERE parent_run IS NOT NULL;
CREATE INDEX notifications_run ON notifications (run_id);
