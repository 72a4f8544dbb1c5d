"""`vantage query`: what it prints of an answer, and one line for everything that is none."""

import csv
import io
from typing import Any

import pytest
from vantage_cli.main import Format, ask, print_answer, user_error
from vantage_cli.paths import url
from vantage_common.errors import VantageError

from tests.answering import answering

ESCAPE = "\x1b[31mred\u202e"


def answer(**row: Any) -> dict[str, Any]:
    columns = [{"name": name, "type": "string"} for name in row]
    return {"columns": columns, "rows": [list(row.values())], "row_count": 1, "elapsed_ms": 1.0, "source": "metrics"}


def test_a_table_is_whole_where_no_terminal_bounds_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_answer(answer(**{f"column_{n}": "x" * 30 for n in range(20)}), Format.table)
    printed = capsys.readouterr().out
    assert printed.count("x" * 30) == 20
    assert "1 row in 1 ms from metrics" in printed


def test_a_table_never_moves_the_cursor_and_keeps_letters(capsys: pytest.CaptureFixture[str]) -> None:
    print_answer(answer(**{ESCAPE: ESCAPE, "tags": {"k": f"日本{ESCAPE}"}}), Format.table)
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "\u202e" not in printed
    assert "\\x1b[31mred\\u202e" in printed
    assert "日本" in printed


def test_csv_writes_maps_as_json_and_one_line_feed_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    print_answer(answer(tags={"k": "it's"}, nothing=None, value=1.5, text="a\nb"), Format.csv)
    printed = capsys.readouterr().out
    assert "\r" not in printed
    assert list(csv.reader(io.StringIO(printed)))[1] == ['{"k": "it\'s"}', "", "1.5", "a\nb"]


@pytest.mark.parametrize(
    ("vql", "position", "shown"),
    [
        ("SELECT nope FROM metrics", 7, ["  SELECT nope FROM metrics", "         ^"]),
        ("SELECT count()\nFROM nope", 20, ["  FROM nope", "       ^"]),
        ("SELECT '日本', nope FROM metrics", 13, ["  SELECT '日本', nope FROM metrics", " " * 17 + "^"]),
        ("", 0, []),
    ],
)
def test_the_caret_stands_under_the_place(vql: str, position: int, shown: list[str]) -> None:
    text = user_error(vql, {"message": "no", "position": position, "hint": "yes"})
    assert text.split("\n") == ["no", *shown, "hint: yes"]


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"<html>"), (404, b"<html>"), (200, b"[]"), (500, b'{"detail": "x"}'), (302, b"")]
)
def test_what_is_not_our_api_is_said(status: int, body: bytes) -> None:
    with answering(status, body) as port, pytest.raises(VantageError, match=f"{port} .* is not the Vantage query API"):
        ask(url("127.0.0.1", port), "SELECT count() FROM metrics", None)


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "nonsense", "http://::1:5000"])
def test_no_answer_is_said(address: str) -> None:
    with pytest.raises(VantageError, match="is `vantage up` running"):
        ask(address, "SELECT count() FROM metrics", None)


@pytest.mark.parametrize(("host", "shown"), [("::1", "http://[::1]:5000"), ("127.0.0.1", "http://127.0.0.1:5000")])
def test_an_ipv6_address_is_bracketed_in_a_url(host: str, shown: str) -> None:
    assert url(host, 5000) == shown
