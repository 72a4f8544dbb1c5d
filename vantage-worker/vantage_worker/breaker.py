"""Circuit breaker: after some failures in a row the store is left alone, and probed now and then."""

from typing import Literal

from vantage_common.clock import Clock

State = Literal["closed", "open", "half_open"]
GAUGE: dict[State, int] = {"closed": 0, "half_open": 1, "open": 2}


class Breaker:
    """Closed: calls pass. Open: none does for `probe_s`. Half open: one passes, and its outcome decides."""

    def __init__(self, clock: Clock, failures: int = 5, probe_s: float = 60.0) -> None:
        self._clock = clock
        self._limit = failures
        self._probe_s = probe_s
        self._failures = 0
        self._opened_at: float | None = None

    @property
    def state(self) -> State:
        if self._opened_at is None:
            return "closed"
        return "half_open" if self._clock.monotonic() - self._opened_at >= self._probe_s else "open"

    def allows(self) -> bool:
        return self.state != "open"

    def succeeded(self) -> None:
        self._failures = 0
        self._opened_at = None

    def failed(self) -> None:
        self._failures += 1
        if self._failures >= self._limit:
            self._opened_at = self._clock.monotonic()
