"""The binary frames: what is encoded is decoded, what does not fit is clipped, and the fixtures are up to date."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vantage_api.live.fixtures import fixtures, render
from vantage_api.live.frames import (
    HEADER,
    REQUEST_ENTRY,
    TICK_ENTRY,
    BadFrame,
    RequestEntry,
    Requests,
    Tick,
    TickEntry,
    decode,
    encode_requests,
    encode_tick,
)
from vantage_common.errors import NewerSchema

FIXTURES = Path(__file__).parents[2] / "tests" / "contract" / "fixtures"
U16 = st.integers(0, 65535)
F32 = st.floats(0, 1e9, width=32)
TICK_ENTRIES = st.builds(
    TickEntry,
    slot=U16,
    pods=U16,
    rps=F32,
    error_ratio=st.none() | st.floats(0, 1, width=32),
    p95_ms=st.none() | F32,
    health=st.none() | st.integers(0, 100),
    status=st.sampled_from(["UNKNOWN", "HEALTHY", "DEGRADED", "UNHEALTHY"]),
)
REQUEST_ENTRIES = st.builds(RequestEntry, edge=U16, offset_ms=st.integers(0, 999), duration_ms=U16, error=st.booleans())
TIMES = st.floats(0, 4e12)


def test_layouts_have_the_documented_sizes() -> None:
    assert (HEADER.size, TICK_ENTRY.size, REQUEST_ENTRY.size) == (16, 20, 8)


@given(TIMES, st.lists(TICK_ENTRIES, max_size=20))
def test_a_tick_comes_back(time_ms: float, entries: list[TickEntry]) -> None:
    assert decode(encode_tick(time_ms, entries)) == Tick(time_ms, tuple(entries))


@given(TIMES, st.integers(1, 65535), st.lists(REQUEST_ENTRIES, max_size=20))
def test_requests_come_back(time_ms: float, sample: int, entries: list[RequestEntry]) -> None:
    assert decode(encode_requests(time_ms, sample, entries)) == Requests(time_ms, sample, tuple(entries))


def test_what_does_not_fit_is_clipped() -> None:
    tick = decode(encode_tick(0, [TickEntry(1, 70_000, 0.0, None, None, None, "UNKNOWN")]))
    requests = decode(encode_requests(0, 1, [RequestEntry(1, 0, 70_000, False)]))
    assert tick.entries[0].pods == 65535  # type: ignore[union-attr]
    assert requests.entries[0].duration_ms == 65535  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "data",
    [b"", b"\x01" * 15, b"\x03\x01" + bytes(14), b"\x01\x00" + bytes(14), encode_tick(0, []) + b"x"],
    ids=["empty", "short", "kind", "schema 0", "trailing"],
)
def test_other_bytes_are_no_frame(data: bytes) -> None:
    with pytest.raises(BadFrame):
        decode(data)


def test_a_newer_schema_is_refused_by_name() -> None:
    with pytest.raises(NewerSchema, match="schema 2"):
        decode(b"\x01\x02" + bytes(14))


@pytest.mark.parametrize(("name", "fixture"), fixtures().items())
def test_fixtures_of_the_dashboard_are_up_to_date(name: str, fixture: dict[str, object]) -> None:
    written = (FIXTURES / name).read_text(encoding="utf-8")
    assert written == render(fixture), "run: python -m vantage_api.live.fixtures tests/contract/fixtures"
