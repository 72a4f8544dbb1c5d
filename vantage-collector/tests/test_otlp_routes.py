"""OTLP and remote write as requests: what is answered in which encoding, and what is on the bus then."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cramjam
import grpc
import httpx
import pytest
from fastapi import FastAPI
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from vantage_collector.app import MAX_EXPORT_BODY_BYTES, create_app
from vantage_collector.decode.otlp import EXPORTS
from vantage_collector.decode.remote_write import _V1, _V2
from vantage_collector.decode.rpc_status import read_status
from vantage_collector.otlp_grpc import MAX_MESSAGE_BYTES, serve_grpc
from vantage_common.block import BlockBody, decode_block
from vantage_common.bus.api import METRICS_RAW, PULSES, RAW_TOPICS
from vantage_common.bus.embedded import EmbeddedBus
from vantage_common.clock import ManualClock
from vantage_common.errors import BusUnavailable, PermanentError
from vantage_common.settings import Settings
from vantage_common.sockets import bind

NOW_MS = 1_790_035_200_000
JSON = {"content-type": "application/json"}
PROTOBUF = {"content-type": "application/x-protobuf"}
WRITE = {**PROTOBUF, "content-encoding": "snappy", "x-prometheus-remote-write-version": "0.1.0"}
WRITE_2 = {
    "content-type": "application/x-protobuf;proto=io.prometheus.write.v2.Request",
    "content-encoding": "snappy",
    "x-prometheus-remote-write-version": "2.0.0",
}


@dataclass(frozen=True, slots=True)
class Collector:
    app: FastAPI
    http: httpx.AsyncClient
    bus: EmbeddedBus

    async def blocks(self) -> list[BlockBody]:
        """What is on the bus so far."""
        tail = self.bus.tail(RAW_TOPICS)
        await tail.start(0)
        try:
            return [decode_block(message.value) for message in await tail.fetch(1000, 0.1)]
        finally:
            await tail.stop()

    async def stats(self) -> dict[str, Any]:
        stats: dict[str, Any] = (await self.http.get("/v1/stats", headers={"x-api-key": "k"})).json()
        return stats


@pytest.fixture
async def collector(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Collector]:
    """``@pytest.mark.parametrize("collector", [{…}], indirect=True)`` changes its settings."""
    changes = {"data_dir": tmp_path, "rate_limit_per_minute": 0, **getattr(request, "param", {})}
    settings = Settings(_env_file=None, **changes)  # type: ignore[call-arg]  # pydantic-settings' own argument
    clock = ManualClock(NOW_MS)
    bus = EmbeddedBus(settings, clock)
    with suppress(BusUnavailable):
        await bus.ensure_topics([*RAW_TOPICS, PULSES])
    app = create_app(settings, bus, clock)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http,
    ):
        yield Collector(app, http, bus)
    await bus.close()


def gauges(*values: float) -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    resource_metrics = request.resource_metrics.add()
    resource_metrics.resource.attributes.add(key="service.name").value.string_value = "shop"
    gauge = resource_metrics.scope_metrics.add().metrics.add(name="m").gauge
    for value in values:
        gauge.data_points.add(as_double=value, time_unix_nano=NOW_MS * 1_000_000)
    return request


def as_json(*values: float) -> dict[str, Any]:
    points = [{"asDouble": value, "timeUnixNano": str(NOW_MS * 1_000_000)} for value in values]
    name = {"key": "service.name", "value": {"stringValue": "shop"}}
    metrics = [{"name": "m", "gauge": {"dataPoints": points}}]
    return {"resourceMetrics": [{"resource": {"attributes": [name]}, "scopeMetrics": [{"metrics": metrics}]}]}


async def test_protobuf_is_answered_in_protobuf(collector: Collector) -> None:
    body = gauges(1.0, float("nan")).SerializeToString()
    answer = await collector.http.post(
        "/v1/metrics", content=gzip.compress(body), headers={**PROTOBUF, "content-encoding": "gzip"}
    )
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-protobuf")
    partial = ExportMetricsServiceResponse.FromString(answer.content).partial_success
    assert (partial.rejected_data_points, partial.error_message) == (1, "1 × m: nan is no value")
    (block,) = await collector.blocks()
    assert (block.service, block.columns["value"]) == ("shop", [1.0])
    stats = await collector.stats()
    assert (stats["accepted"]["metrics"], stats["refused"]["metrics"]) == (1, 1)
    assert 'vantage_collector_items_refused_total{kind="metrics"} 1.0' in (await collector.http.get("/metrics")).text


async def test_json_is_answered_in_json(collector: Collector) -> None:
    answer = await collector.http.post("/v1/metrics", json=as_json(1.0))
    assert (answer.status_code, answer.json()) == (200, {})
    assert (await collector.blocks())[0].columns["value"] == [1.0]


async def test_native_bodies_are_taken_as_before(collector: Collector) -> None:
    metric = {"timestamp": NOW_MS, "metric_name": "m", "metric_type": "gauge", "value": 1}
    answer = await collector.http.post("/v1/metrics", json={"service_name": "shop", "metrics": [metric]})
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "rows": 1})


async def test_what_cannot_be_read_is_a_status_in_the_requests_encoding(collector: Collector) -> None:
    answer = await collector.http.post("/v1/traces", content=b"\xff", headers=PROTOBUF)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/x-protobuf")
    assert read_status(answer.content)[0] == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    answer = await collector.http.post("/v1/traces", json={"resourceSpans": 1})
    assert (answer.status_code, list(answer.json())) == (400, ["message"])


async def test_another_signals_json_is_not_taken_for_nothing(collector: Collector) -> None:
    answer = await collector.http.post("/v1/logs", json=as_json(1.0))
    assert (answer.status_code, answer.json()) == (400, {"message": "the body holds metrics: send it to /v1/metrics"})


async def test_limits_depend_on_the_protocol(collector: Collector) -> None:
    """A native body has 1 MiB, whatever it calls itself; OTLP and remote write have 20 MiB, inflated."""
    padding = " " * 2_000_000
    post = collector.http.post
    native = await post("/v1/metrics", content=b'{"metrics":[]}' + padding.encode(), headers=JSON)
    assert (native.status_code, native.json()["error"]["code"]) == (413, "body_too_large")
    otlp = await post("/v1/metrics", content=json.dumps(as_json(1.0)) + padding, headers=JSON)
    assert otlp.status_code == 200
    bomb = gzip.compress(bytes(MAX_EXPORT_BODY_BYTES + 1))
    answer = await post("/v1/metrics", content=bomb, headers={**PROTOBUF, "content-encoding": "gzip"})
    assert (answer.status_code, read_status(answer.content)[0]) == (413, grpc.StatusCode.RESOURCE_EXHAUSTED.value[0])


LABELS = {"__name__": "up", "job": "shop", "instance": "shop:80"}


def write_request(*values: float, at_ms: int = NOW_MS) -> bytes:
    series = _V1["TimeSeries"]()
    for name, value in LABELS.items():
        series.labels.append(_V1["Label"](name=name, value=value).SerializeToString())
    for number in values:
        series.samples.add(value=number, timestamp=at_ms)
    return bytes(_V1["WriteRequest"](timeseries=[series.SerializeToString()]).SerializeToString())


async def test_remote_write_is_answered_204(collector: Collector) -> None:
    body = bytes(cramjam.snappy.compress_raw(write_request(1.0, 2.0)))
    answer = await collector.http.post("/api/v1/write", content=body, headers=WRITE)
    assert (answer.status_code, answer.content) == (204, b"")
    (block,) = await collector.blocks()
    assert (block.service, block.columns["value"], block.columns["instance"]) == ("shop", [1.0, 2.0], ["shop:80"] * 2)


async def test_samples_out_of_the_window_do_not_fail_the_others(collector: Collector) -> None:
    old, good = write_request(1.0, at_ms=1), write_request(2.0)
    body = bytes(cramjam.snappy.compress_raw(old + good))  # repeated fields: two requests end to end are one
    assert (await collector.http.post("/api/v1/write", content=body, headers=WRITE)).status_code == 204
    assert (await collector.blocks())[0].columns["value"] == [2.0]
    assert (await collector.stats())["refused"]["metrics"] == 1


@pytest.mark.parametrize(("at_ms", "status", "written"), [(NOW_MS, 204, "1"), (1, 400, "0")])
async def test_version_2_is_told_what_was_written(collector: Collector, at_ms: int, status: int, written: str) -> None:
    series = _V2["TimeSeries"](labels_refs=range(1, 7))
    series.samples.add(value=1.0, timestamp=at_ms)
    symbols = ["", *(text for pair in LABELS.items() for text in pair)]
    request = _V2["Request"](symbols=symbols, timeseries=[series.SerializeToString()])
    body = bytes(cramjam.snappy.compress_raw(request.SerializeToString()))
    answer = await collector.http.post("/api/v1/write", content=body, headers=WRITE_2)
    assert answer.status_code == status
    assert answer.headers["x-prometheus-remote-write-samples-written"] == written
    assert answer.headers["x-prometheus-remote-write-histograms-written"] == "0"


EMPTY = bytes(cramjam.snappy.compress_raw(b""))
BAD_WRITES: dict[str, tuple[bytes, dict[str, str], int]] = {
    "no snappy": (b"\x80", WRITE, 400),
    "snappy whose length lies": (b"\x09" + bytes(cramjam.snappy.compress_raw(b"abc"))[1:], WRITE, 400),
    "snappy that claims gigabytes": (b"\xff\xff\xff\xff\x0f", WRITE, 413),
    "no request": (bytes(cramjam.snappy.compress_raw(b"\xff")), WRITE, 400),
    "another message": (EMPTY, {**WRITE, "content-type": "application/x-protobuf;proto=a.B"}, 415),
    "JSON": (EMPTY, {**WRITE, "content-type": "application/json"}, 415),
}


@pytest.mark.parametrize("name", BAD_WRITES)
async def test_a_bad_write_is_refused(collector: Collector, name: str) -> None:
    body, headers, status = BAD_WRITES[name]
    assert (await collector.http.post("/api/v1/write", content=body, headers=headers)).status_code == status
    assert await collector.blocks() == []


@pytest.mark.parametrize("collector", [{"api_key": "k"}], indirect=True)
@pytest.mark.parametrize("path", ["/v1/metrics", "/api/v1/write", *EXPORTS.values()])
async def test_every_way_in_asks_for_the_key(collector: Collector, path: str) -> None:
    answer = await collector.http.post(path, content=b"", headers=PROTOBUF)
    assert (answer.status_code, read_status(answer.content)[0]) == (401, grpc.StatusCode.UNAUTHENTICATED.value[0])


async def test_two_collectors_carry_what_a_reader_needs_to_difference(tmp_path: Path) -> None:
    """A counter and a histogram whose points reach two collectors in turn: whichever took a point, its row has the
    same series, start and bucket values, and its sender's time, so that read together they are one history."""
    rows: list[dict[str, Any]] = []
    clock = ManualClock(NOW_MS)
    settings = Settings(_env_file=None, data_dir=tmp_path, rate_limit_per_minute=0)  # type: ignore[call-arg]  # as above
    bus = EmbeddedBus(settings, clock)
    await bus.ensure_topics([*RAW_TOPICS, PULSES])
    apps = [create_app(settings, bus, clock) for _ in range(2)]
    for second, app in enumerate(apps * 2):
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http,
        ):
            body = cumulative(second).SerializeToString()
            assert (await http.post("/v1/metrics", content=body, headers=PROTOBUF)).status_code == 200
    tail = bus.tail([METRICS_RAW])
    await tail.start(0)
    for message in await tail.fetch(100, 0.1):
        columns = decode_block(message.value).columns
        rows += [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    await tail.stop()
    await bus.close()
    counters = sorted((row["timestamp"], row["value"]) for row in rows if row["metric_type"] == "counter")
    assert counters == [(NOW_MS + 1000 * second, 10.0 * second) for second in range(4)]
    buckets: dict[float, list[int]] = {}
    for row in sorted(rows, key=lambda row: int(row["timestamp"])):
        if row["metric_type"] == "histogram":
            buckets.setdefault(row["value"], []).append(row["count"])
    assert buckets == {2.5: [0, 1, 2, 3], 5.0: [0, 0, 0, 0]}
    identity = {(row["service_name"], row["instance"], tuple(row["tags"].items()), row["start_time"]) for row in rows}
    assert len(identity) == 1
    assert {row["temporality"] for row in rows} == {"cumulative"}


def cumulative(second: int) -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    resource_metrics = request.resource_metrics.add()
    resource_metrics.resource.attributes.add(key="service.name").value.string_value = "shop"
    metrics = resource_metrics.scope_metrics.add().metrics
    times = {"time_unix_nano": (NOW_MS + 1000 * second) * 1_000_000, "start_time_unix_nano": NOW_MS * 1_000_000}
    total = metrics.add(name="c").sum
    total.is_monotonic, total.aggregation_temporality = True, 2
    total.data_points.add(as_int=10 * second, **times)
    histogram = metrics.add(name="h").histogram
    histogram.aggregation_temporality = 2
    histogram.data_points.add(count=second, bucket_counts=[second, 0], explicit_bounds=[5.0], **times)
    return request


@pytest.fixture
async def channel(collector: Collector) -> AsyncIterator[grpc.aio.Channel]:
    """To the collector's gRPC server on a free port."""
    free = bind("127.0.0.1", 0, "PORT")
    port: int = free.getsockname()[1]
    free.close()
    stop = asyncio.Event()
    serving = asyncio.create_task(serve_grpc(collector.app, "127.0.0.1", port, stop))
    options = [("grpc.max_send_message_length", -1)]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options) as opened:
        yield opened
    stop.set()
    await serving


