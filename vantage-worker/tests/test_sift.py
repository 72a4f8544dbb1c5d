"""The rows that a store refuses are found among the others, with few rehearsals."""

from math import ceil, log2
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vantage_common.errors import StoreRejected, StoreUnavailable
from vantage_worker.sift import MAX_REFUSED_ROWS, Columns, TooManyRefused, refused_rows


class Rehearsal:
    """Refuses blocks with a value of `bad`, and counts how often it was asked."""

    def __init__(self, bad: set[int]) -> None:
        self.bad = bad
        self.asked = 0

    async def __call__(self, columns: Columns) -> None:
        self.asked += 1
        found = self.bad & set(columns["value"])
        if found:
            raise StoreRejected(f"{min(found)} does not fit")


def columns(rows: int) -> dict[str, Any]:
    return {"value": list(range(rows)), "name": ["m"] * rows}


@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1), max_size=8))))
async def test_exactly_the_bad_rows_are_found_in_a_logarithmic_number_of_rehearsals(case: tuple[int, set[int]]) -> None:
    rows, bad = case
    rehearse = Rehearsal(bad)
    assert await refused_rows(rehearse, columns(rows)) == {row: f"{row} does not fit" for row in bad}
    assert rehearse.asked <= 1 + 2 * len(bad) * ceil(log2(rows) if rows > 1 else 0)


async def test_a_store_that_refuses_everything_is_found_out_early() -> None:
    rehearse = Rehearsal(set(range(100_000)))
    with pytest.raises(TooManyRefused, match="more than 100 of 100000 rows"):
        await refused_rows(rehearse, columns(100_000))
    assert rehearse.asked < 3 * MAX_REFUSED_ROWS


async def test_a_store_that_goes_away_meanwhile_is_no_refusal() -> None:
    async def gone(_: Columns) -> None:
        raise StoreUnavailable("gone")

    with pytest.raises(StoreUnavailable):
        await refused_rows(gone, columns(10))
