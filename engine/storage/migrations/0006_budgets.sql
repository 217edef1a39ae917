-- What workflows and agents may spend a day and a workspace a month, and what they have spent; money in micro-USD.
CREATE TABLE budgets (
    workspace_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    subject TEXT NOT NULL,
    limit_micro INTEGER NOT NULL,
    set_by TEXT NOT NULL,
    set_at INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, scope, subject)
);
CREATE TABLE spending (
    workspace_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    subject TEXT NOT NULL,
    period TEXT NOT NULL,
    cost_micro INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, scope, subject, period)
);
