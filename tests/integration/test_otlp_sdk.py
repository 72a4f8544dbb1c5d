"""OpenTelemetry's own SDK and exporters as senders: what they export is on the bus and, by the worker, in the store."""

import json
import time
from collections.abc import Iterator
from typing import Any

import grpc
import httpx
import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

from tests.clickhouse_http import ClickHouseServer
from tests.integration.services import Services
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(240)

KEY = "a-key-of-the-test"
DATABASE = "otlp"
STORED_WITHIN_S = 60
PROTOCOLS = ("http", "grpc")
ROUTE: dict[str, str | int] = {"http.route": "/pay", "http.request.method": "POST", "http.response.status_code": 200}


class Running:
    """A collector on an embedded log, and a worker from there into a ClickHouse."""

    def __init__(self, services: Services, store: ClickHouseServer) -> None:
        self.http = services.url("collector")
        self.grpc = f"http://127.0.0.1:{services.environment['VANTAGE_OTLP_GRPC_PORT']}"
        self._store = store

    def stored(self, table: str, columns: str, service: str) -> list[dict[str, Any]]:
        """Rows of a service, asked past all of our code."""
        query = f"SELECT {columns} FROM {DATABASE}.{table} WHERE service_name = '{service}' FORMAT JSONEachRow"
        answer = httpx.post(self._store.url, content=query, timeout=30)
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]

    def wait(self, table: str, columns: str, service: str, rows: int) -> list[dict[str, Any]]:
        def found() -> list[dict[str, Any]] | None:
            stored = self.stored(table, columns, service)
            return stored if len(stored) >= rows else None

        return eventually(found, within_s=STORED_WITHIN_S, what=f"{rows} rows of {service}")


