"""When a process flushes: apart from the others, and just after a full second where there is room for it."""

from __future__ import annotations

import pytest
from vantage_agent.exporter import first_flush_in

NOW = 1_790_035_200.7


@pytest.mark.parametrize("interval", [1.0, 5.0])
def test_a_second_is_complete_when_it_leaves(interval: float) -> None:
    for _ in range(200):
        at = NOW + first_flush_in(interval, NOW)
        assert 0.01 < at % 1 < 0.31
        assert 0 < at - NOW <= interval + 1.3


def test_processes_differ_in_phase() -> None:
    seconds = {int(NOW + first_flush_in(5.0, NOW)) for _ in range(200)}
    assert len(seconds) >= 5


def test_short_intervals_are_kept() -> None:
    assert all(0 <= first_flush_in(0.2, NOW) <= 0.2 for _ in range(200))
