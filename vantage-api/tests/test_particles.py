"""Particles: exact in number, even over the second, errors in their true share, whatever the sampling."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vantage_api.live.requests import RECORDS_PER_SECOND, Carry, Tally, particles, sample_of
from vantage_common.logbins import bin_of
from vantage_common.model import PULSE_GAMMA


def tally(count: int, errors: int = 0, duration_ms: float = 20.0) -> Tally:
    return Tally(count, errors, {bin_of(duration_ms, PULSE_GAMMA): count} if count else {})


SECONDS = st.lists(st.integers(0, 400).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), max_size=12)


@given(SECONDS, st.integers(0, 65535))
def test_without_sampling_there_is_one_particle_a_request(seconds: list[tuple[int, int]], edge: int) -> None:
    carry = Carry()
    for count, errors in seconds:
        found = particles(tally(count, errors), edge, 1, carry)
        assert (len(found), sum(entry.error for entry in found)) == (count, errors)


@given(SECONDS, st.integers(1, 50))
def test_sampling_carries_what_is_left_over(seconds: list[tuple[int, int]], sample: int) -> None:
    carry = Carry()
    shown = shown_errors = 0
    for count, errors in seconds:
        found = particles(tally(count, errors), 3, sample, carry)
        shown += len(found)
        shown_errors += sum(entry.error for entry in found)
    requests, failed = sum(count for count, _ in seconds), sum(errors for _, errors in seconds)
    assert 0 <= failed - sample * shown_errors < sample
    assert 0 <= (requests - failed) - sample * (shown - shown_errors) < sample
    assert requests - sample * shown == carry.successes + carry.errors


@given(st.integers(1, 3000), st.integers(0, 65535))
def test_particles_are_even_over_their_second(count: int, edge: int) -> None:
    offsets = [entry.offset_ms for entry in particles(tally(count), edge, 1, Carry())]
    assert offsets == sorted(offsets)
    assert all(0 <= offset <= 999 for offset in offsets)
    gaps = [after - before for before, after in pairwise(offsets)]
    assert all(abs(gap - 1000 / count) <= 1 for gap in gaps)


@given(st.integers(1, 2000), st.data())
def test_errors_are_even_too(count: int, data: st.DataObject) -> None:
    errors = data.draw(st.integers(0, count))
    flags = [entry.error for entry in particles(tally(count, errors), 0, 1, Carry())]
    half = sum(flags[: count // 2])
    assert abs(half - errors * (count // 2) / count) <= 1


def test_durations_keep_their_distribution() -> None:
    bins = {bin_of(ms, PULSE_GAMMA): number for ms, number in ((10.0, 70), (100.0, 25), (1000.0, 5))}
    found = particles(Tally(100, 0, bins), 0, 1, Carry())
    assert Counter(round(entry.duration_ms, -1) for entry in found) == {10: 70, 100: 25, 990: 5}


def test_slow_requests_do_not_come_in_a_row() -> None:
    bins = {bin_of(ms, PULSE_GAMMA): 50 for ms in (10.0, 1000.0)}
    slow = [entry.duration_ms > 500 for entry in particles(Tally(100, 0, bins), 0, 1, Carry())]
    longest = max(len(run) for run in "".join("x" if is_slow else " " for is_slow in slow).split())
    assert longest <= 3


def test_a_second_without_durations_still_has_its_particles() -> None:
    assert [entry.duration_ms for entry in particles(Tally(2, 0, {}), 0, 1, Carry())] == [0, 0]


@pytest.mark.parametrize(
    ("rps", "sample"), [(0, 1), (RECORDS_PER_SECOND, 1), (2001, 2), (4000, 2), (100_000, 50), (1e12, 65535)]
)
def test_sampling_starts_above_the_limit(rps: float, sample: int) -> None:
    assert sample_of(rps) == sample
