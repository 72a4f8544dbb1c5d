"""A live service under a manual clock, for the tests of the live state."""

from vantage_api.live.state import City
from vantage_common.clock import ManualClock
from vantage_common.logbins import bin_of
from vantage_common.model import PULSE_GAMMA, Pulse, PulseSource

START_MS = 1_790_000_000_000


def pulse(
    second: int,
    count: int = 10,
    errors: int = 0,
    *,
    service: str = "checkout",
    caller: str = "",
    instance: str = "i1",
    source: PulseSource = "metric",
    namespace: str = "",
    duration_ms: float = 20.0,
) -> Pulse:
    return Pulse(
        workspace="default",
        service=service,
        environment="production",
        namespace=namespace,
        caller=caller,
        instance=instance,
        source=source,
        second=second,
        count=count,
        errors=errors,
        durations={bin_of(duration_ms, PULSE_GAMMA): count},
    )


class Agent:
    """A service with a steady load whose agent flushes every `every_s` seconds, `late_ms` after the flush began."""

    def __init__(self, city: City, clock: ManualClock, *, every_s: int = 5, late_ms: int = 100, rps: int = 10) -> None:
        self._city, self._clock = city, clock
        self._every_s, self._late_ms, self._rps = every_s, late_ms, rps

    def run(self, seconds: int) -> list[float]:
        """Plays that long in steps of 100 ms and returns the rps shown at each, as a browser would see them."""
        shown: list[float] = []
        for _ in range(seconds * 10):
            self._clock.advance(0.1)
            now_ms = self._clock.now_ms()
            if (now_ms - self._late_ms) % (self._every_s * 1000) == 0:
                flushed = (now_ms - self._late_ms) // 1000
                for second in range(flushed - self._every_s, flushed):
                    self._city.ingest(pulse(second, self._rps), now_ms)
            if view := self._city.view(now_ms):
                shown.append(view[0].measured.rps)
        return shown
