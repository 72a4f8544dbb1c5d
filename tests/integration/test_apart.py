"""The services as processes of their own on a broker and a store server: settings alone make the difference."""

import json
import struct
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from vantage_common.bus.api import DEAD_LETTER, PULSES, RAW_TOPICS
from websockets.sync.client import ClientConnection, connect

from tests.clickhouse_http import ClickHouseServer
from tests.integration.services import MODULES, Services
from tests.kafka_broker import Broker
from tests.waiting import eventually

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

STORED_WITHIN_S = 60
"""A row is stored after about a second; a worker that has just started on a busy machine takes longer."""
TICK_HEADER = struct.Struct("<BBHId")
TICK_ENTRY = struct.Struct("<HHfffBBH")


@pytest.fixture(scope="module")
def services(
    kafka: Broker, clickhouse_server: ClickHouseServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Services]:
    running = Services(
        tmp_path_factory.mktemp("apart"),
        {
            "VANTAGE_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
            "VANTAGE_CLICKHOUSE_HOST": clickhouse_server.host,
            "VANTAGE_CLICKHOUSE_PORT": str(clickhouse_server.port),
            "VANTAGE_CLICKHOUSE_DATABASE": "apart",
            "VANTAGE_RATE_LIMIT_PER_MINUTE": "0",
            "VANTAGE_QUERY_RATE_LIMIT_PER_MINUTE": "0",
        },
    )
    if not kafka.makes_topics:
        make_topics_by_asking(kafka.bootstrap)
    try:
        running.start()
        yield running
    finally:
        running.stop()
        for name in MODULES:
            sys.stdout.write(f"--- {name}\n{running.said(name)}")  # shown by pytest when a test has failed


def make_topics_by_asking(bootstrap: str) -> None:
    """The mock cluster refuses to make topics and makes those it is asked about."""
    from confluent_kafka import Producer  # the broker's own client: needed with the mock alone

    producer = Producer({"bootstrap.servers": bootstrap})
    for topic in (*RAW_TOPICS, PULSES, DEAD_LETTER):
        producer.list_topics(topic, timeout=10)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def requests(service: str, durations_ms: list[float], *, failed: int = 0) -> dict[str, Any]:
    """A batch of request durations, the first `failed` of them with status 500."""
    return {
        "service_name": service,
        "environment": "test",
        "instance": "one",
        "metrics": [
            {
                "timestamp": now_ms(),
                "metric_name": "http.request.duration",
                "metric_type": "histogram",
                "value": duration,
                "endpoint": "/cart",
                "method": "GET",
                "status_code": 500 if i < failed else 200,
                "tags": {"region": "eu"},
            }
            for i, duration in enumerate(durations_ms)
        ],
    }


def gauges(service: str, values: range) -> dict[str, Any]:
    """A batch of distinct gauge values: the collector keeps each as a row of its own."""
    return {
        "service_name": service,
        "metrics": [
            {"timestamp": now_ms(), "metric_name": "sequence", "metric_type": "gauge", "value": float(value)}
            for value in values
        ],
    }


def count(services: Services, service: str, table: str = "metrics") -> int:
    number: int = services.vql(f"SELECT count() FROM {table} WHERE service_name = '{service}'")[0][0]
    return number


