"""Django: the handlers' get_response and its async twin, below WSGI and ASGI servers and the test clients alike."""

from __future__ import annotations

import functools
import logging
import re
import sys
from asyncio import _get_running_loop
from importlib import import_module
from time import perf_counter_ns
from typing import Any, Optional

from vantage_agent.context import CURRENT, Span, incoming, leave
from vantage_agent.event_loops import notice
from vantage_agent.instrumentation.patching import Patcher
from vantage_agent.instrumentation.server import CLIENT_CLOSED, MARK, comes_from
from vantage_agent.recorder import Recorder
from vantage_agent.records import SERVER

log = logging.getLogger("vantage.agent")

# Attribute of the request under which its span waits for an exception to be named.
_SPAN = "_vantage_agent_span"
_OTEL = "opentelemetry.instrumentation"

_GROUP = re.compile(r"(?<!\\)\((?:\?P<(\w+)>|(\?:))?((?:\\.|[^()\\])*)\)")
_ANCHOR = re.compile(r"\\[AZbB]|(?<!\\)[\^$?]")
_ESCAPED = re.compile(r"\\(.)")


def install_django(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    def on_exception(sender: Any, request: Any = None, **_: Any) -> None:
        # Django answers unhandled exceptions with a 500 of its own: this signal is the only trace of them.
        span = getattr(request, _SPAN, None)
        raised = sys.exc_info()[0]
        if span is not None and raised is not None:
            span.error = raised.__qualname__

    def wrap(original: Any) -> Any:
        @functools.wraps(original)
        def get_response(self: Any, request: Any) -> Any:
            if not recorder.active or _is_counted(self, request):
                return original(self, request)
            started = perf_counter_ns()
            span = _span_of(request, recorder)
            token = CURRENT.set(span)
            response = raised = None
            try:
                response = original(self, request)
                return response
            except BaseException as error:
                raised = type(error).__qualname__
                raise
            finally:
                leave(token)
                _finish(recorder, started, span, request, response, raised)

        return get_response

    def wrap_async(original: Any) -> Any:
        @functools.wraps(original)
        async def get_response_async(self: Any, request: Any) -> Any:
            if not recorder.active or _is_counted(self, request):
                return await original(self, request)
            notice(_get_running_loop())
            started = perf_counter_ns()
            span = _span_of(request, recorder)
            token = CURRENT.set(span)
            response = raised = None
            try:
                response = await original(self, request)
                return response
            except BaseException as error:
                raised = type(error).__qualname__
                raise
            finally:
                leave(token)
                _finish(recorder, started, span, request, response, raised)

        return get_response_async

    patcher.wrap(module.BaseHandler, "get_response", wrap)
    patcher.wrap(module.BaseHandler, "get_response_async", wrap_async)
    got_request_exception = import_module("django.core.signals").got_request_exception
    got_request_exception.connect(on_exception, weak=False)
    patcher.on_restore(lambda: got_request_exception.disconnect(on_exception))


def _is_counted(handler: Any, request: Any) -> bool:
    """Whether an app of this process that Django is mounted in, or OpenTelemetry, counts this request."""
    outer = CURRENT.get()
    if outer is not None and outer.local_root:
        return True
    return _OTEL in sys.modules and _is_traced_by_otel(handler, request)


def _is_traced_by_otel(handler: Any, request: Any) -> bool:
    if MARK in request.META or MARK in getattr(request, "scope", ()):
        return True
    # As the handler was built, and not as settings.MIDDLEWARE has it: instrumenting later is without effect.
    methods = getattr(handler, "_exception_middleware", None) or ()
    return any(comes_from(_OTEL, getattr(method, "__self__", None)) for method in methods)


def _span_of(request: Any, recorder: Recorder) -> Span:
    headers = request.META
    span = incoming(headers.get("HTTP_TRACEPARENT"), headers.get("HTTP_TRACESTATE"), recorder.floor)
    setattr(request, _SPAN, span)
    return span


def _finish(
    recorder: Recorder, started_ns: int, span: Span, request: Any, response: Any, raised: Optional[str]
) -> None:
    ended_ns = perf_counter_ns()
    span.local_root = False
    status = 500 if response is None else response.status_code
    if raised == "CancelledError":
        raised, status = None, CLIENT_CLOSED
    route, error = _route_of(request), raised or span.error

    def emit_at_the_end() -> None:
        recorder.emit((SERVER, started_ns, perf_counter_ns(), span, status, request.method, route, error))

    if getattr(response, "streaming", False):
        # The body is still to come; the server closes the response after it, also where the client went away.
        response._resource_closers.append(emit_at_the_end)
    else:
        recorder.emit((SERVER, started_ns, ended_ns, span, status, request.method, route, error))


def _route_of(request: Any) -> Optional[str]:
    try:
        match = request.resolver_match
        return None if match is None else route_template(match.route)
    except Exception:
        log.debug("a route has no template", exc_info=True)
        return None


@functools.lru_cache(maxsize=2048)
def route_template(route: Optional[str]) -> Optional[str]:
    """Django's spelling with a leading slash: `/shop/orders/<int:id>/`; regular expressions as `/archive/<year>/`."""
    if route is None:
        return None
    if "^" in route or "(" in route or "$" in route:
        route = _readable(route)
    return route if route.startswith("/") else "/" + route


def _readable(pattern: str) -> str:
    """A regular expression's text with its groups as their names and without anchors."""
    found = 1
    while found:  # the innermost groups first
        pattern, found = _GROUP.subn(_group_name, pattern)
    return _ESCAPED.sub(r"\1", _ANCHOR.sub("", pattern))


def _group_name(group: "re.Match[str]") -> str:
    name, is_plain, inside = group.groups()
    return inside if is_plain else f"<{name or 'var'}>"
