"""Flask and FastAPI behind their real servers and test clients: names, statuses, errors, callers."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, AsyncIterator, Callable, Iterator, List, Tuple

import flask
import httpx
import pytest
import uvicorn
import vantage_agent
import werkzeug.serving
from fastapi import APIRouter, BackgroundTasks, FastAPI, HTTPException, WebSocket
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient
from vantage_agent.context import CURRENT

if TYPE_CHECKING:
    from tests.conftest import Incoming, Secrets, Sink

Start = Callable[..., None]
pytestmark = pytest.mark.filterwarnings("ignore")


class Boom(Exception):
    pass


def trace_here() -> str:
    span = CURRENT.get()
    return "none" if span is None else f"{span.trace_id:032x}"


def flask_app() -> flask.Flask:
    app = flask.Flask("inventory")
    blueprint = flask.Blueprint("stock", __name__, url_prefix="/stock")

    @blueprint.get("/<int:sku>")
    def stock(sku: int) -> Tuple[str, int]:
        return "x", 404 if sku == 404 else 200

    @app.get("/boom/<name>")
    def boom(name: str) -> str:
        raise Boom(name)

    @app.get("/threads")
    def threads() -> str:
        with ThreadPoolExecutor() as pool:
            return f"{trace_here()} {pool.submit(trace_here).result()}"

    @app.get("/stream")
    def stream() -> flask.Response:
        return flask.Response(str(number) for number in range(3))

    app.register_blueprint(blueprint, url_prefix="/v1/stock")
    return app


def fastapi_app() -> FastAPI:
    app = FastAPI()
    items, outer = APIRouter(prefix="/items"), APIRouter(prefix="/outer")

    @items.get("/{item}")
    async def item(item: int) -> int:
        if item == 404:
            raise HTTPException(404)
        return item

    @app.get("/boom/{name}")
    async def boom(name: str) -> None:
        raise Boom(name)

    @app.get("/later")
    async def later(tasks: BackgroundTasks) -> str:
        tasks.add_task(threading.Event().wait, 0.3)
        return "x"

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def body() -> AsyncIterator[bytes]:
            for _ in range(3):
                await asyncio.sleep(0.1)
                yield b"x"

        return StreamingResponse(body())

    @app.get("/traces")
    async def traces() -> List[str]:
        async def task() -> str:
            return trace_here()

        here = [trace_here(), await asyncio.create_task(task()), await asyncio.to_thread(trace_here)]
        return [*here, await asyncio.get_running_loop().run_in_executor(None, trace_here)]

    @app.get("/threads")
    def threads() -> List[str]:
        with ThreadPoolExecutor() as pool:
            return [trace_here(), pool.submit(trace_here).result()]

    async def plain(request: Any) -> PlainTextResponse:
        return PlainTextResponse("x")

    from starlette.middleware.wsgi import WSGIMiddleware  # warns when imported: a2wsgi is to take its place

    app.add_route("/plain/{name}", plain)
    app.add_route("/plainer/{name}", plain)
    app.mount("/wsgi", WSGIMiddleware(flask_app()))
    by_host, nested = FastAPI(), APIRouter(prefix="/nested/{level}")
    by_host.include_router(items)
    app.host("items.example", by_host)
    nested.include_router(items, prefix="/{shelf}")
    app.include_router(nested, prefix="/in")
    outer.include_router(items)
    app.include_router(items, prefix="/api")
    app.include_router(outer)
    sub, below = FastAPI(), FastAPI()
    sub.include_router(items, prefix="/v")
    below.include_router(items)
    sub.mount("/deep/{level}", below)
    app.mount("/sub", sub)
    app.mount("/tenants/{tenant}", sub)
    app.mount("/static", StaticFiles(directory=str(__file__).rpartition("/")[0]))
    return app


def seen(sink: Sink) -> List[Tuple[str, str, int]]:
    vantage_agent.flush()
    return sorted((item["method"], item["endpoint"], item["status_code"]) for item in sink.requests())


@pytest.mark.parametrize(
    ("path", "endpoint", "status"),
    [
        ("/v1/stock/5", "/v1/stock/<int:sku>", 200),
        ("/v1/stock/404", "/v1/stock/<int:sku>", 404),
        ("/boom/a", "/boom/<name>", 500),
        ("/stream", "/stream", 200),
        ("/nothing/here", "_UNMATCHED", 404),
    ],
)
def test_flask_routes_are_named_by_their_rule(sink: Sink, start: Start, path: str, endpoint: str, status: int) -> None:
    start()
    assert flask_app().test_client().get(path + "?secret=1").status_code == status
    assert seen(sink) == [("GET", endpoint, status)]


class CopiesTheScope:
    """Middleware that hands on a copy of the scope, as some do."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(dict(scope), receive, send)


