"""Sending over real loopback HTTP: gzip bodies arrive once acknowledged, and a busy collector is left in peace."""

import asyncio
import gzip
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from vantage_cli.simulate.run import simulate
from vantage_cli.simulate.send import MAX_BODY_BYTES, MAX_WAITING, Sender, open_client, retry_after_s
from vantage_cli.simulate.wire import Batch, LogItem, MetricItem
from vantage_common.clock import ManualClock, SystemClock
from vantage_common.errors import PermanentError, UserError

NOW_MS = 1_790_000_000_000
Answer = tuple[int, dict[str, str], bytes]
OK: Answer = (202, {}, b'{"accepted":1,"rows":1}')


@dataclass
class Sink:
    """A collector that answers by script, then always 202, and keeps what it was sent."""

    url: str = ""
    script: list[Answer] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    connections: int = 0
    ready: list[int] = field(default_factory=list)
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode().strip().split("\r\n")
                headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                status, extra, answer = self._answer(first, headers, body)
                shown = "".join(f"{k}: {v}\r\n" for k, v in extra.items())
                head_text = f"HTTP/1.1 {status} X\r\ncontent-length: {len(answer)}\r\n{shown}\r\n"
                writer.write(head_text.encode() + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, first: str, headers: dict[str, str], body: bytes) -> Answer:
        method, path, _ = first.split(" ")
        if method == "GET":
            return (self.ready.pop(0) if self.ready else 200), {}, b"{}"
        self.reached.set()
        self.requests.append((path, headers, json.loads(gzip.decompress(body))))
        return self.script.pop(0) if self.script else OK


@asynccontextmanager
async def running_sink(*script: Answer) -> AsyncIterator[Sink]:
    sink = Sink(script=list(script))
    server = await asyncio.start_server(sink.serve, "127.0.0.1", 0)
    sink.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield sink
    finally:
        server.close()


def metrics(number: int) -> Batch:
    return Batch("metrics", "cart", f"cart-{number}", [MetricItem(NOW_MS, "m", "gauge", float(number))])


async def deliver(url: str, *batches: Batch, api_key: str | None = None) -> tuple[Sender, list[float]]:
    """Sends and closes; returns the sender and the seconds that it slept, on a clock that sleeping moves."""
    clock, slept = ManualClock(NOW_MS), list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.advance(seconds)
        await asyncio.sleep(0)

    async with open_client(url, api_key) as client:
        sender = Sender(client, clock, random.Random(1), sleep)
        sender.start()
        for batch in batches:
            sender.offer(batch)
        await sender.close(5.0)
    return sender, slept


def error(status: int, **headers: str) -> Answer:
    body = {"error": {"code": "x", "message": "no", "details": [{"loc": "metrics.0.value", "msg": "bad"}]}}
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(body).encode()


async def test_batches_arrive_with_what_a_client_says() -> None:
    async with running_sink() as sink:
        sender, slept = await deliver(sink.url, metrics(1), api_key="secret")
    [(path, headers, body)] = sink.requests
    assert path == "/v1/metrics"
    assert headers["x-api-key"] == "secret"
    assert headers["content-encoding"] == "gzip"
    assert len(body.pop("batch_id")) == 32
    assert body == {
        "environment": "production",
        "agent_version": "vantage-simulate/0.1.0",
        "service_name": "cart",
        "instance": "cart-1",
        "spans_sent": True,
        "metrics": [{"timestamp": NOW_MS, "metric_name": "m", "metric_type": "gauge", "value": 1.0}],
    }
    assert (sender.tally.sent, sender.tally.items, sender.tally.dropped, slept) == (1, 1, 0, [])


async def test_connections_are_kept_alive() -> None:
    async with running_sink() as sink:
        sender, _ = await deliver(sink.url, *(metrics(n) for n in range(100)))
    assert sender.tally.sent == len(sink.requests) == 100
    assert sink.connections <= 20
    assert len({body["batch_id"] for _, _, body in sink.requests}) == 100


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_collector_is_asked_again_after_the_time_it_names_with_the_same_id(status: int) -> None:
    async with running_sink(error(status, Retry_After="7")) as sink:
        sender, slept = await deliver(sink.url, metrics(1))
    first, second = sink.requests
    assert first[2] == second[2]
    assert slept
    assert max(slept) == pytest.approx(7.0)
    assert (sender.tally.sent, sender.tally.retried, sender.tally.dropped) == (1, 1, 0)


