-- Outputs that stand in for running a step in test runs, and the latest runs of a workflow by their mode.
CREATE TABLE pins (
    workflow_id TEXT NOT NULL,
    node TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    outputs TEXT NOT NULL,
    port TEXT,
    set_by TEXT NOT NULL,
    set_at INTEGER NOT NULL,
    PRIMARY KEY (workflow_id, node)
);
CREATE INDEX runs_workflow_mode ON runs (workflow_id, mode, started_at);
