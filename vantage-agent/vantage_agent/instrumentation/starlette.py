"""Starlette and FastAPI: the application classes' __call__, once for a request however deep apps are mounted."""

from __future__ import annotations

import functools
import logging
from asyncio import _get_running_loop
from sys import modules
from time import perf_counter_ns
from typing import Any, Dict, List, Optional

from vantage_agent.context import CURRENT, incoming, leave
from vantage_agent.event_loops import notice
from vantage_agent.instrumentation.patching import Patcher
from vantage_agent.instrumentation.server import CLIENT_CLOSED, MARK, OTEL_ASGI, comes_from, definer
from vantage_agent.recorder import Recorder
from vantage_agent.records import SERVER

log = logging.getLogger("vantage.agent")

# Layers of middleware looked at; a stack that refers to itself must not hold up the request.
MAX_LAYERS = 100


def install_applications(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    owner = definer(module.Starlette, "__call__")
    patcher.wrap(owner, "__call__", lambda original: _traced(original, recorder))


def install_fastapi(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    patcher.wrap(module.FastAPI, "__call__", lambda original: _traced(original, recorder))


def install_routing(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    def wrap(original: Any) -> Any:
        @functools.wraps(original)
        async def route(self: Any, scope: Any, receive: Any, send: Any) -> None:
            # The innermost router and the scope it works on: middleware may hand on a copy.
            mark = scope.get(MARK)
            if mark is not None:
                mark[0] = scope
                mark[1] = self
            await original(self, scope, receive, send)

        return route

    patcher.wrap(module.Router, "__call__", wrap)


def _traced(original: Any, recorder: Recorder) -> Any:
    # Coroutine functions, not plain ones returning a coroutine: uvicorn looks, and takes others for ASGI 2.
    @functools.wraps(original)
    async def call(self: Any, scope: Any, receive: Any, send: Any) -> None:
        if (
            not recorder.active
            or scope["type"] != "http"
            or MARK in scope
            or (OTEL_ASGI in modules and _is_traced_by_otel(self))
        ):
            await original(self, scope, receive, send)
            return
        started = perf_counter_ns()
        notice(_get_running_loop())
        traceparent = tracestate = None
        for name, value in scope.get("headers", ()):
            if name == b"traceparent":
                # Two of them are as bad as a malformed one.
                traceparent = value.decode("latin-1") if traceparent is None else ""
            elif name == b"tracestate":
                # The header may come in several lines.
                state = value.decode("latin-1")
                tracestate = state if tracestate is None else f"{tracestate},{state}"
        span = incoming(traceparent, tracestate, recorder.floor)
        mark: List[Any] = [scope, None]
        scope[MARK] = mark
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
            try:
                template = route_template(*mark)
            except Exception:
                log.debug("a route has no template", exc_info=True)
                template = None
            recorder.emit((
                SERVER, started, ended, span, 500 if status is None else status, scope["method"],
                template, raised or span.error,
            ))  # fmt: skip

    return call


def _is_traced_by_otel(app: Any) -> bool:
    """Whether the middleware of OpenTelemetry's instrumentation is in the stack; FastAPI's and Starlette's own is not
    meant. Its flag on the app would not do: it is also there when the stack had been built before."""
    layer = app.middleware_stack
    if layer is None:
        layer = app.middleware_stack = app.build_middleware_stack()
    for _ in range(MAX_LAYERS):
        if comes_from(OTEL_ASGI, layer):
            return True
        layer = getattr(layer, "app", None)
    return False


def route_template(scope: Any, router: Any) -> Optional[str]:
    """`/api/items/{id}` with the prefixes of routers and mounts, or None where no route matched. Never the path.

    scope: what the innermost router worked on, and left its findings in.
    """
    route = scope.get("route")
    fastapi = scope.get("fastapi")
    if fastapi and route is not None:
        # Since FastAPI 0.142 include_router leaves the route without its prefix in the scope, and this beside it.
        effective = fastapi.get("effective_route_context")
        if effective is not None and getattr(effective, "original_route", None) is route:
            route = effective
    template: Optional[str] = getattr(route, "path_format", None)
    if template is not None and "app_root_path" not in scope:
        # Nothing is mounted.
        return template
    return _mounted_template(scope, router, route)


def _mounted_template(scope: Any, router: Any, route: Any) -> Optional[str]:
    """The template where mounts are above the route, or where there is no route but an endpoint or files."""
    if route is None or hasattr(route, "routes"):
        route = _plain_route(scope, router)
    template: Optional[str] = _template_of_files(scope) if route is None else getattr(route, "path_format", "")
    outer = scope.get("app_root_path")
    if outer is None or template is None:
        return template
    # Some app is mounted: root_path has grown by what the mounts matched, after the server's own root path.
    own = getattr(route, "param_convertors", ())
    values = {str(value): name for name, value in scope.get("path_params", {}).items() if name not in own}
    return _without_values(scope.get("root_path", "")[len(outer) :], values) + template


def _plain_route(scope: Any, router: Any) -> Any:
    """The route of an endpoint that FastAPI's router, or Starlette's before 1.0, leaves unnamed; None without one."""
    endpoint = scope.get("endpoint")
    if endpoint is None:
        return None
    effective = (scope.get("fastapi") or {}).get("effective_route_context")
    included = getattr(effective, "starlette_route", None)
    for route in (included, *getattr(router, "routes", ())):
        # The routes of a mount are matched by its own router; more than one route may share an endpoint.
        if getattr(route, "endpoint", None) is endpoint and route.matches(scope)[0].value:
            return route
    return None


def _template_of_files(scope: Any) -> Optional[str]:
    """For what is found below a mount or a FastAPI frontend without a route, which is files; None where nothing is."""
    file = (scope.get("fastapi") or {}).get("frontend_path")
    if file is not None:
        path, root = scope["path"], scope.get("root_path", "")
        prefix: str = path[len(root) if path.startswith(root) else 0 : len(path) - len(file)]
        return prefix.rstrip("/") + "/{path}"
    if "app_root_path" not in scope or hasattr(scope.get("endpoint"), "routes"):
        return None
    return "/{path}"


def _without_values(prefix: str, names: Dict[str, str]) -> str:
    """`/tenants/acme` as `/tenants/{tenant}`: a mount's path may have parameters, too."""
    if not names:
        return prefix
    return "/".join(f"{{{names[part]}}}" if part in names else part for part in prefix.split("/"))
