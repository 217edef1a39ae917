-- What texts of the memory are found by: their words, in the transaction that writes them, and their vectors, which are made beside.
CREATE VIRTUAL TABLE memory_fts USING fts5(
    text, lead, stamp, scope_key, store, content = 'memory_texts', content_rowid = 'id', tokenize = 'porter unicode61'
);
CREATE TRIGGER memory_texts_added AFTER INSERT ON memory_texts BEGIN
    INSERT INTO memory_fts (rowid, text, lead, stamp, scope_key, store)
    VALUES (new.id, new.text, new.lead, new.stamp, new.scope_key, new.store);
END;
CREATE TRIGGER memory_texts_removed AFTER DELETE ON memory_texts BEGIN
    INSERT INTO memory_fts (memory_fts, rowid, text, lead, stamp, scope_key, store)
    VALUES ('delete', old.id, old.text, old.lead, old.stamp, old.scope_key, old.store);
END;
CREATE TRIGGER memory_texts_changed AFTER UPDATE ON memory_texts BEGIN
    INSERT INTO memory_fts (memory_fts, rowid, text, lead, stamp, scope_key, store)
    VALUES ('delete', old.id, old.text, old.lead, old.stamp, old.scope_key, old.store);
    INSERT INTO memory_fts (rowid, text, lead, stamp, scope_key, store)
    VALUES (new.id, new.text, new.lead, new.stamp, new.scope_key, new.store);
END;
CREATE TABLE memory_vectors (
    text_id BIGINT NOT NULL,
    model TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    meaning_sha TEXT NOT NULL,
    vector BLOB NOT NULL,
    PRIMARY KEY (text_id, model)
);
