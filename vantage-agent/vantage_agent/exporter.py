"""The background thread: drains the queue, folds, sends, and waits out a collector that is away.

What happens to data while the collector is away: bodies that were already written keep their batch id and are retried
as they are, so that a lost answer cannot count anything twice; there are only a few of them. Everything else stays in
the open batch, which merges what it can (fold.py) and so keeps its counts in constant memory.
"""

from __future__ import annotations

import logging
import math
import os
import random
import socket
import threading
import time
from collections import deque
from typing import Callable, Deque, Dict, List, Optional, Tuple

from vantage_agent.background import Background
from vantage_agent.batch import Batch
from vantage_agent.bodies import MAX_BODY_BYTES, Body, halves, portions, redated, write
from vantage_agent.clock import NS, TOLERANCE_S, Clock
from vantage_agent.config import Config
from vantage_agent.fold import DROPPED_METRIC
from vantage_agent.items import Item, Writer
from vantage_agent.recorder import QUEUE_LIMIT, Recorder
from vantage_agent.resolving import get_ready
from vantage_agent.runtime_metrics import RuntimeMetrics
from vantage_agent.transport import Answer, Transport, Verdict
from vantage_agent.tuples import NamedTuple
from vantage_agent.version import __version__
from vantage_agent.wake import Wake

log = logging.getLogger("vantage.agent")

TICK_S = 0.25
# Folding many at once is what makes folding cheap, yet the queue must not run over before the next time.
AT_ONCE = QUEUE_LIMIT // 4
MAX_ITEMS = 1_000
# An answer that trickles in is not waited for any longer than this.
ATTEMPT_LIMIT_S = 10.0
AWAY_PATIENCE_S = 1.0
MAX_BACKOFF_S = 60.0
FIRST_BACKOFF_S = 1.0
# A body that the collector keeps failing on must not hold up the others for ever.
POISON_ATTEMPTS = 5


class Signal(NamedTuple):
    """One kind of body: where it goes, its list's name, and how to take items out of a batch."""

    path: str
    field: str
    spans_sent: bool
    take: Callable[[Writer, Batch, int], List[Item]]


