"""The collector as a whole: what is answered, and what is on the bus when it has been."""

import gzip
import json
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cramjam
import httpx
import pytest
from vantage_collector.app import create_app
from vantage_collector.publish import Rows
from vantage_common.block import MAX_BLOCK_BYTES, BlockBody, decode_block
from vantage_common.bus.api import LOGS_RAW, METRICS_RAW, PULSES, SPANS_RAW, Bus, Message
from vantage_common.bus.embedded import EmbeddedBus
from vantage_common.clock import ManualClock
from vantage_common.model import Pulse
from vantage_common.pulses import decode_pulses
from vantage_common.settings import Settings

NOW_MS = 1_790_035_200_000
RAW = (METRICS_RAW, SPANS_RAW, LOGS_RAW)


@dataclass(frozen=True, slots=True)
class Collector:
    """`http` talks to the app; the rest reads what it left on the bus."""

    http: httpx.AsyncClient
    bus: Bus
    settings: Settings
    clock: ManualClock

    async def messages(self, *topics: str) -> list[Message]:
        """Every record of those topics so far."""
        tail = self.bus.tail(topics)
        await tail.start(0)
        try:
            found: list[Message] = []
            while fresh := await tail.fetch(1000, 0.1):
                found += fresh
            return found
        finally:
            await tail.stop()

    async def blocks(self) -> list[BlockBody]:
        return [decode_block(message.value) for message in await self.messages(*RAW)]

    async def pulses(self, number: int) -> list[Pulse]:
        """The pulses on the bus, waited for: they are published behind the answer."""
        tail = self.bus.tail([PULSES])
        await tail.start(0)
        try:
            found: list[Pulse] = []
            for _ in range(100):
                found += [pulse for message in await tail.fetch(100, 0.1) for pulse in decode_pulses(message.value)]
                if len(found) >= number:
                    return found
            raise AssertionError(f"{number} pulses expected, found {found}")
        finally:
            await tail.stop()


@pytest.fixture
async def collector(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Collector]:
    """A collector on the embedded bus, as `vantage up` runs it, called in-process.

    ``@pytest.mark.parametrize("collector", [{…}], indirect=True)`` changes its settings.
    """
    changes = {"data_dir": tmp_path, "rate_limit_per_minute": 0, **getattr(request, "param", {})}
    settings = Settings(_env_file=None, **changes)  # type: ignore[call-arg]  # pydantic-settings' own argument
    clock = ManualClock(NOW_MS)
    bus = EmbeddedBus(settings, clock)
    await bus.ensure_topics([settings.kafka_topic, *RAW, PULSES])
    app = create_app(settings, bus, clock)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http,
    ):
        yield Collector(http, bus, settings, clock)
    await bus.close()


BATCH_ID = "0af7651916cd43dd8448eb211c80319c"


def metric(**changes: Any) -> dict[str, Any]:
    item = {"timestamp": NOW_MS, "metric_name": "http.request.duration", "metric_type": "histogram", "value": 10.0}
    return {**item, **changes}


def batch(*metrics: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"service_name": "shop", "metrics": list(metrics), **fields}


def error_of(answer: httpx.Response) -> dict[str, Any]:
    """The error of an answer, whose shape is checked."""
    body = answer.json()
    assert list(body) == ["error"]
    error: dict[str, Any] = body["error"]
    assert {"code", "message"} <= set(error) <= {"code", "message", "hint", "position", "details"}
    return error


async def test_metrics_are_on_the_bus_when_they_are_accepted(collector: Collector) -> None:
    sent = batch(metric(), metric(value=10.01), metric(metric_type="gauge"), batch_id=BATCH_ID, environment="prod")
    answer = await collector.http.post("/v1/metrics", json=sent)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 3, "rows": 2})
    (block,) = await collector.blocks()
    assert (block.kind, block.workspace, block.service, block.rows) == ("metrics", "default", "shop", 2)
    assert (block.batch_id, block.part) == (Rows.of_batch("default", "metrics", BATCH_ID, {}).batch_id, 0)
    assert sorted(block.columns["count"]) == [1, 2]
    assert block.columns["environment"] == ["prod", "prod"]


async def test_spans_and_logs_go_to_topics_of_their_own(collector: Collector) -> None:
    span = {"trace_id": "t", "span_id": "s", "name": "n", "start_time": NOW_MS, "duration_ms": 1, "kind": "server"}
    log = {"timestamp": NOW_MS, "severity": "INFO", "body": "hello", "attributes": {"n": 1}}
    traces = await collector.http.post("/v1/traces", json={"service_name": "shop", "spans": [span]})
    logs = await collector.http.post("/v1/logs", json={"service_name": "shop", "logs": [log]})
    assert (traces.status_code, logs.status_code) == (202, 202)
    assert traces.json() == logs.json() == {"accepted": 1, "rows": 1}
    assert {block.kind: block.rows for block in await collector.blocks()} == {"spans": 1, "logs": 1}


