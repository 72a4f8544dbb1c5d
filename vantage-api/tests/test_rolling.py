"""Windows that roll hold what their seconds add up to, whatever comes, in whatever order, however often."""

from hypothesis import given
from hypothesis import strategies as st
from vantage_api.live.requests import Tally
from vantage_api.live.rolling import AVAILABILITY_SLOT_S, MINUTE_S, WINDOW_S, Ledger
from vantage_api.live.service import ServiceNow
from vantage_common.health import Baseline
from vantage_common.logbins import bin_of, merge
from vantage_common.model import PULSE_GAMMA, Pulse

from tests.live_pulses import START_MS

START_S = START_MS // 1000
PARTS = st.tuples(st.integers(0, 90), st.integers(0, 30), st.integers(0, 30), st.integers(1, 400))
STEPS = st.lists(PARTS | st.integers(-20, 75) | st.none(), max_size=60)
"""Requests of a second, a move of the window, or the forgetting of what is past."""


def made(second: int, count: int, errors: int, duration_ms: float, source: str = "metric") -> Pulse:
    return Pulse(
        workspace="default",
        service="s",
        second=second,
        count=count,
        errors=min(errors, count),
        caller=f"c{duration_ms % 3}",
        instance=f"i{count % 4}",
        source=source,  # type: ignore[arg-type]  # one of the two
        durations={bin_of(duration_ms, PULSE_GAMMA): count} if count else {},
    )


def added_up(pulses: list[Pulse], last: int, length: int) -> tuple[int, int, dict[int, int]]:
    within = [pulse for pulse in pulses if last - length < pulse.second <= last]
    bins = merge(pulse.durations for pulse in within)
    return sum(p.count for p in within), sum(p.errors for p in within), {n: c for n, c in bins.items() if c}


def availability(pulses: list[Pulse], last: int) -> float:
    slots: dict[int, list[Pulse]] = {}
    for pulse in pulses:
        if last - MINUTE_S < pulse.second <= last and pulse.count:
            slots.setdefault(pulse.second // AVAILABILITY_SLOT_S, []).append(pulse)
    answered = [any(p.count > p.errors for p in slot) for slot in slots.values()]
    return sum(answered) / len(answered) if answered else 1.0


def plain(tally: Tally) -> tuple[int, int, dict[int, int]]:
    return tally.count, tally.errors, dict(tally.bins)


@given(STEPS)
def test_rolled_windows_are_the_sums_of_their_seconds(steps: list[tuple[int, int, int, int] | int | None]) -> None:
    ledger, pulses, last = Ledger(), list[Pulse](), 60
    for step in steps:
        if step is None:
            oldest = last - MINUTE_S // 2
            ledger.forget(oldest)
            pulses = [pulse for pulse in pulses if pulse.second >= oldest]
        elif isinstance(step, int):
            last += step
        else:
            pulses.append(made(*step))
            ledger.add(step[0], pulses[-1])
        assert plain(ledger.shown(last)) == added_up(pulses, last, WINDOW_S)
        assert plain(ledger.minute(last)) == added_up(pulses, last, MINUTE_S)
        assert ledger.availability(last) == availability(pulses, last)


ARRIVALS = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.integers(0, 40),
        st.integers(0, 40),
        st.integers(1, 900),
        st.integers(0, 15_000),
        st.sampled_from(["metric", "span"]),
        st.integers(1, 3),
    ),
    max_size=25,
)
"""Second, count, errors, duration, how late it comes, source, and how often it is sent."""


@given(ARRIVALS, st.integers(0, 70_000))
def test_a_state_that_rolled_along_is_one_that_is_built_from_its_pulses_at_once(
    arrivals: list[tuple[int, int, int, int, int, str, int]], looked_ms: int
) -> None:
    """Late, out of order, repeated: what is looked at all the time shows what one shows that is first looked at now."""
    events = [
        (second * 1000 + late_ms, made(START_S + second, count, errors, duration, source))
        for second, count, errors, duration, late_ms, source, times in arrivals
        for _ in range(times)
    ]
    events.sort(key=lambda event: event[0])
    watched, fresh = (ServiceNow(Baseline(p95_ms=50.0)) for _ in range(2))
    for now in sorted({*range(0, looked_ms, 700), looked_ms}):
        while events and events[0][0] <= now:
            arrived, pulse = events.pop(0)
            watched.ingest(pulse, START_MS + arrived)
            fresh.ingest(pulse, START_MS + arrived)
        assert watched.delay_ms(START_MS + now) == fresh.delay_ms(START_MS + now)
        watched.measure(START_MS + now)
        if now % 7000 == 0:
            watched.forget(START_MS + now)
    assert watched.measure(START_MS + looked_ms) == fresh.measure(START_MS + looked_ms)