async def export(
    channel: grpc.aio.Channel, body: bytes, *metadata: tuple[str, str], gzipped: bool = False
) -> tuple[grpc.StatusCode, bytes | str, dict[str, Any]]:
    """Status, answer or details, and trailing metadata of a call."""
    method = channel.unary_unary(EXPORTS["metrics"], request_serializer=None, response_deserializer=None)
    call = method(
        body,
        metadata=metadata,
        wait_for_ready=True,
        timeout=20,
        compression=grpc.Compression.Gzip if gzipped else grpc.Compression.NoCompression,
    )
    try:
        return grpc.StatusCode.OK, await call, {}
    except grpc.aio.AioRpcError as error:
        trailing: Any = error.trailing_metadata() or ()  # grpc's stubs do not know that it can be iterated
        return error.code(), error.details() or "", dict(trailing)


@pytest.mark.parametrize("gzipped", [False, True])
async def test_grpc_takes_exports(collector: Collector, channel: grpc.aio.Channel, gzipped: bool) -> None:
    status, answer, _ = await export(channel, gauges(1.0, float("inf")).SerializeToString(), gzipped=gzipped)
    assert status is grpc.StatusCode.OK
    assert isinstance(answer, bytes)
    assert ExportMetricsServiceResponse.FromString(answer).partial_success.rejected_data_points == 1
    assert (await collector.blocks())[0].columns["value"] == [1.0]
    assert (
        f'requests_total{{route="{EXPORTS["metrics"]}",status="200"}} 1.0'
        in (await collector.http.get("/metrics")).text
    )


