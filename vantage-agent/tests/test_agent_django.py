"""Django behind WSGI, ASGI and its test clients: names, statuses, exceptions, streams, context."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, AsyncIterator, Callable, Dict, Iterator, List, Tuple

import django
import django.test
import httpx
import pytest
import uvicorn
import vantage_agent
import werkzeug.test
from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.exceptions import PermissionDenied
from django.core.wsgi import get_wsgi_application
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.urls import include, path, re_path
from vantage_agent.context import CURRENT
from vantage_agent.instrumentation.django import route_template

if TYPE_CHECKING:
    from tests.conftest import Incoming, Secrets, Sink

Start = Callable[..., None]
Get = Callable[..., int]
pytestmark = pytest.mark.filterwarnings("ignore")

started, left = threading.Event(), threading.Event()


class Boom(Exception):
    pass


def page(request: Any, **_: Any) -> HttpResponse:
    return HttpResponse("x")


async def async_page(request: Any, **_: Any) -> HttpResponse:
    await asyncio.sleep(0)
    return HttpResponse("x", status=201)


def boom(request: Any) -> HttpResponse:
    raise Boom("sync")


async def async_boom(request: Any) -> HttpResponse:
    raise Boom("async")


def missing(request: Any, id: int) -> HttpResponse:
    raise Http404(f"no order {id}")


def forbidden(request: Any) -> HttpResponse:
    raise PermissionDenied


def stream(request: Any) -> StreamingHttpResponse:
    def body() -> Iterator[bytes]:
        for _ in range(3):
            threading.Event().wait(0.1)
            yield b"x"

    return StreamingHttpResponse(body())


async def async_stream(request: Any) -> StreamingHttpResponse:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(3):
            await asyncio.sleep(0.1)
            yield b"x"

    return StreamingHttpResponse(body())


async def patient(request: Any) -> HttpResponse:
    started.set()
    try:
        await asyncio.sleep(30)
    finally:
        left.set()
    return HttpResponse("never")


def trace_here() -> str:
    span = CURRENT.get()
    return "none" if span is None else f"{span.trace_id:032x}"


def traces(request: Any) -> HttpResponse:
    with ThreadPoolExecutor() as pool:
        return HttpResponse(" ".join([trace_here(), pool.submit(trace_here).result()]))


async def async_traces(request: Any) -> HttpResponse:
    async def task() -> str:
        return trace_here()

    here = [trace_here(), await asyncio.create_task(task()), await asyncio.to_thread(trace_here)]
    return HttpResponse(" ".join([*here, await asyncio.get_running_loop().run_in_executor(None, trace_here)]))


class RaisesOnDemand:
    """Middleware with a fault."""

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        if "x-break" in request.headers:
            raise Boom("middleware")
        return self.get_response(request)


orders = [path("<int:id>/", page), path("<int:id>/missing/", missing), path("async/<slug:name>/", async_page)]
shop = [path("orders/", include(orders)), re_path(r"^archive/(?P<year>[0-9]{4})/(\w+)/$", page)]
urlpatterns = [
    path("", page),
    path("shop/", include(shop)),
    path("boom/", boom),
    path("async-boom/", async_boom),
    path("forbidden/", forbidden),
    path("stream/", stream),
    path("async-stream/", async_stream),
    path("patient/", patient),
    path("traces/", traces),
    path("async-traces/", async_traces),
]

if not settings.configured:
    settings.configure(
        ROOT_URLCONF=__name__,
        SECRET_KEY="x",
        ALLOWED_HOSTS=["*"],
        MIDDLEWARE=[f"{__name__}.RaisesOnDemand", "django.middleware.common.CommonMiddleware"],
        LOGGING_CONFIG=None,
    )
    django.setup()


def get_through_wsgi(url: str, **headers: str) -> int:
    with werkzeug.test.Client(get_wsgi_application()).get(url, headers=headers) as response:
        response.get_data()
        return response.status_code


def get_through_asgi(url: str, **headers: str) -> int:
    async def get() -> httpx.Response:
        async with asgi_client() as client:
            return await client.get(url, headers=headers)

    return asyncio.run(get()).status_code


def asgi_client() -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(get_asgi_application()), base_url="http://x")


def get_through_client(url: str, **headers: str) -> int:
    response = django.test.Client(raise_request_exception=False).get(url, headers=headers)
    return int(response.status_code)


def get_through_async_client(url: str, **headers: str) -> int:
    client = django.test.AsyncClient(raise_request_exception=False)
    return int(async_to_sync(client.get)(url, headers=headers).status_code)


def seen(sink: Sink) -> List[Tuple[str, str, int]]:
    vantage_agent.flush()
    return sorted((item["method"], item["endpoint"], item["status_code"]) for item in sink.requests())


@pytest.fixture(params=[get_through_wsgi, get_through_asgi, get_through_client, get_through_async_client])
def get(request: pytest.FixtureRequest) -> Get:
    chosen: Get = request.param
    return chosen


@pytest.mark.parametrize(
    ("url", "endpoint", "status"),
    [
        ("/", "/", 200),
        ("/shop/orders/5/", "/shop/orders/<int:id>/", 200),
        ("/shop/orders/5", "_UNMATCHED", 301),
        ("/shop/orders/async/tea/", "/shop/orders/async/<slug:name>/", 201),
        ("/shop/orders/5/missing/", "/shop/orders/<int:id>/missing/", 404),
        ("/shop/archive/2026/tea/", "/shop/archive/<year>/<var>/", 200),
        ("/nothing/here/", "_UNMATCHED", 404),
        ("/forbidden/", "/forbidden/", 403),
        ("/boom/", "/boom/", 500),
        ("/async-boom/", "/async-boom/", 500),
    ],
)
def test_routes_are_named_by_their_template(
    sink: Sink, start: Start, get: Get, url: str, endpoint: str, status: int
) -> None:
    start(auto_instrument=["django"])
    assert get(url) == status
    assert seen(sink) == [("GET", endpoint, status)]


@pytest.mark.parametrize("url", ["/boom/", "/async-boom/"])
def test_exceptions_are_named_although_django_answers_for_them(sink: Sink, start: Start, get: Get, url: str) -> None:
    start(auto_instrument=["django"])
    assert get(url) == 500
    vantage_agent.flush()
    (span,) = sink.spans()
    assert (span["status"], span["attributes"]["error.type"]) == ("error", "Boom")


def test_exceptions_of_middleware_are_named(sink: Sink, start: Start, get: Get) -> None:
    start(auto_instrument=["django"])
    assert get("/shop/orders/5/", **{"X-Break": "1"}) == 500
    assert seen(sink) == [("GET", "_UNMATCHED", 500)]
    assert sink.spans()[0]["attributes"]["error.type"] == "Boom"


def test_a_missing_page_is_no_exception(sink: Sink, start: Start, get: Get) -> None:
    start(auto_instrument=["django"])
    assert get("/shop/orders/5/missing/") == 404
    vantage_agent.flush()
    (span,) = sink.spans()
    assert span["status"] == "ok"
    assert "error.type" not in span["attributes"]


def test_the_test_client_still_raises_what_the_view_raised(start: Start) -> None:
    start(auto_instrument=["django"])
    with pytest.raises(Boom, match="sync"):
        django.test.Client().get("/boom/")


def test_the_next_request_does_not_inherit_an_exception(sink: Sink, start: Start, get: Get) -> None:
    start(auto_instrument=["django"])
    get("/boom/")
    get("/")
    vantage_agent.flush()
    assert [span["attributes"].get("error.type") for span in sink.spans() if span["name"] == "GET /"] == [None]


@pytest.mark.parametrize("url", ["/stream/", "/async-stream/"])
@pytest.mark.parametrize("get", [get_through_wsgi, get_through_asgi])
def test_the_body_of_a_stream_counts_into_the_duration(sink: Sink, start: Start, get: Get, url: str) -> None:
    start(auto_instrument=["django"])
    assert get(url) == 200
    assert seen(sink) == [("GET", url, 200)]
    assert 290 < sink.requests()[0]["duration_ms"] < 10_000


def test_the_callers_trace_is_continued_behind_wsgi(sink: Sink, start: Start, incoming: Incoming) -> None:
    start(auto_instrument=["django"])
    werkzeug.test.Client(get_wsgi_application()).get("/", headers=incoming.headers)
    vantage_agent.flush()
    incoming.assert_continued_by(sink.spans()[0])


async def test_the_callers_trace_is_continued_behind_asgi(sink: Sink, start: Start, incoming: Incoming) -> None:
    start(auto_instrument=["django"])
    async with asgi_client() as client:
        await client.get("/", headers=incoming.headers)
    vantage_agent.flush()
    incoming.assert_continued_by(sink.spans()[0])


@pytest.mark.parametrize("url", ["/traces/", "/async-traces/"])
@pytest.mark.parametrize("behind", ["wsgi", "asgi"])
def test_the_trace_goes_along_into_threads_and_tasks(sink: Sink, start: Start, url: str, behind: str) -> None:
    start(auto_instrument=["django"])
    if behind == "wsgi":
        body = werkzeug.test.Client(get_wsgi_application()).get(url).text
    else:

        async def get() -> httpx.Response:
            async with asgi_client() as client:
                return await client.get(url)

        body = asyncio.run(get()).text
    vantage_agent.flush()
    assert set(body.split()) == {sink.spans()[0]["trace_id"]}
    assert CURRENT.get() is None


def test_secrets_stay_in_the_process(sink: Sink, start: Start, get: Get, secrets: Secrets) -> None:
    start(auto_instrument=["django"])
    for url in ("/boom/", "/nothing/", "/shop/orders/5/missing/", "/"):
        get(url + secrets.query, **secrets.headers)
    assert len(seen(sink)) == 4
    secrets.assert_kept_from(sink)


@pytest.mark.parametrize("factory", [get_wsgi_application, get_asgi_application])
def test_an_application_built_before_the_agent_is_instrumented(
    sink: Sink, start: Start, factory: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = factory()
    name = "get_wsgi_application" if factory is get_wsgi_application else "get_asgi_application"
    monkeypatch.setitem(globals(), name, lambda: app)
    start(auto_instrument=["django"])
    (get_through_wsgi if factory is get_wsgi_application else get_through_asgi)("/")
    assert seen(sink) == [("GET", "/", 200)]
    vantage_agent.shutdown()
    (get_through_wsgi if "wsgi" in name else get_through_asgi)("/")
    assert len(sink.requests()) == 1


def test_shutdown_puts_everything_back(start: Start) -> None:
    from django.core.handlers.base import BaseHandler
    from django.core.signals import got_request_exception

    before = (BaseHandler.get_response, BaseHandler.get_response_async, len(got_request_exception.receivers))
    start(auto_instrument=["django"])
    assert BaseHandler.get_response is not before[0]
    assert asyncio.iscoroutinefunction(BaseHandler.get_response_async)
    vantage_agent.shutdown()
    assert (
        BaseHandler.get_response,
        BaseHandler.get_response_async,
        len(got_request_exception.receivers),
    ) == before


def test_mounted_in_an_asgi_app_it_is_counted_once(sink: Sink, start: Start) -> None:
    from starlette.applications import Starlette
    from starlette.routing import Mount
    from starlette.testclient import TestClient

    start(auto_instrument=["django", "fastapi"])
    app = Starlette(routes=[Mount("/django", app=get_asgi_application())])
    assert TestClient(app).get("/django/shop/orders/5/").status_code == 200
    assert seen(sink) == [("GET", "/django/{path}", 200)]


@pytest.fixture
def uvicorn_port() -> Iterator[int]:
    server = uvicorn.Server(uvicorn.Config(get_asgi_application(), port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(10)


@pytest.mark.skipif(django.VERSION < (5,), reason="Django watches for disconnects since 5.0")
def test_a_client_that_goes_away_leaves_a_499(sink: Sink, start: Start, uvicorn_port: int) -> None:
    start(auto_instrument=["django"])
    started.clear()
    left.clear()
    with socket.create_connection(("127.0.0.1", uvicorn_port)) as client:
        client.sendall(b"GET /patient/ HTTP/1.1\r\nHost: x\r\n\r\n")
        assert started.wait(10)
    assert left.wait(10)
    sink.wait_for(lambda: bool(vantage_agent.flush() and sink.requests()))
    assert seen(sink) == [("GET", "/patient/", 499)]
    assert sink.spans()[0]["status"] == "ok"


@pytest.mark.parametrize(
    ("route", "template"),
    [
        ("", "/"),
        ("shop/<int:id>/", "/shop/<int:id>/"),
        ("/leading/", "/leading/"),
        (r"^a/(?P<year>[0-9]{4})/$", "/a/<year>/"),
        (r"shop/(?:page-(?P<page>\d+)/)?$", "/shop/page-<page>/"),
        (r"^(?P<path>(a|b(c))/.*)\Z", "/<path>"),
        (r"^file\.(\w+)$", "/file.<var>"),
        (r"^f\((?P<x>.)\)$", "/f(<x>)"),
        (None, None),
    ],
)
def test_routes_are_spelt_for_readers(route: str, template: str) -> None:
    assert route_template(route) == template


SITE = """
    import sys
    from django.conf import settings
    from django.core.management import execute_from_command_line
    from django.http import HttpResponse
    from django.urls import path

    settings.configure(ROOT_URLCONF=__name__, SECRET_KEY="x", DEBUG=True, ALLOWED_HOSTS=["*"], INSTALLED_APPS=[])
    urlpatterns = [path("things/<int:id>/", lambda request, id: HttpResponse("x"))]

    if __name__ == "__main__":
        execute_from_command_line(sys.argv)
