"""The trace calls over stored rows, on both engines; where hours are rolled up the answers are those of raw rows."""

import random
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio
from vantage_api.app import create_app
from vantage_api.ask import Ask
from vantage_api.metrics import ApiMetrics
from vantage_api.times import Range
from vantage_api.traces import lookup, search
from vantage_common.bus.open import open_bus
from vantage_common.clock import ManualClock
from vantage_common.errors import UserError
from vantage_common.store.api import Store
from vantage_common.store.open import open_store
from vantage_common.store.plan import QueryPlan, Result

from tests.contract.store_rows import NOON_MS, Kind, block, rows_of
from tests.integration.running_api import settings_for

pytestmark = pytest.mark.asyncio(loop_scope="module")
HOUR_MS: Final = 3_600_000
NOW_MS: Final = NOON_MS // HOUR_MS * HOUR_MS + HOUR_MS // 2
DAY: Final = {"start": NOW_MS - 24 * HOUR_MS, "end": NOW_MS}


def span(
    trace: str, span_id: str, parent: str, service: str, kind: str, at_ms: float, duration_ms: float, **more: Any
) -> dict[str, Any]:
    return {
        "trace_id": trace,
        "span_id": span_id,
        "parent_span_id": parent,
        "service_name": service,
        "name": f"{kind} of {service}",
        "kind": kind,
        "timestamp": at_ms,
        "duration_ms": duration_ms,
        "status": "ok",
        "environment": "production",
        **more,
    }


def shop(trace: str, at_ms: float, *, failed: bool = False, slow_ms: float = 30.0) -> list[dict[str, Any]]:
    """A request through three services, a database and a queue; only OTLP spans."""
    status = "error" if failed else "ok"
    return [
        span(trace, "a", "", "web", "server", at_ms, slow_ms + 20, attributes={"http.route": "/buy", "user": "<b>x"}),
        span(trace, "b", "a", "web", "client", at_ms + 5, slow_ms + 5, attributes={"server.address": "pay.internal"}),
        span(trace, "c", "b", "pay", "server", at_ms + 8, slow_ms, status=status),
        span(
            trace,
            "d",
            "c",
            "pay",
            "client",
            at_ms + 9,
            slow_ms / 2,
            status=status,
            attributes={"db.system": "postgresql", "db.namespace": "orders"},
        ),
        span(trace, "e", "c", "pay", "producer", at_ms + 10, 1.0),
        span(trace, "f", "e", "mail", "consumer", at_ms + 400, 90.0),
        span(trace, "g", "c", "pay", "client", at_ms + 11, 4.0, attributes={"peer.service": "stripe"}),
    ]


def traffic(rng: random.Random, number: int = 300) -> list[dict[str, Any]]:
    """A day of such requests; some cross the end of an hour."""
    spans: list[dict[str, Any]] = []
    for index in range(number):
        at_ms = NOW_MS - rng.uniform(1, 24) * HOUR_MS
        if index % 10 == 0:
            at_ms = at_ms // HOUR_MS * HOUR_MS - rng.uniform(0, 20)
        spans += shop(
            f"t{index}", round(at_ms, 3), failed=rng.random() < 0.2, slow_ms=round(rng.lognormvariate(3, 1), 3)
        )
    return spans


FIXED_MS: Final = NOW_MS - 60_000
OPEN_MS: Final = NOW_MS // HOUR_MS * HOUR_MS - 2 * HOUR_MS
"""From here on nothing is rolled up."""
SPANS: Final = [
    *shop("border", OPEN_MS - 300),
    *traffic(random.Random(1)),
    *shop("fixed", FIXED_MS, failed=True),
    *shop("fixed", FIXED_MS, failed=True),
]


PAUSED: Final = [
    span("paused", "a", "", "secret", "server", OPEN_MS - 30 * 60_000, 10.0),
    span("paused", "b", "a", "secret", "server", OPEN_MS + 20 * 60_000, 10.0),
]
"""Of the other workspace: it goes on in the hours that are not rolled up."""


def request(service: str, caller: str, at_ms: int, count: int, **more: Any) -> dict[str, Any]:
    return {
        "timestamp": at_ms,
        "service_name": service,
        "metric_name": "http.request.duration",
        "metric_type": "histogram",
        "value": 50.0,
        "count": count,
        "environment": "production",
        "tags": {"caller": caller} if caller else {},
        **more,
    }