async def test_grpc_refuses_what_is_no_message(channel: grpc.aio.Channel) -> None:
    status, details, _ = await export(channel, b"\xff")
    assert status is grpc.StatusCode.INVALID_ARGUMENT
    assert "ExportMetricsServiceRequest" in str(details)


@pytest.mark.parametrize("gzipped", [False, True])
async def test_grpc_bounds_its_messages(channel: grpc.aio.Channel, gzipped: bool) -> None:
    status, _, trailing = await export(channel, bytes(MAX_MESSAGE_BYTES + 1), gzipped=gzipped)
    assert status is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "grpc-status-details-bin" not in trailing  # nothing says to try again


@pytest.mark.parametrize("collector", [{"api_key": "k"}], indirect=True)
@pytest.mark.parametrize(
    ("metadata", "status"),
    [
        ((), grpc.StatusCode.UNAUTHENTICATED),
        ((("x-api-key", "wrong"),), grpc.StatusCode.UNAUTHENTICATED),
        ((("x-api-key", "k"),), grpc.StatusCode.OK),
        ((("authorization", "Bearer k"),), grpc.StatusCode.OK),
    ],
)
async def test_grpc_asks_for_the_key(
    collector: Collector, channel: grpc.aio.Channel, metadata: tuple[tuple[str, str], ...], status: grpc.StatusCode
) -> None:
    assert (await export(channel, b"", *metadata))[0] is status


