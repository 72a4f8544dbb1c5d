"""Starlette and FastAPI: the application classes' __call__, once for a request however deep apps are mounted."""

from __future__ import annotations

import functools
from time import perf_counter_ns
from typing import Any, Dict, List, Optional

from vantage_agent.context import CURRENT, incoming, leave
from vantage_agent.instrumentation.patching import Patcher
from vantage_agent.recorder import Recorder
from vantage_agent.records import SERVER

# scope[_MARK] is a list with the scope that the innermost router works on: middleware may hand on a copy.
_MARK = "vantage.agent"
# What nginx logs when the client went away before it had an answer.
CLIENT_CLOSED = 499


def install_applications(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    patcher.wrap(module.Starlette, "__call__", lambda original: _traced(original, recorder))


def install_fastapi(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    patcher.wrap(module.FastAPI, "__call__", lambda original: _traced(original, recorder))


def install_routing(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    def wrap(original: Any) -> Any:
        @functools.wraps(original)
        async def route(self: Any, scope: Any, receive: Any, send: Any) -> None:
            mark = scope.get(_MARK)
            if mark is not None:
                mark[0] = scope
            await original(self, scope, receive, send)

        return route

    patcher.wrap(module.Router, "__call__", wrap)


def _traced(original: Any, recorder: Recorder) -> Any:
    # Coroutine functions, not plain ones returning a coroutine: uvicorn looks, and takes others for ASGI 2.
    @functools.wraps(original)
    async def call(self: Any, scope: Any, receive: Any, send: Any) -> None:
        if not recorder.active or scope["type"] != "http" or _MARK in scope:
            await original(self, scope, receive, send)
            return
        started = perf_counter_ns()
        traceparent = tracestate = None
        for name, value in scope["headers"]:
            if name == b"traceparent":
                traceparent = value.decode("latin-1")
            elif name == b"tracestate":
                # The header may come in several lines.
                state = value.decode("latin-1")
                tracestate = state if tracestate is None else f"{tracestate},{state}"
        span = incoming(traceparent, tracestate, recorder.floor)
        mark: List[Any] = [scope]
        scope[_MARK] = mark
        status: Optional[int] = None
        ended = 0

        async def send_watched(message: Any) -> None:
            nonlocal status, ended
            await send(message)
            kind = message["type"]
            if kind == "http.response.start":
                status = message["status"]
            elif kind == "http.response.body" and not message.get("more_body", False):
                # The answer is out; background tasks that follow are not part of the request's duration.
                ended = perf_counter_ns()

        token = CURRENT.set(span)
        raised: Optional[str] = None
        try:
            await original(self, scope, receive, send_watched)
        except BaseException as error:
            raised = type(error).__qualname__
            raise
        finally:
            ended = ended or perf_counter_ns()
            span.local_root = False
            leave(token)
            if raised == "CancelledError":
                raised, status = None, status or CLIENT_CLOSED
            recorder.emit((
                SERVER, started, ended, span, 500 if status is None else status, scope["method"],
                route_template(mark[0]), raised or span.error,
            ))  # fmt: skip

    return call


def route_template(scope: Any) -> Optional[str]:
    """`/api/items/{id}` with the prefixes of routers and mounts, or None where no route matched. Never the path."""
    route = scope.get("route")
    fastapi = scope.get("fastapi")
    if fastapi and route is not None:
        # Since FastAPI 0.142 include_router leaves the route without its prefix in the scope, and this beside it.
        effective = fastapi.get("effective_route_context")
        if effective is not None and getattr(effective, "original_route", None) is route:
            route = effective
    outer = scope.get("app_root_path")
    if outer is None:
        return getattr(route, "path_format", None)
    # Some app is mounted: root_path has grown by what the mounts matched, after the server's own root path.
    own: Any = {}
    if route is None or hasattr(route, "routes"):
        # The mount is all that matched. A router below it has found nothing; anything else (static files) has.
        if hasattr(scope.get("endpoint"), "routes"):
            return None
        template = "/{path}"
    else:
        template = getattr(route, "path_format", "")
        own = getattr(route, "param_convertors", {})
    values = {str(value): name for name, value in scope.get("path_params", {}).items() if name not in own}
    return _without_values(scope.get("root_path", "")[len(outer) :], values) + template


def _without_values(prefix: str, names: Dict[str, str]) -> str:
    """`/tenants/acme` as `/tenants/{tenant}`: a mount's path may have parameters, too."""
    if not names:
        return prefix
    return "/".join(f"{{{names[part]}}}" if part in names else part for part in prefix.split("/"))
