"""The running agent: exporter, instrumentation, and the process events it must survive."""

from __future__ import annotations

import atexit
import logging
import os
import time
import weakref

from vantage_agent import sigterm
from vantage_agent.config import Config
from vantage_agent.exporter import Exporter
from vantage_agent.instrumentation import install
from vantage_agent.instrumentation.patching import Patcher
from vantage_agent.instrumentation.processes import install_processes
from vantage_agent.recorder import Recorder
from vantage_agent.sigterm import EXIT_TIMEOUT_S

log = logging.getLogger("vantage.agent")
log.addHandler(logging.NullHandler())
if log.level == logging.NOTSET:
    # An application that lets everything through does not mean the agent's details.
    log.setLevel(logging.INFO)

_pid = os.getpid()
_exporters: weakref.WeakSet[Exporter] = weakref.WeakSet()


def _after_fork() -> None:
    global _pid
    _pid = os.getpid()
    for exporter in list(_exporters):
        exporter.after_fork()


def notice_fork() -> None:
    """For those who fork without Python's hooks: in the child, unless it is known already."""
    if _pid != os.getpid():
        _after_fork()


if hasattr(os, "register_at_fork"):
    # Hooks cannot be unregistered, hence one for the module and not one for every agent.
    os.register_at_fork(after_in_child=_after_fork)


class Agent:
    """Everything that `init_agent` started. Use the functions of vantage_agent.api instead."""

    def __init__(self, config: Config) -> None:
        self._exporter = Exporter(config)
        self._patcher = Patcher()
        self.recorder: Recorder = self._exporter.recorder
        self._exit_time_left_s = EXIT_TIMEOUT_S
        _exporters.add(self._exporter)

    def start(self) -> None:
        install(self._patcher, self.recorder, self._exporter.config)
        atexit.register(self.last_flush)
        sigterm.flush_on_it()
        install_processes(self._patcher, self.last_flush, notice_fork)

    def configure(self, config: Config) -> None:
        self._exporter.configure(config)
        install(self._patcher, self.recorder, config)

    def flush(self, timeout_s: float) -> bool:
        return self._exporter.flush(timeout_s)

    def shutdown(self, timeout_s: float) -> bool:
        delivered = self._exporter.stop(timeout_s)
        self._patcher.restore()
        atexit.unregister(self.last_flush)
        sigterm.leave_it()
        return delivered

    def last_flush(self) -> None:
        """Flush because the process ends. There may be several occasions to do so; together they take two seconds."""
        began = time.monotonic()
        try:
            self._exporter.flush(self._exit_time_left_s)
        except Exception:
            log.debug("the last flush failed", exc_info=True)
        self._exit_time_left_s = max(0.0, self._exit_time_left_s - (time.monotonic() - began))
