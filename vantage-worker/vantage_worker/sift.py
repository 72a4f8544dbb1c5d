"""Which rows of a block a store refuses, found by rehearsing halves of it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from vantage_common.errors import PermanentError, StoreRejected

MAX_REFUSED_ROWS = 100
"""Of a block, and in a row. More, and it is the table or the sender that is wrong: a person has to look."""

Columns = Mapping[str, Sequence[Any]]


class TooManyRefused(PermanentError):
    """The store refuses so many rows that setting them aside would hide what is wrong."""


async def refused_rows(rehearse: Callable[[Columns], Awaitable[None]], columns: Columns) -> dict[int, str]:
    """The numbers of the rows that `rehearse` raises StoreRejected for, each with the reason; empty when it takes all.

    Takes at most 2 · log₂(rows) rehearsals a refused row, and holds a copy of the block at most. The same rows are
    found in the same order every time. Raises TooManyRefused.
    """
    refused: dict[int, str] = {}
    rows = len(next(iter(columns.values())))
    waiting = [(0, rows)]
    while waiting:
        start, end = waiting.pop()
        try:
            await rehearse({name: values[start:end] for name, values in columns.items()})
        except StoreRejected as error:
            if end - start > 1:
                middle = (start + end) // 2
                waiting += [(middle, end), (start, middle)]
                continue
            refused[start] = str(error)
            if len(refused) > MAX_REFUSED_ROWS:
                raise TooManyRefused(f"more than {MAX_REFUSED_ROWS} of {rows} rows, the last: {error}") from error
    return refused
