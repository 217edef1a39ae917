-- What every store of memory shares: words that can be found, with whose they are, and what changed, by which the indexes catch up.
CREATE TABLE memory_texts (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    workspace_id TEXT NOT NULL,
    store TEXT NOT NULL,
    row_id TEXT NOT NULL,
    part_of TEXT DEFAULT '' NOT NULL,
    position INTEGER DEFAULT 0 NOT NULL,
    visibility TEXT NOT NULL,
    owner TEXT DEFAULT '' NOT NULL,
    scope_key TEXT NOT NULL,
    sensitivity INTEGER NOT NULL,
    trust INTEGER NOT NULL,
    stamp TEXT NOT NULL,
    lead TEXT NOT NULL,
    text TEXT NOT NULL,
    meaning_sha TEXT NOT NULL,
    at INTEGER NOT NULL,
    is_quarantined BOOLEAN NOT NULL,
    CONSTRAINT memory_texts_row UNIQUE (store, row_id)
);
CREATE INDEX memory_texts_part ON memory_texts (store, part_of, position);
CREATE INDEX memory_texts_scope ON memory_texts (scope_key, store, workspace_id);
CREATE TABLE memory_changes (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    workspace_id TEXT NOT NULL,
    text_id INTEGER NOT NULL,
    op TEXT NOT NULL,
    at INTEGER NOT NULL
);
