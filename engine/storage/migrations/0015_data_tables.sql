-- Tables that people keep in Signalbox, for steps and agents to read and write.
CREATE TABLE data_tables (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    columns TEXT NOT NULL,
    key TEXT DEFAULT '' NOT NULL,
    rows INTEGER DEFAULT 0 NOT NULL,
    last_row INTEGER DEFAULT 0 NOT NULL,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX data_tables_slug ON data_tables (workspace_id, slug);
CREATE TABLE data_rows (
    table_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    workspace_id TEXT NOT NULL,
    key_value TEXT,
    data TEXT NOT NULL,
    call_key TEXT DEFAULT '' NOT NULL,
    revision INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (table_id, number)
);
CREATE UNIQUE INDEX data_rows_key ON data_rows (table_id, key_value) WHERE key_value IS NOT NULL;
CREATE UNIQUE INDEX data_rows_call ON data_rows (table_id, call_key) WHERE call_key <> '';
