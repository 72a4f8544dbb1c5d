"""The embedded log's own facts; what it shares with Kafka is in tests/contract/test_bus.py."""

import asyncio
import multiprocessing
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from zlib import crc32

import pytest
from vantage_common.bus.api import PULSES, Commit, GroupHooks, Message, Outgoing, Publisher, TopicPartition
from vantage_common.bus.embedded import EmbeddedBus
from vantage_common.bus.sqlite_log import SqliteLog
from vantage_common.clock import ManualClock
from vantage_common.errors import BusUnavailable, CommitRejected, NewerSchema, PermanentError
from vantage_common.settings import Settings, load_settings

TOPIC = "metrics-raw"
START_MS = 1_790_000_000_000
HOUR_S = 3600.0


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data_dir=tmp_path, bus="embedded", bus_partitions=1, bus_retention_hours=2)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START_MS)


@pytest.fixture
async def bus(settings: Settings, clock: ManualClock) -> AsyncIterator[EmbeddedBus]:
    opened = EmbeddedBus(settings, clock)
    await opened.ensure_topics([TOPIC, PULSES])
    yield opened
    await opened.close()


@pytest.fixture
async def publisher(bus: EmbeddedBus) -> Publisher:
    return bus.publisher()


async def everything(bus: EmbeddedBus, topic: str = TOPIC) -> list[Message]:
    tail = bus.tail([topic])
    await tail.start(0)
    messages = await tail.fetch(10_000, 0.1)
    await tail.stop()
    return messages


def records(*values: bytes, topic: str = TOPIC) -> list[Outgoing]:
    return [Outgoing(topic, b"key", value) for value in values]


async def test_a_file_that_is_no_database_is_named_with_what_to_do(settings: Settings, clock: ManualClock) -> None:
    path = settings.data_dir / "bus.db"
    path.write_bytes(b"this was something else once" * 100)
    with pytest.raises(PermanentError, match="move it away") as caught:
        await EmbeddedBus(settings, clock).publisher().start()
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_torn_file_is_named_with_what_to_do(bus: EmbeddedBus, settings: Settings, clock: ManualClock) -> None:
    await bus.publisher().publish(records(*[bytes(4000)] * 50), 5)
    await bus.close()
    path = settings.data_dir / "bus.db"
    path.write_bytes(path.read_bytes()[:8192] + bytes(8192))
    with pytest.raises(PermanentError, match="damaged"):
        await everything(EmbeddedBus(settings, clock))


async def test_a_newer_format_is_refused(bus: EmbeddedBus, settings: Settings, clock: ManualClock) -> None:
    await bus.close()
    with sqlite3.connect(settings.data_dir / "bus.db") as db:
        db.execute("PRAGMA user_version = 2")
    with pytest.raises(NewerSchema, match="format 2, this Vantage knows 1"):
        await EmbeddedBus(settings, clock).publisher().start()


async def test_another_program_s_database_is_left_alone(settings: Settings, clock: ManualClock) -> None:
    with sqlite3.connect(settings.data_dir / "bus.db") as db:
        db.execute("CREATE TABLE theirs (x)")
    with pytest.raises(PermanentError, match="another program"):
        await EmbeddedBus(settings, clock).ensure_topics([TOPIC])


async def test_without_its_directory_the_log_is_unavailable_until_it_is_back(
    settings: Settings, clock: ManualClock
) -> None:
    settings.data_dir = settings.data_dir / "volume"
    settings.data_dir.write_text("a file where the directory should be")
    bus = EmbeddedBus(settings, clock)
    publisher = bus.publisher()
    await publisher.start()
    with pytest.raises(BusUnavailable, match="volume"):
        await publisher.publish(records(b"1"), 5)
    settings.data_dir.unlink()
    await bus.ensure_topics([TOPIC])
    await publisher.publish(records(b"1"), 5)
    await bus.close()


FULL_DISK = """
import asyncio, resource, sys
from vantage_common.bus.api import Outgoing
from vantage_common.bus.embedded import EmbeddedBus
from vantage_common.clock import SystemClock
from vantage_common.errors import BusUnavailable
from vantage_common.settings import load_settings

async def main():
    bus = EmbeddedBus(load_settings(data_dir=sys.argv[1], bus="embedded"), SystemClock())
    await bus.ensure_topics(["t"])
    publisher = bus.publisher()
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    taken = 0
    try:
        while taken < 10_000:
            await publisher.publish([Outgoing("t", b"k", b"%d" % taken + bytes(10_000))], 5)
            taken += 1
    except BusUnavailable as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    await publisher.publish([Outgoing("t", b"k", b"%d" % taken)], 5)
    tail = bus.tail(["t"])
    await tail.start(0)
    found = await tail.fetch(10_000, 1)
    assert [int(m.value.rstrip(b"\\0")) for m in found] == list(range(taken + 1)), taken
    assert taken > 10
    await tail.stop()
    await bus.close()

asyncio.run(main())
"""


