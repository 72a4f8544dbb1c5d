"""requests: HTTPAdapter.send, once for every hop of a redirect, and adapters that override it."""

from __future__ import annotations

import functools
from time import perf_counter_ns
from typing import Any, Set

from vantage_agent.instrumentation.client import begin, enter, finish, leave, log
from vantage_agent.instrumentation.patching import Patcher, Wrap
from vantage_agent.recorder import Recorder

# An application that makes a class for every call must not make us keep them all.
MAX_ADAPTER_CLASSES = 256


def install_requests(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    patcher.wrap(module.HTTPAdapter, "send", _traced(recorder, yields=False))


def install_sessions(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    """Adapters of the application's own are met where a session chooses one; their class is wrapped then."""
    met: Set[Any] = {module.HTTPAdapter, *module.HTTPAdapter.__bases__}
    patcher.on_restore(met.clear)

    def meet(adapter: Any) -> None:
        kind = type(adapter)
        owner = next((parent for parent in kind.__mro__ if "send" in vars(parent)), kind)
        known = owner in met
        met.update((owner, kind))
        if not known and recorder.active:
            try:
                patcher.wrap(owner, "send", _traced(recorder, yields=True))
            except Exception:
                log.debug("%s cannot be wrapped", kind, exc_info=True)

    def wrap(original: Any) -> Any:
        @functools.wraps(original)
        def get_adapter(self: Any, url: Any) -> Any:
            adapter = original(self, url)
            if type(adapter) not in met and len(met) < MAX_ADAPTER_CLASSES:
                meet(adapter)
            return adapter

        return get_adapter

    patcher.wrap(module.Session, "get_adapter", wrap)


def _traced(recorder: Recorder, yields: bool) -> Wrap:
    def wrap(original: Any) -> Any:
        @functools.wraps(original)
        def send(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            if not recorder.active or (yields and not _is_http(request)):
                return original(self, request, *args, **kwargs)
            started = perf_counter_ns()
            call = begin(recorder, request.headers)
            if call is None:
                return original(self, request, *args, **kwargs)
            token = enter(call, yields)
            status = error = None
            try:
                response = original(self, request, *args, **kwargs)
                status = getattr(response, "status_code", None)
                return response
            except BaseException as raised:
                error = type(raised).__qualname__
                raise
            finally:
                ended = perf_counter_ns()
                leave(token)
                finish(recorder, call, request.headers, started, ended, request.method, request.url, status, error)

        return send

    return wrap


def _is_http(request: Any) -> bool:
    """Adapters exist for files and FTP, too."""
    return str(getattr(request, "url", None))[:4].lower() == "http"
