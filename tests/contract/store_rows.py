"""Rows for tests of the store, as the columns a Writer takes."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from vantage_common.block import ROW_TYPES, columns_of
from vantage_common.block import Kind as Kind
from vantage_common.model import Row

NOON_MS = 1_790_035_200_123 // 86_400_000 * 86_400_000 + 43_200_000
"""12:00 UTC of a day in 2026."""


def block(
    kind: Kind, rows: Sequence[Row], *, workspace: str = "default", source: int = 1, offset: int = 0, batch_id: str = ""
) -> dict[str, Sequence[Any]]:
    """The columns of one bus record as the worker hands them to the store."""
    n = len(rows)
    return {
        **columns_of(kind, rows),
        "workspace": [workspace] * n,
        "_src": [source] * n,
        "_off": [offset] * n,
        "batch_id": [batch_id] * n,
        "batch_part": [0] * n,
    }


def rows_of(kind: Kind, items: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Wire rows from plain dicts, checked like those of a request."""
    return [msgspec.convert(dict(item), ROW_TYPES[kind], strict=False) for item in items]
