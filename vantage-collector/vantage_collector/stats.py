"""What the collector did since it started, and in the last minute, for GET /v1/stats."""

from collections import Counter, deque
from dataclasses import dataclass

from vantage_common.block import Kind
from vantage_common.clock import Clock
from vantage_common.errors import UserError

WINDOW_S = 60
MAX_ERRORS = 50
MAX_CAPPED = 1000


@dataclass(frozen=True, slots=True)
class FailedRequest:
    """A failed request and whose it was; before its key is known, the default workspace's."""

    workspace: str
    at_ms: int
    path: str
    status: int
    code: str
    message: str


class PerSecond:
    """A number a second over the last minute, in one slot a second."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._slots: deque[tuple[int, int]] = deque()
        self._sum = 0

    def add(self, number: int) -> None:
        second = int(self._clock.monotonic())
        self._forget(second)
        if self._slots and self._slots[-1][0] == second:
            number_before = self._slots.pop()[1]
            self._slots.append((second, number_before + number))
        else:
            self._slots.append((second, number))
        self._sum += number

    def rate(self) -> float:
        self._forget(int(self._clock.monotonic()))
        return self._sum / WINDOW_S

    def _forget(self, second: int) -> None:
        while self._slots and self._slots[0][0] <= second - WINDOW_S:
            self._sum -= self._slots.popleft()[1]


class Stats:
    """Counts of this process; they start anew with it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started = clock.monotonic()
        self._requests = 0
        self._requests_per_second = PerSecond(clock)
        self._accepted: Counter[Kind] = Counter()
        self._accepted_per_second = PerSecond(clock)
        self._rows: Counter[Kind] = Counter()
        self._capped: Counter[tuple[str, str]] = Counter()
        self._refused: Counter[Kind] = Counter()
        self._errors: Counter[str] = Counter()
        self._last_errors: deque[FailedRequest] = deque(maxlen=MAX_ERRORS)

    def accepted(self, kind: Kind, items: int) -> None:
        """Items of a request whose records the broker has."""
        self._accepted[kind] += items
        self._accepted_per_second.add(items)

    def published(self, kind: Kind, rows: int) -> None:
        self._rows[kind] += rows

    def capped(self, workspace: str, service: str, samples: int) -> None:
        """Samples beyond a service's allowance of new series."""
        if (workspace, service) in self._capped or len(self._capped) < MAX_CAPPED:
            self._capped[workspace, service] += samples

    def refused(self, kind: Kind, items: int) -> None:
        """Items left out of a request that was taken otherwise."""
        self._refused[kind] += items

    def finished(self) -> None:
        """Any request, answered in whatever way."""
        self._requests += 1
        self._requests_per_second.add(1)

    def failed(self, workspace: str, path: str, error: UserError) -> None:
        self._errors[error.code] += 1
        self._last_errors.append(
            FailedRequest(workspace, self._clock.now_ms(), path, error.status, error.code, error.message)
        )

    def report(self, workspace: str, held_items: int, held_bytes: int) -> dict[str, object]:
        """The JSON of /v1/stats: counts of the process, but the errors of that workspace only."""
        return {
            "uptime_s": round(self._clock.monotonic() - self._started, 1),
            "requests": self._requests,
            "requests_per_second": round(self._requests_per_second.rate(), 3),
            "accepted": {kind: self._accepted[kind] for kind in ("metrics", "spans", "logs")},
            "accepted_per_second": round(self._accepted_per_second.rate(), 3),
            "rows": {kind: self._rows[kind] for kind in ("metrics", "spans", "logs")},
            "refused": {kind: self._refused[kind] for kind in ("metrics", "spans", "logs")},
            "queue": {"items": held_items, "bytes": held_bytes},
            "series_capped": {
                service: samples for (owner, service), samples in self._capped.items() if owner == workspace
            },
            "errors": dict(self._errors),
            "last_errors": [
                {
                    "timestamp": failed.at_ms,
                    "path": failed.path,
                    "status": failed.status,
                    "code": failed.code,
                    "message": failed.message,
                }
                for failed in reversed(self._last_errors)
                if failed.workspace == workspace
            ],
        }