@pytest.fixture(scope="module")
def running(clickhouse_server: ClickHouseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = tmp_path_factory.mktemp("otlp")
    services = Services(
        directory,
        {
            "VANTAGE_BUS": "embedded",
            "VANTAGE_DATA_DIR": str(directory / "data"),
            "VANTAGE_CLICKHOUSE_HOST": clickhouse_server.host,
            "VANTAGE_CLICKHOUSE_PORT": str(clickhouse_server.port),
            "VANTAGE_CLICKHOUSE_DATABASE": DATABASE,
            "VANTAGE_API_KEY": KEY,
        },
    )
    try:
        services.start("collector", "worker")
        yield Running(services, clickhouse_server)
    finally:
        stopped = services.stop()
    assert stopped == {"collector": 0, "worker": 0}


def resource(service: str) -> Resource:
    return Resource.create(
        {"service.name": service, "service.instance.id": "i-1", "deployment.environment.name": "test"}
    )


def metric_exporter(running: Running, protocol: str, temporality: AggregationTemporality) -> MetricExporter:
    preferred: dict[type, AggregationTemporality] = {Counter: temporality, Histogram: temporality}
    if protocol == "http":
        return HttpMetricExporter(
            endpoint=f"{running.http}/v1/metrics",
            headers={"x-api-key": KEY},
            compression=Compression.Gzip,
            preferred_temporality=preferred,
        )
    return GrpcMetricExporter(
        endpoint=running.grpc,
        insecure=True,
        headers={"authorization": f"Bearer {KEY}"},
        compression=grpc.Compression.Gzip,
        preferred_temporality=preferred,
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_delta_metrics(running: Running, protocol: str) -> None:
    service = f"delta-{protocol}"
    exporter = metric_exporter(running, protocol, AggregationTemporality.DELTA)
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=float("inf"))
    provider = MeterProvider([reader], resource(service))
    meter = provider.get_meter("test")
    requests = meter.create_histogram("http.server.request.duration", unit="s")
    orders = meter.create_counter("orders.placed")
    for seconds in (0.012, 0.03, 0.03, 0.7):
        requests.record(seconds, ROUTE)
    for amount in (2, 3):
        orders.add(amount)
        assert provider.force_flush()
    provider.shutdown()
    columns = "metric_name, metric_type, value, count, temporality, endpoint, method, status_code, instance"
    rows = running.wait("metrics", columns, service, 3)
    durations = [row for row in rows if row["metric_name"] == "http.request.duration"]
    assert sum(int(row["count"]) for row in durations) == 4
    assert sum(row["value"] * int(row["count"]) for row in durations) == pytest.approx(772.0)
    for row in durations:
        assert (row["endpoint"], row["method"], row["status_code"]) == ("/pay", "POST", 200)
        assert row["instance"] == "i-1"
    placed = [row for row in rows if row["metric_name"] == "orders.placed"]
    assert sorted(row["value"] for row in placed) == [2, 3]
    assert {(row["metric_type"], row["temporality"]) for row in placed} == {("counter", "delta")}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_cumulative_metrics(running: Running, protocol: str) -> None:
    service = f"cumulative-{protocol}"
    exporter = metric_exporter(running, protocol, AggregationTemporality.CUMULATIVE)
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=float("inf"))
    exponential = View(instrument_name="sizes", aggregation=ExponentialBucketHistogramAggregation())
    provider = MeterProvider([reader], resource(service), views=[exponential])
    meter = provider.get_meter("test")
    orders, sizes = meter.create_counter("orders.placed"), meter.create_histogram("sizes")
    for amount in (2, 3):
        orders.add(amount)
        sizes.record(100.0)
        assert provider.force_flush()
    provider.shutdown()
    columns = "metric_name, metric_type, value, count, temporality, start_time, timestamp"
    rows = running.wait("metrics", columns, service, 4)
    totals = [row for row in rows if row["metric_name"] == "orders.placed"]
    assert {2, 5} <= {row["value"] for row in totals}
    assert len({row["start_time"] for row in totals}) == 1
    assert {row["temporality"] for row in rows} == {"cumulative"}
    buckets = [row for row in rows if row["metric_name"] == "sizes"]
    assert len({row["value"] for row in buckets}) == 1
    assert buckets[0]["value"] == pytest.approx(100, rel=0.05)
    assert {1, 2} <= {int(row["count"]) for row in buckets}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_traces(running: Running, protocol: str) -> None:
    service = f"traces-{protocol}"
    exporter = (
        HttpSpanExporter(endpoint=f"{running.http}/v1/traces", headers={"x-api-key": KEY})
        if protocol == "http"
        else GrpcSpanExporter(endpoint=running.grpc, insecure=True, headers={"x-api-key": KEY})
    )
    provider = TracerProvider(resource=resource(service))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    with (
        tracer.start_as_current_span("POST /pay", kind=SpanKind.SERVER, attributes=ROUTE) as parent,
        tracer.start_as_current_span("charge", kind=SpanKind.CLIENT) as child,
    ):
        child.record_exception(ValueError("card declined"))
        child.set_status(StatusCode.ERROR, "declined")
    provider.shutdown()
    columns = "trace_id, span_id, parent_span_id, name, kind, status, duration_ms, attributes, instance"
    rows = {row["name"]: row for row in running.wait("spans", columns, service, 2)}
    server, client = rows["POST /pay"], rows["charge"]
    assert server["trace_id"] == client["trace_id"] == format(parent.get_span_context().trace_id, "032x")
    assert (client["parent_span_id"], server["parent_span_id"]) == (server["span_id"], "")
    assert (server["kind"], client["kind"], client["status"]) == ("server", "client", "error")
    assert server["attributes"]["http.route"] == "/pay"
    assert client["attributes"]["exception.message"] == "card declined"
    assert client["attributes"]["otel.status_description"] == "declined"
    assert server["duration_ms"] >= client["duration_ms"] > 0


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_logs(running: Running, protocol: str) -> None:
    service = f"logs-{protocol}"
    exporter = (
        HttpLogExporter(endpoint=f"{running.http}/v1/logs", headers={"x-api-key": KEY})
        if protocol == "http"
        else GrpcLogExporter(endpoint=running.grpc, insecure=True, headers={"x-api-key": KEY})
    )
    provider = LoggerProvider(resource=resource(service))
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    provider.get_logger("shop.stock").emit(
        LogRecord(
            timestamp=time.time_ns(),
            severity_number=SeverityNumber.WARN,
            body="stock is low ☃",
            attributes={"sku": 42},
        )
    )
    provider.shutdown()
    (row,) = running.wait("logs", "severity, body, attributes, instance", service, 1)
    assert (row["severity"], row["body"], row["instance"]) == ("WARN", "stock is low ☃", "i-1")
    assert (row["attributes"]["sku"], row["attributes"]["logger"]) == ("42", "shop.stock")


def test_a_wrong_key_is_refused(running: Running) -> None:
    call = grpc.insecure_channel(running.grpc.removeprefix("http://")).unary_unary(
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        request_serializer=None,
        response_deserializer=None,
    )
    with pytest.raises(grpc.RpcError) as refused:
        call(b"", metadata=(("x-api-key", "wrong"),), timeout=10)
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
