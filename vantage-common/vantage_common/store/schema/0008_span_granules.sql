-- Spans in granules of 2048 rows and blocks of 16 KiB. A trace is a few rows, each of another service and so in another
-- granule, and much of what finding it costs are the rows that are decompressed with them. Over ten million spans of a
-- week, a trace of five: with 8192 rows and 64 KiB 7 MB and 10 ms, so 2 MB and 7.5 ms. It costs 1 to 2 % in bytes and
-- 2 % of an insert; every merge takes a quarter to a third more. Granules of 1024 rows are no faster.
--
-- Of the indexes the one on trace_id answers for a granule, the others for as many rows as before.
--
-- The size of granules cannot be altered: the rows move as in 0002_cumulative.sql. Killed between any two of these
-- statements the file runs again from its first. Until it is done the disk holds the spans twice.

DROP TABLE IF EXISTS $database.spans_moving SYNC;

CREATE TABLE $database.spans_moving (
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
    INDEX ix_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX ix_batch batch_id TYPE bloom_filter(0.01) GRANULARITY 16,
    INDEX ix_off _off TYPE minmax GRANULARITY 4,
    INDEX ix_at _at TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
ORDER BY (workspace, service_name, timestamp)
PARTITION BY toYYYYMMDD(timestamp)
TTL toDateTime(timestamp) + INTERVAL $retention_spans_days DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1, fsync_part_directory = 1,
    index_granularity = 2048, min_compress_block_size = 16384;

INSERT INTO $database.spans_moving (
    workspace, service_name, timestamp, trace_id, span_id, parent_span_id, name, kind, duration_ms, status, environment,
    instance, caller, attributes, _src, _off, batch_id, batch_part, _at
)
SELECT
    workspace, service_name, timestamp, trace_id, span_id, parent_span_id, name, kind, duration_ms, status, environment,
    instance, caller, attributes, _src, _off, batch_id, batch_part, _at
FROM $database.spans
SETTINGS max_partitions_per_insert_block = 0, insert_deduplicate = 0;

EXCHANGE TABLES $database.spans AND $database.spans_moving;

DROP TABLE $database.spans_moving SYNC;
