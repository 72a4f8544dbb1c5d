"""The running agent: exporter, instrumentation, and the process events it must survive."""

from __future__ import annotations

import _thread
import atexit
import logging
import os
import signal
import threading
import time
import weakref
from types import FrameType
from typing import Callable, Optional, Set

from vantage_agent import state
from vantage_agent.config import Config
from vantage_agent.exporter import Exporter
from vantage_agent.instrumentation import install
from vantage_agent.instrumentation.patching import Patcher
from vantage_agent.instrumentation.processes import install_processes
from vantage_agent.recorder import Recorder

# With the interpreter's own end, a process is gone within 2 s.
EXIT_TIMEOUT_S = 1.8

log = logging.getLogger("vantage.agent")
log.addHandler(logging.NullHandler())

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


class _TermHeldBack(threading.local):
    """Keeps SIGTERM waiting while this thread forks, where it would lead to our handler.

    A child's interpreter forgets the signals that reached a Python handler before it has collected itself. Without our
    handler such a SIGTERM ends the child; with it, the child would live on.
    """

    mask: Optional[Set[int]] = None

    def before(self) -> None:
        if signal.getsignal(signal.SIGTERM) is _on_sigterm:
            self.mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def after(self) -> None:
        mask, self.mask = self.mask, None
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


_term = _TermHeldBack()

if hasattr(os, "register_at_fork"):
    # Hooks cannot be unregistered, hence one for the module and not one for every agent.
    os.register_at_fork(after_in_child=_after_fork)
    os.register_at_fork(before=_term.before, after_in_parent=_term.after, after_in_child=_term.after)


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
        install_processes(self._patcher, self.last_flush, notice_fork)
        atexit.register(self.last_flush)
        _flush_on_sigterm()

    def configure(self, config: Config) -> None:
        self._exporter.configure(config)
        install(self._patcher, self.recorder, config)

    def flush(self, timeout_s: float) -> bool:
        return self._exporter.flush(timeout_s)

    def shutdown(self, timeout_s: float) -> bool:
        delivered = self._exporter.stop(timeout_s)
        self._patcher.restore()
        atexit.unregister(self.last_flush)
        _leave_sigterm()
        return delivered

    def last_flush(self) -> None:
        """Flush because the process ends. There may be several occasions to do so; together they take two seconds."""
        began = time.monotonic()
        try:
            self._exporter.flush(self._exit_time_left_s)
        except Exception:
            log.debug("the last flush failed", exc_info=True)
        self._exit_time_left_s = max(0.0, self._exit_time_left_s - (time.monotonic() - began))


def _flush_on_sigterm() -> None:
    """Where nobody handles SIGTERM it would end the process before atexit; then, and only then, flush first.

    A handler that the application installs later replaces this one. uvicorn does so and raises the signal again when
    it is done, so the last requests are sent under it too.
    """
    try:
        if _may_handle_signals() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _on_sigterm)
    except (ValueError, OSError, AttributeError):
        log.debug("SIGTERM is left alone", exc_info=True)


def _leave_sigterm() -> None:
    try:
        if _may_handle_signals() and signal.getsignal(signal.SIGTERM) is _on_sigterm:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
    except (ValueError, OSError, AttributeError):
        log.debug("SIGTERM is left as it is", exc_info=True)


def _may_handle_signals() -> bool:
    return threading.current_thread() is threading.main_thread()


def _on_sigterm(signum: int, frame: Optional[FrameType]) -> None:
    try:
        if state.agent is not None:
            _in_another_thread(state.agent.last_flush, EXIT_TIMEOUT_S)
    finally:
        signal.signal(signum, signal.SIG_DFL)
        os.kill(os.getpid(), signum)


def _in_another_thread(work: Callable[[], None], timeout_s: float) -> None:
    """Run `work`, and wait for it no longer than `timeout_s`.

    The code that a signal interrupted may hold any lock, also one that `work` needs. In a thread of its own it can at
    worst be late. Not a threading.Thread: to start one takes a lock, too.
    """
    done = _thread.allocate_lock()
    done.acquire()

    def run() -> None:
        try:
            work()
        finally:
            done.release()

    _thread.start_new_thread(run, ())
    done.acquire(timeout=timeout_s)
