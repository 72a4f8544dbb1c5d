-- What hours of raw rows add up to. Nothing feeds these tables while rows come in: store/rollups.py computes an hour
-- from its raw rows and inserts it whole, so that after any crash it can be computed again. The newest version of a
-- row wins; a reader merges with FINAL.

CREATE TABLE IF NOT EXISTS $database.metrics_1h (
    workspace LowCardinality(String) CODEC(ZSTD(1)),
    service_name LowCardinality(String) CODEC(ZSTD(1)),
    metric_name LowCardinality(String) CODEC(ZSTD(1)),
    timestamp DateTime('UTC') CODEC(Delta, ZSTD(1)),
    series UInt64 CODEC(ZSTD(1)),
    metric_type LowCardinality(String) CODEC(ZSTD(1)),
    temporality LowCardinality(String) CODEC(ZSTD(1)),
    environment LowCardinality(String) CODEC(ZSTD(1)),
    instance LowCardinality(String) CODEC(ZSTD(1)),
    endpoint LowCardinality(String) CODEC(ZSTD(1)),
    method LowCardinality(String) CODEC(ZSTD(1)),
    status_code UInt16 CODEC(T64, ZSTD(1)),
    tags Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(3)),
    count UInt64 CODEC(T64, ZSTD(1)),
    sum Float64 CODEC(ZSTD(1)),
    min Float64 CODEC(ZSTD(1)),
    max Float64 CODEC(ZSTD(1)),
    buckets Map(Int32, UInt64) CODEC(ZSTD(1)),
    increase Float64 CODEC(ZSTD(1)),
    ver UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(ver)
ORDER BY (workspace, service_name, metric_name, timestamp, series)
PARTITION BY toYYYYMM(timestamp)
TTL toDateTime(timestamp) + INTERVAL 365 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS $database.metrics_1d (
    workspace LowCardinality(String) CODEC(ZSTD(1)),
    service_name LowCardinality(String) CODEC(ZSTD(1)),
    metric_name LowCardinality(String) CODEC(ZSTD(1)),
    timestamp DateTime('UTC') CODEC(Delta, ZSTD(1)),
    series UInt64 CODEC(ZSTD(1)),
    metric_type LowCardinality(String) CODEC(ZSTD(1)),
    temporality LowCardinality(String) CODEC(ZSTD(1)),
    environment LowCardinality(String) CODEC(ZSTD(1)),
    instance LowCardinality(String) CODEC(ZSTD(1)),
    endpoint LowCardinality(String) CODEC(ZSTD(1)),
    method LowCardinality(String) CODEC(ZSTD(1)),
    status_code UInt16 CODEC(T64, ZSTD(1)),
    tags Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(3)),
    count UInt64 CODEC(T64, ZSTD(1)),
    sum Float64 CODEC(ZSTD(1)),
    min Float64 CODEC(ZSTD(1)),
    max Float64 CODEC(ZSTD(1)),
    buckets Map(Int32, UInt64) CODEC(ZSTD(1)),
    increase Float64 CODEC(ZSTD(1)),
    ver UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(ver)
ORDER BY (workspace, service_name, metric_name, timestamp, series)
PARTITION BY toYYYYMM(timestamp)
TTL toDateTime(timestamp) + INTERVAL 1095 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS $database.service_1m (
    workspace LowCardinality(String) CODEC(ZSTD(1)),
    service_name LowCardinality(String) CODEC(ZSTD(1)),
    environment LowCardinality(String) CODEC(ZSTD(1)),
    timestamp DateTime('UTC') CODEC(Delta, ZSTD(1)),
    source LowCardinality(String) CODEC(ZSTD(1)),
    count UInt64 CODEC(T64, ZSTD(1)),
    sum Float64 CODEC(ZSTD(1)),
    min Float64 CODEC(ZSTD(1)),
    max Float64 CODEC(ZSTD(1)),
    buckets Map(Int32, UInt64) CODEC(ZSTD(1)),
    errors UInt64 CODEC(T64, ZSTD(1)),
    instances UInt32 CODEC(T64, ZSTD(1)),
    ver UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(ver)
ORDER BY (workspace, service_name, environment, timestamp, source)
PARTITION BY toYYYYMMDD(timestamp)
TTL toDateTime(timestamp) + INTERVAL $retention_raw_days DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS $database.edges_1m (
    workspace LowCardinality(String) CODEC(ZSTD(1)),
    service_name LowCardinality(String) CODEC(ZSTD(1)),
    environment LowCardinality(String) CODEC(ZSTD(1)),
    caller LowCardinality(String) CODEC(ZSTD(1)),
    timestamp DateTime('UTC') CODEC(Delta, ZSTD(1)),
    source LowCardinality(String) CODEC(ZSTD(1)),
    count UInt64 CODEC(T64, ZSTD(1)),
    sum Float64 CODEC(ZSTD(1)),
    min Float64 CODEC(ZSTD(1)),
    max Float64 CODEC(ZSTD(1)),
    buckets Map(Int32, UInt64) CODEC(ZSTD(1)),
    errors UInt64 CODEC(T64, ZSTD(1)),
    ver UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(ver)
ORDER BY (workspace, service_name, environment, caller, timestamp, source)
PARTITION BY toYYYYMMDD(timestamp)
TTL toDateTime(timestamp) + INTERVAL $retention_raw_days DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS $database.city_10s (
    workspace LowCardinality(String) CODEC(ZSTD(1)),
    service_name LowCardinality(String) CODEC(ZSTD(1)),
    environment LowCardinality(String) CODEC(ZSTD(1)),
    timestamp DateTime('UTC') CODEC(Delta, ZSTD(1)),
    source LowCardinality(String) CODEC(ZSTD(1)),
    count UInt64 CODEC(T64, ZSTD(1)),
    sum Float64 CODEC(ZSTD(1)),
    min Float64 CODEC(ZSTD(1)),
    max Float64 CODEC(ZSTD(1)),
    buckets Map(Int32, UInt64) CODEC(ZSTD(1)),
    errors UInt64 CODEC(T64, ZSTD(1)),
    ver UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(ver)
ORDER BY (workspace, service_name, environment, timestamp, source)
PARTITION BY toYYYYMMDD(timestamp)
TTL toDateTime(timestamp) + INTERVAL 7 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

-- Which hours were computed, of which raw table, when, and from how many rows: an hour whose raw rows have become more is
-- computed again. The row of hour 0 says since when arrivals have to be looked at.
CREATE TABLE IF NOT EXISTS $database.rollup_runs (
    source LowCardinality(String),
    hour DateTime('UTC'),
    rows UInt64,
    ver UInt64
)
ENGINE = ReplacingMergeTree(ver)
ORDER BY (source, hour)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
