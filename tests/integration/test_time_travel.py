"""The past city: what the live one showed comes back from raw rows, from slots of ten seconds, and from minutes."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any

import httpx
import pytest
import pytest_asyncio
from vantage_api.app import create_app
from vantage_api.live.state import City, ServiceView
from vantage_collector.preaggregate import preaggregate
from vantage_collector.pulse import pulses_of_samples, pulses_of_spans
from vantage_collector.series import by_series
from vantage_common.bus.open import open_bus
from vantage_common.clock import ManualClock
from vantage_common.model import Sample, Span
from vantage_common.store.api import Store
from vantage_common.store.open import open_store

from tests.contract.store_rows import block
from tests.integration.running_api import settings_for

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
BASE_MS = round(time() * 1000) // HOUR_MS * HOUR_MS - 2 * HOUR_MS
"""The engine drops what is old by its own clock, so the tests' hour is a late one."""
FROM_S = BASE_MS // 1000 + 1790
SECONDS = 80
LAG_MS = 1200
MOMENTS_MS = [(FROM_S + n) * 1000 for n in range(10, SECONDS + 1, 10)]
HOSTILE = "<img src=x>\x1b[31m\u202e"


def samples_of(second: int, chance: random.Random) -> list[Sample]:
    """A second of the fleet: busy checkout of three instances, quiet cart, web that calls them, and a nasty name."""
    loads = (("checkout", 12, "web"), ("cart", 1, "web"), ("web", 20, ""), (HOSTILE, 2, "stranger"))
    return [
        Sample(
            timestamp=second * 1000 + chance.randrange(1000),
            service_name=service,
            metric_name="http.request.duration",
            metric_type="histogram",
            value=chance.lognormvariate(3.5, 0.6),
            environment="production",
            instance=f"{service}-{chance.randrange(3)}",
            status_code=500 if chance.random() < 0.08 else 200,
            tags={"caller": caller} if caller else {},
        )
        for service, requests, caller in loads
        for _ in range(requests)
        if not (service == "cart" and second % 10 < 5)
    ]


def spans_of(second: int) -> list[Span]:
    return [
        Span(
            timestamp=second * 1000 + 100.0 + n,
            trace_id=f"t{second}",
            span_id=f"{second}-{n}",
            service_name="legacy",
            name="GET /",
            kind="server",
            duration_ms=30.0 + n,
            status="error" if n == 0 else "ok",
            environment="production",
            instance="l1",
            caller="web",
        )
        for n in range(5)
    ]


