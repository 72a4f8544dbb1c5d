"""What the store knows of services: who they are, how they did lately, and what is normal for them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from vantage_common.clock import Clock
from vantage_common.health import Baseline, Observed
from vantage_common.store.plan import Interval, Result

from vantage_api import questions
from vantage_api.ask import Ask
from vantage_api.lately import Lately
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
LATELY_S: Final = 5.0
BASELINES_S: Final = 60.0
BASELINES_BEHIND_S: Final = 600.0
"""What is normal changes little in ten minutes, and is dear to learn: nobody waits until it is learned anew."""
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
        self._lately = Lately[list[StoredService]](clock, LATELY_S)
        self._observed = Lately[dict[ServiceKey, Observed]](clock, LATELY_S, behind_s=LATELY_S)
        self._baselines = Lately[dict[ServiceKey, Baseline]](clock, BASELINES_S, behind_s=BASELINES_BEHIND_S)

    async def stored_lately(self, workspace: str) -> list[StoredService]:
        """`stored`, as it was at most `LATELY_S` ago: nearly every call needs it, and it is dear."""
        return await self._lately.get(workspace, lambda: self.stored(workspace))

    async def stored(self, workspace: str, service: str | None = None) -> list[StoredService]:
        """Every service with any row, by first sight."""
        return [
            StoredService(
                ServiceKey(seen.environment, seen.name), seen.namespace, seen.version, seen.first_ms, seen.last_ms
            )
            for seen in await self._ask.services(workspace, service)
        ]

    async def services(self, workspace: str) -> list[KnownService]:
        """The same, for the city."""
        return [
            KnownService(known.key, known.district, known.first_seen_ms, known.last_seen_ms)
            for known in await self.stored(workspace)
        ]

    async def baselines(self, workspace: str) -> dict[ServiceKey, Baseline]:
        """What is normal for each service, by docs/health.md; learned once in `BASELINES_S` for all who ask."""
        return await self._baselines.get(workspace, lambda: self._learned(workspace))

    async def _learned(self, workspace: str) -> dict[ServiceKey, Baseline]:
        now_ms, scope = self._clock.now_ms(), Scope(workspace)
        end_ms = now_ms - CURRENT_MS
        figures = [questions.request_figures(scope, s, end_ms - P95_MEMORY_MS, end_ms) for s in REQUEST_SOURCES]
        hours = [questions.same_hour(scope, s, now_ms, TRAFFIC_WEEKS) for s in REQUEST_SOURCES]
        found = await asyncio.gather(*(self._ask(plan) for plan in (*figures, *hours)))
        p95s = [learned_p95s(result) for result in found[: len(figures)]]
        rates = [learned_rates(result) for result in found[len(figures) :]]
        p95_of, rate_of = prefer_metrics(p95s), prefer_metrics(rates)
        return {key: Baseline(p95_of.get(key), rate_of.get(key)) for key in p95_of.keys() | rate_of.keys()}

    async def observed(self, workspace: str) -> dict[ServiceKey, Observed]:
        """How the services did in the last minutes, by their rows, some seconds ago."""
        return await self._observed.get(workspace, lambda: self._observe(workspace))

    async def _observe(self, workspace: str) -> dict[ServiceKey, Observed]:
        scope, end_ms = Scope(workspace), self._clock.now_ms()
        start_ms = end_ms - OBSERVED_MS
        found: list[dict[ServiceKey, Observed]] = []
        for source in REQUEST_SOURCES:
            figures, slots = await asyncio.gather(
                self._ask(questions.request_figures(scope, source, start_ms, end_ms)),
                self._ask(questions.request_slots(scope, source, start_ms, end_ms, Interval(1, "MINUTE"))),
            )
            found.append(observations(figures, slots))
        return prefer_metrics(found)


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


def _key(row: Mapping[str, Any]) -> ServiceKey:
    return ServiceKey(row["environment"], row["service_name"])
