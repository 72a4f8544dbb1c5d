CREATE DATABASE IF NOT EXISTS `vantage` ON CLUSTER `main`;

CREATE TABLE IF NOT EXISTS `vantage`.migrations ON CLUSTER `main` (version UInt32, name String, checksum String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3)) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/all', '{shard}-{replica}') ORDER BY version SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS `vantage`.metrics_local ON CLUSTER `main` (
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
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')
ORDER BY (workspace, service_name, metric_name, timestamp)
PARTITION BY toYYYYMMDD(timestamp)
TTL toDateTime(timestamp) + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 10000,
    fsync_after_insert = 1, fsync_part_directory = 1;

CREATE OR REPLACE TABLE `vantage`.metrics ON CLUSTER `main` AS `vantage`.metrics_local
ENGINE = Distributed(`main`, `vantage`, metrics_local, cityHash64(workspace, service_name));

CREATE TABLE IF NOT EXISTS `vantage`.spans_local ON CLUSTER `main` (
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
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')
ORDER BY (workspace, service_name, timestamp)
PARTITION BY toYYYYMMDD(timestamp)
TTL toDateTime(timestamp) + INTERVAL 30 DAY
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 10000,
    fsync_after_insert = 1, fsync_part_directory = 1;

CREATE OR REPLACE TABLE `vantage`.spans ON CLUSTER `main` AS `vantage`.spans_local
ENGINE = Distributed(`main`, `vantage`, spans_local, cityHash64(workspace, service_name));

CREATE TABLE IF NOT EXISTS `vantage`.logs_local ON CLUSTER `main` (
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
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')
ORDER BY (workspace, service_name, timestamp)
PARTITION BY toYYYYMMDD(timestamp)
TTL toDateTime(timestamp) + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 10000,
    fsync_after_insert = 1, fsync_part_directory = 1;

CREATE OR REPLACE TABLE `vantage`.logs ON CLUSTER `main` AS `vantage`.logs_local
ENGINE = Distributed(`main`, `vantage`, logs_local, cityHash64(workspace, service_name));

ALTER TABLE `vantage`.metrics_local ON CLUSTER `main`
    ADD COLUMN IF NOT EXISTS temporality LowCardinality(String) DEFAULT 'delta' CODEC(ZSTD(1)) AFTER span_id,
    ADD COLUMN IF NOT EXISTS start_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) AFTER temporality;

CREATE OR REPLACE TABLE `vantage`.metrics ON CLUSTER `main` AS `vantage`.metrics_local
ENGINE = Distributed(`main`, `vantage`, metrics_local, cityHash64(workspace, service_name));

DROP TABLE IF EXISTS `vantage`.metrics_moving ON CLUSTER `main` SYNC;

DROP TABLE IF EXISTS `vantage`.metrics_moving_local ON CLUSTER `main` SYNC;

CREATE TABLE `vantage`.metrics_moving_local ON CLUSTER `main` (
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
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')
PRIMARY KEY (workspace, service_name, metric_name, toStartOfHour(timestamp))
ORDER BY (workspace, service_name, metric_name, toStartOfHour(timestamp), series, bucket, timestamp)
PARTITION BY toYYYYMMDD(timestamp)
TTL toDateTime(timestamp) + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 10000,
    fsync_after_insert = 1, fsync_part_directory = 1,
    min_compress_block_size = 1048576, max_compress_block_size = 1048576;

CREATE OR REPLACE TABLE `vantage`.metrics_moving ON CLUSTER `main` AS `vantage`.metrics_moving_local
ENGINE = Distributed(`main`, `vantage`, metrics_moving_local, cityHash64(workspace, service_name));

INSERT INTO `vantage`.metrics_moving (
    workspace, service_name, metric_name, timestamp, metric_type, environment, instance, value, count, endpoint, method,
    status_code, tags, trace_id, span_id, temporality, start_time, _src, _off, batch_id, batch_part, _at
)
SELECT
    workspace, service_name, metric_name, timestamp, metric_type, environment, instance, value, count, endpoint, method,
    status_code, tags, trace_id, span_id, temporality, start_time, _src, _off, batch_id, batch_part, _at
FROM `vantage`.metrics
SETTINGS max_partitions_per_insert_block = 0, insert_deduplicate = 0, distributed_foreground_insert = 1;

EXCHANGE TABLES `vantage`.metrics_local AND `vantage`.metrics_moving_local ON CLUSTER `main`;

CREATE OR REPLACE TABLE `vantage`.metrics ON CLUSTER `main` AS `vantage`.metrics_local
ENGINE = Distributed(`main`, `vantage`, metrics_local, cityHash64(workspace, service_name));

CREATE OR REPLACE TABLE `vantage`.metrics_moving ON CLUSTER `main` AS `vantage`.metrics_moving_local
ENGINE = Distributed(`main`, `vantage`, metrics_moving_local, cityHash64(workspace, service_name));

DROP TABLE `vantage`.metrics_moving ON CLUSTER `main` SYNC;

DROP TABLE `vantage`.metrics_moving_local ON CLUSTER `main` SYNC;

CREATE TABLE IF NOT EXISTS `vantage`.metrics_1h_local ON CLUSTER `main` (
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}', ver)
ORDER BY (workspace, service_name, metric_name, timestamp, series)
PARTITION BY toYYYYMM(timestamp)
TTL toDateTime(timestamp) + INTERVAL 365 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE OR REPLACE TABLE `vantage`.metrics_1h ON CLUSTER `main` AS `vantage`.metrics_1h_local
ENGINE = Distributed(`main`, `vantage`, metrics_1h_local, cityHash64(workspace, service_name));

CREATE TABLE IF NOT EXISTS `vantage`.metrics_1d_local ON CLUSTER `main` (
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}', ver)
ORDER BY (workspace, service_name, metric_name, timestamp, series)
PARTITION BY toYYYYMM(timestamp)
TTL toDateTime(timestamp) + INTERVAL 1095 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE OR REPLACE TABLE `vantage`.metrics_1d ON CLUSTER `main` AS `vantage`.metrics_1d_local
ENGINE = Distributed(`main`, `vantage`, metrics_1d_local, cityHash64(workspace, service_name));

CREATE TABLE IF NOT EXISTS `vantage`.service_1m_local ON CLUSTER `main` (
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}', ver)
ORDER BY (workspace, service_name, environment, timestamp, source)
PARTITION BY toYYYYMMDD(timestamp)
TTL toDateTime(timestamp) + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE OR REPLACE TABLE `vantage`.service_1m ON CLUSTER `main` AS `vantage`.service_1m_local
ENGINE = Distributed(`main`, `vantage`, service_1m_local, cityHash64(workspace, service_name));

CREATE TABLE IF NOT EXISTS `vantage`.edges_1m_local ON CLUSTER `main` (
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}', ver)
ORDER BY (workspace, service_name, environment, caller, timestamp, source)
PARTITION BY toYYYYMMDD(timestamp)
TTL toDateTime(timestamp) + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE OR REPLACE TABLE `vantage`.edges_1m ON CLUSTER `main` AS `vantage`.edges_1m_local
ENGINE = Distributed(`main`, `vantage`, edges_1m_local, cityHash64(workspace, service_name));

CREATE TABLE IF NOT EXISTS `vantage`.city_10s_local ON CLUSTER `main` (
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}', ver)
ORDER BY (workspace, service_name, environment, timestamp, source)
PARTITION BY toYYYYMMDD(timestamp)
TTL toDateTime(timestamp) + INTERVAL 7 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE OR REPLACE TABLE `vantage`.city_10s ON CLUSTER `main` AS `vantage`.city_10s_local
ENGINE = Distributed(`main`, `vantage`, city_10s_local, cityHash64(workspace, service_name));

CREATE TABLE IF NOT EXISTS `vantage`.rollup_runs ON CLUSTER `main` (
    source LowCardinality(String),
    hour DateTime('UTC'),
    rows UInt64,
    ver UInt64
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/all', '{shard}-{replica}', ver)
ORDER BY (source, hour)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS `vantage`.alert_rules ON CLUSTER `main` (
    workspace LowCardinality(String) CODEC(ZSTD(1)),
    id String CODEC(ZSTD(1)),
    ver UInt64 CODEC(Delta, ZSTD(1)),
    at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    author String CODEC(ZSTD(1)),
    deleted Bool,
    body String CODEC(ZSTD(3))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/all', '{shard}-{replica}', ver)
ORDER BY (workspace, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS `vantage`.silences ON CLUSTER `main` (
    workspace LowCardinality(String) CODEC(ZSTD(1)),
    id String CODEC(ZSTD(1)),
    ver UInt64 CODEC(Delta, ZSTD(1)),
    at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    author String CODEC(ZSTD(1)),
    deleted Bool,
    body String CODEC(ZSTD(3))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/all', '{shard}-{replica}', ver)
ORDER BY (workspace, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS `vantage`.baselines ON CLUSTER `main` (
    workspace LowCardinality(String) CODEC(ZSTD(1)),
    id String CODEC(ZSTD(1)),
    ver UInt64 CODEC(Delta, ZSTD(1)),
    at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    author String CODEC(ZSTD(1)),
    deleted Bool,
    body String CODEC(ZSTD(3))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/all', '{shard}-{replica}', ver)
ORDER BY (workspace, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS `vantage`.dashboards ON CLUSTER `main` (
    workspace LowCardinality(String) CODEC(ZSTD(1)),
    id String CODEC(ZSTD(1)),
    ver UInt64 CODEC(Delta, ZSTD(1)),
    at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    author String CODEC(ZSTD(1)),
    deleted Bool,
    body String CODEC(ZSTD(3))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/all', '{shard}-{replica}', ver)
ORDER BY (workspace, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS `vantage`.alert_events ON CLUSTER `main` (
    workspace LowCardinality(String) CODEC(ZSTD(1)),
    id String CODEC(ZSTD(1)),
    ver UInt64 CODEC(Delta, ZSTD(1)),
    at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    author String CODEC(ZSTD(1)),
    deleted Bool,
    body String CODEC(ZSTD(3))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/all', '{shard}-{replica}', ver)
ORDER BY (workspace, id, ver)
PARTITION BY toYYYYMM(at)
TTL toDateTime(at) + INTERVAL 365 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS `vantage`.audit ON CLUSTER `main` (
    workspace LowCardinality(String) CODEC(ZSTD(1)),
    id String CODEC(ZSTD(1)),
    ver UInt64 CODEC(Delta, ZSTD(1)),
    at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    author String CODEC(ZSTD(1)),
    deleted Bool,
    body String CODEC(ZSTD(3))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/all', '{shard}-{replica}', ver)
ORDER BY (workspace, id, ver)
PARTITION BY toYYYYMM(at)
TTL toDateTime(at) + INTERVAL 365 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS `vantage`.traces ON CLUSTER `main` (
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/all', '{shard}-{replica}', ver)
ORDER BY (workspace, timestamp, trace_id)
PARTITION BY toYYYYMMDD(timestamp)
TTL toDateTime(timestamp) + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

ALTER TABLE `vantage`.rollup_runs ON CLUSTER `main` DELETE WHERE source = 'spans' SETTINGS mutations_sync = 2;

CREATE TABLE IF NOT EXISTS `vantage`.alert_channels ON CLUSTER `main` (
    workspace LowCardinality(String) CODEC(ZSTD(1)),
    id String CODEC(ZSTD(1)),
    ver UInt64 CODEC(Delta, ZSTD(1)),
    at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    author String CODEC(ZSTD(1)),
    deleted Bool,
    body String CODEC(ZSTD(3))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/all', '{shard}-{replica}', ver)
ORDER BY (workspace, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS `vantage`.services_local ON CLUSTER `main` (
    workspace LowCardinality(String),
    service_name LowCardinality(String),
    environment LowCardinality(String),
    first_seen SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    last_seen SimpleAggregateFunction(max, DateTime64(3, 'UTC')),
    namespace SimpleAggregateFunction(max, Tuple(DateTime64(3, 'UTC'), String)),
    version SimpleAggregateFunction(max, Tuple(DateTime64(3, 'UTC'), String))
)
ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')
ORDER BY (workspace, service_name, environment)
TTL toDateTime(last_seen) + INTERVAL 365 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE OR REPLACE TABLE `vantage`.services ON CLUSTER `main` AS `vantage`.services_local
ENGINE = Distributed(`main`, `vantage`, services_local, cityHash64(workspace, service_name));

INSERT INTO `vantage`.services (workspace, service_name, environment, first_seen, last_seen)
SELECT workspace, service_name, environment, min(timestamp), max(timestamp) FROM `vantage`.metrics
GROUP BY workspace, service_name, environment SETTINGS distributed_foreground_insert = 1;

INSERT INTO `vantage`.services (workspace, service_name, environment, first_seen, last_seen)
SELECT workspace, service_name, environment, min(timestamp), max(timestamp) FROM `vantage`.spans
GROUP BY workspace, service_name, environment SETTINGS distributed_foreground_insert = 1;

INSERT INTO `vantage`.services (workspace, service_name, environment, first_seen, last_seen)
SELECT workspace, service_name, environment, min(timestamp), max(timestamp) FROM `vantage`.logs
GROUP BY workspace, service_name, environment SETTINGS distributed_foreground_insert = 1;

DROP TABLE IF EXISTS `vantage`.spans_moving ON CLUSTER `main` SYNC;

DROP TABLE IF EXISTS `vantage`.spans_moving_local ON CLUSTER `main` SYNC;

CREATE TABLE `vantage`.spans_moving_local ON CLUSTER `main` (
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
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')
ORDER BY (workspace, service_name, timestamp)
PARTITION BY toYYYYMMDD(timestamp)
TTL toDateTime(timestamp) + INTERVAL 30 DAY
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 10000,
    fsync_after_insert = 1, fsync_part_directory = 1,
    index_granularity = 2048, min_compress_block_size = 16384;

CREATE OR REPLACE TABLE `vantage`.spans_moving ON CLUSTER `main` AS `vantage`.spans_moving_local
ENGINE = Distributed(`main`, `vantage`, spans_moving_local, cityHash64(workspace, service_name));

INSERT INTO `vantage`.spans_moving (
    workspace, service_name, timestamp, trace_id, span_id, parent_span_id, name, kind, duration_ms, status, environment,
    instance, caller, attributes, _src, _off, batch_id, batch_part, _at
)
SELECT
    workspace, service_name, timestamp, trace_id, span_id, parent_span_id, name, kind, duration_ms, status, environment,
    instance, caller, attributes, _src, _off, batch_id, batch_part, _at
FROM `vantage`.spans
SETTINGS max_partitions_per_insert_block = 0, insert_deduplicate = 0, distributed_foreground_insert = 1;

EXCHANGE TABLES `vantage`.spans_local AND `vantage`.spans_moving_local ON CLUSTER `main`;

CREATE OR REPLACE TABLE `vantage`.spans ON CLUSTER `main` AS `vantage`.spans_local
ENGINE = Distributed(`main`, `vantage`, spans_local, cityHash64(workspace, service_name));

CREATE OR REPLACE TABLE `vantage`.spans_moving ON CLUSTER `main` AS `vantage`.spans_moving_local
ENGINE = Distributed(`main`, `vantage`, spans_moving_local, cityHash64(workspace, service_name));

DROP TABLE `vantage`.spans_moving ON CLUSTER `main` SYNC;

DROP TABLE `vantage`.spans_moving_local ON CLUSTER `main` SYNC;

