"""Exactly once, on the real embedded log, with a store that fails where a test says so."""

import asyncio
import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import structlog
from vantage_common.bus.api import DEAD_LETTER, METRICS_RAW, Bus, Commit, GroupHooks, Message, Outgoing
from vantage_common.bus.open import open_bus
from vantage_common.clock import ManualClock
from vantage_common.errors import StoreUnavailable
from vantage_common.settings import load_settings
from vantage_common.store.api import Held
from vantage_worker import backpressure, lane, repeats
from vantage_worker import pipeline as pipeline_module
from vantage_worker.batch import Taken, day_of
from vantage_worker.intent import ForeignCommit
from vantage_worker.pipeline import GROUP, TooMuchPoison

from tests.worker_world import (
    NOW,
    SOURCE,
    FaultyStore,
    Landed,
    RebalancingBus,
    Running,
    block,
    committed,
    publish,
    read_all,
)


async def test_rows_reach_the_store_and_the_group_commits_past_them(
    bus: Bus, store: FaultyStore, clock: ManualClock
) -> None:
    await publish(bus, block(1, 2), block(3))
    worker = Running(bus, store, clock)
    await worker.until(lambda: len(store.rows) == 3)
    await worker.finish()
    assert store.values == [1, 2, 3]
    assert await committed(bus) == Commit(2)


async def test_what_was_read_is_stored_before_a_graceful_stop(bus: Bus, store: FaultyStore, clock: ManualClock) -> None:
    worker = Running(bus, store, clock)
    await publish(bus, block(1))
    await worker.until(lambda: worker.pipeline.stalled_s > 0 or bool(store.rows))
    await worker.finish()
    assert store.values == [1]


@pytest.mark.parametrize("landed", [False, True])
async def test_a_failed_insert_is_repeated_only_where_it_did_not_land(
    bus: Bus, store: FaultyStore, clock: ManualClock, landed: bool
) -> None:
    store.fail_after, store.fail_before = (1, 0) if landed else (0, 1)
    await publish(bus, block(1, 2), block(3))
    worker = Running(bus, store, clock)
    await worker.until(lambda: worker.pipeline.stalled_s == 0 and len(store.rows) >= 3)
    await worker.finish()
    assert store.values == [1, 2, 3]
    assert await committed(bus) == Commit(2)


@pytest.mark.parametrize("landed_days", [0, 1, 2])
async def test_a_successor_inserts_only_what_its_predecessor_did_not(
    bus: Bus, store: FaultyStore, clock: ManualClock, landed_days: int
) -> None:
    """The predecessor dies inside the insert, after none, one or both of the two day partitions were written."""
    await publish(bus, block(1, 2), block(3, 4))
    store.gate = asyncio.Event()
    first = Running(bus, store, clock)
    await first.until(lambda: store.attempts == 1)
    await first.crash()
    today, yesterday = day_of(NOW), day_of(NOW - 86_400_000)
    by_day = [
        [Landed(0, today, 1.0), Landed(1, today, 3.0)],
        [Landed(0, yesterday, 2.0), Landed(1, yesterday, 4.0)],
    ]
    for rows in by_day[:landed_days]:
        store.rows += rows
    store.gate = None
    await publish(bus, block(5))
    second = Running(bus, store, clock)
    await second.until(lambda: len(store.rows) >= 5)
    await second.finish()
    assert store.values == [1, 2, 3, 4, 5]
    assert await committed(bus) == Commit(3)


