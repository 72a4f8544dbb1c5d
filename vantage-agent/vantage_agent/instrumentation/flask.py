"""Flask: the class's wsgi_app, so that it works for apps built earlier and below the user's WSGI middleware."""

from __future__ import annotations

import functools
from sys import modules
from time import perf_counter_ns
from typing import Any

from vantage_agent.context import CURRENT, incoming, leave
from vantage_agent.instrumentation.patching import Patcher
from vantage_agent.instrumentation.server import MARK, OTEL_WSGI, definer
from vantage_agent.recorder import Recorder
from vantage_agent.records import SERVER


def install_flask(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    def on_exception(sender: Any, exception: BaseException, **_: Any) -> None:
        # Flask answers unhandled exceptions with a 500 of its own: this signal is the only trace of them.
        span = CURRENT.get()
        if span is not None:
            span.error = type(exception).__qualname__
            span.route = module.request.url_rule

    def wrap(original: Any) -> Any:
        @functools.wraps(original)
        def wsgi_app(self: Any, environ: Any, start_response: Any) -> Any:
            outer = CURRENT.get()
            if (
                not recorder.active
                # Mounted in an ASGI app of this process that has counted the request already.
                or (outer is not None and outer.local_root)
                or (OTEL_WSGI in modules and _is_traced_by_otel(self, environ))
            ):
                return original(self, environ, start_response)
            started = perf_counter_ns()
            span = incoming(environ.get("HTTP_TRACEPARENT"), environ.get("HTTP_TRACESTATE"), recorder.floor)
            status = None

            def start(line: str, *args: Any) -> Any:
                nonlocal status
                status = line
                # Werkzeug leaves the request in the environ; flask.request would cost a walk through its proxies.
                # Flask takes it out before wsgi_app returns.
                span.route = getattr(environ.get("werkzeug.request"), "url_rule", None)
                return start_response(line, *args)

            token = CURRENT.set(span)
            raised = None
            try:
                return original(self, environ, start)
            except BaseException as error:
                raised = type(error).__qualname__
                raise
            finally:
                ended = perf_counter_ns()
                span.local_root = False
                leave(token)
                rule = span.route
                recorder.emit((
                    SERVER, started, ended, span, _status_code(status, raised), environ.get("REQUEST_METHOD", ""),
                    None if rule is None else rule.rule, raised or span.error,
                ))  # fmt: skip

        return wsgi_app

    patcher.wrap(definer(module.Flask, "wsgi_app"), "wsgi_app", wrap)
    module.got_request_exception.connect(on_exception, weak=False)
    patcher.on_restore(lambda: module.got_request_exception.disconnect(on_exception))


def _is_traced_by_otel(app: Any, environ: Any) -> bool:
    return MARK in environ or getattr(app, "_is_instrumented_by_opentelemetry", False)


def _status_code(line: Any, raised: Any) -> int:
    if raised is not None or not line:
        return 500
    try:
        return int(line[:3])
    except ValueError:
        return 500
