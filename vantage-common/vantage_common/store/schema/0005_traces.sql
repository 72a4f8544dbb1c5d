-- One row a trace and hour: what search asks of traces over days, and where a trace lies when only its id is known. It
-- outlives the spans. The parts of a trace that crossed an hour add up when they are read: begin and end, spans and
-- errors, the root by the least root_order.
--
-- An index finds a trace by its id without a look at every hour.

CREATE TABLE IF NOT EXISTS $database.traces (
    workspace LowCardinality(String) CODEC(ZSTD(1)),
    timestamp DateTime('UTC') CODEC(Delta, ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    start_ms Float64 CODEC(ZSTD(1)),
    end_ms Float64 CODEC(ZSTD(1)),
    root_service LowCardinality(String) CODEC(ZSTD(1)),
    root_name LowCardinality(String) CODEC(ZSTD(1)),
    root_order Float64 CODEC(ZSTD(1)),
    spans UInt64 CODEC(T64, ZSTD(1)),
    errors UInt64 CODEC(T64, ZSTD(1)),
    longest_good Map(LowCardinality(String), Float64) CODEC(ZSTD(1)),
    longest_failed Map(LowCardinality(String), Float64) CODEC(ZSTD(1)),
    ver UInt64 CODEC(Delta, ZSTD(1)),
    INDEX ix_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(ver)
ORDER BY (workspace, timestamp, trace_id)
PARTITION BY toYYYYMMDD(timestamp)
TTL toDateTime(timestamp) + INTERVAL $retention_raw_days DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

-- Hours of spans that were rolled up before this table was, and before edges were joined from spans, are rolled up again.
ALTER TABLE $database.rollup_runs DELETE WHERE source = 'spans' SETTINGS mutations_sync = 2;
