"""VQL over HTTP: what explain tells, whose answers are kept, what limits hold, and that work ends with its client."""

import asyncio
import json
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from vantage_common.store.clickhouse import MAX_QUERY_BYTES, READER_SETTINGS, ClickHouseAdmin

from tests.contract.store_rows import block, rows_of
from tests.integration.running_api import ANSWER_WITHIN_S, RunningApi, running_api

pytestmark = pytest.mark.asyncio(loop_scope="module")
HOUR_MS = 3_600_000
ROWS = 400_000
SLOW = (
    "SELECT "
    + ", ".join(f"uniqExact(toString(value * {n + 0.5})) AS c{n}" for n in range(80))
    + " FROM metrics WHERE metric_name = 'many'"
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningApi]:
    async with running_api(tmp_path_factory.mktemp("vql")) as running:
        now_ms = running.clock.now_ms()
        sample = {"service_name": "shop", "metric_name": "depth", "metric_type": "gauge", "value": 1.0}
        items = [{**sample, "timestamp": now_ms - minutes * 60_000} for minutes in range(1, 180)]
        await running.store.writer.insert("metrics", block("metrics", rows_of("metrics", items)), token="a")
        admin = running.store.admin
        assert isinstance(admin, ClickHouseAdmin)
        await admin.run(
            lambda client: client.command(
                "INSERT INTO vantage.metrics "
                "(workspace, service_name, metric_name, timestamp, metric_type, value, count) "
                f"SELECT 'default', 's', 'many', now64() - 7200, 'gauge', number, 1 FROM numbers({ROWS})"
            )
        )
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def client(api: RunningApi) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=api.http, timeout=60) as http:
        yield http


async def execute(client: httpx.AsyncClient, query: str, **headers: str) -> dict[str, Any]:
    answer = await client.post("/vql/execute", json={"query": query}, headers=headers)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def running_queries(api: RunningApi) -> int:
    """Those of readers, as the engine tells."""
    assert isinstance(api.store.admin, ClickHouseAdmin)
    sql = "SELECT count() FROM system.processes WHERE query LIKE 'SELECT uniqExact%'"
    return int(await api.store.admin.run(lambda client: client.query(sql).result_rows[0][0]))


async def until_running(api: RunningApi, number: int) -> None:
    async with asyncio.timeout(ANSWER_WITHIN_S):
        while await running_queries(api) != number:
            pass


async def counted(client: httpx.AsyncClient, sample: str) -> float:
    lines = (await client.get("/metrics")).text.splitlines()
    return next((float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(sample)), 0.0)


async def test_a_query_stops_in_the_engine_when_its_client_goes_away(
    api: RunningApi, client: httpx.AsyncClient
) -> None:
    cancelled = 'vantage_api_vql_queries_total{outcome="cancelled"}'
    for query in (SLOW, f"{SLOW} SINCE 3 HOURS"):
        before = await counted(client, cancelled)
        asking = asyncio.create_task(client.post("/vql/execute", json={"query": query}))
        await until_running(api, 1)
        asking.cancel()
        await asyncio.wait({asking})
        await until_running(api, 0)
        assert await counted(client, cancelled) == before + 1


async def test_a_query_two_clients_wait_for_goes_on_when_one_goes_away(
    api: RunningApi, client: httpx.AsyncClient
) -> None:
    query = {"query": "SELECT uniqExact(toString(value)) AS n, p99(value * 1.5) FROM metrics SINCE 170 MINUTES"}
    joined = 'vantage_api_kept_answers_total{outcome="joined"}'
    before = await counted(client, joined)
    one, other = (asyncio.create_task(client.post("/vql/execute", json=query)) for _ in range(2))
    async with asyncio.timeout(ANSWER_WITHIN_S):
        while await counted(client, joined) == before and not one.done():
            pass
    one.cancel()
    answer = await other
    assert answer.status_code == 200
    assert answer.json()["rows"][0][0] == ROWS


async def test_who_asks_again_is_given_the_answer_of_before_unless_it_has_to_be_fresh(
    client: httpx.AsyncClient,
) -> None:
    query = "SELECT count() AS n FROM metrics WHERE service_name = 'shop' SINCE 2 HOURS"
    first = await execute(client, query)
    again = await execute(client, "  select COUNT() as n FROM metrics where service_name='shop' SINCE 120 MINUTES")
    assert (first["cached"], again["cached"]) == (False, True)
    assert again["rows"] == first["rows"]
    assert not (await execute(client, query, **{"Cache-Control": "no-cache"}))["cached"]
    everything = "SELECT count() AS n FROM metrics"
    assert [(await execute(client, everything))["cached"] for _ in range(2)] == [False, False]
    assert await counted(client, "vantage_api_kept_answers_bytes") > 0


