"""From records to one block of columns: what is dropped, what is kept, and where each row says it came from."""

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vantage_common.block import BlockBody, columns_of, encode_block
from vantage_common.bus.api import METRICS_RAW, Message
from vantage_common.errors import NewerSchema
from vantage_common.model import Sample
from vantage_common.store.api import Held
from vantage_worker.batch import Taken, assemble, day_of, take, without_repeats

DAY_1 = 1_790_035_200_000 // 86_400_000 * 86_400_000
DAY_2 = DAY_1 + 86_400_000


def message(offset: int, *times: int, batch_id: str = "", part: int = 0) -> Message:
    rows = [Sample(timestamp=t, service_name="s", metric_name="m", metric_type="gauge", value=1.0) for t in times]
    body = BlockBody("metrics", "default", "s", len(rows), columns_of("metrics", rows), batch_id, part)
    return Message(METRICS_RAW, 0, offset, b"k", encode_block(body), 1)


def taken(offset: int, *times: int, batch_id: str = "", part: int = 0) -> Taken:
    return take(message(offset, *times, batch_id=batch_id, part=part))


def offsets(columns: dict[str, list[Any]]) -> list[int]:
    return columns["_off"]


def test_rows_carry_their_source_and_batch() -> None:
    columns = assemble("metrics", [taken(7, DAY_1, DAY_1, batch_id="b", part=2)], 99, frozenset())
    assert columns["_src"] == [99, 99]
    assert columns["_off"] == [7, 7]
    assert columns["batch_id"] == ["b", "b"]
    assert columns["batch_part"] == [2, 2]
    assert columns["workspace"] == ["default", "default"]
    assert len({len(values) for values in columns.values()}) == 1


def test_rows_of_a_day_the_store_holds_are_left_out() -> None:
    records = [taken(1, DAY_1, DAY_2), taken(2, DAY_1)]
    columns = assemble("metrics", records, 9, frozenset({Held(1, day_of(DAY_1))}))
    assert list(zip(columns["_off"], columns["timestamp"], strict=True)) == [(1, DAY_2), (2, DAY_1)]


def test_a_senders_retry_is_dropped_and_its_other_parts_kept() -> None:
    records = [taken(1, DAY_1, batch_id="b", part=0), taken(2, DAY_1, batch_id="b", part=1)]
    retry = taken(3, DAY_1, batch_id="b", part=0)
    assert [r.offset for r in without_repeats([*records, retry], frozenset())] == [1, 2]
    assert [r.offset for r in without_repeats(records, frozenset({("b", 1)}))] == [1]


def test_records_without_a_batch_id_are_never_repeats() -> None:
    records = [taken(1, DAY_1), taken(2, DAY_1)]
    assert without_repeats(records, frozenset()) == records


def test_poison_is_kept_with_its_reason() -> None:
    record = take(Message(METRICS_RAW, 0, 4, b"k", b"\x01nonsense", 1))
    assert record.block is None
    assert record.poison is not None
    assert "block" in record.poison[1]


def test_a_block_on_the_wrong_topic_is_poison() -> None:
    right = message(1, DAY_1)
    record = take(Message("spans-raw", 0, 1, b"k", right.value, 1))
    assert record.poison is not None
    assert "topic spans-raw" in record.poison[1]


def test_a_newer_schema_stops_the_worker_instead_of_losing_rows() -> None:
    newer = bytes([200]) + message(1, DAY_1).value[1:]
    with pytest.raises(NewerSchema):
        take(Message(METRICS_RAW, 0, 1, b"k", newer, 1))


def test_the_day_is_that_of_the_microsecond_stored() -> None:
    """The last fraction of a microsecond before midnight is rounded up to midnight."""
    assert day_of(DAY_2 - 0.00025) == day_of(DAY_2)
    assert day_of(DAY_2 - 0.001) == day_of(DAY_1)


@given(st.integers(min_value=0, max_value=4_102_444_799_999))
def test_day_is_the_utc_calendar_day(ms: int) -> None:
    day = datetime.datetime.fromtimestamp(ms / 1000, datetime.UTC)
    assert day_of(ms) == int(day.strftime("%Y%m%d"))
