-- Cumulative samples: what they count from, counters of any size, and an order in which a series lies together.
--
-- Measured by tests/bench/storage.py, bytes a row with all indexes: rows like node_exporter's take 2.1 by (…,
-- metric_name, timestamp), 1.0 by (…, metric_name, series, timestamp), and 1.1 by the hour first and then the series;
-- requests as agents fold them 16.0, 15.1 and 15.1, without the batch ids 14.4, 12.8 and 12.8. An hour of a series is
-- long enough to compress, its neighbours share their times and offsets, and a question about an hour reads that hour,
-- where (series, timestamp) would read the day. Rows of one minute lie apart, so that grouping them by time takes up to
-- a third longer than in order of time.
--
-- Codecs: most columns repeat, which zstd sees in blocks of a megabyte (of 64 KiB: 1.33) and, in label maps, only from
-- level 3 on. Delta takes a fifth off the values of counters and gauges and adds 2 % to the means of random durations.
--
-- The id of a batch is asked for within an hour of its arrival (the guard against repeated batches). It is random and
-- the most expensive column of a request's row, so later merges empty it.
--
-- A sort key cannot be altered: the rows move to a new table, which then changes places with the old one, all at once.
-- Killed between any two of these statements the file runs again from its first: what lies in metrics is whole at
-- every moment, and both tables have the columns that are copied.

ALTER TABLE $database.metrics
    ADD COLUMN IF NOT EXISTS temporality LowCardinality(String) DEFAULT 'delta' CODEC(ZSTD(1)) AFTER span_id,
    ADD COLUMN IF NOT EXISTS start_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) AFTER temporality;

DROP TABLE IF EXISTS $database.metrics_moving SYNC;

CREATE TABLE $database.metrics_moving (
    workspace LowCardinality(String) CODEC(ZSTD(1)),
    service_name LowCardinality(String) CODEC(ZSTD(1)),
    metric_name LowCardinality(String) CODEC(ZSTD(1)),
    timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    metric_type LowCardinality(String) CODEC(ZSTD(1)),
    environment LowCardinality(String) CODEC(ZSTD(1)),
    instance LowCardinality(String) CODEC(ZSTD(1)),
    value Float64 CODEC(Delta, ZSTD(3)),
    count UInt64 CODEC(T64, ZSTD(1)),
    endpoint LowCardinality(String) CODEC(ZSTD(1)),
    method LowCardinality(String) CODEC(ZSTD(1)),
    status_code UInt16 CODEC(T64, ZSTD(1)),
    tags Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(3)),
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    temporality LowCardinality(String) DEFAULT 'delta' CODEC(ZSTD(1)),
    start_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    _src UInt64 CODEC(Delta, ZSTD(1)),
    _off UInt64 CODEC(Delta, ZSTD(3)),
    batch_id String CODEC(ZSTD(1)) TTL _at + INTERVAL 2 HOUR,
    batch_part UInt16 CODEC(T64, ZSTD(1)),
    _at DateTime('UTC') DEFAULT now() CODEC(DoubleDelta, ZSTD(1)),
    series UInt64 MATERIALIZED cityHash64(
        environment, instance, endpoint, method, status_code, mapSort(tags), metric_type, temporality
    ) CODEC(Delta, ZSTD(1)),
    bucket Float64 MATERIALIZED if(temporality = 'cumulative' AND metric_type = 'histogram', value, 0)
        CODEC(ZSTD(1)),
    INDEX ix_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX ix_batch batch_id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX ix_off _off TYPE minmax GRANULARITY 1,
    INDEX ix_at _at TYPE minmax GRANULARITY 1,
    INDEX ix_temporality temporality TYPE minmax GRANULARITY 1,
    INDEX ix_type metric_type TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PRIMARY KEY (workspace, service_name, metric_name, toStartOfHour(timestamp))
ORDER BY (workspace, service_name, metric_name, toStartOfHour(timestamp), series, bucket, timestamp)
PARTITION BY toYYYYMMDD(timestamp)
TTL toDateTime(timestamp) + INTERVAL $retention_raw_days DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1, fsync_part_directory = 1,
    min_compress_block_size = 1048576, max_compress_block_size = 1048576;

INSERT INTO $database.metrics_moving (
    workspace, service_name, metric_name, timestamp, metric_type, environment, instance, value, count, endpoint, method,
    status_code, tags, trace_id, span_id, temporality, start_time, _src, _off, batch_id, batch_part, _at
)
SELECT
    workspace, service_name, metric_name, timestamp, metric_type, environment, instance, value, count, endpoint, method,
    status_code, tags, trace_id, span_id, temporality, start_time, _src, _off, batch_id, batch_part, _at
FROM $database.metrics
SETTINGS max_partitions_per_insert_block = 0, insert_deduplicate = 0;

EXCHANGE TABLES $database.metrics AND $database.metrics_moving;

DROP TABLE $database.metrics_moving SYNC;
