"""Keeping the agent's threads out of the application's signals."""

from __future__ import annotations

import os
import signal
import threading


def leave_signals_to_others() -> None:
    """For the agent's own threads, first of all.

    A thread that masks signals (billiard's, while it holds a lock that its whole pool needs, or one that waits by
    sigwait) relies on no other's being there to take them: the default action of SIGTERM ends the whole process.

    Under gevent our thread is a greenlet of the application's: there nothing is masked, or nobody would get any.
    """
    if threading.get_native_id() in (os.getpid(), threading.main_thread().native_id):
        return
    if hasattr(signal, "pthread_sigmask"):
        faults = {signal.SIGSEGV, signal.SIGFPE, signal.SIGBUS, signal.SIGILL, signal.SIGABRT}
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - faults)
