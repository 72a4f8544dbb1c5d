"""Every HTTP client against a real server: headers, records, callers, other tracers, redirects."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Callable, Dict

import aiohttp
import flask
import httpx
import httpx2
import pytest
import requests
import urllib3
import vantage_agent
from vantage_agent.context import CURRENT

if TYPE_CHECKING:
    from tests.conftest import Secrets, Sink, Upstream

Start = Callable[..., None]
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
HEADER = f"00-{TRACE}-{PARENT}-01"


def by_requests(url: str, headers: Dict[str, str]) -> None:
    requests.get(url, headers=headers, timeout=10)


def by_httpx(url: str, headers: Dict[str, str]) -> None:
    httpx.get(url, headers=headers, follow_redirects=True)


def by_async_httpx(url: str, headers: Dict[str, str]) -> None:
    async def get() -> None:
        async with httpx.AsyncClient(follow_redirects=True) as client:
            await client.get(url, headers=headers)

    asyncio.run(get())


def by_httpx2(url: str, headers: Dict[str, str]) -> None:
    httpx2.get(url, headers=headers, follow_redirects=True)


def by_async_httpx2(url: str, headers: Dict[str, str]) -> None:
    async def get() -> None:
        async with httpx2.AsyncClient(follow_redirects=True) as client:
            await client.get(url, headers=headers)

    asyncio.run(get())


def by_urllib3(url: str, headers: Dict[str, str]) -> None:
    with urllib3.PoolManager(retries=urllib3.Retry(connect=0)) as pool:
        pool.request("GET", url, headers=headers)


def by_aiohttp(url: str, headers: Dict[str, str]) -> None:
    async def get() -> None:
        async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
            await response.read()

    asyncio.run(get())


every_client = pytest.mark.parametrize(
    "get", [by_requests, by_httpx, by_async_httpx, by_httpx2, by_async_httpx2, by_urllib3, by_aiohttp]
)
Get = Callable[[str, Dict[str, str]], None]
CONNECT_ERRORS = (
    requests.ConnectionError,
    httpx.ConnectError,
    httpx2.ConnectError,
    urllib3.exceptions.MaxRetryError,
    aiohttp.ClientConnectorError,
)


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
    assert len(set(upstream.span_ids())) == 2
    assert set(upstream.span_ids()) == {span["span_id"] for span in sink.spans()}
    assert sorted(span["attributes"]["http.response.status_code"] for span in sink.spans()) == [200, 302]


@every_client
def test_errors_are_raised_unchanged_and_recorded_without_a_status(sink: Sink, start: Start, get: Get) -> None:
    start()
    with pytest.raises(CONNECT_ERRORS):
        get("http://127.0.0.1:9/x", {})
    vantage_agent.flush()
    (item,), (span,) = sink.calls(), sink.spans()
    assert "status_code" not in item
    assert item["endpoint"] == "127.0.0.1:9"
    names = {"ConnectionError", "ConnectError", "NewConnectionError", "ClientConnectorError"}
    assert span["status"] == "error"
    assert span["attributes"]["error.type"] in names


@every_client
def test_a_failed_answer_marks_the_span(sink: Sink, start: Start, upstream: Upstream, get: Get) -> None:
    start()
    get(upstream.url + "/fail", {})
    vantage_agent.flush()
    assert [(span["status"], span["attributes"]["http.response.status_code"]) for span in sink.spans()] == [
        ("error", 503)
    ]


@every_client
def test_secrets_stay_in_the_process(sink: Sink, start: Start, upstream: Upstream, get: Get, secrets: Secrets) -> None:
    start()
    # requests and urllib3 do not take both; credentials in the URL win there.
    get(upstream.url.replace("//", "//s3cret-user:s3cret-password@") + "/s3cret-path" + secrets.query, {})
    get(upstream.url + "/moved" + secrets.query, secrets.headers)
    with pytest.raises(CONNECT_ERRORS):
        get("http://s3cret-user:s3cret-password@127.0.0.1:9/" + secrets.query, {})
    vantage_agent.flush()
    assert {item["endpoint"] for item in sink.calls()} == {upstream.host, "127.0.0.1:9"}
    secrets.assert_kept_from(sink)


@every_client
def test_the_applications_headers_are_left_as_they_were(start: Start, upstream: Upstream, get: Get) -> None:
    start()
    headers = {"X-Mine": "1"}
    get(upstream.url + "/moved", headers)
    assert headers == {"X-Mine": "1"}
    assert [sent["x-mine"] for sent in upstream.headers] == ["1", "1"]


@every_client
def test_nothing_is_added_or_recorded_once_the_agent_is_shut_down(
    sink: Sink, start: Start, upstream: Upstream, get: Get
) -> None:
    start()
    vantage_agent.shutdown()
    get(upstream.url, {})
    assert "traceparent" not in upstream.headers[0]
    assert "tracestate" not in upstream.headers[0]
    assert sink.calls() == []


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
