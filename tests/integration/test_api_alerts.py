"""/api/alerts over HTTP: rules, previews, what fires, silences, baselines, and who may do what."""

import asyncio
import json
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from vantage_api.alerts.baselines import Baselines
from vantage_api.alerts.measures import Measure
from vantage_api.alerts.service import Alerts
from vantage_api.app import create_app
from vantage_api.ask import Ask
from vantage_api.metrics import ApiMetrics
from vantage_common.bus.open import open_bus
from vantage_common.clock import ManualClock
from vantage_common.errors import BusUnavailable
from vantage_common.store.api import Store
from vantage_common.store.open import open_store
from websockets.asyncio.client import connect

from tests.alert_world import alert_world, gauge_at, requests_at
from tests.contract.store_rows import NOON_MS, block
from tests.integration.running_api import running_api, settings_for, text_like
from tests.kafka_broker import Broker

pytestmark = pytest.mark.asyncio(loop_scope="module")
DAY_MS = 86_400_000
NAMES = "\x1b[31m<b>nasty</b>\u202e"
BIG: dict[str, Any] = {"kind": "fixed", "op": ">", "threshold": 5}
RULE: dict[str, Any] = {"name": "deep queue", "metric": "queue.depth", "window_s": 60, "condition": BIG}


@pytest.fixture(scope="module")
def clock() -> ManualClock:
    return ManualClock(NOON_MS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def store(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Store]:
    """Nine days of requests, slow in one hour of today, and a queue that was deep for ten minutes."""
    opened = open_store(settings_for(tmp_path_factory.mktemp("store")))
    await opened.admin.migrate()
    begin_ms = NOON_MS - 9 * DAY_MS
    usual = [requests_at(at, 60, ms=20 + at // 300_000 % 3) for at in range(begin_ms, NOON_MS - 4 * 3_600_000, 300_000)]
    slow = [requests_at(at, 60, ms=90) for at in range(NOON_MS - 4 * 3_600_000, NOON_MS - 3 * 3_600_000, 300_000)]
    after = [requests_at(at, 60, ms=21) for at in range(NOON_MS - 3 * 3_600_000, NOON_MS, 300_000)]
    queue = [
        gauge_at(NOON_MS - at_s * 1000, 9.0 if 1200 <= at_s < 1800 else 1.0, metric="queue.depth")
        for at_s in range(0, 3600, 30)
    ]
    await opened.writer.insert("metrics", block("metrics", [*usual, *slow, *after, *queue]), token="t1")
    yield opened
    await opened.close()


KEYS = {"editor": "vk_editor_1", "viewer": "vk_viewer_1", "stranger": "vk_stranger"}


def keys_file(path: Path) -> Path:
    entries = [
        {
            "prefix": name,
            "sha256": sha256(key.encode()).hexdigest(),
            "workspace": "theirs" if name == "stranger" else "default",
            "scopes": ["query"],
            "role": "viewer" if name == "viewer" else "editor",
        }
        for name, key in KEYS.items()
    ]
    path.write_text(json.dumps(entries))
    return path


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def api(
    store: Store, clock: ManualClock, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[httpx.AsyncClient]:
    directory = tmp_path_factory.mktemp("api")
    settings = settings_for(directory, api_keys_file=keys_file(directory / "keys.json"), query_rate_limit_per_minute=0)
    bus = open_bus(settings, clock)
    transport = httpx.ASGITransport(create_app(settings, store, bus, clock), client=("127.0.0.1", 1))
    headers = {"X-API-Key": KEYS["editor"]}
    async with httpx.AsyncClient(transport=transport, base_url="http://api", headers=headers, timeout=60) as client:
        yield client
    await bus.close()


def as_key(name: str) -> dict[str, str]:
    return {"X-API-Key": KEYS[name]}


async def test_a_rule_is_made_found_changed_and_deleted(api: httpx.AsyncClient) -> None:
    made = await api.post("/api/alerts/rules", json=RULE | {"service": "not-here-yet", "labels": {"team": "shop"}})
    assert made.status_code == 201
    id_, version = made.json()["id"], made.json()["version"]
    changed = await api.patch(f"/api/alerts/rules/{id_}", params={"version": version}, json={"for_s": 30})
    assert (changed.status_code, changed.json()["rule"]["for_s"]) == (200, 30)
    assert changed.json()["rule"]["labels"] == {"team": "shop"}
    late = await api.patch(f"/api/alerts/rules/{id_}", params={"version": version}, json={"for_s": 60})
    assert (late.status_code, late.json()["error"]["code"]) == (409, "changed_meanwhile")
    listed = (await api.get("/api/alerts/rules")).json()
    assert id_ in [rule["id"] for rule in listed["rules"]]
    assert listed["total"] == len(listed["rules"])
    assert (await api.delete(f"/api/alerts/rules/{id_}")).status_code == 204
    assert (await api.get(f"/api/alerts/rules/{id_}")).status_code == 404


async def test_built_in_rules_are_visible_and_can_be_disabled_but_not_deleted(api: httpx.AsyncClient) -> None:
    rules = {rule["id"]: rule for rule in (await api.get("/api/alerts/rules")).json()["rules"]}
    assert {id_ for id_, rule in rules.items() if rule["built_in"]} == {
        "builtin-error-ratio",
        "builtin-slow",
        "builtin-silent",
        "builtin-health",
    }
    assert rules["builtin-health"]["version"] == 0
    off = await api.patch("/api/alerts/rules/builtin-health", json={"enabled": False})
    assert (off.status_code, off.json()["rule"]["enabled"], off.json()["built_in"]) == (200, False, True)
    on = await api.patch("/api/alerts/rules/builtin-health", json={"enabled": True})
    assert on.json()["version"] > off.json()["version"]
    refused = await api.delete("/api/alerts/rules/builtin-health")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "built_in")


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        (RULE | {"window_s": 5}, "body.window_s"),
        (RULE | {"condition": BIG | {"threshold": "much"}}, "body.condition.fixed.threshold"),
        (RULE | {"condition": {"kind": "adaptive"}, "window_s": 3600}, "body.condition"),
        (RULE | {"agg": "error_ratio"}, "body.agg"),
        (RULE | {"name": NAMES}, "body.name"),
        (RULE | {"colour": "red"}, "body.colour"),
    ],
)
async def test_absurd_values_are_refused_where_they_are(api: httpx.AsyncClient, body: dict[str, Any], loc: str) -> None:
    answer = await api.post("/api/alerts/rules", json=body)
    assert (answer.status_code, [fault["loc"] for fault in answer.json()["error"]["details"]]) == (422, [loc])


async def test_a_change_that_does_not_fit_the_rest_is_refused(api: httpx.AsyncClient) -> None:
    made = (await api.post("/api/alerts/rules", json=RULE)).json()
    answer = await api.patch(f"/api/alerts/rules/{made['id']}", json={"agg": "error_ratio"})
    assert (answer.status_code, answer.json()["error"]["details"][0]["loc"]) == (422, "body.agg")
    null = await api.patch(f"/api/alerts/rules/{made['id']}", json={"name": None})
    assert (null.status_code, null.json()["error"]["details"][0]["loc"]) == (422, "body.name")
    await api.delete(f"/api/alerts/rules/{made['id']}")


async def test_names_stay_what_they_are(api: httpx.AsyncClient) -> None:
    made = (await api.post("/api/alerts/rules", json=RULE | {"service": NAMES, "runbook": NAMES})).json()
    assert (made["rule"]["service"], made["rule"]["runbook"]) == (NAMES, NAMES)
    await api.delete(f"/api/alerts/rules/{made['id']}")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/alerts/rules", RULE),
        ("PATCH", "/api/alerts/rules/builtin-slow", {"enabled": False}),
        ("DELETE", "/api/alerts/rules/x", None),
        ("POST", "/api/alerts/x/acknowledge", None),
        ("POST", "/api/alerts/x/resolve", None),
        ("POST", "/api/alerts/x/silence", {"minutes": 5}),
        ("POST", "/api/alerts/silences", {}),
        ("DELETE", "/api/alerts/silences/x", None),
    ],
)
async def test_a_viewer_changes_nothing(
    api: httpx.AsyncClient, method: str, path: str, body: dict[str, Any] | None
) -> None:
    answer = await api.request(method, path, json=body, headers=as_key("viewer"))
    assert answer.status_code in (403, 422)
    if body != {}:
        assert answer.json()["error"]["code"] == "wrong_role"


