"""POST /compare/… over stored rows, on chDB and on SQLite."""

import asyncio
import math
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from vantage_api.app import create_app
from vantage_common.bus.open import open_bus
from vantage_common.clock import ManualClock
from vantage_common.model import Sample, Span
from vantage_common.store.api import Store
from vantage_common.store.open import open_store

from tests.contract.store_rows import NOON_MS, block
from tests.integration.running_api import settings_for

pytestmark = pytest.mark.asyncio(loop_scope="module")
MINUTE_MS = 60_000
END_MS = NOON_MS // MINUTE_MS * MINUTE_MS
START_MS = END_MS - 60 * MINUTE_MS
RANGE = {"time_start": START_MS, "time_end": END_MS}


def sample(service: str, at_ms: int, value: float, **fields: Any) -> Sample:
    labels: dict[str, Any] = {"metric_name": "http.request.duration", "metric_type": "histogram"} | fields
    return Sample(timestamp=at_ms, service_name=service, value=value, environment="production", **labels)


def requests(
    service: str,
    factor: float = 1.0,
    *,
    start_ms: int = START_MS,
    minutes: int = 60,
    errors: float = 0.0,
    **fields: Any,
) -> list[Sample]:
    """20 rows a minute of a log-normal, each worth 5 requests."""
    rng = random.Random(f"{service}{sorted(fields.items())}{start_ms}")
    return [
        sample(
            service,
            start_ms + minute * MINUTE_MS + 3000 * place,
            100.0 * factor * math.exp(0.3 * rng.gauss(0, 1)),
            count=5,
            status_code=500 if rng.random() < errors else 200,
            **fields,
        )
        for minute in range(minutes)
        for place in range(20)
    ]


def weighed(service: str, count: int) -> list[Sample]:
    """The same observations as rows of one weight or another."""
    rows = requests("same", 1.0)
    copies = 50 // count
    return [
        sample(service, row.timestamp, row.value, count=count, status_code=200) for row in rows for _ in range(copies)
    ]


def spans(service: str, factor: float) -> list[Span]:
    rng = random.Random(service)
    return [
        Span(
            timestamp=float(START_MS + minute * MINUTE_MS + 6000 * place),
            trace_id=f"{service}{minute}",
            span_id=f"{minute}-{place}",
            service_name=service,
            name="GET /",
            kind="server",
            duration_ms=100.0 * factor * math.exp(0.3 * rng.gauss(0, 1)),
            status="ok",
            environment="production",
        )
        for minute in range(60)
        for place in range(10)
    ]


def cumulative(service: str, value: float) -> list[Sample]:
    """OpenTelemetry's default: every minute how many there were since the process began, 60 more each."""
    return [
        sample(
            service,
            START_MS + minute * MINUTE_MS,
            value,
            count=60 * (minute + 1),
            temporality="cumulative",
            start_time=START_MS - MINUTE_MS,
        )
        for minute in range(60)
    ]


