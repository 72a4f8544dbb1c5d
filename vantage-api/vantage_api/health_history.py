"""How well services were, step by step: what is asked of the store as plans, and the scores made of it. Pure.

The score is that of `vantage_common.health`, from the requests of a step. What was normal then is learned from before
the step, as docs/health.md says: the p95 from the UTC day before, the traffic from the same time of up to four earlier
weeks. Every plan is one that the minutes of the rollups answer, so an engine that has them need not read raw rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from vantage_common import health
from vantage_common.errors import UserError
from vantage_common.health import Baseline, Health, Observed, Status
from vantage_common.store.plan import (
    Call,
    Column,
    Expr,
    Interval,
    Output,
    QueryPlan,
    Result,
    Selected,
    all_of,
    between,
)

from vantage_api.knowledge import MIN_HOUR_REQUESTS, MIN_P95_REQUESTS, TRAFFIC_WEEKS
from vantage_api.live.plan import ServiceKey
from vantage_api.questions import Requests, Scope
from vantage_api.times import HOUR_MS, Range

MINUTE_S: Final = 60
MINUTE_MS: Final = 60_000
HOUR_S: Final = 3600
DAY_MS: Final = 24 * HOUR_MS
WEEK_S: Final = 7 * 24 * HOUR_S
DEFAULT_STEPS: Final = 100
MAX_STEPS: Final = 2000
MAX_SCORES: Final = 50_000
"""Steps of all services together."""
MAX_ROWS: Final = 200_000
_TIMESTAMP: Final = Column("timestamp")
T = TypeVar("T")
_KEYS: Final = (Column("service_name"), Column("environment"))
_MINUTE: Final = Interval(1, "MINUTE")
_COUNT: Final = Selected(Call("count"), "count")


@dataclass(frozen=True, slots=True)
class Course:
    """A range in steps of whole minutes, the first of which begins at its start."""

    window: Range
    step_s: int

    @property
    def starts(self) -> range:
        return range(self.window.start_ms, self.window.end_ms, self.step_s * 1000)

    def seconds_of(self, start_ms: int) -> float:
        """How long a step is: the last one ends with the range."""
        return (min(start_ms + self.step_s * 1000, self.window.end_ms) - start_ms) / 1000

    @property
    def traffic_s(self) -> int:
        """The length of the slots that normal traffic is learned by: hours, or steps where these repeat by the week."""
        repeats = self.step_s % HOUR_S == 0 and WEEK_S % self.step_s == 0
        return self.step_s if repeats else HOUR_S


def course_for(asked: Range, step_s: int | None) -> Course:
    """The range from the start of a step to the end of a whole minute. Raises UserError for too many steps."""
    least_s = -(-int(asked.seconds) // MAX_STEPS)
    chosen = step_s or max(MINUTE_S, _whole_minutes(asked.seconds / DEFAULT_STEPS))
    if chosen < least_s:
        raise UserError(
            "too_many_points",
            f"a step of {chosen} s makes more than {MAX_STEPS} steps",
            hint=f"take a step of at least {_whole_minutes(least_s)} s, or a shorter range",
        )
    step_ms = chosen * 1000
    start_ms = asked.start_ms // step_ms * step_ms
    end_ms = asked.end_ms // MINUTE_MS * MINUTE_MS
    return Course(Range(start_ms, max(end_ms, start_ms + MINUTE_MS)), chosen)


def _whole_minutes(seconds: float) -> int:
    return -int(-seconds // MINUTE_S) * MINUTE_S


def figures_plan(scope: Scope, source: Requests, course: Course) -> QueryPlan:
    """Requests by step."""
    p95 = Selected(Call("quantile", (source.duration,), (0.95,)), "p95_ms")
    minutes = Selected(Call("uniq_exact", (_slot(_MINUTE),)), "minutes")
    step = Interval(course.step_s, "SECOND")
    return _plan(scope, source, _within(course.window), step, (_COUNT, _errors(source), p95, minutes))


def dark_plan(scope: Scope, source: Requests, window: Range) -> QueryPlan:
    """Minutes in which every request failed."""
    all_failed = Call("=", (Output("errors"), Output("count")))
    return _plan(scope, source, _within(window), _MINUTE, (_COUNT, _errors(source)), having=all_failed)


def learned_plans(scope: Scope, source: Requests, course: Course) -> tuple[QueryPlan, QueryPlan]:
    """The p95 by day, and requests by slot of earlier weeks."""
    window, slot_ms, week_ms = course.window, course.traffic_s * 1000, WEEK_S * 1000
    first, last = window.start_ms // slot_ms * slot_ms, -(-window.end_ms // slot_ms) * slot_ms
    earlier = [between("timestamp", first - n * week_ms, last - n * week_ms) for n in range(1, TRAFFIC_WEEKS + 1)]
    days = between("timestamp", _day(window.start_ms) - DAY_MS, _day(window.end_ms - 1))
    p95 = Selected(Call("quantile", (source.duration,), (0.95,)), "p95_ms")
    return (
        _plan(scope, source, days, Interval(1, "DAY"), (_COUNT, p95)),
        _plan(scope, source, Call("or", tuple(earlier)), Interval(course.traffic_s, "SECOND"), (_COUNT,)),
    )


def _within(window: Range) -> Expr:
    return between("timestamp", window.start_ms, window.end_ms)


def _errors(source: Requests) -> Selected:
    return Selected(Call("count_if", (source.failed,)), "errors")


def _plan(
    scope: Scope,
    source: Requests,
    when: Expr,
    slot: Interval,
    figures: tuple[Selected, ...],
    *,
    having: Expr | None = None,
) -> QueryPlan:
    """(service_name, environment, at, …), one row a service and slot with requests."""
    return QueryPlan(
        source.table,
        scope.workspace,
        (Selected(_KEYS[0], "service_name"), Selected(_KEYS[1], "environment"), Selected(_slot(slot), "at"), *figures),
        where=all_of(scope.where(), source.is_request, when),
        group_by=(*_KEYS, _slot(slot)),
        having=having,
        limit=MAX_ROWS + 1,
    )


def _slot(length: Interval) -> Expr:
    return Call("time_bucket", (_TIMESTAMP, length))


def _day(ms: int) -> int:
    return ms // DAY_MS * DAY_MS


@dataclass(frozen=True, slots=True)
class Step:
    """How a service did in a step. `observed` is None where it had no requests."""

    start_ms: int
    observed: Observed | None
    health: Health


Answers: TypeAlias = tuple[Result, Result, Result, Result]
"""Of a source: its figures, its dark minutes, and what is learned from its days and weeks."""
NOTHING: Final = Result((), (), 0.0, "")
Slots: TypeAlias = dict[ServiceKey, dict[int, T]]
"""Of every service something by the start of a slot."""


def may_be_dark(course: Course, figures: Sequence[Result]) -> list[Range | None]:
    """Of every source where its dark minutes matter, None where nowhere: from the first to the last step in which any
    of its requests failed, and that no earlier source has requests in."""
    taken: set[tuple[ServiceKey, int]] = set()
    ranges: list[Range | None] = []
    for result in figures:
        rows = [(_key(row), int(row["at"]), row["errors"] > 0) for row in result.dicts() if row["count"] > 0]
        starts = [at for key, at, has_failed in rows if has_failed and (key, at) not in taken]
        taken.update((key, at) for key, at, _ in rows)
        end_ms = max(starts, default=0) + course.step_s * 1000
        ranges.append(Range(min(starts), min(end_ms, course.window.end_ms)) if starts else None)
    return ranges


def steps_of(course: Course, sources: Sequence[Answers]) -> dict[ServiceKey, list[Step]]:
    """Every step of every service that had requests in the range, from the answers of each source.

    Step by step an earlier source wins: the metric before the spans. Raises UserError where it becomes too much.
    """
    if any(len(result.rows) > MAX_ROWS for results in sources for result in results):
        raise _too_much()
    observed: Slots[Observed] = {}
    p95s: Slots[float] = {}
    rates: Slots[float] = {}
    for figures, dark, days, traffic in reversed(sources):
        _over(observed, _observed(course, figures, dark))
        _over(p95s, _by_slot(days, "p95_ms", at_least=MIN_P95_REQUESTS))
        counts = _by_slot(traffic, "count", at_least=MIN_HOUR_REQUESTS * course.traffic_s // HOUR_S)
        _over(rates, {key: {at: n / course.traffic_s for at, n in slots.items()} for key, slots in counts.items()})
    if len(observed) * len(course.starts) > MAX_SCORES:
        raise _too_much()
    return {
        key: [
            _step(start, found.get(start), _baseline(course, start, p95s.get(key, {}), rates.get(key, {})))
            for start in course.starts
        ]
        for key, found in sorted(observed.items(), key=lambda item: (item[0].name, item[0].environment))
    }


def _step(start_ms: int, observed: Observed | None, baseline: Baseline) -> Step:
    return Step(start_ms, observed, health.score(observed, baseline))


def _observed(course: Course, figures: Result, dark: Result) -> Slots[Observed]:
    step_ms = course.step_s * 1000
    failed: Slots[int] = {}
    for row in dark.dicts():
        slots, start = failed.setdefault(_key(row), {}), row["at"] // step_ms * step_ms
        slots[start] = slots.get(start, 0) + 1
    found: Slots[Observed] = {}
    for row in figures.dicts():
        if row["count"] > 0:
            key, start = _key(row), int(row["at"])
            found.setdefault(key, {})[start] = Observed(
                requests=row["count"],
                error_ratio=row["errors"] / row["count"],
                p95_ms=row["p95_ms"],
                requests_per_second=row["count"] / course.seconds_of(start),
                availability=1 - failed.get(key, {}).get(start, 0) / row["minutes"],
            )
    return found


def _baseline(course: Course, start_ms: int, p95s: Mapping[int, float], rates: Mapping[int, float]) -> Baseline:
    """What was normal for the time of a step; of several slots and weeks the mean of those that are known."""
    slot_ms = course.traffic_s * 1000
    slots = range(start_ms // slot_ms * slot_ms, start_ms + course.step_s * 1000, slot_ms)
    weeks = range(1, TRAFFIC_WEEKS + 1)
    known = [rates[at] for slot in slots for week in weeks if (at := slot - week * WEEK_S * 1000) in rates]
    return Baseline(p95s.get(_day(start_ms) - DAY_MS), sum(known) / len(known) if known else None)


def _by_slot(result: Result, column: str, *, at_least: int) -> Slots[Any]:
    """A figure of the slots that have so many requests."""
    found: Slots[Any] = {}
    for row in result.dicts():
        if row["count"] >= at_least:
            found.setdefault(_key(row), {})[int(row["at"])] = row[column]
    return found


def _over(below: Slots[T], above: Slots[T]) -> None:
    """Lays one over the other, slot by slot."""
    for key, slots in above.items():
        below.setdefault(key, {}).update(slots)


def _key(row: Mapping[str, Any]) -> ServiceKey:
    return ServiceKey(row["environment"], row["service_name"])


def _too_much() -> UserError:
    return UserError(
        "too_many_points",
        f"the services have more than {MAX_SCORES} steps in this range",
        hint="take a larger step or a shorter range, or ask for one service",
    )


def idle(course: Course) -> list[Step]:
    """The steps of a service without requests: every one of them unknown."""
    return [_step(start, None, health.LEARNING) for start in course.starts]


@dataclass(frozen=True, slots=True)
class FleetStep:
    """All services in a step; `score` is the mean of theirs by their requests, None where nothing was requested."""

    start_ms: int
    score: int | None
    requests: int
    error_ratio: float | None
    requests_per_second: float
    statuses: dict[Status, int]


def fleet_steps(course: Course, services: Mapping[ServiceKey, Sequence[Step]]) -> list[FleetStep]:
    """The steps of all services, put together."""
    return [
        _together(course, start, [steps[n] for steps in services.values()]) for n, start in enumerate(course.starts)
    ]


def _together(course: Course, start_ms: int, steps: Sequence[Step]) -> FleetStep:
    seen = [step.observed for step in steps if step.observed is not None]
    requests = sum(observed.requests for observed in seen)
    errors = sum(observed.error_ratio * observed.requests for observed in seen)
    statuses: dict[Status, int] = {"HEALTHY": 0, "DEGRADED": 0, "UNHEALTHY": 0, "UNKNOWN": 0}
    for step in steps:
        statuses[step.health.status] += 1
    weighed = [(step.health.score, float(step.observed.requests if step.observed else 0)) for step in steps]
    return FleetStep(
        start_ms,
        health.mean_score(weighed),
        requests,
        errors / requests if requests else None,
        requests / course.seconds_of(start_ms),
        statuses,
    )
