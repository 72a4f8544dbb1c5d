"""Every REST call over real stored rows, and every error in the one shape. One store serves the whole file."""

import csv
import io
import json
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio
from structlog.testing import capture_logs
from vantage_api.app import create_app
from vantage_common.bus.open import open_bus
from vantage_common.clock import ManualClock
from vantage_common.model import LogRecord, Sample, Span
from vantage_common.store.api import Store
from vantage_common.store.clickhouse import Retention, open_chdb
from vantage_common.store.open import open_store

from tests.contract.store_rows import NOON_MS, block
from tests.integration.running_api import settings_for

pytestmark = pytest.mark.asyncio(loop_scope="module")
RECENT_MS = NOON_MS - 120_000
TAGS = {"namespace": "payments", "version": "1.2"}


def request(value: float, count: int, *, at_ms: int = RECENT_MS, service: str = "checkout", **fields: Any) -> Sample:
    labels: dict[str, Any] = {"tags": TAGS, "instance": "i1", "status_code": 200} | fields
    return Sample(
        timestamp=at_ms,
        service_name=service,
        metric_name="http.request.duration",
        metric_type="histogram",
        value=value,
        count=count,
        environment="production",
        **labels,
    )


SAMPLES = [
    request(20.0, 90, endpoint="/pay", method="POST", tags=TAGS | {"caller": "web"}),
    request(200.0, 10, endpoint="/pay", method="POST", status_code=500, instance="i2"),
    request(10.0, 50, endpoint="/cart", method="GET", at_ms=RECENT_MS - 60_000),
    request(20.0, 600, endpoint="/pay", method="POST", at_ms=NOON_MS - 2 * 3_600_000, tags={"version": "1.1"}),
    Sample(
        timestamp=RECENT_MS,
        service_name="checkout",
        metric_name="queue.depth",
        metric_type="gauge",
        value=7.0,
        environment="production",
    ),
    request(5.0, 40, service="cart"),
]
ROOT = Span(
    timestamp=RECENT_MS + 0.25,
    trace_id="t1",
    span_id="a",
    service_name="legacy",
    name="GET /",
    kind="server",
    duration_ms=30.0,
    status="ok",
    environment="production",
    caller="web",
)
CHILD = Span(
    timestamp=RECENT_MS + 10.5,
    trace_id="t1",
    span_id="b",
    parent_span_id="a",
    service_name="database",
    name="SELECT",
    kind="client",
    duration_ms=40.0,
    status="error",
    environment="production",
    attributes={"db": "pg"},
)
LATER = Span(
    timestamp=RECENT_MS + 1000,
    trace_id="t2",
    span_id="c",
    service_name="legacy",
    name="GET /fast",
    kind="server",
    duration_ms=3.0,
    status="ok",
    environment="production",
)
LOGS = [
    LogRecord(timestamp=RECENT_MS, service_name="checkout", severity="ERROR", body="Card 100% declined", trace_id="t1"),
    LogRecord(timestamp=RECENT_MS + 1, service_name="checkout", severity="INFO", body="card accepted"),
    LogRecord(timestamp=RECENT_MS + 2, service_name="cart", severity="WARN", body="slow"),
]
EARLIER_MS = NOON_MS - 30 * 3_600_000
PAGED_MS = EARLIER_MS - 3_600_000
PAGED = [
    LogRecord(timestamp=PAGED_MS + n // 7 * 1000, service_name="paged", severity="INFO", body=f"line {n // 2:02}")
    for n in range(40)
]
"""Two of each line and seven of a moment, so that pages end among lines that nothing tells apart."""


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one directory that chDB has in this process."""
    return tmp_path_factory.mktemp("api")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def store(data_dir: Path) -> AsyncIterator[Store]:
    store = open_store(settings_for(data_dir))
    await store.admin.migrate()
    await store.writer.insert("metrics", block("metrics", SAMPLES), token="m")
    await store.writer.insert("spans", block("spans", [ROOT, CHILD, ROOT, LATER]), token="s")
    await store.writer.insert("logs", block("logs", LOGS), token="l")
    await store.writer.insert("logs", block("logs", PAGED[:25], offset=2), token="p")
    await store.writer.insert("logs", block("logs", PAGED[25:], offset=3), token="q")
    secret = request(1.0, 1000, service="secret")
    await store.writer.insert("metrics", block("metrics", [secret], workspace="other"), token="o")
    yield store
    await store.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(store: Store, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    async with api(store, tmp_path_factory.mktemp("bus")) as client:
        yield client


def api(store: Store, directory: Path, **overrides: Any) -> httpx.AsyncClient:
    settings = settings_for(directory, **overrides)
    clock = ManualClock(NOON_MS)
    app = create_app(settings, store, open_bus(settings, clock), clock)
    transport = httpx.ASGITransport(app=app, client=("192.0.2.1", 1))
    return httpx.AsyncClient(transport=transport, base_url="http://api")


async def got(client: httpx.AsyncClient, path: str, **params: Any) -> Any:
    answer = await client.get(path, params=params or None)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(client: httpx.AsyncClient, status: int, path: str, **params: Any) -> dict[str, Any]:
    answer = await client.get(path, params=params or None)
    assert answer.status_code == status, answer.text
    error: dict[str, Any] = answer.json()["error"]
    assert {"code", "message"} <= set(error)
    return error


async def test_services_of_every_table_are_listed_and_no_other_tenants(client: httpx.AsyncClient) -> None:
    body = await got(client, "/api/services")
    places = {(s["service_name"], s["environment"]) for s in body["services"]}
    assert {name for name, _ in places} == {"checkout", "cart", "legacy", "database", "paged"}
    assert body["total"] == len(body["services"])
    checkout = next(s for s in body["services"] if s["service_name"] == "checkout" and s["environment"])
    assert (checkout["district"], checkout["version"]) == ("payments", "1.2")
    assert (checkout["first_seen"], checkout["last_seen"]) == (NOON_MS - 7_200_000, RECENT_MS)
    assert (checkout["status"], checkout["health_score"], checkout["requests_per_second"]) == ("UNKNOWN", None, 0.0)


async def test_a_service_has_weighted_endpoints_and_callers(client: httpx.AsyncClient) -> None:
    body = await got(client, "/api/services/checkout", environment="production")
    pay, cart = body["endpoints"]
    assert (pay["endpoint"], pay["method"], pay["count"], pay["error_ratio"]) == ("/pay", "POST", 100, 0.1)
    assert (pay["mean_ms"], pay["p95_ms"]) == (38.0, 200.0)
    assert (cart["endpoint"], cart["count"], cart["p95_ms"]) == ("/cart", 50, 10.0)
    assert [(c["service_name"], c["count"], c["error_ratio"]) for c in body["callers"]] == [
        ("web", 90, 0.0),
        ("", 60, pytest.approx(1 / 6)),
    ]
    assert body["metrics"] == ["http.request.duration", "queue.depth"]
    assert body["instances"] == ["i1", "i2"]


async def test_a_service_that_sends_only_spans_has_them_read(client: httpx.AsyncClient) -> None:
    body = await got(client, "/api/services/legacy")
    assert [(e["endpoint"], e["count"]) for e in body["endpoints"]] == [("GET /", 2), ("GET /fast", 1)]
    series = await got(client, "/api/metrics/timeseries", service="legacy", agg="count", step=60)
    assert sum(value for _, value in series["series"][0]["points"]) == 3
    assert series["source"] == "spans"


@pytest.mark.parametrize("path", ["/api/services/chekout", "/health/score/chekout", "/health/history/chekout"])
async def test_an_unknown_service_is_404_with_a_guess(client: httpx.AsyncClient, path: str) -> None:
    error = await refused(client, 404, path)
    assert (error["code"], error["hint"]) == ("unknown_service", "did you mean checkout?")


async def test_another_environment_is_named_as_such(client: httpx.AsyncClient) -> None:
    error = await refused(client, 404, "/api/services/cart", environment="staging")
    assert "'production'" in error["hint"]


async def test_metrics_have_their_services_and_tag_keys(client: httpx.AsyncClient) -> None:
    metrics = {metric["metric_name"]: metric for metric in (await got(client, "/api/metrics"))["metrics"]}
    assert metrics["http.request.duration"]["services"] == ["cart", "checkout"]
    assert metrics["http.request.duration"]["tag_keys"] == ["caller", "namespace", "version"]
    assert metrics["queue.depth"] == {
        "metric_name": "queue.depth",
        "metric_type": "gauge",
        "services": ["checkout"],
        "tag_keys": [],
    }
    assert [m["services"] for m in (await got(client, "/api/metrics", service="cart"))["metrics"]] == [["cart"]]


@pytest.mark.parametrize(
    ("agg", "value"),
    [
        ("count", 150),
        ("sum", 90 * 20 + 10 * 200 + 50 * 10),
        ("avg", (90 * 20 + 10 * 200 + 50 * 10) / 150),
        ("min", 10),
        ("max", 200),
        ("rate", (90 * 20 + 10 * 200 + 50 * 10) / 3600),
        ("p50", 20),
        ("p99", 200),
    ],
)
async def test_every_aggregate_honours_the_weights(client: httpx.AsyncClient, agg: str, value: float) -> None:
    body = await got(client, "/api/metrics/timeseries", service="checkout", agg=agg, step=3600)
    found = {at: point for at, point in body["series"][0]["points"] if point}
    assert found == {NOON_MS - 3_600_000: pytest.approx(value)}


async def test_a_timeseries_has_every_step_and_a_group_per_value(client: httpx.AsyncClient) -> None:
    window = {"start": NOON_MS - 300_000, "end": NOON_MS, "step": 60}
    body = await got(client, "/api/metrics/timeseries", service="checkout", agg="count", group_by="endpoint", **window)
    assert [series["group"] for series in body["series"]] == [{"endpoint": "/cart"}, {"endpoint": "/pay"}]
    assert [value for _, value in body["series"][1]["points"]] == [0, 0, 0, 100, 0]
    assert body["series"][1]["points"][0][0] == NOON_MS - 300_000
    by_tag = await got(client, "/api/metrics/timeseries", service="checkout", agg="avg", group_by="caller", **window)
    assert [series["group"] for series in by_tag["series"]] == [{"caller": ""}, {"caller": "web"}]
    assert [value for _, value in by_tag["series"][1]["points"]] == [None, None, None, 20.0, None]


async def test_a_timeseries_of_many_groups_is_bounded_with_its_empty_steps(store: Store, tmp_path: Path) -> None:
    traced = [request(1.0, 1, service="many", at_ms=RECENT_MS - n, trace_id=f"{n:032x}") for n in range(20)]
    await store.writer.insert("metrics", block("metrics", traced, workspace="many"), token="many")
    keys = tmp_path / "keys.json"
    entry = {"prefix": "m", "sha256": sha256(b"k").hexdigest(), "workspace": "many", "scopes": ["query"]}
    keys.write_text(json.dumps([entry]))
    async with api(store, tmp_path, api_keys_file=keys) as client:
        client.headers["X-API-Key"] = "k"
        path = "/api/metrics/timeseries?service=many&group_by=trace_id"
        error = await refused(client, 400, f"{path}&step=1")
        assert error["code"] == "too_many_points"
        assert len((await got(client, f"{path}&step=60"))["series"]) == 20


async def test_vql_runs_and_explains(client: httpx.AsyncClient) -> None:
    query = (
        "SELECT endpoint, count() AS n FROM metrics WHERE service_name = 'checkout' GROUP BY endpoint ORDER BY n DESC"
    )
    body = (await client.post("/vql/execute", json={"query": query})).json()
    assert (body["rows"][0], body["row_count"], body["source"]) == (["/pay", 700], 3, "metrics")
    assert [column["name"] for column in body["columns"]] == ["endpoint", "n"]
    explained = (await client.post("/vql/explain", json={"query": query})).json()
    assert explained["plan"]["table"] == "metrics"
    assert "checkout" not in explained["sql"]


async def test_a_wrong_query_says_where(client: httpx.AsyncClient) -> None:
    answer = await client.post("/vql/execute", json={"query": "SELECT nope FROM metrics"})
    assert answer.status_code == 400
    assert answer.json()["error"]["position"] == 7


async def test_health_of_a_service_that_is_not_live_is_read_from_its_rows(client: httpx.AsyncClient) -> None:
    body = await got(client, "/health/score/checkout", environment="production")
    factors = body["factors"]
    assert (body["service_name"], body["status"]) == ("checkout", "UNHEALTHY")
    assert factors["error_rate"]["value"] == pytest.approx(10 / 150)
    assert (factors["response_time"]["value"], factors["response_time"]["score"]) == (200.0, 0.0)
    assert factors["availability"]["value"] == 1.0
    assert factors["request_rate"]["state"] == "learning"
    assert body["health_score"] == round((0.4 * (50 - 50 * (10 / 150 - 0.05) / 0.15) + 0.2 * 100) / 0.9)


async def test_scores_cover_the_fleet(client: httpx.AsyncClient) -> None:
    body = await got(client, "/health/scores")
    statuses = {score["service_name"]: score["status"] for score in body["scores"] if score["environment"]}
    assert statuses == {"checkout": "UNHEALTHY", "cart": "HEALTHY", "legacy": "HEALTHY", "database": "UNKNOWN"}
    assert body["fleet"]["status"] in ("HEALTHY", "DEGRADED")


async def test_a_trace_has_each_span_once_by_start(client: httpx.AsyncClient) -> None:
    spans = await got(client, "/traces/", trace_id="t1")
    assert [(s["span_id"], s["parent_span_id"], s["start"], s["duration"]) for s in spans] == [
        ("a", "", RECENT_MS + 0.25, 30.0),
        ("b", "a", RECENT_MS + 10.5, 40.0),
    ]
    assert spans[1]["attributes"] == {"db": "pg"}
    assert await got(client, "/traces/", trace_id="unknown") == []


async def test_traces_are_found_and_summed_up(client: httpx.AsyncClient) -> None:
    traces = (await got(client, "/traces/search"))["traces"]
    assert [trace["trace_id"] for trace in traces] == ["t2", "t1"]
    assert traces[1] == {
        "trace_id": "t1",
        "service": "legacy",
        "name": "GET /",
        "start": RECENT_MS + 0.25,
        "duration": 50.25,
        "span_count": 2,
        "error_count": 1,
        "services": ["database", "legacy"],
    }


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"service": "database"}, ["t1"]),
        ({"status": "error"}, ["t1"]),
        ({"service": "legacy", "status": "ok"}, ["t2", "t1"]),
        ({"min_duration_ms": 35}, ["t1"]),
        ({"service": "legacy", "min_duration_ms": 35}, []),
        ({"limit": 1}, ["t2"]),
        ({"end": RECENT_MS - 1000}, []),
    ],
)
async def test_a_search_keeps_what_fits(client: httpx.AsyncClient, params: dict[str, Any], found: list[str]) -> None:
    traces = (await got(client, "/traces/search", **params))["traces"]
    assert [trace["trace_id"] for trace in traces] == found


@pytest.mark.parametrize(
    ("params", "bodies"),
    [
        ({}, ["slow", "card accepted", "Card 100% declined"]),
        ({"service": "checkout"}, ["card accepted", "Card 100% declined"]),
        ({"severity": "error,warn"}, ["slow", "Card 100% declined"]),
        ({"text": "CARD"}, ["card accepted", "Card 100% declined"]),
        ({"text": "100%"}, ["Card 100% declined"]),
        ({"trace_id": "t1"}, ["Card 100% declined"]),
        ({"limit": 1}, ["slow"]),
    ],
)
async def test_logs_are_filtered_newest_first(
    client: httpx.AsyncClient, params: dict[str, Any], bodies: list[str]
) -> None:
    assert [line["body"] for line in (await got(client, "/api/logs", **params))["logs"]] == bodies


async def test_the_city_is_laid_out_from_the_store(client: httpx.AsyncClient) -> None:
    body = await got(client, "/api/city")
    assert "payments" in [district["name"] for district in body["districts"]]
    assert {(s["name"], s["status"], s["rps"]) for s in body["services"] if s["environment"]} == {
        (name, "UNKNOWN", 0.0) for name in ("checkout", "cart", "legacy", "database")
    }


async def paged(client: httpx.AsyncClient, path: str, field: str, **params: Any) -> list[list[Any]]:
    """Every page of a list, by its cursors."""
    pages: list[list[Any]] = []
    cursor: str | None = None
    while not pages or cursor is not None:
        body = await got(client, path, **params, **({} if cursor is None else {"cursor": cursor}))
        pages.append(body[field])
        cursor = body["next_cursor"]
    return pages


@pytest.mark.parametrize(
    ("path", "field", "params"),
    [
        ("/api/services", "services", {}),
        ("/api/services", "services", {"environment": "production"}),
        ("/api/metrics", "metrics", {}),
        ("/api/metrics", "metrics", {"service": "checkout"}),
        ("/api/metrics/tags", "keys", {}),
        ("/api/metrics/tags/status_code/values", "values", {}),
        ("/api/metrics/tags/version/values", "values", {}),
        ("/api/logs", "logs", {"service": "paged", "start": PAGED_MS, "end": EARLIER_MS}),
    ],
)
async def test_pages_of_any_size_put_together_are_the_list(
    client: httpx.AsyncClient, path: str, field: str, params: dict[str, Any]
) -> None:
    [whole] = await paged(client, path, field, **params, limit=1000)
    assert whole
    for limit in (1, 2, 3, 5, 11):
        pages = await paged(client, path, field, **params, limit=limit)
        assert [item for page in pages for item in page] == whole
        assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)


async def test_new_lines_shift_no_page(store: Store, tmp_path: Path) -> None:
    """One of the same moment as the cursor's, too: it has come in a later record."""
    start, where = {"start": PAGED_MS}, {"service": "moving"}
    lines = [LogRecord(timestamp=PAGED_MS, service_name="moving", severity="INFO", body=f"{n}") for n in range(4)]
    await store.writer.insert("logs", block("logs", lines, offset=10), token="before")
    async with api(store, tmp_path) as client:
        first = await got(client, "/api/logs", limit=2, **where, **start)
        late = LogRecord(timestamp=PAGED_MS, service_name="moving", severity="INFO", body="0 late")
        newer = LogRecord(timestamp=PAGED_MS + 9000, service_name="moving", severity="INFO", body="newer")
        await store.writer.insert("logs", block("logs", [late, newer], offset=11), token="after")
        second = await got(client, "/api/logs", limit=2, cursor=first["next_cursor"], **where)
    assert [line["body"] for line in first["logs"] + second["logs"]] == ["0", "1", "2", "3"]
    assert second["next_cursor"] is None


@pytest.mark.parametrize("path", ["/api/services", "/api/metrics", "/api/metrics/tags", "/api/logs"])
@pytest.mark.parametrize("cursor", ["x", "bnVsbA", "WyJvdGhlcnMiLFsiYSJdXQ"])
async def test_a_broken_cursor_is_a_400_with_a_hint(client: httpx.AsyncClient, path: str, cursor: str) -> None:
    error = await refused(client, 400, path, cursor=cursor)
    assert (error["code"], "leave it out" in error["hint"]) == ("bad_cursor", True)


async def test_tags_and_their_values_are_found(client: httpx.AsyncClient) -> None:
    tags = await got(client, "/api/metrics/tags", service="checkout")
    assert (tags["metric"], tags["keys"]) == ("http.request.duration", ["caller", "namespace", "version"])
    assert "endpoint" in tags["columns"]
    values = await got(client, "/api/metrics/tags/version/values")
    assert values["values"] == [{"value": "1.1", "count": 600}, {"value": "1.2", "count": 190}]
    endpoints = await got(client, "/api/metrics/tags/endpoint/values", service="checkout", prefix="/P")
    assert endpoints["values"] == [{"value": "/pay", "count": 700}]
    assert (await got(client, "/api/metrics/tags/no%2Fsuch/values"))["values"] == []


async def test_a_prefix_narrows_services_and_metrics(client: httpx.AsyncClient) -> None:
    services = await got(client, "/api/services", prefix="CHE", environment="production")
    assert ([s["service_name"] for s in services["services"]], services["total"]) == (["checkout"], 1)
    metrics = await got(client, "/api/metrics", prefix="queue")
    assert [metric["metric_name"] for metric in metrics["metrics"]] == ["queue.depth"]


async def test_a_timeseries_is_filtered_by_tags_and_columns(client: httpx.AsyncClient) -> None:
    async def count(*tags: str, **params: Any) -> float:
        asked = {"agg": "count", "step": 3600, "tag": list(tags), **params}
        body = await got(client, "/api/metrics/timeseries", **asked)
        return float(sum(value for series in body["series"] for _, value in series["points"]))

    assert await count(service="checkout") == 150
    assert await count("caller:web", service="checkout") == 90
    assert await count("status_code:500", "version:1.2", service="checkout") == 10
    assert await count("caller:", "endpoint:/pay", service="checkout") == 10
    assert await count("version:1.2:x", service="checkout") == 0
    assert await count() == 190
    assert await count(service=["cart", "checkout"]) == 190
    assert (await refused(client, 400, "/api/metrics/timeseries", tag="version"))["code"] == "bad_tag"


async def test_a_timeseries_is_grouped_by_several_keys(client: httpx.AsyncClient) -> None:
    asked = {"service": "checkout", "agg": "count", "step": 3600, "group_by": "endpoint, status_code"}
    body = await got(client, "/api/metrics/timeseries", **asked)
    assert {tuple(series["group"].items()): sum(v for _, v in series["points"]) for series in body["series"]} == {
        (("endpoint", "/cart"), ("status_code", "200")): 50,
        (("endpoint", "/pay"), ("status_code", "200")): 90,
        (("endpoint", "/pay"), ("status_code", "500")): 10,
    }
    assert (await refused(client, 400, "/api/metrics/timeseries", group_by="a,b,c,d,e,f"))["code"] == "too_many_keys"


async def test_services_by_name_are_told_by_metric_or_spans_each_once(client: httpx.AsyncClient) -> None:
    body = await got(client, "/api/metrics/timeseries", agg="count", step=3600, group_by="service_name")
    counted = {series["group"]["service_name"]: sum(v for _, v in series["points"]) for series in body["series"]}
    assert counted == {"cart": 40, "checkout": 150, "legacy": 3}
    assert (body["service"], body["services"], body["source"]) == ("", [], "metrics, spans")


async def test_a_long_timeseries_is_down_sampled_and_says_so(client: httpx.AsyncClient) -> None:
    window = {"service": "checkout", "agg": "max", "start": NOON_MS - 3_600_000, "end": NOON_MS}
    whole = await got(client, "/api/metrics/timeseries", step=1, **window)
    fewer = await got(client, "/api/metrics/timeseries", step=1, max_points=20, **window)
    assert whole["downsampled"] is None
    assert fewer["downsampled"] == {
        "method": "lttb",
        "from_points": 3600,
        "to_points": len(fewer["series"][0]["points"]),
    }
    known = [point for point in whole["series"][0]["points"] if point[1] is not None]
    assert [point for point in fewer["series"][0]["points"] if point[1] is not None] == known
    finer = await got(client, "/api/metrics/timeseries", max_points=50, **window)
    assert finer["step_s"] == 18


async def rows_of_csv(answer: httpx.Response) -> list[list[str]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.reader(io.StringIO(answer.text, newline="")))


async def test_answers_come_as_csv(client: httpx.AsyncClient) -> None:
    asked: dict[str, Any] = {"service": "checkout", "agg": "count", "step": 3600, "group_by": "endpoint"}
    asked["format"] = "csv"
    series = await rows_of_csv(await client.get("/api/metrics/timeseries", params=asked))
    assert series[0] == ["time", "endpoint", "value"]
    assert ["2026-09-22T11:00:00.000Z", "/pay", "100.0"] in series
    services = await rows_of_csv(await client.get("/api/services", headers={"Accept": "text/csv"}))
    assert services[0][:2] == ["service_name", "environment"]
    assert [row[0] for row in services[1:]] == sorted(row[0] for row in services[1:])
    answer = await client.get("/api/logs", params={"format": "csv", "limit": 2})
    logs = await rows_of_csv(answer)
    assert [row[3] for row in logs[1:]] == ["slow", "card accepted"]
    rest: dict[str, str] = {"format": "csv", "cursor": answer.headers["x-next-cursor"]}
    assert [row[3] for row in (await rows_of_csv(await client.get("/api/logs", params=rest)))[1:]] == [
        "Card 100% declined"
    ]
    query = 'SELECT service_name AS "=name", count() AS n, max(timestamp) AS t FROM metrics GROUP BY service_name'
    table = await client.post("/vql/execute", json={"query": query}, headers={"Accept": "text/csv"})
    header, *rows = await rows_of_csv(table)
    assert header == ["'=name", "n", "t"]
    assert ["cart", "40", "2026-09-22T11:58:00.000Z"] in rows
    assert (await client.get("/api/logs", params={"format": "xml"})).status_code == 422


async def test_health_has_a_history(client: httpx.AsyncClient) -> None:
    body = await got(client, "/health/history/checkout", environment="production", step=60, start=NOON_MS - 300_000)
    points = {point["timestamp"]: point for point in body["points"]}
    assert len(points) == 5
    bad = points[RECENT_MS // 60_000 * 60_000]
    assert (bad["requests"], bad["error_ratio"], bad["p95_ms"]) == (100, 0.1, 200.0)
    assert (bad["availability"], bad["requests_per_second"]) == (1.0, pytest.approx(100 / 60))
    assert (bad["status"], bad["health_score"]) == ("UNHEALTHY", 49)
    quiet = points[NOON_MS - 60_000]
    assert (quiet["status"], quiet["health_score"], quiet["requests"]) == ("UNKNOWN", None, 0)
    assert (quiet["error_ratio"], quiet["p95_ms"], quiet["availability"]) == (None, None, None)


async def test_the_history_of_a_service_that_sends_spans_is_read_from_them(client: httpx.AsyncClient) -> None:
    body = await got(client, "/health/history/legacy", step=3600)
    assert [point["requests"] for point in body["points"] if point["requests"]] == [3]
    assert body["source"].startswith("spans") or "service_1m" in body["source"]


async def test_the_fleet_has_a_history(client: httpx.AsyncClient) -> None:
    body = await got(client, "/health/history", step=600, start=NOON_MS - 1_200_000)
    before, last = body["points"]
    assert (before["health_score"], before["status"], before["error_ratio"]) == (None, "UNKNOWN", None)
    assert last["requests"] == 150 + 40 + 3
    assert last["error_ratio"] == pytest.approx(10 / 193)
    assert last["statuses"] == {"HEALTHY": 2, "DEGRADED": 1, "UNHEALTHY": 0, "UNKNOWN": 0}
    assert 49 < last["health_score"] < 100


NAMES = [
    "<script>alert(1)</script>",
    "\x1b[2J\x1b]0;x\x07",
    "a\x00b",
    "\U0001f4a9" * 50,
    "../..",
    "a/b",
    "%2e%2e",
    "' OR 1=1 --",
]


@pytest.mark.parametrize("name", NAMES)
async def test_names_from_outside_stay_inert(client: httpx.AsyncClient, name: str) -> None:
    """They come back as they are, inside of JSON."""
    for path in ("/api/services/", "/health/score/", "/health/history/"):
        answer = await client.get(path + quote(name, safe=""))
        assert answer.status_code == 404, answer.text
        assert answer.headers["content-type"] == "application/json"
        assert not any(ord(character) < 32 for character in answer.text)
        assert answer.json()["error"]["code"] == "unknown_service"
    assert (await got(client, f"/api/metrics/tags/{quote(name, safe='')}/values"))["values"] == []
    for path in ("/api/logs", "/api/metrics", "/api/metrics/tags", "/traces/search"):
        await got(client, path, service=name)
    await got(client, "/api/logs", text=name, trace_id=name[:64], environment=name)
    await got(client, "/api/metrics/timeseries", group_by=name, tag=f"{name}:{name}")


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [
        ("0001-01-01", None, "bad_range"),
        ("9999-12-31T23:59:59Z", None, "bad_range"),
        ("1e400", None, "bad_time"),
        ("-1", None, "bad_time"),
        ("NaN", None, "bad_time"),
        ("Infinity", None, "bad_time"),
        ("", None, "bad_time"),
        ("\x00", None, "bad_time"),
        ("2026-02-30", None, "bad_time"),
        (str(NOON_MS), str(NOON_MS), "bad_range"),
        (str(NOON_MS), str(NOON_MS - 1), "bad_range"),
        ("2001-01-01", None, "bad_range"),
        (None, "1e15", "bad_range"),
        (None, "0", "bad_range"),
    ],
)
@pytest.mark.parametrize(
    "path",
    [
        "/api/services/checkout",
        "/api/metrics",
        "/api/metrics/tags",
        "/api/metrics/tags/version/values",
        "/api/metrics/timeseries",
        "/api/logs",
        "/health/history",
        "/health/history/checkout",
        "/traces/search",
    ],
)
async def test_absurd_ranges_are_refused_with_a_hint(
    client: httpx.AsyncClient, path: str, start: str | None, end: str | None, code: str
) -> None:
    params = {name: value for name, value in (("start", start), ("end", end)) if value is not None}
    error = await refused(client, 400, path, **params)
    assert error["code"] == code
    assert error["hint"]


async def test_a_service_with_a_slash_in_its_name_is_one(store: Store, tmp_path: Path) -> None:
    sample = request(7.0, 3, service="team/checkout", at_ms=EARLIER_MS)
    await store.writer.insert("metrics", block("metrics", [sample], workspace="slash"), token="slash")
    keys = tmp_path / "keys.json"
    entry = {"prefix": "m", "sha256": sha256(b"k").hexdigest(), "workspace": "slash", "scopes": ["query"]}
    keys.write_text(json.dumps([entry]))
    async with api(store, tmp_path, api_keys_file=keys) as client:
        client.headers["X-API-Key"] = "k"
        for path in ("/api/services", "/health/score", "/health/history"):
            for name in ("team/checkout", "team%2Fcheckout"):
                assert (await got(client, f"{path}/{name}"))["service_name"] == "team/checkout"


@pytest.mark.parametrize(
    ("status", "path", "code"),
    [
        (400, "/api/logs?start=1790035200&end=1790035100", "bad_range"),
        (400, "/api/services/checkout?start=yesterday", "bad_time"),
        (400, "/traces/search?start=1000000000000000", "bad_range"),
        (400, "/api/metrics/timeseries?service=checkout&step=1&start=2026-01-01", "too_many_points"),
        (400, "/api/logs?severity=LOUD", "bad_severity"),
        (404, "/nope", "not_found"),
        (404, "/api/metrics/timeseries?service=nobody", "unknown_service"),
        (405, "/vql/execute", "method_not_allowed"),
        (422, "/api/logs?limit=1000000", "invalid_request"),
        (422, "/api/metrics/timeseries?service=checkout&agg=median", "invalid_request"),
        (422, "/api/metrics/timeseries?service=checkout&step=0", "invalid_request"),
        (422, "/traces/search?min_duration_ms=nan", "invalid_request"),
        (422, "/traces/", "invalid_request"),
    ],
)
async def test_every_error_has_the_one_shape(client: httpx.AsyncClient, status: int, path: str, code: str) -> None:
    error = await refused(client, status, path)
    assert error["code"] == code
    if status == 400:
        assert error["hint"]
    if status == 422:
        assert error["details"]


async def test_root_and_health_tell_of_the_dependencies(client: httpx.AsyncClient) -> None:
    for path in ("/", "/health"):
        body = await got(client, path)
        assert (body["status"], body["dependencies"]["store"]) == ("ok", {"status": "ok"})


async def test_a_store_without_tables_is_said_by_health_and_by_every_answer(
    store: Store, data_dir: Path, tmp_path: Path
) -> None:
    empty = open_chdb(data_dir / "chdb", "nowhere", Retention(3650, 3650))
    try:
        async with api(empty, tmp_path) as client:
            body = await got(client, "/health")
            assert body["status"] == "degraded"
            assert "start the worker" in body["dependencies"]["store"]["detail"]
            assert (await client.get("/ready")).status_code == 503
            for path in ("/api/services", "/api/logs", "/traces/?trace_id=t"):
                assert "start the worker" in (await refused(client, 503, path))["message"]
    finally:
        await empty.close()


async def test_a_key_is_needed_where_one_is_configured_but_not_for_health(store: Store, tmp_path: Path) -> None:
    async with api(store, tmp_path, api_key="s3cret") as client:
        assert (await refused(client, 401, "/api/services"))["code"] == "missing_key"
        assert (await client.get("/api/services", headers={"X-API-Key": "s3cret"})).status_code == 200
        assert (await client.get("/health")).status_code == 200


async def test_an_address_beyond_its_limit_is_told_when_to_come_back(store: Store, tmp_path: Path) -> None:
    async with api(store, tmp_path, query_rate_limit_per_minute=3) as client:
        answers = [(await client.get("/live")) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) == 20


async def test_an_address_has_500_requests_a_minute_unless_told_otherwise(store: Store, tmp_path: Path) -> None:
    async with api(store, tmp_path) as client:
        statuses = [(await client.get("/live")).status_code for _ in range(501)]
    assert statuses == [200] * 500 + [429]


async def test_every_request_leaves_one_line_in_the_audit_log_and_no_secret(store: Store, tmp_path: Path) -> None:
    async with api(store, tmp_path, api_key="s3cret") as client:
        with capture_logs() as logs:
            await client.get("/api/services?prefix=hidden", headers={"X-API-Key": "s3cret"})
            await client.post("/vql/execute", json={"query": "SELECT hidden FROM metrics"})
            await client.get("/api/logs%0a%1b[31m")
    lines = [line for line in logs if line["event"] == "request"]
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [
        ("GET", "/api/services", 200),
        ("POST", "/vql/execute", 401),
        ("GET", "/api/logs\n\x1b[31m", 401),
    ]
    assert (lines[0]["workspace"], lines[0]["address"]) == ("default", "192.0.2.1")
    assert not any(secret in str(logs) for secret in ("s3cret", "hidden"))


async def test_own_metrics_count_by_route_template(store: Store, tmp_path: Path) -> None:
    async with api(store, tmp_path) as client:
        await client.get("/api/services/checkout")
        await client.get("/wp-admin.php")
        await client.post("/vql/execute", json={"query": "SELECT nope FROM metrics"})
        text = (await client.get("/metrics")).text
    assert 'vantage_api_requests_total{method="GET",route="/api/services/{service}",status="200"} 1.0' in text
    assert 'vantage_api_requests_total{method="GET",route="other",status="404"} 1.0' in text
    assert 'vantage_api_vql_queries_total{outcome="rejected"} 1.0' in text
    assert 'vantage_api_database_query_duration_seconds_count{table="metrics"}' in text


async def test_a_history_is_the_same_from_minutes_that_are_rolled_up(store: Store, tmp_path: Path) -> None:
    """The last test here: rows that come later would wait for their hour to be computed again."""
    asked = {"environment": "production", "step": 300, "start": NOON_MS - 3_600_000, "end": NOON_MS}
    path = "/health/history/checkout"
    async with api(store, tmp_path / "before") as client:
        raw = await got(client, path, **asked)
    assert store.rollups is not None
    assert await store.rollups.recompute("metrics", NOON_MS - 3_600_000, NOON_MS)
    async with api(store, tmp_path / "after") as client:
        rolled = await got(client, path, **asked)
    assert (raw["source"], rolled["source"]) == ("metrics", "service_1m")
    assert len(raw["points"]) == len(rolled["points"]) == 12
    for one, other in zip(raw["points"], rolled["points"], strict=True):
        assert other == one | {"p95_ms": pytest.approx(one["p95_ms"], rel=0.01) if one["p95_ms"] else None}
