"""What clients were told, on disk before they go on, and the comparison of that with what the store holds. Pure but
for the file.

An event is a number. A client sends a range of them as one batch; whoever has seen 202 for it must find each exactly
once, a range with any other answer at most once.
"""

import os
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

Kind = Literal["metrics", "spans", "logs"]
KINDS: tuple[Kind, ...] = ("metrics", "spans", "logs")
ACKNOWLEDGED = "202"


class Event(NamedTuple):
    kind: Kind
    number: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """`lost`: 202 seen and not stored. `doubled`: stored more than once. `strange`: stored and never sent."""

    sent: int
    acknowledged: int
    lost: tuple[Event, ...]
    doubled: tuple[Event, ...]
    strange: tuple[Event, ...]

    @property
    def holds(self) -> bool:
        return not (self.lost or self.doubled or self.strange)


def judge(sent: Iterable[Event], acknowledged: Iterable[Event], stored: Mapping[Event, int]) -> Verdict:
    """`stored` is how often the store holds each event."""
    sent, acknowledged = set(sent), set(acknowledged)
    return Verdict(
        len(sent),
        len(acknowledged),
        lost=tuple(sorted(acknowledged - stored.keys())),
        doubled=tuple(sorted(event for event, times in stored.items() if times > 1)),
        strange=tuple(sorted(stored.keys() - sent)),
    )


class Batch(NamedTuple):
    """The events `first` ≤ number < `end`, sent together. `run` is the fault they were sent under."""

    run: str
    kind: Kind
    first: int
    end: int

    def events(self) -> Iterable[Event]:
        return (Event(self.kind, number) for number in range(self.first, self.end))


class Oracle:
    """The file has one line a word from the collector: run, kind, first event, end, status. It is synced before `heard`
    returns, so a client that dies has claimed nothing that it was not told."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1)
        self._lock = threading.Lock()
        self._next = 1
        self._sent: list[Batch] = []
        self._acknowledged: list[Batch] = []
        self.answers: Counter[str] = Counter()

    def new_batch(self, run: str, kind: Kind, size: int) -> Batch:
        """Numbers that nobody has had before, on disk as about to be sent."""
        with self._lock:
            batch = Batch(run, kind, self._next, self._next + size)
            self._next = batch.end
            self._sent.append(batch)
            self._write(batch, "sending")
        return batch

    def heard(self, batch: Batch, status: str) -> None:
        """`status` is the HTTP status, or the name of what kept it from coming."""
        with self._lock:
            self._write(batch, status)
            self.answers[status] += 1
            if status == ACKNOWLEDGED:
                self._acknowledged.append(batch)

    def judge(self, stored: Mapping[Event, int], run: str | None = None) -> Verdict:
        """Of one run, or of all: an event that no run has sent is strange to the judgement of all alone."""
        with self._lock:
            sent = {event for batch in self._sent if run in (None, batch.run) for event in batch.events()}
            told = {event for batch in self._acknowledged if run in (None, batch.run) for event in batch.events()}
        ours = stored if run is None else {event: times for event, times in stored.items() if event in sent}
        return judge(sent, told, ours)

    def acknowledged(self, run: str) -> list[Batch]:
        with self._lock:
            return [batch for batch in self._acknowledged if batch.run == run]

    def bounds(self, run: str) -> tuple[int, int]:
        """All numbers of a run lie in this half-open range."""
        with self._lock:
            batches = [batch for batch in self._sent if batch.run == run]
        return min((b.first for b in batches), default=0), max((b.end for b in batches), default=0)

    def close(self) -> None:
        self._file.close()

    def _write(self, batch: Batch, status: str) -> None:
        self._file.write(f"{batch.run}\t{batch.kind}\t{batch.first}\t{batch.end}\t{status}\n")
        os.fsync(self._file.fileno())