def test_a_full_disk_is_unavailable_and_loses_nothing_acknowledged(tmp_path: Path) -> None:
    run = subprocess.run([sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert "cannot be used now" in run.stdout


async def test_commits_are_synced_to_the_disk(bus: EmbeddedBus, settings: Settings) -> None:
    """A power cut cannot be tested here; this is the setting that survives it."""
    log = SqliteLog(settings.data_dir / "bus.db")
    log.data_version()
    assert log._open is not None
    assert log._open.execute("PRAGMA synchronous").fetchone() == (2,)
    assert log._open.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    log.close()


async def test_trim_deletes_what_is_past_retention_and_keeps_offsets(
    bus: EmbeddedBus, publisher: Publisher, clock: ManualClock
) -> None:
    await publisher.publish(records(*[b"old"] * 250), 5)
    clock.advance(1.5 * HOUR_S)
    await publisher.publish(records(b"new"), 5)
    await bus.trim()
    assert len(await everything(bus)) == 251
    clock.advance(1 * HOUR_S)
    await bus.trim()
    assert [(message.offset, message.value) for message in await everything(bus)] == [(250, b"new")]
    clock.advance(2 * HOUR_S)
    await bus.trim()
    await publisher.publish(records(b"newer"), 5)
    assert [(message.offset, message.value) for message in await everything(bus)] == [(251, b"newer")]


async def test_what_was_trimmed_unread_is_no_longer_lag(
    bus: EmbeddedBus, publisher: Publisher, clock: ManualClock
) -> None:
    member = bus.subscription("group", [TOPIC])
    await member.start(GroupHooks())
    await publisher.publish(records(*[b"old"] * 3), 5)
    await member.fetch(1, 1.0)
    assert await member.lag() == 2
    clock.advance(3 * HOUR_S)
    await bus.trim()
    assert await member.lag() == 0
    await publisher.publish(records(b"new"), 5)
    assert await member.lag() == 1
    await member.stop()


async def test_pulses_are_kept_for_an_hour_only(bus: EmbeddedBus, publisher: Publisher, clock: ManualClock) -> None:
    await publisher.publish([*records(b"raw"), *records(b"pulse", topic=PULSES)], 5)
    clock.advance(1.1 * HOUR_S)
    await bus.trim()
    assert [len(await everything(bus, topic)) for topic in (TOPIC, PULSES)] == [1, 0]


async def test_a_group_behind_retention_goes_on_with_the_oldest_record(
    bus: EmbeddedBus, publisher: Publisher, clock: ManualClock
) -> None:
    await publisher.publish(records(b"1", b"2"), 5)
    member = bus.subscription("group", [TOPIC])
    await member.start(GroupHooks())
    assert len(await member.fetch(1, 1)) == 1
    clock.advance(3 * HOUR_S)
    await publisher.publish(records(b"3"), 5)
    await bus.trim()
    assert [message.value for message in await member.fetch(10, 1)] == [b"3"]
    await member.stop()


async def test_time_never_goes_back_within_a_partition(
    bus: EmbeddedBus, publisher: Publisher, clock: ManualClock
) -> None:
    await publisher.publish(records(b"1"), 5)
    clock.advance(-60)
    await publisher.publish(records(b"2"), 5)
    assert [message.timestamp_ms for message in await everything(bus)] == [START_MS, START_MS]


async def test_a_member_that_has_not_heard_of_its_successor_cannot_commit(
    bus: EmbeddedBus, publisher: Publisher
) -> None:
    await publisher.publish(records(b"1"), 5)
    old = bus.subscription("group", [TOPIC])
    await old.start(GroupHooks())
    (message,) = await old.fetch(1, 1)
    new = bus.subscription("group", [TOPIC])
    await new.start(GroupHooks())
    assert message.source in old.assignment()
    with pytest.raises(CommitRejected, match="generation 2, this member is of 1"):
        await old.commit({message.source: Commit(1)})
    assert await new.committed(message.source) is None
    await old.stop()
    await new.stop()


async def test_a_seek_during_a_read_drops_what_was_read(
    bus: EmbeddedBus, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publisher.publish(records(b"0", b"1", b"2"), 5)
    member = bus.subscription("group", [TOPIC])
    await member.start(GroupHooks())
    read = SqliteLog.read
    seeks = [2]

    def seeking(
        log: SqliteLog, positions: list[tuple[TopicPartition, int, int]], max_records: int, max_bytes: int
    ) -> list[Message]:
        found = read(log, positions, max_records, max_bytes)
        if seeks:
            member.seek(TopicPartition(TOPIC, 0), seeks.pop())
        return found

    monkeypatch.setattr(SqliteLog, "read", seeking)
    assert [message.value for message in await member.fetch(10, 1)] == [b"2"]
    await member.stop()


async def test_callers_that_wait_together_share_a_transaction(
    bus: EmbeddedBus, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    append = SqliteLog.append

    def counting(log: SqliteLog, batches: list[list[Outgoing]], now_ms: int) -> list[BusUnavailable | None]:
        sizes.append(len(batches))
        return append(log, batches, now_ms)

    monkeypatch.setattr(SqliteLog, "append", counting)
    await asyncio.gather(*(publisher.publish(records(b"%d" % n), 5) for n in range(50)))
    assert sum(sizes) == 50
    assert len(sizes) <= 3


async def test_a_bad_topic_does_not_fail_those_who_share_its_transaction(
    bus: EmbeddedBus, publisher: Publisher
) -> None:
    good, bad = await asyncio.gather(
        publisher.publish(records(b"1"), 5),
        publisher.publish([*records(b"2"), *records(b"3", topic="missing")], 5),
        return_exceptions=True,
    )
    assert good is None
    assert isinstance(bad, BusUnavailable)
    assert [message.value for message in await everything(bus)] == [b"1"]


async def test_a_publisher_that_is_locked_out_fails_at_its_deadline(
    bus: EmbeddedBus, publisher: Publisher, settings: Settings
) -> None:
    other = sqlite3.connect(settings.data_dir / "bus.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(BusUnavailable, match=r"within 0\.2 s"):
        await publisher.publish(records(b"1"), 0.2)
    other.execute("ROLLBACK")
    other.close()
    await publisher.publish(records(b"2"), 5)


async def test_records_waiting_to_be_written_are_bounded(
    bus: EmbeddedBus, publisher: Publisher, settings: Settings
) -> None:
    other = sqlite3.connect(settings.data_dir / "bus.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    batch = records(*[bytes(900_000)] * 10)
    outcomes = await asyncio.gather(*(publisher.publish(batch, 0.5) for _ in range(10)), return_exceptions=True)
    refused = [outcome for outcome in outcomes if "is behind" in str(outcome)]
    assert len(refused) == 10 - 64 * 1024 * 1024 // 9_000_030
    other.execute("ROLLBACK")
    other.close()


def _make_and_publish(directory: Path, number: int) -> None:
    async def run() -> None:
        bus = EmbeddedBus(load_settings(data_dir=directory, bus="embedded", bus_partitions=1), ManualClock(START_MS))
        await bus.ensure_topics([TOPIC])
        for n in range(20):
            await bus.publisher().publish(records(b"%d" % (number * 100 + n)), 10)
        await bus.close()

    asyncio.run(run())


async def test_processes_that_start_at_once_make_one_log(settings: Settings, clock: ManualClock) -> None:
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_make_and_publish, args=(settings.data_dir, number)) for number in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        await asyncio.to_thread(process.join)
    assert [process.exitcode for process in processes] == [0] * 4
    bus = EmbeddedBus(settings, clock)
    messages = await everything(bus)
    assert [message.offset for message in messages] == list(range(80))
    assert {int(message.value) for message in messages} == {number * 100 + n for number in range(4) for n in range(20)}
    await bus.close()


async def test_a_reader_in_another_bus_is_woken(bus: EmbeddedBus, settings: Settings, clock: ManualClock) -> None:
    other = EmbeddedBus(settings, clock)
    tail = other.tail([TOPIC])
    await tail.start(None)
    fetching = asyncio.create_task(tail.fetch(10, 20))
    await bus.publisher().publish(records(b"1"), 5)
    async with asyncio.timeout(5):
        assert [message.value for message in await fetching] == [b"1"]
    await tail.stop()
    await other.close()


async def test_a_busy_partition_does_not_starve_the_others(settings: Settings, clock: ManualClock) -> None:
    settings.bus_partitions = 2
    bus = EmbeddedBus(settings, clock)
    await bus.ensure_topics([TOPIC])
    keys = {crc32(b"%d" % n) % 2: b"%d" % n for n in range(20)}
    await bus.publisher().publish([Outgoing(TOPIC, keys[0], b"busy")] * 100 + [Outgoing(TOPIC, keys[1], b"quiet")], 5)
    member = bus.subscription("group", [TOPIC])
    await member.start(GroupHooks())
    fetched = await member.fetch(10, 1) + await member.fetch(10, 1)
    assert TopicPartition(TOPIC, 1) in {message.source for message in fetched}
    await member.stop()
    await bus.close()