SIGNALS: Tuple[Signal, ...] = (
    Signal("/v1/metrics", "metrics", True, Writer.metrics),
    Signal("/v1/metrics", "metrics", False, Writer.traced),
    Signal("/v1/traces", "spans", False, Writer.spans),
    Signal("/v1/logs", "logs", False, Writer.logs),
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
        self._runtime = RuntimeMetrics()
        self._reset()

    def _reset(self) -> None:
        """State of a fresh process. Locks are made anew: after a fork their owners may not exist any more."""
        self._pid = os.getpid()
        self.instance = f"{socket.gethostname()}:{self._pid}"
        self._starting = threading.Lock()
        self._wake = Wake()
        self._exporting = threading.Lock()
        self._flushes: Deque[Tuple[threading.Event, List[bool]]] = deque()
        self._stopped = False
        self._thread: Optional[Background] = None
        self._sender: Optional[Background] = None
        self._clock = Clock()
        self._folded_at = 0.0
        self._busy = False
        self._batch = Batch(self.config)
        self._pending: Deque[Body] = deque()
        self._suspect: Optional[Body] = None
        self._failures = 0
        self._retry_at = 0.0
        self._told = False
        self._connect_to(self.config)

    def _connect_to(self, config: Config) -> None:
        self._destination = config
        self._transport = Transport(config.collector_url, config.api_key, __version__)

    def configure(self, config: Config) -> None:
        """Take other settings; what is pending goes to the new collector."""
        self.recorder.configure(config.service_name, config.sample_rate)
        self.config = config
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
                self._wake = Wake()
                thread = Background(self._run)
                thread.start()
                self._thread = thread
                self.recorder.running = True
        except (RuntimeError, MemoryError):
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
        """Send everything recorded so far, at once; True when that was done within `timeout_s`.

        A collector that is known to be away gets AWAY_PATIENCE_S at most.
        """
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
        return done.wait(min(timeout_s, AWAY_PATIENCE_S) if self._failures else timeout_s) and verdict[0]

    def stop(self, timeout_s: float) -> bool:
        """Flush, then end the thread."""
        deadline = time.monotonic() + timeout_s
        delivered = self.flush(timeout_s)
        self._stopped = True
        self.recorder.active = False
        self._wake.set()
        if self._thread is not None:
            self._thread.join(max(TICK_S, deadline - time.monotonic()))
        self._runtime.close()
        return delivered

    def _export_here(self, timeout_s: float) -> bool:
        if not self._exporting.acquire(timeout=timeout_s):
            return False
        try:
            self._fold()
            return self._export()
        finally:
            self._exporting.release()

    def _run(self) -> None:
        pid = self._pid
        try:
            self._work(pid)
        finally:
            if os.getpid() == pid:
                # Whatever ended it: the next record starts another one.
                self.recorder.running = False
                self._transport.close()

    def _work(self, pid: int) -> None:
        interval = self.config.flush_interval_s
        next_flush = time.monotonic() + first_flush_in(interval, time.time())
        tick = min(TICK_S, interval)
        get_ready()
        if self.config.runtime_metrics:
            self._runtime.start()
        while not self._stopped:
            if self._busy:
                self._runtime.probe()
            self._wake.wait(max(0.0, min(tick, max(next_flush, self._retry_at) - time.monotonic())))
            if os.getpid() != pid:
                return
            waiting = [self._flushes.popleft() for _ in range(len(self._flushes))]
            delivered = False
            try:
                with self._exporting:
                    tick = min(self._fold(), interval)
                    now = time.monotonic()
                    if waiting or now >= max(next_flush, self._retry_at):
                        if now >= next_flush:
                            next_flush += interval * (1 + (now - next_flush) // interval)
                            self._sample()
                        delivered = self._export()
            except Exception:
                # A fault of ours must cost the application nothing but this batch.
                log.debug("exporting failed", exc_info=True)
                self._batch = Batch(self.config)
                self._batch.window.drop("internal_error")
            for done, verdict in waiting:
                verdict[0] = delivered
                done.set()

    def _sample(self) -> None:
        """Add how the process itself is doing."""
        try:
            if self.config.runtime_metrics:
                self._batch.fold(self._runtime.sample(), self._clock.offset_ns())
            else:
                self._runtime.close()
        except Exception:
            log.debug("the process could not be sampled", exc_info=True)

    def _fold(self) -> float:
        """Fold what is queued; seconds that may pass until the next time."""
        records = self.recorder.drain()
        self._busy = bool(records)
        now = time.monotonic()
        since_s, self._folded_at = now - self._folded_at, now
        self._batch.fold(records, self._clock.offset_ns())
        dropped = self.recorder.take_dropped()
        if dropped:
            self._batch.window.drop("queue_full", dropped)
        room = max(0, AT_ONCE - len(self.recorder.queue))
        return min(TICK_S, since_s * room / (len(records) or 1))

    def _export(self) -> bool:
        """Send pending bodies, then the open batch. False when the collector could not take all of it."""
        if self._destination is not self.config:
            self._transport.close()
            self._connect_to(self.config)
        if self._suspect is not None and len(self._pending) == 1:
            self._write_another()
        if not self._send_pending():
            return False
        batch, self._batch = self._batch, Batch(self.config)
        self._report_losses(batch)
        writer = Writer(self.config, self._clock.offset_ns())
        for signal in SIGNALS:
            while self._write(signal, writer, batch):
                if not self._send_pending():
                    batch.tighten()
                    batch.absorb(self._batch)
                    self._batch = batch
                    return False
        for reason, number in batch.window.dropped.items():
            # Found out while it was written.
            self._batch.window.drop(reason, number)
        return True

    def _write(self, signal: Signal, writer: Writer, batch: Batch) -> bool:
        """Take up to MAX_ITEMS out of a batch and have their bodies wait to be sent next; False if there are none."""
        items = signal.take(writer, batch, MAX_ITEMS)
        fitting = [item for item in items if len(item.text) <= MAX_BODY_BYTES]
        if len(fitting) < len(items):
            self._batch.window.drop("too_large", len(items) - len(fitting))
        bodies = [
            write(signal.path, signal.field, portion, self._envelope(signal), writer.offset_ns)
            for portion in portions(fitting)
        ]
        self._pending.extendleft(reversed(bodies))
        return bool(items)

    def _write_another(self) -> None:
        """A body beside the suspect. What becomes of it tells whether the fault is the suspect's or the collector's."""
        writer = Writer(self.config, self._clock.offset_ns())
        for signal in SIGNALS:
            if self._write(signal, writer, self._batch):
                return

    def _envelope(self, signal: Signal) -> Dict[str, object]:
        envelope: Dict[str, object] = {
            "service_name": self.config.service_name,
            "environment": self.config.environment,
            "agent_version": __version__,
            "instance": self.instance,
        }
        if signal.spans_sent:
            envelope["spans_sent"] = True
        return envelope

    def _report_losses(self, batch: Batch) -> None:
        at_ns = time.perf_counter_ns()
        losses, batch.window.dropped = batch.window.dropped, {}
        for reason, number in losses.items():
            batch.window.count(DROPPED_METRIC, (("reason", reason),), 0, at_ns, number)
        if batch.spans.thinned:
            batch.window.count("vantage.agent.spans_thinned", (), 0, at_ns, batch.spans.thinned)
            batch.spans.thinned = 0

    def _send_pending(self) -> bool:
        """Send the bodies that wait; False where some still have to."""
        accepted = False
        while self._pending:
            body = self._pending[0]
            answer = self._deliver(body)
            if answer.verdict == Verdict.LATER and not (accepted and body is self._suspect):
                self._back_off(answer)
                if answer.reason == "500" and self._failures >= POISON_ATTEMPTS:
                    self._suspect = self._pending.popleft()
                    self._pending.append(self._suspect)
                return False
            self._pending.popleft()
            self._failures, self._retry_at = 0, 0.0
            if answer.verdict == Verdict.ACCEPTED:
                accepted, self._told = True, False
            else:
                self._mend(body, answer)
        self._suspect = None
        return True

    def _mend(self, body: Body, answer: Answer) -> None:
        """Write a refused body anew where that may help, else count its samples as lost."""
        offset_ns = self._clock.offset_ns()
        if answer.verdict == Verdict.TOO_LARGE:
            mended = halves(body)
        elif abs(offset_ns - body.offset_ns) > TOLERANCE_S * NS:
            mended = [redated(body, offset_ns)]
        else:
            mended = []
        self._pending.extendleft(reversed(mended))
        if not mended:
            self._batch.window.drop("refused", body.samples)
            if not self._told:
                self._told = True
                log.warning("the collector refused a batch: %s", answer.reason)

    def _deliver(self, body: Body) -> Answer:
        """Send a body, and go on folding meanwhile: a collector that is slow to answer must not fill the queue."""
        if self._sender is not None and self._sender.is_alive():
            return Answer(Verdict.LATER, "still looking for the collector")
        transport = self._transport
        answers: List[Answer] = []
        done = threading.Event()

        def send() -> None:
            try:
                answers.append(transport.send(body))
            finally:
                done.set()

        sender = Background(send)
        try:
            sender.start()
        except (RuntimeError, MemoryError):
            # At exit no thread can be had any more, and nothing is left that would have to go on meanwhile.
            return self._noted(transport.send(body))
        deadline = time.monotonic() + ATTEMPT_LIMIT_S
        tick = TICK_S
        while not done.wait(tick):
            tick = self._fold()
            if self._stopped or time.monotonic() > deadline:
                # It ends by itself; where it waits for a name to be resolved, nothing can end it sooner.
                self._sender = sender
                transport.abandon()
                self._connect_to(self._destination)
                return Answer(Verdict.LATER, "TimeoutError")
        return self._noted(answers[0] if answers else Answer(Verdict.LATER, "internal error"))

    def _noted(self, answer: Answer) -> Answer:
        if answer.collectors_s is not None:
            self._clock.compare(answer.collectors_s)
        return answer

    def _back_off(self, answer: Answer) -> None:
        self._failures += 1
        self._batch.tighten()
        ceiling = min(MAX_BACKOFF_S, FIRST_BACKOFF_S * 2 ** min(self._failures - 1, 10))
        wish = answer.retry_after_s
        wait = random.uniform(0, ceiling) if wish is None else wish + random.uniform(0, FIRST_BACKOFF_S)
        self._retry_at = time.monotonic() + wait
        log.debug("the collector cannot be reached (%s); telemetry is kept and retried", answer.reason)
