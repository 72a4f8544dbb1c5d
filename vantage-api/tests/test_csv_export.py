"""CSV that every reader reads alike and that no spreadsheet or terminal obeys."""

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vantage_api.csv_export import BLOCK_CHARS, accepts_csv, cell, csv_blocks, inert, iso


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_a_text_that_looks_like_a_formula_gets_an_apostrophe(start: str) -> None:
    assert inert(f"{start}cmd|' /C calc'!A0").startswith("'")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        ("a=b", "a=b"),
        ("", ""),
        (None, ""),
        (-1.5, -1.5),
        (-3, -3),
        (True, "true"),
        ({"k": "=1"}, '{"k": "=1"}'),
        ("\x1b[31mred\x00\x9b\x7f", "␛[31mred␀\ufffd␡"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x00=1+1", "␀=1+1"),
    ],
)
def test_cells(value: Any, shown: str | float) -> None:
    assert cell(value) == shown


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=20))
def test_a_reader_reads_back_what_was_written(rows: list[list[str]]) -> None:
    text = "".join(csv_blocks(["a", "b"], rows))
    assert text.endswith("\r\n")
    read = list(csv.reader(io.StringIO(text, newline="")))
    assert read == [["a", "b"], *([inert(value) for value in row] for row in rows)]
    assert not any(value.startswith(("=", "+", "-", "@", "\t", "\r")) for row in read for value in row)


def test_quoting_is_that_of_rfc_4180() -> None:
    assert "".join(csv_blocks(["x"], [['say "hi", you'], ["a\nb"]])) == 'x\r\n"say ""hi"", you"\r\n"a\nb"\r\n'


def test_the_text_comes_in_blocks() -> None:
    blocks = list(csv_blocks(["x"], (["y" * 1000] for _ in range(200))))
    assert len(blocks) > 2
    assert all(len(block) < BLOCK_CHARS + 2000 for block in blocks)


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("text/csv", True),
        ("text/csv, */*;q=0.1", True),
        ("text/csv;q=0.5, application/json", False),
        ("TEXT/CSV", True),
        ("text/csv;q=0", False),
        ("text/csv;q=x", False),
        ("text/html,application/xhtml+xml,*/*;q=0.8", False),
    ],
)
def test_the_accept_header_is_weighed(accept: str, wanted: bool) -> None:
    assert accepts_csv(accept) is wanted


def test_times_are_shown_as_a_calendar_does() -> None:
    assert iso(1_790_035_200_123) == "2026-09-22T00:00:00.123Z"
    assert iso(None) is None
    assert iso(1e300) == "1e+300"
