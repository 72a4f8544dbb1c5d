"""Minutes become blocks that both sides have observations in."""

import pytest
from vantage_api.compare.sums import Block, Sums, added, blocks

ONE = Sums(1, 10.0, 100.0, 2.0, 4.0)


def lasts(found: list[Block]) -> list[tuple[int, int, int]]:
    return [(block.last, block.baseline.n, block.candidate.n) for block in found]


@pytest.mark.parametrize(
    ("baseline", "candidate", "expected"),
    [
        ([0, 1, 2], [0, 1, 2], [(0, 1, 1), (1, 1, 1), (2, 1, 1)]),
        ([0, 1, 2], [2], [(2, 3, 1)]),
        ([0], [4], [(4, 1, 1)]),
        ([0], [5], []),
        ([0, 5], [5], [(5, 1, 1)]),
        ([0, 9], [9, 10], [(9, 1, 1)]),
        ([], [1, 2], []),
        ([3, 12], [3, 12], [(3, 1, 1)]),
    ],
    ids=["every minute", "waits", "waits long enough", "waits too long", "forgets", "leaves a rest", "none", "beyond"],
)
def test_a_block_ends_when_both_sides_have_something(
    baseline: list[int], candidate: list[int], expected: list[tuple[int, int, int]]
) -> None:
    found = blocks(dict.fromkeys(baseline, ONE), dict.fromkeys(candidate, ONE), 12)
    assert lasts(found) == expected


def test_what_comes_later_changes_no_block() -> None:
    baseline, candidate = dict.fromkeys(range(0, 60, 3), ONE), dict.fromkeys(range(0, 60, 2), ONE)
    whole = blocks(baseline, candidate, 60)
    for minutes in range(60):
        early = blocks(baseline, candidate, minutes)
        assert early == whole[: len(early)]


def test_busy_minutes_weigh_alike_and_quiet_ones_little() -> None:
    def weight(n: int) -> float:
        return Block(0, Sums(n), Sums(n)).weight

    assert weight(2) < 0.03
    assert weight(100) == pytest.approx(0.5)
    assert weight(100_000) / weight(10_000) < 1.01


def test_rounding_is_no_difference() -> None:
    block = Block(0, Sums(3, 0.1 + 0.2 + 0.3), Sums(3, 0.6))
    assert block.baseline.total != block.candidate.total
    assert block.difference("linear", 0.2) == 0.0


def test_sums_add_up_and_know_their_moments() -> None:
    values = [1.0, 2.0, 4.0]
    total = added(Sums(1, value, value * value) for value in values)
    assert total.n == 3
    assert total.mean == pytest.approx(7 / 3)
    assert total.variance == pytest.approx(7 / 3)
    assert Sums(1, 5.0, 25.0).variance == 0.0