def test_metrics_are_read_back_as_vql_services_series_and_health(services: Services) -> None:
    start = now_ms()
    durations = [10.5 + i for i in range(100)]  # fractions: a mean that loses them shows
    taken = services.post("/v1/metrics", requests("checkout", durations, failed=4))
    assert taken["accepted"] == 100
    eventually(lambda: count(services, "checkout") == 100, within_s=STORED_WITHIN_S, what="100 requests stored")

    figures = services.vql(
        "SELECT avg(value), min(value), max(value), p95(value) FROM metrics "
        "WHERE service_name = 'checkout' AND tags['region'] = 'eu'"
    )[0]
    assert figures == [
        pytest.approx(60.0),
        pytest.approx(10.5, rel=0.01),
        pytest.approx(109.5, rel=0.01),
        pytest.approx(104.5, rel=0.02),
    ]

    listed = {entry["service_name"]: entry for entry in services.get("/api/services")["services"]}
    assert listed["checkout"]["environment"] == "test"

    answer = services.get(
        "/api/metrics/timeseries",
        service="checkout",
        metric="http.request.duration",
        start=start - 60_000,
        end=now_ms() + 60_000,
        step=60,
        agg="count",
    )
    assert sum(value for series in answer["series"] for _, value in series["points"] if value) == 100

    health = services.get("/health/score/checkout")
    assert health["service_name"] == "checkout"
    assert health["factors"]["error_rate"]["value"] == pytest.approx(0.04)
    assert 0 < health["health_score"] <= 100


def test_a_trace_is_read_back_span_by_span(services: Services) -> None:
    start = now_ms()
    root = {"span_id": "a1", "service_name": "shop", "name": "GET /buy", "kind": "server", "duration_ms": 20.5}
    child = {
        **{"span_id": "b2", "parent_span_id": "a1", "service_name": "stock", "name": "reserve", "kind": "client"},
        **{"duration_ms": 7.25, "status": "error", "attributes": {"sku": "42"}},
    }
    times = {"a1": start, "b2": start + 5}
    spans = [{"trace_id": "apart-1", "start_time": times[str(span["span_id"])], **span} for span in (child, root)]
    services.post("/v1/traces", {"spans": spans})

    def whole_trace() -> Any:
        """The services' spans are in partitions of their own, and one may be stored before the other."""
        spans = services.get("/traces/", trace_id="apart-1")
        return spans if len(spans) == 2 else None

    trace = eventually(whole_trace, within_s=STORED_WITHIN_S, what="the trace is stored")
    assert [(span["span_id"], span["parent_span_id"], span["service"], span["start"]) for span in trace] == [
        ("a1", "", "shop", start),
        ("b2", "a1", "stock", start + 5),
    ]
    assert (trace[1]["duration"], trace[1]["status"], trace[1]["attributes"]) == (7.25, "error", {"sku": "42"})


def test_log_lines_are_read_back_newest_first(services: Services) -> None:
    start = now_ms()
    lines = [{"timestamp": start + i, "severity": "ERROR", "body": f"it's line {i} \n☃"} for i in range(3)]
    services.post("/v1/logs", {"service_name": "billing", "logs": lines})

    def stored() -> list[dict[str, Any]]:
        logs: list[dict[str, Any]] = services.get("/api/logs", service="billing", severity="ERROR")["logs"]
        return logs if len(logs) == 3 else []

    logs = eventually(stored, within_s=STORED_WITHIN_S, what="the lines are stored")
    assert [line["body"] for line in logs] == [f"it's line {i} \n☃" for i in (2, 1, 0)]


def test_the_city_gets_a_hello_and_ticks_with_the_service(services: Services) -> None:
    stop = threading.Event()

    def keep_sending() -> None:
        while not stop.wait(0.2):
            services.post("/v1/metrics", requests("storefront", [12.0, 15.0]))

    sender = threading.Thread(target=keep_sending)
    sender.start()
    try:
        with connect(services.url("api").replace("http", "ws") + "/ws/city") as socket:
            hello = json.loads(socket.recv(10))
            assert (hello["type"], hello["schema"], hello["tick_hz"]) == ("hello", 1, 10)
            requests_per_second = wait_for_service(socket, hello, "storefront")
    finally:
        stop.set()
        sender.join()
    assert requests_per_second > 0


