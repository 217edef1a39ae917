-- The addresses of webhook triggers, each with the secret that its callers sign with, encrypted.
CREATE TABLE hooks (
    path TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    nonce BLOB NOT NULL,
    ciphertext BLOB NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (path)
);
CREATE INDEX hooks_workflow ON hooks (workflow_id);
