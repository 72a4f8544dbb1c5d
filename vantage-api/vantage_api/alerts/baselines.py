"""Learned baselines: seasons of every measure an adaptive rule looks at, kept as documents, an hour added at a time.

There is a document for each service and measure (metric, aggregate, window, environment), with its hours of up to four
weeks. A measure that is new is learned from what is stored; after that only the hours that closed since are read.
Learning is the evaluator's alone; any replica may read a document to show it.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from vantage_common.clock import Clock
from vantage_common.store.api import Document, Documents
from vantage_common.telemetry import get_logger

from vantage_api.alerts.book import EVALUATOR
from vantage_api.alerts.judge import Reading
from vantage_api.alerts.measures import Measure, slot_question, slots
from vantage_api.alerts.rules import RuleAgg
from vantage_api.alerts.seasonal import (
    HOUR_MS,
    RATIO_FLOOR,
    WEEK_HOURS,
    WEEKS,
    Season,
    Spread,
    hour_of,
    learn,
    season_of,
)
from vantage_api.ask import Ask

MAX_SERIES: Final = 5000
"""Documents of a workspace; a service beyond has no baseline, and the rules that miss it say so."""
CLOSED_FOR_MS: Final = 5 * 60_000
"""An hour is learned so long after its end: its last rows have come by then."""
CHUNK_HOURS: Final = 24
TELLING_FROM: Final = 20
"""Observations that a quantile or a ratio has to be taken over before it teaches anything."""
_DIGITS: Final = 6
_log = get_logger(__name__)


@dataclass(slots=True)
class Learned:
    """What is known of one measure of one service. Hours are counted from the epoch; those before `until` are in."""

    service: str
    until: int
    hours: dict[int, Spread]
    season: Season
    version: int = 0


Series = dict[str, Learned]
"""By service."""


class Baselines:
    """The evaluator's memory of seasons. Raises StoreUnavailable, QueryTimeout."""

    def __init__(self, ask: Ask, documents: Documents, clock: Clock) -> None:
        self._ask = ask
        self._documents = documents
        self._clock = clock
        self._seasons: dict[tuple[str, Measure], dict[str, Season]] = {}
        self._until: dict[tuple[str, Measure], int] = {}
        self.full: set[str] = set()
        """Workspaces that have more series than are learned."""

    def seasons(self, workspace: str, measure: Measure) -> Mapping[str, Season]:
        """By service."""
        return self._seasons.get((workspace, measure), {})

    async def refresh(self, workspace: str, measures: Iterable[Measure]) -> None:
        """Learns what has closed since; the first time, what is stored. Repeating it costs nothing."""
        closed = hour_of(self._clock.now_ms() - CLOSED_FOR_MS)
        due = [measure for measure in measures if self._until.get((workspace, measure), 0) < closed]
        if not due:
            return
        stored = _by_measure(await self._documents.newest("baselines", workspace))
        for measure in due:
            room = MAX_SERIES - sum(len(series) for series in stored.values())
            series = stored.setdefault(measure, {})
            await self._learn(workspace, measure, series, closed, room)
            self._seasons[workspace, measure] = {name: learned.season for name, learned in series.items()}
            self._until[workspace, measure] = closed

    async def _learn(self, workspace: str, measure: Measure, series: Series, closed: int, room: int) -> None:
        before = {name: learned.until for name, learned in series.items()}
        start = max([closed - WEEKS * WEEK_HOURS, *before.values()])
        for hour in range(start, closed, CHUNK_HOURS):
            upto = min(hour + CHUNK_HOURS, closed)
            question = slot_question(workspace, measure, hour * HOUR_MS, upto * HOUR_MS)
            found = slots(question, [await self._ask(plan) for plan in question.plans])
            for service, readings in found.items():
                if service not in series and len(series) - len(before) >= room:
                    self._note_full(workspace)
                    continue
                series[service] = taught(series.get(service), service, readings, hour, upto, measure)
                await asyncio.sleep(0)  # a fleet's day of slots is some work: others get their turn
        changed = [learned for name, learned in series.items() if learned.until != before.get(name)]
        now_ms = self._clock.now_ms()
        await self._documents.put("baselines", [_document(workspace, measure, one, now_ms) for one in changed])

    def _note_full(self, workspace: str) -> None:
        if workspace not in self.full:
            _log.warning("no more baselines are learned", workspace=workspace, most=MAX_SERIES)
        self.full.add(workspace)


def taught(
    known: Learned | None, service: str, readings: Mapping[int, Reading], start: int, until: int, measure: Measure
) -> Learned:
    """What is known after the hours from `start` to `until`, whose slots begin at the keys of `readings`, in ms."""
    least = least_sigma(measure.agg)
    hours = {} if known is None else known.hours
    season = season_of({}, least) if known is None else known.season
    by_hour: dict[int, list[float]] = {}
    for at_ms, reading in readings.items():
        if teaches(reading, measure.agg) and reading.value is not None:
            by_hour.setdefault(hour_of(at_ms), []).append(reading.value)
    for hour in range(start, until):
        hours = learn(hours, hour, by_hour.get(hour, ()), season)
    return Learned(service, until, hours, season_of(hours, least), 0 if known is None else known.version)


def teaches(reading: Reading, agg: RuleAgg) -> bool:
    least = TELLING_FROM if agg in ("p50", "p90", "p95", "p99", "error_ratio") else 1
    return reading.n >= least


def least_sigma(agg: RuleAgg) -> float:
    return RATIO_FLOOR if agg == "error_ratio" else 0.0


def document_id(service: str, measure: Measure) -> str:
    text = "\0".join((service, measure.metric, measure.agg, str(measure.window_s), measure.environment or ""))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


async def stored_baseline(documents: Documents, workspace: str, service: str, measure: Measure) -> Learned | None:
    """One baseline as its document says."""
    found = await documents.newest("baselines", workspace, document_id(service, measure))
    return _learned(found[0]) if found else None


def _document(workspace: str, measure: Measure, learned: Learned, now_ms: int) -> Document:
    body = {
        "service": learned.service,
        "metric": measure.metric,
        "agg": measure.agg,
        "window_s": measure.window_s,
        "environment": measure.environment,
        "until": learned.until,
        "hours": [
            [hour, spread.n, _short(spread.mean), _short(spread.squares)]
            for hour, spread in sorted(learned.hours.items())
        ],
    }
    learned.version = max(now_ms * 1000, learned.version + 1)
    return Document(workspace, document_id(learned.service, measure), learned.version, now_ms, EVALUATOR, body)


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _by_measure(documents: Iterable[Document]) -> dict[Measure, Series]:
    found: dict[Measure, Series] = {}
    for document in documents:
        body = document.body
        measure = Measure(body["metric"], body["agg"], body["window_s"], body["environment"])
        found.setdefault(measure, {})[body["service"]] = _learned(document)
    return found


def _learned(document: Document) -> Learned:
    body: Mapping[str, Any] = document.body
    hours = {int(hour): Spread(int(n), float(mean), float(squares)) for hour, n, mean, squares in body["hours"]}
    season = season_of(hours, least_sigma(body["agg"]))
    return Learned(body["service"], int(body["until"]), hours, season, document.version)