async def test_a_traced_duration_leaves_its_span_in_the_same_request(collector: Collector) -> None:
    answer = await collector.http.post("/v1/metrics", json=batch(metric(trace_id="t"), batch_id=BATCH_ID))
    assert answer.json() == {"accepted": 1, "rows": 2}
    assert {(block.kind, block.part) for block in await collector.blocks()} == {("metrics", 0), ("spans", 1)}


async def test_pulses_follow_the_data(collector: Collector) -> None:
    await collector.http.post("/v1/metrics", json=batch(metric(count=5), metric(status_code=500)))
    (pulse,) = await collector.pulses(1)
    assert (pulse.service, pulse.second, pulse.count, pulse.errors) == ("shop", NOW_MS // 1000, 6, 1)


async def test_server_spans_make_pulses_too(collector: Collector) -> None:
    span = {"trace_id": "t", "span_id": "s", "name": "n", "start_time": NOW_MS, "duration_ms": 1, "kind": "server"}
    await collector.http.post("/v1/traces", json={"service_name": "shop", "spans": [span]})
    (pulse,) = await collector.pulses(1)
    assert (pulse.source, pulse.count) == ("span", 1)


async def test_each_service_is_a_block_with_its_key(collector: Collector) -> None:
    await collector.http.post("/v1/metrics", json=batch(metric(), metric(service_name="cart")))
    messages = await collector.messages(METRICS_RAW)
    assert {message.key for message in messages} == {b"default\0shop", b"default\0cart"}


async def test_a_batch_sent_again_gives_the_same_records(collector: Collector) -> None:
    sent = batch(
        *(metric(service_name=f"s{n % 3}", value=n + 1, trace_id=f"t{n}") for n in range(30)), batch_id=BATCH_ID
    )
    for _ in range(2):
        assert (await collector.http.post("/v1/metrics", json=sent)).status_code == 202
    values = [message.value for message in await collector.messages(METRICS_RAW)]
    assert len(values) == 6
    assert len(set(values)) == 3


@pytest.mark.parametrize("collector", [{"kafka_compression_type": "none"}], indirect=True)
async def test_a_large_body_becomes_records_of_half_a_megabyte(collector: Collector) -> None:
    logs = [{"timestamp": NOW_MS, "severity": "INFO", "body": f"{n:04}" + "x" * 60_000} for n in range(16)]
    answer = await collector.http.post("/v1/logs", json={"service_name": "shop", "logs": logs, "batch_id": BATCH_ID})
    assert answer.json() == {"accepted": 16, "rows": 16}
    blocks = await collector.blocks()
    assert all(len(message.value) <= MAX_BLOCK_BYTES for message in await collector.messages("logs-raw"))
    assert [block.part for block in blocks] == list(range(len(blocks)))
    assert [body[:4] for block in blocks for body in block.columns["body"]] == [f"{n:04}" for n in range(16)]


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("zstd", lambda data: bytes(cramjam.zstd.compress(data))),
        ("gzip", lambda data: gzip.compress(data[:20]) + gzip.compress(data[20:])),
    ],
)
async def test_compressed_bodies_are_taken(collector: Collector, encoding: str, encode: Any) -> None:
    body = encode(json.dumps(batch(metric())).encode())
    answer = await collector.http.post("/v1/metrics", content=body, headers={"content-encoding": encoding})
    assert answer.status_code == 202
    assert len(await collector.blocks()) == 1


async def test_an_empty_batch_is_taken_and_leaves_nothing(collector: Collector) -> None:
    answer = await collector.http.post("/v1/metrics", json=batch())
    assert (answer.status_code, answer.json()) == (202, {"accepted": 0, "rows": 0})
    assert await collector.blocks() == []


VALID = json.dumps(batch(metric())).encode()
BOMB = gzip.compress(b" " * 50_000_000)


