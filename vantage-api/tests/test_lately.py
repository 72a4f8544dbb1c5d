"""One answer for all who ask within a few seconds, and never a failure or a stale one."""

import asyncio

import pytest
from vantage_api.lately import MAX_KEYS, Lately
from vantage_common.clock import ManualClock


class Source:
    """Counts how often it was asked; waits where it is told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.was_asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.failure: Exception | None = None

    async def __call__(self) -> int:
        self.asked += 1
        self.was_asked.set()
        number = self.asked
        await self.may_answer.wait()
        if self.failure is not None:
            raise self.failure
        return number


async def test_an_answer_is_kept_for_its_time_and_then_asked_for_anew() -> None:
    clock, source = ManualClock(0), Source()
    lately = Lately[int](clock, 5.0)
    assert [await lately.get("a", source), await lately.get("a", source), await lately.get("b", source)] == [1, 1, 2]
    clock.advance(5.0)
    assert await lately.get("a", source) == 3


async def test_those_who_ask_together_wait_for_one_answer_though_one_goes_away() -> None:
    source = Source()
    source.may_answer.clear()
    lately = Lately[int](ManualClock(0), 5.0)
    first, second = (asyncio.create_task(lately.get("a", source)) for _ in range(2))
    await source.was_asked.wait()
    first.cancel()
    source.may_answer.set()
    assert await second == 1
    assert source.asked == 1


async def test_a_failure_is_told_and_not_kept() -> None:
    source = Source()
    source.failure = RuntimeError("away")
    lately = Lately[int](ManualClock(0), 5.0)
    with pytest.raises(RuntimeError):
        await lately.get("a", source)
    source.failure = None
    assert await lately.get("a", source) == 2


async def test_an_older_answer_is_given_while_it_is_renewed_behind_it() -> None:
    clock, source = ManualClock(0), Source()
    lately = Lately[int](clock, 5.0, behind_s=60.0)
    assert await lately.get("a", source) == 1
    clock.advance(64.0)
    source.may_answer.clear()
    assert [await lately.get("a", source), await lately.get("a", source)] == [1, 1]
    await asyncio.sleep(0)
    assert source.asked == 2
    source.may_answer.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert await lately.get("a", source) == 2


async def test_what_is_older_than_that_is_waited_for() -> None:
    clock, source = ManualClock(0), Source()
    lately = Lately[int](clock, 5.0, behind_s=60.0)
    await lately.get("a", source)
    clock.advance(65.0)
    assert await lately.get("a", source) == 2


async def test_what_could_not_be_renewed_is_not_given_for_ever() -> None:
    clock, source = ManualClock(0), Source()
    lately = Lately[int](clock, 5.0, behind_s=60.0)
    await lately.get("a", source)
    clock.advance(6.0)
    source.failure = RuntimeError("away")
    assert await lately.get("a", source) == 1
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError):
        await lately.get("a", source)


async def test_no_more_is_kept_than_the_bound() -> None:
    source = Source()
    lately = Lately[int](ManualClock(0), 5.0)
    for n in range(MAX_KEYS + 5):
        await lately.get(str(n), source)
    assert await lately.get(str(MAX_KEYS + 4), source) == MAX_KEYS + 5
    assert await lately.get("0", source) == MAX_KEYS + 6
