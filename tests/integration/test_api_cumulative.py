"""A service that only sends OpenTelemetry's default: cumulative histograms of its requests."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from vantage_api.app import create_app
from vantage_common.bus.open import open_bus
from vantage_common.clock import ManualClock
from vantage_common.model import REQUEST_METRIC, Sample
from vantage_common.store.open import open_store

from tests.contract.store_rows import NOON_MS, block
from tests.integration.running_api import settings_for

MINUTE_MS = 60_000
FAST_MS, SLOW_MS = 12.5, 175.0
MINUTES = range(-59, 0)
STARTED_MS = NOON_MS - 3_600_000
RESTARTED_AT = -10
"""In the last hour the process began anew, ten minutes ago."""


def exports() -> list[Sample]:
    """Every minute 57 fast answers, and 3 slow failures; what came before noon's last hour is counted too."""
    samples = []
    for minute in MINUTES:
        since, began = (
            (-60, STARTED_MS)
            if minute < RESTARTED_AT
            else (RESTARTED_AT - 1, NOON_MS + RESTARTED_AT * MINUTE_MS - 30_000)
        )
        for value, status, a_minute in ((FAST_MS, 200, 57), (SLOW_MS, 500, 3)):
            samples.append(
                Sample(
                    timestamp=NOON_MS + minute * MINUTE_MS,
                    service_name="otel",
                    metric_name=REQUEST_METRIC,
                    metric_type="histogram",
                    value=value,
                    count=a_minute * (minute - since),
                    environment="production",
                    instance="pod-1",
                    endpoint="/pay",
                    method="POST",
                    status_code=status,
                    temporality="cumulative",
                    start_time=began,
                )
            )
    return samples


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    settings = settings_for(tmp_path)
    clock = ManualClock(NOON_MS)
    bus, store = open_bus(settings, clock), open_store(settings)
    await store.admin.migrate()
    samples = exports()
    # Through two collectors, the second of which sent what the first had sent already.
    for number, part in enumerate((samples[::2], samples)):
        await store.writer.insert("metrics", block("metrics", part, offset=number), token=f"c{number}")
    app = create_app(settings, store, bus, clock)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield client
    await store.close()
    await bus.close()


async def answer(client: httpx.AsyncClient, path: str, **params: Any) -> Any:
    response = await client.get(path, params=params)
    assert response.status_code == 200, response.text
    return response.json()


async def test_its_health_is_that_of_its_requests(client: httpx.AsyncClient) -> None:
    found = await answer(client, "/health/score/otel")
    factors = found["factors"]
    assert factors["error_rate"]["value"] == pytest.approx(0.05)
    assert factors["request_rate"]["value"] == pytest.approx(1.0)
    assert factors["availability"]["value"] == 1.0
    assert factors["response_time"]["value"] == pytest.approx(FAST_MS)
    assert found["status"] == "DEGRADED"


async def test_its_requests_are_counted_minute_by_minute(client: httpx.AsyncClient) -> None:
    window = {"start": NOON_MS - 20 * MINUTE_MS, "end": NOON_MS, "step": 60}
    found = await answer(client, "/api/metrics/timeseries", service="otel", agg="count", **window)
    assert [value for _, value in found["series"][0]["points"]] == [60.0] * 20
    by_status = await answer(
        client, "/api/metrics/timeseries", service="otel", agg="count", group_by="status_code", **window
    )
    totals = {series["group"]["status_code"]: sum(v for _, v in series["points"]) for series in by_status["series"]}
    assert totals == {"200": 57.0 * 20, "500": 3.0 * 20}


async def test_vql_counts_and_rates_them(client: httpx.AsyncClient) -> None:
    query = "SELECT count(), countIf(status_code >= 500), p95(value), rate(count) FROM metrics SINCE 5 MINUTES"
    response = await client.post("/vql/execute", json={"query": query})
    assert response.json()["rows"] == [[300, 15, FAST_MS, 1.0]]
