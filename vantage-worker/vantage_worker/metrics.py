"""The worker's own Prometheus metrics, in a registry of its own."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class WorkerMetrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.consumed = Counter(
            "vantage_worker_kafka_messages_consumed_total", "Records read", ["topic"], registry=self.registry
        )
        self.inserts = Counter(
            "vantage_worker_database_inserts_total", "Inserts by outcome", ["table", "status"], registry=self.registry
        )
        self.rows = Counter("vantage_worker_rows_total", "Rows inserted", ["table"], registry=self.registry)
        self.repeats = Counter(
            "vantage_worker_repeated_records_total", "Records dropped: their batch was stored", registry=self.registry
        )
        self.dead_letters = Counter(
            "vantage_worker_dead_letters_total", "Records sent to the dead letter topic", registry=self.registry
        )
        self.processing_lag = Gauge(
            "vantage_worker_processing_lag_seconds", "Age of the newest stored record", registry=self.registry
        )
        self.kafka_lag = Gauge("vantage_worker_kafka_lag", "Records not read yet", registry=self.registry)
        self.batch_size = Gauge("vantage_worker_batch_size", "Rows of the last insert", registry=self.registry)
        self.write_seconds = Histogram(
            "vantage_worker_db_write_duration_seconds", "Time of an insert", registry=self.registry
        )
        self.breaker = Gauge("vantage_worker_breaker_state", "0 closed, 1 half open, 2 open", registry=self.registry)
