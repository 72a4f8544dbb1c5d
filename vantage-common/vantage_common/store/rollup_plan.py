"""Which plans a rollup answers as raw rows would, and what of which table is then read. Pure.

A rollup keeps, of every series and slot, the number of observations, their sum, least, greatest, growth and logarithmic
bins. It answers a plan when labels are all else that the plan looks at, and when no step of time cuts a slot: counts,
sums, averages, least and greatest exactly, quantiles within 1 % (the root of the bins' base, less one).

An hour is read from a rollup once it was computed, from raw rows before, and from raw rows again when some arrive for
it later, until it is computed anew. The worker looks for such rows every half a minute: so long a rollup may lack them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vantage_common.model import REQUEST_METRIC
from vantage_common.store.api import RollupSource
from vantage_common.store.catalog import METRICS, METRICS_1D, METRICS_1H, READABLE, SERVICE_1M, SPANS, TABLES, TableInfo
from vantage_common.store.functions import FUNCTIONS
from vantage_common.store.intervals import (
    ALWAYS,
    BEGIN,
    END,
    Intervals,
    fewer,
    intersect,
    subtract,
    union,
    whole_slots,
)
from vantage_common.store.plan import Call, Column, Expr, Interval, Literal, QueryPlan, Tag, Time, eq

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
MOST_GAPS: Final = 16
"""Hours that are not computed lie together as a rule; where they do not, computed ones between them are read raw."""

OUTDATED: Final = 0
"""In place of the number of rows of an hour's run: rows came after it. An hour without rows has no run."""

UNIT_MS: Final = {"SECOND": 1000, "MINUTE": MINUTE_MS, "HOUR": HOUR_MS, "DAY": DAY_MS, "WEEK": 7 * DAY_MS}
"""The units of fixed length. A MONTH has none."""
_FROM_MIDNIGHT: Final = frozenset({"DAY", "WEEK", "MONTH"})

FAILED_FROM: Final = 500
"""An HTTP status from here on is the service's own failure."""
FAILED_METRIC: Final[Expr] = Call(
    "or",
    (
        Call(">=", (Column("status_code"), Literal(FAILED_FROM))),
        Call("=", (Tag("tags", "error"), Literal("true"))),
    ),
)
FAILED_SPAN: Final[Expr] = eq("status", "error")
IS_REQUEST_METRIC: Final[Expr] = eq("metric_name", REQUEST_METRIC)
IS_REQUEST_SPAN: Final[Expr] = eq("kind", "server")


@dataclass(frozen=True, slots=True)
class Rollup:
    """A table that stands for rows of the raw table `of`, those that fulfil `only` where there is such a condition.

    `value` is the raw column whose figures it keeps, `labels` are the raw columns it keeps as they are, `errors` is the
    condition whose observations it counts apart, `requests` the value of its column `source`.
    """

    table: TableInfo
    of: RollupSource
    slot_ms: int
    value: str
    labels: frozenset[str]
    figures: frozenset[str]
    only: Expr | None = None
    errors: Expr | None = None
    requests: str = ""

    @property
    def fixed(self) -> dict[str, str]:
        """Columns that `only` leaves one value."""
        match self.only:
            case Call("=", (Column(name), Literal(str(value)))):
                return {name: value}
            case _:
                return {}


_FIGURES: Final = frozenset({"count", "sum", "avg", "min", "max", "quantile", "quantiles"})
_GROWTH: Final = frozenset({"increase", "rate"})
_OF_LABELS: Final = frozenset({"uniq", "uniq_exact", "any", "group_uniq", "min", "max", "arg_max", "arg_min"})

DAYS: Final = Rollup(METRICS_1D, "metrics", DAY_MS, "value", METRICS.identity, _FIGURES | _GROWTH)
HOURS: Final = Rollup(METRICS_1H, "metrics", HOUR_MS, "value", METRICS.identity, _FIGURES | _GROWTH)
METRIC_MINUTES: Final = Rollup(
    SERVICE_1M,
    "metrics",
    MINUTE_MS,
    "value",
    frozenset({"service_name", "environment", "metric_name"}),
    _FIGURES,
    only=IS_REQUEST_METRIC,
    errors=FAILED_METRIC,
    requests="metric",
)
SPAN_MINUTES: Final = Rollup(
    SERVICE_1M,
    "spans",
    MINUTE_MS,
    "duration_ms",
    frozenset({"service_name", "environment", "kind"}),
    _FIGURES,
    only=IS_REQUEST_SPAN,
    errors=FAILED_SPAN,
    requests="span",
)
ROLLUPS_OF: Final[dict[str, tuple[Rollup, ...]]] = {
    METRICS.name: (DAYS, HOURS, METRIC_MINUTES),
    SPANS.name: (SPAN_MINUTES,),
}
"""Of every raw table, the coarsest first."""


