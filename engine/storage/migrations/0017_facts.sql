-- What is known: entities, facts about them with where each is known from, and what was believed when.
CREATE TABLE entities (
    id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    visibility TEXT NOT NULL,
    owner TEXT DEFAULT '' NOT NULL,
    scope_key TEXT NOT NULL,
    sensitivity INTEGER NOT NULL,
    trust INTEGER NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    norm_key TEXT NOT NULL,
    description TEXT NOT NULL,
    merged_into TEXT DEFAULT '' NOT NULL,
    root_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX entities_name ON entities (scope_key, norm_key, kind);
CREATE INDEX entities_root ON entities (root_id);
CREATE INDEX entities_workspace ON entities (workspace_id, norm_key);
CREATE TABLE entity_aliases (
    entity_id TEXT NOT NULL,
    alias_norm TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    scope_key TEXT NOT NULL,
    alias TEXT NOT NULL,
    sensitivity INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (entity_id, alias_norm)
);
CREATE INDEX entity_aliases_name ON entity_aliases (scope_key, alias_norm);
CREATE TABLE entity_merges (
    id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    keep_id TEXT NOT NULL,
    drop_id TEXT NOT NULL,
    changed TEXT DEFAULT '[]' NOT NULL,
    reason TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    undone_at BIGINT,
    undone_by TEXT DEFAULT '' NOT NULL,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX entity_merges_dropped ON entity_merges (drop_id) WHERE undone_at IS NULL;
CREATE TABLE predicates (
    workspace_id TEXT NOT NULL,
    name TEXT NOT NULL,
    cardinality TEXT NOT NULL,
    value_type TEXT NOT NULL,
    words TEXT NOT NULL,
    inverse TEXT DEFAULT '' NOT NULL,
    symmetric BOOLEAN NOT NULL,
    description TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (workspace_id, name)
);
CREATE TABLE facts (
    id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    visibility TEXT NOT NULL,
    owner TEXT DEFAULT '' NOT NULL,
    scope_key TEXT NOT NULL,
    sensitivity INTEGER NOT NULL,
    trust INTEGER NOT NULL,
    subject_id TEXT NOT NULL,
    predicate TEXT NOT NULL,
    object_id TEXT DEFAULT '' NOT NULL,
    object_value TEXT,
    is_negated BOOLEAN NOT NULL,
    confidence FLOAT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL,
    valid_from BIGINT NOT NULL,
    valid_to BIGINT,
    stated_to BIGINT,
    ended_by TEXT DEFAULT '' NOT NULL,
    recorded_at BIGINT NOT NULL,
    retracted_at BIGINT,
    supersedes_id TEXT DEFAULT '' NOT NULL,
    disputes_id TEXT DEFAULT '' NOT NULL,
    confirmed_by TEXT DEFAULT '' NOT NULL,
    confirmed_at BIGINT,
    version INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX facts_object ON facts (object_id);
CREATE INDEX facts_scope ON facts (scope_key, workspace_id, status);
CREATE INDEX facts_subject ON facts (subject_id, predicate);
CREATE INDEX facts_workspace ON facts (workspace_id, id);
CREATE TABLE fact_states (
    fact_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    workspace_id TEXT NOT NULL,
    believed_from BIGINT NOT NULL,
    believed_to BIGINT,
    status TEXT NOT NULL,
    valid_from BIGINT NOT NULL,
    valid_to BIGINT,
    confidence FLOAT NOT NULL,
    trust INTEGER NOT NULL,
    action TEXT NOT NULL,
    reason TEXT NOT NULL,
    "by" TEXT NOT NULL,
    PRIMARY KEY (fact_id, version)
);
CREATE INDEX fact_states_at ON fact_states (fact_id, believed_from);
CREATE TABLE fact_sources (
    id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    fact_id TEXT NOT NULL,
    visibility TEXT NOT NULL,
    owner TEXT DEFAULT '' NOT NULL,
    scope_key TEXT NOT NULL,
    sensitivity INTEGER NOT NULL,
    trust INTEGER NOT NULL,
    kind TEXT NOT NULL,
    run_id TEXT DEFAULT '' NOT NULL,
    path TEXT DEFAULT '' NOT NULL,
    row_id TEXT DEFAULT '' NOT NULL,
    quote TEXT NOT NULL,
    quote_sha TEXT NOT NULL,
    char_start INTEGER,
    char_end INTEGER,
    origin TEXT NOT NULL,
    confidence FLOAT NOT NULL,
    extractor TEXT DEFAULT '' NOT NULL,
    model TEXT DEFAULT '' NOT NULL,
    said_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX fact_sources_fact ON fact_sources (fact_id);
CREATE INDEX fact_sources_row ON fact_sources (kind, row_id);
CREATE INDEX fact_sources_run ON fact_sources (run_id);
CREATE TABLE fact_tombstones (
    "key" TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY ("key")
);
CREATE TABLE fact_changes (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    workspace_id TEXT NOT NULL,
    fact_id TEXT NOT NULL,
    at BIGINT NOT NULL
);
