"""What a stream keeps for those who come back: bounded, and never somebody else's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vantage_api.live.ring import OVERHEAD_BYTES, Budget, Event, Ring


def filled(number: int, *, began_ms: int = 7, most_bytes: int = 1 << 20, size: int = 100) -> Ring:
    ring = Ring(began_ms, most_bytes)
    for n in range(number):
        ring.append(Event("e", f'{{"n":{n:0{size}}}}'))
    return ring


@given(st.integers(0, 40), st.integers(-2, 45), st.integers(400, 4000))
def test_what_follows_an_id_is_whole_or_is_not_told(number: int, last: int, most_bytes: int) -> None:
    ring = filled(number, most_bytes=most_bytes)
    found = ring.after(f"7-{last}")
    if found is None:
        assert last > number or last < number - len(ring)
    else:
        assert [event.id for event in found] == [f"7-{n}" for n in range(last + 1, number + 1)]
    assert ring.bytes <= most_bytes


@pytest.mark.parametrize(
    "last_id", ["", "7", "7-", "8-1", "7-x", "7--1", "7-1-1", "7-²", "7-" + "9" * 40, "\x00", " 7-1"]
)
def test_ids_of_others_are_too_old(last_id: str) -> None:
    assert filled(3).after(last_id) is None


def test_a_ring_is_bounded_in_bytes() -> None:
    ring = filled(1000, most_bytes=10_000)
    assert 10_000 - 2 * (OVERHEAD_BYTES + 200) < ring.bytes <= 10_000
    assert ring.after("7-999") is not None
    assert ring.after("7-900") is None


def test_all_rings_together_are_bounded_and_the_largest_forgets_first() -> None:
    small, large = filled(3), filled(300)
    Budget(50_000).enforce([small, large])
    assert small.bytes + large.bytes <= 50_000
    assert len(small) == 3


def test_a_message_says_its_number() -> None:
    assert Ring(7).append(Event("e", '{"type":"e"}')).text == '{"seq":"7-1","type":"e"}'
