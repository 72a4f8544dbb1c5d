"""Pulses: what goes onto the bus comes off it unchanged, and nothing else comes off it at all."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vantage_common.errors import NewerSchema, PoisonRecord
from vantage_common.model import Pulse
from vantage_common.pulses import PULSES_VERSION, decode_pulses, encode_pulses

PULSES = [
    Pulse(workspace="default", service="a", second=1_790_035_200, count=3, errors=1, durations={80_100: 2, 0: 1}),
    Pulse(workspace="default", service="b", second=1_790_035_201, count=1, errors=0, source="span", caller="a"),
]


def test_pulses_come_back() -> None:
    assert decode_pulses(encode_pulses(PULSES)) == PULSES
    assert decode_pulses(encode_pulses([])) == []


def test_a_newer_version_is_refused_loudly() -> None:
    with pytest.raises(NewerSchema, match="upgrade"):
        decode_pulses(bytes([PULSES_VERSION + 1]) + encode_pulses(PULSES)[1:])


@given(st.binary(max_size=100))
def test_random_bytes_never_crash_the_decoder(data: bytes) -> None:
    with contextlib.suppress(PoisonRecord, NewerSchema):
        assert isinstance(decode_pulses(data), list)
