"""What every store keeps of what people change: the newest version, or all of them. Run on chDB in this process, on
the same engine behind ClickHouse's HTTP interface, and on SQLite."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from vantage_common.settings import Settings, load_settings
from vantage_common.store.api import Document, Store
from vantage_common.store.documents import MAX_BODY_BYTES
from vantage_common.store.open import open_store

from tests.clickhouse_http import clickhouse_http

NOW_MS = 1_790_035_200_123
RULE = Document("default", "r1", 1, NOW_MS, "ann", {"name": "p95 'high'\n☃", "nested": {"list": [1, 2.5, None, True]}})


@pytest.fixture(params=["chdb", "clickhouse", "sqlite"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    days: dict[str, Any] = {"retention_raw_days": 3650, "retention_spans_days": 3650}
    if request.param != "clickhouse":
        yield load_settings(data_dir=tmp_path, store=request.param, **days)
        return
    with clickhouse_http(tmp_path) as server:
        yield load_settings(store="clickhouse", clickhouse_host="127.0.0.1", clickhouse_port=server.port, **days)


@pytest.fixture
async def store(where: Settings) -> AsyncIterator[Store]:
    opened = open_store(where)
    await opened.admin.migrate()
    yield opened
    await opened.close()


async def test_a_document_comes_back_as_it_was_put(store: Store) -> None:
    await store.documents.put("alert_rules", [RULE])
    assert await store.documents.newest("alert_rules", "default") == [RULE]
    assert await store.documents.newest("dashboards", "default") == []


async def test_the_newest_version_counts_whatever_came_first(store: Store) -> None:
    newer = replace(RULE, version=3, at_ms=NOW_MS + 5, author="bob", body={"name": "new"})
    await store.documents.put("alert_rules", [newer])
    await store.documents.put("alert_rules", [RULE, replace(RULE, version=2)])
    assert await store.documents.newest("alert_rules", "default", "r1") == [newer]


async def test_what_is_deleted_is_gone_until_it_is_put_again(store: Store) -> None:
    await store.documents.put("silences", [RULE, replace(RULE, id="other")])
    await store.documents.put("silences", [replace(RULE, version=2, deleted=True)])
    assert [found.id for found in await store.documents.newest("silences", "default")] == ["other"]
    again = replace(RULE, version=3)
    await store.documents.put("silences", [again])
    assert await store.documents.newest("silences", "default", "r1") == [again]


async def test_workspaces_do_not_see_one_another(store: Store) -> None:
    theirs = replace(RULE, workspace="theirs", version=9)
    await store.documents.put("dashboards", [RULE, theirs])
    assert await store.documents.newest("dashboards", "default") == [RULE]
    assert await store.documents.newest("dashboards", "theirs", "r1") == [theirs]
    assert await store.documents.newest("dashboards", None) == [RULE, theirs]


async def test_a_history_has_every_version_the_newest_first_and_none_twice(store: Store) -> None:
    events = [
        replace(RULE, id=f"a{number % 2}", version=number, at_ms=NOW_MS + number, body={"n": number})
        for number in range(5)
    ]
    await store.documents.put("alert_events", events)
    await store.documents.put("alert_events", events[2:4])

    async def told(**options: Any) -> list[int]:
        bounds = {"start_ms": NOW_MS, "end_ms": NOW_MS + 5} | options
        return [found.body["n"] for found in await store.documents.history("alert_events", "default", **bounds)]

    assert await told() == [4, 3, 2, 1, 0]
    assert await told(id_="a1") == [3, 1]
    assert await told(limit=2, offset=1) == [3, 2]
    assert await told(start_ms=NOW_MS + 1, end_ms=NOW_MS + 4) == [3, 2, 1]
    assert await store.documents.history("alert_events", "theirs", start_ms=0, end_ms=NOW_MS * 2) == []
    assert [found.body["n"] for found in await store.documents.newest("alert_events", "default")] == [4, 3]


async def test_only_histories_tell_what_was(store: Store) -> None:
    with pytest.raises(ValueError, match="only the newest"):
        await store.documents.history("alert_rules", "default", start_ms=0, end_ms=1)


async def test_a_body_of_any_size_is_not_kept(store: Store) -> None:
    with pytest.raises(ValueError, match="bytes"):
        await store.documents.put("dashboards", [RULE, replace(RULE, id="r2", body={"x": "x" * MAX_BODY_BYTES})])
    assert await store.documents.newest("dashboards", "default") == []


async def test_documents_survive_a_restart(where: Settings) -> None:
    for put in (True, False):
        opened = open_store(where)
        await opened.admin.migrate()
        if put:
            await opened.documents.put("baselines", [RULE])
        assert await opened.documents.newest("baselines", "default") == [RULE]
        await opened.close()
