"""Carrying the current span into ThreadPoolExecutor (and so into asyncio's run_in_executor)."""

from __future__ import annotations

import functools
from contextvars import copy_context
from typing import Any

from vantage_agent.context import CURRENT
from vantage_agent.instrumentation.patching import Patcher
from vantage_agent.recorder import Recorder


def install_threads(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    def wrap(original: Any) -> Any:
        @functools.wraps(original)
        def submit(self: Any, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
            if not recorder.active or CURRENT.get() is None:
                return original(self, fn, *args, **kwargs)
            return original(self, copy_context().run, fn, *args, **kwargs)

        return submit

    patcher.wrap(module.ThreadPoolExecutor, "submit", wrap)
