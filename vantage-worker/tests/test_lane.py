"""When a partition's records become a batch, and which of them."""

import pytest
from vantage_common.block import BlockBody
from vantage_common.bus.api import METRICS_RAW, TopicPartition
from vantage_worker.backpressure import (
    FETCH_ROWS,
    MAX_BUFFERED_BYTES,
    MAX_BUFFERED_ROWS,
    MAX_FETCH_RECORDS,
    MAX_ROWS,
    MIN_FETCH_RECORDS,
    MIN_LANE_ROWS,
    MIN_ROWS,
    BatchSize,
    FetchSize,
    Load,
    full_lanes,
)
from vantage_worker.batch import Taken
from vantage_worker.lane import LINGER_S, Lane


def lane_of(*rows: int, intent_end: int | None = None) -> Lane:
    """A lane that has read records of so many rows from offset 10 on, at time 0."""
    lane = Lane(TopicPartition(METRICS_RAW, 0), 7, 0.0, intent_end=intent_end)
    for number, count in enumerate(rows):
        lane.add(Taken(10 + number, 1, 100 * count, BlockBody("metrics", "default", "s", count, {})), 0.0)
    return lane


def offsets(lane: Lane, rows: int = 10, now: float = 0.0) -> tuple[int, int] | None:
    batch = lane.seal(rows, now)
    return None if batch is None else (batch.start, batch.end)


def test_few_rows_wait_until_the_linger_time_is_over() -> None:
    lane = lane_of(3, 3)
    assert offsets(lane, now=LINGER_S * 0.99) is None
    assert offsets(lane, now=LINGER_S) == (10, 12)


def test_enough_rows_are_a_batch_at_once_and_the_rest_waits_anew() -> None:
    lane = lane_of(6, 4, 3)
    assert offsets(lane, now=0.5) == (10, 12)
    assert (lane.waiting_rows, lane.waiting_bytes) == (3, 300)
    assert offsets(lane, now=1.2) is None


def test_a_record_larger_than_a_batch_is_one_by_itself() -> None:
    assert offsets(lane_of(25, 1)) == (10, 11)


def test_a_full_lane_is_written_although_the_batch_could_be_larger() -> None:
    """It is not read on until something of it is gone: to wait for more rows would be to wait for nothing."""
    lane = lane_of(3)
    assert not lane.is_due(10, 0.0)
    lane.is_full = True
    assert lane.is_due(10, 0.0)
    assert offsets(lane) == (10, 11)


def test_an_intent_is_sealed_when_its_last_record_has_come_and_exactly_to_its_end() -> None:
    lane = lane_of(1, 1, intent_end=13)
    assert offsets(lane, now=60.0) is None
    for offset in (12, 13):
        lane.add(Taken(offset, 1, 1, None), 0.0)
    batch = lane.seal(1, 0.0)
    assert batch is not None
    assert (batch.start, batch.end, batch.in_doubt) == (10, 13, True)
    assert [record.offset for record in lane.taken] == [13]
    assert lane.intent_end is None


def test_an_intent_that_the_log_has_trimmed_away_is_no_longer_waited_for() -> None:
    lane = lane_of(1, intent_end=10)
    batch = lane.seal(1, 0.0)
    assert batch is not None
    assert not batch.in_doubt


@pytest.mark.parametrize(
    ("written", "waiting", "after"),
    [(MIN_ROWS, MIN_ROWS, 2 * MIN_ROWS), (MIN_ROWS, 1, MIN_ROWS), (MIN_ROWS - 1, MIN_ROWS, MIN_ROWS)],
)
def test_a_batch_grows_only_while_full_ones_wait_behind_it(written: int, waiting: int, after: int) -> None:
    size = BatchSize()
    size.adapt(written=written, waiting=waiting)
    assert size.rows == after


def test_batches_stay_between_their_bounds() -> None:
    size = BatchSize()
    for _ in range(20):
        size.adapt(written=10**9, waiting=10**9)
    assert size.rows == MAX_ROWS
    for _ in range(20):
        size.adapt(written=1, waiting=0)
    assert size.rows == MIN_ROWS


def test_partitions_that_hold_anything_share_the_memory() -> None:
    share = MAX_BUFFERED_ROWS // 2
    assert full_lanes([Load(share, 1), Load(share - 1, 1), Load(0, 0)]) == [True, False, False]
    assert full_lanes([Load(share, 1), Load(0, 0), Load(0, 0)]) == [False, False, False]
    assert full_lanes([Load(1, MAX_BUFFERED_BYTES // 2), Load(1, 1)]) == [True, False]
    assert full_lanes([]) == []


def test_no_partition_gets_less_than_a_batch_however_many_there_are() -> None:
    assert full_lanes([Load(MIN_LANE_ROWS - 1, 1)] * 1000) == [False] * 1000
    assert full_lanes([Load(MIN_LANE_ROWS, 1)] * 1000) == [True] * 1000


def test_what_one_filled_alone_leaves_the_others_a_batch_each() -> None:
    alone = Load(MAX_BUFFERED_ROWS, 1)
    assert full_lanes([alone, Load(MIN_LANE_ROWS - 1, 1), Load(MIN_LANE_ROWS, 1)]) == [True, False, True]


def test_a_read_brings_about_as_many_rows_as_may_be_buffered_whatever_a_record_holds() -> None:
    fetch = FetchSize()
    fetch.adapt(records=10, rows=10_000, size=10_000)
    assert fetch.records == FETCH_ROWS / 1000
    fetch.adapt(records=10, rows=10, size=10 * 64 * 1024 * 1024)
    assert fetch.records == MIN_FETCH_RECORDS
    fetch.adapt(records=10, rows=0, size=0)
    assert fetch.records == MAX_FETCH_RECORDS
