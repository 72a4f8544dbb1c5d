"""The running agent: exporter, instrumentation, and the process events it must survive."""

from __future__ import annotations

import atexit
import logging
import os
import signal
import threading
import weakref
from types import FrameType
from typing import Optional

from vantage_agent import state
from vantage_agent.config import Config
from vantage_agent.exporter import Exporter
from vantage_agent.instrumentation import install
from vantage_agent.instrumentation.patching import Patcher
from vantage_agent.recorder import Recorder

EXIT_TIMEOUT_S = 2.0

log = logging.getLogger("vantage.agent")
log.addHandler(logging.NullHandler())

_exporters: weakref.WeakSet[Exporter] = weakref.WeakSet()


def _after_fork() -> None:
    for exporter in list(_exporters):
        exporter.after_fork()


if hasattr(os, "register_at_fork"):
    # Hooks cannot be unregistered, hence one for the module and not one for every agent.
    os.register_at_fork(after_in_child=_after_fork)


class Agent:
    """Everything that `init_agent` started. Use the functions of vantage_agent.api instead."""

    def __init__(self, config: Config) -> None:
        self._exporter = Exporter(config)
        self._patcher = Patcher()
        self.recorder: Recorder = self._exporter.recorder
        _exporters.add(self._exporter)

    def start(self) -> None:
        install(self._patcher, self.recorder, self._exporter.config)
        atexit.register(self._at_exit)
        _flush_on_sigterm()

    def configure(self, config: Config) -> None:
        self._exporter.configure(config)
        install(self._patcher, self.recorder, config)

    def flush(self, timeout_s: float) -> bool:
        return self._exporter.flush(timeout_s)

    def shutdown(self, timeout_s: float) -> bool:
        delivered = self._exporter.stop(timeout_s)
        self._patcher.restore()
        atexit.unregister(self._at_exit)
        return delivered

    def _at_exit(self) -> None:
        try:
            self._exporter.flush(EXIT_TIMEOUT_S)
        except Exception:
            log.debug("the last flush failed", exc_info=True)


def _flush_on_sigterm() -> None:
    """Where nobody handles SIGTERM it would end the process before atexit; then, and only then, flush first.

    A handler that the application installs later replaces this one. uvicorn does so and raises the signal again when
    it is done, so the last requests are sent under it too.
    """
    try:
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _on_sigterm)
    except (ValueError, OSError, AttributeError):
        log.debug("SIGTERM is left alone", exc_info=True)


def _on_sigterm(signum: int, frame: Optional[FrameType]) -> None:
    agent = state.agent
    if agent is not None:
        agent._at_exit()
    signal.signal(signum, signal.SIG_DFL)
    os.kill(os.getpid(), signum)
