"""What HTTP clients do beside plain calls: retries, proxies, streams, the application's own adapters and transports."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import warnings
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, AsyncIterator, Callable, Dict, Iterator, List, Set, Tuple

import aiohttp
import fastapi
import httpcore
import httpcore2
import httpx
import httpx2
import pytest
import requests
import urllib3
import vantage_agent
from aiohttp import web
from aiohttp.abc import AbstractResolver
from requests.adapters import BaseAdapter, HTTPAdapter
from starlette.testclient import TestClient
from vantage_agent.instrumentation.client import origin

if TYPE_CHECKING:
    from tests.conftest import Item, Sink, Upstream

Start = Callable[..., None]

both_httpx = pytest.mark.parametrize("library", [httpx, httpx2])


def calls(sink: Sink) -> List[Tuple[str, Any, int]]:
    """Host, status and number of what was called."""
    vantage_agent.flush()
    counted: Dict[Tuple[str, Any], int] = {}
    for item in sink.calls():
        key = (item["endpoint"], item.get("status_code"))
        counted[key] = counted.get(key, 0) + item["count"]
    return [(*key, number) for key, number in counted.items()]


def client_spans(sink: Sink) -> List[Item]:
    vantage_agent.flush()
    return [span for span in sink.spans() if span["kind"] == "client"]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("http", "stock", None), "http://stock"),
        (("http", "stock", 80), "http://stock"),
        (("https", "stock", 443), "https://stock"),
        (("https", "stock", 80), "https://stock:80"),
        ((b"http", b"stock", 81), "http://stock:81"),
        (("http", "::1", 81), "http://[::1]:81"),
        ((b"http", b"[::1]", None), "http://[::1]"),
    ],
)
def test_an_origin_names_a_port_only_where_it_says_something(parts: Tuple[Any, Any, Any], expected: str) -> None:
    assert origin(*parts) == expected


def test_a_requests_call_counts_once_though_urllib3_sends_it(sink: Sink, start: Start, upstream: Upstream) -> None:
    start()
    requests.get(upstream.url, timeout=10)
    assert calls(sink) == [(upstream.host, 200, 1)]
    assert [span["span_id"] for span in client_spans(sink)] == upstream.span_ids()


def test_retries_that_requests_has_urllib3_make_are_part_of_one_call(
    sink: Sink, start: Start, upstream: Upstream
) -> None:
    start()
    patient = HTTPAdapter(max_retries=urllib3.Retry(3, status_forcelist=[503], backoff_factor=0))
    assert session_with(patient).get(upstream.url + "/busy").status_code == 200
    assert len(upstream.headers) == 3
    assert calls(sink) == [(upstream.host, 200, 1)]


def test_a_requests_call_with_a_header_of_the_applications_counts_once(
    sink: Sink, start: Start, upstream: Upstream
) -> None:
    start()
    requests.get(upstream.url, headers={"traceparent": f"00-{7:032x}-{7:016x}-01"}, timeout=10)
    assert calls(sink) == [(upstream.host, 200, 1)]


def test_urllib3_counts_what_requests_sends_where_requests_is_not_instrumented(
    sink: Sink, start: Start, upstream: Upstream
) -> None:
    start(auto_instrument=["urllib3"])
    requests.get(upstream.url, timeout=10)
    assert calls(sink) == [(upstream.host, 200, 1)]


def test_a_call_from_the_body_of_another_counts_too(sink: Sink, start: Start, upstream: Upstream) -> None:
    start()

    def body() -> Iterator[bytes]:
        urllib3.request("GET", upstream.url, headers={"X-Mine": "1"})
        httpx.get(upstream.url)
        requests.get(upstream.url, headers={"traceparent": f"00-{7:032x}-{7:016x}-01"}, timeout=10)
        yield b"all"

    requests.post(upstream.url, data=body(), timeout=10)
    assert upstream.bodies[-1] == b"all"
    assert calls(sink) == [(upstream.host, 200, 4)]


def test_every_retry_of_urllib3_is_a_span_of_its_own(sink: Sink, start: Start, upstream: Upstream) -> None:
    start()
    retries = urllib3.Retry(3, status_forcelist=[503], backoff_factor=0)
    with vantage_agent.span("work"), urllib3.PoolManager(retries=retries) as pool:
        assert pool.request("GET", upstream.url + "/busy").status == 200
    assert sorted(calls(sink)) == [(upstream.host, 200, 1), (upstream.host, 503, 2)]
    assert len(set(upstream.span_ids())) == 3
    assert len({span["parent_span_id"] for span in client_spans(sink)}) == 1


def test_urllib3s_pools_work_without_a_manager_and_keep_their_headers(
    sink: Sink, start: Start, upstream: Upstream
) -> None:
    start()
    host, port = upstream.host.split(":")
    headers = {"X-Mine": "1"}
    with urllib3.HTTPConnectionPool(host, int(port), headers=headers) as pool:
        assert pool.urlopen("GET", "/").status == 200
        assert pool.headers is headers
    assert headers == {"X-Mine": "1"}
    assert "traceparent" in upstream.headers[0]
    assert calls(sink) == [(upstream.host, 200, 1)]


def test_urllib3_keeps_headers_that_come_twice(start: Start, upstream: Upstream) -> None:
    start()
    headers = urllib3.HTTPHeaderDict({"X-Mine": "1"})
    headers.add("X-Mine", "2")
    urllib3.request("GET", upstream.url, headers=headers)
    assert upstream.headers[0]["x-mine"] == "1, 2"
    assert list(headers.items()) == [("X-Mine", "1"), ("X-Mine", "2")]


def by_urllib3(proxy: str, url: str) -> None:
    with urllib3.ProxyManager(proxy) as pool:
        pool.request("GET", url)


def by_requests(proxy: str, url: str) -> None:
    requests.get(url, proxies={"http": proxy}, timeout=10)


def by_httpx(proxy: str, url: str) -> None:
    httpx.get(url, proxy=proxy)


def by_httpx2(proxy: str, url: str) -> None:
    httpx2.get(url, proxy=proxy)


def by_aiohttp(proxy: str, url: str) -> None:
    async def get() -> None:
        async with aiohttp.ClientSession() as session, session.get(url, proxy=proxy) as response:
            await response.read()

    asyncio.run(get())


@pytest.mark.parametrize("get", [by_urllib3, by_requests, by_httpx, by_httpx2, by_aiohttp])
def test_behind_a_proxy_the_real_host_is_what_is_called(
    sink: Sink, start: Start, upstream: Upstream, get: Callable[[str, str], None]
) -> None:
    start()
    get(upstream.url.replace("//", "//s3cret-user:s3cret@"), "http://stock.invalid/a")
    assert calls(sink) == [("stock.invalid", 200, 1)]
    assert len(upstream.span_ids()) == 1
    assert "s3cret" not in sink.everything()


# requests' adapters


class Tenacious(HTTPAdapter):
    """Tries again until it has a 200."""

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().send(request, *args, **kwargs)
        while response.status_code != 200:
            response = super().send(request, *args, **kwargs)
        return response


class Canned(BaseAdapter):
    """Answers by itself, from what it is sent."""

    def send(self, request: Any, *args: Any, **kwargs: Any) -> requests.Response:
        response = requests.Response()
        response.status_code, response.url = 203, request.url
        response._content = str(request.headers.get("traceparent")).encode()
        return response

    def close(self) -> None:
        pass


class Broken(Canned):
    def send(self, request: Any, *args: Any, **kwargs: Any) -> requests.Response:
        raise OSError("unplugged")


def session_with(adapter: BaseAdapter, prefix: str = "http://") -> requests.Session:
    session = requests.Session()
    session.mount(prefix, adapter)
    return session


def test_an_adapter_of_the_applications_own_is_recorded(sink: Sink, start: Start) -> None:
    session = session_with(Canned())
    start()
    response = session.get("http://user:s3cret@stock/a?key=s3cret")
    (span,) = client_spans(sink)
    assert response.text == f"00-{span['trace_id']}-{span['span_id']}-01"
    assert calls(sink) == [("stock", 203, 1)]
    assert "s3cret" not in sink.everything()


def test_an_adapter_that_retries_counts_what_it_sends(sink: Sink, start: Start, upstream: Upstream) -> None:
    start()
    assert session_with(Tenacious()).get(upstream.url + "/busy").status_code == 200
    assert sorted(calls(sink)) == [(upstream.host, 200, 1), (upstream.host, 503, 2)]
    assert set(upstream.span_ids()) == {span["span_id"] for span in client_spans(sink)}
    assert len(set(upstream.span_ids())) == 3


def test_an_adapter_that_retries_counts_once_an_attempt_with_a_header_of_the_applications(
    sink: Sink, start: Start, upstream: Upstream
) -> None:
    start()
    parent = f"00-{7:032x}-{7:016x}-01"
    session_with(Tenacious()).get(upstream.url, headers={"traceparent": parent})
    assert [sent["traceparent"] for sent in upstream.headers] == [parent]
    assert calls(sink) == [(upstream.host, 200, 1)]


def test_an_adapters_exception_is_raised_and_recorded(sink: Sink, start: Start) -> None:
    start()
    with pytest.raises(OSError, match="unplugged"):
        session_with(Broken()).get("http://stock/")
    (span,) = client_spans(sink)
    assert span["attributes"]["error.type"] == "OSError"


def test_an_adapter_for_something_else_than_http_is_left_alone(sink: Sink, start: Start) -> None:
    start()
    assert session_with(Canned(), "file://").get("file:///etc/motd").text == "None"
    assert calls(sink) == []


def test_an_adapter_that_sends_as_all_do_is_not_wrapped_again(start: Start, upstream: Upstream) -> None:
    class Named(HTTPAdapter):
        pass

    start()
    before = HTTPAdapter.send
    session_with(Named()).get(upstream.url)
    assert Named.send is HTTPAdapter.send is before


def test_an_adapter_that_cannot_be_wrapped_works_on(sink: Sink, start: Start) -> None:
    class Sealed(type):
        def __setattr__(cls, name: str, value: object) -> None:
            raise TypeError("sealed")

    class Fixed(Canned, metaclass=Sealed):
        def send(self, request: Any, *args: Any, **kwargs: Any) -> requests.Response:
            return super().send(request, *args, **kwargs)

    start()
    assert session_with(Fixed()).get("http://stock/").text == "None"


def test_adapter_classes_are_put_back(start: Start) -> None:
    before = Canned.send
    start()
    session_with(Canned()).get("http://stock/")
    assert Canned.send is not before
    vantage_agent.shutdown()
    assert Canned.send is before


# httpx' transports


@both_httpx
def test_a_mock_transport_is_recorded_once_and_sees_what_it_saw_before(sink: Sink, start: Start, library: Any) -> None:
    seen: List[Any] = []

    def answer(request: Any) -> Any:
        seen.append(request.headers.multi_items())
        return library.Response(203)

    transport = library.MockTransport(answer)
    client, other = library.Client(transport=transport), library.AsyncClient(transport=transport)
    client.get("http://user:s3cret@stock:81/a?key=s3cret")
    start()
    client.get("http://user:s3cret@stock:81/a?key=s3cret")
    assert asyncio.run(other.get("http://stock:81/a")).status_code == 203
    assert calls(sink) == [("stock:81", 203, 2)]
    assert seen[0] == seen[1]
    assert "s3cret" not in sink.everything()


@both_httpx
def test_a_transport_without_a_pool_carries_the_trace(sink: Sink, start: Start, library: Any) -> None:
    class Echo(library.BaseTransport):  # type: ignore[misc]  # the base is a parameter
        def handle_request(self, request: Any) -> Any:
            return library.Response(200, json=dict(request.headers))

    start(service_name="storefront")
    with library.Client(transport=Echo()) as client:
        request = client.build_request("GET", "http://stock/")
        sent = client.send(request).json()
    (span,) = client_spans(sink)
    assert sent["traceparent"] == f"00-{span['trace_id']}-{span['span_id']}-01"
    assert sent["tracestate"] == "vantage=storefront"
    assert "traceparent" not in request.headers
    assert "tracestate" not in request.headers


@both_httpx
def test_an_app_called_in_process_continues_the_trace_and_calls_others(
    sink: Sink, start: Start, upstream: Upstream, library: Any
) -> None:
    start()
    app = fastapi.FastAPI()

    @app.get("/stock/{sku}")
    async def stock(sku: str) -> int:
        async with library.AsyncClient() as client:
            return int((await client.get(upstream.url)).status_code)

    async def call() -> None:
        async with library.AsyncClient(transport=library.ASGITransport(app=app), base_url="http://stock") as client:
            assert (await client.get("/stock/7")).json() == 200

    asyncio.run(call())
    assert sorted(calls(sink)) == [(upstream.host, 200, 1), ("stock", 200, 1)]
    called = {span["attributes"]["server.address"]: span for span in client_spans(sink)}
    (served,) = [span for span in sink.spans() if span["kind"] == "server"]
    assert served["parent_span_id"] == called["stock"]["span_id"]
    assert called[upstream.host]["parent_span_id"] == served["span_id"]


@both_httpx
def test_a_transport_around_another_counts_what_is_sent(
    sink: Sink, start: Start, upstream: Upstream, library: Any
) -> None:
    class Tenacious(library.BaseTransport):  # type: ignore[misc]  # the base is a parameter
        inner = library.HTTPTransport()

        def handle_request(self, request: Any) -> Any:
            while True:
                response = self.inner.handle_request(request)
                response.read()
                if response.status_code == 200:
                    return response

    class AsyncTenacious(library.AsyncBaseTransport):  # type: ignore[misc]  # the base is a parameter
        def __init__(self) -> None:
            self.inner = library.AsyncHTTPTransport()

        async def handle_async_request(self, request: Any) -> Any:
            copy = library.Request(request.method, request.url, headers=request.headers)
            return await self.inner.handle_async_request(copy)

    async def call() -> None:
        async with library.AsyncClient(transport=AsyncTenacious()) as client:
            await client.get(upstream.url)

    start()
    with library.Client(transport=Tenacious()) as client:
        client.get(upstream.url + "/busy")
    asyncio.run(call())
    assert sorted(calls(sink)) == [(upstream.host, 200, 2), (upstream.host, 503, 2)]
    assert set(upstream.span_ids()) == {span["span_id"] for span in client_spans(sink)}
    assert len(set(upstream.span_ids())) == 4


@both_httpx
def test_a_transport_that_asks_for_a_token_first_counts_both_calls(
    sink: Sink, start: Start, upstream: Upstream, library: Any
) -> None:
    class Authorized(library.HTTPTransport):  # type: ignore[misc]  # the base is a parameter
        def handle_request(self, request: Any) -> Any:
            request.headers["X-Token"] = requests.get(upstream.url, timeout=10).reason
            return super().handle_request(request)

    start()
    with library.Client(transport=Authorized()) as client:
        client.get(upstream.url + "/fail")
    assert sorted(calls(sink)) == [(upstream.host, 200, 1), (upstream.host, 503, 1)]
    assert upstream.headers[1]["x-token"] == "OK"


@both_httpx
def test_mounted_transports_are_recorded(sink: Sink, start: Start, upstream: Upstream, library: Any) -> None:
    mock = library.MockTransport(lambda request: library.Response(204))
    with library.Client(mounts={"http://mock": mock, "http://": library.HTTPTransport()}) as client:
        start()
        client.get("http://mock/")
        client.get(upstream.url)
    assert sorted(calls(sink)) == [(upstream.host, 200, 1), ("mock", 204, 1)]


@both_httpx
def test_a_transports_exception_is_raised_and_recorded(sink: Sink, start: Start, library: Any) -> None:
    def fail(request: Any) -> Any:
        raise library.ReadTimeout("too slow", request=request)

    start()
    with (
        pytest.raises(library.ReadTimeout, match="too slow"),
        library.Client(transport=library.MockTransport(fail)) as client,
    ):
        client.get("http://stock/")
    (span,) = client_spans(sink)
    assert span["attributes"]["error.type"] == "ReadTimeout"


@both_httpx
def test_every_step_of_an_authentication_is_a_span(sink: Sink, start: Start, upstream: Upstream, library: Any) -> None:
    class Twice(library.Auth):  # type: ignore[misc]  # the base is a parameter
        def auth_flow(self, request: Any) -> Any:
            yield request
            request.headers["Authorization"] = "again"
            yield request

    start()
    library.get(upstream.url, auth=Twice())
    assert calls(sink) == [(upstream.host, 200, 2)]
    assert len(set(upstream.span_ids())) == 2


@pytest.mark.parametrize("core", [httpcore, httpcore2])
def test_the_pools_below_httpx_are_recorded_when_used_directly(
    sink: Sink, start: Start, upstream: Upstream, core: Any
) -> None:
    start()
    request = core.Request("GET", upstream.url, headers={"Host": "x", "TraceState": "other=1"})
    headers = list(request.headers)
    with core.ConnectionPool() as pool:
        pool.handle_request(request).read()
        pool.handle_request(request).read()
    assert request.headers == headers
    assert [sent["tracestate"] for sent in upstream.headers] == ["vantage=shop,other=1"] * 2
    assert len(set(upstream.span_ids())) == 2
    assert calls(sink) == [(upstream.host, 200, 2)]


@pytest.mark.parametrize("core", [httpcore, httpcore2])
def test_a_websocket_over_such_a_pool_is_left_alone(sink: Sink, start: Start, upstream: Upstream, core: Any) -> None:
    start()
    with core.ConnectionPool() as pool:
        pool.request("GET", upstream.url, headers={"Host": "x", "Sec-WebSocket-Key": "abc"})
    assert "traceparent" not in upstream.headers[0]
    assert calls(sink) == []


def test_a_tests_client_calls_from_outside(sink: Sink, start: Start) -> None:
    start()
    app = fastapi.FastAPI()
    app.get("/")(lambda: 1)
    TestClient(app).get("/")
    assert calls(sink) == []
    assert [item.get("tags", {}).get("caller") for item in sink.requests()] == [None]


@pytest.mark.skipif(not hasattr(httpx2, "alias_httpx"), reason="this httpx2 does not take httpx's place")
def test_httpx2_in_the_place_of_httpx_is_instrumented_once(sink: Sink, upstream: Upstream) -> None:
    program = (
        "import sys, httpx2; httpx2.alias_httpx(); import vantage_agent, httpx\n"
        "vantage_agent.init_agent(service_name='shop', collector_url=sys.argv[1], flush_interval=600)\n"
        "httpx.get(sys.argv[2])\n"
        "mock = httpx.MockTransport(lambda request: httpx.Response(500 if 'traceparent' in request.headers else 204))\n"
        "httpx.Client(transport=mock).get('http://mock/')"
    )
    subprocess.run([sys.executable, "-c", program, sink.url, upstream.url], check=True, timeout=60)
    assert sorted(calls(sink)) == [(upstream.host, 200, 1), ("mock", 204, 1)]


# aiohttp


def test_aiohttps_total_timeout_is_a_timeout_and_a_cancelled_call_is_cancelled(
    sink: Sink, start: Start, upstream: Upstream
) -> None:
    async def call() -> None:
        async with aiohttp.ClientSession() as session:
            with pytest.raises(asyncio.TimeoutError):
                await session.get(upstream.url + "/silent", timeout=aiohttp.ClientTimeout(total=0.05))
            task = asyncio.create_task(session.get(upstream.url + "/silent")._coro)
            await asyncio.to_thread(sink.wait_for, lambda: len(upstream.headers) == 2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    start()
    asyncio.run(call())
    errors = [span["attributes"]["error.type"] for span in client_spans(sink)]
    assert sorted(errors) == ["CancelledError", "TimeoutError"]


def test_aiohttps_total_timeout_is_a_timeout_while_it_connects_too(sink: Sink, start: Start) -> None:
    class Silent(AbstractResolver):
        async def resolve(self, *args: Any, **kwargs: Any) -> Any:
            await asyncio.Event().wait()

        async def close(self) -> None:
            pass

    async def call() -> None:
        connector = aiohttp.TCPConnector(resolver=Silent())
        async with aiohttp.ClientSession(connector=connector) as session:
            with pytest.raises(asyncio.TimeoutError):
                await session.get("http://stock.invalid/", timeout=aiohttp.ClientTimeout(total=0.05))

    start()
    asyncio.run(call())
    (span,) = client_spans(sink)
    assert span["attributes"]["error.type"] == "TimeoutError"


def test_an_aiohttp_sessions_own_middlewares_and_headers_stay(sink: Sink, start: Start, upstream: Upstream) -> None:
    order: List[str] = []

    def named(name: str) -> Any:
        async def middleware(request: Any, handler: Any) -> Any:
            order.append(name)
            return await handler(request)

        return middleware

    async def call() -> None:
        mine = {"X-Mine": "1"}
        async with aiohttp.ClientSession(headers=mine, middlewares=[named("session")]) as session:
            async with session.get(upstream.url) as response:
                assert "traceparent" not in response.request_info.headers
            async with session.get(upstream.url, middlewares=[named("call"), named("other")]):
                pass
            assert dict(session.headers) == mine

    start()
    asyncio.run(call())
    assert order == ["session", "call", "other"]
    assert set(upstream.span_ids()) == {span["span_id"] for span in client_spans(sink)}
    assert calls(sink) == [(upstream.host, 200, 2)]


def test_a_websocket_of_aiohttp_is_left_alone(sink: Sink, start: Start) -> None:
    seen: List[Any] = []

    async def echo(request: web.Request) -> web.WebSocketResponse:
        seen.append(request.headers.get("traceparent"))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(await socket.receive_str())
        return socket

    async def talk() -> None:
        app = web.Application()
        app.router.add_get("/", echo)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
            await socket.send_str("hello")
            assert await socket.receive_str() == "hello"
        await runner.cleanup()

    start(auto_instrument=["requests", "httpx", "urllib3", "aiohttp"])
    asyncio.run(talk())
    assert seen == [None]
    assert calls(sink) == []


def test_aiohttps_warnings_still_point_at_the_line_that_caused_them(start: Start, upstream: Upstream) -> None:
    async def call() -> None:
        async with aiohttp.ClientSession() as session:
            with warnings.catch_warnings(record=True) as seen:
                warnings.simplefilter("always")
                await session.get(upstream.url, auth=aiohttp.BasicAuth("user", "password"))
            places.append({(warning.filename, warning.lineno) for warning in seen})

    places: List[Set[Tuple[str, int]]] = []
    asyncio.run(call())
    if not places[0]:
        pytest.skip("this aiohttp warns of nothing here")
    start()
    asyncio.run(call())
    assert places[0] == places[1]


# Streams


def held_by_requests(url: str, stack: ExitStack) -> Callable[[], bytes]:
    response = stack.enter_context(requests.get(url, stream=True, timeout=10))
    return lambda: b"".join(response.iter_content(2))


def held_by_urllib3(url: str, stack: ExitStack) -> Callable[[], bytes]:
    response = stack.enter_context(urllib3.PoolManager()).request("GET", url, preload_content=False)
    return lambda: b"".join(response.stream(2))


def held_by_httpx(url: str, stack: ExitStack) -> Callable[[], bytes]:
    response = stack.enter_context(httpx.stream("GET", url))
    return lambda: b"".join(response.iter_bytes())


def held_by_httpx2(url: str, stack: ExitStack) -> Callable[[], bytes]:
    response = stack.enter_context(httpx2.stream("GET", url))
    return lambda: b"".join(response.iter_bytes())


def held_by_aiohttp(url: str, stack: ExitStack) -> Callable[[], bytes]:
    loop = asyncio.new_event_loop()
    stack.callback(loop.close)

    async def get() -> Tuple[aiohttp.ClientSession, aiohttp.ClientResponse]:
        session = aiohttp.ClientSession()
        return session, await session.get(url)

    async def chunks(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        async for chunk in response.content.iter_chunked(2):
            yield chunk

    session, response = loop.run_until_complete(get())
    stack.callback(lambda: loop.run_until_complete(session.close()))

    async def read() -> bytes:
        return b"".join([chunk async for chunk in chunks(response)])

    return lambda: loop.run_until_complete(read())


@pytest.mark.parametrize("get", [held_by_requests, held_by_urllib3, held_by_httpx, held_by_httpx2, held_by_aiohttp])
def test_a_call_ends_with_the_headers_of_the_response_and_its_body_follows(
    sink: Sink, start: Start, upstream: Upstream, get: Callable[[str, ExitStack], Callable[[], bytes]]
) -> None:
    start()
    with ExitStack() as stack:
        read = get(upstream.url + "/held", stack)
        assert calls(sink) == [(upstream.host, 200, 1)]
        upstream.release.set()
        assert read() == b"body"
    assert calls(sink) == [(upstream.host, 200, 1)]


# Late init

PROGRAM = """
import asyncio, sys
import vantage_agent
def init():
    vantage_agent.init_agent(service_name="shop", collector_url=sys.argv[1], flush_interval=600)
def imports():
    global aiohttp, httpx, httpx2, requests, urllib3
    import aiohttp, httpx, httpx2, requests, urllib3
def clients():
    global sync
    sync = [requests.Session(), httpx.Client(), httpx2.Client(), urllib3.PoolManager()]
async def main():
    steps = {{"init": init, "imports": imports, "clients": clients}}
    for step in {order!r}.split():
        if step == "clients":
            others = [httpx.AsyncClient(), httpx2.AsyncClient(), aiohttp.ClientSession()]
        steps[step]()
    for client in sync:
        client.request("GET", sys.argv[2])
    for client in others:
        await client.get(sys.argv[2])
    await others[-1].close()
asyncio.run(main())
"""


@pytest.mark.parametrize("order", ["init imports clients", "imports init clients", "imports clients init"])
def test_clients_are_instrumented_whatever_came_first(sink: Sink, upstream: Upstream, order: str) -> None:
    subprocess.run([sys.executable, "-c", PROGRAM.format(order=order), sink.url, upstream.url], check=True, timeout=60)
    assert sum(item["count"] for item in sink.calls()) == len(set(upstream.span_ids())) == 7
