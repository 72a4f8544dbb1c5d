"""A real collector-shaped HTTP server on loopback, and an agent that talks to it."""

from __future__ import annotations

import json
import sys
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

import pytest
import vantage_agent
from vantage_agent import background

Item = Dict[str, Any]
Answer = Tuple[int, Dict[str, str]]
ACCEPTED: Answer = (202, {})


class Received:
    """One body as it arrived."""

    def __init__(self, path: str, headers: Dict[str, str], body: Dict[str, Any], size: int) -> None:
        self.path = path
        self.headers = headers
        self.body = body
        self.size = size


class Sink:
    """Collects bodies. `answers` are given in turn, then 202; `hold` keeps answers back until it is set."""

    def __init__(self) -> None:
        self.received: List[Received] = []
        self.answers: List[Answer] = []
        self.hold: Optional[threading.Event] = None
        self.changed = threading.Condition()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                text = zlib.decompress(raw, 31) if self.headers["Content-Encoding"] == "gzip" else raw
                headers = {name.lower(): value for name, value in self.headers.items()}
                with sink.changed:
                    sink.received.append(Received(self.path, headers, json.loads(text), len(text)))
                    status, extra = sink.answers.pop(0) if sink.answers else ACCEPTED
                    sink.changed.notify_all()
                if sink.hold is not None:
                    sink.hold.wait(10)
                self.send_response(status)
                for name, value in extra.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Agents that lost patience have hung up; nothing to print."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        if self.hold is not None:
            self.hold.set()
        self.server.shutdown()
        self.server.server_close()

    def bodies(self, path: str) -> List[Dict[str, Any]]:
        with self.changed:
            return [received.body for received in self.received if received.path == path]

    def items(self, path: str) -> List[Item]:
        field = {"/v1/metrics": "metrics", "/v1/traces": "spans", "/v1/logs": "logs"}[path]
        return [item for body in self.bodies(path) for item in body[field]]

    def metrics(self, name: Optional[str] = None) -> List[Item]:
        return [item for item in self.items("/v1/metrics") if name is None or item["metric_name"] == name]

    def requests(self) -> List[Item]:
        return self.metrics("http.request.duration")

    def calls(self) -> List[Item]:
        return self.metrics("http.client.request.duration")

    def spans(self) -> List[Item]:
        return self.items("/v1/traces")

    def logs(self) -> List[Item]:
        return self.items("/v1/logs")

    def everything(self) -> str:
        """All that has arrived, headers and bodies, as one text."""
        with self.changed:
            return json.dumps([[received.headers, received.body] for received in self.received])

    def wait_for(self, condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
        """Wait until a condition on what has arrived holds."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            left = deadline - time.monotonic()
            assert left > 0, "the sink never got what was awaited"
            with self.changed:
                self.changed.wait(min(left, 0.05))


class Upstream:
    """A service to call. It remembers the headers it is sent and answers by path: /moved redirects, /fail with a 503,
    /busy with a 503 for the first two times, /held with headers and, once `release` is set, a body; /silent waits for
    `release` before it says anything."""

    def __init__(self) -> None:
        self.headers: List[Dict[str, str]] = []
        self.bodies: List[bytes] = []
        self.release = threading.Event()
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                lines = {name.lower(): self.headers.get_all(name, []) for name in self.headers}
                upstream.headers.append({name: ", ".join(values) for name, values in lines.items()})
                upstream.bodies.append(self.read_body())
                if path == "/silent":
                    upstream.release.wait(20)
                busy = path == "/busy" and len(upstream.headers) < 3
                status = 503 if busy else {"/moved": 302, "/fail": 503}.get(path, 200)
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/target")
                self.send_header("Content-Length", "4" if path == "/held" else "0")
                self.end_headers()
                if path == "/held":
                    self.wfile.flush()
                    upstream.release.wait(20)
                    self.wfile.write(b"body")

            do_POST = do_GET

            def read_body(self) -> bytes:
                if self.headers["Transfer-Encoding"] != "chunked":
                    return self.rfile.read(int(self.headers["Content-Length"] or 0))
                chunks = []
                while size := int(self.rfile.readline(), 16):
                    chunks.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(chunks)

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Clients that timed out have hung up; nothing to print."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        self.url = "http://" + self.host
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def span_ids(self) -> List[str]:
        """Of the spans that sent what has arrived, in order."""
        return [headers["traceparent"].split("-")[2] for headers in self.headers]


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    upstream = Upstream()
    yield upstream
    upstream.release.set()
    upstream.server.shutdown()
    upstream.server.server_close()


TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GOOD = ("traceparent", f"00-{TRACE}-{PARENT}-01")
STATE = ("tracestate", "vantage=storefront")
# Headers of a request, and the trace, parent and caller that its span must have.
INCOMING = {
    "one tracestate": ([GOOD, STATE], (TRACE, PARENT, "storefront")),
    "two tracestates": ([GOOD, ("tracestate", "x=1"), STATE], (TRACE, PARENT, "storefront")),
    "a future version": ([("traceparent", f"42-{TRACE}-{PARENT}-01-what")], (TRACE, PARENT, None)),
    "version ff": ([("traceparent", f"ff-{TRACE}-{PARENT}-01"), STATE], (None, None, None)),
    "malformed": ([("traceparent", f"00-{TRACE}-{PARENT}-0"), STATE], (None, None, None)),
    "two traceparents": ([GOOD, ("traceparent", f"00-{TRACE[::-1]}-{PARENT}-01"), STATE], (None, None, None)),
    "a tracestate alone": ([STATE], (None, None, None)),
}


class Incoming:
    """Trace headers of one request and what must come of them."""

    def __init__(self, headers: List[Tuple[str, str]], expected: Tuple[Optional[str], ...]) -> None:
        self.headers = headers
        self._expected = expected

    def assert_continued_by(self, span: Item) -> None:
        trace, parent, caller = self._expected
        assert (span.get("parent_span_id"), span.get("caller")) == (parent, caller)
        assert (span["trace_id"] == TRACE) == (trace == TRACE)
        assert span["trace_id"] != TRACE[::-1]


@pytest.fixture(params=list(INCOMING))
def incoming(request: pytest.FixtureRequest) -> Incoming:
    return Incoming(*INCOMING[request.param])


class Secrets:
    """What a request may carry and the agent must not."""

    query = "?password=s3cret-query"
    headers = {"Authorization": "Bearer s3cret-token", "Cookie": "session=s3cret-cookie", "X-Key": "s3cret-key"}

    def assert_kept_from(self, sink: Sink) -> None:
        assert "s3cret" not in sink.everything()


@pytest.fixture
def secrets() -> Secrets:
    return Secrets()


@pytest.fixture
def our_threads() -> Callable[[], List[str]]:
    """What the agent's threads work on at this moment, by function."""
    return working


def working() -> List[str]:
    names = []
    for frame in sys._current_frames().values():
        stack = [frame]
        while stack[-1].f_back:
            stack.append(stack[-1].f_back)
        if stack[-1].f_code.co_filename == background.__file__ and len(stack) > 1:
            names.append(stack[-2].f_code.co_name)
    return names


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    yield sink
    sink.close()


@pytest.fixture
def start(sink: Sink) -> Iterator[Callable[..., None]]:
    """Starts an agent towards the sink. It sends on flush() only, unless a flush_interval is given."""

    def begin(**arguments: Any) -> None:
        vantage_agent.init_agent(
            **{"service_name": "shop", "collector_url": sink.url, "flush_interval": 600.0, **arguments}
        )

    yield begin
    vantage_agent.shutdown(2.0)


def count(items: List[Item]) -> int:
    """Samples behind folded items."""
    return sum(item.get("count", 1) for item in items)
