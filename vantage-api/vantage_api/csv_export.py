"""Answers as CSV (RFC 4180), for any route: ask `AsCsv` whether the client wants it, answer with `csv_response`.

A cell may come from whoever sends data. A text that a spreadsheet would take for a formula gets an apostrophe in front,
and control characters, which a terminal would obey, are shown by their pictures. Numbers stay numbers.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Annotated, Any, Final, Literal

from fastapi import Depends, Query, Request
from starlette.responses import StreamingResponse
from vantage_common.store.plan import Result

FORMULA_STARTS: Final = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""With the full-width forms, which some spreadsheets take alike."""
NEXT_CURSOR: Final = "X-Next-Cursor"
BLOCK_CHARS: Final = 64 * 1024
_KEPT: Final = frozenset("\t\n")
_PICTURES: Final = str.maketrans(
    {chr(code): chr(0x2400 + code) for code in range(0x20) if chr(code) not in _KEPT}
    | {chr(code): "\N{REPLACEMENT CHARACTER}" for code in range(0x80, 0xA0)}
    | {"\x7f": "\N{SYMBOL FOR DELETE}"}
)
_EPOCH: Final = datetime.fromtimestamp(0, UTC)

CSV_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "content": {"text/csv": {"schema": {"type": "string"}}},
        "headers": {NEXT_CURSOR: {"description": "of a CSV answer with more to come", "schema": {"type": "string"}}},
    }
}
"""For the `responses` of a route that also answers CSV."""


async def _wants_csv(
    request: Request,
    format: Annotated[Literal["json", "csv"] | None, Query(description="default: what Accept prefers, json")] = None,
) -> bool:
    return accepts_csv(request.headers.get("accept", "")) if format is None else format == "csv"


AsCsv = Annotated[bool, Depends(_wants_csv)]
"""Whether a request wants CSV: by ``?format=csv``, or by its Accept header."""


def accepts_csv(accept: str) -> bool:
    """Whether an Accept header names text/csv, and not below JSON."""
    weights = dict(_media_range(part) for part in accept.split(","))
    rest = weights.get("application/*", weights.get("*/*", 0.0))
    csv_weight = weights.get("text/csv", 0.0)
    return csv_weight > 0 and csv_weight >= weights.get("application/json", rest)


def _media_range(text: str) -> tuple[str, float]:
    name, *params = (part.strip().lower() for part in text.split(";"))
    weight = next((param[2:] for param in params if param.startswith("q=")), "1")
    try:
        return name, float(weight)
    except ValueError:
        return name, 0.0


def csv_response(
    name: str, header: Sequence[str], rows: Iterable[Sequence[Any]], next_cursor: str | None = None
) -> StreamingResponse:
    """The rows as a file to download, streamed. `next_cursor` goes into a header: a CSV has no other place for it."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "X-Content-Type-Options": "nosniff"}
    if next_cursor is not None:
        headers[NEXT_CURSOR] = next_cursor
    return StreamingResponse(
        csv_blocks(header, rows), headers=headers, media_type="text/csv; charset=utf-8; header=present"
    )


def csv_table(name: str, result: Result) -> StreamingResponse:
    """What the store answered, times as a calendar shows them."""
    is_time = [column.type == "time" for column in result.columns]
    rows = ([iso(value) if time else value for value, time in zip(row, is_time, strict=True)] for row in result.rows)
    return csv_response(name, [column.name for column in result.columns], rows)


def csv_blocks(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The text of the file in blocks of about `BLOCK_CHARS`."""
    block = _Block()
    writer = csv.writer(block, lineterminator="\r\n")
    writer.writerow([cell(name) for name in header])
    for row in rows:
        writer.writerow([cell(value) for value in row])
        if block.size >= BLOCK_CHARS:
            yield block.take()
    yield block.take()


def cell(value: Any) -> str | int | float:
    """What stands in the file: nothing for None, JSON for lists and maps, texts made inert."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float() if not isfinite(value):
            return ""
        case int() | float():
            return value
        case str():
            return inert(value)
        case _:
            return inert(json.dumps(value, ensure_ascii=False, default=str))


def inert(text: str) -> str:
    """The text as neither a spreadsheet nor a terminal obeys it."""
    return f"'{text.translate(_PICTURES)}" if text.startswith(FORMULA_STARTS) else text.translate(_PICTURES)


def iso(ms: float | None) -> str | None:
    """A time of an answer as ISO 8601 in UTC. What no calendar has stays as it is."""
    if ms is None:
        return None
    try:
        return (_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (OverflowError, ValueError):
        return str(ms)


class _Block:
    """Where the writer of the standard library writes to."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self.size = 0

    def write(self, line: str) -> None:
        self._lines.append(line)
        self.size += len(line)

    def take(self) -> str:
        text = "".join(self._lines)
        self._lines, self.size = [], 0
        return text
