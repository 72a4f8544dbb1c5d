"""One service as it is now: its last minute of pulses, by sample second, and what is read from it. No clock of its
own, no I/O: every call is told the time.

A service is shown `delay_ms` behind the clock. An agent flushes every few seconds, so its newest seconds are always
missing; a window that ended now would saw-tooth. The delay is what the last 30 s have shown to be necessary, the
largest (arrival − start of the sample second), so at `now − delay` every second is complete.
"""

from collections import deque
from dataclasses import dataclass
from math import ceil
from typing import Final

from vantage_common import health, logbins
from vantage_common.health import Baseline, Health, Observed
from vantage_common.model import PULSE_GAMMA, Pulse, PulseSource

from vantage_api.live.requests import Tally
from vantage_api.live.rolling import MINUTE_S, WINDOW_S, Ledger, add_to

LAG_MEMORY_MS: Final = 30_000
MAX_DELAY_MS: Final = 12_000
DELAY_MARGIN_MS: Final = 200
"""Particles are played so much later than the numbers change, so that they are sent just before, not just after."""
DELAY_STEP_MS: Final = 100
DELAY_FALL_PER_S: Final = 100
"""A delay falls by at most so many ms a second: the city catches up a tenth faster instead of jumping."""
CLOCK_OFF_MS: Final = 30_000
SILENT_MS: Final = 30_000
FOR_EVER_MS: Final = 1 << 62
JUDGED_REQUESTS: Final = 30
"""Health looks at 10 s when they hold so many requests, else at the whole minute."""


class Delay:
    """How late a service's pulses arrive: the maximum over `LAG_MEMORY_MS`, on a grid of `DELAY_STEP_MS`."""

    def __init__(self) -> None:
        self._lags: deque[tuple[int, int]] = deque()
        self._shown_ms = 0.0
        self._as_of_ms: int | None = None
        self._holds_until_ms = 0

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
        self._holds_until_ms = now_ms + 1
        if self._shown_ms == wanted:
            self._holds_until_ms = self._lags[0][0] + LAG_MEMORY_MS + 1 if self._lags else FOR_EVER_MS
        return ceil(self._shown_ms / DELAY_STEP_MS) * DELAY_STEP_MS

    def holds_until(self) -> int:
        """Until when the delay last told stays as it is, should nothing more arrive."""
        return self._holds_until_ms


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


NOTHING: Final = Measured(0, 0, 0, None, health.UNKNOWN)