async def chunked(size: int) -> AsyncIterator[bytes]:
    chunk = b" " * 65_536
    for _ in range(size // len(chunk)):
        yield chunk


BAD: dict[str, tuple[Any, dict[str, str], int, str]] = {
    "empty body": (b"", {}, 400, "invalid_json"),
    "malformed": (b'{"metrics": [', {}, 400, "invalid_json"),
    "not an object": (b"[]", {}, 422, "invalid_batch"),
    "no metrics": (b"{}", {}, 422, "invalid_batch"),
    "wrong types": (json.dumps(batch(metric(value="1"))).encode(), {}, 422, "invalid_batch"),
    "NaN": (VALID.replace(b"10.0", b"NaN"), {}, 400, "invalid_json"),
    "infinity": (VALID.replace(b"10.0", b"1e400"), {}, 422, "invalid_batch"),
    "unknown type": (json.dumps(batch(metric(metric_type="timer"))).encode(), {}, 422, "invalid_batch"),
    "year 2300": (json.dumps(batch(metric(timestamp=10_413_792_000_000))).encode(), {}, 422, "invalid_batch"),
    "NUL byte": (VALID.replace(b"shop", b"sh\0p"), {}, 400, "invalid_json"),
    "escaped NUL": (VALID.replace(b"shop", b"sh\\u0000p"), {}, 422, "invalid_batch"),
    "not UTF-8": (VALID.replace(b"shop", b"sh\xffp"), {}, 400, "invalid_json"),
    "deep nesting": (b'{"metrics":' + b"[" * 10_000 + b"]" * 10_000 + b"}", {}, 400, "invalid_json"),
    "deep unknown field": (b'{"x":' + b"[" * 10_000 + b"]" * 10_000 + b',"metrics":[]}', {}, 400, "invalid_json"),
    "1001 metrics": (json.dumps(batch(*[metric()] * 1001)).encode(), {}, 413, "batch_too_large"),
    "one bad of many": (json.dumps(batch(metric(), metric(value=None))).encode(), {}, 422, "invalid_batch"),
    "2 MB": (VALID + b" " * 2_000_000, {}, 413, "body_too_large"),
    "200 MB chunked": (lambda: chunked(200_000_000), {}, 413, "body_too_large"),
    "gzip bomb": (BOMB, {"content-encoding": "gzip"}, 413, "body_too_large"),
    "truncated gzip": (gzip.compress(VALID)[:-9], {"content-encoding": "gzip"}, 400, "invalid_encoding"),
    "plain called gzip": (VALID, {"content-encoding": "gzip"}, 400, "invalid_encoding"),
    "unknown encoding": (VALID, {"content-encoding": "br"}, 415, "unsupported_encoding"),
}


@pytest.mark.parametrize("name", BAD)
async def test_bad_input_is_refused_and_nothing_is_stored(collector: Collector, name: str) -> None:
    content, headers, status, code = BAD[name]
    answer = await collector.http.post(
        "/v1/metrics", content=content() if callable(content) else content, headers=headers
    )
    assert (answer.status_code, error_of(answer)["code"]) == (status, code)
    assert await collector.blocks() == []


async def test_faults_say_where_they_are(collector: Collector) -> None:
    answer = await collector.http.post("/v1/metrics", json=batch(*[metric()] * 3, metric(value="x")))
    assert error_of(answer)["details"] == [{"loc": "metrics.3.value", "msg": "Expected `float`, got `str`"}]


@pytest.mark.parametrize("collector", [{"api_key": "secret"}], indirect=True)
@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/v1/metrics", {}, 401),
        ("/v1/metrics", {"x-api-key": "wrong"}, 401),
        ("/v1/metrics", {"x-api-key": "secret"}, 202),
        ("/v1/metrics", {"authorization": "Bearer secret"}, 202),
        ("/v1/traces", {}, 401),
        ("/v1/logs", {}, 401),
    ],
)
async def test_data_needs_the_key(collector: Collector, path: str, headers: dict[str, str], status: int) -> None:
    answer = await collector.http.post(path, json=batch(metric()), headers=headers)
    assert answer.status_code == status
    assert len(await collector.blocks()) == (1 if status == 202 else 0)


@pytest.mark.parametrize("collector", [{"api_key": "secret"}], indirect=True)
async def test_probes_need_no_key_but_stats_do(collector: Collector) -> None:
    statuses = {
        path: (await collector.http.get(path)).status_code for path in ("/health", "/live", "/metrics", "/v1/stats")
    }
    assert statuses == {"/health": 200, "/live": 200, "/metrics": 200, "/v1/stats": 401}


@pytest.mark.parametrize("collector", [{"rate_limit_per_minute": 2}], indirect=True)
async def test_beyond_the_rate_limit_is_429_until_time_has_passed(collector: Collector) -> None:
    statuses = [(await collector.http.post("/v1/metrics", json=batch(metric()))).status_code for _ in range(3)]
    assert statuses == [202, 202, 429]
    collector.clock.advance(30)
    assert (await collector.http.post("/v1/metrics", json=batch(metric()))).status_code == 202


