-- What people change (alert rules, silences, dashboards), what was learned (baselines), what happened to alerts, and who
-- did what. Every change is a row; of one id the highest version counts, and the engine forgets the others when it
-- merges. Histories keep all of theirs for a year.

CREATE TABLE IF NOT EXISTS $database.alert_rules (
    workspace LowCardinality(String) CODEC(ZSTD(1)),
    id String CODEC(ZSTD(1)),
    ver UInt64 CODEC(Delta, ZSTD(1)),
    at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    author String CODEC(ZSTD(1)),
    deleted Bool,
    body String CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree(ver)
ORDER BY (workspace, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS $database.silences (
    workspace LowCardinality(String) CODEC(ZSTD(1)),
    id String CODEC(ZSTD(1)),
    ver UInt64 CODEC(Delta, ZSTD(1)),
    at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    author String CODEC(ZSTD(1)),
    deleted Bool,
    body String CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree(ver)
ORDER BY (workspace, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS $database.baselines (
    workspace LowCardinality(String) CODEC(ZSTD(1)),
    id String CODEC(ZSTD(1)),
    ver UInt64 CODEC(Delta, ZSTD(1)),
    at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    author String CODEC(ZSTD(1)),
    deleted Bool,
    body String CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree(ver)
ORDER BY (workspace, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS $database.dashboards (
    workspace LowCardinality(String) CODEC(ZSTD(1)),
    id String CODEC(ZSTD(1)),
    ver UInt64 CODEC(Delta, ZSTD(1)),
    at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    author String CODEC(ZSTD(1)),
    deleted Bool,
    body String CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree(ver)
ORDER BY (workspace, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS $database.alert_events (
    workspace LowCardinality(String) CODEC(ZSTD(1)),
    id String CODEC(ZSTD(1)),
    ver UInt64 CODEC(Delta, ZSTD(1)),
    at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    author String CODEC(ZSTD(1)),
    deleted Bool,
    body String CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree(ver)
ORDER BY (workspace, id, ver)
PARTITION BY toYYYYMM(at)
TTL toDateTime(at) + INTERVAL 365 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS $database.audit (
    workspace LowCardinality(String) CODEC(ZSTD(1)),
    id String CODEC(ZSTD(1)),
    ver UInt64 CODEC(Delta, ZSTD(1)),
    at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    author String CODEC(ZSTD(1)),
    deleted Bool,
    body String CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree(ver)
ORDER BY (workspace, id, ver)
PARTITION BY toYYYYMM(at)
TTL toDateTime(at) + INTERVAL 365 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;
