"""Every request is counted once: by us, or by OpenTelemetry's instrumentation, in whatever order things start.

OpenTelemetry's instrumentors replace classes for good, so every case is a process of its own.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import textwrap
from importlib.util import find_spec
from typing import TYPE_CHECKING, Dict, List, Tuple

import pytest

if TYPE_CHECKING:
    from tests.conftest import Sink

HEAD = """
    import json, sys, logging
    import vantage_agent
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)

    def ours():
        vantage_agent.init_agent(service_name="shop", collector_url=sys.argv[1], flush_interval=600,
                                 auto_instrument=["flask", "fastapi", "django", "aiohttp"])

    def over_asgi(app):
        import asyncio, httpx
        async def get():
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://x") as client:
                return (await client.get("/things/5")).status_code
        return asyncio.run(get())

    def over_wsgi(app):
        import werkzeug.test
        with werkzeug.test.Client(app).get("/things/5") as response:
            return response.status_code

    def outside_asgi():
        from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
        return OpenTelemetryMiddleware

    def outside_wsgi():
        from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware
        return OpenTelemetryMiddleware
"""
TAIL = """
    status = request(the_app)
    vantage_agent.shutdown()
    servers = [s.instrumentation_scope.name for s in exporter.get_finished_spans() if s.kind is trace.SpanKind.SERVER]
    print(json.dumps([status, servers]))
