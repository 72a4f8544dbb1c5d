"""Things that people make, change and delete, over a real store."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import Request
from vantage_api import documents
from vantage_api.documents import Author, Shelf, editor
from vantage_common.clock import ManualClock
from vantage_common.errors import UserError
from vantage_common.settings import load_settings
from vantage_common.store.api import Store
from vantage_common.store.open import open_store

NOW_MS = 1_790_035_200_000
ANN, BOB = Author("default", "ann"), Author("default", "bob")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = open_store(load_settings(data_dir=tmp_path, store="sqlite"))
    await opened.admin.migrate()
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_MS)


@pytest.fixture
def shelf(store: Store, clock: ManualClock) -> Shelf:
    return Shelf(store.documents, "dashboards", "dashboard", clock)


async def trail(store: Store, workspace: str = "default") -> list[tuple[str, Any, Any]]:
    events = await store.documents.history("audit", workspace, start_ms=0, end_ms=NOW_MS * 2)
    told = [(event.author, event.body["action"], event.body.get("body")) for event in events]
    return sorted(told, key=lambda entry: entry[:2])


async def test_what_is_made_can_be_changed_and_deleted_and_the_trail_tells(store: Store, shelf: Shelf) -> None:
    made = await shelf.make(ANN, {"name": "a"})
    assert await shelf.one("default", made.id) == made
    changed = await shelf.change(BOB, made.id, {"name": "b"}, seen_version=made.version)
    assert changed.version > made.version  # though the clock stood still
    assert await shelf.all("default") == [changed]
    await shelf.drop(ANN, made.id)
    assert await shelf.all("default") == []
    assert await trail(store) == [
        ("ann", "create", {"name": "a"}),
        ("ann", "delete", None),
        ("bob", "change", {"name": "b"}),
    ]


async def test_the_trail_tells_everything_of_one_millisecond(store: Store, shelf: Shelf) -> None:
    made = await shelf.make(ANN, {"n": 0})
    for n in range(1, 100):
        await shelf.change(ANN, made.id, {"n": n})
    assert sorted(body["n"] for _, _, body in await trail(store)) == list(range(100))


async def test_whoever_saw_an_older_version_is_told(shelf: Shelf) -> None:
    made = await shelf.make(ANN, {"name": "a"})
    await shelf.change(BOB, made.id, {"name": "b"})
    with pytest.raises(UserError, match="bob has changed") as refused:
        await shelf.change(ANN, made.id, {"name": "c"}, seen_version=made.version)
    assert refused.value.status == 409


async def test_what_is_not_there_or_of_another_workspace_is_not_found(shelf: Shelf) -> None:
    made = await shelf.make(ANN, {"name": "a"})
    for author, id_ in ((ANN, "nothing"), (Author("theirs", "eve"), made.id)):
        for call in (shelf.drop(author, id_), shelf.change(author, id_, {})):
            with pytest.raises(UserError, match="there is no dashboard") as refused:
                await call
            assert refused.value.status == 404


async def test_a_shelf_is_full_one_day(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_DOCUMENTS", 2)
    for _ in range(2):
        await shelf.make(ANN, {})
    with pytest.raises(UserError, match="at most 2") as refused:
        await shelf.make(ANN, {})
    assert refused.value.status == 409


@pytest.mark.parametrize(("role", "may"), [("admin", True), ("editor", True), ("viewer", False), (None, False)])
def test_only_editors_change_anything(role: str | None, may: bool) -> None:
    state = {"workspace": "w", "key_id": "vk_1"} | ({} if role is None else {"role": role})
    request = Request({"type": "http", "headers": [], "state": state})
    if may:
        assert editor(request) == Author("w", "vk_1")
        return
    with pytest.raises(UserError, match="may look") as refused:
        editor(request)
    assert refused.value.status == 403
