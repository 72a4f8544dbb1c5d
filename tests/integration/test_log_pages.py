"""Pages of log lines: each line once, whatever comes in while they are turned."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from vantage_api import log_pages, pages
from vantage_api.log_pages import Position, Wanted
from vantage_api.questions import Scope
from vantage_api.times import Range
from vantage_common.settings import load_settings
from vantage_common.store.api import Store
from vantage_common.store.open import open_store

from tests.contract.store_rows import NOON_MS, block, rows_of

EVERYTHING = Wanted(Scope("default"), Range(NOON_MS - 1000, NOON_MS + 1000))


@pytest.fixture(params=["chdb", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    days = {"retention_raw_days": 3650, "retention_spans_days": 3650}
    opened = open_store(load_settings(data_dir=tmp_path, store=request.param, **days))
    await opened.admin.migrate()
    yield opened
    await opened.close()


async def log(store: Store, record: int, *lines: tuple[str, str]) -> None:
    """(service, body) each, all of one moment, in one record of the bus."""
    items = [{"timestamp": NOON_MS, "service_name": s, "severity": "INFO", "body": body} for s, body in lines]
    await store.writer.insert("logs", block("logs", rows_of("logs", items), offset=record), token=str(record))


async def page(store: Store, cursor: str | None, limit: int) -> tuple[list[str], str | None]:
    position = None if cursor is None else pages.decode(cursor, Position)
    found = await store.reader.query(log_pages.plan_for(EVERYTHING, position, limit))
    rows, following = log_pages.cut(found.dicts(), EVERYTHING, position, limit)
    return [row["body"] for row in rows], following


async def test_lines_of_one_moment_keep_their_place_while_others_come_in(store: Store) -> None:
    """Their services and texts come in another order than the records do."""
    await log(store, 1, ("pay", "a"), ("pay", "b"), ("cart", "c"))
    await log(store, 2, ("shop", "d"))
    first, cursor = await page(store, None, 2)
    assert cursor is not None
    await log(store, 3, ("auth", "0"), ("zoo", "z"))
    second, cursor = await page(store, cursor, 10)
    assert cursor is None
    assert [*first, *second] == ["d", "c", "a", "b"]