async def test_without_the_check_of_the_intent_rows_would_double(
    bus: Bus, store: FaultyStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault: with `held` blinded, the crash test above must see doubles."""

    async def blind(*_: object) -> frozenset[Held]:
        return frozenset()

    store.fail_after = 1
    monkeypatch.setattr(store, "held", blind)
    await publish(bus, block(1, 2))
    worker = Running(bus, store, clock)
    await worker.until(lambda: len(store.rows) >= 4)
    await worker.finish()
    assert store.values == [1, 1, 2, 2]


async def test_a_senders_retry_is_stored_once_also_across_a_restart(
    bus: Bus, store: FaultyStore, clock: ManualClock
) -> None:
    await publish(bus, block(1, batch_id="b"), block(1, batch_id="b"))
    first = Running(bus, store, clock)
    await first.until(lambda: first.pipeline.stalled_s == 0 and store.values == [1])
    await first.finish()
    await publish(bus, block(1, batch_id="b"), block(2, batch_id="b", part=1))
    second = Running(bus, store, clock)
    await second.until(lambda: 2.0 in store.values)
    await second.finish()
    assert store.values == [1, 2]


async def test_poison_goes_to_the_dead_letters_and_its_neighbours_to_the_store(
    bus: Bus, store: FaultyStore, clock: ManualClock
) -> None:
    poison = Outgoing(METRICS_RAW, b"default\x00s", b"\x01\x00nonsense")
    await publish(bus, block(1), poison, block(2))
    worker = Running(bus, store, clock)
    await worker.until(lambda: len(store.rows) == 2)
    await worker.finish()
    letters = await read_all(bus, DEAD_LETTER)
    assert [json.loads(letter.value)["offset"] for letter in letters] == [1]
    assert base64.b64decode(json.loads(letters[0].value)["value"]) == poison.value
    assert await committed(bus) == Commit(3)


async def test_nothing_but_poison_stops_the_worker_loudly(bus: Bus, store: FaultyStore, clock: ManualClock) -> None:
    await publish(bus, *[Outgoing(METRICS_RAW, b"k", b"junk")] * 1001)
    worker = Running(bus, store, clock)
    with pytest.raises(TooMuchPoison, match="1001 records in a row"):
        await worker.until(lambda: False)


async def test_the_breaker_opens_and_the_backlog_drains_when_the_store_is_back(
    bus: Bus, store: FaultyStore, clock: ManualClock
) -> None:
    store.fail_before = 6
    await publish(bus, block(1))
    worker = Running(bus, store, clock)
    await worker.until(lambda: worker.pipeline.breaker_state == "open")
    assert store.attempts == 5
    await publish(bus, block(2))
    await worker.until(lambda: len(store.rows) == 2)
    assert worker.pipeline.breaker_state == "closed"
    await worker.finish()
    assert store.values == [1, 2]


def fetch_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backpressure, "MIN_FETCH_RECORDS", 1)
    monkeypatch.setattr(backpressure, "MAX_FETCH_RECORDS", 1)


def small_buffers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows are a full batch, and all that a lane may hold; records are fetched one by one."""
    monkeypatch.setattr(backpressure, "MIN_ROWS", 2)
    monkeypatch.setattr(backpressure, "MAX_BUFFERED_ROWS", 2)
    fetch_one_by_one(monkeypatch)


async def test_a_partition_paused_before_a_rebalance_is_read_on_after_it(
    bus: Bus, store: FaultyStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_buffers(monkeypatch)
    kept_away = RebalancingBus(bus)
    store.fail_before = 5
    await publish(bus, *(block(float(i)) for i in range(10)))
    worker = Running(kept_away, store, clock)
    await worker.until(lambda: worker.pipeline.breaker_state == "open")
    assert kept_away.member is not None
    await kept_away.member.rebalance()
    await worker.until(lambda: len(store.rows) == 10)
    await worker.finish()
    assert store.values == [float(i) for i in range(10)]


async def test_an_intent_wider_than_the_buffer_is_still_read_whole(
    bus: Bus, store: FaultyStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A predecessor's batches had grown; its successor's buffers are small again."""
    await publish(bus, *(block(float(i)) for i in range(10)))
    store.gate = asyncio.Event()
    first = Running(bus, store, clock)
    await first.until(lambda: store.attempts == 1)
    await first.crash()
    store.gate = None
    small_buffers(monkeypatch)
    second = Running(bus, store, clock)
    await second.until(lambda: len(store.rows) == 10)
    await second.finish()
    assert store.values == [float(i) for i in range(10)]


async def test_records_decoded_during_a_rebalance_are_left_to_the_new_lane(
    bus: Bus, store: FaultyStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rebalancing = RebalancingBus(bus)
    loop = asyncio.get_running_loop()
    decode = pipeline_module._take_all
    calls = 0

    def decode_slowly(messages: list[Message]) -> list[Taken]:
        nonlocal calls
        calls += 1
        if calls == 2:
            assert rebalancing.member is not None
            asyncio.run_coroutine_threadsafe(rebalancing.member.rebalance(), loop).result(10)
        return decode(messages)

    monkeypatch.setattr(pipeline_module, "_take_all", decode_slowly)
    monkeypatch.setattr(backpressure, "MIN_FETCH_RECORDS", 2)
    monkeypatch.setattr(backpressure, "MAX_FETCH_RECORDS", 2)
    monkeypatch.setattr(lane, "LINGER_S", 1e6)
    await publish(bus, *(block(float(i)) for i in range(6)))
    worker = Running(rebalancing, store, clock)
    await worker.until(lambda: calls >= 5)
    await worker.finish()
    assert store.values == [float(i) for i in range(6)]
    assert await committed(bus) == Commit(6)


@pytest.mark.parametrize("during", ["intent", "end"])
async def test_a_write_overtaken_by_a_rebalance_doubles_nothing(
    bus: Bus, store: FaultyStore, clock: ManualClock, during: str
) -> None:
    rebalancing = RebalancingBus(bus)
    await publish(bus, block(1), block(2))
    worker = Running(rebalancing, store, clock)
    assert rebalancing.member is not None
    once = iter([True])
    rebalancing.member.before_commit = lambda commit: (
        bool(commit.metadata) == (during == "intent") and next(once, False)
    )
    await worker.until(lambda: len(store.rows) >= 2 and worker.pipeline.stalled_s == 0)
    await publish(bus, block(3))
    await worker.until(lambda: 3.0 in store.values)
    await worker.finish()
    assert store.values == [1, 2, 3]
    assert await committed(bus) == Commit(3)


async def test_an_insert_overtaken_by_a_successor_does_not_take_the_group_back(
    bus: Bus, store: FaultyStore, clock: ManualClock
) -> None:
    """The broker takes a commit of whoever is a member, also behind what another has committed since."""
    rebalancing = RebalancingBus(bus)
    store.gate = asyncio.Event()
    await publish(bus, block(1), block(2))
    worker = Running(rebalancing, store, clock)
    await worker.until(lambda: store.attempts == 1)
    member = rebalancing.member
    assert member is not None
    await member.commit({SOURCE: Commit(2)})
    await member.rebalance()
    seen: list[Commit] = []

    def see(commit: Commit) -> bool:
        seen.append(commit)
        return False

    member.before_commit = see
    store.gate.set()
    await publish(bus, block(3))
    await worker.until(lambda: 3.0 in store.values)
    await worker.finish()
    assert [commit.offset for commit in seen] == [2, 3]
    assert seen[0].metadata, "an intent, not the end of the insert that was overtaken"


async def test_a_retry_of_what_another_worker_stored_is_dropped_after_a_rebalance(
    bus: Bus, store: FaultyStore, clock: ManualClock
) -> None:
    """However long this worker has run: it knows nothing of the partition before it got it."""
    rebalancing = RebalancingBus(bus)
    await publish(bus, block(1))
    worker = Running(rebalancing, store, clock)
    await worker.until(lambda: store.values == [1])
    clock.advance(7200)
    store.batches.append(("b", 0))
    assert rebalancing.member is not None
    await rebalancing.member.rebalance()
    await publish(bus, block(2, batch_id="b"), block(3))
    await worker.until(lambda: 3.0 in store.values)
    await worker.finish()
    assert store.values == [1, 3]


async def test_a_part_that_memory_had_no_room_for_is_asked_of_the_store(
    bus: Bus, store: FaultyStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeats, "REMEMBERED_PARTS", 1)
    worker = Running(bus, store, clock)
    await publish(bus, block(1))
    await worker.until(lambda: store.values == [1])
    clock.advance(7200)
    await publish(bus, block(2, batch_id="b"), block(3, batch_id="c"))
    await worker.until(lambda: store.values == [1, 2, 3])
    await publish(bus, block(2, batch_id="b"), block(4))
    await worker.until(lambda: 4.0 in store.values)
    await worker.finish()
    assert store.values == [1, 2, 3, 4]


async def test_poison_too_large_for_a_letter_keeps_its_beginning_and_its_origin(
    bus: Bus, store: FaultyStore, clock: ManualClock
) -> None:
    poison = Outgoing(METRICS_RAW, b"k" * 50_000, b"\xff" * 900_000)
    await publish(bus, block(1), poison, block(2))
    worker = Running(bus, store, clock)
    await worker.until(lambda: len(store.rows) == 2)
    await worker.finish()
    (letter,) = await read_all(bus, DEAD_LETTER)
    told = json.loads(letter.value)
    assert (told["offset"], told["size"]) == (1, 900_000)
    assert poison.value.startswith(base64.b64decode(told["value"]))
    assert store.values == [1, 2]


async def test_bytes_bound_a_batch_as_well_as_rows(
    bus: Bus, store: FaultyStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "MAX_BATCH_BYTES", 1)
    await publish(bus, block(1), block(2), block(3))
    worker = Running(bus, store, clock)
    await worker.until(lambda: len(store.rows) == 3)
    await worker.finish()
    assert store.attempts == 3


async def test_bytes_bound_what_waits_for_a_store_that_is_away(
    bus: Bus, store: FaultyStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backpressure, "MIN_BUFFERED_BYTES", 1)
    monkeypatch.setattr(backpressure, "MAX_BUFFERED_BYTES", 1)
    fetch_one_by_one(monkeypatch)
    store.fail_before = 6
    await publish(bus, *(block(float(i)) for i in range(10)))
    worker = Running(bus, store, clock)
    await worker.until(lambda: worker.pipeline.breaker_state == "open")
    assert sum(len(lane.taken) for lane in worker.pipeline._lanes.values()) == 1
    await worker.until(lambda: len(store.rows) == 10)
    await worker.finish()


async def test_a_record_after_a_quiet_hour_is_no_stall(bus: Bus, store: FaultyStore, clock: ManualClock) -> None:
    worker = Running(bus, store, clock)
    await publish(bus, block(1))
    await worker.until(lambda: store.values == [1])
    clock.advance(3600)
    store.gate = asyncio.Event()
    await publish(bus, block(2))
    await worker.until(lambda: store.attempts == 2)
    assert 0 < worker.pipeline.stalled_s < 30
    store.gate.set()
    await worker.finish()


async def test_a_store_that_hangs_does_not_hold_up_the_stop(
    bus: Bus, store: FaultyStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was being written stays an intent, and the next worker sees to it."""
    monkeypatch.setattr(pipeline_module, "DRAIN_S", 0.05)
    store.gate = asyncio.Event()
    await publish(bus, block(1))
    worker = Running(bus, store, clock)
    await worker.until(lambda: store.attempts == 1)
    async with asyncio.timeout(10):
        await worker.finish()
    store.gate = None
    second = Running(bus, store, clock)
    await second.until(lambda: store.values == [1])
    await second.finish()


async def test_a_store_that_fails_slowly_is_waited_for_once_between_two_fetches(
    tmp_path: Path, store: FaultyStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member that does not fetch for minutes is thrown out of its group."""
    bus = open_bus(load_settings(data_dir=tmp_path / "two", bus="embedded", bus_partitions=2), clock)
    await bus.ensure_topics([METRICS_RAW, DEAD_LETTER])
    two = [Outgoing(METRICS_RAW, key, block(1).value) for key in (b"a", b"b", b"c", b"d")]
    await publish(bus, *two)
    rebalancing = RebalancingBus(bus)
    worker = Running(rebalancing, store, clock)
    assert rebalancing.member is not None
    fetches, fetches_at_insert = 0, []
    fetch = rebalancing.member.fetch

    async def counted_fetch(max_records: int, timeout_s: float) -> list[Message]:
        nonlocal fetches
        fetches += 1
        found: list[Message] = await fetch(max_records, timeout_s)
        return found

    async def failing_insert(table: str, columns: Mapping[str, Sequence[Any]], *, token: str) -> int:
        fetches_at_insert.append(fetches)
        raise StoreUnavailable("slow")

    monkeypatch.setattr(rebalancing.member, "fetch", counted_fetch, raising=False)
    monkeypatch.setattr(store, "insert", failing_insert)
    await worker.until(lambda: len(fetches_at_insert) >= 4)
    await worker.crash()
    await bus.close()
    assert len(set(fetches_at_insert)) == len(fetches_at_insert)


async def commit_as_another_program(bus: Bus, commit: Commit) -> None:
    subscription = bus.subscription(GROUP, [METRICS_RAW])
    await subscription.start(GroupHooks())
    await subscription.fetch(1, 0.0)
    await subscription.commit({SOURCE: commit})
    await subscription.stop()


@pytest.mark.parametrize("metadata", ["offset reset by hand", '{"end":"2"}', '{"end":2,"plan":3}', "[]", '{"until":2}'])
@pytest.mark.parametrize("stored", [0, 2])
async def test_after_a_commit_with_unknown_metadata_the_store_is_asked_what_it_has(
    bus: Bus, store: FaultyStore, clock: ManualClock, metadata: str, stored: int
) -> None:
    """Nobody knows whether an insert was under way: what the store has of the records to come is not inserted again."""
    await publish(bus, block(1, 2), block(3), block(4))
    await commit_as_another_program(bus, Commit(0, metadata))
    rows = [Landed(0, day_of(NOW), 1.0), Landed(0, day_of(NOW - 86_400_000), 2.0)]
    store.rows += rows[:stored]
    with structlog.testing.capture_logs() as logs:
        worker = Running(bus, store, clock)
        await worker.until(lambda: len(store.rows) == 4)
        await worker.finish()
    assert store.values == [1, 2, 3, 4]
    assert await committed(bus) == Commit(3)
    assert [entry for entry in logs if entry["event"].startswith("unknown commit metadata")]


async def test_a_foreign_commit_far_behind_what_is_stored_halts_the_worker(
    bus: Bus, store: FaultyStore, clock: ManualClock
) -> None:
    """To read so much again as one block would fill the memory; to insert it again would double it."""
    await publish(bus, block(1))
    await commit_as_another_program(bus, Commit(0, "by hand"))
    store.rows.append(Landed(5_000_000, day_of(NOW), 1.0))
    worker = Running(bus, store, clock)
    with pytest.raises(ForeignCommit, match=r"metrics-raw/0.*up to offset 5000000.*Commit offset 5000001 without"):
        await worker.until(lambda: False)


async def test_a_log_that_gives_nothing_of_what_it_has_is_noticed_and_connected_to_anew(
    bus: Bus, store: FaultyStore, clock: ManualClock
) -> None:
    """The client is stuck without an error: it fetches nothing, and the broker counts records that are waiting."""
    stuck = RebalancingBus(bus)
    worker = Running(stuck, store, clock)
    first = stuck.member
    assert first is not None
    first.is_stuck = True
    await publish(bus, block(1))
    await worker.until(lambda: first.fetches > 2)
    await worker.pipeline.measure_lag()
    assert worker.pipeline.lag == 1
    await worker.until(lambda: worker.pipeline.stalled_s > 30)
    await worker.until(lambda: store.values == [1])
    await worker.pipeline.measure_lag()
    await worker.until(lambda: worker.pipeline.stalled_s == 0)
    assert stuck.member is not first
    await worker.finish()


async def test_an_idle_worker_neither_stalls_nor_connects_anew(
    bus: Bus, store: FaultyStore, clock: ManualClock
) -> None:
    watched = RebalancingBus(bus)
    worker = Running(watched, store, clock)
    first = watched.member
    assert first is not None
    await publish(bus, block(1))
    await worker.until(lambda: store.values == [1])
    await worker.pipeline.measure_lag()
    clock.advance(3600)
    seen = first.fetches
    await worker.until(lambda: first.fetches > seen + 2)
    assert worker.pipeline.stalled_s == 0
    assert watched.member is first
    await worker.finish()