"""


@pytest.mark.parametrize("options", [[], ["--noreload"]])
def test_runserver_works_under_vantage_run(sink: Sink, tmp_path: Path, options: List[str]) -> None:
    (tmp_path / "manage.py").write_text(textwrap.dedent(SITE))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env: Dict[str, str] = {**os.environ, "VANTAGE_AGENT_FLUSH_INTERVAL": "0.1"}
    launcher = [sys.executable, "-m", "vantage_agent.launcher", "--service-name=site", f"--collector-url={sink.url}"]
    command = [*launcher, sys.executable, "manage.py", "runserver", f"127.0.0.1:{port}", *options]
    with subprocess.Popen(
        command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        try:
            answer = when_up(f"http://127.0.0.1:{port}/things/5/")
            sink.wait_for(lambda: bool(sink.requests()))
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            output = process.communicate(timeout=20)[0].decode()
    assert answer.status_code == 200, output
    assert {item["endpoint"] for item in sink.requests()} == {"/things/<int:id>/"}
    assert not re.search("Traceback|vantage", output), output


def when_up(url: str) -> httpx.Response:
    """The answer of a server that is about to start."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return httpx.get(url)
        except httpx.TransportError:
            assert time.monotonic() < deadline, "the server does not come up"
            threading.Event().wait(0.05)
