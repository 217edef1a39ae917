-- Colleagues: who an agent is, what it may call and how freely. One that is gone keeps its row, so that no step takes its name for a free one.
CREATE TABLE agents (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    face TEXT NOT NULL,
    duty TEXT NOT NULL,
    duties TEXT NOT NULL,
    instructions TEXT NOT NULL,
    model TEXT NOT NULL,
    tools TEXT NOT NULL,
    max_turns INTEGER,
    calls_per_turn INTEGER,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER
);
CREATE UNIQUE INDEX agents_slug ON agents (workspace_id, slug) WHERE deleted_at IS NULL;
