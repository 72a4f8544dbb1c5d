"""The past city as documents: its registry, what its services showed, and the traffic between them."""

import asyncio
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any, Final

from vantage_common.clock import Clock
from vantage_common.health import LEARNING, Baseline
from vantage_common.store.api import Reader

from vantage_api.ask import Ask
from vantage_api.knowledge import Knowledge
from vantage_api.live.feed import Live
from vantage_api.live.frames import STATUS_CODES
from vantage_api.live.plan import ServiceKey
from vantage_api.live.registry import Building
from vantage_api.live.state import LEAVES_AFTER_MS, City, KnownService
from vantage_api.models import CityDistrict, CityEdge, CityService
from vantage_api.time_travel.models import CityMoment, CityReplay, ReplayFrame, ReplayService
from vantage_api.time_travel.reading import Flow, PastReader
from vantage_api.time_travel.rebuild import History, Shown
from vantage_api.time_travel.when import Moment, Steps, page

SAME_HOUR_MS: Final = 3_600_000
"""What traffic is normal was learned for this hour of the week: it says nothing of another one."""


class PastCity:
    def __init__(self, live: Live, knowledge: Knowledge, ask: Ask, reader: Reader, clock: Clock) -> None:
        self._live = live
        self._knowledge = knowledge
        self._clock = clock
        self._read = PastReader(ask, reader)

    async def at(self, workspace: str, moment: Moment) -> CityMoment:
        city = await self._live.open(workspace)
        known = await self._knowledge.services(workspace)
        found = await self._read.moment(workspace, moment.at_ms, moment.resolution_s)
        flows = await self._read.flows(workspace, moment.at_ms, moment.resolution_s, found)
        buildings = registry_of(city, known, moment.at_ms, moment.at_ms)
        baselines = self._baselines(city, moment.at_ms)
        shown = {key: found.moments(key, [moment.at_ms], baselines.get(key, LEARNING))[0] for key in buildings}
        return CityMoment(
            server_time=self._clock.now_ms(),
            at=moment.at_ms,
            resolution_s=moment.resolution_s,
            edges_resolution_s=max((flow.seconds for flow in flows), default=moment.resolution_s),
            districts=_districts(city, buildings.values()),
            services=[_service(building, shown[key]) for key, building in buildings.items()],
            edges=edges_of(city, buildings, shown, flows),
        )

    async def replay(self, workspace: str, asked: Steps) -> CityReplay:
        city = await self._live.open(workspace)
        known = await self._knowledge.services(workspace)
        buildings = registry_of(city, known, asked.start_ms, asked.end_ms)
        part, next_start = page(asked, len(buildings))
        found = await self._read.history(workspace, part.start_ms, part.end_ms, part.step_s)
        baselines = self._baselines(city, asked.end_ms)
        frames = await asyncio.to_thread(frames_of, found, buildings, baselines, part.moments())
        return CityReplay(
            start=part.start_ms,
            end=part.end_ms,
            step_s=part.step_s,
            columns=["slot", "pods", "rps", "error_ratio", "p95_ms", "health_score", "status"],
            statuses=["UNKNOWN", "HEALTHY", "DEGRADED", "UNHEALTHY"],
            districts=_districts(city, buildings.values()),
            services=[ReplayService.model_validate(building.as_json()) for building in buildings.values()],
            frames=frames,
            next_start=next_start,
        )

    def _baselines(self, city: City, at_ms: int) -> dict[ServiceKey, Baseline]:
        """What is normal for response times; for traffic too where the moment is of this hour."""
        if self._clock.now_ms() - at_ms < SAME_HOUR_MS:
            return city.baselines
        return {key: Baseline(baseline.p95_ms) for key, baseline in city.baselines.items()}