async def test_other_workspaces_see_other_rules(api: httpx.AsyncClient) -> None:
    made = (await api.post("/api/alerts/rules", json=RULE)).json()
    assert (await api.get(f"/api/alerts/rules/{made['id']}", headers=as_key("stranger"))).status_code == 404
    theirs = (await api.get("/api/alerts/rules", headers=as_key("stranger"))).json()
    assert theirs["total"] == 4  # the built-in ones
    await api.delete(f"/api/alerts/rules/{made['id']}")


async def test_a_fixed_rule_is_tried_on_the_past(api: httpx.AsyncClient) -> None:
    found = (await api.post("/api/alerts/rules/preview", json={"rule": RULE, "start": NOON_MS - 3_600_000})).json()
    [firing] = found["firings"]
    assert (firing["service_name"], firing["value"]) == ("checkout", 9)
    assert abs(firing["fired"] - (NOON_MS - 1_800_000)) <= 2 * 60_000
    assert abs(firing["ended"] - (NOON_MS - 1_200_000)) <= 3 * 60_000
    assert (found["services"], found["left_out"], found["total"]) == (1, 0, 1)


async def test_an_adaptive_rule_is_tried_on_what_it_would_have_known(api: httpx.AsyncClient) -> None:
    rule = {"name": "slow", "agg": "p95", "window_s": 300, "condition": {"kind": "adaptive"}, "severity": "critical"}
    found = (await api.post("/api/alerts/rules/preview", json={"rule": rule})).json()
    [firing] = found["firings"]
    assert (firing["severity"], firing["value"]) == ("critical", 90)
    assert abs(firing["fired"] - (NOON_MS - 4 * 3_600_000)) <= 300_000
    assert 18 < firing["expected"] < 25