@dataclass(frozen=True, slots=True)
class Fit:
    """What could be read for a plan: `rollups` answer it, the coarsest first; `refused` says why the others do not.

    `inside` are instants all of whose rows the plan's time range takes, `hull` are those of which it takes any.
    `labels` is what else the rows have to fulfil.
    """

    rollups: tuple[Rollup, ...]
    refused: tuple[str, ...]
    inside: Intervals
    hull: Intervals
    labels: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What of which table is read: `raw` is None where all of the plan's raw rows are."""

    parts: tuple[tuple[Rollup, Intervals], ...] = ()
    raw: Intervals | None = None
    labels: tuple[Expr, ...] = ()

    def source(self, table: str) -> str:
        """The names of the tables that are read, as in ``metrics_1h + metrics``."""
        names = [rollup.table.name for rollup, _ in self.parts]
        return " + ".join([*names, table] if self.raw is None or self.raw else names)


RAW: Final = Reading()


def fit(plan: QueryPlan) -> Fit:
    """Which rollups answer the plan, whatever has been computed so far."""
    table = READABLE[plan.table]
    candidates = ROLLUPS_OF.get(plan.table, ())
    inside, hull, rest = _time_range(plan.where, table.time)
    answers: list[Rollup] = []
    refused: list[str] = []
    for rollup in candidates:
        why_not = _fault_of_plan(plan, rollup, rest)
        if why_not is None:
            answers.append(rollup)
        else:
            refused.append(f"{rollup.table.name}: {why_not}")
    return Fit(tuple(answers), tuple(refused), inside, hull, rest)


def reading(found: Fit, computed: Intervals) -> Reading:
    """Each instant from the coarsest rollup that has it computed, the rest from raw rows."""
    taken: list[tuple[Rollup, Intervals]] = []
    left = intersect(found.inside, computed)
    for rollup in found.rollups:
        part = whole_slots(left, rollup.slot_ms)
        taken.append((rollup, part))
        left = subtract(left, part)
    raw = fewer(subtract(found.hull, union(span for _, part in taken for span in part)), MOST_GAPS)
    parts = tuple((rollup, kept) for rollup, part in taken if (kept := subtract(part, raw)))
    return Reading(parts, raw, found.labels) if parts else RAW


def computed_hours(runs: Mapping[int, int]) -> Intervals:
    """Of which instants the rollups hold all that arrived, by what `runs_sql` found.

    Every hour that a row arrived in before the position is computed, so one without a run before it was empty.
    """
    until = runs.get(0, 0) // HOUR_MS * HOUR_MS
    early = [(BEGIN, until)] if until > 0 else []
    hours = {hour: rows for hour, rows in runs.items() if hour}
    computed = union([*early, *(_hour(hour) for hour, rows in hours.items() if rows != OUTDATED)])
    return subtract(computed, union(_hour(hour) for hour, rows in hours.items() if rows == OUTDATED))


def _hour(start_ms: int) -> tuple[int, int]:
    return start_ms, start_ms + HOUR_MS


def _fault_of_plan(plan: QueryPlan, rollup: Rollup, conditions: Sequence[Expr]) -> str | None:
    exprs = [*(item.expr for item in plan.select), *plan.group_by, *(item.expr for item in plan.order_by)]
    if plan.having is not None:
        exprs.append(plan.having)
    if not (plan.group_by or plan.distinct or any(_has_aggregate(expr) for expr in exprs)):
        return "rows as they came are asked for"
    if rollup.only is not None and rollup.only not in conditions:
        return f"it knows rows of one {next(iter(rollup.fixed))} alone"
    return _first_fault([*exprs, *conditions], rollup)


def _first_fault(exprs: Iterable[Expr], rollup: Rollup) -> str | None:
    return next((why for expr in exprs if (why := _fault(expr, rollup)) is not None), None)


def _fault(expr: Expr, rollup: Rollup) -> str | None:
    """Why the rollup cannot answer an expression, None when it can."""
    match expr:
        case Column(name):
            kept = name in rollup.labels and name not in ("tags", "attributes")
            return None if kept else _not_kept(name, rollup)
        case Tag(name, _) | Call("map_keys", (Column(name),)):
            return None if name in rollup.labels else _not_kept(name, rollup)
        case Call("time_bucket", (Column(name), Interval() as step)) if name == rollup.table.time:
            shown = f"{step.n} {step.unit}"
            return None if _holds_slots(step, rollup.slot_ms) else f"its slots are not within steps of {shown}"
        case Call(name, args, _) if FUNCTIONS[name].is_aggregate:
            return _fault_of_aggregate(name, args, rollup)
        case Call(_, args, _):
            return _first_fault(args, rollup)
        case _:
            return None