@pytest.mark.parametrize("collector", [{"rate_limit_per_minute": 1}], indirect=True)
async def test_grpc_says_when_to_come_back(collector: Collector, channel: grpc.aio.Channel) -> None:
    """RESOURCE_EXHAUSTED alone means that no retry helps: RetryInfo is what says otherwise."""
    assert (await export(channel, b""))[0] is grpc.StatusCode.OK
    status, _, trailing = await export(channel, b"")
    assert status is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert b"google.rpc.RetryInfo" in trailing["grpc-status-details-bin"]


@pytest.mark.parametrize("collector", [{"data_dir": Path(__file__)}], indirect=True)
async def test_grpc_is_unavailable_while_the_broker_is(collector: Collector, channel: grpc.aio.Channel) -> None:
    status, _, trailing = await export(channel, gauges(1.0).SerializeToString())
    assert status is grpc.StatusCode.UNAVAILABLE
    assert b"google.rpc.RetryInfo" in trailing["grpc-status-details-bin"]


async def test_a_port_in_use_is_said_in_one_line(collector: Collector) -> None:
    with bind("127.0.0.1", 0, "PORT") as taken, pytest.raises(PermanentError, match="VANTAGE_OTLP_GRPC_PORT"):
        await serve_grpc(collector.app, "127.0.0.1", taken.getsockname()[1], asyncio.Event())