async def test_silence_is_tried_on_the_past_and_health_is_not(api: httpx.AsyncClient) -> None:
    silent = {"name": "silent", "metric": "queue.depth", "window_s": 300, "condition": {"kind": "no_data"}}
    found = (await api.post("/api/alerts/rules/preview", json={"rule": silent, "start": NOON_MS - 3_600_000})).json()
    assert found["total"] == 0
    health = {"name": "ill", "condition": {"kind": "health", "below": 50}}
    refused = await api.post("/api/alerts/rules/preview", json={"rule": health})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "no_past")


@pytest.mark.parametrize(
    "span", [{"start": NOON_MS, "end": NOON_MS - 1}, {"start": "soon"}, {"start": NOON_MS - 30 * DAY_MS}]
)
async def test_a_preview_of_an_absurd_range_is_refused(api: httpx.AsyncClient, span: dict[str, Any]) -> None:
    answer = await api.post("/api/alerts/rules/preview", json={"rule": RULE} | span)
    assert answer.status_code == 400


async def test_silences_are_made_changed_and_deleted(api: httpx.AsyncClient) -> None:
    body = {
        "matchers": [{"field": "service", "value": "check*"}],
        "start_ms": NOON_MS,
        "end_ms": NOON_MS + 60_000,
        "comment": "deploying",
    }
    made = (await api.post("/api/alerts/silences", json=body)).json()
    assert (made["active"], made["author"]) == (True, "editor")
    ended = await api.patch(f"/api/alerts/silences/{made['id']}", json={"end_ms": NOON_MS - 1})
    assert ended.status_code == 422
    longer = (await api.patch(f"/api/alerts/silences/{made['id']}", json={"end_ms": NOON_MS + 120_000})).json()
    assert (longer["end"], longer["comment"]) == (NOON_MS + 120_000, "deploying")
    assert (await api.get("/api/alerts/silences")).json()["total"] == 1
    assert (await api.delete(f"/api/alerts/silences/{made['id']}")).status_code == 204
    faults: list[list[dict[str, str]]] = [[], [{"field": "label", "value": "x"}], [{"field": "?", "value": "x"}]]
    for matchers in faults:
        assert (await api.post("/api/alerts/silences", json=body | {"matchers": matchers})).status_code == 422


