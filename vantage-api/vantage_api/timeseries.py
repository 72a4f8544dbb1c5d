"""One metric over time: what is asked as plans, and the rows as series with every step. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, isfinite
from typing import Any, Final, Literal, TypeAlias

from vantage_common.errors import UserError
from vantage_common.store.plan import (
    Call,
    Column,
    Expr,
    Interval,
    Order,
    Output,
    QueryPlan,
    Result,
    Selected,
    all_of,
    between,
    eq,
)
from vantage_common.store.plan import Literal as Value

from vantage_api.lttb import Point, downsampled
from vantage_api.models import Downsampled, Series
from vantage_api.questions import METRIC_REQUESTS, SPAN_REQUESTS, Agg, metric_group, span_group
from vantage_api.times import Range

MAX_POINTS: Final = 5000
"""Points of one series."""
MAX_ROWS: Final = 50_000
"""Points of all series together."""
MAX_KEYS: Final = 5
MAX_TAGS: Final = 10
MAX_SERVICES: Final = 50
DEFAULT_POINTS: Final = 100
FINER: Final = 4
"""Without a step of its own, a chart that is down-sampled is read so many times as fine as it has points."""
SERVICE: Final = "service_name"
_ZERO_WHERE_EMPTY: Final = frozenset({"count", "sum", "rate"})
_TIMESTAMP: Final = Column("timestamp")
Place: TypeAlias = Literal["metrics", "spans"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question for a time series. `tags` are (key, value), all of which have to fit; `services` empty means all."""

    workspace: str
    services: tuple[str, ...]
    environment: str | None
    metric: str
    window: Range
    step_s: int
    agg: Agg
    group_by: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def steps(self) -> range:
        """The starts of all steps, in ms."""
        step_ms = self.step_s * 1000
        return range(self.window.start_ms // step_ms * step_ms, self.window.end_ms, step_ms)


def step_for(window: Range, step_s: int | None, max_points: int | None) -> int:
    """The step in seconds: the one asked for, else one that makes a hundred points, or enough to choose from.

    Raises UserError for a step that makes too many points.
    """
    wanted = DEFAULT_POINTS if max_points is None else min(FINER * max_points, MAX_POINTS)
    chosen = step_s or max(1, ceil(window.seconds / wanted))
    if window.seconds / chosen > MAX_POINTS:
        raise UserError(
            "too_many_points",
            f"a step of {chosen} s makes more than {MAX_POINTS} points",
            hint=f"take a step of at least {ceil(window.seconds / MAX_POINTS)} s, or a shorter range",
        )
    return chosen


def parse_keys(text: str | None) -> tuple[str, ...]:
    """Columns and tag keys, by comma. Raises UserError for too many."""
    keys = tuple(dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip()))
    if len(keys) > MAX_KEYS:
        raise UserError("too_many_keys", f"group_by has more than {MAX_KEYS} keys", hint="group by fewer")
    return keys


def parse_tags(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """``key:value``, parted at the first colon. Raises UserError for one without."""
    tags = [text.partition(":") for text in texts]
    if any(not key or not colon for key, colon, _ in tags):
        raise UserError("bad_tag", "a tag filter has no key", hint="write tag=region:eu, once for each tag")
    return tuple((key, value) for key, _, value in tags)


def plan_for(asked: Asked, place: Place) -> QueryPlan:
    """(at, g0, g1, …, value), by time. `spans` is where the requests of a service without the request metric are."""
    by, source = (metric_group, METRIC_REQUESTS) if place == "metrics" else (span_group, SPAN_REQUESTS)
    bucket = Call("time_bucket", (_TIMESTAMP, Interval(asked.step_s, "SECOND")))
    groups = [Call("to_string", (by(key),)) for key in asked.group_by]
    return QueryPlan(
        place,
        asked.workspace,
        (
            Selected(bucket, "at"),
            *(Selected(group, f"g{n}") for n, group in enumerate(groups)),
            Selected(_aggregate(asked.agg, source.duration, asked.step_s), "value"),
        ),
        where=all_of(
            _one_of(SERVICE, asked.services),
            eq("metric_name", asked.metric) if place == "metrics" else source.is_request,
            between("timestamp", asked.window.start_ms, asked.window.end_ms),
            None if asked.environment is None else eq("environment", asked.environment),
            *(_equal(by(key), value) for key, value in asked.tags),
        ),
        group_by=(bucket, *groups),
        order_by=(Order(Output("at")),),
        limit=MAX_ROWS + 1,
    )


def _one_of(column: str, values: Sequence[str]) -> Expr | None:
    if len(values) == 1:
        return eq(column, values[0])
    return Call("in", (Column(column), *(Value(value) for value in values))) if values else None


def _equal(expr: Expr, value: str) -> Expr:
    """Columns may hold numbers: 200 is compared as text."""
    return Call("=", (Call("to_string", (expr,)) if isinstance(expr, Column) else expr, Value(value)))


def _aggregate(agg: Agg, value: Expr, step_s: int) -> Expr:
    match agg:
        case "count":
            return Call("count")
        case "rate":
            return Call("rate", (value,), (float(step_s),))
        case "p50" | "p90" | "p95" | "p99":
            return Call("quantile", (value,), (int(agg[1:]) / 100,))
        case _:
            return Call(agg, (value,))


def without_known(spans: Result, metrics: Result, asked: Asked) -> Result:
    """The rows of the spans, less those of services that send the metric: requests must not be told twice."""
    if SERVICE not in asked.group_by:
        return spans
    column = 1 + asked.group_by.index(SERVICE)
    known = {row[column] for row in metrics.rows}
    return replace(spans, rows=tuple(row for row in spans.rows if row[column] not in known))


def series_of(rows: Sequence[Sequence[Any]], asked: Asked) -> list[Series]:
    """One series a group, every step of the range present: 0 or null where nothing was observed.

    Raises UserError when the steps that are filled in make too much of few rows.
    """
    found: dict[tuple[str, ...], dict[int, float | None]] = {}
    for at, *group, value in rows:
        found.setdefault(tuple(group), {})[int(at)] = _finite(value)
    empty = 0.0 if asked.agg in _ZERO_WHERE_EMPTY else None
    steps = asked.steps
    if len(rows) > MAX_ROWS or len(found) * len(steps) > MAX_ROWS:
        raise UserError(
            "too_many_points",
            f"the answer has more than {MAX_ROWS} points",
            hint="take a larger step, or group by something with fewer values",
        )
    return [
        Series(
            group=dict(zip(asked.group_by, group, strict=True)), points=[(at, values.get(at, empty)) for at in steps]
        )
        for group, values in sorted(found.items())
    ]


def for_chart(series: Sequence[Series], most: int | None) -> tuple[list[Series], Downsampled | None]:
    """Each series with at most so many points, and what that did; None where all were few enough."""
    if most is None or all(len(one.points) <= most for one in series):
        return list(series), None
    fewer = [Series(group=one.group, points=downsampled(one.points, most)) for one in series]
    return fewer, Downsampled(method="lttb", from_points=_points(series), to_points=_points(fewer))


def _points(series: Sequence[Series]) -> int:
    return sum(len(one.points) for one in series)


def table(series: Sequence[Series]) -> Iterator[tuple[tuple[str, ...], Point]]:
    """The points of all series one under another, each with its group's values."""
    for one in series:
        for point in one.points:
            yield tuple(one.group.values()), point


def _finite(value: Any) -> float | None:
    return None if value is None or not isfinite(value) else float(value)
