"""SIGTERM: where it would end the process before atexit, flush first.

Between two processes and in the middle of anything, this has to go well: in the moment of a fork, in code that holds a
lock, in a call that blocks.
"""

from __future__ import annotations

import _thread
import logging
import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import Callable, Optional, Set, Tuple

from vantage_agent import state
from vantage_agent.background import Background

log = logging.getLogger("vantage.agent")

# With the interpreter's own end, a process is gone within 2 s.
EXIT_TIMEOUT_S = 1.8
NUDGE_S = 0.05

# Of this process: whether our handler has begun, and what wakes the thread that watches that it does.
_handled = False
_pipe: Optional[Tuple[int, int]] = None


def flush_on_it() -> None:
    """Where nobody handles it; then, and only then.

    A handler that the application installs later replaces this one. uvicorn does so and raises the signal again when
    it is done, so the last requests are sent under it too.
    """
    try:
        if _may_handle_signals() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _on_sigterm)
    except (ValueError, OSError, AttributeError):
        log.debug("SIGTERM is left alone", exc_info=True)


def leave_it() -> None:
    """Give it back, unless someone else has it by now."""
    try:
        if _may_handle_signals() and signal.getsignal(signal.SIGTERM) is _on_sigterm:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _watch_no_more()
    except (ValueError, OSError, AttributeError):
        log.debug("SIGTERM is left as it is", exc_info=True)


def _may_handle_signals() -> bool:
    return threading.current_thread() is threading.main_thread()


def _on_sigterm(signum: int, frame: Optional[FrameType]) -> None:
    global _handled
    _handled = True
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


class _HeldBack(threading.local):
    """Keeps SIGTERM waiting while this thread forks, where it would lead to our handler.

    A child's interpreter forgets the signals that reached a Python handler before it has collected itself. Without our
    handler such a SIGTERM ends the child; with it, the child would live on.
    """

    mask: Optional[Set[int]] = None

    def before(self) -> None:
        if signal.getsignal(signal.SIGTERM) is _on_sigterm:
            self.mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def after_in_parent(self) -> None:
        mask, self.mask = self.mask, None
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def after_in_child(self) -> None:
        global _handled
        _handled = False
        if _pipe is not None:
            # The thread is the parent's.
            os.close(_pipe[0])
            _watch_no_more()
        self.after_in_parent()


def watch_over_it() -> None:
    """In a child of multiprocessing: see to it that SIGTERM reaches our handler, if it leads there.

    The interpreter runs a handler between two instructions. A signal that comes after the last of them and before a
    call that blocks is noted, and the call blocks: for ever in a worker of a pool that is told to end while it turns to
    its next task, and with the worker hangs whoever waits for its end. SIGTERM's default action knows no such moment.

    So a handler in C tells a thread first, which repeats the signal until it is handled. That of the standard library
    is faulthandler's; what it writes is of no interest. A handler that is installed later, by anyone, replaces it.
    """
    global _pipe
    if _pipe is not None or not _is_child() or signal.getsignal(signal.SIGTERM) is not _on_sigterm:
        return
    try:
        # Not above: from 3.12 on it cannot be imported in a sub-interpreter.
        import faulthandler

        reading, writing = _pipe = os.pipe()
        os.set_blocking(writing, False)
        faulthandler.register(signal.SIGTERM, file=writing, all_threads=False, chain=True)
        Background(lambda: _repeat_until_handled(reading)).start()
    except (RuntimeError, OSError, ImportError):
        log.debug("nobody watches over SIGTERM", exc_info=True)


def _is_child() -> bool:
    """Of multiprocessing; one that is spawned is called so only when the application's main module is imported."""
    process = sys.modules.get("multiprocessing.process")
    return process is not None and (
        process.parent_process() is not None or hasattr(process.current_process(), "_inheriting")
    )


def _watch_no_more() -> None:
    global _pipe
    if _pipe is not None:
        sys.modules["faulthandler"].unregister(signal.SIGTERM)
        os.close(_pipe[1])
        _pipe = None


def _repeat_until_handled(reading: int) -> None:
    main = threading.main_thread()
    if threading.get_native_id() == main.native_id:
        # A greenlet of gevent's, which must not block.
        return
    told = os.read(reading, 1)
    os.close(reading)
    while told and not _handled:
        time.sleep(NUDGE_S)
        if not _handled and main.ident is not None:
            signal.pthread_kill(main.ident, signal.SIGTERM)


if hasattr(os, "register_at_fork"):
    _held_back = _HeldBack()
    os.register_at_fork(
        before=_held_back.before,
        after_in_parent=_held_back.after_in_parent,
        after_in_child=_held_back.after_in_child,
    )
