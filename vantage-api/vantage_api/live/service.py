"""One service as it is now: its last minute of pulses, by sample second, and what is read from it. No clock of its
own, no I/O: every call is told the time.

A service is shown `delay_ms` behind the clock. An agent flushes every few seconds, so its newest seconds are always
missing; a window that ended now would saw-tooth. The delay is what the last 30 s have shown to be necessary, the
largest (arrival − start of the sample second), so at `now − delay` every second is complete.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Final

from vantage_common import health, logbins
from vantage_common.health import Health, Observed
from vantage_common.model import PULSE_GAMMA, Pulse, PulseSource

from vantage_api.live.requests import Tally

WINDOW_S: Final = 10
MINUTE_S: Final = 60
LAG_MEMORY_MS: Final = 30_000
MAX_DELAY_MS: Final = 12_000
DELAY_MARGIN_MS: Final = 200
"""Particles are played so much later than the numbers change, so that they are sent just before, not just after."""
DELAY_STEP_MS: Final = 100
DELAY_FALL_PER_S: Final = 100
"""A delay falls by at most so many ms a second: the city catches up a tenth faster instead of jumping."""
CLOCK_OFF_MS: Final = 30_000
SILENT_MS: Final = 30_000
JUDGED_REQUESTS: Final = 30
"""Health looks at 10 s when they hold so many requests, else at the whole minute."""
AVAILABILITY_SLOT_S: Final = 5


class Delay:
    """How late a service's pulses arrive: the maximum over `LAG_MEMORY_MS`, on a grid of `DELAY_STEP_MS`."""

    def __init__(self) -> None:
        self._lags: deque[tuple[int, int]] = deque()
        self._shown_ms = 0.0
        self._as_of_ms: int | None = None

    def observe(self, arrived_ms: int, lag_ms: int) -> None:
        """Keeps only lags that can still become the maximum."""
        while self._lags and self._lags[-1][1] <= lag_ms:
            self._lags.pop()
        self._lags.append((arrived_ms, lag_ms))

    def at(self, now_ms: int) -> int:
        while self._lags and self._lags[0][0] < now_ms - LAG_MEMORY_MS:
            self._lags.popleft()
        wanted = max(0, min(MAX_DELAY_MS, self._lags[0][1])) if self._lags else 0
        elapsed_s = 0.0 if self._as_of_ms is None else max(0, now_ms - self._as_of_ms) / 1000
        self._as_of_ms = now_ms
        self._shown_ms = max(wanted, self._shown_ms - DELAY_FALL_PER_S * elapsed_s)
        return ceil(self._shown_ms / DELAY_STEP_MS) * DELAY_STEP_MS


_NO_CALLERS: Final[dict[str, Tally]] = {}


class Second:
    """The pulses of one sample second: per source, per caller."""

    __slots__ = ("_callers", "_numbers")

    def __init__(self) -> None:
        self._callers: dict[PulseSource, dict[str, Tally]] = {}
        self._numbers: dict[PulseSource, tuple[int, int]] = {}

    def add(self, pulse: Pulse) -> None:
        callers = self._callers.setdefault(pulse.source, {})
        tally = callers.get(pulse.caller)
        if tally is None:
            tally = callers[pulse.caller] = Tally()
        tally.add(pulse.count, pulse.errors, pulse.durations)
        count, errors = self._numbers.get(pulse.source, (0, 0))
        self._numbers[pulse.source] = count + pulse.count, errors + pulse.errors

    def callers(self, source: PulseSource) -> dict[str, Tally]:
        return self._callers.get(source, _NO_CALLERS)

    def numbers(self, source: PulseSource) -> tuple[int, int]:
        """(count, errors)"""
        return self._numbers.get(source, (0, 0))


@dataclass(frozen=True, slots=True)
class Measured:
    """A service at one moment; `count` and `errors` over the last 10 s, None where there were no requests."""

    pods: int
    count: int
    errors: int
    p95_ms: float | None
    health: Health

    @property
    def rps(self) -> float:
        return self.count / WINDOW_S

    @property
    def error_ratio(self) -> float | None:
        return self.errors / self.count if self.count else None


