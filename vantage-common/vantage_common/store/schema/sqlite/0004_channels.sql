-- Where alerts are sent to, as in ../0006_channels.sql.

CREATE TABLE alert_channels (
    workspace TEXT NOT NULL,
    id TEXT NOT NULL,
    ver INTEGER NOT NULL,
    at INTEGER NOT NULL,
    author TEXT NOT NULL,
    deleted INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (workspace, id, ver)
) STRICT, WITHOUT ROWID;