@dataclass
class Lived:
    """What the live city showed at each of `MOMENTS_MS`, and the store that holds the same requests."""

    store: Store
    shown: dict[int, dict[str, ServiceView]]
    edges: dict[int, set[tuple[str | None, str, float]]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lived(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lived]:
    store = open_store(settings_for(tmp_path_factory.mktemp("store")))
    await store.admin.migrate()
    city, chance = City(), random.Random(7)
    lived = Lived(store, {}, {})
    rows: list[Sample] = []
    spans: list[Span] = []
    for second in range(FROM_S, FROM_S + SECONDS):
        series = by_series(samples_of(second, chance))
        rows += preaggregate(series)
        spans += spans_of(second)
        arrived_ms = second * 1000 + LAG_MS
        for pulse in (*pulses_of_samples("default", series), *pulses_of_spans("default", spans_of(second))):
            city.ingest(pulse, arrived_ms)
        city.requests(arrived_ms)
        if (second + 1) * 1000 in MOMENTS_MS:
            lived.shown[(second + 1) * 1000] = {view.building.key.name: view for view in city.view(arrived_ms)}
            names = {b.slot: b.key.name for b in city.registry.buildings.values()}
            lived.edges[(second + 1) * 1000] = {
                (None if e["from"] is None else names[e["from"]], names[e["to"]], e["rps"])
                for e in city.edges(arrived_ms)
            }
    await store.writer.insert("metrics", block("metrics", rows), token="m")
    await store.writer.insert("spans", block("spans", spans), token="s")
    other = [
        Sample(
            timestamp=FROM_S * 1000,
            service_name="secret",
            metric_name="http.request.duration",
            metric_type="histogram",
            value=1.0,
            count=1000,
            environment="production",
        )
    ]
    await store.writer.insert("metrics", block("metrics", other, workspace="other"), token="o")
    yield lived
    await store.close()


@asynccontextmanager
async def api_at(store: Store, directory: Path, now_ms: int) -> AsyncIterator[httpx.AsyncClient]:
    settings = settings_for(directory, retention_raw_days=90)
    clock = ManualClock(now_ms)
    app = create_app(settings, store, open_bus(settings, clock), clock)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://api") as client:
        yield client


async def got(client: httpx.AsyncClient, path: str, **params: Any) -> Any:
    answer = await client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def roll_up(store: Store) -> None:
    assert store.rollups is not None
    for source in ("metrics", "spans"):
        await store.rollups.recompute(source, BASE_MS, BASE_MS + HOUR_MS)
        await store.rollups.advance(source, BASE_MS + HOUR_MS)


async def assert_same(client: httpx.AsyncClient, lived: Lived, at_ms: int) -> dict[str, Any]:
    """The stored moment is the live one: figures exactly, quantiles within 1 %."""
    body: dict[str, Any] = await got(client, "/api/city", at=at_ms)
    assert (body["at"], body["resolution_s"]) == (at_ms, 10)
    stored = {service["name"]: service for service in body["services"]}
    assert stored.keys() == lived.shown[at_ms].keys()
    for name, view in lived.shown[at_ms].items():
        then, measured = stored[name], view.measured
        assert (then["rps"], then["error_ratio"]) == (measured.rps, measured.error_ratio), name
        assert then["pods"] == measured.pods, name
        assert then["p95_ms"] == (None if measured.p95_ms is None else pytest.approx(measured.p95_ms, rel=0.01)), name
        assert then["status"] == measured.health.status, name
    return body


async def test_the_open_hour_comes_back_from_raw_rows_as_it_was_shown(lived: Lived, tmp_path: Path) -> None:
    async with api_at(lived.store, tmp_path, (FROM_S + SECONDS + 5) * 1000) as client:
        for at_ms in MOMENTS_MS[5:]:
            body = await assert_same(client, lived, at_ms)
            names = {service["slot"]: service["name"] for service in body["services"]}
            edges = {(names.get(e["from"]), names[e["to"]], round(e["rps"], 6)) for e in body["edges"]}
            assert edges == {edge for edge in lived.edges[at_ms] if edge[2]}
        between = await got(client, "/api/city", at=MOMENTS_MS[6] + 7_900)
        assert between["at"] == MOMENTS_MS[6]


async def test_a_closed_hour_comes_back_from_its_slots_of_ten_seconds(lived: Lived, tmp_path: Path) -> None:
    await roll_up(lived.store)
    async with api_at(lived.store, tmp_path, BASE_MS + 2 * HOUR_MS) as client:
        for at_ms in MOMENTS_MS[5:]:
            await assert_same(client, lived, at_ms)
        metrics = (await client.get("/metrics")).text
        assert 'query_duration_seconds_count{table="city_10s"}' in metrics
        assert 'query_duration_seconds_count{table="edges_1m"}' in metrics


async def test_after_a_week_a_moment_is_a_minute(lived: Lived, tmp_path: Path) -> None:
    await roll_up(lived.store)
    minute_ms = (FROM_S + SECONDS) * 1000 // 60_000 * 60_000
    async with api_at(lived.store, tmp_path, BASE_MS + 8 * DAY_MS) as client:
        body = await got(client, "/api/city", at=minute_ms + 30_000)
        assert (body["at"], body["resolution_s"]) == (minute_ms, 60)
        stored = {service["name"]: service for service in body["services"]}
        slots = [lived.shown[at] for at in MOMENTS_MS if minute_ms - 60_000 < at <= minute_ms]
        for name in ("checkout", "web", "legacy"):
            requests = sum(shown[name].measured.count for shown in slots)
            assert stored[name]["rps"] == pytest.approx(requests / 60)
        assert stored["checkout"]["pods"] == 3


async def test_a_replay_is_its_moments_in_one_answer(lived: Lived, tmp_path: Path) -> None:
    async with api_at(lived.store, tmp_path, BASE_MS + 2 * HOUR_MS) as client:
        body = await got(client, "/api/city/replay", start=MOMENTS_MS[4], end=MOMENTS_MS[-1], step=10)
        assert [frame["at"] for frame in body["frames"]] == MOMENTS_MS[4:]
        slots = {service["slot"]: service for service in body["services"]}
        for frame in body["frames"][1:]:
            moment = await got(client, "/api/city", at=frame["at"])
            assert {s["slot"]: s["id"] for s in moment["services"]} == {n: s["id"] for n, s in slots.items()}
            for row in frame["rows"]:
                shown = dict(zip(body["columns"], row, strict=True))
                service = next(s for s in moment["services"] if s["slot"] == shown["slot"])
                assert shown["rps"] == pytest.approx(service["rps"], abs=0.001)
                assert (shown["pods"], shown["health_score"]) == (service["pods"], service["health_score"])
                assert body["statuses"][shown["status"]] == service["status"]
                place = slots[shown["slot"]]
                assert (place["x"], place["z"]) == (service["x"], service["z"])
            assert len(frame["rows"]) == len(moment["services"])


async def test_before_anything_was_sent_the_city_is_empty_and_without_data_it_is_unknown(
    lived: Lived, tmp_path: Path
) -> None:
    async with api_at(lived.store, tmp_path, BASE_MS + 2 * HOUR_MS) as client:
        empty = await got(client, "/api/city", at=(FROM_S - 100) * 1000)
        assert (empty["services"], empty["edges"]) == ([], [])
        quiet = await got(client, "/api/city", at=(FROM_S + SECONDS + 300) * 1000)
        assert {(s["status"], s["health_score"], s["rps"], s["pods"]) for s in quiet["services"]} == {
            ("UNKNOWN", None, 0.0, 0)
        }
        assert len(quiet["services"]) == 5
        gone = await got(client, "/api/city", at=(FROM_S + SECONDS + 1000) * 1000)
        assert gone["services"] == []
        replay = await got(client, "/api/city/replay", start=(FROM_S - 3000) * 1000, end=(FROM_S - 100) * 1000)
        assert (replay["services"], {len(frame["rows"]) for frame in replay["frames"]}) == ([], {0})


@pytest.mark.parametrize(
    ("path", "params", "status", "code"),
    [
        ("/api/city", {"at": BASE_MS - 91 * DAY_MS}, 404, "beyond_retention"),
        ("/api/city", {"at": BASE_MS + 3 * HOUR_MS}, 400, "bad_time"),
        ("/api/city", {"at": "yesterday"}, 400, "bad_time"),
        ("/api/city", {"at": "1e300"}, 400, "bad_time"),
        ("/api/city/replay", {"start": BASE_MS, "end": BASE_MS - 1}, 400, "bad_range"),
        ("/api/city/replay", {"start": BASE_MS - 95 * DAY_MS, "end": BASE_MS}, 404, "beyond_retention"),
        ("/api/city/replay", {"start": BASE_MS - DAY_MS, "end": BASE_MS, "step": 10}, 400, "too_many_frames"),
        (
            "/api/city/replay",
            {"start": BASE_MS - 8 * DAY_MS, "end": BASE_MS - 8 * DAY_MS + 1000, "step": 10},
            400,
            "bad_step",
        ),
        ("/api/city/replay", {"step": 0}, 422, "invalid_request"),
        ("/api/city/replay", {"step": 7}, 400, "bad_step"),
    ],
)
async def test_what_cannot_be_rebuilt_is_refused_in_words(
    lived: Lived, tmp_path: Path, path: str, params: dict[str, Any], status: int, code: str
) -> None:
    async with api_at(lived.store, tmp_path, BASE_MS + 2 * HOUR_MS) as client:
        answer = await client.get(path, params=params)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
