"""The calls for dashboards over real rows: what is kept, what is refused, and what the panels show."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from vantage_api.app import create_app
from vantage_api.dashboards import builtin
from vantage_api.dashboards.queries import check
from vantage_api.times import Range
from vantage_common.bus.open import open_bus
from vantage_common.clock import ManualClock
from vantage_common.errors import StoreUnavailable
from vantage_common.model import LogRecord, Sample
from vantage_common.store.api import Store
from vantage_common.store.open import open_store

from tests.contract.store_rows import NOON_MS, block
from tests.integration.running_api import settings_for

pytestmark = pytest.mark.asyncio(loop_scope="module")
DASHBOARDS = "/api/dashboards"
BY_SERVICE = "SELECT service_name, count() AS n FROM metrics WHERE service_name = $service GROUP BY service_name"


def request(service: str, value: float, count: int, status_code: int = 200) -> Sample:
    return Sample(
        timestamp=NOON_MS - 60_000,
        service_name=service,
        metric_name="http.request.duration",
        metric_type="histogram",
        value=value,
        count=count,
        status_code=status_code,
        endpoint="/pay",
    )


SAMPLES = [request("checkout", 20.0, 90), request("checkout", 200.0, 10, 500), request("cart", 5.0, 40)]
LOGS = [LogRecord(timestamp=NOON_MS - 60_000, service_name="cart", severity="WARN", body=f"{n}") for n in range(3)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def store(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Store]:
    opened = open_store(settings_for(tmp_path_factory.mktemp("dashboards")))
    await opened.admin.migrate()
    await opened.writer.insert("metrics", block("metrics", SAMPLES), token="m")
    await opened.writer.insert("logs", block("logs", LOGS), token="l")
    secret = block("metrics", [request("secret", 1.0, 1000)], workspace="other")
    await opened.writer.insert("metrics", secret, token="o")
    yield opened
    await opened.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(store: Store, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    settings = settings_for(tmp_path_factory.mktemp("bus"))
    clock = ManualClock(NOON_MS)
    app = create_app(settings, store, open_bus(settings, clock), clock)
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as made:
        yield made


def panel(id_: str = "p1", query: str = BY_SERVICE, **fields: Any) -> dict[str, Any]:
    position = {"x": 0, "y": 0, "w": 6, "h": 4}
    return {"id": id_, "title": id_, "query": query, "chart": "table", "position": position} | fields


def content(*panels: dict[str, Any], **fields: Any) -> dict[str, Any]:
    variables = [{"name": "service", "default": "checkout", "choices": ["checkout", "cart"]}]
    return {"name": "Mine", "variables": variables, "panels": list(panels or [panel()])} | fields


async def made(client: httpx.AsyncClient, body: dict[str, Any] | None = None) -> dict[str, Any]:
    answer = await client.post(DASHBOARDS, json=body or content())
    assert answer.status_code == 201, answer.text
    got: dict[str, Any] = answer.json()
    return got


async def shown(client: httpx.AsyncClient, id_: str, body: Any = None, **params: Any) -> list[dict[str, Any]]:
    answer = await client.post(f"{DASHBOARDS}/{id_}/data", json=body, params=params)
    assert answer.status_code == 200, answer.text
    panels: list[dict[str, Any]] = answer.json()["panels"]
    return panels


async def test_a_dashboard_is_kept_as_it_was_made(client: httpx.AsyncClient) -> None:
    options = {"unit": "ms", "stacked": True, "decimals": 2, "factor": 0.5, "colour": None}
    kept = await made(client, content(panel(options=options), description="about ☃"))
    answer = await client.get(f"{DASHBOARDS}/{kept['id']}")
    assert answer.json() == kept
    assert answer.headers["etag"] == f'"{kept["version"]}"'
    assert (kept["panels"][0]["options"], kept["description"], kept["read_only"]) == (options, "about ☃", False)
    assert kept["panels"][0]["options"]["stacked"] is True
    listed = (await client.get(DASHBOARDS)).json()["dashboards"]
    assert {"id": kept["id"], "panels": 1, "name": "Mine"}.items() <= next(
        found for found in listed if found["id"] == kept["id"]
    ).items()


async def test_what_is_left_out_of_a_change_stays(client: httpx.AsyncClient) -> None:
    kept = await made(client)
    path = f"{DASHBOARDS}/{kept['id']}"
    changed = (await client.patch(path, json={"name": "New"})).json()
    assert changed == kept | {name: changed[name] for name in ("name", "version", "changed_at")}
    emptied = (await client.patch(path, json={"panels": []})).json()
    assert (emptied["panels"], emptied["name"]) == ([], "New")
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize("how", ["If-Match", "quoted", "weak", "version"])
async def test_a_change_of_an_older_version_is_refused(client: httpx.AsyncClient, how: str) -> None:
    kept = await made(client)
    seen = kept["version"]
    headers = {"If-Match": str(seen), "quoted": f'"{seen}"', "weak": f'W/"{seen}"'}
    options: dict[str, Any] = {"headers": {"If-Match": headers[how]}} if how in headers else {}
    field = {"version": seen} if how == "version" else {}
    path = f"{DASHBOARDS}/{kept['id']}"
    assert (await client.patch(path, json={"name": "first"} | field, **options)).status_code == 200
    late = await client.patch(path, json={"name": "second"} | field, **options)
    assert (late.status_code, late.json()["error"]["code"]) == (409, "changed_meanwhile")
    assert (await client.get(path)).json()["name"] == "first"


async def test_an_if_match_that_is_no_version_is_refused(client: httpx.AsyncClient) -> None:
    kept = await made(client)
    answer = await client.patch(f"{DASHBOARDS}/{kept['id']}", json={"name": "x"}, headers={"If-Match": '"abc"'})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_version")


async def test_a_query_that_cannot_run_is_refused_with_panel_and_place(client: httpx.AsyncClient) -> None:
    bad = content(panel("good"), panel("bad", "SELECT count() AS n FROM metrics WHERE nope = $service"))
    kept = await made(client)
    for answer in (
        await client.post(DASHBOARDS, json=bad),
        await client.patch(f"{DASHBOARDS}/{kept['id']}", json={"panels": bad["panels"]}),
    ):
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["position"]) == (
            422,
            "bad_panel",
            bad["panels"][1]["query"].index("nope"),
        )
        assert "panel 1 (bad)" in error["message"]
        assert error["details"][0]["loc"] == "panels.1.query"


@pytest.mark.parametrize(
    "body",
    [
        content(*(panel(f"p{n}") for n in range(51))),
        content(panel("a"), panel("a")),
        content(panel(position={"x": 8, "y": 0, "w": 6, "h": 4})),
        content(panel(position={"x": -1, "y": 0, "w": 6, "h": 4})),
        content(panel(chart="pie")),
        content(panel(id_="../x")),
        content(panel(options={"deep": {"er": 1}})),
        content(panel(options={"half": "\ud800"})),
        content(panel(options={"large": 10**400})),
        content(panel(options={"long": "x" * 501})),
        content(name=""),
        content(variables=[{"name": "interval"}]),
        content(variables=[{"name": "a"}, {"name": "a"}]),
        content(unknown=1),
    ],
)
async def test_what_is_no_dashboard_is_refused(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    answer = await client.post(DASHBOARDS, content=json.dumps(body), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_request")
    assert answer.json()["error"]["details"]


async def test_a_dashboard_that_grows_too_large_is_refused(client: httpx.AsyncClient) -> None:
    kept = await made(client, content(*(panel(f"p{n}", f"{BY_SERVICE} -- {'x' * 1900}") for n in range(25))))
    variables = [{"name": "service"}, {"name": "many", "choices": ["c" * 199] * 100}]
    answer = await client.patch(f"{DASHBOARDS}/{kept['id']}", json={"variables": variables})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "too_large"), answer.text[:200]


async def test_panels_show_rows_of_the_range_and_of_the_workspace(client: httpx.AsyncClient) -> None:
    kept = await made(client, content(panel(), panel("all", "SELECT uniqExact(service_name) AS n FROM metrics")))
    one, every = await shown(client, kept["id"])
    assert (one["columns"], one["rows"]) == (
        [{"name": "service_name", "type": "string"}, {"name": "n", "type": "integer"}],
        [["checkout", 100]],
    )
    assert (every["rows"], one["error"], one["truncated"]) == ([[2]], None, False)
    (cart, _) = await shown(client, kept["id"], {"variables": {"service": "cart"}})
    assert cart["rows"] == [["cart", 40]]
    (before, _) = await shown(client, kept["id"], end=NOON_MS - 3_600_000)
    assert before["rows"] == []


async def test_a_variable_cannot_become_a_query(client: httpx.AsyncClient) -> None:
    kept = await made(client)
    (panel_data,) = await shown(client, kept["id"], {"variables": {"service": "x' OR service_name != '"}})
    assert (panel_data["rows"], panel_data["error"]) == ([], None)
    unknown = await client.post(f"{DASHBOARDS}/{kept['id']}/data", json={"variables": {"nope": "x"}})
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (400, "unknown_variable")


async def test_a_panel_that_fails_does_not_take_the_others_along(
    client: httpx.AsyncClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = await made(client, content(panel(), panel("logs", "SELECT count() AS n FROM logs")))
    query = store.reader.query

    async def broken(plan: Any, **options: Any) -> Any:
        if plan.table == "logs":
            raise StoreUnavailable("the logs are away")
        return await query(plan, **options)

    monkeypatch.setattr(store.reader, "query", broken)
    well, ill = await shown(client, kept["id"])
    assert (well["rows"], well["error"]) == ([["checkout", 100]], None)
    assert (ill["rows"], ill["error"]["code"], ill["error"]["message"]) == ([], "unavailable", "the logs are away")


async def test_more_rows_than_a_screen_has_room_for_are_cut(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vantage_api.dashboards.data.MAX_ROWS", 2)
    kept = await made(client, content(panel("p", "SELECT body FROM logs ORDER BY body")))
    (panel_data,) = await shown(client, kept["id"])
    assert (panel_data["rows"], panel_data["row_count"], panel_data["truncated"]) == ([["0"], ["1"]], 2, True)


async def test_the_example_shows_real_rows_and_belongs_to_nobody(client: httpx.AsyncClient) -> None:
    path = f"{DASHBOARDS}/{builtin.ID}"
    assert (await client.get(path)).json()["read_only"]
    assert (await client.get(DASHBOARDS)).json()["dashboards"][0]["id"] == builtin.ID
    check(builtin.CONTENT, "default", Range(NOON_MS - 3_600_000, NOON_MS))
    panels = {found["id"]: found for found in await shown(client, builtin.ID)}
    assert [found["error"] for found in panels.values()] == [None] * len(builtin.CONTENT.panels)
    assert panels["total"]["rows"] == [[140]]
    assert panels["errors"]["rows"][0] == ["checkout", 10]
    assert all(found["rows"] for found in panels.values())
    for answer in (await client.patch(path, json={"name": "mine"}), await client.delete(path)):
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "read_only")


async def test_a_copy_of_the_example_is_ones_own(client: httpx.AsyncClient) -> None:
    copy = (await client.post(f"{DASHBOARDS}/{builtin.ID}/duplicate")).json()
    assert (copy["name"], copy["read_only"]) == ("Requests at a glance (copy)", False)
    assert len(copy["panels"]) == len(builtin.CONTENT.panels)
    assert (await client.patch(f"{DASHBOARDS}/{copy['id']}", json={"name": "mine"})).status_code == 200


async def test_an_export_imports_as_the_same_dashboard(client: httpx.AsyncClient) -> None:
    kept = await made(client, content(panel(options={"unit": "ms"})))
    exported = await client.get(f"{DASHBOARDS}/{kept['id']}/export")
    assert exported.headers["content-disposition"] == f'attachment; filename="dashboard-{kept["id"]}.json"'
    imported = (await client.post(f"{DASHBOARDS}/import", json=exported.json())).json()
    own = ("id", "version", "changed_at", "author", "read_only")
    assert {n: v for n, v in imported.items() if n not in own} == {n: v for n, v in kept.items() if n not in own}
    newer = await client.post(f"{DASHBOARDS}/import", json=exported.json() | {"vantage_dashboard": 2})
    assert newer.status_code == 422
