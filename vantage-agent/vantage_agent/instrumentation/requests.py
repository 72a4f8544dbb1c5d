"""requests: HTTPAdapter.send, once for every hop of a redirect."""

from __future__ import annotations

import functools
from time import perf_counter_ns
from typing import Any

from vantage_agent.instrumentation.client import begin, finish
from vantage_agent.instrumentation.patching import Patcher
from vantage_agent.recorder import Recorder


def install_requests(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    def wrap(original: Any) -> Any:
        @functools.wraps(original)
        def send(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            if not recorder.active:
                return original(self, request, *args, **kwargs)
            started = perf_counter_ns()
            call = begin(recorder, request.headers)
            status = error = None
            try:
                response = original(self, request, *args, **kwargs)
                status = response.status_code
                return response
            except BaseException as raised:
                error = type(raised).__qualname__
                raise
            finally:
                if call is not None:
                    ended = perf_counter_ns()
                    finish(recorder, call, request.headers, started, ended, request.method, request.url, status, error)

        return send

    patcher.wrap(module.HTTPAdapter, "send", wrap)
