"""aiohttp's server: the connection's _handle_request, where raised HTTPExceptions have become responses.

Above it, Application._handle would do for neither: the server keeps a reference to it from the time it was started.
"""

from __future__ import annotations

import functools
import logging
import sys
from asyncio import _get_running_loop
from time import perf_counter_ns
from typing import Any, Optional

from vantage_agent.context import CURRENT, incoming, leave
from vantage_agent.event_loops import notice
from vantage_agent.instrumentation.patching import Patcher
from vantage_agent.instrumentation.server import CLIENT_CLOSED, comes_from, one_header
from vantage_agent.recorder import Recorder
from vantage_agent.records import SERVER

log = logging.getLogger("vantage.agent")

_OTEL = "opentelemetry.instrumentation.aiohttp_server"


def install_aiohttp_server(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    def wrap(original: Any) -> Any:
        @functools.wraps(original)
        async def handle_request(self: Any, request: Any, *args: Any) -> Any:
            headers = request.headers
            if (
                not recorder.active
                or not hasattr(headers, "getall")  # a plain dict: of a request that aiohttp could not read
                or headers.get("Upgrade", "").lower() == "websocket"
                or (_OTEL in sys.modules and _is_traced_by_otel(args))
            ):
                return await original(self, request, *args)
            started = perf_counter_ns()
            notice(_get_running_loop())
            traceparent = one_header(headers.getall("traceparent", ()))
            tracestate = one_header(headers.getall("tracestate", ())) if traceparent else None
            span = incoming(traceparent, tracestate, recorder.floor)
            token = CURRENT.set(span)
            status = 500
            raised: Optional[str] = None
            try:
                answer = await original(self, request, *args)
                status = _status_of(answer)
                return answer
            except BaseException as error:
                raised = type(error).__qualname__
                raise
            finally:
                ended = perf_counter_ns()
                span.local_root = False
                leave(token)
                if raised == "CancelledError":
                    raised, status = None, CLIENT_CLOSED
                recorder.emit((
                    SERVER, started, ended, span, status, request.method, route_template(request), raised or span.error,
                ))  # fmt: skip

        return handle_request

    def wrap_error(original: Any) -> Any:
        @functools.wraps(original)
        def handle_error(self: Any, *args: Any, **kwargs: Any) -> Any:
            # aiohttp makes an answer of the exception that it handles at this moment.
            span, raised = CURRENT.get(), sys.exc_info()[0]
            if span is not None and span.local_root and raised is not None:
                span.error = raised.__qualname__
            return original(self, *args, **kwargs)

        return handle_error

    patcher.wrap(module.RequestHandler, "_handle_request", wrap)
    patcher.wrap(module.RequestHandler, "handle_error", wrap_error)


def _status_of(answer: Any) -> int:
    """aiohttp's answer is a tuple with the response in front."""
    status = getattr(answer[0] if isinstance(answer, tuple) else answer, "status", 500)
    return status if isinstance(status, int) else 500


def route_template(request: Any) -> Optional[str]:
    """`/api/things/{id}` with the prefixes of sub-applications, or None where no route matched."""
    try:
        match = getattr(request, "_match_info", None)
        resource = None if match is None else getattr(match.route, "resource", None)
        return None if resource is None else str(resource.canonical)
    except Exception:
        log.debug("a route has no template", exc_info=True)
        return None


def _is_traced_by_otel(args: Any) -> bool:
    """Whether the application that answers has the middleware of OpenTelemetry's instrumentation."""
    app = getattr(args[-1], "__self__", None) if args else None
    return any(comes_from(_OTEL, middleware) for middleware in getattr(app, "_middlewares", ()))
