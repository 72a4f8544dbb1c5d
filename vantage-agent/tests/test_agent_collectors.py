"""Collectors that are ill in every way there is, and clocks that are: nothing is lost, nothing counts twice, nobody
waits, nothing is said."""

from __future__ import annotations

import json
import logging
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import zlib
from email.utils import formatdate
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest
import vantage_agent
from vantage_agent import clock, exporter, state, transport
from vantage_agent.exporter import AWAY_PATIENCE_S, MAX_BACKOFF_S

PATIENCE_S = 20.0
SLACK_S = 0.5  # for a machine that others use too
OK = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


def read_request(connection: socket.socket) -> Dict[str, Any]:
    data = b""
    while b"\r\n\r\n" not in data:
        data += received(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    (length,) = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    while len(body) < length:
        body += received(connection)
    whole: Dict[str, Any] = json.loads(zlib.decompress(body, 31))
    return whole


def received(connection: socket.socket) -> bytes:
    part = connection.recv(65_536)
    if not part:
        raise ConnectionError
    return part


class Ill:
    """A server with a fault, which can be healed. It keeps the bodies that it took while it was well."""

    def __init__(self, fault: Callable[[socket.socket], None]) -> None:
        self.fault = fault
        self.well = threading.Event()
        self.bodies: List[Dict[str, Any]] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def listen(self) -> Ill:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def close(self) -> None:
        self.well.set()
        self.listener.close()

    def counters(self, name: str) -> float:
        """Their sum, counted as the platform does: one body of each batch id."""
        bodies = {body["batch_id"]: body for body in self.bodies}
        items = [item for body in bodies.values() for item in body.get("metrics", ())]
        return sum(float(item["value"]) for item in items if item["metric_name"] == name)

    def _accept(self) -> None:
        while True:
            try:
                connection = self.listener.accept()[0]
            except ssl.SSLError:
                continue
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                while self.well.is_set():
                    self.bodies.append(read_request(connection))
                    connection.sendall(OK)
                self.fault(connection)
            except (OSError, ValueError):
                return


def silent(connection: socket.socket) -> None:
    while connection.recv(65_536):
        pass


def garbage(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.sendall(b"\x15\x03\x01\x00\x02\x02F" * 50 + b"\r\n\r\n")


def trickle(connection: socket.socket) -> None:
    read_request(connection)
    for byte in OK * 1_000:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def html(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html>welcome")


def cut_short(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{}")


def reset(connection: socket.socket) -> None:
    connection.recv(10)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


def answering(status: str, *headers: str) -> Callable[[socket.socket], None]:
    def fault(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(answer(status, *headers))

    return fault


def answer(status: str, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "Content-Length: 0", "", ""]).encode()


FAULTS: Dict[str, Callable[[socket.socket], None]] = {
    "silent": silent,
    "garbage": garbage,
    "trickle": trickle,
    "html": html,
    "cut short": cut_short,
    "reset": reset,
    "500": answering("500 Internal Server Error"),
    "301": answering("301 Moved Permanently", "Location: http://127.0.0.1:9/"),
    "429 in seconds": answering("429 Too Many Requests", "Retry-After: 1"),
    "429 by date": answering("429 Too Many Requests", "Retry-After: Wed, 21 Oct 2099 07:28:00 GMT"),
    "429 absurd": answering("429 Too Many Requests", "Retry-After: 99999999999999999999999"),
    "429 nonsense": answering("429 Too Many Requests", "Retry-After: Mon, 99 Foo -1 99:99:99 +9999999"),
}


@pytest.fixture(params=sorted(FAULTS))
def ill(request: pytest.FixtureRequest) -> Iterator[Ill]:
    server = Ill(FAULTS[request.param]).listen()
    yield server
    server.close()


@pytest.fixture
def well() -> Iterator[Ill]:
    server = Ill(silent).listen()
    server.well.set()
    yield server
    server.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "TIMEOUT_S", 0.2)
    monkeypatch.setattr(exporter, "ATTEMPT_LIMIT_S", 0.4)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.usefixtures("impatient")
def test_whatever_the_collector_has_everything_is_there_once_it_is_well(
    ill: Ill,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    our_threads: Callable[[], List[str]],
) -> None:
    # Handlers that other tests left behind would print, or complain that their stream is closed.
    monkeypatch.setattr(logging.getLogger(), "handlers", [caplog.handler])
    with caplog.at_level(logging.INFO, "vantage.agent"):
        vantage_agent.init_agent(service_name="shop", collector_url=ill.url, flush_interval=600)
        for _ in range(3):
            vantage_agent.record_metric("c", 1, "counter")
            assert not vantage_agent.flush(2.0)
        agent = state.agent
        assert agent is not None
        assert agent._exporter._retry_at - time.monotonic() <= transport.MAX_RETRY_AFTER_S + MAX_BACKOFF_S
        ill.well.set()
        vantage_agent.record_metric("c", 1, "counter")
        until(lambda: vantage_agent.flush(2.0))
        vantage_agent.shutdown(2.0)
    assert ill.counters("c") == 4
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")
    until(lambda: not our_threads())


APPLICATION = """
import sys, vantage_agent
vantage_agent.init_agent(service_name="shop", collector_url=sys.argv[1])
vantage_agent.record_metric("c", 1, "counter")
with vantage_agent.span("work"):
    pass
if sys.argv[2] == "known":
    vantage_agent.flush(5.0)
print("end", end="", flush=True)
"""


def assert_leaves_in_time_and_silently(url: str, *, known: bool) -> None:
    """`known`: the application has met the collector before."""
    command = [sys.executable, "-c", APPLICATION, url, "known" if known else "new"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(os.environ)) as process:
        assert process.stdout is not None
        assert process.stdout.read(3) == b"end"
        began = time.monotonic()
        rest = process.stdout.read()
        assert process.wait() == 0
        seconds = time.monotonic() - began
    assert rest == b""
    assert seconds <= (AWAY_PATIENCE_S if known else 2.0) + SLACK_S


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_process_ends_in_time_whatever_the_collector_has(fault: str) -> None:
    server = Ill(FAULTS[fault]).listen()
    try:
        assert_leaves_in_time_and_silently(server.url, known=False)
    finally:
        server.close()


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:{closed}", "http://collector.invalid", "https://127.0.0.1:{ill}", "https://[::1]:{closed}"],
)
def test_a_process_ends_at_once_without_any_collector(url: str) -> None:
    server = Ill(garbage).listen()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        closed = probe.getsockname()[1]
    try:
        assert_leaves_in_time_and_silently(url.format(closed=closed, ill=server.url.rpartition(":")[2]), known=True)
    finally:
        server.close()


def test_a_collector_that_is_known_to_be_silent_is_not_waited_for_any_longer() -> None:
    server = Ill(silent).listen()
    try:
        assert_leaves_in_time_and_silently(server.url, known=True)
    finally:
        server.close()


def test_a_collector_behind_tls_is_checked_and_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    options = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    command = ["openssl", *options.split(), "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = Ill(silent)
    server.well.set()
    server.listener = context.wrap_socket(server.listener, server_side=True)
    server.listen()
    port = server.url.rpartition(":")[2]
    vantage_agent.init_agent(service_name="shop", collector_url=f"https://localhost:{port}", flush_interval=600)
    vantage_agent.record_metric("c", 1, "counter")
    assert not vantage_agent.flush(2.0)
    assert not server.bodies
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    for _ in range(2):
        vantage_agent.record_metric("c", 1, "counter")
        assert vantage_agent.flush(5.0)
    vantage_agent.shutdown(1.0)
    server.close()
    assert server.counters("c") == 3


@pytest.mark.usefixtures("impatient")
def test_a_name_that_is_never_resolved_holds_up_neither_folding_nor_more_than_one_thread(
    monkeypatch: pytest.MonkeyPatch, our_threads: Callable[[], List[str]]
) -> None:
    hanging = threading.Event()

    def resolve(*_: object, **__: object) -> object:
        hanging.wait(PATIENCE_S)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    vantage_agent.init_agent(service_name="shop", collector_url="http://collector.invalid", flush_interval=600)
    for _ in range(3):
        vantage_agent.record_metric("c", 1, "counter")
        assert not vantage_agent.flush(1.5)
    agent = state.agent
    assert agent is not None
    assert not agent.recorder.queue
    assert our_threads().count("send") == 1
    vantage_agent.shutdown(0.1)
    hanging.set()


def test_what_comes_while_the_collector_is_silent_is_folded_and_not_queued(
    monkeypatch: pytest.MonkeyPatch, our_threads: Callable[[], List[str]]
) -> None:
    monkeypatch.setattr(transport, "TIMEOUT_S", 60.0)
    monkeypatch.setattr(exporter, "ATTEMPT_LIMIT_S", 60.0)
    server = Ill(silent).listen()
    vantage_agent.init_agent(service_name="shop", collector_url=server.url, flush_interval=0.05)
    agent = state.agent
    assert agent is not None
    vantage_agent.record_metric("c", 1, "counter")
    until(lambda: "send" in our_threads())
    for _ in range(1_000):
        vantage_agent.record_metric("c", 1, "counter")
    until(lambda: not agent.recorder.queue)
    assert agent._exporter._pending
    vantage_agent.shutdown(0.1)
    server.close()


class Wall:
    """A wall clock that can be set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead_s = 0.0
        self.true_s, nanoseconds = time.time, time.time_ns
        monkeypatch.setattr(time, "time", lambda: self.true_s() + self.ahead_s)
        monkeypatch.setattr(time, "time_ns", lambda: nanoseconds() + int(self.ahead_s * 1e9))


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    return Wall(monkeypatch)


HOUR_S = 3_600.0
TO_1970_S = -time.time() + 10
TO_2100_S = 75 * 365.25 * 86_400


def times(bodies: List[Dict[str, Any]]) -> List[float]:
    items = [item for body in bodies for field in ("metrics", "spans", "logs") for item in body.get(field, ())]
    return [item["timestamp"] if "timestamp" in item else item["start_time"] for item in items]


def record_some() -> None:
    vantage_agent.record_metric("c", 1, "counter")
    vantage_agent.record_metric("g", 1)
    vantage_agent.record_metric("h", 1, "histogram")
    with vantage_agent.span("work"):
        logging.getLogger("shop").error("x")


@pytest.mark.parametrize("ahead_s", [HOUR_S, -HOUR_S, TO_1970_S, TO_2100_S])
def test_a_wall_clock_that_was_wrong_for_a_while_leaves_no_mark(well: Ill, wall: Wall, ahead_s: float) -> None:
    vantage_agent.init_agent(service_name="shop", collector_url=well.url, flush_interval=600)
    agent = state.agent
    assert agent is not None
    began_ms = time.time() * 1000
    record_some()
    wall.ahead_s = ahead_s
    record_some()
    until(lambda: not agent.recorder.queue)
    wall.ahead_s = 0.0
    record_some()
    assert vantage_agent.flush()
    vantage_agent.shutdown(1.0)
    assert well.counters("c") == 3
    assert all(began_ms - 10 <= at_ms <= time.time() * 1000 + 10 for at_ms in times(well.bodies))


@pytest.mark.parametrize("ahead_s", [HOUR_S, -HOUR_S, TO_1970_S, TO_2100_S])
def test_exporting_goes_on_in_its_rhythm_when_the_wall_clock_jumps(well: Ill, wall: Wall, ahead_s: float) -> None:
    vantage_agent.init_agent(service_name="shop", collector_url=well.url, flush_interval=0.05)
    for number in range(4):
        wall.ahead_s = ahead_s if number % 2 else 0.0
        vantage_agent.record_metric("c", 1, "counter")
        until(lambda number=number: well.counters("c") == number + 1)  # type: ignore[misc]
    vantage_agent.shutdown(1.0)


@pytest.mark.parametrize("ahead_s", [-86_400.0, TO_1970_S, TO_2100_S])
def test_a_wall_clock_that_is_wrong_for_good_is_told_by_the_collector(wall: Wall, ahead_s: float) -> None:
    def strict(connection: socket.socket) -> None:
        while True:
            body = read_request(connection)
            bad = [at_ms for at_ms in times([body]) if abs(at_ms / 1000 - wall.true_s()) > 60]
            server.bodies.extend([] if bad else [body])
            connection.sendall(answer("422 No" if bad else "202 Yes", "Date: " + formatdate(wall.true_s())))

    server = Ill(strict).listen()
    wall.ahead_s = ahead_s
    vantage_agent.init_agent(service_name="shop", collector_url=server.url, flush_interval=600)
    for _ in range(2):
        record_some()
        assert vantage_agent.flush()
    vantage_agent.shutdown(1.0)
    server.close()
    assert abs(ahead_s) > clock.TOLERANCE_S
    assert server.counters("c") == 2
    assert server.counters("vantage.agent.dropped") == 0