def _fault_of_aggregate(name: str, args: Sequence[Expr], rollup: Rollup) -> str | None:
    base = name.removesuffix("_if")
    values = args[:-1] if FUNCTIONS[name].has_condition else args
    condition = args[-1] if FUNCTIONS[name].has_condition else None
    is_errors = base == "count" and condition == rollup.errors
    if condition is not None and not is_errors and (why := _fault(condition, rollup)) is not None:
        return why
    if base == "count":
        return None
    if base in rollup.figures and tuple(values) == (Column(rollup.value),):
        return None
    if base == "sum" and tuple(values) == (Column(TABLES[rollup.of].weight or ""),):
        return None
    if base in _OF_LABELS:
        return _first_fault(values, rollup)
    return f"{FUNCTIONS[base].vql or base} needs every row"


def _not_kept(name: str, rollup: Rollup) -> str:
    return "single moments are asked for" if name == rollup.table.time else f"it does not keep {name}"


def _holds_slots(step: Interval, slot_ms: int) -> bool:
    """Whether every slot lies within one step. Steps of seconds to hours begin at multiples of their length; only days
    and what is made of them begin at midnight."""
    if step.unit in _FROM_MIDNIGHT:
        return True
    length = step.n * UNIT_MS[step.unit]
    return length % slot_ms == 0 and (slot_ms < DAY_MS or step.unit != "HOUR")


def _has_aggregate(expr: Expr) -> bool:
    if not isinstance(expr, Call):
        return False
    return FUNCTIONS[expr.function].is_aggregate or any(_has_aggregate(arg) for arg in expr.args)


def _time_range(where: Expr | None, time: str) -> tuple[Intervals, Intervals, tuple[Expr, ...]]:
    """The conditions on the time alone as (inside, hull), and the others as they are."""
    inside, hull, rest = ALWAYS, ALWAYS, []
    for condition in _conjuncts(where):
        found = _instants(condition, time)
        if found is None:
            rest.append(condition)
        else:
            inside, hull = intersect(inside, found[0]), intersect(hull, found[1])
    return inside, hull, tuple(rest)


def _conjuncts(where: Expr | None) -> list[Expr]:
    match where:
        case None:
            return []
        case Call("and", args):
            return [part for arg in args for part in _conjuncts(arg)]
        case _:
            return [where]


_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _instants(condition: Expr, time: str) -> tuple[Intervals, Intervals] | None:
    """(inside, hull) of a condition that is about the time alone, else None.

    A bound that is part of the range is left out of `inside`: rows of spans have times between two milliseconds.
    """
    match condition:
        case Call("and" | "or" as joined, args):
            found = [_instants(arg, time) for arg in args]
            known = [pair for pair in found if pair is not None]
            if len(known) < len(found):
                return None
            return _joined(joined, [pair[0] for pair in known]), _joined(joined, [pair[1] for pair in known])
        case Call("between", (Column(name), low, high)) if name == time:
            return _instants(Call("and", (Call(">=", (Column(name), low)), Call("<=", (Column(name), high)))), time)
        case Call(function, (Column(name), bound)) if name == time and function in _MIRRORED:
            return _bounded(function, instant_of(bound))
        case Call(function, (bound, Column(name))) if name == time and function in _MIRRORED:
            return _bounded(_MIRRORED[function], instant_of(bound))
        case _:
            return None


def _joined(how: str, sets: Sequence[Intervals]) -> Intervals:
    if how == "or":
        return union(part for intervals in sets for part in intervals)
    joined = ALWAYS
    for intervals in sets:
        joined = intersect(joined, intervals)
    return joined


def _bounded(function: str, at: int | None) -> tuple[Intervals, Intervals] | None:
    if at is None:
        return None
    match function:
        case ">=":
            return ((at, END),), ((at, END),)
        case ">":
            return ((at + 1, END),), ((at, END),)
        case "<":
            return ((BEGIN, at),), ((BEGIN, at),)
        case _:
            return ((BEGIN, at),), ((BEGIN, at + 1),)


def instant_of(expr: Expr) -> int | None:
    """The ms that a constant time stands for; None where it has to be asked of the engine."""
    match expr:
        case Time(ms):
            return ms
        case Call("-" | "+" as sign, (moment, Interval(n, unit))) if unit in UNIT_MS:
            at = instant_of(moment)
            return None if at is None else at + (1 if sign == "+" else -1) * n * UNIT_MS[unit]
        case _:
            return None