class ServiceNow:
    """The live state of one service in one environment."""

    def __init__(self) -> None:
        self.baseline = health.LEARNING
        self.first_pulse_ms: int | None = None
        self.last_pulse_ms: int | None = None
        self.version = ""
        self.clock_off = False
        self._delay = Delay()
        self._seconds: dict[int, Second] = {}
        self._unplayed: dict[int, Second] = {}
        self._instances: dict[str, int] = {}
        self._last_metric_ms: int | None = None
        self._revision = 0
        self._memo: tuple[tuple[object, ...], Measured] | None = None

    def ingest(self, pulse: Pulse, arrived_ms: int) -> None:
        """Counts a pulse in the second it is shown in.

        That is its sample second; the earliest second still to be shown when it comes later than `MAX_DELAY_MS`, so
        that nothing which arrives is lost; the second of arrival when sender and server differ by more than 30 s,
        for then the sender's clock says nothing.
        """
        lag_ms = arrived_ms - pulse.second * 1000
        self.clock_off = abs(lag_ms) > CLOCK_OFF_MS
        if self.clock_off:
            second = arrived_ms // 1000
            self._delay.observe(arrived_ms, arrived_ms - second * 1000)
        else:
            second = max(pulse.second, ceil((arrived_ms - MAX_DELAY_MS) / 1000))
            self._delay.observe(arrived_ms, lag_ms)
        for seconds in (self._seconds, self._unplayed):
            seconds.setdefault(second, Second()).add(pulse)
        self._instances[pulse.instance] = max(arrived_ms, self._instances.get(pulse.instance, 0))
        self.first_pulse_ms = arrived_ms if self.first_pulse_ms is None else self.first_pulse_ms
        self.last_pulse_ms = max(arrived_ms, self.last_pulse_ms or 0)
        if pulse.source == "metric":
            self._last_metric_ms = max(arrived_ms, self._last_metric_ms or 0)
        if pulse.version:
            self.version = pulse.version
        self._revision += 1

    def delay_ms(self, now_ms: int) -> int:
        return self._delay.at(now_ms)

    def instances(self, now_ms: int) -> list[str]:
        """The instances heard of within 60 s."""
        return sorted(name for name, at in self._instances.items() if at > now_ms - MINUTE_S * 1000)

    def is_silent(self, now_ms: int) -> bool:
        return self.last_pulse_ms is None or now_ms - self.last_pulse_ms > SILENT_MS

    def measure(self, now_ms: int) -> Measured:
        """What the service shows now. Computed anew only when a second has passed or a pulse has come."""
        last = self._last_second(now_ms)
        source, pods, silent = self.source(now_ms), len(self.instances(now_ms)), self.is_silent(now_ms)
        memo_key = (last, self._revision, source, pods, silent, self.baseline)
        if self._memo is not None and self._memo[0] == memo_key:
            return self._memo[1]
        window = self.window(now_ms)
        observed = None if silent else self._observed(last, source, window)
        measured = Measured(pods, window.count, window.errors, _p95(window), health.score(observed, self.baseline))
        self._memo = (memo_key, measured)
        return measured

    def window(self, now_ms: int, seconds: int = WINDOW_S) -> Tally:
        """Every request of the last `seconds` complete ones."""
        return self._sum(self._last_second(now_ms), seconds, self.source(now_ms))

    def callers(self, now_ms: int, seconds: int = WINDOW_S) -> dict[str, Tally]:
        """The requests of the last `seconds` complete ones, by the caller's label."""
        totals: dict[str, Tally] = {}
        source, last = self.source(now_ms), self._last_second(now_ms)
        for number in range(last - seconds + 1, last + 1):
            second = self._seconds.get(number)
            for caller, tally in second.callers(source).items() if second else ():
                totals.setdefault(caller, Tally()).add(tally.count, tally.errors, tally.bins)
        return totals

    def play(self, now_ms: int, lead_ms: int) -> Iterator[tuple[int, dict[str, Tally]]]:
        """(start of the second they are played in, requests by caller) of what is due within `lead_ms`, once each.

        Seconds whose time is over are left out: they were replayed from the bus to fill the window.
        """
        delay = self.delay_ms(now_ms) + DELAY_MARGIN_MS
        for number in sorted(second for second in self._unplayed if second * 1000 + delay <= now_ms + lead_ms):
            callers = self._unplayed.pop(number).callers(self.source(now_ms))
            start_ms = number * 1000 + delay
            if callers and start_ms + 1000 > now_ms:
                yield start_ms, callers

    def forget(self, now_ms: int) -> None:
        """Drops what no window reaches any more."""
        oldest = (now_ms - MAX_DELAY_MS) // 1000 - MINUTE_S
        for seconds in (self._seconds, self._unplayed):
            for number in [second for second in seconds if second < oldest]:
                del seconds[number]
        for name in [name for name, at in self._instances.items() if at <= now_ms - MINUTE_S * 1000]:
            del self._instances[name]

    def source(self, now_ms: int) -> PulseSource:
        """Metrics where the service has sent any within a minute, else its server spans: never both."""
        heard = self._last_metric_ms
        return "metric" if heard is not None and heard > now_ms - MINUTE_S * 1000 else "span"

    def _last_second(self, now_ms: int) -> int:
        return (now_ms - self.delay_ms(now_ms)) // 1000

    def _sum(self, last: int, seconds: int, source: PulseSource) -> Tally:
        total = Tally()
        for number in range(last - seconds + 1, last + 1):
            second = self._seconds.get(number)
            if second is not None:
                for tally in second.callers(source).values():
                    total.add(tally.count, tally.errors, tally.bins)
        return total

    def _observed(self, last: int, source: PulseSource, window: Tally) -> Observed | None:
        is_enough = window.count >= JUDGED_REQUESTS
        judged = window if is_enough else self._sum(last, MINUTE_S, source)
        if judged.count == 0:
            return None
        return Observed(
            requests=judged.count,
            error_ratio=judged.errors / judged.count,
            p95_ms=_p95(judged),
            requests_per_second=judged.count / (WINDOW_S if is_enough else MINUTE_S),
            availability=self._availability(last, source),
        )

    def _availability(self, last: int, source: PulseSource) -> float:
        """The share of the last minute's slots with requests in which one succeeded."""
        slots: dict[int, int] = {}
        for number in range(last - MINUTE_S + 1, last + 1):
            second = self._seconds.get(number)
            count, errors = second.numbers(source) if second is not None else (0, 0)
            if count:
                slot = number // AVAILABILITY_SLOT_S
                slots[slot] = slots.get(slot, 0) + count - errors
        return sum(successes > 0 for successes in slots.values()) / len(slots)


def _p95(tally: Tally) -> float | None:
    return logbins.quantile(tally.bins, 0.95, PULSE_GAMMA)
