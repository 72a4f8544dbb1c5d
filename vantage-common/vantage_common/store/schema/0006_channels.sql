-- Where alerts are sent to, as documents like those of 0004_documents.sql. The body holds the address with its secrets.

CREATE TABLE IF NOT EXISTS $database.alert_channels (
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
