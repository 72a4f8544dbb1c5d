"""Faults from outside, on real processes: the collector's, the application's and the machine's."""

from __future__ import annotations

import ast
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

import pytest
import vantage_agent

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX")
PACKAGE = str(Path(vantage_agent.__file__).parent.parent)

# Writes a body down before it answers, so that dying in between leaves a batch that is sent again.
COLLECTOR = """
import json, socket, sys, time, zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
port, path, slowness_s = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        body = zlib.decompress(self.rfile.read(int(self.headers["Content-Length"])), 31)
        with open(path, "ab", 0) as file:
            file.write(body + b"\\n")
        time.sleep(slowness_s)
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_): pass
server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
print("up", flush=True)
server.serve_forever()
"""

# Does what it is told, JSON text a line, and answers with a line: the expression's value or what the code raised.
APPLICATION = """
import json, os, sys, threading, time
import vantage_agent
exec(sys.argv[3])
vantage_agent.init_agent(service_name="shop", collector_url=sys.argv[1], flush_interval=float(sys.argv[2]))
import flask
app = flask.Flask("shop")
app.add_url_rule("/<x>", "index", lambda x: x)
client = app.test_client()
def serve(number):
    for n in range(number):
        assert client.get(f"/{n}").text == str(n)
    return number
def serve_for(seconds):
    slowest, number, end = 0, 0, time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.perf_counter()
        serve(1)
        slowest, number = max(slowest, time.perf_counter() - began), number + 1
    return number, slowest
def serve_in_threads(number):
    threads = [threading.Thread(target=serve, args=(1,)) for _ in range(number)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
taken = []
def take(one, exhausted):
    try:
        while True: taken.append(one())
    except exhausted:
        return len(taken)
def give_back(how):
    while taken: how(taken.pop())
serve(1)
for line in sys.stdin:
    try:
        print(repr(eval(json.loads(line))), flush=True)
    except Exception as error:
        print(repr(error), flush=True)
"""


