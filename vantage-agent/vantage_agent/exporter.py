"""The background thread: drains the queue, folds, sends, and waits out a collector that is away.

What happens to data while the collector is away: bodies that were already written keep their batch id and are retried
as they are, so that a lost answer cannot count anything twice; there are only a few of them. Everything else stays in
the open batch, which merges what it can (fold.py) and so keeps its counts in constant memory.
"""

from __future__ import annotations

import json
import logging
import math
import os
import random
import socket
import threading
import time
from collections import deque
from typing import Callable, Deque, Dict, List, NamedTuple, Tuple

from vantage_agent.batch import Batch, Item, take_logs, take_metrics, take_spans, take_traced
from vantage_agent.config import Config
from vantage_agent.fold import DROPPED_METRIC
from vantage_agent.recorder import PRESSURE, Recorder
from vantage_agent.transport import Answer, Body, Transport, Verdict, compress
from vantage_agent.version import __version__

log = logging.getLogger("vantage.agent")

TICK_S = 0.25
BUSY_TICK_S = 0.02
MAX_ITEMS = 1_000
# The collector takes 1 MiB inflated; the batch's own fields need a little of it.
MAX_BODY_BYTES = 1_000_000
MAX_BACKOFF_S = 60.0
FIRST_BACKOFF_S = 1.0
# A body that the collector keeps failing on must not hold up the others for ever.
POISON_ATTEMPTS = 5

_to_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class Signal(NamedTuple):
    """One kind of body: where it goes, its list's name, and how to take items out of a batch."""

    path: str
    field: str
    spans_sent: bool
    take: Callable[[Batch, int, Config], List[Item]]


SIGNALS: Tuple[Signal, ...] = (
    Signal("/v1/metrics", "metrics", True, lambda batch, number, config: take_metrics(batch.window, number, config)),
    Signal("/v1/metrics", "metrics", False, lambda batch, number, config: take_traced(batch.window, number, config)),
    Signal("/v1/traces", "spans", False, lambda batch, number, config: take_spans(batch.spans, number, config)),
    Signal("/v1/logs", "logs", False, lambda batch, number, config: take_logs(batch.logs, number, config)),
)


def first_flush_in(interval_s: float, now_s: float) -> float:
    """Seconds until a process flushes for the first time; from then on its period is the interval exactly.

    Processes differ in phase, lest all send at once. A whole second's requests leave together where the interval has
    room for it, just after the second: the live city shows a second once all of it has arrived.
    """
    wait = random.uniform(0, interval_s)
    if interval_s < 1:
        return wait
    return math.ceil(now_s + wait) + random.uniform(0.02, 0.3) - now_s


