"""Threads of the agent's own.

Not threading.Thread: its `start` waits until the thread says that it runs, which is for ever where memory ran out in
the thread's first lines. Nor is ours traced by what an application gives to threading.settrace, or found among its own.
"""

from __future__ import annotations

import _thread
import logging
import os
import sys
import threading
import warnings
from typing import Any, Callable, Set

from vantage_agent.signals import leave_signals_to_others

log = logging.getLogger("vantage.agent")

BIRTH_LIMIT_S = 1.0
# Those that run in this process.
_running: Set[Background] = set()


class Background:
    """Does `work` in a thread that neither holds up the interpreter's exit nor takes the application's signals."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._begun = threading.Event()
        # Held while it works, and for ever by a starter that gave up.
        self._turn = threading.Lock()

    def start(self) -> None:
        """Return once it runs; RuntimeError where no thread can be had.

        Since 3.12 an isolated sub-interpreter may have threads, but none that is left at its end: that is fatal.
        """
        if hasattr(_thread, "daemon_threads_allowed") and not _thread.daemon_threads_allowed():
            raise RuntimeError("a thread of ours would outlive this interpreter")
        # Looked up late: gevent may have put its own there.
        _thread.start_new_thread(self._run, ())
        if not self._begun.wait(BIRTH_LIMIT_S) and self._turn.acquire(blocking=False):
            raise RuntimeError("the thread did not begin")

    def is_alive(self) -> bool:
        """Whether it works; only after `start` has returned."""
        return self._turn.locked()

    def join(self, timeout_s: float) -> None:
        """Wait for its end; only after `start` has returned."""
        if self._turn.acquire(timeout=timeout_s):
            self._turn.release()

    def _run(self) -> None:
        if not self._turn.acquire(blocking=False):
            return
        try:
            _running.add(self)
            self._begun.set()
            leave_signals_to_others()
            self._work()
        except BaseException:
            log.debug("a thread of the agent ended early", exc_info=True)
        finally:
            self._turn.release()
            _running.discard(self)


class _OfOurThreads:
    """In the place of a filter's pattern: matches what the interpreter says of threads where all of them are ours."""

    def match(self, text: str) -> bool:
        return bool(_running) and "is multi-threaded" in text and _threads() == len(_running) + 1


_UNREMARKED = ("ignore", _OfOurThreads(), DeprecationWarning, None, 0)


def _go_unremarked() -> None:
    """Before a fork: keep the interpreter from warning of our threads, where they are all that it would warn of.

    It does since 3.12, of any thread but the one that forks, and since 3.13 after the last hook. Ours keep nothing
    locked that a child needs. The list of filters is changed as it is: by filterwarnings, each warning that is shown
    once would be shown once more.
    """
    filters: Any = warnings.filters
    if _running and (not filters or filters[0] is not _UNREMARKED):
        if _UNREMARKED in filters:
            filters.remove(_UNREMARKED)
        filters.insert(0, _UNREMARKED)


def _threads() -> int:
    """All of the process, as the system counts them; 0 where it does not say."""
    try:
        return len(os.listdir("/proc/self/task"))  # noqa: PTH208
    except OSError:
        return 0


if sys.version_info >= (3, 12) and hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_go_unremarked, after_in_child=_running.clear)