def wait_for_service(socket: ClientConnection, hello: dict[str, Any], name: str) -> float:
    """The first rps above zero that a tick tells of the service, whose slot the hello or the registry gives."""
    slots = {entry["name"]: entry["slot"] for entry in hello["services"]}
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        message = socket.recv(10)
        if isinstance(message, str):
            told = json.loads(message)
            if told["type"] == "registry":
                slots |= {entry["name"]: entry["slot"] for entry in told["services"]["upsert"]}
        elif message[0] == 1:
            rps = dict(tick_entries(message)).get(slots.get(name, -1), 0.0)
            if rps > 0:
                return rps
    raise AssertionError(f"no tick with requests of {name}; slots {slots}")


def tick_entries(message: bytes) -> Iterator[tuple[int, float]]:
    """(slot, requests per second) of each entry, read as docs/live-streams.md lays it out."""
    _, schema, _, number, _ = TICK_HEADER.unpack_from(message)
    assert schema == 1
    assert len(message) == TICK_HEADER.size + number * TICK_ENTRY.size
    for i in range(number):
        slot, _, rps, *_ = TICK_ENTRY.unpack_from(message, TICK_HEADER.size + i * TICK_ENTRY.size)
        yield slot, rps


def rows_counted(services: Services) -> float:
    """The worker's own count of the metric rows it stored since its start."""
    text = httpx.get(f"{services.url('worker')}/metrics").text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return sum(s.value for s in samples if s.name == "vantage_worker_rows_total" and s.labels["table"] == "metrics")


def rows_held(server: ClickHouseServer) -> int:
    """The metric rows of the store, asked past all of our code."""
    return int(httpx.post(server.url, content="SELECT count() FROM apart.metrics").text)


def test_the_worker_counts_the_rows_it_stores(services: Services, clickhouse_server: ClickHouseServer) -> None:
    assert services.post("/v1/metrics", gauges("counted", range(250)))["rows"] == 250
    eventually(lambda: count(services, "counted") == 250, within_s=STORED_WITHIN_S, what="250 rows stored")
    eventually(lambda: rows_counted(services) == rows_held(clickhouse_server), what="as many counted as held")


class Sender(threading.Thread):
    """Posts batches of 50 distinct values until told to stop; `acknowledged` is how many were answered 202."""

    def __init__(self, services: Services, service: str) -> None:
        super().__init__()
        self._services = services
        self._service = service
        self.finished = threading.Event()
        self.acknowledged = 0
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.finished.wait(0.02):
                batch = gauges(self._service, range(self.acknowledged, self.acknowledged + 50))
                self.acknowledged += self._services.post("/v1/metrics", batch)["rows"]
        except BaseException as error:
            self.failure = error


def wait_for_more(services: Services, service: str) -> None:
    """Returns when further rows of the service have been stored."""
    stored = count(services, service)
    eventually(lambda: count(services, service) > stored, within_s=STORED_WITHIN_S, what=f"more than {stored} rows")


def test_each_row_is_stored_exactly_once_though_workers_are_killed(services: Services) -> None:
    sender = Sender(services, "crashing")
    sender.start()
    try:
        for _ in range(2):
            wait_for_more(services, "crashing")
            services.kill("worker")
            services.start("worker")
    finally:
        sender.finished.set()
        sender.join()
    assert sender.failure is None
    assert sender.acknowledged > 1000
    expected = sender.acknowledged
    eventually(
        lambda: count(services, "crashing") >= expected, within_s=STORED_WITHIN_S, what=f"{expected} rows stored"
    )
    # A service's batches come from one partition in order: once the last is stored, no earlier one can come again.
    seen = services.vql("SELECT count(), uniqExact(value), max(value) FROM metrics WHERE service_name = 'crashing'")
    assert seen == [[expected, expected, expected - 1]]


def test_sigterm_ends_every_service_with_status_0_and_loses_nothing(services: Services) -> None:
    services.post("/v1/metrics", gauges("restarted", range(200)))
    assert services.stop() == {"collector": 0, "worker": 0, "api": 0}, services.said("worker")
    services.start()
    eventually(lambda: count(services, "restarted") >= 200, within_s=STORED_WITHIN_S, what="200 rows stored")
    assert count(services, "restarted") == 200
