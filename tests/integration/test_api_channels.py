"""The calls for channels and the audit trail, over a real store and to a real target. No secret ever comes out."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from vantage_api.app import create_app
from vantage_api.routes import audit as audit_route
from vantage_common.bus.open import open_bus
from vantage_common.clock import ManualClock
from vantage_common.store.api import Document, Store
from vantage_common.store.open import open_store

from tests.contract.store_rows import NOON_MS
from tests.integration.running_api import settings_for
from tests.receiving import OK, status, target

CHANNELS = "/api/alerts/channels"
SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#alerts"
SLACK_SECRETS = ("T1JJ3T3L2", "A1BRTD4JD", "TIiajkdnlazkcOXrIdevi7FQ")
KEYS = {role: f"key-of-{role}" for role in ("viewer", "editor", "admin")}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = open_store(settings_for(tmp_path, store="sqlite"))
    await opened.admin.migrate()
    yield opened
    await opened.close()


@asynccontextmanager
async def api(store: Store, directory: Path, **overrides: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Open; its clock stands at noon, and each request of a client moves it by a second."""
    settings = settings_for(directory, store="sqlite", **overrides)
    clock = ManualClock(NOON_MS)
    app = create_app(settings, store, open_bus(settings, clock), clock)

    async def tick(_: httpx.Request) -> None:
        clock.advance(1)

    hooks: dict[str, list[Any]] = {"request": [tick]}
    transport = httpx.ASGITransport(app=app, client=("192.0.2.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://api", timeout=60, event_hooks=hooks) as client:
        yield client


@pytest.fixture
async def client(store: Store, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with api(store, tmp_path, alerts_allowed_networks="127.0.0.0/8") as made:
        yield made


@pytest.fixture
async def guarded(store: Store, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """With a key for each role."""
    entries = [
        {
            "prefix": role,
            "sha256": sha256(key.encode()).hexdigest(),
            "workspace": "w",
            "scopes": ["query"],
            "role": role,
        }
        for role, key in KEYS.items()
    ]
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(entries))
    async with api(store, tmp_path, api_keys_file=file) as made:
        yield made


def webhook(url: str = "https://hooks.example.com/T0/s3cret-path?token=s3cret-token", **fields: Any) -> dict[str, Any]:
    return {"name": "hook", "kind": "webhook", "url": url, **fields}


async def made(client: httpx.AsyncClient, draft: dict[str, Any], **options: Any) -> dict[str, Any]:
    answer = await client.post(CHANNELS, json=draft, **options)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_a_channel_is_made_read_changed_and_deleted(client: httpx.AsyncClient) -> None:
    made_one = await made(client, webhook())
    path = f"{CHANNELS}/{made_one['id']}"
    assert made_one["secret"].startswith("whsec_")
    seen = (await client.get(path)).json()
    assert seen == {name: value for name, value in made_one.items() if name != "secret"}
    assert (seen["target"], seen["service"], seen["author"]) == (
        "https://hooks.example.com/***",
        "webhook",
        "anonymous",
    )
    changed = await client.patch(path, json={"name": "new", "enabled": False, "version": seen["version"]})
    assert (changed.json()["name"], changed.json()["enabled"], changed.json()["target"]) == (
        "new",
        False,
        seen["target"],
    )
    stale = await client.patch(path, json={"name": "late", "version": seen["version"]})
    assert (stale.status_code, stale.json()["error"]["code"]) == (409, "changed_meanwhile")
    assert [channel["name"] for channel in (await client.get(CHANNELS)).json()["channels"]] == ["new"]
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404
    assert (await client.get(CHANNELS)).json() == {"channels": [], "total": 0}


async def test_a_change_without_the_secret_keeps_it(client: httpx.AsyncClient, store: Store) -> None:
    made_one = await made(client, webhook())
    await client.patch(f"{CHANNELS}/{made_one['id']}", json={"name": "new"})
    (kept,) = await store.documents.newest("alert_channels", "default")
    assert (kept.body["secret"], kept.body["url"]) == (made_one["secret"], webhook()["url"])


async def test_a_secret_is_rotated_and_the_old_one_signs_for_a_day(client: httpx.AsyncClient, store: Store) -> None:
    made_one = await made(client, webhook())
    rotated = (await client.post(f"{CHANNELS}/{made_one['id']}/rotate")).json()
    assert rotated["secret"] != made_one["secret"]
    assert rotated["rotating_until"] == rotated["changed_at"] + 24 * 3_600_000
    (kept,) = await store.documents.newest("alert_channels", "default")
    assert (kept.body["secret"], kept.body["previous_secret"]) == (rotated["secret"], made_one["secret"])


@pytest.mark.parametrize(
    ("draft", "what"),
    [
        (webhook("https://user:pa55@hooks.example.com/"), "user or a password"),
        (webhook("ftp://hooks.example.com/"), "http"),
        (webhook(secret="whsec_" + "A" * 33), "base64"),
        (webhook(secret="hunter2"), "not valid"),
        (webhook(kind="pigeon"), "not valid"),
        (webhook(name=""), "not valid"),
        (webhook(colour="red"), "not valid"),
        ({"name": "x", "kind": "apprise", "url": "dbus://"}, "scheme"),
        ({"name": "x", "kind": "apprise", "url": "slack://pa55word"}, "Apprise cannot read"),
        ({"name": "x", "kind": "apprise", "url": SLACK, "secret": "whsec_" + "A" * 32}, "part of its address"),
    ],
)
async def test_what_is_no_channel_is_refused_without_repeating_it(
    client: httpx.AsyncClient, draft: dict[str, Any], what: str
) -> None:
    answer = await client.post(CHANNELS, json=draft)
    error = answer.json()["error"]
    assert (answer.status_code, what in error["message"]) == (422, True), error
    assert [secret for secret in ("pa55", "hunter2", "hooks.example") if secret in answer.text] == []


async def test_a_test_delivers_and_says_so(client: httpx.AsyncClient) -> None:
    async with target(OK, status(503)) as receiver:
        path = f"{CHANNELS}/{(await made(client, webhook(receiver.url)))['id']}/test"
        first = (await client.post(path)).json()
        assert (first["outcome"], first["reason"]) == ("delivered", None)
        assert json.loads(receiver.received[0].body)["type"] == "alert.resolved"
        second = (await client.post(path)).json()
        assert (second["outcome"], second["reason"]) == ("failed", "the target answered status 503")
    gone = (await client.post(path)).json()
    assert (gone["outcome"], "ConnectError" in gone["reason"]) == ("failed", True)


async def test_a_test_of_a_private_target_says_why_it_is_refused(store: Store, tmp_path: Path) -> None:
    async with api(store, tmp_path) as strict, target() as canary:
        for draft in (webhook(canary.url), {"name": "j", "kind": "apprise", "url": f"json://127.0.0.1:{canary.port}/"}):
            answer = (await strict.post(f"{CHANNELS}/{(await made(strict, draft))['id']}/test")).json()
            assert answer["outcome"] == "refused"
            assert "a loopback address; VANTAGE_ALERTS_ALLOWED_NETWORKS" in answer["reason"]
        assert canary.connections == 0


async def test_no_secret_leaves_by_answers_errors_logs_metrics_or_the_trail(
    client: httpx.AsyncClient, capfd: pytest.CaptureFixture[str]
) -> None:
    hook = await made(client, webhook())
    slack = await made(client, {"name": "team", "kind": "apprise", "url": SLACK})
    said = [json.dumps({**hook, "secret": None}), json.dumps(slack)]
    for channel in (hook, slack):
        path = f"{CHANNELS}/{channel['id']}"
        for call in (
            client.get(path),
            client.patch(path, json={"name": "renamed"}),
            client.post(f"{path}/test"),
            client.patch(path, json={"url": SLACK + "/x" * 2000}),
            client.delete(path),
        ):
            said.append((await call).text)
    said += [(await client.get(where)).text for where in (CHANNELS, "/api/audit", "/metrics", "/openapi.json")]
    said += list(capfd.readouterr())
    secrets = (*SLACK_SECRETS, "s3cret-path", "s3cret-token", hook["secret"])
    assert [secret for secret in secrets if secret in "\n".join(said)] == []
    assert any('"target":"slack://***"' in text for text in said)


async def test_only_editors_change_channels_and_everyone_of_the_workspace_sees_them(guarded: httpx.AsyncClient) -> None:
    viewer, editor = ({"X-API-Key": KEYS[role]} for role in ("viewer", "editor"))
    id_ = (await made(guarded, webhook(), headers=editor))["id"]
    assert (await guarded.get(f"{CHANNELS}/{id_}", headers=viewer)).status_code == 200
    for call in (
        guarded.post(CHANNELS, json=webhook(), headers=viewer),
        guarded.patch(f"{CHANNELS}/{id_}", json={"name": "x"}, headers=viewer),
        guarded.delete(f"{CHANNELS}/{id_}", headers=viewer),
        guarded.post(f"{CHANNELS}/{id_}/rotate", headers=viewer),
        guarded.post(f"{CHANNELS}/{id_}/test", headers=viewer),
    ):
        answer = await call
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "wrong_role")


async def test_the_trail_is_for_admins(guarded: httpx.AsyncClient) -> None:
    for role, expected in (("viewer", 403), ("editor", 403), ("admin", 200)):
        assert (await guarded.get("/api/audit", headers={"X-API-Key": KEYS[role]})).status_code == expected


async def test_the_trail_tells_who_did_what(guarded: httpx.AsyncClient) -> None:
    editor, admin = ({"X-API-Key": KEYS[role]} for role in ("editor", "admin"))
    id_ = (await made(guarded, webhook(), headers=editor))["id"]
    await guarded.patch(f"{CHANNELS}/{id_}", json={"name": "new"}, headers=admin)
    await guarded.delete(f"{CHANNELS}/{id_}", headers=editor)

    async def told(**asked: Any) -> list[tuple[str, str]]:
        answer = await guarded.get("/api/audit", params=asked, headers=admin)
        assert answer.status_code == 200, answer.text
        return [(entry["author"], entry["action"]) for entry in answer.json()["entries"]]

    assert await told() == [("editor", "delete"), ("admin", "change"), ("editor", "create")]
    assert await told(author="admin") == [("admin", "change")]
    assert await told(kind="dashboard") == []
    assert await told(end=NOON_MS) == []
    entry = (await guarded.get("/api/audit", params={"author": "admin"}, headers=admin)).json()["entries"][0]
    assert (entry["kind"], entry["id"], entry["body"]["name"]) == ("channel", id_, "new")


async def test_the_trail_is_read_page_by_page_while_it_grows(
    client: httpx.AsyncClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_route, "PAGE", 4)
    entries = [
        Document(
            "default", f"x/{n}", n, NOON_MS - 100 + n, "ann" if n % 2 else "bob", {"action": "change", "id": str(n)}
        )
        for n in range(10)
    ]
    await store.documents.put("audit", entries)
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(10):
        asked: dict[str, Any] = {"limit": 3, "author": "ann"} | ({} if cursor is None else {"cursor": cursor})
        answer = (await client.get("/api/audit", params=asked)).json()
        seen += [entry["id"] for entry in answer["entries"]]
        await made(client, webhook())
        if (cursor := answer["cursor"]) is None:
            break
    assert (seen, cursor) == (["9", "7", "5", "3", "1"], None)


@pytest.mark.parametrize("cursor", ["x", "!!!!", "LTEuMA", "MS45OTk5OTk5OTk5OTk5"])
async def test_a_made_up_cursor_is_refused(client: httpx.AsyncClient, cursor: str) -> None:
    answer = await client.get("/api/audit", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_cursor")