SAMPLES: Final = [
    request("cart", "web", FIXED_MS, 7),
    request("cart", "web", FIXED_MS, 3, status_code=500, value=900.0, trace_id="fixed", span_id="c", endpoint="/x"),
    request("cart", "", FIXED_MS, 90, value=20.0, trace_id="other"),
    request("cart", "agent", NOW_MS - 10 * HOUR_MS, 5),
]
CALLED_TWICE_TOLD: Final = span("told", "x", "y", "cart", "server", FIXED_MS + 1.5, 50.0, caller="web")
LOGS: Final[list[dict[str, Any]]] = [
    {"timestamp": FIXED_MS + at, "service_name": service, "severity": "INFO", "body": body, **more}
    for at, service, body, more in (
        (9, "pay", "asking the database", {"trace_id": "fixed", "span_id": "d"}),
        (8, "pay", "hello", {"trace_id": "fixed", "span_id": "c"}),
        (10, "pay", "no trace", {}),
        (10, "web", "elsewhere", {}),
        (5_000, "pay", "later", {}),
    )
]


@pytest.fixture(scope="module", params=["chdb", "sqlite"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def store(engine: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Store]:
    store = open_store(settings_for(tmp_path_factory.mktemp(engine), store=engine))
    await store.admin.migrate()
    kinds: tuple[tuple[Kind, Sequence[dict[str, Any]]], ...] = (
        ("metrics", SAMPLES),
        ("spans", [*SPANS, CALLED_TWICE_TOLD]),
        ("logs", LOGS),
    )
    for kind, items in kinds:
        await store.writer.insert(kind, block(kind, rows_of(kind, items)), token=kind)
    other = [span("theirs", "s", "", "secret", "server", FIXED_MS, 10.0), *PAUSED]
    await store.writer.insert("spans", block("spans", rows_of("spans", other), workspace="other"), token="o")
    if store.rollups is not None:
        await roll_up(store)
    yield store
    await store.close()


async def roll_up(store: Store) -> None:
    """Every hour but the last three; those are read from raw rows."""
    assert store.rollups is not None
    for hour in range(OPEN_MS - 23 * HOUR_MS, OPEN_MS, HOUR_MS):
        await store.rollups.recompute("metrics", hour, NOW_MS)
        await store.rollups.recompute("spans", hour, NOW_MS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(store: Store, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    settings = settings_for(tmp_path_factory.mktemp("bus"))
    clock = ManualClock(NOW_MS)
    app = create_app(settings, store, open_bus(settings, clock), clock)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://api") as client:
        yield client


async def got(client: httpx.AsyncClient, path: str, **params: Any) -> Any:
    answer = await client.get(path, params=params or None)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(client: httpx.AsyncClient, status: int, path: str, **params: Any) -> dict[str, Any]:
    answer = await client.get(path, params=params or None)
    assert answer.status_code == status, answer.text
    error: dict[str, Any] = answer.json()["error"]
    return error


def expected(fits: Callable[[list[dict[str, Any]]], bool]) -> dict[str, tuple[Any, ...]]:
    """(begin, duration, spans, errors) of the traces that fit, by an oracle of a few lines."""
    found = {}
    for trace in {item["trace_id"] for item in SPANS}:
        once = {item["span_id"]: item for item in SPANS if item["trace_id"] == trace}
        if not fits(list(once.values())):
            continue
        start = min(item["timestamp"] for item in once.values())
        end = max(item["timestamp"] + item["duration_ms"] for item in once.values())
        failed = sum(item["status"] == "error" for item in once.values())
        found[trace] = (start, pytest.approx(end - start, abs=0.01), len(once), failed)
    return found


def length(trace: list[dict[str, Any]]) -> float:
    start: float = min(item["timestamp"] for item in trace)
    end: float = max(item["timestamp"] + item["duration_ms"] for item in trace)
    return end - start


QUESTIONS: Final[list[tuple[dict[str, Any], Callable[[list[dict[str, Any]]], bool]]]] = [
    ({}, lambda trace: True),
    ({"status": "error"}, lambda trace: any(item["status"] == "error" for item in trace)),
    ({"status": "ok"}, lambda trace: all(item["status"] == "ok" for item in trace)),
    ({"min_duration_ms": 520, "max_duration_ms": 600}, lambda trace: 520 <= length(trace) <= 600),
    ({"service": "mail", "status": "error"}, lambda trace: False),
    (
        {"service": "pay", "status": "error", "min_duration_ms": 40},
        lambda trace: any(
            item["service_name"] == "pay" and item["status"] == "error" and item["duration_ms"] >= 40 for item in trace
        ),
    ),
    (
        {"service": "pay", "min_duration_ms": 60, "max_duration_ms": 90},
        lambda trace: any(item["service_name"] == "pay" and 60 <= item["duration_ms"] <= 90 for item in trace),
    ),
    (
        {"operation": "server of pay", "status": "error"},
        lambda trace: any(item["name"] == "server of pay" and item["status"] == "error" for item in trace),
    ),
    ({"service": "web", "tag": ["http.route:/buy", "user:<b>x"]}, lambda trace: True),
    ({"service": "web", "tag": ["http.route:/buy", "user:y"]}, lambda trace: False),
    ({"service": "web", "environment": "staging"}, lambda trace: False),
]


@pytest.mark.parametrize(("question", "fits"), QUESTIONS)
@pytest.mark.parametrize("sort", ["newest", "slowest"])
async def test_a_search_finds_what_fits_page_by_page(
    client: httpx.AsyncClient, question: dict[str, Any], fits: Callable[[list[dict[str, Any]]], bool], sort: str
) -> None:
    wanted, found, cursor = expected(fits), list[dict[str, Any]](), None
    while True:
        more: dict[str, str] = {} if cursor is None else {"cursor": cursor}
        page = await got(client, "/traces/search", **DAY, **question, sort=sort, limit=45, **more)
        found += page["traces"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        assert len(page["traces"]) == 45
    ours = [trace for trace in found if trace["trace_id"] != "told"]
    assert {
        trace["trace_id"]: (trace["start"], trace["duration"], trace["span_count"], trace["error_count"])
        for trace in ours
    } == wanted
    assert len(ours) == len(wanted)
    keys = [trace["start" if sort == "newest" else "duration"] for trace in found]
    assert keys == sorted(keys, reverse=True)
    assert {trace["service"] for trace in ours} <= {"web"}
    assert all(trace["services"] == ["mail", "pay", "web"] for trace in ours)


async def test_rollups_are_used_where_they_answer(client: httpx.AsyncClient, engine: str) -> None:
    rolled = ["spans", "traces"] if engine == "chdb" else ["spans"]
    assert (await got(client, "/traces/search", **DAY, limit=500))["sources"] == rolled
    tagged = await got(client, "/traces/search", **DAY, tag="http.route:/buy", limit=500)
    assert tagged["sources"] == ["spans"]
    recent = await got(client, "/traces/search", limit=1)
    assert recent["sources"] == ["spans"]


async def test_the_newest_are_found_without_a_look_at_the_rest() -> None:
    asked = Range(NOW_MS - 30 * 24 * HOUR_MS, NOW_MS)
    until = NOW_MS // HOUR_MS * HOUR_MS - HOUR_MS
    parts = list(search.windows(asked, ((0, until),)))
    assert [part.end_ms for part, _ in parts][1:] == [part.start_ms for part, _ in parts][:-1]
    assert (parts[0][0].end_ms, parts[-1][0].start_ms) == (NOW_MS, asked.start_ms)
    assert parts[0][0].end_ms - parts[0][0].start_ms == HOUR_MS
    assert all(search.around(part).end_ms <= until for part, table in parts if table == "traces")
    assert len(parts) < 20


async def test_a_cursor_of_another_sort_is_refused(client: httpx.AsyncClient) -> None:
    page = await got(client, "/traces/search", **DAY, limit=1)
    error = await refused(client, 400, "/traces/search", cursor=page["next_cursor"], sort="slowest")
    assert error["code"] == "bad_cursor"
    assert (await refused(client, 400, "/traces/search", tag="novalue"))["code"] == "bad_tag"
    assert (await refused(client, 422, "/traces/search", max_duration_ms="nan"))["code"] == "invalid_request"


async def test_a_search_that_takes_too_long_says_where_it_stopped(store: Store) -> None:
    class Slow(ManualClock):
        def monotonic(self) -> float:
            self.advance(search.WITHIN_S)
            return super().monotonic()

    async def ask(plan: QueryPlan) -> Result:
        return await store.reader.query(plan)

    asked = Range(*DAY.values())

    def searching(sort: search.Sort, clock: ManualClock) -> search.Search:
        return search.Search(ask, clock, "default", search.Criteria(operation="nobody's"), sort)  # type: ignore[arg-type]  # called is all it is

    page = await searching("newest", Slow(NOW_MS)).page(asked, (), None, 10)
    assert page.traces == []
    assert page.next_cursor is not None
    assert search.position(page.next_cursor, "newest").value < NOW_MS
    rest = await searching("newest", ManualClock(NOW_MS)).page(asked, (), page.next_cursor, 10)
    assert rest.next_cursor is None
    with pytest.raises(UserError, match="slowest"):
        await searching("slowest", Slow(NOW_MS)).page(asked, (), None, 10)


async def test_a_trace_is_a_tree_with_its_critical_path(client: httpx.AsyncClient) -> None:
    body = await got(client, "/traces/fixed")
    shown = [(item["span_id"], item["depth"], item["offset"], item["self_ms"]) for item in body["spans"]]
    assert shown == [
        ("a", 0, 0.0, 15.0),
        ("b", 1, 5.0, 5.0),
        ("c", 2, 8.0, 15.0),
        ("d", 3, 9.0, 15.0),
        ("e", 3, 10.0, 1.0),
        ("f", 4, 400.0, 90.0),
        ("g", 3, 11.0, 4.0),
    ]
    assert sum(step["duration"] for step in body["critical_path"]) == pytest.approx(50.0)
    assert [step["span_id"] for step in body["critical_path"]] == ["a", "b", "c", "d", "c", "b", "a"]
    assert (body["span_count"], body["error_count"], body["truncated"]) == (7, 2, False)
    assert [(error["span_id"], error["is_origin"]) for error in body["errors"]] == [("d", True), ("c", False)]
    assert sum(share["critical_share"] for share in body["services"]) == pytest.approx(1.0)


@pytest.mark.parametrize("hint", [{}, {"start": FIXED_MS}, {"start": FIXED_MS - HOUR_MS, "end": NOW_MS}])
async def test_a_trace_is_found_with_and_without_a_time(client: httpx.AsyncClient, hint: dict[str, int]) -> None:
    assert len(await got(client, "/traces/", trace_id="fixed", **hint)) == 7
    old = (await got(client, "/traces/search", **DAY, sort="newest", limit=500))["traces"][-1]
    assert len((await got(client, f"/traces/{old['trace_id']}"))["spans"]) == 7
    assert len((await got(client, "/traces/border"))["spans"]) == 7


async def test_the_spans_of_a_trace_come_by_start(client: httpx.AsyncClient) -> None:
    spans = await got(client, "/traces/", trace_id="fixed")
    assert [item["span_id"] for item in spans] == ["a", "b", "c", "d", "e", "g", "f"]


async def test_a_trace_that_goes_on_after_a_pause_is_whole(store: Store) -> None:
    ask = Ask(store, ApiMetrics(), ManualClock(NOW_MS))
    rows = await lookup.rows_of(ask, "other", "paused", None, 10, with_attributes=False)
    assert [row["span_id"] for row in rows] == ["a", "b"]


async def test_a_time_that_is_wrong_finds_nothing(client: httpx.AsyncClient) -> None:
    await refused(client, 404, "/traces/fixed", start=NOW_MS - 20 * HOUR_MS, end=NOW_MS - 10 * HOUR_MS)


async def test_a_large_trace_is_cut_and_says_so(client: httpx.AsyncClient) -> None:
    body = await got(client, "/traces/fixed", limit=3)
    assert [item["span_id"] for item in body["spans"]] == ["a", "b"]
    assert body["truncated"]


@pytest.mark.parametrize("path", ["/traces/unknown", "/traces/unknown/logs", "/traces/theirs", "/traces/a%2F..%2Fb"])
async def test_an_unknown_trace_is_404_with_a_hint(client: httpx.AsyncClient, path: str) -> None:
    error = await refused(client, 404, path)
    assert error["code"] == "unknown_trace"
    assert "kept 3650 days" in error["hint"]


async def test_names_from_outside_are_inert(client: httpx.AsyncClient, store: Store) -> None:
    wild = "\x1b[31m<script>alert(1)</script>\x00';--"
    item = span(wild, wild, "", "wild", "server", NOW_MS - 30 * HOUR_MS, 1.0) | {"name": wild}
    await store.writer.insert("spans", block("spans", rows_of("spans", [item])), token="wild")
    answer = await client.get("/traces/" + quote(wild, safe=""))
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["spans"][0]["name"] == wild
    around = {"start": NOW_MS - 31 * HOUR_MS, "end": NOW_MS - 29 * HOUR_MS}
    found = await got(client, "/traces/search", operation=wild, **around)
    assert [trace["trace_id"] for trace in found["traces"]] == [wild]
    unknown = await client.get("/traces/" + quote(wild + "?", safe=""))
    assert unknown.status_code == 404
    assert not {"\x1b", "\x00"} & set(answer.text + unknown.text)


async def test_the_map_joins_spans_and_counts_no_call_twice(client: httpx.AsyncClient) -> None:
    body = await got(client, "/traces/service-map")
    edges = {(edge["caller"], edge["callee"]): edge for edge in body["edges"]}
    assert {key: (edge["count"], edge["kind"], edge["source"]) for key, edge in edges.items()} == {
        ("service:web", "service:cart"): (10, "service", "metric"),
        ("service:web", "service:pay"): (1, "service", "span"),
        ("service:pay", "service:mail"): (1, "messaging", "span"),
        ("service:pay", "database:postgresql/orders"): (1, "database", "span"),
        ("service:pay", "external:stripe"): (1, "external", "span"),
    }
    called = edges["service:web", "service:cart"]
    assert (called["error_ratio"], called["rps"]) == (0.3, pytest.approx(10 / 3600))
    assert (called["p50_ms"], called["p95_ms"]) == (pytest.approx(50, rel=0.01), pytest.approx(900, rel=0.01))
    nodes = {node["id"]: node for node in body["nodes"]}
    assert set(nodes) == {end for key in edges for end in key}
    assert nodes["service:cart"]["rps"] == pytest.approx(100 / 3600)
    assert nodes["service:mail"]["p95_ms"] == pytest.approx(90, rel=0.01)
    assert nodes["database:postgresql/orders"]["error_ratio"] == 1.0


async def test_the_map_of_a_service_has_its_own_edges(client: httpx.AsyncClient) -> None:
    body = await got(client, "/traces/service-map", service="mail")
    assert [(edge["caller"], edge["callee"]) for edge in body["edges"]] == [("service:pay", "service:mail")]
    assert {node["name"] for node in body["nodes"]} == {"pay", "mail"}
    assert (await got(client, "/traces/service-map", environment="staging"))["edges"] == []


async def test_the_map_of_a_day_adds_rollups_and_raw_rows_up(client: httpx.AsyncClient, engine: str) -> None:
    body = await got(client, "/traces/service-map", **DAY)
    edges = {(edge["caller"], edge["callee"]): edge for edge in body["edges"]}
    assert edges["service:web", "service:pay"]["count"] == 302
    assert edges["service:pay", "service:mail"]["count"] == 302
    assert edges["service:pay", "database:postgresql/orders"]["count"] == 302
    assert edges["service:agent", "service:cart"]["count"] == 5
    assert ("service:web", "external:pay.internal") not in edges
    took = sorted(
        item["duration_ms"]
        for item in {(i["trace_id"], i["span_id"]): i for i in SPANS}.values()
        if item["span_id"] == "c"
    )
    rank = -(-95 * len(took) // 100)
    assert edges["service:web", "service:pay"]["p95_ms"] == pytest.approx(took[rank - 1], rel=0.011)
    assert ("edges_1m" in body["sources"]) == (engine == "chdb")


async def test_a_metric_leads_to_its_traces(client: httpx.AsyncClient) -> None:
    body = await got(client, "/api/metrics/exemplars", service="cart")
    found = [(one["value"], one["count"], one["trace_id"]) for one in body["exemplars"]]
    assert (body["source"], found) == ("metrics", [(900.0, 3, "fixed"), (20.0, 90, "other")])
    slow = await got(client, "/api/metrics/exemplars", service="cart", min_value=100)
    assert [one["endpoint"] for one in slow["exemplars"]] == ["/x"]
    spread = await got(client, "/api/metrics/exemplars", service="cart", order="spread", limit=2)
    assert [one["trace_id"] for one in spread["exemplars"]] == ["fixed"]


async def test_requests_told_by_spans_alone_lead_to_traces_too(client: httpx.AsyncClient) -> None:
    body = await got(client, "/api/metrics/exemplars", service="web", **DAY, limit=3)
    assert body["source"] == "spans"
    values = [one["value"] for one in body["exemplars"]]
    slowest = sorted((item["duration_ms"] for item in SPANS if item["span_id"] == "a"), reverse=True)[:3]
    assert values == slowest
    spread = await got(client, "/api/metrics/exemplars", service="web", **DAY, order="spread", limit=24)
    assert 10 < len(spread["exemplars"]) <= 25


async def test_the_lines_of_a_trace_and_near_a_span(client: httpx.AsyncClient) -> None:
    lines = (await got(client, "/traces/fixed/logs"))["logs"]
    assert [line["body"] for line in lines] == ["hello", "asking the database"]
    of_span = (await got(client, "/traces/fixed/logs", span_id="d"))["logs"]
    assert [(line["body"], line["relation"]) for line in of_span] == [("asking the database", "span")]
    near = (await got(client, "/traces/fixed/logs", span_id="d", near_ms=500))["logs"]
    assert [(line["body"], line["relation"]) for line in near] == [
        ("hello", "trace"),
        ("asking the database", "span"),
        ("no trace", "near"),
    ]
    assert (await refused(client, 404, "/traces/fixed/logs", span_id="zz", near_ms=5))["code"] == "unknown_span"
