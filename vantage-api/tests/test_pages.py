"""Cursors lead on to what follows, and nothing else passes for one."""

from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vantage_api import pages
from vantage_api.log_pages import Position
from vantage_common.errors import UserError


def key_of(item: str) -> tuple[str, ...]:
    return (item,)


@given(items=st.lists(st.text(max_size=20), unique=True), limit=st.integers(1, 7))
def test_pages_put_together_are_the_list(items: list[str], limit: int) -> None:
    wanted = sorted(items)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        key = pages.after(cursor, "things", 1)
        rest = [item for item in wanted if key is None or (item,) > key]
        page, cursor = pages.cut(rest, key_of, "things", limit)
        seen += page
        if cursor is None:
            break
    assert seen == wanted


def encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


BROKEN = [
    "",
    "x",
    "!!!",
    "é",
    "\x00",
    "A" * 4000,
    encoded("null"),
    encoded("{}"),
    encoded('["others",["a"]]'),
    encoded('["things",["a","b"]]'),
    encoded('["things",[1]]'),
    encoded('["things",["a"],1]'),
    encoded("[" * 2000),
]


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_no_cursor_of_the_list_is_a_400_with_a_hint(text: str) -> None:
    with pytest.raises(UserError) as refused:
        pages.after(text, "things", 1)
    assert (refused.value.status, refused.value.code) == (400, "bad_cursor")
    assert refused.value.hint


@pytest.mark.parametrize(
    "text",
    [
        '["logs",0,-1,0,"",0]',
        '["logs",0,1e30,0,"",0]',
        '["logs",0,0,99999999999999999999,"",0]',
        '["logs",0,0,0,"",-1]',
        '["logs",0,0,0,"",1e9]',
        '["things",0,0,0,"",0]',
        '["logs",0,0,0,null,0]',
    ],
)
def test_a_position_among_lines_has_its_bounds(text: str) -> None:
    with pytest.raises(UserError):
        pages.decode(encoded(text), Position)
