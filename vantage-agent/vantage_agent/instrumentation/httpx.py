"""httpx and httpx2: their httpcore's connection pools, below redirects, authentication, mounts and proxies.

A pool's request has its headers as a plain list, a fraction of the work that httpx.Headers would be. Transports that
have no such pool (mocks, ASGI and WSGI apps, other clients) are met where the client chooses one.
"""

from __future__ import annotations

import functools
from time import perf_counter_ns
from typing import Any, Optional

from vantage_agent.instrumentation.client import Call, begin, enter, finish, leave, log, origin, record, start
from vantage_agent.instrumentation.patching import Patcher, Wrap
from vantage_agent.recorder import Recorder

# OpenTelemetry's transports record what they pass on, and a test's client stands for callers in other processes.
_NOT_OURS = ("opentelemetry.", "starlette.testclient")


def install_httpcore(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    # httpx2 can make itself known as httpx, and then `module` is the same for both.
    if not patcher.first(module.ConnectionPool.__module__ + ".handle_request"):
        return

    def wrap(original: Any) -> Any:
        @functools.wraps(original)
        def handle_request(self: Any, request: Any) -> Any:
            if not recorder.active:
                return original(self, request)
            started = perf_counter_ns()
            headers = request.headers
            call = _begin(recorder, request)
            status = error = None
            try:
                response = original(self, request)
                status = response.status
                return response
            except BaseException as raised:
                error = type(raised).__qualname__
                raise
            finally:
                if call is not None:
                    ended = perf_counter_ns()
                    request.headers = headers
                    _record(recorder, call, started, ended, request, status, error)

        return handle_request

    def wrap_async(original: Any) -> Any:
        @functools.wraps(original)
        async def handle_async_request(self: Any, request: Any) -> Any:
            if not recorder.active:
                return await original(self, request)
            started = perf_counter_ns()
            headers = request.headers
            call = _begin(recorder, request)
            status = error = None
            try:
                response = await original(self, request)
                status = response.status
                return response
            except BaseException as raised:
                error = type(raised).__qualname__
                raise
            finally:
                if call is not None:
                    ended = perf_counter_ns()
                    request.headers = headers
                    _record(recorder, call, started, ended, request, status, error)

        return handle_async_request

    patcher.wrap(module.ConnectionPool, "handle_request", wrap)
    patcher.wrap(module.AsyncConnectionPool, "handle_async_request", wrap_async)


def _begin(recorder: Recorder, request: Any) -> Optional[Call]:
    """Start a call and give the request a new list of headers. None where it is to go out untouched."""
    try:
        headers = request.headers
        traceparent = tracestate = None
        for name, value in headers:
            length = len(name)
            if length == 11 and name.lower() == b"traceparent":
                traceparent = value.decode("latin-1")
            elif length == 10 and name.lower() == b"tracestate":
                tracestate = value.decode("latin-1")
            elif length == 17 and name.lower() == b"sec-websocket-key":
                return None
        call = start(recorder, traceparent, tracestate)
        if call is None:
            return None
        replaced = []
        if tracestate is not None:
            replaced.append(b"tracestate")
        added = [(b"tracestate", call.tracestate.encode("latin-1"))]
        if call.added and call.traceparent is not None:
            replaced.append(b"traceparent")
            added.append((b"traceparent", call.traceparent.encode("latin-1")))
        if traceparent is not None or tracestate is not None:
            headers = [header for header in headers if header[0].lower() not in replaced]
        request.headers = headers + added
        return call
    except Exception:
        log.debug("trace headers could not be added", exc_info=True)
        return None


def _record(
    recorder: Recorder, call: Call, started: int, ended: int, request: Any, status: Optional[int], error: Optional[str]
) -> None:
    url = request.url
    method = request.method.decode("latin-1")
    record(recorder, call, started, ended, method, origin(url.scheme, url.host, url.port), status, error)


def install_httpx(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    if not patcher.first(module.Client.__module__ + "._transport_for_url"):
        return
    mock = module.MockTransport
    for client, pooled, method in (
        (module.Client, module.HTTPTransport, "handle_request"),
        (module.AsyncClient, module.AsyncHTTPTransport, "handle_async_request"),
    ):
        patcher.wrap(client, "_transport_for_url", _watching(recorder, method, pooled, mock))


def _watching(recorder: Recorder, method: str, pooled: Any, mock: Any) -> Wrap:
    @functools.lru_cache(maxsize=256)
    def has_no_pool(kind: Any) -> bool:
        owner = next((parent for parent in kind.__mro__ if method in vars(parent)), pooled)
        return owner is not pooled and not str(owner.__module__).startswith(_NOT_OURS)

    def wrap(original: Any) -> Any:
        @functools.wraps(original)
        def transport_for_url(self: Any, url: Any) -> Any:
            transport = original(self, url)
            kind: Any = type(transport)
            if recorder.active and has_no_pool(kind) and not _is_traced_by_otel(transport, method):
                return _Watched(transport, recorder, tells=not isinstance(transport, mock))
            return transport

        return transport_for_url

    return wrap


def _is_traced_by_otel(transport: Any, method: str) -> bool:
    """Whether OpenTelemetry has wrapped the method of this one transport (`instrument_client`)."""
    wrapper = getattr(getattr(transport, "__dict__", {}).get(method), "_self_wrapper", None)
    home = getattr(getattr(wrapper, "func", wrapper), "__module__", None)
    return isinstance(home, str) and home.startswith("opentelemetry.")


class _Watched:
    """A transport without a pool of its own, for the one request that the client hands it.

    `tells`: whether the request carries the trace. A mock's does not: nobody is there to go on with it, and tests look
    closely at what they are sent.
    """

    __slots__ = ("_recorder", "_tells", "_transport")

    def __init__(self, transport: Any, recorder: Recorder, tells: bool) -> None:
        self._transport = transport
        self._recorder = recorder
        self._tells = tells

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def handle_request(self, request: Any) -> Any:
        started = perf_counter_ns()
        headers = request.headers if self._tells else dict(request.headers)
        call = begin(self._recorder, headers)
        if call is None:
            return self._transport.handle_request(request)
        token = enter(call, yields=True)
        status = error = None
        try:
            response = self._transport.handle_request(request)
            status = getattr(response, "status_code", None)
            return response
        except BaseException as raised:
            error = type(raised).__qualname__
            raise
        finally:
            ended = perf_counter_ns()
            leave(token)
            finish(self._recorder, call, headers, started, ended, request.method, request.url, status, error)

    async def handle_async_request(self, request: Any) -> Any:
        started = perf_counter_ns()
        headers = request.headers if self._tells else dict(request.headers)
        call = begin(self._recorder, headers)
        if call is None:
            return await self._transport.handle_async_request(request)
        token = enter(call, yields=True)
        status = error = None
        try:
            response = await self._transport.handle_async_request(request)
            status = getattr(response, "status_code", None)
            return response
        except BaseException as raised:
            error = type(raised).__qualname__
            raise
        finally:
            ended = perf_counter_ns()
            leave(token)
            finish(self._recorder, call, headers, started, ended, request.method, request.url, status, error)