def registry_of(city: City, known: Iterable[KnownService], start_ms: int, end_ms: int) -> dict[ServiceKey, Building]:
    """Who stood in the city at any time of the range, and where: on the lots and with the slots of the live city.

    One that has left it since has its old lot, and the lowest slot that nobody has.
    """
    there = [s for s in known if s.first_seen_ms <= end_ms and s.last_seen_ms + LEAVES_AFTER_MS > start_ms]
    there.sort(key=lambda s: (s.first_seen_ms, s.key.name, s.key.environment))
    live = city.registry.buildings
    taken = {building.slot for building in live.values()}
    free = (slot for slot in count() if slot not in taken)
    return {
        s.key: live.get(s.key) or Building(next(free), s.key, city.registry.lot_of(s.key, s.district)) for s in there
    }


def frames_of(
    found: History,
    buildings: dict[ServiceKey, Building],
    baselines: dict[ServiceKey, Baseline],
    moments: Sequence[int],
) -> list[ReplayFrame]:
    rows: list[list[tuple[Any, ...]]] = [[] for _ in moments]
    for key in found.services():
        building = buildings.get(key)
        if building is None:
            continue
        for number, shown in enumerate(found.moments(key, moments, baselines.get(key, LEARNING))):
            if shown.requests or shown.pods or shown.health.score is not None:
                rows[number].append(_row(building.slot, shown))
    return [ReplayFrame.model_construct(at=at, rows=rows[number]) for number, at in enumerate(moments)]


def edges_of(
    city: City, buildings: dict[ServiceKey, Building], shown: dict[ServiceKey, Shown], flows: Iterable[Flow]
) -> list[CityEdge]:
    """The ways the requests took. A caller that is no service of the city counts as the ingress, and so do requests
    that no flow tells of."""
    totals: dict[tuple[ServiceKey | None, ServiceKey], list[float]] = {}
    told: dict[ServiceKey, list[float]] = {}
    for flow in flows:
        if flow.callee not in buildings:
            continue
        candidate = ServiceKey(flow.callee.environment, flow.caller)
        origin = candidate if flow.caller and candidate in buildings else None
        _add(totals.setdefault((origin, flow.callee), [0.0, 0.0]), flow.count, flow.errors, flow.seconds)
        _add(told.setdefault(flow.callee, [0.0, 0.0]), flow.count, flow.errors, flow.seconds)
    for key, service in shown.items():
        rate, errors = told.get(key, (0.0, 0.0))
        rest, rest_errors = service.rps - rate, service.errors / service.slot_s - errors
        if rest > _LEAST_RATE:
            _add(totals.setdefault((None, key), [0.0, 0.0]), rest, max(0.0, rest_errors), 1)
    live = city.registry.edges
    taken = {edge.id for edge in live.values()}
    free = (number for number in count() if number not in taken)
    return [
        CityEdge(
            id=live[way].id if way in live else next(free),
            **{"from": None if way[0] is None else buildings[way[0]].slot},
            to=buildings[way[1]].slot,
            rps=rate,
            error_ratio=min(1.0, errors / rate) if rate else None,
        )
        for way, (rate, errors) in totals.items()
    ]


_LEAST_RATE: Final = 1e-9


def _add(total: list[float], requests: float, errors: float, seconds: int) -> None:
    total[0] += requests / seconds
    total[1] += errors / seconds


def _districts(city: City, buildings: Iterable[Building]) -> list[CityDistrict]:
    inhabited = {building.lot.district for building in buildings}
    return [CityDistrict.model_validate(district) for district in city.registry.districts(inhabited)]


def _service(building: Building, shown: Shown) -> CityService:
    return CityService.model_validate(
        building.as_json()
        | {
            "pods": shown.pods,
            "rps": shown.rps,
            "error_ratio": shown.error_ratio,
            "p95_ms": shown.p95_ms,
            "health_score": shown.health.score,
            "status": shown.health.status,
        }
    )


def _row(slot: int, shown: Shown) -> tuple[Any, ...]:
    health = shown.health
    p95 = None if shown.p95_ms is None else round(shown.p95_ms, 2)
    ratio = None if shown.error_ratio is None else round(shown.error_ratio, 5)
    return slot, shown.pods, round(shown.rps, 3), ratio, p95, health.score, STATUS_CODES[health.status]
