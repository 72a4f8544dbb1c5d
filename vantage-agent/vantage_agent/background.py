"""Threads of the agent's own.

Not threading.Thread: its `start` waits until the thread says that it runs, which is for ever where memory ran out in
the thread's first lines. Nor is ours traced by what an application gives to threading.settrace, or found among its own.
"""

from __future__ import annotations

import _thread
import logging
import threading
from typing import Callable

from vantage_agent.signals import leave_signals_to_others

log = logging.getLogger("vantage.agent")

BIRTH_LIMIT_S = 1.0


class Background:
    """Does `work` in a thread that neither holds up the interpreter's exit nor takes the application's signals."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._begun = threading.Event()
        # Held while it works, and for ever by a starter that gave up.
        self._turn = threading.Lock()

    def start(self) -> None:
        """Return once it runs; RuntimeError where no thread can be had."""
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
            self._begun.set()
            leave_signals_to_others()
            self._work()
        except BaseException:
            log.debug("a thread of the agent ended early", exc_info=True)
        finally:
            self._turn.release()
