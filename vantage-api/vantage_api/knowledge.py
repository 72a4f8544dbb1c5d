"""What the store knows of services: who they are, how they did lately, and what is normal for them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from vantage_common.clock import Clock
from vantage_common.health import Baseline, Observed
from vantage_common.store.catalog import LOGS, METRICS, SPANS
from vantage_common.store.plan import Interval, Result

from vantage_api import questions
from vantage_api.ask import Ask
from vantage_api.live.plan import ServiceKey
from vantage_api.live.state import KnownService
from vantage_api.questions import HOUR_MS, REQUEST_SOURCES, Scope

CURRENT_MS: Final = 15 * 60_000
"""What is judged must not teach what is normal."""
P95_MEMORY_MS: Final = 24 * HOUR_MS
MIN_P95_REQUESTS: Final = 500
TRAFFIC_WEEKS: Final = 4
MIN_HOUR_REQUESTS: Final = 100
OBSERVED_MS: Final = 5 * 60_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StoredService:
    """A service as its rows describe it. `district` is its namespace, empty when it has none."""

    key: ServiceKey
    namespace: str
    version: str
    first_seen_ms: int
    last_seen_ms: int

    @property
    def district(self) -> str:
        return self.namespace or self.key.environment


class Knowledge:
    def __init__(self, ask: Ask, clock: Clock) -> None:
        self._ask = ask
        self._clock = clock

    async def stored(self, workspace: str, service: str | None = None) -> list[StoredService]:
        """Every service with any row, by first sight."""
        results = [
            await self._ask(questions.services(Scope(workspace, service), table.name))
            for table in (METRICS, SPANS, LOGS)
        ]
        merged = merge_services(row for result in results for row in _stored(result))
        return sorted(merged, key=lambda known: (known.first_seen_ms, known.key.name, known.key.environment))

    async def services(self, workspace: str) -> list[KnownService]:
        """The same, for the city."""
        return [
            KnownService(known.key, known.district, known.first_seen_ms, known.last_seen_ms)
            for known in await self.stored(workspace)
        ]

    async def baselines(self, workspace: str) -> dict[ServiceKey, Baseline]:
        """What is normal for each service, by docs/health.md."""
        now_ms = self._clock.now_ms()
        scope = Scope(workspace)
        end_ms = now_ms - CURRENT_MS
        p95s = prefer_metrics(
            [
                learned_p95s(await self._ask(questions.request_figures(scope, source, end_ms - P95_MEMORY_MS, end_ms)))
                for source in REQUEST_SOURCES
            ]
        )
        rates = prefer_metrics(
            [
                learned_rates(await self._ask(questions.same_hour(scope, source, now_ms, TRAFFIC_WEEKS)))
                for source in REQUEST_SOURCES
            ]
        )
        return {key: Baseline(p95s.get(key), rates.get(key)) for key in p95s.keys() | rates.keys()}

    async def observed(self, workspace: str) -> dict[ServiceKey, Observed]:
        """How the services did in the last minutes, by their rows."""
        scope, end_ms = Scope(workspace), self._clock.now_ms()
        start_ms = end_ms - OBSERVED_MS
        found: list[dict[ServiceKey, Observed]] = []
        for source in REQUEST_SOURCES:
            figures = await self._ask(questions.request_figures(scope, source, start_ms, end_ms))
            slots = await self._ask(questions.request_slots(scope, source, start_ms, end_ms, Interval(1, "MINUTE")))
            found.append(observations(figures, slots))
        return prefer_metrics(found)


def merge_services(rows: Iterable[StoredService]) -> list[StoredService]:
    """One entry a service out of those of the three tables."""
    merged: dict[ServiceKey, StoredService] = {}
    for row in rows:
        known = merged.get(row.key)
        if known is None:
            merged[row.key] = row
            continue
        merged[row.key] = StoredService(
            row.key,
            known.namespace or row.namespace,
            known.version or row.version,
            min(known.first_seen_ms, row.first_seen_ms),
            max(known.last_seen_ms, row.last_seen_ms),
        )
    return list(merged.values())


def prefer_metrics(found: list[dict[ServiceKey, T]]) -> dict[ServiceKey, T]:
    """The sources' answers in one, an earlier source winning."""
    merged: dict[ServiceKey, T] = {}
    for answers in reversed(found):
        merged |= answers
    return merged


def learned_p95s(figures: Result) -> dict[ServiceKey, float]:
    return {_key(row): row["p95_ms"] for row in figures.dicts() if row["count"] >= MIN_P95_REQUESTS}


def learned_rates(hours: Result) -> dict[ServiceKey, float]:
    """The mean over the earlier weeks whose hour says enough."""
    counts: dict[ServiceKey, list[int]] = {}
    for row in hours.dicts():
        if row["count"] >= MIN_HOUR_REQUESTS:
            counts.setdefault(_key(row), []).append(row["count"])
    return {key: sum(weeks) / len(weeks) / (HOUR_MS / 1000) for key, weeks in counts.items()}


def observations(figures: Result, slots: Result) -> dict[ServiceKey, Observed]:
    answered: dict[ServiceKey, list[bool]] = {}
    for row in slots.dicts():
        answered.setdefault(_key(row), []).append(row["count"] > row["errors"])
    return {
        _key(row): Observed(
            requests=row["count"],
            error_ratio=row["errors"] / row["count"],
            p95_ms=row["p95_ms"],
            requests_per_second=row["count"] / (OBSERVED_MS / 1000),
            availability=_share(answered.get(_key(row), [])),
        )
        for row in figures.dicts()
        if row["count"] > 0
    }


def _share(answers: list[bool]) -> float:
    return sum(answers) / len(answers) if answers else 1.0


def _stored(result: Result) -> list[StoredService]:
    return [
        StoredService(
            _key(row), row["district"] or "", row["version"] or "", int(row["first_seen"]), int(row["last_seen"])
        )
        for row in result.dicts()
    ]


def _key(row: Mapping[str, Any]) -> ServiceKey:
    return ServiceKey(row["environment"], row["service_name"])