async def test_what_is_not_there_is_not_found(api: httpx.AsyncClient) -> None:
    for path in ("acknowledge", "resolve"):
        answer = await api.post(f"/api/alerts/nothing/{path}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert (await api.post("/api/alerts/nothing/silence", json={"minutes": 5})).status_code == 404
    assert (await api.patch("/api/alerts/silences/nothing", json={})).status_code == 404


async def test_a_baseline_that_nobody_asked_for_is_being_learned(api: httpx.AsyncClient) -> None:
    found = (await api.get("/api/alerts/baselines", params={"service": "checkout", "agg": "avg"})).json()
    assert (found["state"], found["until"], len(found["hours"])) == ("learning", None, 168)
    unknown = await api.get("/api/alerts/baselines", params={"service": "chekout"})
    assert (unknown.status_code, unknown.json()["error"]["hint"]) == (404, "did you mean checkout?")
    assert (await api.get("/api/alerts/baselines", params={"service": "checkout", "window_s": 61})).status_code == 422


async def test_a_learned_baseline_shows_the_week(api: httpx.AsyncClient, store: Store, clock: ManualClock) -> None:
    measure = Measure("http.request.duration", "p95", 300)
    await Baselines(Ask(store, ApiMetrics(), clock), store.documents, clock).refresh("default", [measure])
    found = (await api.get("/api/alerts/baselines", params={"service": "checkout"})).json()
    assert (found["state"], found["until"]) == ("ok", NOON_MS - 3_600_000)
    assert {round(hour["mean"]) for hour in found["hours"]} <= {*range(20, 25), 55, 56, 57, 90}
    assert all(hour["sigma"] >= 1 for hour in found["hours"])


async def test_the_running_api_evaluates_tells_and_shows(tmp_path: Path) -> None:
    """The whole way: a rule by HTTP, rows in the store, the evaluator's own loop, and what clients see."""
    async with (
        running_api(tmp_path, store="sqlite", alerts_interval_s=0.2, query_rate_limit_per_minute=0) as running,
        httpx.AsyncClient(base_url=running.http, timeout=15) as client,
    ):
        made = (await client.post("/api/alerts/rules", json=RULE | {"channels": ["ops"]})).json()
        now_ms = running.clock.now_ms()
        rows = [gauge_at(now_ms - age_s * 1000, 9.0, metric="queue.depth") for age_s in range(0, 40, 2)]
        await running.store.writer.insert("metrics", block("metrics", rows), token="t1")
        alert = await first_alert(client, "firing")
        assert (alert["rule_id"], alert["service_name"], alert["value"]) == (made["id"], "checkout", 9)
        async with connect(f"{running.ws}/ws/city") as city:
            status = await text_like(
                city, lambda message: message["type"] == "status" and message["alerts_firing"] == 1
            )
        assert status["alerts_firing"] == 1
        acknowledged = (await client.post(f"/api/alerts/{alert['id']}/acknowledge", json={"comment": "mine"})).json()
        assert (acknowledged["state"], acknowledged["comment"]) == ("acknowledged", "mine")
        silence = (await client.post(f"/api/alerts/{alert['id']}/silence", json={"minutes": 5})).json()
        assert (await first_alert(client, "acknowledged"))["silenced_by"] == silence["id"]
        resolved = (await client.post(f"/api/alerts/{alert['id']}/resolve")).json()
        assert resolved["state"] == "resolved"
        assert (await client.get("/api/alerts/active", params={"service": "checkout"})).json()["total"] == 0
        history = (await client.get("/api/alerts/history", params={"rule": made["id"]})).json()["events"]
        told = [event["happening"] for event in history if event["happening"] != "told"]
        assert told[-3:] == ["resolved", "acknowledged", "firing"]
        page = (await client.get("/api/alerts/history", params={"rule": made["id"], "limit": 1})).json()
        rest = (
            await client.get("/api/alerts/history", params={"rule": made["id"], "offset": page["next_offset"]})
        ).json()
        assert page["events"] + rest["events"] == history
        assert (await client.get("/api/alerts/rules")).json()["evaluated"] is not None
        health = (await client.get("/health")).json()
        assert health["dependencies"]["alerts"]["status"] == "ok"


async def first_alert(client: httpx.AsyncClient, state: str) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while True:
            found = (await client.get("/api/alerts/active", params={"state": state, "service": "checkout"})).json()
            if found["alerts"]:
                alert: dict[str, Any] = found["alerts"][0]
                return alert
            await asyncio.sleep(0.05)


@pytest.mark.kafka
async def test_on_a_broker_too_one_evaluates_and_the_other_takes_over(kafka: Broker, tmp_path: Path) -> None:
    async with alert_world(tmp_path) as world:
        settings = settings_for(tmp_path, bus="kafka", kafka_bootstrap_servers=kafka.bootstrap)
        world.bus = open_bus(settings, world.clock)
        await world.without_built_in()
        await world.rule(condition=BIG)
        await world.gauge(9)
        async with world.replica() as one, world.replica() as other:
            owner, standby = await seated(one, other)
            world.clock.advance(15)
            await world.gauge(9)
            async with asyncio.timeout(30):
                while await owner.beat(0.1) is None:
                    await standby.beat(0.1)
            assert not (owner.evaluates and standby.evaluates)
            await owner.stop()
            heir, _ = await seated(standby)
            world.clock.advance(15)
            async with asyncio.timeout(30):
                while await heir.beat(0.1) is None:
                    pass
        assert world.listener.said == ["firing checkout r"]


async def seated(*replicas: Alerts) -> tuple[Alerts, Alerts]:
    """The one that evaluates and the last of the others, once one does."""
    async with asyncio.timeout(60):
        while True:
            for replica in replicas:
                try:
                    await replica.beat(0.2)
                except BusUnavailable:
                    continue
                if replica.evaluates:
                    return replica, [*(other for other in replicas if other is not replica), replica][0]
