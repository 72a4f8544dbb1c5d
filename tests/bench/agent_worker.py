"""A process with one agent, or none, for `agent`: answers JSON lines. Runs by itself in any interpreter that has Flask
and FastAPI, so it imports nothing of ours but the agent.

    python agent_worker.py bare|vantage|otel SINK_URL

Commands: `slice flask|fastapi N` serves N requests and flushes; `spray N` serves N at 200 a second; `rss`.
"""

import asyncio
import io
import json
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_RATE = 200.0
_SCOPE = {
    "type": "http",
    "asgi": {"version": "3.0"},
    "http_version": "1.1",
    "server": ("127.0.0.1", 80),
    "client": ("127.0.0.1", 5555),
    "scheme": "http",
    "method": "GET",
    "root_path": "",
    "query_string": b"q=1",
}
_HEADERS = [(b"host", b"localhost"), (b"user-agent", b"bench/1.0"), (b"accept", b"*/*")]
_ENVIRON = {
    "REQUEST_METHOD": "GET",
    "SCRIPT_NAME": "",
    "QUERY_STRING": "q=1",
    "SERVER_NAME": "localhost",
    "SERVER_PORT": "80",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "HTTP_HOST": "localhost",
    "HTTP_USER_AGENT": "bench/1.0",
    "HTTP_ACCEPT": "*/*",
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http",
    "wsgi.multithread": True,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
}


def start_bare(url: str) -> Callable[[], None]:
    return lambda: None


def start_vantage(url: str) -> Callable[[], None]:
    import vantage_agent

    vantage_agent.init_agent(service_name="bench", collector_url=url)
    return lambda: print_unless(vantage_agent.flush())


def print_unless(delivered: bool) -> None:
    if not delivered:
        print("the agent could not flush", file=sys.stderr)


def start_otel(url: str) -> Callable[[], None]:
    """As its documentation sets it up: traces and metrics by OTLP over HTTP, and both instrumentations."""
    from importlib import import_module

    def named(path: str) -> Any:
        module, _, name = path.rpartition(".")
        return getattr(import_module("opentelemetry." + module), name)

    resource = named("sdk.resources.Resource").create({"service.name": "bench"})
    tracers = named("sdk.trace.TracerProvider")(resource=resource)
    spans = named("exporter.otlp.proto.http.trace_exporter.OTLPSpanExporter")(endpoint=url + "/v1/traces")
    tracers.add_span_processor(named("sdk.trace.export.BatchSpanProcessor")(spans))
    named("trace.set_tracer_provider")(tracers)
    points = named("exporter.otlp.proto.http.metric_exporter.OTLPMetricExporter")(endpoint=url + "/v1/metrics")
    reader = named("sdk.metrics.export.PeriodicExportingMetricReader")(points)
    meters = named("sdk.metrics.MeterProvider")([reader], resource=resource)
    named("metrics.set_meter_provider")(meters)
    named("instrumentation.flask.FlaskInstrumentor")().instrument()
    named("instrumentation.fastapi.FastAPIInstrumentor")().instrument()

    def flush() -> None:
        tracers.force_flush()
        meters.force_flush()

    return flush


AGENTS = {"bare": start_bare, "vantage": start_vantage, "otel": start_otel}


def flask_requests() -> Callable[[int], None]:
    import flask

    app = flask.Flask("bench")

    @app.route("/users/<int:number>")
    def user(number: int) -> dict[str, int]:
        return {"id": number}

    def serve(count: int) -> None:
        for number in range(count):
            answers: list[str] = []
            environ = {
                **_ENVIRON,
                "PATH_INFO": f"/users/{number}",
                "wsgi.input": io.BytesIO(),
                "wsgi.errors": sys.stderr,
            }

            def start(status: str, headers: object, failed: object = None, answers: list[str] = answers) -> Any:
                answers.append(status)

            b"".join(app.wsgi_app(environ, start))
            assert answers == ["200 OK"]

    return serve


def fastapi_requests() -> Callable[[int], None]:
    import fastapi

    app = fastapi.FastAPI()

    @app.get("/users/{number}")
    async def user(number: int) -> dict[str, int]:
        return {"id": number}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def one(number: int) -> None:
        path, answers = f"/users/{number}", []

        async def send(message: Any) -> None:
            answers.append(message.get("status"))

        scope = {**_SCOPE, "path": path, "raw_path": path.encode(), "headers": list(_HEADERS), "state": {}}
        await app(scope, receive, send)
        assert answers[0] == 200

    loop = asyncio.new_event_loop()

    async def many(count: int) -> None:
        for number in range(count):
            await loop.create_task(one(number))

    return lambda count: loop.run_until_complete(many(count))


def sliced(serve: Callable[[int], None], flush: Callable[[], None], count: int) -> dict[str, float]:
    process, thread = time.process_time_ns(), time.thread_time_ns()
    serve(count)
    served = time.thread_time_ns()
    flush()
    ended = time.process_time_ns()
    return {"thread_us": (served - thread) / count / 1e3, "process_us": (ended - process) / count / 1e3}


def sprayed(serve: Callable[[int], None], count: int) -> dict[str, float]:
    began = time.perf_counter()
    for number in range(count):
        serve(1)
        ahead = (number + 1) / _RATE - (time.perf_counter() - began)
        if ahead > 0:
            time.sleep(ahead)
    return {"seconds": time.perf_counter() - began}


def rss_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def main(agent: str, url: str) -> None:
    logging.disable(logging.CRITICAL)
    flush = AGENTS[agent](url)
    apps = {"flask": flask_requests(), "fastapi": fastapi_requests()}
    for line in sys.stdin:
        order, *arguments = line.split()
        if order == "slice":
            answer = sliced(apps[arguments[0]], flush, int(arguments[1]))
        elif order == "spray":
            answer = sprayed(apps["fastapi"], int(arguments[0]))
        else:
            answer = {"mb": rss_mb()}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
