"""The query API's own Prometheus metrics, in a registry of their own: two apps in one process do not collide."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class ApiMetrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "vantage_api_requests_total", "Finished requests", ["method", "route", "status"], registry=self.registry
        )
        self.query_seconds = Histogram(
            "vantage_api_database_query_duration_seconds",
            "Time the store took to answer",
            ["table"],
            buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            registry=self.registry,
        )
        self.vql_queries = Counter(
            "vantage_api_vql_queries_total",
            "VQL queries, by outcome: ok, rejected, failed, or cancelled because the client went away",
            ["outcome"],
            registry=self.registry,
        )
        self.kept_answers = Counter(
            "vantage_api_kept_answers_total",
            "Questions whose answers may be kept, by where that came from: hit, older, joined, miss or passed by",
            ["outcome"],
            registry=self.registry,
        )
        self.kept_answers_held = Gauge("vantage_api_kept_answers_held", "Answers kept now", registry=self.registry)
        self.kept_answers_bytes = Gauge(
            "vantage_api_kept_answers_bytes", "Memory of the answers kept now", registry=self.registry
        )
        self.sockets = Gauge("vantage_api_websocket_connections", "Open WebSockets", ["stream"], registry=self.registry)
        self.clients_expelled = Counter(
            "vantage_api_websocket_clients_expelled_total",
            "Clients closed because they stayed behind, WebSocket or SSE",
            ["stream"],
            registry=self.registry,
        )
        self.event_streams = Gauge(
            "vantage_api_sse_connections", "Open streams of server-sent events", ["stream"], registry=self.registry
        )
        self.conflated = Counter(
            "vantage_api_stream_messages_conflated_total",
            "Messages that a newer one replaced before a slow client had taken them",
            ["stream"],
            registry=self.registry,
        )
        self.dropped = Counter(
            "vantage_api_stream_messages_dropped_total",
            "Log lines and frames of particles that were left out for a slow client",
            ["stream"],
            registry=self.registry,
        )
        self.pulses = Counter("vantage_api_pulses_total", "Pulses taken into the live state", registry=self.registry)
        self.poison = Counter(
            "vantage_api_poison_records_total",
            "Bus records that could not be read, by topic",
            ["topic"],
            registry=self.registry,
        )

        self.notifications = Counter(
            "vantage_api_notifications_total",
            "Messages to channels, by what became of them: delivered, failed, refused, timeout, dropped or unknown",
            ["channel_kind", "outcome"],
            registry=self.registry,
        )

    def text(self) -> bytes:
        return generate_latest(self.registry)
