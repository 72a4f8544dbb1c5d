"""Rows that the store refuses: they become dead letters, their neighbours go in as one block, once."""

import asyncio
import base64
import json
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from vantage_common.bus.api import DEAD_LETTER, Bus, Commit, Outgoing
from vantage_common.clock import ManualClock
from vantage_common.errors import StoreRejected
from vantage_worker.batch import day_of
from vantage_worker.sift import MAX_REFUSED_ROWS, TooManyRefused

from tests.worker_world import NOW, FaultyStore, Landed, Running, block, committed, publish, read_all

BAD = 666.0


def refuse_the_bad(store: FaultyStore) -> None:
    store.refuses = lambda value: value == BAD


async def letters(bus: Bus) -> list[dict[str, Any]]:
    return [json.loads(letter.value) for letter in await read_all(bus, DEAD_LETTER)]


def origins(found: Sequence[dict[str, Any]]) -> list[tuple[int, int]]:
    return [(letter["offset"], letter["row"]) for letter in found]


async def test_good_rows_go_in_as_one_block_and_bad_ones_to_the_dead_letters(
    bus: Bus, store: FaultyStore, clock: ManualClock
) -> None:
    refuse_the_bad(store)
    await publish(bus, block(1, 2), block(3, BAD, 4), block(BAD), block(5))
    worker = Running(bus, store, clock)
    await worker.until(lambda: len(store.rows) == 5)
    await worker.finish()
    assert store.values == [1, 2, 3, 4, 5]
    assert store.attempts == 2, "the block, and the block without its bad rows"
    assert await committed(bus) == Commit(4)
    found = await letters(bus)
    assert origins(found) == [(1, 1), (2, 0)]
    assert (found[0]["topic"], found[0]["partition"]) == ("metrics-raw", 0)
    assert "does not fit" in found[0]["reason"]
    row = json.loads(base64.b64decode(found[0]["value"]))
    assert (row["value"], row["service_name"], row["timestamp"], row["_off"]) == (BAD, "s", NOW - 86_400_000, 1)


@pytest.mark.parametrize("landed_days", [0, 1, 2])
async def test_a_crash_with_refused_rows_loses_and_doubles_nothing(
    bus: Bus, store: FaultyStore, clock: ManualClock, landed_days: int
) -> None:
    """The two records have rows of two days each, and a bad one on each day."""
    refuse_the_bad(store)
    await publish(bus, block(1, 2, BAD), block(3, BAD, 4))
    first = Running(bus, store, clock)
    store.hangs_from = 2
    await first.until(lambda: store.attempts == 2)
    await first.crash()
    today = [Landed(0, day_of(NOW), 1.0), Landed(1, day_of(NOW), 3.0), Landed(1, day_of(NOW), 4.0)]
    yesterday = [Landed(0, day_of(NOW - 86_400_000), 2.0)]
    store.rows += yesterday * (landed_days > 0) + today * (landed_days > 1)
    assert len(await letters(bus)) == 2, "before any row is in the store"
    store.hangs_from = None
    second = Running(bus, store, clock)
    await publish(bus, block(5))
    await second.until(lambda: 5.0 in store.values)
    await second.finish()
    assert store.values == [1, 2, 3, 4, 5]
    assert await committed(bus) == Commit(3)
    assert set(origins(await letters(bus))) == {(0, 2), (1, 1)}


async def test_a_batch_of_nothing_but_refused_rows_is_committed(
    bus: Bus, store: FaultyStore, clock: ManualClock
) -> None:
    refuse_the_bad(store)
    await publish(bus, block(BAD, BAD))
    worker = Running(bus, store, clock)
    await worker.until(lambda: store.attempts == 1 and worker.pipeline.stalled_s == 0)
    await worker.finish()
    assert await committed(bus) == Commit(1)
    assert origins(await letters(bus)) == [(0, 0), (0, 1)]


