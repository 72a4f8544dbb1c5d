"""Blocks: what goes onto the bus comes off it unchanged, and nothing else comes off it at all."""

import contextlib
import struct
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vantage_common.block import (
    BLOCK_VERSION,
    MAX_INFLATED_BYTES,
    BlockBody,
    Codec,
    columns_of,
    decode_block,
    encode_block,
)
from vantage_common.errors import NewerSchema, PoisonRecord
from vantage_common.model import Sample

SAMPLES = [
    Sample(timestamp=1, service_name="a", metric_name="m", metric_type="gauge", value=1.5, tags={"k": "v"}),
    Sample(timestamp=2, service_name="a", metric_name="m", metric_type="counter", value=-2.0, count=7),
]
BODY = BlockBody("metrics", "default", "a", len(SAMPLES), columns_of("metrics", SAMPLES), "b1", 3)


@pytest.mark.parametrize("codec", get_args(Codec))
def test_block_survives_every_codec(codec: Codec) -> None:
    assert decode_block(encode_block(BODY, codec)) == BODY


def test_newer_version_is_refused_loudly() -> None:
    newer = bytes([BLOCK_VERSION + 1]) + encode_block(BODY)[1:]
    with pytest.raises(NewerSchema, match="upgrade"):
        decode_block(newer)


def test_a_bomb_is_refused_before_it_is_inflated() -> None:
    block = encode_block(BODY)
    lying = block[:2] + struct.pack("<I", MAX_INFLATED_BYTES + 1) + block[6:]
    with pytest.raises(PoisonRecord, match="inflates"):
        decode_block(lying)


def test_ragged_columns_are_poison() -> None:
    ragged = BlockBody("metrics", "default", "a", 2, columns_of("metrics", SAMPLES[:1]))
    with pytest.raises(PoisonRecord, match="column timestamp has 1 values, the block has 2 rows"):
        decode_block(encode_block(ragged))


@given(st.binary(max_size=200))
def test_random_bytes_never_crash_the_decoder(data: bytes) -> None:
    with pytest.raises((PoisonRecord, NewerSchema)):
        decode_block(data)


@pytest.mark.parametrize("codec", get_args(Codec))
@given(position=st.integers(min_value=0), flip=st.integers(min_value=1, max_value=255))
def test_a_flipped_byte_is_poison_or_another_block_never_a_crash(codec: Codec, position: int, flip: int) -> None:
    block = bytearray(encode_block(BODY, codec))
    block[position % len(block)] ^= flip
    with contextlib.suppress(PoisonRecord, NewerSchema):
        decode_block(bytes(block))


@pytest.mark.parametrize(
    ("column", "value"),
    [("count", -1), ("count", 2**63), ("status_code", 70_000), ("value", "high"), ("timestamp", 9e15), ("tags", None)],
)
def test_a_value_the_store_would_refuse_is_poison(column: str, value: object) -> None:
    columns = columns_of("metrics", SAMPLES)
    columns[column][1] = value
    with pytest.raises(PoisonRecord, match=column):
        decode_block(encode_block(BlockBody("metrics", "default", "a", len(SAMPLES), columns)))


def test_a_block_nested_without_end_is_poison() -> None:
    """msgspec raises RecursionError there, which nobody outside expects of a record."""
    packed = b"\x81\xa7columns\x81\xa1a" + b"\x91" * 100_000
    with pytest.raises(PoisonRecord, match="recursion"):
        decode_block(struct.pack("<BBI", BLOCK_VERSION, 0, len(packed)) + packed)
