"""aiohttp's server behind its runner and its gunicorn worker: names, statuses, exceptions, streams, context."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, AsyncIterator, Callable, Dict, List, Tuple

import aiohttp
import aiohttp.web_protocol
import httpx
import pytest
import vantage_agent
from aiohttp import web
from vantage_agent.context import CURRENT

if TYPE_CHECKING:
    from tests.conftest import Incoming, Secrets, Sink

Start = Callable[..., None]
pytestmark = pytest.mark.filterwarnings("ignore")


class Boom(Exception):
    pass


async def page(request: web.Request) -> web.Response:
    return web.Response(text="x", status=int(request.query.get("status", 200)))


async def raises_http(request: web.Request) -> web.Response:
    raise web.HTTPForbidden if request.match_info["kind"] == "mine" else web.HTTPFound("/")


async def boom(request: web.Request) -> web.Response:
    raise Boom("x")


async def slow(request: web.Request) -> web.Response:
    raise asyncio.TimeoutError


async def no_answer(request: web.Request) -> Any:
    return None


async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(3):
        await asyncio.sleep(0.1)
        await response.write(b"x")
    return response


def trace_here() -> str:
    span = CURRENT.get()
    return "none" if span is None else f"{span.trace_id:032x}"


async def traces(request: web.Request) -> web.Response:
    async def task() -> str:
        return trace_here()

    here = [trace_here(), await asyncio.create_task(task()), await asyncio.to_thread(trace_here)]
    with ThreadPoolExecutor() as pool:
        return web.Response(text=" ".join([*here, pool.submit(trace_here).result()]))


async def socket_page(request: web.Request) -> web.WebSocketResponse:
    answer = web.WebSocketResponse()
    await answer.prepare(request)
    async for message in answer:
        await answer.send_str(f"{message.data} {trace_here()}")
    return answer


@web.middleware
async def breaks_on_demand(request: web.Request, handler: Any) -> Any:
    if "X-Break" in request.headers:
        raise Boom("middleware")
    return await handler(request)


def application() -> web.Application:
    app = web.Application(middlewares=[breaks_on_demand])
    deep, deeper = web.Application(), web.Application()
    deeper.add_routes([web.get("/items/{item}", page)])
    deep.add_routes([web.get("/things/{id:[0-9]+}", page)])
    deep.add_subapp("/deeper", deeper)
    app.add_subapp("/deep", deep)
    app.add_routes([
        web.get("/", page),
        web.get("/things/{id}", page),
        web.get("/http/{kind}", raises_http),
        web.get("/boom/{name}", boom),
        web.get("/slow", slow),
        web.get("/no-answer", no_answer),
        web.get("/stream", stream),
        web.get("/traces", traces),
        web.get("/socket", socket_page),
        web.static("/static", Path(__file__).parent),
    ])  # fmt: skip
    return app


@asynccontextmanager
async def running(app: web.Application, **options: Any) -> AsyncIterator[str]:
    """Serve `app`; gives its URL."""
    runner = web.AppRunner(app, **options)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield "http://127.0.0.1:%d" % runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def answer_of(path: str, headers: Any = None) -> httpx.Response:
    async with running(application()) as url, httpx.AsyncClient() as client:
        return await client.get(url + path, headers=headers)


@pytest.mark.parametrize(
    "sent", [b"GET1 / HTTP/1.1\r\n\r\n", b"GET / HTTP/9\r\n\r\n", b"GET / HTTP/1.1\r\na:%s\r\n\r\n"]
)
async def test_a_request_that_cannot_be_read_is_answered_by_aiohttp(start: Start, sent: bytes) -> None:
    start(auto_instrument=["aiohttp"])
    async with running(application()) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(sent.replace(b"%s", b"x" * 100_000))
        status = await reader.readline()
        writer.close()
    assert status.startswith(b"HTTP/1.0 400") or status.startswith(b"HTTP/1.1 400")


def seen(sink: Sink) -> List[Tuple[str, str, int]]:
    vantage_agent.flush()
    return sorted((item["method"], item["endpoint"], item["status_code"]) for item in sink.requests())


@pytest.mark.parametrize(
    ("path", "endpoint", "status", "error"),
    [
        ("/", "/", 200, None),
        ("/things/5", "/things/{id}", 200, None),
        ("/things/5?status=404", "/things/{id}", 404, None),
        ("/things/5?status=503", "/things/{id}", 503, None),
        ("/deep/things/5", "/deep/things/{id}", 200, None),
        ("/deep/things/word", "_UNMATCHED", 404, None),
        ("/deep/deeper/items/tea", "/deep/deeper/items/{item}", 200, None),
        ("/nothing/here", "_UNMATCHED", 404, None),
        ("/http/mine", "/http/{kind}", 403, None),
        ("/http/found", "/http/{kind}", 302, None),
        ("/static/conftest.py", "/static", 200, None),
        ("/static/missing", "/static", 404, None),
        ("/boom/a", "/boom/{name}", 500, "Boom"),
        ("/slow", "/slow", 504, "TimeoutError"),
        ("/no-answer", "/no-answer", 500, None),
    ],
)
async def test_routes_are_named_by_their_canonical_resource(
    sink: Sink, start: Start, path: str, endpoint: str, status: int, error: str
) -> None:
    start(auto_instrument=["aiohttp"])
    assert (await answer_of(path)).status_code == status
    assert seen(sink) == [("GET", endpoint, status)]
    assert sink.spans()[0]["attributes"].get("error.type") == error
    assert sink.spans()[0]["status"] == ("error" if status >= 500 else "ok")


async def test_methods_without_a_route_are_unmatched(sink: Sink, start: Start) -> None:
    start(auto_instrument=["aiohttp"])
    async with running(application()) as url, httpx.AsyncClient() as client:
        assert (await client.head(url + "/things/5")).status_code == 200
        assert (await client.post(url + "/things/5")).status_code == 405
        assert (await client.options(url + "/things/5")).status_code == 405
    assert seen(sink) == [
        ("HEAD", "/things/{id}", 200), ("OPTIONS", "_UNMATCHED", 405), ("POST", "_UNMATCHED", 405),
    ]  # fmt: skip


async def test_exceptions_of_middleware_are_named(sink: Sink, start: Start) -> None:
    start(auto_instrument=["aiohttp"])
    assert (await answer_of("/things/5", {"X-Break": "1"})).status_code == 500
    assert seen(sink) == [("GET", "/things/{id}", 500)]
    assert sink.spans()[0]["attributes"]["error.type"] == "Boom"


async def test_the_body_of_a_stream_counts_into_the_duration(sink: Sink, start: Start) -> None:
    start(auto_instrument=["aiohttp"])
    assert (await answer_of("/stream")).text == "xxx"
    assert seen(sink) == [("GET", "/stream", 200)]
    assert 290 < sink.requests()[0]["duration_ms"] < 10_000


async def test_a_cancelled_handler_leaves_a_499(sink: Sink, start: Start) -> None:
    start(auto_instrument=["aiohttp"])
    entered, left = asyncio.Event(), asyncio.Event()

    async def patient(request: web.Request) -> web.Response:
        entered.set()
        try:
            await asyncio.sleep(30)
        finally:
            left.set()
        return web.Response()

    app = web.Application()
    app.add_routes([web.get("/patient", patient)])
    async with running(app, handler_cancellation=True) as url:
        _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(b"GET /patient HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(entered.wait(), 10)
        writer.close()
        await asyncio.wait_for(left.wait(), 10)
    assert seen(sink) == [("GET", "/patient", 499)]
    assert sink.spans()[0]["status"] == "ok"


async def test_websockets_are_left_alone(sink: Sink, start: Start) -> None:
    start(auto_instrument=["aiohttp"])
    async with running(application()) as url, aiohttp.ClientSession() as session:
        connection = await session.ws_connect(url + "/socket")
        await connection.send_str("hello")
        assert await connection.receive_str(timeout=10) == "hello none"
        await connection.close()
    assert seen(sink) == []


async def test_the_callers_trace_is_continued(sink: Sink, start: Start, incoming: Incoming) -> None:
    start(auto_instrument=["aiohttp"])
    await answer_of("/", incoming.headers)
    vantage_agent.flush()
    incoming.assert_continued_by(sink.spans()[0])


async def test_the_trace_goes_along_into_threads_and_tasks(sink: Sink, start: Start) -> None:
    start(auto_instrument=["aiohttp"])
    body = (await answer_of("/traces")).text
    vantage_agent.flush()
    assert set(body.split()) == {sink.spans()[0]["trace_id"]}


async def test_requests_of_one_connection_have_traces_of_their_own(sink: Sink, start: Start) -> None:
    start(auto_instrument=["aiohttp"])
    async with running(application()) as url, httpx.AsyncClient() as client:
        answers = {(await client.get(url + "/traces")).text for _ in range(3)}
    assert len(answers) == 3
    assert set(seen(sink)) == {("GET", "/traces", 200)}
    assert sum(item["count"] for item in sink.requests()) == 3


async def test_secrets_stay_in_the_process(sink: Sink, start: Start, secrets: Secrets) -> None:
    start(auto_instrument=["aiohttp"])
    for path in ("/boom/a", "/nothing", "/things/5"):
        await answer_of(path + secrets.query, secrets.headers)
    assert len(seen(sink)) == 3
    secrets.assert_kept_from(sink)


async def test_a_server_that_runs_already_is_instrumented_and_let_go_again(sink: Sink, start: Start) -> None:
    async with running(application()) as url, httpx.AsyncClient() as client:
        await client.get(url + "/things/1")
        start(auto_instrument=["aiohttp"])
        await client.get(url + "/things/2")
        vantage_agent.shutdown()
        await client.get(url + "/things/3")
    assert sum(item["count"] for item in sink.requests()) == 1


def test_shutdown_puts_everything_back(start: Start) -> None:
    handler: Any = aiohttp.web_protocol.RequestHandler
    before = (handler._handle_request, handler.handle_error)
    start(auto_instrument=["aiohttp"])
    assert handler._handle_request is not before[0]
    assert asyncio.iscoroutinefunction(handler._handle_request)
    vantage_agent.shutdown()
    assert (handler._handle_request, handler.handle_error) == before


SITE = """
    from aiohttp import web

    async def thing(request):
        return web.Response(text="x")

    async def app():
        app = web.Application()
        app.add_routes([web.get("/things/{id}", thing)])
        return app
