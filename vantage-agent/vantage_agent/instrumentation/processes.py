"""Processes that come and go without Python's own hooks being run.

A child of multiprocessing (or of Celery's billiard) ends by os._exit, so no atexit; uWSGI forks in C, so no
register_at_fork. Both have hooks of their own.
"""

from __future__ import annotations

from typing import Any, Callable

from vantage_agent import sigterm
from vantage_agent.instrumentation.import_hook import ImportHooks
from vantage_agent.instrumentation.patching import Patcher

Call = Callable[[], None]

# The lowest runs last: what the application's finalizers record still gets out.
_LAST = -1_000_000


def install_processes(patcher: Patcher, last_flush: Call, notice_fork: Call) -> None:
    """Have `last_flush` called where a process ends, and `notice_fork` where a child begins."""
    hooks = ImportHooks()
    patcher.on_restore(hooks.remove)
    for name in ("multiprocessing.util", "billiard.util"):
        hooks.when_imported(name, lambda util: patcher.on_restore(_Finalizer(util, last_flush).cancel))
    hooks.when_imported("uwsgi", lambda module: _after_uwsgis_fork(module, patcher, notice_fork))
    hooks.when_imported("uwsgidecorators", lambda module: module.postfork_chain.insert(0, notice_fork))


class _Finalizer:
    """Calls `last_flush` when this process, or a child of multiprocessing forked from it, ends."""

    def __init__(self, util: Any, last_flush: Call) -> None:
        self._util = util
        self._last_flush = last_flush
        self._armed: Any = None
        # A child forgets its parent's finalizers and then calls this. It is registered for as long as `self` lives.
        util.register_after_fork(self, _Finalizer.arm)
        self.arm()

    def arm(self) -> None:
        sigterm.watch_over_it()
        self._armed = self._util.Finalize(None, self._last_flush, exitpriority=_LAST)

    def cancel(self) -> None:
        self._armed.cancel()


def _after_uwsgis_fork(uwsgi: Any, patcher: Patcher, notice_fork: Call) -> None:
    theirs = getattr(uwsgi, "post_fork_hook", None)

    def post_fork_hook() -> None:
        notice_fork()
        if theirs is not None:
            theirs()

    uwsgi.post_fork_hook = post_fork_hook
