"""aiohttp's client: a middleware below the session's own, once for every hop and attempt. aiohttp 3.12 and newer."""

from __future__ import annotations

import functools
from time import perf_counter_ns
from typing import Any

from vantage_agent.instrumentation.client import begin, finish, origin
from vantage_agent.instrumentation.patching import Patcher
from vantage_agent.recorder import Recorder


def install_aiohttp_client(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    if not hasattr(module, "build_client_middlewares"):
        return

    async def trace(request: Any, handler: Any) -> Any:
        if not recorder.active or not _is_exchange(request):
            return await handler(request)
        headers = request.headers
        started = perf_counter_ns()
        call = begin(recorder, headers)
        status = error = None
        try:
            response = await handler(request)
            status = response.status
            return response
        except BaseException as raised:
            error = _name_of(raised, request)
            raise
        finally:
            if call is not None:
                ended = perf_counter_ns()
                url = request.url
                target = origin(url.scheme, url.raw_host, url.explicit_port)
                finish(recorder, call, headers, started, ended, request.method, target, status, error)

    def wrap(original: Any) -> Any:
        # Not a coroutine function: it would be one frame more between aiohttp's warnings and the line they point at.
        @functools.wraps(original)
        def request(self: Any, *args: Any, **kwargs: Any) -> Any:
            if recorder.active:
                chosen = kwargs.get("middlewares")
                kwargs["middlewares"] = (*(self._middlewares if chosen is None else chosen), trace)
            return original(self, *args, **kwargs)

        return request

    patcher.wrap(module.ClientSession, "_request", wrap)


def _is_exchange(request: Any) -> bool:
    """Of a request for a response, which a WebSocket is not: it lives for hours. Nor is a test's stand-in for one."""
    try:
        return "Sec-WebSocket-Key" not in request.headers
    except Exception:
        return False


def _name_of(raised: BaseException, request: Any) -> str:
    """Name of the exception that the application will see: aiohttp makes a TimeoutError of its own cancellation."""
    name = type(raised).__qualname__
    if name == "CancelledError" and getattr(getattr(request, "_timer", None), "_cancelled", False):
        return "TimeoutError"
    return name
