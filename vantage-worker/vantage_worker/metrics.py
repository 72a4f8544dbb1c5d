"""The worker's own Prometheus metrics, in a registry of its own."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class WorkerMetrics:
    """`table` is metrics, spans or logs."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.consumed = Counter(
            "vantage_worker_kafka_messages_consumed_total", "Records read", ["topic"], registry=self.registry
        )
        self.inserts = Counter(
            "vantage_worker_database_inserts_total",
            "Batches by outcome: ok, failed (tried again)",
            ["table", "status"],
            registry=self.registry,
        )
        self.rows = Counter("vantage_worker_rows_total", "Rows inserted", ["table"], registry=self.registry)
        self.repeats = Counter(
            "vantage_worker_repeated_records_total", "Records dropped: their batch was stored", registry=self.registry
        )
        self.dead_letters = Counter(
            "vantage_worker_dead_letters_total",
            "Sent to the dead letter topic: unreadable records, and rows that the store refused",
            ["cause"],
            registry=self.registry,
        )
        self.processing_lag = Gauge(
            "vantage_worker_processing_lag_seconds",
            "Age of the newest record of the last batch when it was stored",
            ["table"],
            registry=self.registry,
        )
        self.kafka_lag = Gauge(
            "vantage_worker_kafka_lag", "Records of this worker's partitions not read yet", registry=self.registry
        )
        self.partitions = Gauge(
            "vantage_worker_assigned_partitions", "Partitions that this worker reads", registry=self.registry
        )
        self.buffered_rows = Gauge(
            "vantage_worker_buffered_rows", "Rows read and not yet in a batch", registry=self.registry
        )
        self.batch_size = Gauge(
            "vantage_worker_batch_size", "Rows of the last insert", ["table"], registry=self.registry
        )
        self.write_seconds = Histogram(
            "vantage_worker_db_write_duration_seconds",
            "Time of an insert",
            ["table"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.breaker = Gauge("vantage_worker_breaker_state", "0 closed, 1 half open, 2 open", registry=self.registry)
        self.stalled = Gauge(
            "vantage_worker_ingestion_stalled", "1 while records wait and none is stored", registry=self.registry
        )
        self.reconnects = Counter(
            "vantage_worker_reconnects_total", "Connections given up because no records came", registry=self.registry
        )
        self.rollup_hours = Counter(
            "vantage_worker_rollup_hours_total", "Hours rolled up", ["source"], registry=self.registry
        )
        self.rollup_hours_waiting = Gauge(
            "vantage_worker_rollup_hours_waiting", "Hours to roll up, the open ones included", registry=self.registry
        )
