"""Views that are kept as a whole: what they ask the store for, and that they are those of their rows. One store serves
the whole file; every test has a workspace of its own."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
import pytest_asyncio
from msgspec.structs import replace
from vantage_api.app import create_app
from vantage_api.live.feed import Live
from vantage_common.bus.open import open_bus
from vantage_common.clock import ManualClock
from vantage_common.model import Pulse, Sample, Span
from vantage_common.store.api import Store
from vantage_common.store.open import open_store
from vantage_common.store.plan import QueryPlan, Result

from tests.contract.store_rows import NOON_MS, block
from tests.integration.running_api import settings_for

pytestmark = pytest.mark.asyncio(loop_scope="module")
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
BEGIN_MS = NOON_MS - 30 * MINUTE_MS


def request(at_ms: int, status: int = 200) -> Sample:
    return Sample(
        timestamp=at_ms,
        service_name="checkout",
        metric_name="http.request.duration",
        metric_type="histogram",
        value=20.0,
        count=10,
        environment="production",
        status_code=status,
    )


def span(at_ms: int, status: Literal["ok", "error"] = "ok", trace_id: str = "t") -> Span:
    return Span(
        timestamp=at_ms,
        trace_id=trace_id,
        span_id=f"{at_ms}",
        service_name="checkout",
        name="GET /",
        kind="server",
        duration_ms=20.0,
        status=status,
        environment="production",
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def store(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Store]:
    store = open_store(settings_for(tmp_path_factory.mktemp("views")))
    await store.admin.migrate()
    yield store
    await store.close()


@dataclass
class Tenant:
    """A client of a workspace that nobody else has, and what the API asked the store for."""

    store: Store
    workspace: str
    clock: ManualClock
    client: httpx.AsyncClient
    live: Live
    asked: list[QueryPlan] = field(default_factory=list)

    async def sends(self, table: Literal["metrics", "spans"], *rows: Sample | Span) -> None:
        name = f"{self.workspace} {table} {rows}"
        await self.store.writer.insert(table, block(table, rows, workspace=self.workspace), token=name)

    async def got(self, path: str, **params: Any) -> Any:
        answer = await self.client.get(path, params=params or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def questions(self) -> int:
        """Since the last time."""
        number = len(self.asked)
        self.asked.clear()
        return number

    async def until(self, number: int) -> None:
        """Returns when so many questions have been asked."""
        async with asyncio.timeout(10):
            while len(self.asked) < number:  # noqa: ASYNC110 - what is renewed behind tells nobody
                await asyncio.sleep(0.001)


@asynccontextmanager
async def tenant(store: Store, directory: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Tenant]:
    workspace = directory.name.replace("[", "-").replace("]", "")
    keys = directory / "keys.json"
    keys.write_text(
        json.dumps([{"prefix": "m", "sha256": sha256(b"k").hexdigest(), "workspace": workspace, "scopes": ["query"]}])
    )
    settings, clock = settings_for(directory, api_keys_file=keys), ManualClock(NOON_MS)
    app = create_app(settings, store, open_bus(settings, clock), clock)
    transport = httpx.ASGITransport(app=app, client=("192.0.2.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://api", headers={"X-API-Key": "k"}) as client:
        found = Tenant(store, workspace, clock, client, app.state.live)
        query = store.reader.query

        async def counted(plan: QueryPlan, *, timeout_s: float = 30.0) -> Result:
            found.asked.append(plan)
            return await query(plan, timeout_s=timeout_s)

        monkeypatch.setattr(store.reader, "query", counted)
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def team(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Tenant]:
    async with tenant(store, tmp_path, monkeypatch) as found:
        yield found


async def test_the_availability_of_a_step_is_that_of_the_source_it_is_read_from(team: Tenant) -> None:
    await team.sends(
        "metrics",
        *(request(BEGIN_MS + n * MINUTE_MS, 500 if n == 1 else 200) for n in range(5)),
        *(request(BEGIN_MS + 10 * MINUTE_MS + n * MINUTE_MS) for n in range(5)),
    )
    await team.sends(
        "spans",
        *(span(BEGIN_MS + n * MINUTE_MS, "error") for n in range(5)),
        *(span(BEGIN_MS + 5 * MINUTE_MS + n * MINUTE_MS, "error" if n < 3 else "ok") for n in range(4)),
        *(span(BEGIN_MS + 15 * MINUTE_MS + n * MINUTE_MS) for n in range(4)),
    )
    points = (await team.got("/health/history/checkout", step=300, start=BEGIN_MS, end=BEGIN_MS + 20 * MINUTE_MS))[
        "points"
    ]
    assert [point["requests"] for point in points] == [50, 4, 50, 4]
    assert [point["availability"] for point in points] == [pytest.approx(0.8), pytest.approx(0.25), 1.0, 1.0]


async def test_a_history_asks_for_what_may_have_changed(team: Tenant) -> None:
    """Figures of both sources and what is normal for either; later the figures alone."""
    team.clock.advance(60)  # a new hour has other hours of earlier weeks
    await team.sends("metrics", request(BEGIN_MS))
    await team.got("/api/services")  # the city is open from here on
    team.questions()
    first = await team.got("/health/history/checkout")
    assert team.questions() == 6
    assert await team.got("/health/history/checkout") == first
    assert team.questions() == 0
    team.clock.advance(121)
    await team.sends("metrics", request(NOON_MS + 2 * MINUTE_MS, 500))
    then = await team.got("/health/history/checkout")
    assert team.questions() == 3, "with the minutes in which all failed, since some have"
    assert (first["points"][-1]["requests"], then["points"][-1]["requests"]) == (0, 10)
    assert then["points"][-1]["availability"] == 0.0


async def test_an_older_history_says_of_what_range_it_is_and_is_renewed_behind(team: Tenant) -> None:
    await team.sends("metrics", request(BEGIN_MS))
    first = await team.got("/health/history/checkout")
    team.questions()
    team.clock.advance(61)
    older = await team.got("/health/history/checkout")
    assert (older["end"], older) == (NOON_MS, first)
    await team.until(2)
    async with asyncio.timeout(10):
        while (await team.got("/health/history/checkout"))["end"] == NOON_MS:
            pass
    assert (await team.got("/health/history/checkout"))["end"] == NOON_MS + MINUTE_MS


async def test_a_service_without_requests_is_looked_at_each_time(team: Tenant) -> None:
    await team.sends("metrics", request(NOON_MS - 30 * HOUR_MS))
    assert {point["status"] for point in (await team.got("/health/history/checkout"))["points"]} == {"UNKNOWN"}
    await team.sends("metrics", request(BEGIN_MS))
    assert "HEALTHY" in {point["status"] for point in (await team.got("/health/history/checkout"))["points"]}


async def test_traces_that_were_found_are_kept_for_seconds_and_none_found_not_at_all(team: Tenant) -> None:
    async def ids(**params: Any) -> list[str]:
        return [trace["trace_id"] for trace in (await team.got("/traces/search", **params))["traces"]]

    assert await ids() == []
    await team.sends("spans", span(BEGIN_MS, trace_id="a"))
    assert await ids() == ["a"]
    await team.sends("spans", span(BEGIN_MS + 1000, trace_id="b"))
    team.clock.advance(4)
    assert await ids() == ["a"]
    assert await ids(status="ok") == ["b", "a"], "another question"
    team.clock.advance(7)
    assert await ids() == ["b", "a"]


async def test_a_service_is_live_beside_lists_that_are_kept(team: Tenant) -> None:
    await team.sends("metrics", request(BEGIN_MS))
    first = await team.got("/api/services/checkout")
    assert [endpoint["count"] for endpoint in first["endpoints"]] == [10]
    await team.sends("metrics", request(NOON_MS))
    fields: dict[str, Any] = {"service": "checkout", "environment": "production", "second": NOON_MS // 1000 - 1}
    pulse = Pulse(workspace=team.workspace, count=30, errors=0, **fields)
    (await team.live.open(team.workspace)).ingest(pulse, NOON_MS)
    team.questions()
    then = await team.got("/api/services/checkout")
    assert team.questions() == 0
    assert (first["requests_per_second"], then["requests_per_second"]) == (0.0, 3.0)
    assert then["endpoints"] == first["endpoints"]
    team.clock.advance(61)
    assert [endpoint["count"] for endpoint in (await team.got("/api/services/checkout"))["endpoints"]] == [20]


async def test_a_service_that_lacks_endpoints_is_looked_at_again_within_seconds(team: Tenant) -> None:
    await team.sends("metrics", replace(request(BEGIN_MS), metric_name="queue.depth", metric_type="gauge"))
    for _ in range(2):
        assert (await team.got("/api/services/checkout"))["endpoints"] == []
    await team.sends("metrics", request(NOON_MS))
    team.clock.advance(11)
    assert [endpoint["count"] for endpoint in (await team.got("/api/services/checkout"))["endpoints"]] == [10]


async def test_a_service_without_any_rows_in_the_range_is_looked_at_each_time(team: Tenant) -> None:
    await team.sends("metrics", request(NOON_MS - 30 * HOUR_MS))
    assert (await team.got("/api/services/checkout"))["metrics"] == []
    await team.sends("metrics", request(BEGIN_MS))
    assert (await team.got("/api/services/checkout"))["metrics"] == ["http.request.duration"]


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/api/metrics/timeseries", {"service": "checkout", "agg": "count", "group_by": "status_code"}),
        ("/api/metrics/timeseries", {"service": "checkout", "agg": "p95", "max_points": 10}),
        ("/api/metrics", {"service": "checkout"}),
        ("/api/metrics/tags/status_code/values", {"service": "checkout"}),
        ("/health/history", {}),
        ("/api/services/checkout", {}),
    ],
)
async def test_what_is_kept_is_what_would_be_answered_anew(
    team: Tenant, path: str, params: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await team.sends("metrics", request(BEGIN_MS), request(BEGIN_MS + MINUTE_MS, 500))
    first = await team.got(path, **params)
    assert team.questions() > 0
    assert await team.got(path, **params) == first
    assert team.questions() == 0
    async with tenant(team.store, tmp_path, monkeypatch) as other:
        assert await other.got(path, **params) == first
        assert other.questions() > 0


async def test_a_chart_as_csv_is_read_anew(team: Tenant) -> None:
    await team.sends("metrics", request(BEGIN_MS))
    asked = {"service": "checkout", "agg": "count"}
    await team.got("/api/metrics/timeseries", **asked)
    await team.sends("metrics", request(BEGIN_MS + 1))
    text = (await team.client.get("/api/metrics/timeseries", params=asked | {"format": "csv"})).text
    assert "20.0" in text


ELSEWHERE = {"environment": "production"}


@pytest.mark.parametrize(
    ("path", "variations"),
    [
        (
            "/api/metrics/timeseries",
            [
                {"agg": "p95"},
                {"metric": "queue.depth"},
                {"step": 60},
                {"group_by": "method"},
                {"group_by": "endpoint"},
                {"tag": "status_code:200"},
                {"max_points": 50},
                {"service": "checkout"},
                ELSEWHERE,
            ],
        ),
        ("/api/metrics", [{"service": "checkout"}, {"prefix": "http"}, {"limit": 5}]),
        (
            "/api/metrics/tags/environment/values",
            [{"service": "checkout"}, {"prefix": "p"}, {"limit": 5}, {"metric": "queue.depth"}],
        ),
        ("/health/history", [{"step": 60}, ELSEWHERE]),
        ("/health/history/checkout", [{"step": 60}]),
        (
            "/traces/search",
            [
                {"service": "checkout"},
                {"operation": "GET /"},
                {"status": "ok"},
                {"min_duration_ms": 1},
                {"max_duration_ms": 1000},
                {"tag": "a:"},
                {"sort": "slowest"},
                {"limit": 5},
                ELSEWHERE,
            ],
        ),
    ],
)
async def test_questions_that_differ_in_anything_are_asked(
    team: Tenant, path: str, variations: list[dict[str, Any]]
) -> None:
    await team.sends("metrics", request(BEGIN_MS), replace(request(BEGIN_MS), metric_name="queue.depth"))
    await team.sends("spans", span(BEGIN_MS))
    await team.got(path)
    for params in variations:
        team.questions()
        await team.got(path, **params)
        assert team.questions() > 0, params
        await team.got(path, **params)
        assert team.questions() == 0, params