SAMPLES = [
    *cumulative("otel", 100.0),
    *cumulative("otel-slow", 120.0),
    *requests("cart"),
    *requests("cart-fast", 0.8),
    *requests("cart-slow", 1.25),
    *requests("cart-failing", 1.0, errors=0.2),
    *requests("shop", tags={"version": "1.0", "region": "eu"}),
    *requests("shop", 0.8, tags={"service.version": "1.1", "region": "eu"}),
    *requests("shop", start_ms=START_MS - 86_400_000, tags={"version": "0.9"}),
    *requests("job", start_ms=START_MS - 60 * MINUTE_MS),
    *requests("job", 1.3),
    *weighed("heavy", 50),
    *weighed("light", 5),
    *(sample("cart", START_MS + i * MINUTE_MS, 5.0, metric_name="queue.depth", metric_type="gauge") for i in range(60)),
    *(
        sample("cart-fast", START_MS + i * MINUTE_MS, -5.0 - i % 3, metric_name="queue.depth", metric_type="gauge")
        for i in range(60)
    ),
    sample("cart", START_MS, 1.0, metric_name="hits", metric_type="counter"),
    *requests("brief", minutes=3),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["chdb", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Store]:
    store = open_store(settings_for(tmp_path_factory.mktemp("store"), store=request.param))
    await store.admin.migrate()
    await store.writer.insert("metrics", block("metrics", SAMPLES), token="m")
    await store.writer.insert("spans", block("spans", [*spans("old", 1.0), *spans("older", 1.4)]), token="s")
    await store.writer.insert("metrics", block("metrics", requests("secret"), workspace="other"), token="o")
    yield store
    await store.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(store: Store, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    settings, clock = settings_for(tmp_path_factory.mktemp("bus")), ManualClock(NOON_MS)
    app = create_app(settings, store, open_bus(settings, clock), clock)
    transport = httpx.ASGITransport(app=app, client=("192.0.2.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        yield client


async def compared(client: httpx.AsyncClient, what: str, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"/compare/{what}", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def services(client: httpx.AsyncClient, baseline: str, candidate: str, **terms: Any) -> dict[str, Any]:
    return await compared(
        client, "services", **{"baseline_service": baseline, "candidate_service": candidate, **RANGE, **terms}
    )


async def refused(client: httpx.AsyncClient, status: int, what: str, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"/compare/{what}", json=body)
    assert answer.status_code == status, answer.text
    error: dict[str, Any] = answer.json()["error"]
    return error


async def test_a_faster_service_is_deployed(client: httpx.AsyncClient) -> None:
    found = await services(client, "cart", "cart-fast")
    assert found["recommendation"] == "DEPLOY"
    assert found["statistical_significance"] is True
    assert found["p_value"] < 0.05
    assert found["improvement_pct"] == pytest.approx(20, abs=3)
    assert found["confidence_interval"]["low"] < found["effect_size"] < found["confidence_interval"]["high"]
    assert 0.4 < found["effect_size"] < 1.2
    assert (found["baseline"]["n"], found["candidate"]["n"], found["minutes"]) == (6000, 6000, 60)
    assert found["percentiles"]["p95"]["low_pct"] < 20 < found["percentiles"]["p95"]["high_pct"]
    assert found["fixed_sample"]["welch_p_value"] < 0.001
    assert found["fixed_sample"]["mann_whitney_p_value"] < 0.001


async def test_the_figures_are_those_of_the_rows(client: httpx.AsyncClient) -> None:
    found = await services(client, "cart", "cart-fast")
    values = sorted(row.value for row in requests("cart"))
    assert found["baseline"]["mean"] == pytest.approx(sum(values) / len(values))
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        assert found["baseline"][name] == pytest.approx(values[math.ceil(share * len(values)) - 1], rel=0.011)


async def test_swapping_the_sides_mirrors_the_answer(client: httpx.AsyncClient) -> None:
    there, back = await services(client, "cart", "cart-slow"), await services(client, "cart-slow", "cart")
    assert (there["recommendation"], back["recommendation"]) == ("ROLLBACK", "DEPLOY")
    assert there["p_value"] == pytest.approx(back["p_value"])
    assert there["effect_size"] == pytest.approx(-back["effect_size"])
    assert there["confidence_interval"]["low"] == pytest.approx(-back["confidence_interval"]["high"])


async def test_a_service_beside_itself_shows_no_effect(client: httpx.AsyncClient) -> None:
    found = await services(client, "cart", "cart")
    assert (found["p_value"], found["improvement_pct"], found["effect_size"]) == (1.0, 0.0, 0.0)
    assert (found["recommendation"], found["statistical_significance"]) == ("HOLD", False)


async def test_weight_counts_as_so_many_rows(client: httpx.AsyncClient) -> None:
    heavy, light = await services(client, "cart", "heavy"), await services(client, "cart", "light")
    assert heavy["candidate"]["n"] == light["candidate"]["n"] == 60_000
    for key in ("p_value", "improvement_pct", "effect_size"):
        assert heavy[key] == pytest.approx(light[key])
    assert heavy["candidate"]["p99"] == light["candidate"]["p99"]
    assert heavy["fixed_sample"] == pytest.approx(light["fixed_sample"])


async def test_more_errors_are_rolled_back(client: httpx.AsyncClient) -> None:
    found = await services(client, "cart", "cart-failing")
    assert found["recommendation"] == "ROLLBACK"
    assert found["error_rate"]["p_value"] <= 0.01
    assert found["error_rate"]["low"] < found["error_rate"]["difference"] < found["error_rate"]["high"]
    assert found["candidate"]["error_ratio"] == pytest.approx(0.2, abs=0.04)
    assert "fails" in found["reasons"][0]


async def test_two_versions_of_a_service(client: httpx.AsyncClient) -> None:
    body = {"service": "shop", "baseline_version": "1.0", "candidate_version": "1.1", **RANGE}
    found = await compared(client, "versions", **body)
    assert (found["recommendation"], found["baseline"]["n"]) == ("DEPLOY", 6000)
    by_tags = await services(
        client, "shop", "shop", baseline_tags={"version": "1.0"}, candidate_tags={"version": "1.1", "region": "eu"}
    )
    assert by_tags["p_value"] == found["p_value"]


async def test_two_windows_of_a_service(client: httpx.AsyncClient) -> None:
    before = {"baseline_start": START_MS - 60 * MINUTE_MS, "baseline_end": START_MS}
    found = await compared(client, "windows", service="job", candidate_start=START_MS, candidate_end=END_MS, **before)
    assert (found["recommendation"], found["minutes"]) == ("ROLLBACK", 60)
    assert found["significant_since"] > START_MS


async def test_a_service_without_the_metric_is_read_from_its_spans(client: httpx.AsyncClient) -> None:
    found = await services(client, "old", "older")
    assert (found["baseline"]["source"], found["baseline"]["n"]) == ("spans", 600)
    assert found["recommendation"] == "ROLLBACK"
    mixed = await services(client, "cart", "older")
    assert "sources_differ" in [warning["code"] for warning in mixed["warnings"]]


async def test_cumulative_histograms_count_what_was_new(client: httpx.AsyncClient) -> None:
    found = await services(client, "otel", "otel-slow")
    assert (found["baseline"]["n"], found["baseline"]["mean"], found["minutes"]) == (3600, pytest.approx(100), 60)
    assert (found["improvement_pct"], found["recommendation"]) == (pytest.approx(-20), "ROLLBACK")


async def test_a_gauge_below_zero_is_compared_on_the_linear_scale(client: httpx.AsyncClient) -> None:
    found = await services(client, "cart", "cart-fast", metric_name="queue.depth", lower_is_better=False)
    assert (found["scale"], found["recommendation"], found["error_rate"]) == ("linear", "ROLLBACK", None)
    assert found["improvement_pct"] == pytest.approx(-220)


async def test_the_p_values_only_fall_and_a_longer_look_keeps_them(client: httpx.AsyncClient) -> None:
    early = await services(client, "cart", "cart-slow", time_end=START_MS + 40 * MINUTE_MS)
    late = await services(client, "cart", "cart-slow")
    values = [p for _, p in late["p_values"]]
    assert values == sorted(values, reverse=True)
    assert values[-1] == late["p_value"]
    assert late["p_values"][: len(early["p_values"])] == early["p_values"]


async def test_too_little_data_is_inconclusive_and_says_so(client: httpx.AsyncClient) -> None:
    found = await services(client, "cart", "brief")
    assert (found["recommendation"], found["p_value"]) == ("INCONCLUSIVE", 1.0)
    assert "3 minutes" in found["reasons"][0]
    assert {"few_minutes", "gaps", "traffic_differs"} <= {warning["code"] for warning in found["warnings"]}


async def test_a_version_that_was_silent_in_the_range_is_inconclusive(client: httpx.AsyncClient) -> None:
    body = {"service": "shop", "baseline_version": "0.9", "candidate_version": "1.1", **RANGE}
    found = await compared(client, "versions", **body)
    assert (found["recommendation"], found["p_value"], found["baseline"]["mean"]) == ("INCONCLUSIVE", 1.0, None)
    assert found["improvement_pct"] is None


async def test_an_unknown_service_is_404_with_a_hint(client: httpx.AsyncClient) -> None:
    error = await refused(client, 404, "services", baseline_service="carrt", candidate_service="cart", **RANGE)
    assert error["code"] == "unknown_service"
    assert "cart" in error["hint"]


async def test_another_workspace_is_not_there(client: httpx.AsyncClient) -> None:
    await refused(client, 404, "services", baseline_service="secret", candidate_service="cart", **RANGE)


async def test_an_unknown_version_is_404_and_names_those_that_exist(client: httpx.AsyncClient) -> None:
    body = {"service": "shop", "baseline_version": "1.0", "candidate_version": "1.2<b>", **RANGE}
    error = await refused(client, 404, "versions", **body)
    assert error["code"] == "unknown_version"
    assert all(version in error["hint"] for version in ("'1.0'", "'1.1'", "'0.9'"))


async def test_an_unknown_metric_is_404_with_a_hint(client: httpx.AsyncClient) -> None:
    body = {"baseline_service": "cart", "candidate_service": "cart-fast", "metric_name": "queue.deph", **RANGE}
    error = await refused(client, 404, "services", **body)
    assert (error["code"], "queue.depth" in error["hint"]) == ("unknown_metric", True)


async def test_a_counter_is_refused(client: httpx.AsyncClient) -> None:
    body = {"baseline_service": "cart", "candidate_service": "cart", "metric_name": "hits", **RANGE}
    assert (await refused(client, 400, "services", **body))["code"] == "not_comparable"


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (END_MS, START_MS),
        (END_MS, END_MS),
        (END_MS - 8 * 86_400_000, END_MS),
        (0, END_MS),
        ("yesterday", END_MS),
        (START_MS, 1e300),
    ],
)
async def test_absurd_ranges_are_400(client: httpx.AsyncClient, start: Any, end: Any) -> None:
    body = {"baseline_service": "cart", "candidate_service": "cart", "time_start": start, "time_end": end}
    assert (await refused(client, 400, "services", **body))["code"] in {"bad_range", "bad_time"}


@pytest.mark.parametrize(("shift", "length"), [(30, 60), (60, 30)])
async def test_windows_that_overlap_or_differ_in_length_are_400(
    client: httpx.AsyncClient, shift: int, length: int
) -> None:
    start_ms = START_MS - shift * MINUTE_MS
    before = {"baseline_start": start_ms, "baseline_end": start_ms + length * MINUTE_MS}
    body = {"service": "job", **before, "candidate_start": START_MS, "candidate_end": END_MS}
    assert (await refused(client, 400, "windows", **body))["code"] == "bad_range"


@pytest.mark.parametrize(
    "wrong",
    [
        {"alpha": 0},
        {"scale": "cubic"},
        {"typo": 1},
        {"baseline_tags": {"k": "v" * 1001}},
        {"baseline_tags": {str(i): "v" for i in range(11)}},
        {"metric_name": ""},
    ],
)
async def test_what_is_not_valid_is_422(client: httpx.AsyncClient, wrong: dict[str, Any]) -> None:
    await refused(client, 422, "services", baseline_service="cart", candidate_service="cart", **RANGE, **wrong)


async def test_tags_that_match_nothing_or_hold_markup_are_inert(client: httpx.AsyncClient) -> None:
    tags = {"region": "'; DROP TABLE metrics --", "\x1b[31m": "<script>", "status_code": "abc"}
    found = await services(client, "cart", "cart", baseline_tags=tags)
    assert (found["recommendation"], found["baseline"]["n"]) == ("INCONCLUSIVE", 0)


async def test_columns_are_told_apart_by_name_too(client: httpx.AsyncClient) -> None:
    found = await services(client, "cart-failing", "cart-failing", candidate_tags={"status_code": "500"})
    assert 0 < found["candidate"]["n"] < found["baseline"]["n"]
    assert found["candidate"]["error_ratio"] == 1.0


async def test_comparisons_at_once_do_not_mix(client: httpx.AsyncClient) -> None:
    alone = [await services(client, "cart", name) for name in ("cart-fast", "cart-slow")]
    together = await asyncio.gather(*(services(client, "cart", name) for name in ("cart-fast", "cart-slow")))
    assert [found["p_value"] for found in together] == [found["p_value"] for found in alone]


async def test_the_statistics_are_loaded_with_the_first_comparison() -> None:
    code = "import sys, vantage_api.app; print([m for m in ('numpy', 'scipy') if m in sys.modules])"
    run = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
