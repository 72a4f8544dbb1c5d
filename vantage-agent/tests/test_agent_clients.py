"""requests and httpx against a real server: headers, records, callers, other tracers, redirects."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List

import flask
import httpx
import pytest
import requests
import vantage_agent
from vantage_agent.context import CURRENT

if TYPE_CHECKING:
    from tests.conftest import Sink

Start = Callable[..., None]
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
HEADER = f"00-{TRACE}-{PARENT}-01"


class Upstream:
    """Remembers the headers it is sent; /moved redirects, /fail answers 503."""

    def __init__(self) -> None:
        self.headers: List[Dict[str, str]] = []
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                upstream.headers.append({name.lower(): value for name, value in self.headers.items()})
                status = {"/moved": 302, "/fail": 503}.get(self.path.partition("?")[0], 200)
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/target")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        self.url = "http://" + self.host
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    upstream = Upstream()
    yield upstream
    upstream.server.shutdown()
    upstream.server.server_close()


def by_requests(url: str, headers: Dict[str, str]) -> None:
    requests.get(url, headers=headers, timeout=10)


def by_httpx(url: str, headers: Dict[str, str]) -> None:
    httpx.get(url, headers=headers, follow_redirects=True)


def by_async_httpx(url: str, headers: Dict[str, str]) -> None:
    async def get() -> None:
        async with httpx.AsyncClient(follow_redirects=True) as client:
            await client.get(url, headers=headers)

    asyncio.run(get())


every_client = pytest.mark.parametrize("get", [by_requests, by_httpx, by_async_httpx])
Get = Callable[[str, Dict[str, str]], None]


@every_client
def test_a_call_carries_the_trace_and_the_name_of_its_caller(
    sink: Sink, start: Start, upstream: Upstream, get: Get
) -> None:
    start(service_name="storefront")
    with vantage_agent.span("work") as work:
        get(upstream.url + "/a?token=s3cret", {})
    vantage_agent.flush()
    (sent,) = upstream.headers
    client = next(span for span in sink.spans() if span["kind"] == "client")
    assert sent["traceparent"] == f"00-{client['trace_id']}-{client['span_id']}-01"
    assert sent["tracestate"] == "vantage=storefront"
    internal = next(span for span in sink.spans() if span["kind"] == "internal")
    assert client["parent_span_id"] == internal["span_id"]
    assert work.trace_id is None
    (item,) = sink.calls()
    assert (item["method"], item["endpoint"], item["status_code"], item["count"]) == ("GET", upstream.host, 200, 1)


@every_client
def test_another_tracers_header_stays(sink: Sink, start: Start, upstream: Upstream, get: Get) -> None:
    start(service_name="storefront")
    get(upstream.url, {"traceparent": HEADER, "tracestate": "other=1"})
    assert upstream.headers[0]["traceparent"] == HEADER
    assert upstream.headers[0]["tracestate"] == "vantage=storefront,other=1"
    vantage_agent.flush()
    assert [span["trace_id"] for span in sink.spans()] == [TRACE]


@every_client
def test_every_hop_of_a_redirect_has_a_span_of_its_own(sink: Sink, start: Start, upstream: Upstream, get: Get) -> None:
    start()
    get(upstream.url + "/moved", {})
    vantage_agent.flush()
    assert len({headers["traceparent"] for headers in upstream.headers}) == 2
    assert {headers["traceparent"].split("-")[2] for headers in upstream.headers} == {
        span["span_id"] for span in sink.spans()
    }


@every_client
def test_errors_are_raised_unchanged_and_recorded_without_a_status(sink: Sink, start: Start, get: Get) -> None:
    start()
    with pytest.raises((requests.ConnectionError, httpx.ConnectError)):
        get("http://127.0.0.1:9/x", {})
    vantage_agent.flush()
    (item,), (span,) = sink.calls(), sink.spans()
    assert "status_code" not in item
    assert item["endpoint"] == "127.0.0.1:9"
    assert (span["status"], span["attributes"]["error.type"]) in (
        ("error", "ConnectionError"),
        ("error", "ConnectError"),
    )


@every_client
def test_a_failed_answer_marks_the_span(sink: Sink, start: Start, upstream: Upstream, get: Get) -> None:
    start()
    get(upstream.url + "/fail", {})
    vantage_agent.flush()
    assert [(span["status"], span["attributes"]["http.response.status_code"]) for span in sink.spans()] == [
        ("error", 503)
    ]


@every_client
def test_the_caller_reaches_the_next_service(sink: Sink, start: Start, get: Get) -> None:
    start(service_name="storefront")
    from werkzeug.serving import make_server

    app = flask.Flask("inventory")
    app.add_url_rule("/stock/<sku>", "stock", lambda sku: sku)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        with vantage_agent.span("checkout"):
            get(f"http://127.0.0.1:{server.server_port}/stock/7", {})
    finally:
        server.shutdown()
        server.server_close()
    sink.wait_for(lambda: vantage_agent.flush() and len(sink.requests()) == 1)
    assert sink.requests()[0]["tags"] == {"caller": "storefront"}
    assert len({span["trace_id"] for span in sink.spans()}) == 1
    served = next(span for span in sink.spans() if span["kind"] == "server")
    called = next(span for span in sink.spans() if span["kind"] == "client")
    assert served["parent_span_id"] == called["span_id"]


def test_state_of_other_vendors_is_passed_on_and_the_flag_kept(start: Start, upstream: Upstream) -> None:
    start(service_name="middle", sample_rate=1.0)
    app = flask.Flask("middle")

    @app.get("/")
    def index() -> str:
        by_requests(upstream.url, {})
        return "x"

    headers = {"traceparent": f"00-{TRACE}-{PARENT}-00", "tracestate": "a=1,vantage=first,b=2"}
    app.test_client().get("/", headers=headers)
    (sent,) = upstream.headers
    assert sent["tracestate"] == "vantage=middle,a=1,b=2"
    assert sent["traceparent"].startswith(f"00-{TRACE}-")
    assert sent["traceparent"].endswith("-00")


def trace_here() -> Any:
    span = CURRENT.get()
    return None if span is None else span.trace_id


async def in_a_task() -> Any:
    async def inner() -> Any:
        return trace_here()

    return await asyncio.create_task(inner())


async def in_to_thread() -> Any:
    return await asyncio.to_thread(trace_here)


async def in_an_executor() -> Any:
    return await asyncio.get_running_loop().run_in_executor(None, trace_here)


async def in_gather() -> Any:
    return (await asyncio.gather(in_a_task(), in_a_task()))[1]


@pytest.mark.parametrize("how", [in_a_task, in_to_thread, in_an_executor, in_gather])
def test_the_trace_goes_along_into_tasks_and_threads(start: Start, how: Callable[[], Any]) -> None:
    start()

    async def work() -> None:
        async with vantage_agent.span("work"):
            assert await how() == trace_here() is not None

    asyncio.run(work())
    assert trace_here() is None


def test_the_trace_goes_along_into_a_thread_pool_and_does_not_stay_there(start: Start) -> None:
    start()
    with ThreadPoolExecutor(1) as pool:
        with vantage_agent.span("work"):
            assert pool.submit(trace_here).result() == trace_here() is not None
        assert pool.submit(trace_here).result() is None