class Exporter:
    """Owns the thread and everything that is not yet sent. `start`, `flush` and `stop` may be called from anywhere."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.recorder = Recorder(config.service_name, config.sample_rate, self.start)
        self._reset()

    def _reset(self) -> None:
        """State of a fresh process. Locks are made anew: after a fork their owners may not exist any more."""
        self._pid = os.getpid()
        self.instance = f"{socket.gethostname()}:{self._pid}"
        self._starting = threading.Lock()
        self._wake = threading.Event()
        self._exporting = threading.Lock()
        self._flushes: Deque[Tuple[threading.Event, List[bool]]] = deque()
        self._stopped = False
        self._batch = Batch(self.config)
        self._pending: Deque[Body] = deque()
        self._failures = 0
        self._retry_at = 0.0
        self._told = False
        self._transport = Transport(self.config.collector_url, self.config.api_key, __version__)

    def configure(self, config: Config) -> None:
        """Take other settings; what is pending goes to the new collector."""
        with self._exporting:
            self.config = config
            self.recorder.configure(config.service_name, config.sample_rate)
            self._transport.close()
            self._transport = Transport(config.collector_url, config.api_key, __version__)
            self._retry_at = 0.0
        self._wake.set()

    def start(self) -> None:
        """Start the thread unless it runs. Called with the first record, not before: pre-fork servers fork first."""
        if self._pid != os.getpid():
            self.after_fork()
        if self.recorder.running or self._stopped or not self._starting.acquire(blocking=False):
            return
        try:
            if not self.recorder.running:
                thread = threading.Thread(target=self._run, args=(self._pid,), name="vantage-agent", daemon=True)
                thread.start()
                self.recorder.running = True
        except RuntimeError:
            # No thread can be had (interpreter shutdown, process limit): the next record tries again.
            log.debug("the exporter thread did not start", exc_info=True)
        finally:
            self._starting.release()

    def after_fork(self) -> None:
        """In a fork's child: forget what is the parent's. The thread comes back with the first record."""
        self._transport.forget()
        self.recorder.forget()
        self._reset()

    def flush(self, timeout_s: float) -> bool:
        """Send everything recorded so far, at once; True when that was done within `timeout_s`."""
        if self._pid != os.getpid():
            self.after_fork()
        if self._stopped:
            return False
        if not self.recorder.running:
            if not self.recorder.queue:
                return True
            self.start()
            if not self.recorder.running:
                return self._export_here(timeout_s)
        done, verdict = threading.Event(), [False]
        self._flushes.append((done, verdict))
        self._wake.set()
        return done.wait(timeout_s) and verdict[0]

    def stop(self, timeout_s: float) -> bool:
        """Flush, then end the thread."""
        delivered = self.flush(timeout_s)
        self._stopped = True
        self.recorder.active = False
        self._wake.set()
        return delivered

    def _export_here(self, timeout_s: float) -> bool:
        if not self._exporting.acquire(timeout=timeout_s):
            return False
        try:
            self._fold()
            return self._export()
        finally:
            self._exporting.release()

    def _run(self, pid: int) -> None:
        interval = self.config.flush_interval_s
        next_flush = time.monotonic() + first_flush_in(interval, time.time())
        tick = min(TICK_S, interval)
        while not self._stopped:
            self._wake.wait(max(0.0, min(tick, max(next_flush, self._retry_at) - time.monotonic())))
            if os.getpid() != pid:
                return
            self._wake.clear()
            waiting = [self._flushes.popleft() for _ in range(len(self._flushes))]
            delivered = False
            try:
                with self._exporting:
                    busy = self._fold() > PRESSURE
                    tick = BUSY_TICK_S if busy else min(TICK_S, interval)
                    now = time.monotonic()
                    if waiting or now >= max(next_flush, self._retry_at):
                        if now >= next_flush:
                            next_flush += interval * (1 + (now - next_flush) // interval)
                        delivered = self._export()
            except Exception:
                # A fault of ours must cost the application nothing but this batch.
                log.debug("exporting failed", exc_info=True)
                self._batch = Batch(self.config)
                self._batch.window.drop("internal_error")
            for done, verdict in waiting:
                verdict[0] = delivered
                done.set()
        self.recorder.running = False
        self._transport.close()

    def _fold(self) -> int:
        """Fold what is queued; how many records that were."""
        batch = self._batch
        records = self.recorder.drain()
        offset = time.time_ns() - time.perf_counter_ns()
        for record in records:
            try:
                batch.fold(record, offset)
            except Exception:
                log.debug("a record could not be folded", exc_info=True)
                batch.window.drop("invalid")
        dropped = self.recorder.take_dropped()
        if dropped:
            batch.window.drop("queue_full", dropped)
        return len(records)

    def _export(self) -> bool:
        """Send pending bodies, then the open batch. False when the collector could not take all of it."""
        if not self._send_pending():
            return False
        batch, self._batch = self._batch, Batch(self.config)
        self._report_losses(batch)
        for signal in SIGNALS:
            items = signal.take(batch, MAX_ITEMS, self.config)
            while items:
                self._pending.extend(self._bodies(signal, items))
                if not self._send_pending():
                    batch.tighten()
                    batch.absorb(self._batch)
                    self._batch = batch
                    return False
                items = signal.take(batch, MAX_ITEMS, self.config)
        return True

    def _report_losses(self, batch: Batch) -> None:
        now_ms = time.time() * 1000
        losses, batch.window.dropped = batch.window.dropped, {}
        for reason, number in losses.items():
            batch.window.count(DROPPED_METRIC, (("reason", reason),), now_ms, number)
        if batch.spans.thinned:
            batch.window.count("vantage.agent.spans_thinned", (), now_ms, batch.spans.thinned)
            batch.spans.thinned = 0

    def _send_pending(self) -> bool:
        while self._pending:
            body = self._pending[0]
            answer = self._transport.send(body)
            poison = answer.reason == "500" and self._failures >= POISON_ATTEMPTS
            if answer.verdict is Verdict.LATER and not poison:
                self._back_off(answer)
                return False
            self._pending.popleft()
            self._failures, self._retry_at = 0, 0.0
            if answer.verdict is not Verdict.ACCEPTED:
                self._batch.window.drop("refused", body.samples)
                self._tell_once("the collector refused a batch: %s", answer)
            else:
                self._told = False
        return True

    def _back_off(self, answer: Answer) -> None:
        self._failures += 1
        self._batch.tighten()
        ceiling = min(MAX_BACKOFF_S, FIRST_BACKOFF_S * 2 ** min(self._failures - 1, 10))
        wish = answer.retry_after_s
        wait = random.uniform(0, ceiling) if wish is None else wish + random.uniform(0, FIRST_BACKOFF_S)
        self._retry_at = time.monotonic() + wait
        self._tell_once("the collector cannot be reached (%s); telemetry is kept and retried", answer)

    def _tell_once(self, message: str, answer: Answer) -> None:
        if not self._told:
            self._told = True
            log.warning(message, answer.reason)

    def _bodies(self, signal: Signal, items: List[Item]) -> List[Body]:
        """Items as bodies of at most MAX_BODY_BYTES; an item that alone is larger is dropped."""
        envelope: Dict[str, object] = {
            signal.field: items,
            "service_name": self.config.service_name,
            "environment": self.config.environment,
            "agent_version": __version__,
            "instance": self.instance,
            "batch_id": "%032x" % random.getrandbits(128),
        }
        if signal.spans_sent:
            envelope["spans_sent"] = True
        try:
            text = _to_json(envelope)
        except ValueError:
            # A sum that overflowed to infinity. Halving finds it; the others go.
            text = ""
        # JSON with ASCII escapes: as many bytes as characters.
        if text and len(text) <= MAX_BODY_BYTES:
            samples = sum(item.get("count", 1) for item in items)
            return [Body(signal.path, compress(text), samples)]
        if len(items) == 1:
            self._batch.window.drop("too_large" if text else "invalid")
            return []
        half = len(items) // 2
        return self._bodies(signal, items[:half]) + self._bodies(signal, items[half:])
