"""Carrying the current span into threads: those that are started, and those of a ThreadPoolExecutor.

Only the span goes along. Copying the whole context would hand the application's own context variables (Flask's request,
say) to code that has never seen them there.
"""

from __future__ import annotations

import functools
import sys
from contextvars import Context
from typing import Any, Callable, Optional

from vantage_agent.context import CURRENT, Span, leave
from vantage_agent.instrumentation.patching import Patcher
from vantage_agent.recorder import Recorder

_SPAN = "_vantage_agent_span"


def install_executor(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    def wrap(original: Any) -> Any:
        @functools.wraps(original)
        def submit(self: Any, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
            span = CURRENT.get()
            if span is None or not recorder.active:
                return original(self, fn, *args, **kwargs)
            # The pool starts its threads here. They outlive the request and must not inherit its span.
            token = CURRENT.set(None)
            try:
                return original(self, _run_below, span, fn, *args, **kwargs)
            finally:
                leave(token)

        return submit

    patcher.wrap(module.ThreadPoolExecutor, "submit", wrap)


def install_threads(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    def wrap_start(original: Any) -> Any:
        @functools.wraps(original)
        def start(self: Any) -> Any:
            span = CURRENT.get()
            if span is not None and recorder.active:
                _hand_over(self, span)
            return original(self)

        return start

    def wrap_bootstrap(original: Any) -> Any:
        @functools.wraps(original)
        def bootstrap(self: Any) -> Any:
            span = vars(self).pop(_SPAN, None)
            if span is not None:
                # The thread's own context, which ends with it.
                CURRENT.set(span)
            return original(self)

        return bootstrap

    patcher.wrap(module.Thread, "start", wrap_start)
    if sys.version_info < (3, 14):
        # Outside `run`, which subclasses override and which tracebacks begin with.
        patcher.wrap(module.Thread, "_bootstrap_inner", wrap_bootstrap)


def _hand_over(thread: Any, span: Span) -> None:
    if sys.version_info < (3, 14):
        setattr(thread, _SPAN, span)
    elif thread._context is None and not sys.flags.thread_inherit_context:
        # Python would make an empty one, too.
        thread._context = Context()
        thread._context.run(CURRENT.set, span)


def _run_below(span: Optional[Span], fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    token = CURRENT.set(span)
    try:
        return fn(*args, **kwargs)
    finally:
        leave(token)
