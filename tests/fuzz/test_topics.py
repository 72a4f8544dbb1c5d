"""Whatever lies on a topic, the worker either reads it, or says why it is poison; it never crashes on it."""

import contextlib
import struct
from typing import get_args

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vantage_common.block import BLOCK_VERSION, COLUMNS, BlockBody, Codec, Kind, columns_of, encode_block
from vantage_common.bus.api import LOGS_RAW, METRICS_RAW, PULSES, SPANS_RAW, Message
from vantage_common.errors import NewerSchema, PoisonRecord
from vantage_common.model import LogRecord, Pulse, Sample, Span
from vantage_common.pulses import decode_pulses, encode_pulses
from vantage_worker.batch import assemble, kind_of_topic, take

NOW_MS = 1_790_035_200_000
ROWS: dict[Kind, list[Sample] | list[Span] | list[LogRecord]] = {
    "metrics": [
        Sample(timestamp=NOW_MS, service_name="a", metric_name="m", metric_type="gauge", value=1.5, tags={"k": "v"}),
        Sample(timestamp=NOW_MS, service_name="a", metric_name="m", metric_type="counter", value=-2.0, count=7),
    ],
    "spans": [
        Span(
            timestamp=NOW_MS + 0.5,
            trace_id="t",
            span_id="s",
            service_name="a",
            name="n",
            kind="server",
            duration_ms=2.0,
            status="ok",
        )
    ],
    "logs": [LogRecord(timestamp=NOW_MS, service_name="a", severity="INFO", body="hello")],
}
TOPICS = st.sampled_from([METRICS_RAW, SPANS_RAW, LOGS_RAW])
FUZZ = settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=10)
    | st.binary(max_size=10),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=6,
)


def block(kind: Kind) -> BlockBody:
    rows = ROWS[kind]
    return BlockBody(kind, "default", "a", len(rows), columns_of(kind, rows), "b" * 32, 1)


def check(topic: str, value: bytes) -> None:
    """A record is taken whole, all its columns of one length, or it is poison with a reason."""
    message = Message(topic, 0, 5, b"k", value, NOW_MS)
    with contextlib.suppress(NewerSchema):
        taken = take(message)
        if taken.poison is not None:
            assert taken.block is None
            assert taken.poison[1]
            return
        columns = assemble(kind_of_topic(topic), [taken], 1, frozenset())
        assert {len(values) for values in columns.values()} == {taken.rows}


@FUZZ
@given(TOPICS, st.binary(max_size=400))
def test_any_bytes(topic: str, value: bytes) -> None:
    check(topic, value)


@FUZZ
@given(
    topic=TOPICS,
    kind=st.sampled_from(list(ROWS)),
    codec=st.sampled_from(get_args(Codec)),
    flips=st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 255)), max_size=6),
    cut=st.integers(0, 40),
)
def test_any_damage(topic: str, kind: Kind, codec: Codec, flips: list[tuple[int, int]], cut: int) -> None:
    value = bytearray(encode_block(block(kind), codec))
    for at, flip in flips:
        value[at % len(value)] ^= flip
    check(topic, bytes(value[: len(value) - cut]))


@FUZZ
@given(
    kind=st.sampled_from(list(ROWS)),
    field=st.sampled_from(["kind", "workspace", "service", "rows", "columns", "batch_id", "part"]),
    value=VALUES,
)
def test_any_value_in_any_field(kind: Kind, field: str, value: object) -> None:
    body = msgspec.to_builtins(block(kind)) | {field: value}
    check(f"{kind}-raw", framed(body))


@FUZZ
@given(data=st.data(), kind=st.sampled_from(list(ROWS)), value=VALUES)
def test_any_value_in_any_column(data: st.DataObject, kind: Kind, value: object) -> None:
    body = msgspec.to_builtins(block(kind))
    column = data.draw(st.sampled_from(COLUMNS[kind]))
    body["columns"][column] = data.draw(st.sampled_from([value, [value], [value] * body["rows"]]))
    check(f"{kind}-raw", framed(body))


@FUZZ
@given(
    st.one_of(
        st.binary(max_size=200),
        st.lists(VALUES, max_size=3).map(lambda items: b"\x01" + msgspec.msgpack.encode(items)),
        st.integers(0, 80).map(
            lambda cut: encode_pulses([Pulse(workspace="w", service="s", second=1, count=1, errors=0)])[:cut]
        ),
    )
)
def test_any_pulse_record(value: bytes) -> None:
    """The live part counts what it cannot read and goes on (``Live._decoded``)."""
    assert PULSES
    with contextlib.suppress(PoisonRecord, NewerSchema):
        assert all(isinstance(pulse, Pulse) for pulse in decode_pulses(value))


def framed(body: object) -> bytes:
    packed = msgspec.msgpack.encode(body)
    return struct.pack("<BBI", BLOCK_VERSION, 0, len(packed)) + packed