async def test_too_many_refused_rows_in_a_row_halt_the_worker_and_nothing_is_lost(
    bus: Bus, store: FaultyStore, clock: ManualClock
) -> None:
    """A table that was changed by hand refuses all: to bury a busy day's rows would be to lose them quietly."""
    store.refuses = lambda _: True
    half = [1.0] * (MAX_REFUSED_ROWS // 2 + 1)
    worker = Running(bus, store, clock)
    await publish(bus, block(*half))
    await worker.until(lambda: store.attempts == 1 and worker.pipeline.stalled_s == 0)
    await publish(bus, block(*half))
    with pytest.raises(TooManyRefused, match=r"metrics-raw/0, offsets 1 to 1: 102 rows in a row.*commit offset 2 for"):
        await worker.until(lambda: False)
    assert await committed(bus) == Commit(1, '{"end":2}')
    assert len(await letters(bus)) == len(half)


def _has(store: FaultyStore, value: float) -> bool:
    return value in store.values


async def test_rows_refused_now_and_then_halt_nothing(bus: Bus, store: FaultyStore, clock: ManualClock) -> None:
    refuse_the_bad(store)
    worker = Running(bus, store, clock)
    for number in range(3):
        await publish(bus, block(*[BAD] * (MAX_REFUSED_ROWS // 2), float(number)))
        await worker.until(partial(_has, store, number))
    await worker.finish()
    assert store.values == [0, 1, 2]


async def test_a_store_that_refuses_a_block_of_good_rows_halts_the_worker_with_their_origin(
    bus: Bus, store: FaultyStore, clock: ManualClock
) -> None:
    await publish(bus, block(1), block(2))
    store.rejects = True
    worker = Running(bus, store, clock)
    with pytest.raises(StoreRejected, match=r"metrics-raw/0, offsets 0 to 1.*does not fit"):
        await worker.until(lambda: False)
    store.rejects = False
    second = Running(bus, store, clock)
    await second.until(lambda: len(store.rows) == 2)
    await second.finish()
    assert store.values == [1, 2]


async def test_a_zombie_s_insert_that_arrives_late_doubles_nothing(
    bus: Bus, store: FaultyStore, clock: ManualClock
) -> None:
    """Stopped in mid-insert, given up for dead, and woken when its successor has stored and committed its range."""
    await publish(bus, block(1, 2), block(3))
    store.gate = asyncio.Event()
    zombie = Running(bus, store, clock)
    await zombie.until(lambda: store.attempts == 1)
    gate, store.gate = store.gate, None
    successor = Running(bus, store, clock)
    await successor.until(lambda: len(store.rows) == 3)
    gate.set()
    await zombie.until(lambda: store.landings == 2)
    await successor.finish()
    await zombie.finish()
    assert store.values == [1, 2, 3]
    assert await committed(bus) == Commit(2)


async def test_a_token_that_outlived_its_rows_hides_none(bus: Bus, store: FaultyStore, clock: ManualClock) -> None:
    """The engine writes the token down before it keeps the part: a kill in between, and the retry is taken for done."""
    await publish(bus, block(1, 2), block(3))
    store.gate = asyncio.Event()
    first = Running(bus, store, clock)
    await first.until(lambda: store.attempts == 1)
    await first.crash()
    store.gate = None
    store.tokens.add((store.last_token, day_of(NOW)))
    second = Running(bus, store, clock)
    await second.until(lambda: len(store.rows) == 3)
    await second.finish()
    assert store.values == [1, 2, 3]


async def test_poison_and_refused_rows_of_one_batch_are_both_kept(
    bus: Bus, store: FaultyStore, clock: ManualClock
) -> None:
    refuse_the_bad(store)
    junk = Outgoing("metrics-raw", b"k", b"junk")
    await publish(bus, block(1), junk, block(BAD, 2))
    worker = Running(bus, store, clock)
    await worker.until(lambda: len(store.rows) == 2)
    await worker.finish()
    found = await letters(bus)
    assert [(letter["offset"], letter.get("row")) for letter in found] == [(1, None), (2, 0)]
