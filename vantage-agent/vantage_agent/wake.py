"""Waking the exporter thread from anywhere, a signal handler included.

A threading.Event would not do: its lock is not re-entrant, so a handler that interrupts `set` and calls it again waits
for ever. A SimpleQueue may be entered again at any point.
"""

from __future__ import annotations

import queue


class Wake:
    """An event with the parts of threading.Event that the exporter needs."""

    def __init__(self) -> None:
        # Looked up late: gevent may have put its own there since we were imported.
        self._calls: queue.SimpleQueue[None] = queue.SimpleQueue()

    def set(self) -> None:
        """End the wait, or the next one where nobody waits now."""
        self._calls.put(None)

    def wait(self, timeout_s: float) -> None:
        """Wait for `set` and take note of it, however often it was called."""
        try:
            self._calls.get(timeout=timeout_s)
            while True:
                self._calls.get_nowait()
        except queue.Empty:
            return
