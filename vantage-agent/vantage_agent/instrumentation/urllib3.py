"""urllib3: the connection pool's _make_request, once for every attempt, redirect and retry.

`urlopen` above it calls itself for these, so one call of it can be many. Where urllib3 preloads the body, its default,
the duration includes that.
"""

from __future__ import annotations

import functools
import sys
from time import perf_counter_ns
from typing import Any

from vantage_agent.instrumentation.client import begin, is_recorded_above, origin, record
from vantage_agent.instrumentation.patching import Patcher
from vantage_agent.recorder import Recorder


def install_urllib3(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    header_dict = sys.modules["urllib3._collections"].HTTPHeaderDict

    def wrap(original: Any) -> Any:
        @functools.wraps(original)
        def make_request(self: Any, conn: Any, method: str, url: str, **kwargs: Any) -> Any:
            if not recorder.active or is_recorded_above(kwargs.get("headers")):
                # By requests, mostly.
                return original(self, conn, method, url, **kwargs)
            started = perf_counter_ns()
            headers = _copy(kwargs.get("headers"), header_dict)
            call = begin(recorder, headers)
            if call is None:
                return original(self, conn, method, url, **kwargs)
            kwargs["headers"] = headers
            status = error = None
            try:
                response = original(self, conn, method, url, **kwargs)
                status = response.status
                return response
            except BaseException as raised:
                error = type(raised).__qualname__
                raise
            finally:
                ended = perf_counter_ns()
                # A path alone goes to the pool's host, a whole URL through the proxy that the pool is for.
                target = origin(self.scheme, self.host, self.port) if url.startswith("/") else url
                record(recorder, call, started, ended, method, target, status, error)

        return make_request

    patcher.wrap(module.HTTPConnectionPool, "_make_request", wrap)


def _copy(headers: Any, header_dict: Any) -> Any:
    """The mapping may be the pool's or the application's own. None where it is none that urllib3 would understand."""
    try:
        return header_dict(headers or {})
    except Exception:
        return None