"""

# Every framework: how OpenTelemetry instruments it, how an app is made, how it is asked for /things/5.
FRAMEWORKS = {
    "flask": """
        def otel():
            from opentelemetry.instrumentation.flask import FlaskInstrumentor
            FlaskInstrumentor().instrument()

        def otel_app(app):
            from opentelemetry.instrumentation.flask import FlaskInstrumentor
            FlaskInstrumentor().instrument_app(app)
            return app

        def otel_around(app):
            app.wsgi_app = outside_wsgi()(app.wsgi_app)
            return app

        def build():
            import flask
            app = flask.Flask("app")
            app.add_url_rule("/things/<int:id>", "thing", lambda id: "x")
            return app

        request = over_wsgi
    """,
    "fastapi": """
        def otel():
            from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
            FastAPIInstrumentor().instrument()

        def otel_app(app):
            from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
            FastAPIInstrumentor().instrument_app(app)
            return app

        def otel_around(app):
            return outside_asgi()(app)

        def build():
            import fastapi
            app = fastapi.FastAPI()
            app.get("/things/{id}")(lambda id: id)
            return app

        request = over_asgi
    """,
    "starlette": """
        def otel():
            from opentelemetry.instrumentation.starlette import StarletteInstrumentor
            StarletteInstrumentor().instrument()

        def otel_app(app):
            from opentelemetry.instrumentation.starlette import StarletteInstrumentor
            StarletteInstrumentor().instrument_app(app)
            return app

        def otel_around(app):
            app.add_middleware(outside_asgi())
            return app

        def build():
            import starlette.applications
            from starlette.responses import PlainTextResponse
            from starlette.routing import Route
            return starlette.applications.Starlette(routes=[Route("/things/{id}", lambda r: PlainTextResponse("x"))])

        request = over_asgi
    """,
    "django": """
        import django.conf, types
        sys.modules["urls"] = types.ModuleType("urls")
        django.conf.settings.configure(ROOT_URLCONF="urls", SECRET_KEY="x", ALLOWED_HOSTS=["*"], MIDDLEWARE=[])

        def otel():
            from opentelemetry.instrumentation.django import DjangoInstrumentor
            DjangoInstrumentor().instrument()

        def otel_around(app):
            return outside_wsgi()(app)

        def build():
            from django.core.wsgi import get_wsgi_application
            from django.http import HttpResponse
            from django.urls import path
            sys.modules["urls"].urlpatterns = [path("things/<int:id>", lambda request, id: HttpResponse("x"))]
            return get_wsgi_application()

        request = over_wsgi
    """,
    "django over asgi": """
        import django.conf, types
        sys.modules["urls"] = types.ModuleType("urls")
        django.conf.settings.configure(ROOT_URLCONF="urls", SECRET_KEY="x", ALLOWED_HOSTS=["*"], MIDDLEWARE=[])

        def otel():
            from opentelemetry.instrumentation.django import DjangoInstrumentor
            DjangoInstrumentor().instrument()

        def otel_around(app):
            return outside_asgi()(app)

        def build():
            from django.core.asgi import get_asgi_application
            from django.http import HttpResponse
            from django.urls import path
            async def thing(request, id):
                return HttpResponse("x")
            sys.modules["urls"].urlpatterns = [path("things/<int:id>", thing)]
            return get_asgi_application()

        request = over_asgi
    """,
    "aiohttp": """
        def otel():
            from opentelemetry.instrumentation.aiohttp_server import AioHttpServerInstrumentor
            AioHttpServerInstrumentor().instrument()

        def build():
            from aiohttp import web
            async def thing(request):
                return web.Response(text="x")
            app = web.Application()
            app.add_routes([web.get("/things/{id}", thing)])
            return app

        def request(app):
            import asyncio, httpx
            from aiohttp import web
            async def get():
                runner = web.AppRunner(app)
                await runner.setup()
                await web.TCPSite(runner, "127.0.0.1", 0).start()
                async with httpx.AsyncClient() as client:
                    answer = await client.get("http://127.0.0.1:%d/things/5" % runner.addresses[0][1])
                await runner.cleanup()
                return answer.status_code
            return asyncio.run(get())
    """,
}
STEPS = {"ours": "ours()", "otel": "otel()", "app": "the_app = build()"}


def run(sink: Sink, framework: str, steps: List[str]) -> Tuple[List[str], int]:
    """Names of the OpenTelemetry instrumentations that counted the request, and how often we did."""
    program = "\n".join(map(textwrap.dedent, [HEAD, FRAMEWORKS[framework], "\n".join(steps) + "\n", TAIL]))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, sink.url], timeout=60, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    status, servers = json.loads(done.stdout.splitlines()[-1])
    assert status == 200
    return servers, sum(item["count"] for item in sink.requests())


def contrib(servers: List[str]) -> int:
    """How many are OpenTelemetry's instrumentation, as opposed to FastAPI's own telemetry."""
    return sum(name.startswith("opentelemetry.instrumentation.") for name in servers)


@pytest.mark.parametrize("order", list(itertools.permutations(STEPS)), ids="-".join)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_request_is_counted_once_whoever_comes_first(sink: Sink, framework: str, order: Tuple[str, ...]) -> None:
    servers, counted = run(sink, framework, [STEPS[step] for step in order])
    # What OpenTelemetry instruments by replacing the class are the apps made after it.
    theirs = 1 if order.index("otel") < order.index("app") else 0
    assert (contrib(servers), counted) == (theirs, 1 - theirs)


APP_STEPS: Dict[str, str] = {"ours": "ours()", "app": "the_app = otel_app(build())"}


@pytest.mark.parametrize("order", [("ours", "app"), ("app", "ours")], ids="-".join)
@pytest.mark.parametrize("framework", ["flask", "fastapi", "starlette"])
def test_an_app_that_opentelemetry_was_put_on_is_left_to_it(sink: Sink, framework: str, order: Tuple[str, ...]) -> None:
    servers, counted = run(sink, framework, [APP_STEPS[step] for step in order])
    assert (contrib(servers), counted) == (1, 0)


@pytest.mark.parametrize("order", [("ours", "app"), ("app", "ours")], ids="-".join)
@pytest.mark.parametrize("framework", [name for name in FRAMEWORKS if name != "aiohttp"])
def test_opentelemetrys_middleware_around_an_app_counts_for_it(
    sink: Sink, framework: str, order: Tuple[str, ...]
) -> None:
    steps = {"ours": "ours()", "app": "the_app = otel_around(build())"}
    servers, counted = run(sink, framework, [steps[step] for step in order])
    assert (contrib(servers), counted) == (1, 0)


IMPORTS = {
    "flask": "import flask",
    "fastapi": "from fastapi import FastAPI",
    "starlette": "import starlette.applications",
    "django": "import django.core.handlers.wsgi",
    "django over asgi": "import django.core.handlers.asgi",
    "aiohttp": "import aiohttp.web",
}


@pytest.mark.parametrize("order", [("ours", "app"), ("app", "ours"), ("imports", "ours", "app")], ids="-".join)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_alone_we_count_it_in_every_order(sink: Sink, framework: str, order: Tuple[str, ...]) -> None:
    steps = {**STEPS, "imports": IMPORTS[framework]}
    servers, counted = run(sink, framework, [steps[step] for step in order])
    assert (contrib(servers), counted) == (0, 1)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_what_opentelemetry_does_elsewhere_is_no_reason_to_give_way(sink: Sink, framework: str) -> None:
    names = ("asgi", "wsgi", "flask", "fastapi", "django", "aiohttp_server")
    imports = "\n".join(f"import opentelemetry.instrumentation.{name}" for name in names)
    servers, counted = run(sink, framework, [imports, "ours()", "the_app = build()"])
    assert (contrib(servers), counted) == (0, 1)


@pytest.mark.skipif(not find_spec("fastapi.telemetry"), reason="younger than this FastAPI")
def test_fastapis_own_telemetry_lives_beside_ours(sink: Sink) -> None:
    servers, counted = run(
        sink, "fastapi", ["import opentelemetry.instrumentation.asgi", "ours()", "the_app = build()"]
    )
    assert (servers, counted) == (["fastapi"], 1)


@pytest.mark.skipif(not find_spec("starlette.middleware.opentelemetry"), reason="younger than this Starlette")
def test_starlettes_own_middleware_lives_beside_ours(sink: Sink) -> None:
    steps = [
        "import opentelemetry.instrumentation.asgi",
        "from starlette.middleware.opentelemetry import OpenTelemetryMiddleware",
        "ours()",
        "the_app = build()",
        "the_app.add_middleware(OpenTelemetryMiddleware)",
    ]
    servers, counted = run(sink, "starlette", steps)
    assert (servers, counted) == (["starlette"], 1)