"""


def test_the_gunicorn_worker_works_under_vantage_run(sink: Sink, tmp_path: Path) -> None:
    (tmp_path / "site_of_things.py").write_text(textwrap.dedent(SITE))
    env: Dict[str, str] = {**os.environ, "VANTAGE_AGENT_FLUSH_INTERVAL": "0.1"}
    launcher = [sys.executable, "-m", "vantage_agent.launcher", "--service-name=site", f"--collector-url={sink.url}"]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        gunicorn = [sys.executable, "-m", "gunicorn", "-w", "2", "-k", "aiohttp.GunicornWebWorker"]
        bind = ["--bind", f"fd://{listener.fileno()}", "site_of_things:app"]
        with subprocess.Popen(
            [*launcher, *gunicorn, *bind], cwd=tmp_path, env=env, pass_fds=[listener.fileno()],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as process:  # fmt: skip
            try:
                port = listener.getsockname()[1]
                answers = [httpx.get(f"http://127.0.0.1:{port}/things/{n}", timeout=30) for n in range(10)]
                sink.wait_for(lambda: sum(item["count"] for item in sink.requests()) == 10)
            finally:
                process.send_signal(signal.SIGTERM)
                output = process.communicate(timeout=20)[0].decode()
    assert [answer.status_code for answer in answers] == [200] * 10, output
    assert {item["endpoint"] for item in sink.requests()} == {"/things/{id}"}
    assert "Traceback" not in output, output
