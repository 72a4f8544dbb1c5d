-- What people change and what happened to it, as in ../0004_documents.sql.

CREATE TABLE alert_rules (
    workspace TEXT NOT NULL,
    id TEXT NOT NULL,
    ver INTEGER NOT NULL,
    at INTEGER NOT NULL,
    author TEXT NOT NULL,
    deleted INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (workspace, id, ver)
) STRICT, WITHOUT ROWID;

CREATE TABLE silences (
    workspace TEXT NOT NULL,
    id TEXT NOT NULL,
    ver INTEGER NOT NULL,
    at INTEGER NOT NULL,
    author TEXT NOT NULL,
    deleted INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (workspace, id, ver)
) STRICT, WITHOUT ROWID;

CREATE TABLE baselines (
    workspace TEXT NOT NULL,
    id TEXT NOT NULL,
    ver INTEGER NOT NULL,
    at INTEGER NOT NULL,
    author TEXT NOT NULL,
    deleted INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (workspace, id, ver)
) STRICT, WITHOUT ROWID;

CREATE TABLE dashboards (
    workspace TEXT NOT NULL,
    id TEXT NOT NULL,
    ver INTEGER NOT NULL,
    at INTEGER NOT NULL,
    author TEXT NOT NULL,
    deleted INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (workspace, id, ver)
) STRICT, WITHOUT ROWID;

CREATE TABLE alert_events (
    workspace TEXT NOT NULL,
    id TEXT NOT NULL,
    ver INTEGER NOT NULL,
    at INTEGER NOT NULL,
    author TEXT NOT NULL,
    deleted INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (workspace, id, ver)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    workspace TEXT NOT NULL,
    id TEXT NOT NULL,
    ver INTEGER NOT NULL,
    at INTEGER NOT NULL,
    author TEXT NOT NULL,
    deleted INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (workspace, id, ver)
) STRICT, WITHOUT ROWID;
