-- Answers of models that may be given again to the very same question: a cache, which may be deleted at any time.
CREATE TABLE model_answers (
    workspace_id TEXT NOT NULL,
    "key" TEXT NOT NULL,
    model TEXT NOT NULL,
    text TEXT NOT NULL,
    finish TEXT NOT NULL,
    is_practice INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    kept_at INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, "key")
);
CREATE INDEX model_answers_kept ON model_answers (kept_at);