@pytest.mark.parametrize("copied", [False, True])
@pytest.mark.parametrize(
    ("path", "endpoint", "status"),
    [
        ("/api/items/5", "/api/items/{item}", 200),
        ("/outer/items/5", "/outer/items/{item}", 200),
        ("/api/items/404", "/api/items/{item}", 404),
        ("/api/items/word", "/api/items/{item}", 422),
        ("/sub/v/items/5", "/sub/v/items/{item}", 200),
        ("/tenants/acme/v/items/5", "/tenants/{tenant}/v/items/{item}", 200),
        ("/tenants/5/deep/6/items/7", "/tenants/{tenant}/deep/{level}/items/{item}", 200),
        ("/sub/nothing", "_UNMATCHED", 404),
        ("/nothing/here", "_UNMATCHED", 404),
        ("/in/nested/1/top/items/5", "/in/nested/{level}/{shelf}/items/{item}", 200),
        ("/plain/x", "/plain/{name}", 200),
        ("/plainer/x", "/plainer/{name}", 200),
        ("/docs", "/docs", 200),
        ("/sub/docs", "/sub/docs", 200),
        ("/wsgi/v1/stock/5", "/wsgi/{path}", 200),
        ("/wsgi/nothing", "/wsgi/{path}", 404),
        ("/api/items/5/", "_UNMATCHED", 307),
        ("http://items.example/items/5", "/items/{item}", 200),
        ("http://items.example/nothing", "_UNMATCHED", 404),
        ("/static/conftest.py", "/static/{path}", 200),
        ("/static/missing", "/static/{path}", 404),
        ("/boom/a", "/boom/{name}", 500),
    ],
)
def test_fastapi_routes_are_named_by_their_template(
    sink: Sink, start: Start, path: str, endpoint: str, status: int, copied: bool
) -> None:
    start()
    app = fastapi_app()
    if copied:
        app.add_middleware(CopiesTheScope)
    client = TestClient(app, raise_server_exceptions=False, follow_redirects=False)
    assert client.get(path + "?secret=1").status_code == status
    assert seen(sink) == [("GET", endpoint, status)]


young = pytest.mark.skipif(not hasattr(FastAPI, "frontend"), reason="FastAPI has learnt it later")


@young
def test_a_mount_in_an_included_router_keeps_the_prefix(sink: Sink, start: Start) -> None:
    start()
    app, below, router = FastAPI(), FastAPI(), APIRouter()
    below.add_api_route("/items/{item}", lambda item: item)
    router.mount("/mounted", below)
    app.include_router(router, prefix="/in/{shelf}")
    assert TestClient(app).get("/in/top/mounted/items/5").status_code == 200
    assert seen(sink) == [("GET", "/in/{shelf}/mounted/items/{item}", 200)]


@young
@pytest.mark.parametrize(("name", "status"), [("conftest.py", 200), ("missing", 404)])
def test_the_files_of_a_frontend_share_a_name(sink: Sink, start: Start, name: str, status: int) -> None:
    start()
    app, below = FastAPI(), FastAPI()
    for each in (app, below):
        each.frontend("/files", directory=str(Path(__file__).parent))
    app.mount("/of/{tenant}", below)
    for prefix in ("/files/", "/of/acme/files/"):
        assert TestClient(app).get(prefix + name).status_code == status
    assert seen(sink) == [("GET", "/files/{path}", status), ("GET", "/of/{tenant}/files/{path}", status)]


@pytest.mark.parametrize(
    ("method", "path", "endpoint", "status"),
    [
        ("HEAD", "/api/items/5", "/api/items/{item}", 405),
        ("OPTIONS", "/api/items/5", "/api/items/{item}", 405),
        ("DELETE", "/sub/v/items/5", "/sub/v/items/{item}", 405),
        ("HEAD", "/plain/x", "/plain/{name}", 200),
        ("POST", "/plain/x", "/plain/{name}", 405),
    ],
)
def test_fastapi_names_other_methods_by_their_route_too(
    sink: Sink, start: Start, method: str, path: str, endpoint: str, status: int
) -> None:
    start()
    assert TestClient(fastapi_app()).request(method, path).status_code == status
    assert seen(sink) == [(method, endpoint, status)]


