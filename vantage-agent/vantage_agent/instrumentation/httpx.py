"""httpx and httpx2: the transports' handle_request, below redirects, authentication and proxy mounts."""

from __future__ import annotations

import functools
from time import perf_counter_ns
from typing import Any

from vantage_agent.instrumentation.client import begin, finish
from vantage_agent.instrumentation.patching import Patcher
from vantage_agent.recorder import Recorder


def install_httpx(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    def wrap(original: Any) -> Any:
        @functools.wraps(original)
        def handle_request(self: Any, request: Any) -> Any:
            if not recorder.active:
                return original(self, request)
            started = perf_counter_ns()
            call = begin(recorder, request.headers)
            status = error = None
            try:
                response = original(self, request)
                status = response.status_code
                return response
            except BaseException as raised:
                error = type(raised).__qualname__
                raise
            finally:
                if call is not None:
                    ended = perf_counter_ns()
                    finish(recorder, call, request.headers, started, ended, request.method, request.url, status, error)

        return handle_request

    def wrap_async(original: Any) -> Any:
        @functools.wraps(original)
        async def handle_async_request(self: Any, request: Any) -> Any:
            if not recorder.active:
                return await original(self, request)
            started = perf_counter_ns()
            call = begin(recorder, request.headers)
            status = error = None
            try:
                response = await original(self, request)
                status = response.status_code
                return response
            except BaseException as raised:
                error = type(raised).__qualname__
                raise
            finally:
                if call is not None:
                    ended = perf_counter_ns()
                    finish(recorder, call, request.headers, started, ended, request.method, request.url, status, error)

        return handle_async_request

    patcher.wrap(module.HTTPTransport, "handle_request", wrap)
    patcher.wrap(module.AsyncHTTPTransport, "handle_async_request", wrap_async)
