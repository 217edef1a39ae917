-- The first schema: people, workflows, runs and their journal.
-- Times are microseconds since 1970 UTC.

CREATE TABLE workspaces (
    id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE users (
    id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    password_hash TEXT,
    roles TEXT DEFAULT '[]' NOT NULL,
    created_at INTEGER NOT NULL,
    disabled_at INTEGER,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX users_email ON users (lower(email));

CREATE TABLE sessions (
    id_hash TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    user_agent TEXT DEFAULT '' NOT NULL,
    PRIMARY KEY (id_hash),
    FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE INDEX sessions_user ON sessions (user_id);

CREATE TABLE tokens (
    id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    roles TEXT DEFAULT '[]' NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER,
    revoked_at INTEGER,
    PRIMARY KEY (id),
    FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE UNIQUE INDEX tokens_secret_hash ON tokens (secret_hash);
CREATE INDEX tokens_user ON tokens (user_id);

CREATE TABLE secrets (
    id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    name TEXT NOT NULL,
    key_id TEXT NOT NULL,
    nonce BLOB NOT NULL,
    ciphertext BLOB NOT NULL,
    allowed_hosts TEXT DEFAULT '[]' NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX secrets_name ON secrets (workspace_id, name);

CREATE TABLE audit (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    workspace_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    details TEXT NOT NULL,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE INDEX audit_at ON audit (workspace_id, at);

CREATE TABLE setup_links (
    token_hash TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    PRIMARY KEY (token_hash)
);

CREATE TABLE login_attempts (
    key TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    failures INTEGER DEFAULT 0 NOT NULL,
    blocked_until INTEGER DEFAULT 0 NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (key)
);
CREATE INDEX login_attempts_updated ON login_attempts (updated_at);

CREATE TABLE idempotency (
    workspace_id TEXT NOT NULL,
    actor TEXT NOT NULL,
    key TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    status INTEGER,
    response TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, actor, key)
);
CREATE INDEX idempotency_created ON idempotency (created_at);

CREATE TABLE workflows (
    id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    revision INTEGER NOT NULL,
    document TEXT NOT NULL,
    problems_count INTEGER DEFAULT 0 NOT NULL,
    live_version INTEGER,
    created_by TEXT NOT NULL,
    updated_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX workflows_slug ON workflows (workspace_id, slug) WHERE deleted_at IS NULL;

CREATE TABLE documents (
    hash TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (hash)
);

CREATE TABLE versions (
    workflow_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    workspace_id TEXT NOT NULL,
    hash TEXT NOT NULL,
    note TEXT DEFAULT '' NOT NULL,
    edited_by TEXT NOT NULL,
    published_by TEXT NOT NULL,
    published_at INTEGER NOT NULL,
    PRIMARY KEY (workflow_id, version)
);

CREATE TABLE runs (
    run_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    workflow_name TEXT NOT NULL,
    version INTEGER,
    doc_hash TEXT NOT NULL,
    mode TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT DEFAULT '' NOT NULL,
    epoch INTEGER DEFAULT 0 NOT NULL,
    owner TEXT,
    lease_until INTEGER,
    head_seq INTEGER DEFAULT 0 NOT NULL,
    cancel_req INTEGER DEFAULT 0 NOT NULL,
    parent_run TEXT,
    fork_of TEXT,
    fork_seq INTEGER,
    started_by TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    updated_at INTEGER NOT NULL,
    cost_micro INTEGER DEFAULT 0 NOT NULL,
    tokens INTEGER DEFAULT 0 NOT NULL,
    busy_us INTEGER DEFAULT 0 NOT NULL,
    steps INTEGER DEFAULT 0 NOT NULL,
    llm_calls INTEGER DEFAULT 0 NOT NULL,
    tool_calls INTEGER DEFAULT 0 NOT NULL,
    PRIMARY KEY (run_id)
);
CREATE INDEX runs_started ON runs (workspace_id, started_at);
CREATE INDEX runs_status ON runs (status);
CREATE INDEX runs_workflow ON runs (workflow_id, started_at);

-- An ordinary rowid table: rows arrive in the order of commits, and the b-tree only grows at its end.
CREATE TABLE journal (
    run_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    workspace_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    path TEXT DEFAULT '' NOT NULL,
    attempt INTEGER DEFAULT 0 NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (run_id, seq)
);
CREATE UNIQUE INDEX journal_step_done ON journal (run_id, path, attempt) WHERE kind = 'step_done';

CREATE TABLE blobs (
    hash TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (hash)
);

CREATE TABLE approvals (
    id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    path TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    workflow_id TEXT NOT NULL,
    workflow_name TEXT NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    title TEXT NOT NULL,
    card TEXT NOT NULL,
    digest TEXT NOT NULL,
    approvers TEXT NOT NULL,
    votes TEXT DEFAULT '[]' NOT NULL,
    opened_at INTEGER NOT NULL,
    expires_at INTEGER,
    decided_at INTEGER,
    decided_by TEXT,
    decision TEXT,
    result TEXT,
    PRIMARY KEY (id),
    UNIQUE (run_id, path, attempt)
);
CREATE INDEX approvals_inbox ON approvals (workspace_id, status, opened_at);

CREATE TABLE timers (
    run_id TEXT NOT NULL,
    path TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    kind TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    PRIMARY KEY (run_id, path, attempt, kind)
);
CREATE INDEX timers_due ON timers (due_at);

CREATE TABLE notifications (
    id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    path TEXT NOT NULL,
    channel TEXT NOT NULL,
    subject TEXT NOT NULL,
    message TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    read_at INTEGER,
    PRIMARY KEY (id)
);
CREATE INDEX notifications_created ON notifications (workspace_id, created_at);