@pytest.mark.parametrize(
    ("method", "endpoint", "status"),
    [("HEAD", "/v1/stock/<int:sku>", 200), ("OPTIONS", "/v1/stock/<int:sku>", 200), ("DELETE", "_UNMATCHED", 405)],
)
def test_flask_has_no_rule_for_methods_it_refuses(
    sink: Sink, start: Start, method: str, endpoint: str, status: int
) -> None:
    start()
    assert flask_app().test_client().open("/v1/stock/5", method=method).status_code == status
    assert seen(sink) == [(method, endpoint, status)]


def test_a_route_without_a_template_breaks_nothing(sink: Sink, start: Start) -> None:
    class Strange(Route):
        @property
        def path_format(self) -> str:
            raise Boom("path_format")

        @path_format.setter
        def path_format(self, value: str) -> None:
            pass

    async def page(request: Any) -> PlainTextResponse:
        return PlainTextResponse("x")

    start()
    assert TestClient(Starlette(routes=[Strange("/a", page)])).get("/a").text == "x"
    assert seen(sink) == [("GET", "_UNMATCHED", 200)]


class Breaks:
    """Middleware with a fault."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            raise Boom("middleware")
        await self.app(scope, receive, send)


class HandsOn(BaseHTTPMiddleware):
    """Middleware that runs the app in a task of its own."""

    async def dispatch(self, request: Any, call_next: Any) -> Any:
        return await call_next(request)


def test_exceptions_of_middleware_are_named(sink: Sink, start: Start) -> None:
    start()
    app = fastapi_app()
    app.add_middleware(Breaks)
    app.add_middleware(HandsOn)
    assert TestClient(app, raise_server_exceptions=False).get("/api/items/5").status_code == 500
    assert seen(sink) == [("GET", "_UNMATCHED", 500)]
    assert sink.spans()[0]["attributes"]["error.type"] == "Boom"


def test_through_middleware_with_tasks_everything_stays_the_same(sink: Sink, start: Start) -> None:
    start()
    app = fastapi_app()
    app.add_middleware(HandsOn)
    client = TestClient(app, raise_server_exceptions=False)
    for path in ("/sub/v/items/5", "/boom/a", "/traces"):
        client.get(path)
    assert seen(sink) == [("GET", "/boom/{name}", 500), ("GET", "/sub/v/items/{item}", 200), ("GET", "/traces", 200)]
    assert [span["attributes"]["error.type"] for span in sink.spans() if span["status"] == "error"] == ["Boom"]


def test_the_body_of_a_stream_counts_into_the_duration(sink: Sink, start: Start) -> None:
    start()
    assert TestClient(fastapi_app()).get("/stream").text == "xxx"
    vantage_agent.flush()
    assert 290 < sink.requests()[0]["duration_ms"] < 10_000


@pytest.mark.parametrize("path", ["/traces", "/threads"])
def test_fastapis_trace_goes_along_into_threads_and_tasks(sink: Sink, start: Start, path: str) -> None:
    start(auto_instrument=["fastapi"])
    traces = TestClient(fastapi_app()).get(path).json()
    vantage_agent.flush()
    assert set(traces) == {sink.spans()[0]["trace_id"]}


def test_flasks_trace_goes_along_into_threads(sink: Sink, start: Start) -> None:
    start(auto_instrument=["flask"])
    traces = flask_app().test_client().get("/threads").text
    vantage_agent.flush()
    assert set(traces.split()) == {sink.spans()[0]["trace_id"]}


def test_fastapi_continues_the_callers_trace(sink: Sink, start: Start, incoming: Incoming) -> None:
    start(auto_instrument=["fastapi"])
    TestClient(fastapi_app()).get("/api/items/5", headers=incoming.headers)
    vantage_agent.flush()
    incoming.assert_continued_by(sink.spans()[0])


def test_flask_continues_the_callers_trace(sink: Sink, start: Start, incoming: Incoming) -> None:
    start(auto_instrument=["flask"])
    flask_app().test_client().get("/v1/stock/5", headers=incoming.headers)
    vantage_agent.flush()
    incoming.assert_continued_by(sink.spans()[0])


def test_websockets_work_and_are_not_counted(sink: Sink, start: Start) -> None:
    start(auto_instrument=["fastapi"])
    app = FastAPI()

    @app.websocket("/socket")
    async def socket(connection: WebSocket) -> None:
        await connection.accept()
        await connection.send_text(trace_here())
        await connection.close()

    with TestClient(app).websocket_connect("/socket") as connection:
        assert connection.receive_text() == "none"
    assert seen(sink) == []


def test_secrets_stay_in_the_process(sink: Sink, start: Start, secrets: Secrets) -> None:
    start()
    client = TestClient(fastapi_app(), raise_server_exceptions=False)
    for path in ("/boom/a", "/nothing", "/api/items/5", "/api/items/word"):
        client.get(path + secrets.query, headers=secrets.headers)
    for path in ("/boom/a", "/nothing", "/v1/stock/5", "/stream"):
        flask_app().test_client().get(path + secrets.query, headers=secrets.headers)
    assert len(seen(sink)) == 8
    secrets.assert_kept_from(sink)


def test_plain_starlette_with_mounts(sink: Sink, start: Start) -> None:
    start()

    async def page(request: Any) -> PlainTextResponse:
        return PlainTextResponse("x")

    app = Starlette(routes=[Mount("/a", routes=[Route("/b/{c}", page), Mount("/d", app=Starlette())])])
    client = TestClient(app)
    for path in ("/a/b/1", "/a/d/x", "/a/x", "/x"):
        client.get(path)
    assert {endpoint for _, endpoint, _ in seen(sink)} == {"/a/b/{c}", "_UNMATCHED"}


def test_exceptions_pass_unchanged_and_are_named(sink: Sink, start: Start) -> None:
    start()
    with pytest.raises(Boom, match="asgi"):
        TestClient(fastapi_app()).get("/boom/asgi")
    app = flask_app()
    app.testing = True
    with pytest.raises(Boom, match="wsgi"):
        app.test_client().get("/boom/wsgi")
    app.testing = False
    assert app.test_client().get("/boom/handled").status_code == 500
    vantage_agent.flush()
    assert [(span["status"], span["attributes"]["error.type"]) for span in sink.spans()] == [("error", "Boom")] * 3
    assert sum(item["count"] for item in sink.requests() if item["status_code"] == 500) == 3


def test_background_tasks_do_not_count_into_the_duration(sink: Sink, start: Start) -> None:
    start()
    TestClient(fastapi_app()).get("/later")
    vantage_agent.flush()
    assert sink.requests()[0]["duration_ms"] < 290


def test_a_span_says_what_the_request_was(sink: Sink, start: Start) -> None:
    start(environment="test", version="1.2", tags={"namespace": "shop"})
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    headers = {"traceparent": f"00-{trace}-{parent}-01", "tracestate": "x=1,vantage=storefront"}
    TestClient(fastapi_app()).post("/api/items/7", headers=headers)
    vantage_agent.flush()
    (span,), (item,) = sink.spans(), sink.requests()
    assert (span["trace_id"], span["parent_span_id"], span["caller"]) == (trace, parent, "storefront")
    assert (span["kind"], span["name"], span["status"]) == ("server", "POST /api/items/{item}", "ok")
    assert span["attributes"] == {
        "http.request.method": "POST",
        "http.route": "/api/items/{item}",
        "http.response.status_code": 405,
    }
    assert (item["trace_id"], item["span_id"]) == (trace, span["span_id"])
    assert item["tags"] == {"caller": "storefront", "namespace": "shop", "version": "1.2"}
    assert item["value"] == item["duration_ms"] == pytest.approx(span["duration_ms"])


def test_an_unsampled_request_is_counted_without_exemplar(sink: Sink, start: Start) -> None:
    start(sample_rate=0.0)
    TestClient(fastapi_app()).get("/api/items/7")
    vantage_agent.flush()
    assert [item["count"] for item in sink.requests()] == [1]
    assert "trace_id" not in sink.requests()[0]
    assert sink.spans() == []


def test_strange_methods_share_one_name(sink: Sink, start: Start) -> None:
    start()
    client = TestClient(fastapi_app())
    for method in ("BREW", "SCAN"):
        client.request(method, "/api/items/7")
    assert {method for method, _, _ in seen(sink)} == {"_OTHER"}


@pytest.fixture
def uvicorn_url() -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(fastapi_app(), port=0, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    yield "http://127.0.0.1:%d" % server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def werkzeug_url() -> Iterator[str]:
    server = werkzeug.serving.make_server("127.0.0.1", 0, flask_app(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(10)


def test_under_real_servers_every_request_is_counted_once(
    sink: Sink, start: Start, uvicorn_url: str, werkzeug_url: str
) -> None:
    start(auto_instrument=["flask", "fastapi"])
    with httpx.Client() as client:
        for number in range(20):
            client.get(f"{uvicorn_url}/api/items/{number}")
            client.get(f"{werkzeug_url}/v1/stock/{number}")
    sink.wait_for(lambda: bool(vantage_agent.flush()) and sum(item["count"] for item in sink.requests()) == 40)
    assert {item["endpoint"] for item in sink.requests()} == {"/api/items/{item}", "/v1/stock/<int:sku>"}
