"""The collector's own Prometheus metrics, in a registry of their own."""

from collections.abc import Collection

from prometheus_client import CollectorRegistry, Counter, Histogram
from vantage_common.http.audit import RequestRecord

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class CollectorMetrics:
    """`routes` are the paths that get a label of their own; any other is `other`, so that labels stay few."""

    def __init__(self, routes: Collection[str]) -> None:
        self._routes = frozenset(routes)
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "vantage_collector_requests_total",
            "Requests answered; status 0 is a client that went away",
            ["route", "status"],
            registry=self.registry,
        )
        self.request_duration = Histogram(
            "vantage_collector_request_duration_seconds",
            "Time from a request's headers to its answer",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.errors = Counter(
            "vantage_collector_errors_total", "Requests that failed, by error code", ["kind"], registry=self.registry
        )
        self.publish_duration = Histogram(
            "vantage_collector_kafka_publish_duration_seconds",
            "Time until the broker acknowledged a request's records, or did not",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.items = Counter(
            "vantage_collector_items_accepted_total",
            "Metrics, spans and logs accepted",
            ["kind"],
            registry=self.registry,
        )
        self.refused = Counter(
            "vantage_collector_items_refused_total",
            "Items left out of OTLP and remote write requests that were taken otherwise",
            ["kind"],
            registry=self.registry,
        )
        self.rows = Counter(
            "vantage_collector_rows_published_total",
            "Rows published, after pre-aggregation",
            ["kind"],
            registry=self.registry,
        )
        self.pulses_lost = Counter(
            "vantage_collector_pulses_lost_total", "Pulse records the broker did not take", registry=self.registry
        )

        self.series_capped = Counter(
            "vantage_collector_series_capped_total",
            "Samples of series beyond a service's allowance of new ones, renamed to _OTHER or left out",
            ["outcome"],
            registry=self.registry,
        )

    def observe(self, record: RequestRecord) -> None:
        """A RecordSink."""
        route = record.path if record.path in self._routes else "other"
        self.requests.labels(route, str(record.status)).inc()
        self.request_duration.labels(route).observe(record.duration_ms / 1000)