class ServiceNow:
    """The live state of one service in one environment."""

    def __init__(self, baseline: Baseline = health.LEARNING) -> None:
        self.first_pulse_ms: int | None = None
        self.last_pulse_ms: int | None = None
        self.version = ""
        self.clock_off = False
        self._baseline = baseline
        self._delay = Delay()
        self._ledgers: dict[PulseSource, Ledger] = {}
        self._unplayed: dict[int, dict[PulseSource, dict[str, Tally]]] = {}
        self._instances: dict[str, int] = {}
        self._last_metric_ms: int | None = None
        self._measured = NOTHING
        self._holds_ms = (0, 0)

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
        self._count(pulse, second)
        self._instances[pulse.instance] = max(arrived_ms, self._instances.get(pulse.instance, 0))
        self.first_pulse_ms = arrived_ms if self.first_pulse_ms is None else self.first_pulse_ms
        self.last_pulse_ms = max(arrived_ms, self.last_pulse_ms or 0)
        if pulse.source == "metric":
            self._last_metric_ms = max(arrived_ms, self._last_metric_ms or 0)
        if pulse.version:
            self.version = pulse.version
        self._holds_ms = (0, 0)

    def learn(self, baseline: Baseline) -> None:
        """What is normal for the service, from now on."""
        if baseline != self._baseline:
            self._baseline = baseline
            self._holds_ms = (0, 0)

    def delay_ms(self, now_ms: int) -> int:
        return self._delay.at(now_ms)

    def instances(self, now_ms: int) -> list[str]:
        """The instances heard of within 60 s."""
        return sorted(name for name, at in self._instances.items() if at > now_ms - MINUTE_S * 1000)

    def is_silent(self, now_ms: int) -> bool:
        return self.last_pulse_ms is None or now_ms - self.last_pulse_ms > SILENT_MS

    def measure(self, now_ms: int) -> Measured:
        """What the service shows now: the same object for as long as nothing that it depends on has changed."""
        since_ms, until_ms = self._holds_ms
        if since_ms <= now_ms < until_ms:
            return self._measured
        measured = self._measure(now_ms)
        self._holds_ms = (now_ms, self._next_change_ms(now_ms))
        if measured != self._measured:
            self._measured = measured
        return self._measured

    def window(self, now_ms: int) -> Tally:
        """Every request of the last `WINDOW_S` complete seconds. Read it at once: it moves on."""
        ledger = self._ledgers.get(self.source(now_ms))
        return Tally() if ledger is None else ledger.shown(self._last_second(now_ms))

    def callers(self, now_ms: int, seconds: int = WINDOW_S) -> dict[str, Tally]:
        """The requests of the last `seconds` complete ones, by the caller's label."""
        ledger = self._ledgers.get(self.source(now_ms))
        return {} if ledger is None else ledger.callers(self._last_second(now_ms), seconds)

    def play(self, now_ms: int, lead_ms: int) -> list[tuple[int, dict[str, Tally]]]:
        """(start of the second they are played in, requests by caller) of what is due within `lead_ms`, once each.

        Seconds whose time is over are left out: they were replayed from the bus to fill the window.
        """
        if not self._unplayed:
            return []
        delay = self.delay_ms(now_ms) + DELAY_MARGIN_MS
        due: list[tuple[int, dict[str, Tally]]] = []
        for number in sorted(second for second in self._unplayed if second * 1000 + delay <= now_ms + lead_ms):
            callers = self._unplayed.pop(number).get(self.source(now_ms))
            start_ms = number * 1000 + delay
            if callers and start_ms + 1000 > now_ms:
                due.append((start_ms, callers))
        return due

    def forget(self, now_ms: int) -> None:
        """Drops what no window reaches any more."""
        oldest = (now_ms - MAX_DELAY_MS) // 1000 - MINUTE_S
        for ledger in self._ledgers.values():
            ledger.forget(oldest)
        for number in [second for second in self._unplayed if second < oldest]:
            del self._unplayed[number]
        for name in [name for name, at in self._instances.items() if at <= now_ms - MINUTE_S * 1000]:
            del self._instances[name]

    def source(self, now_ms: int) -> PulseSource:
        """Metrics where the service has sent any within a minute, else its server spans: never both."""
        heard = self._last_metric_ms
        return "metric" if heard is not None and heard > now_ms - MINUTE_S * 1000 else "span"

    def _count(self, pulse: Pulse, second: int) -> None:
        ledger = self._ledgers.get(pulse.source)
        if ledger is None:
            ledger = self._ledgers[pulse.source] = Ledger()
        ledger.add(second, pulse)
        callers = self._unplayed.setdefault(second, {}).setdefault(pulse.source, {})
        add_to(callers, pulse.caller, Tally(pulse.count, pulse.errors, pulse.durations))

    def _last_second(self, now_ms: int) -> int:
        return (now_ms - self.delay_ms(now_ms)) // 1000

    def _measure(self, now_ms: int) -> Measured:
        pods = sum(at > now_ms - MINUTE_S * 1000 for at in self._instances.values())
        ledger = self._ledgers.get(self.source(now_ms))
        if ledger is None:
            return Measured(pods, 0, 0, None, health.UNKNOWN)
        last = self._last_second(now_ms)
        window = ledger.shown(last)
        p95_ms = _p95(window)
        observed = None if self.is_silent(now_ms) else _observed(ledger, last, window, p95_ms)
        return Measured(pods, window.count, window.errors, p95_ms, health.score(observed, self._baseline))

    def _next_change_ms(self, now_ms: int) -> int:
        """Until when the same would be measured, should nothing more arrive."""
        delay_ms = self._delay.at(now_ms)
        changes = [(now_ms - delay_ms) // 1000 * 1000 + 1000 + delay_ms, self._delay.holds_until()]
        changes.extend(at + MINUTE_S * 1000 for at in self._instances.values())
        if self._last_metric_ms is not None:
            changes.append(self._last_metric_ms + MINUTE_S * 1000)
        if self.last_pulse_ms is not None:
            changes.append(self.last_pulse_ms + SILENT_MS + 1)
        return min((change for change in changes if change > now_ms), default=FOR_EVER_MS)


def _observed(ledger: Ledger, last: int, window: Tally, p95_ms: float | None) -> Observed | None:
    is_enough = window.count >= JUDGED_REQUESTS
    judged = window if is_enough else ledger.minute(last)
    if judged.count == 0:
        return None
    return Observed(
        requests=judged.count,
        error_ratio=judged.errors / judged.count,
        p95_ms=p95_ms if is_enough else _p95(judged),
        requests_per_second=judged.count / (WINDOW_S if is_enough else MINUTE_S),
        availability=ledger.availability(last),
    )


def _p95(tally: Tally) -> float | None:
    return logbins.quantile(tally.bins, 0.95, PULSE_GAMMA)