class Collector:
    """A collector in a process of its own, whose memory is a file: it may die and come back."""

    def __init__(self, path: Path, slowness_s: float = 0.0) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._path = path
        self._slowness_s = slowness_s
        self.process: Optional["subprocess.Popen[str]"] = None

    def start(self) -> None:
        arguments = [str(self.port), str(self._path), str(self._slowness_s)]
        self.process = subprocess.Popen(
            [sys.executable, "-c", COLLECTOR, *arguments], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "up\n"

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def bodies(self) -> List[Dict[str, Any]]:
        """What it took, the last line perhaps not whole yet."""
        lines = self._path.read_bytes().split(b"\n")[:-1] if self._path.exists() else []
        return [json.loads(line) for line in lines]

    def requests(self) -> int:
        """Requests counted, each batch once however often it came."""
        batches = {body["batch_id"]: body for body in self.bodies()}
        return sum(
            item["count"]
            for body in batches.values()
            for item in body.get("metrics", ())
            if item["metric_name"] == "http.request.duration"
        )


class Application:
    """A service under the agent. `do` evaluates an expression in it."""

    def __init__(self, url: str, flush_interval: float = 0.1, first: str = "") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", APPLICATION, url, str(flush_interval), first],
            env={**os.environ, "PYTHONPATH": PACKAGE}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.served = 1

    def do(self, expression: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(expression) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")

    def serve(self, number: int) -> None:
        assert self.do(f"serve({number})") == str(number)
        self.served += number

    def leave(self) -> float:
        """End it in good order; seconds that took. Nothing may have been printed to stderr."""
        began = time.monotonic()
        _, err = self.process.communicate(timeout=30)
        assert (self.process.returncode, err) == (0, "")
        return time.monotonic() - began


def eventually(condition: Callable[[], bool], within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        threading.Event().wait(0.05)


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    collector = Collector(tmp_path / "bodies")
    yield collector
    collector.kill()


@pytest.fixture
def application() -> Iterator[Callable[..., Application]]:
    started: List[Application] = []

    def start(*arguments: Any, **options: Any) -> Application:
        started.append(Application(*arguments, **options))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.communicate()


Start = Callable[..., Application]


def test_a_collector_that_starts_later_gets_every_request(collector: Collector, application: Start) -> None:
    app = application(collector.url)
    app.serve(500)
    # It has tried in vain by now.
    assert app.do("vantage_agent.flush(2)") == "False"
    app.serve(500)
    collector.start()
    eventually(lambda: collector.requests() == app.served)
    app.serve(10)
    app.leave()
    assert collector.requests() == app.served == 1011


def test_a_collector_killed_over_and_over_counts_every_request_once(tmp_path: Path, application: Start) -> None:
    collector = Collector(tmp_path / "bodies", slowness_s=0.1)
    try:
        app = application(collector.url, 0.05)
        for _ in range(2):
            collector.start()
            before = len(collector.bodies())
            app.serve(200)
            # A body is written down and not yet answered: the worst moment.
            eventually(lambda seen=before: len(collector.bodies()) > seen)  # type: ignore[misc]
            collector.kill()
            app.serve(200)
        collector.start()
        eventually(lambda: collector.requests() == app.served)
        app.leave()
        assert collector.requests() == app.served == 801
        batches = [body["batch_id"] for body in collector.bodies()]
        assert len(set(batches)) < len(batches), "no batch came twice, so nothing was put to the test"
    finally:
        collector.kill()


def test_a_killed_application_loses_what_it_had_not_sent_and_doubles_nothing(
    collector: Collector, application: Start
) -> None:
    collector.start()
    first = application(collector.url, 600)
    first.serve(100)
    assert first.do("vantage_agent.flush(10)") == "True"
    first.serve(50)
    first.process.kill()
    assert first.process.wait(10) == -signal.SIGKILL
    second = application(collector.url, 600)
    second.serve(30)
    second.leave()
    assert collector.requests() == 101 + 31
    assert len({body["instance"] for body in collector.bodies()}) == 2


def test_a_frozen_collector_does_not_slow_requests_and_gets_them_when_it_wakes(
    collector: Collector, application: Start
) -> None:
    collector.start()
    app = application(collector.url)
    app.serve(100)
    eventually(lambda: collector.requests() == 101)
    collector.signal(signal.SIGSTOP)
    # Long enough for the exporter to be waiting for its answer, several times over.
    number, slowest_s = ast.literal_eval(app.do("serve_for(2)"))
    collector.signal(signal.SIGCONT)
    app.served += number
    eventually(lambda: collector.requests() == app.served)
    app.leave()
    assert collector.requests() == app.served
    # Waiting for the collector just once would have taken the rest of the two seconds.
    assert slowest_s < 1
    assert number > 100


def test_leaving_a_frozen_collector_behind_takes_two_seconds(collector: Collector, application: Start) -> None:
    collector.start()
    app = application(collector.url)
    collector.signal(signal.SIGSTOP)
    app.serve(100)
    # An attempt to send takes three seconds to fail; exit must not wait for that.
    assert app.leave() < 2.8


def limited(what: str, limit: int) -> str:
    """Code that sets a limit of the process."""
    return f"import resource; resource.setrlimit(resource.{what}, ({limit}, {limit}))"


def test_an_application_out_of_memory_goes_on(collector: Collector, application: Start) -> None:
    collector.start()
    app = application(collector.url, first=limited("RLIMIT_AS", 1 << 30))
    assert int(app.do("take(lambda: bytearray(1 << 16), MemoryError)")) > 1_000
    # Nothing is left for the agent, nor perhaps for a request; the process lives.
    answer = app.do("serve(5)")
    assert answer == "5" or "MemoryError" in answer
    assert app.do("give_back(len)") == "None"
    before = collector.requests()

    def counted_again() -> bool:
        app.serve(10)
        return collector.requests() > before + 20

    eventually(counted_again)
    app.leave()


def test_the_application_alone_is_told_that_file_descriptors_ran_out(collector: Collector, application: Start) -> None:
    app = application(collector.url, first=limited("RLIMIT_NOFILE", 64))
    app.serve(10)
    assert app.do("vantage_agent.flush(2)") == "False"
    assert int(app.do("take(lambda: os.dup(0), OSError)")) > 10
    collector.start()
    app.serve(100)
    assert app.do("open('/dev/null')").startswith("OSError(24,")
    assert app.do("vantage_agent.flush(2)") == "False"
    assert app.do("give_back(os.close)") == "None"
    eventually(lambda: collector.requests() == app.served)
    app.leave()
    assert collector.requests() == 111


NO_THREAD = """
import _thread
def refuse(*_, **__): raise RuntimeError("can't start new thread")
_thread.start_new_thread = refuse
"""


def test_where_no_thread_can_be_had_everything_goes_at_exit(collector: Collector, application: Start) -> None:
    collector.start()
    app = application(collector.url, first=NO_THREAD)
    app.serve(100)
    assert collector.requests() == 0
    app.leave()
    assert collector.requests() == 101


def test_ten_thousand_threads_are_counted_to_the_last(collector: Collector, application: Start) -> None:
    collector.start()
    app = application(collector.url)
    for _ in range(20):
        assert app.do("serve_in_threads(500)") == "None"
    app.leave()
    assert collector.requests() == 10_001
