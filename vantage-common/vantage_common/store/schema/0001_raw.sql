-- The raw tables. Sort order and codecs are the measured ones of the design notes: Delta for times, T64 for small
-- integers, dictionaries for both sides of a label map.
--
-- Daily partitions with ttl_only_drop_parts let the engine drop a whole day without rewriting anything. An insert is
-- synced before it is acknowledged. The de-duplication window counts blocks: one per insert and day.

CREATE TABLE IF NOT EXISTS $database.metrics (
    workspace LowCardinality(String) CODEC(ZSTD(1)),
    service_name LowCardinality(String) CODEC(ZSTD(1)),
    metric_name LowCardinality(String) CODEC(ZSTD(1)),
    timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    metric_type LowCardinality(String) CODEC(ZSTD(1)),
    environment LowCardinality(String) CODEC(ZSTD(1)),
    instance LowCardinality(String) CODEC(ZSTD(1)),
    value Float64 CODEC(ZSTD(1)),
    count UInt32 CODEC(T64, ZSTD(1)),
    endpoint LowCardinality(String) CODEC(ZSTD(1)),
    method LowCardinality(String) CODEC(ZSTD(1)),
    status_code UInt16 CODEC(T64, ZSTD(1)),
    tags Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    _src UInt64 CODEC(ZSTD(1)),
    _off UInt64 CODEC(Delta, ZSTD(1)),
    batch_id String CODEC(ZSTD(1)),
    batch_part UInt16 CODEC(T64, ZSTD(1)),
    _at DateTime('UTC') DEFAULT now() CODEC(Delta, ZSTD(1)),
    INDEX ix_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX ix_batch batch_id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX ix_off _off TYPE minmax GRANULARITY 1,
    INDEX ix_at _at TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (workspace, service_name, metric_name, timestamp)
PARTITION BY toYYYYMMDD(timestamp)
TTL toDateTime(timestamp) + INTERVAL $retention_raw_days DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS $database.spans (
    workspace LowCardinality(String) CODEC(ZSTD(1)),
    service_name LowCardinality(String) CODEC(ZSTD(1)),
    timestamp DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    parent_span_id String CODEC(ZSTD(1)),
    name LowCardinality(String) CODEC(ZSTD(1)),
    kind LowCardinality(String) CODEC(ZSTD(1)),
    duration_ms Float64 CODEC(ZSTD(1)),
    status LowCardinality(String) CODEC(ZSTD(1)),
    environment LowCardinality(String) CODEC(ZSTD(1)),
    instance LowCardinality(String) CODEC(ZSTD(1)),
    caller LowCardinality(String) CODEC(ZSTD(1)),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    _src UInt64 CODEC(ZSTD(1)),
    _off UInt64 CODEC(Delta, ZSTD(1)),
    batch_id String CODEC(ZSTD(1)),
    batch_part UInt16 CODEC(T64, ZSTD(1)),
    _at DateTime('UTC') DEFAULT now() CODEC(Delta, ZSTD(1)),
    INDEX ix_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX ix_batch batch_id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX ix_off _off TYPE minmax GRANULARITY 1,
    INDEX ix_at _at TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (workspace, service_name, timestamp)
PARTITION BY toYYYYMMDD(timestamp)
TTL toDateTime(timestamp) + INTERVAL $retention_spans_days DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS $database.logs (
    workspace LowCardinality(String) CODEC(ZSTD(1)),
    service_name LowCardinality(String) CODEC(ZSTD(1)),
    timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    severity LowCardinality(String) CODEC(ZSTD(1)),
    body String CODEC(ZSTD(1)),
    environment LowCardinality(String) CODEC(ZSTD(1)),
    instance LowCardinality(String) CODEC(ZSTD(1)),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    _src UInt64 CODEC(ZSTD(1)),
    _off UInt64 CODEC(Delta, ZSTD(1)),
    batch_id String CODEC(ZSTD(1)),
    batch_part UInt16 CODEC(T64, ZSTD(1)),
    _at DateTime('UTC') DEFAULT now() CODEC(Delta, ZSTD(1)),
    INDEX ix_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX ix_batch batch_id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX ix_off _off TYPE minmax GRANULARITY 1,
    INDEX ix_at _at TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (workspace, service_name, timestamp)
PARTITION BY toYYYYMMDD(timestamp)
TTL toDateTime(timestamp) + INTERVAL $retention_raw_days DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1, fsync_part_directory = 1;
