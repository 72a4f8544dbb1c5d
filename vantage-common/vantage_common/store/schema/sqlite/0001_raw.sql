-- The raw tables as SQLite keeps them: times in ms, maps as JSON objects with sorted keys, 64-bit hashes as signed.
--
-- Rows lie by day (`_day`, days since the epoch): retention deletes whole days, and every query names the days it can
-- concern, which `days` lists, so one index that starts with the day finds the rows of a workspace, service and metric.
-- Cumulative rows have one of their own: plans that difference them look whether there are any.
-- `tokens` are the inserts of the last week; they are written in the transaction of the rows they name.

CREATE TABLE days (name TEXT NOT NULL, day INTEGER NOT NULL, PRIMARY KEY (name, day)) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    name TEXT NOT NULL,
    token TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (name, token)
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_by_time ON tokens (at_ms);

CREATE TABLE metrics (
    workspace TEXT NOT NULL,
    service_name TEXT NOT NULL,
    metric_name TEXT NOT NULL,
    timestamp INTEGER NOT NULL,
    metric_type TEXT NOT NULL,
    environment TEXT NOT NULL,
    instance TEXT NOT NULL,
    value REAL,
    count INTEGER NOT NULL,
    endpoint TEXT NOT NULL,
    method TEXT NOT NULL,
    status_code INTEGER NOT NULL,
    tags TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    span_id TEXT NOT NULL,
    temporality TEXT NOT NULL,
    start_time INTEGER NOT NULL,
    _src INTEGER NOT NULL,
    _off INTEGER NOT NULL,
    batch_id TEXT NOT NULL,
    batch_part INTEGER NOT NULL,
    _at INTEGER NOT NULL,
    _day INTEGER NOT NULL
) STRICT;
CREATE INDEX metrics_by_key ON metrics (_day, workspace, service_name, metric_name, timestamp);
CREATE INDEX metrics_cumulative ON metrics (_day, workspace, service_name, metric_name, timestamp)
    WHERE temporality = 'cumulative';
CREATE INDEX metrics_by_source ON metrics (_src, _off);
CREATE INDEX metrics_by_batch ON metrics (batch_id) WHERE batch_id != '';

CREATE TABLE spans (
    workspace TEXT NOT NULL,
    service_name TEXT NOT NULL,
    timestamp REAL NOT NULL,
    trace_id TEXT NOT NULL,
    span_id TEXT NOT NULL,
    parent_span_id TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    duration_ms REAL,
    status TEXT NOT NULL,
    environment TEXT NOT NULL,
    instance TEXT NOT NULL,
    caller TEXT NOT NULL,
    attributes TEXT NOT NULL,
    _src INTEGER NOT NULL,
    _off INTEGER NOT NULL,
    batch_id TEXT NOT NULL,
    batch_part INTEGER NOT NULL,
    _at INTEGER NOT NULL,
    _day INTEGER NOT NULL
) STRICT;
CREATE INDEX spans_by_key ON spans (_day, workspace, service_name, timestamp);
CREATE INDEX spans_by_source ON spans (_src, _off);
CREATE INDEX spans_by_batch ON spans (batch_id) WHERE batch_id != '';
CREATE INDEX spans_by_trace ON spans (trace_id);

CREATE TABLE logs (
    workspace TEXT NOT NULL,
    service_name TEXT NOT NULL,
    timestamp INTEGER NOT NULL,
    severity TEXT NOT NULL,
    body TEXT NOT NULL,
    environment TEXT NOT NULL,
    instance TEXT NOT NULL,
    attributes TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    span_id TEXT NOT NULL,
    _src INTEGER NOT NULL,
    _off INTEGER NOT NULL,
    batch_id TEXT NOT NULL,
    batch_part INTEGER NOT NULL,
    _at INTEGER NOT NULL,
    _day INTEGER NOT NULL
) STRICT;
CREATE INDEX logs_by_key ON logs (_day, workspace, service_name, timestamp);
CREATE INDEX logs_by_source ON logs (_src, _off);
CREATE INDEX logs_by_batch ON logs (batch_id) WHERE batch_id != '';
CREATE INDEX logs_by_trace ON logs (trace_id);
