"""The collector on a real socket: framing that lies, bodies that do not end, and how the process starts and stops."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
from vantage_collector.app import create_app
from vantage_common.bus.api import METRICS_RAW, Bus
from vantage_common.bus.embedded import EmbeddedBus
from vantage_common.clock import ManualClock
from vantage_common.serving import serve_http
from vantage_common.settings import Settings
from vantage_common.sockets import bind

NOW_MS = 1_790_035_200_000
METRIC = {"timestamp": NOW_MS, "metric_name": "m", "metric_type": "gauge", "value": 1}
BODY = json.dumps({"service_name": "shop", "metrics": [METRIC]}).encode()
HEAD = b"POST /v1/metrics HTTP/1.1\r\nHost: test\r\n"


@dataclass(frozen=True, slots=True)
class Served:
    port: int
    bus: Bus

    async def say(self, data: bytes, *, then_close: bool = False) -> bytes:
        """Everything the server answers to these bytes until it closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        if then_close:
            writer.close()
            await writer.wait_closed()
            return b""
        answer = await asyncio.wait_for(reader.read(), 20)
        writer.close()
        return answer

    async def records(self) -> int:
        tail = self.bus.tail([METRICS_RAW])
        await tail.start(0)
        try:
            return len(await tail.fetch(100, 0.1))
        finally:
            await tail.stop()

    async def accepts(self) -> bool:
        """Whether an honest client is served."""
        async with httpx.AsyncClient() as client:
            return (await client.post(f"http://127.0.0.1:{self.port}/v1/metrics", content=BODY)).status_code == 202


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    settings = Settings(_env_file=None, data_dir=tmp_path, rate_limit_per_minute=0)  # type: ignore[call-arg]
    clock = ManualClock(NOW_MS)
    bus = EmbeddedBus(settings, clock)
    await bus.ensure_topics([METRICS_RAW])
    listener = bind("127.0.0.1", 0, "-")
    port = listener.getsockname()[1]
    stop = asyncio.Event()
    serving = asyncio.create_task(serve_http(create_app(settings, bus, clock), listener, stop))
    yield Served(port, bus)
    stop.set()
    await serving
    await bus.close()


@pytest.mark.parametrize(
    ("name", "request_bytes", "status"),
    [
        ("shorter than it is", HEAD + b"Connection: close\r\nContent-Length: 20\r\n\r\n" + BODY, b" 400 "),
        ("negative", HEAD + b"Content-Length: -1\r\n\r\n" + BODY, b" 400 "),
        ("not a number", HEAD + b"Content-Length: many\r\n\r\n" + BODY, b" 400 "),
        ("twice and different", HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + BODY, b" 400 "),
        ("beside chunked", HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b" 400 "),
        ("huge", HEAD + b"Connection: close\r\nContent-Length: 99999999999\r\n\r\n", b" 413 "),
    ],
)
async def test_a_content_length_that_lies_stores_nothing(
    served: Served, name: str, request_bytes: bytes, status: bytes
) -> None:
    answer = await served.say(request_bytes)
    assert status in answer.split(b"\r\n")[0], name
    assert await served.records() == 0
    assert await served.accepts()


async def test_a_sender_that_leaves_early_stores_nothing(served: Served) -> None:
    await served.say(HEAD + b"Content-Length: 10000\r\n\r\n" + BODY, then_close=True)
    assert await served.accepts()
    assert await served.records() == 1


async def test_two_hundred_megabytes_in_chunks_are_refused_in_constant_memory(served: Served) -> None:
    me = psutil.Process()
    before, peak = me.memory_info().rss, 0

    async def flood() -> AsyncIterator[bytes]:
        nonlocal peak
        chunk = b" " * 262_144
        for _ in range(800):
            peak = max(peak, me.memory_info().rss)
            yield chunk

    async with httpx.AsyncClient(timeout=60) as client:
        answer = await client.post(f"http://127.0.0.1:{served.port}/v1/metrics", content=flood())
    assert answer.status_code == 413
    assert peak - before < 32 * 1024 * 1024
    assert await served.records() == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(tmp_path: Path, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """`python -m vantage_collector` with nothing but those variables of ours."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("VANTAGE_", "API_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "vantage_collector"],
        cwd=tmp_path,
        env={**clean, "VANTAGE_DATA_DIR": str(tmp_path), **variables},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_serves_and_stops_with_0_when_told_to(tmp_path: Path, number: signal.Signals) -> None:
    port = free_port()
    with running(tmp_path, VANTAGE_COLLECTOR_PORT=str(port)) as process:
        assert comes_up(f"http://127.0.0.1:{port}/ready", process)
        process.send_signal(number)
        assert process.wait(10) == 0


def comes_up(url: str, process: subprocess.Popen[str]) -> bool:
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(url).status_code == 200:
                return True
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    return False


def test_a_port_in_use_is_one_line_with_the_variable_to_change(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with running(tmp_path, VANTAGE_COLLECTOR_PORT=port) as process:
            _, said = process.communicate(timeout=20)
    assert process.returncode == 1
    assert said.count("\n") == 1
    assert port in said
    assert "VANTAGE_COLLECTOR_PORT" in said


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("VANTAGE_COLLECTOR_PORT", "many"),
        ("VANTAGE_TRUSTED_PROXIES", "proxy"),
        ("VANTAGE_API_KEYS_FILE", "nowhere.json"),
    ],
)
def test_a_setting_that_is_no_good_is_one_line(tmp_path: Path, variable: str, value: str) -> None:
    port = {"VANTAGE_COLLECTOR_PORT": str(free_port())}
    with running(tmp_path, **{**port, variable: value}) as process:
        _, said = process.communicate(timeout=20)
    assert process.returncode == 1
    lines = [line for line in said.splitlines() if not line.startswith("{")]
    assert len(lines) == 1
    assert variable in lines[0]
    assert value in lines[0]
