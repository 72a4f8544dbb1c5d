-- One row a service and environment, as in ../0007_services.sql; `named` is the time of the row that named it last.

CREATE TABLE services (
    workspace TEXT NOT NULL,
    service_name TEXT NOT NULL,
    environment TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    namespace TEXT NOT NULL,
    version TEXT NOT NULL,
    named INTEGER NOT NULL,
    PRIMARY KEY (workspace, service_name, environment)
) STRICT, WITHOUT ROWID;

INSERT INTO services
SELECT workspace, service_name, environment, min(timestamp), max(timestamp), '', '', 0 FROM (
    SELECT workspace, service_name, environment, CAST(timestamp AS INTEGER) AS timestamp FROM metrics
    UNION ALL SELECT workspace, service_name, environment, CAST(timestamp AS INTEGER) FROM spans
    UNION ALL SELECT workspace, service_name, environment, CAST(timestamp AS INTEGER) FROM logs
) GROUP BY workspace, service_name, environment;