async def test_a_kept_answer_is_the_workspaces_own(tmp_path: Path) -> None:
    keys = {name: f"vk_{name}_0123456789abcdef" for name in ("alpha", "beta")}
    file = tmp_path / "keys.json"
    file.write_text(
        json.dumps(
            [
                {
                    "prefix": key[:8],
                    "sha256": sha256(key.encode()).hexdigest(),
                    "workspace": name,
                    "scopes": ["query"],
                    "role": "viewer",
                }
                for name, key in keys.items()
            ]
        )
    )
    async with running_api(tmp_path / "data", store="sqlite", api_keys_file=file) as api:
        sample = {"service_name": "s", "metric_name": "m", "metric_type": "gauge", "timestamp": api.clock.now_ms()}
        for number, name in enumerate(keys, start=1):
            rows = rows_of("metrics", [{**sample, "value": float(number)}])
            await api.store.writer.insert("metrics", block("metrics", rows, workspace=name), token=name)
        async with httpx.AsyncClient(base_url=api.http) as client:
            query = "SELECT max(value) AS m FROM metrics SINCE 2 HOURS"
            for _ in range(2):
                found = [(await execute(client, query, **{"X-API-Key": key}))["rows"] for key in keys.values()]
                assert found == [[[1]], [[2]]]


async def test_explain_shows_plan_tables_reasons_rows_and_sql_and_reads_nothing(
    api: RunningApi, client: httpx.AsyncClient
) -> None:
    assert api.store.rollups is not None
    hour = (api.clock.now_ms() - 2 * HOUR_MS) // HOUR_MS * HOUR_MS
    await api.store.rollups.recompute("metrics", hour, api.clock.now_ms())
    query = "SELECT count() AS n, p95(value) FROM metrics WHERE service_name = 'shop' SINCE 3 HOURS TIMESERIES 1 HOUR"
    answer = (await client.post("/vql/explain", json={"query": query})).json()
    assert answer["source"] == "metrics_1h + metrics"
    assert answer["plan"]["table"] == "metrics"
    assert answer["why"] == [
        "metrics_1d: its slots are not within steps of 1 HOUR",
        "service_1m: it knows rows of one metric_name alone",
    ]
    assert {table["table"] for table in answer["tables"]} == {"metrics_1h", "metrics"}
    assert all(table["rows"] > 0 and table["parts"] > 0 and table["size_bytes"] > 0 for table in answer["tables"])
    assert "shop" not in answer["sql"]
    assert (await execute(client, query))["source"] == answer["source"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT value FROM metrics LIMIT 10001", "vql_bad_limit"),
        ("SELECT value FROM metrics WHERE " + " AND ".join(f"value > {n}" for n in range(11)), "vql_too_complex"),
        ("SELECT value FROM metrics; SELECT value FROM metrics", "vql_not_select"),
        ("SELECT " + "x" * 9990, "vql_no_table"),
    ],
)
async def test_a_query_beyond_the_limits_is_refused(client: httpx.AsyncClient, query: str, code: str) -> None:
    answer = await client.post("/vql/execute", json={"query": query})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


async def test_limits_that_are_kept_are_answered(client: httpx.AsyncClient) -> None:
    assert (await execute(client, "SELECT value FROM metrics LIMIT 10000"))["row_count"] == 10_000
    ten = " AND ".join(f"value > {n}" for n in range(-10, 0))
    assert (await execute(client, f"SELECT count() AS n FROM metrics WHERE {ten}"))["row_count"] == 1


async def test_a_query_takes_no_more_than_a_gibibyte(api: RunningApi, client: httpx.AsyncClient) -> None:
    assert READER_SETTINGS["max_memory_usage"] == MAX_QUERY_BYTES == 1 << 30
    heavy = "SELECT " + ", ".join(f"p50(value * {n + 0.5}) AS c{n}" for n in range(100)) + " FROM metrics"
    answer = await client.post("/vql/execute", json={"query": heavy})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "query_too_large")
    assert await execute(client, "SELECT count() AS n FROM metrics")


async def test_a_query_is_stopped_after_thirty_seconds(
    api: RunningApi, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody on the way gives the reader another time than its own."""
    query = type(api.store.reader).query
    assert query.__kwdefaults__ == {"timeout_s": 30.0}
    monkeypatch.setattr(query, "__kwdefaults__", {"timeout_s": 0.3})
    answer = await client.post("/vql/execute", json={"query": SLOW})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "query_timeout")


async def test_the_metrics_have_the_names_they_were_promised_by(client: httpx.AsyncClient) -> None:
    await execute(client, "SELECT count() AS n FROM metrics")
    text = (await client.get("/metrics")).text
    for sample in (
        'vantage_api_database_query_duration_seconds_count{table="metrics"} ',
        'vantage_api_vql_queries_total{outcome="ok"} ',
        'vantage_api_requests_total{method="POST",route="/vql/execute",status="200"} ',
        "# TYPE vantage_api_websocket_connections gauge",
        'vantage_api_kept_answers_total{outcome="passed"} ',
    ):
        assert sample in text
