"""Whether ingestion has stopped: work is waiting, and none of it gets done."""

from vantage_common.clock import Clock
from vantage_common.telemetry import get_logger

STALLED_S = 30.0
RECONNECT_S = 60.0
MAX_RECONNECT_S = 600.0

log = get_logger("vantage.worker")


class Progress:
    """Since when work has been waiting without any of it being finished."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: float | None = None

    @property
    def stalled_s(self) -> float:
        return 0.0 if self._since is None else self._clock.monotonic() - self._since

    def waiting(self, is_waiting: bool) -> None:
        if not is_waiting:
            self._since = None
        elif self._since is None:
            self._since = self._clock.monotonic()

    def made(self) -> None:
        if self._since is not None:
            self._since = self._clock.monotonic()


class Watchdog:
    """Says when to connect anew: the log has records for this worker and it is given none. A client can be stuck after
    an outage without an error. The wait doubles each time, should it be the broker that counts wrongly."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._fed_at = clock.monotonic()
        self._wait_s = RECONNECT_S

    def fed(self) -> None:
        """Records came, or there are none, or this worker wants none."""
        self._fed_at = self._clock.monotonic()
        self._wait_s = RECONNECT_S

    def is_due(self) -> bool:
        """True once each time the wait is over."""
        now = self._clock.monotonic()
        if now - self._fed_at < self._wait_s:
            return False
        self._fed_at = now
        self._wait_s = min(self._wait_s * 2, MAX_RECONNECT_S)
        return True


class Alarm:
    """Tells the log when ingestion stops, again every half minute while it lasts, and when it goes on."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rang_at: float | None = None

    def check(self, stalled_s: float, **facts: object) -> bool:
        """Whether ingestion stands still now."""
        is_stalled = stalled_s > STALLED_S
        now = self._clock.monotonic()
        if is_stalled and (self._rang_at is None or now - self._rang_at >= STALLED_S):
            self._rang_at = now
            log.error("ingestion has stopped", stalled_s=round(stalled_s), **facts)
        elif not is_stalled and self._rang_at is not None:
            self._rang_at = None
            log.info("ingestion goes on")
        return is_stalled
