-- One row a service and environment: since when and until when it sent, and the names it gave itself last. Writers insert
-- what they see, the engine merges: the least, the greatest, the latest. It outlives the raw rows as metrics_1h does.

CREATE TABLE IF NOT EXISTS $database.services (
    workspace LowCardinality(String),
    service_name LowCardinality(String),
    environment LowCardinality(String),
    first_seen SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    last_seen SimpleAggregateFunction(max, DateTime64(3, 'UTC')),
    namespace SimpleAggregateFunction(max, Tuple(DateTime64(3, 'UTC'), String)),
    version SimpleAggregateFunction(max, Tuple(DateTime64(3, 'UTC'), String))
)
ENGINE = AggregatingMergeTree
ORDER BY (workspace, service_name, environment)
TTL toDateTime(last_seen) + INTERVAL 365 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Those that are there already; their names come with their next rows.
INSERT INTO $database.services (workspace, service_name, environment, first_seen, last_seen)
SELECT workspace, service_name, environment, min(timestamp), max(timestamp) FROM $database.metrics
GROUP BY workspace, service_name, environment;

INSERT INTO $database.services (workspace, service_name, environment, first_seen, last_seen)
SELECT workspace, service_name, environment, min(timestamp), max(timestamp) FROM $database.spans
GROUP BY workspace, service_name, environment;

INSERT INTO $database.services (workspace, service_name, environment, first_seen, last_seen)
SELECT workspace, service_name, environment, min(timestamp), max(timestamp) FROM $database.logs
GROUP BY workspace, service_name, environment;
