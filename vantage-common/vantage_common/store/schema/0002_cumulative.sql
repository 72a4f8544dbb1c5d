-- Cumulative samples: what they count from, and counters of any size.

ALTER TABLE $database.metrics
    MODIFY COLUMN count UInt64 CODEC(T64, ZSTD(1)),
    ADD COLUMN IF NOT EXISTS temporality LowCardinality(String) DEFAULT 'delta' CODEC(ZSTD(1)) AFTER span_id,
    ADD COLUMN IF NOT EXISTS start_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) AFTER temporality;
