"""W3C trace context, in and out."""

from __future__ import annotations

from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vantage_agent.context import (
    MAX_STATE_LENGTH,
    MAX_STATE_MEMBERS,
    caller_of,
    continued,
    incoming,
    state_member,
    traceparent_of,
    with_member,
)

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        f"00-{TRACE}-{PARENT}",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-what",
        f"00-0x{TRACE[2:]}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-zz",
        "Ünïcode",
    ],
)
def test_a_malformed_traceparent_starts_a_new_trace(header: str) -> None:
    assert continued(header, None) is None
    span = incoming(header, "vantage=evil", 0)
    assert span.parent_id == 0
    assert "%032x" % span.trace_id != TRACE


@pytest.mark.parametrize("flags", ["00", "01", "03"])
@pytest.mark.parametrize("suffix", [("00", ""), ("01", "-future-field")])
def test_a_valid_traceparent_is_continued_with_its_sampling_flag(flags: str, suffix: "tuple[str, str]") -> None:
    span = incoming(f"{suffix[0]}-{TRACE}-{PARENT}-{flags}{suffix[1]}", None, 0)
    assert traceparent_of(span) == f"00-{TRACE}-{span.span_id:016x}-{flags}"
    assert f"{span.parent_id:016x}" == PARENT


@pytest.mark.parametrize(
    ("state", "caller"),
    [
        ("vantage=storefront", "storefront"),
        ("other=1, vantage=a%2Eb ,x=2", "a.b"),
        ("other=1", None),
        ("vantage=", None),
        ("vantage=a b", None),
        ("vantage=%00", None),
        ("vantage=" + "a" * 201, None),
        ("", None),
    ],
)
def test_the_caller_is_read_from_tracestate(state: str, caller: Optional[str]) -> None:
    assert caller_of(state) == caller


@given(st.from_regex(r"[A-Za-z0-9_.:/-]{1,200}", fullmatch=True))
def test_every_service_name_survives_the_header(name: str) -> None:
    assert caller_of(with_member(state_member(name), "a=1")) == name


def test_our_member_comes_first_and_replaces_an_older_one() -> None:
    assert with_member("vantage=me", "a=1,vantage=you, b=2") == "vantage=me,a=1,b=2"


@given(st.lists(st.from_regex(r"[a-z]{1,20}=[a-z0-9]{1,200}", fullmatch=True), max_size=60))
def test_tracestate_stays_within_its_limits(members: "list[str]") -> None:
    state = with_member("vantage=me", ",".join(members))
    assert len(state) <= MAX_STATE_LENGTH
    assert len(state.split(",")) <= MAX_STATE_MEMBERS
    assert state.startswith("vantage=me")