@pytest.mark.parametrize("collector", [{"max_batch_size": 2}], indirect=True)
async def test_the_batch_size_can_be_set(collector: Collector) -> None:
    statuses = [(await collector.http.post("/v1/metrics", json=batch(*[metric()] * n))).status_code for n in (2, 3)]
    assert statuses == [202, 413]


@pytest.mark.parametrize("collector", [{"kafka_topic": "my-metrics"}], indirect=True)
async def test_the_topic_of_metrics_can_be_set(collector: Collector) -> None:
    await collector.http.post("/v1/metrics", json=batch(metric()))
    assert len(await collector.messages("my-metrics")) == 1


async def test_stats_count_what_was_done(collector: Collector) -> None:
    await collector.http.post("/v1/metrics", json=batch(metric(), metric(), metric(trace_id="t")))
    await collector.http.post("/v1/metrics", content=b"{")
    stats = (await collector.http.get("/v1/stats")).json()
    assert stats["requests"] == 2
    assert stats["accepted"] == {"metrics": 3, "spans": 0, "logs": 0}
    assert stats["rows"] == {"metrics": 1, "spans": 1, "logs": 0}
    assert stats["accepted_per_second"] == 0.05
    assert stats["queue"] == {"items": 0, "bytes": 0}
    assert stats["errors"] == {"invalid_json": 1}
    assert stats["last_errors"][0]["path"] == "/v1/metrics"


async def test_its_own_metrics_count_requests_errors_items_and_rows(collector: Collector) -> None:
    await collector.http.post("/v1/metrics", json=batch(metric(), metric()))
    await collector.http.post("/v1/metrics", content=b"{")
    await collector.http.get("/some/path/that/is/nowhere")
    lines = (await collector.http.get("/metrics")).text.splitlines()
    assert {
        'vantage_collector_requests_total{route="/v1/metrics",status="202"} 1.0',
        'vantage_collector_requests_total{route="other",status="404"} 1.0',
        'vantage_collector_request_duration_seconds_count{route="/v1/metrics"} 2.0',
        'vantage_collector_errors_total{kind="invalid_json"} 1.0',
        "vantage_collector_kafka_publish_duration_seconds_count 1.0",
        'vantage_collector_items_accepted_total{kind="metrics"} 2.0',
        'vantage_collector_rows_published_total{kind="metrics"} 1.0',
    } <= set(lines)


@pytest.mark.parametrize("path", ["/health", "/ready"])
async def test_health_names_the_bus(collector: Collector, path: str) -> None:
    for _ in range(200):
        answer = await collector.http.get(path)
        if answer.status_code == 200:
            break
    assert answer.json()["status"] == "ok"
    assert answer.json()["dependencies"] == {"bus": {"status": "ok"}}


async def test_the_documentation_shows_bodies_that_are_really_taken(collector: Collector) -> None:
    document = (await collector.http.get("/openapi.json")).json()
    for path in ("/v1/metrics", "/v1/traces", "/v1/logs"):
        content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        schema = content["schema"]["$ref"].rpartition("/")[2]
        assert "properties" in document["components"]["schemas"][schema]
        answer = await collector.http.post(path, json=content["example"])
        assert answer.status_code == 202, answer.text
    assert {str(status) for status in (202, 400, 401, 403, 408, 413, 415, 422, 429, 503)} <= set(
        document["paths"]["/v1/metrics"]["post"]["responses"]
    )


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_the_documentation_has_pages(collector: Collector, path: str) -> None:
    assert (await collector.http.get(path)).status_code == 200


async def test_without_a_broker_it_runs_says_so_and_answers_503(tmp_path: Path) -> None:
    no_directory = tmp_path / "a file"
    no_directory.write_text("")
    settings = Settings(_env_file=None, data_dir=no_directory)  # type: ignore[call-arg]  # as above
    clock = ManualClock(NOW_MS)
    bus = EmbeddedBus(settings, clock)
    app = create_app(settings, bus, clock)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http,
    ):
        refused = await http.post("/v1/metrics", json=batch(metric()))
        statuses = {path: (await http.get(path)).status_code for path in ("/health", "/ready", "/live")}
        health = (await http.get("/health")).json()
        stats = (await http.get("/v1/stats")).json()
    await bus.close()
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert error_of(refused)["code"] == "broker_unavailable"
    assert statuses == {"/health": 503, "/ready": 503, "/live": 200}
    assert (health["status"], health["dependencies"]["bus"]["status"]) == ("degraded", "down")
    assert stats["accepted"]["metrics"] == 0