async def test_the_back_off_doubles_while_the_collector_fails() -> None:
    async with running_sink(*[error(500)] * 4) as sink:
        sender, slept = await deliver(sink.url, metrics(1))
    pauses = sorted(set(slept))
    assert pauses == [0.5, 1.0, 2.0, 4.0]
    assert sender.tally.sent == 1


async def test_what_the_collector_calls_wrong_is_not_sent_again() -> None:
    async with running_sink(error(422)) as sink:
        sender, _ = await deliver(sink.url, metrics(1))
    assert len(sink.requests) == 1
    assert (sender.tally.refused, sender.tally.last_error) == (1, "422 no (metrics.0.value: bad)")


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_ends_the_sending(status: int) -> None:
    async with running_sink(error(status)) as sink:
        sender, _ = await deliver(sink.url, metrics(1))
    assert isinstance(sender.failure, PermanentError)
    assert "refuses the API key" in str(sender.failure)


async def test_a_dead_collector_costs_the_oldest_batches() -> None:
    async with open_client("http://127.0.0.1:9", None) as client:
        sender = Sender(client, ManualClock(NOW_MS), random.Random(1))
        for number in range(MAX_WAITING + 3):
            sender.offer(metrics(number))
    assert sender.tally.dropped == 3


async def test_bodies_stay_below_the_limit() -> None:
    lines = [LogItem("cart", "cart-1", NOW_MS, "ERROR", "x" * 5000) for _ in range(900)]
    async with running_sink() as sink:
        await deliver(sink.url, Batch("logs", "", "", lines))
    bodies = [body for _, _, body in sink.requests]
    assert sum(len(body["logs"]) for body in bodies) == 900
    assert all(len(json.dumps(body, separators=(",", ":"))) <= MAX_BODY_BYTES for body in bodies)
    assert len({body["batch_id"] for body in bodies}) == len(bodies) > 4


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("3", 3.0), ("900", 60.0), ("soon", None), ("-1", None), ("Mon, 21 Sep 2026 15:06:50 GMT", 10.0)],
)
def test_retry_after_is_a_number_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, 1_790_003_200_000) == seconds


async def run(sink: Sink, report: Callable[[str], None], **changed: Any) -> None:
    settings: dict[str, Any] = {
        "services": 30, "seed": 1, "rps_factor": 0.3, "flush_s": 1.0, "api_key": None, "duration_s": 2.0,
        "clock": SystemClock(), "stop": asyncio.Event(),
    }  # fmt: skip
    await simulate(sink.url, report=report, **{**settings, **changed})


async def test_a_short_simulation_reaches_the_collector_whole() -> None:
    lines: list[str] = []
    async with running_sink() as sink:
        sink.ready = [503]
        await run(sink, lines.append)
    requests = sum(
        item.get("count", 1)
        for path, _, body in sink.requests
        for item in body.get("metrics", [])
        if item["metric_name"] == "http.request.duration"
    )
    assert 300 < requests < 900
    assert {path for path, _, _ in sink.requests} == {"/v1/metrics", "/v1/traces", "/v1/logs"}
    assert "not ready (503)" in lines[0]
    assert lines[-1].endswith("0 dropped")


async def test_a_refused_key_stops_the_simulation() -> None:
    async with running_sink(*[error(401)] * 8) as sink:
        with pytest.raises(PermanentError, match="API key"):
            await run(sink, lambda line: None, duration_s=None)


async def test_stop_ends_the_wait_for_a_collector_that_is_not_there() -> None:
    stop = asyncio.Event()
    lines: list[str] = []

    def report(line: str) -> None:
        lines.append(line)
        stop.set()

    await run(Sink(url="http://127.0.0.1:9"), report, stop=stop)
    assert lines == [
        "waiting for the collector at http://127.0.0.1:9: no answer (ConnectError); `vantage up` starts one"
    ]


async def test_stop_ends_the_simulation_and_sends_what_is_left() -> None:
    stop = asyncio.Event()
    async with running_sink() as sink:
        task = asyncio.create_task(run(sink, lambda line: None, stop=stop, duration_s=None))
        await sink.reached.wait()
        stop.set()
        await asyncio.wait_for(task, 5)


async def test_an_address_without_a_scheme_is_told() -> None:
    with pytest.raises(UserError, match="http://"):
        await run(Sink(url="127.0.0.1:8000"), lambda line: None)
