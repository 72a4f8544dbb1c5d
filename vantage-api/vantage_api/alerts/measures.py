"""What rules measure, asked for many rules and services at once. Pure: plans out, readings in.

Rules that look at the same window share one plan for all their metrics, answered for every service; requests are asked
of both places they are stored in, and the metric wins over the spans.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from vantage_common.model import REQUEST_METRIC
from vantage_common.store.catalog import TABLES
from vantage_common.store.plan import Call, Column, Expr, Interval, QueryPlan, Result, Selected, all_of, between, eq
from vantage_common.store.plan import Literal as Value

from vantage_api.alerts.judge import Reading
from vantage_api.alerts.rules import EVERY_SERVICE, RuleAgg, RuleBody
from vantage_api.questions import REQUEST_SOURCES, Requests

METRICS_A_PLAN: Final = 100
SERVICES_A_PLAN: Final = 100
MAX_ROWS: Final = 1_000_000
_SERVICE: Final = Column("service_name")


@dataclass(frozen=True, slots=True)
class Measure:
    """An aggregate over windows of one length; without an environment, over all of them together."""

    metric: str
    agg: RuleAgg
    window_s: int
    environment: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """Some measures and the plans that answer them; of several plans an earlier one wins, service by service."""

    measures: tuple[Measure, ...]
    plans: tuple[QueryPlan, ...]


Readings = Mapping[str, Reading]
"""By service."""


def measure_of(rule: RuleBody) -> Measure:
    return Measure(rule.metric, rule.agg, rule.window_s, rule.environment)


def now_questions(workspace: str, wanted: Mapping[Measure, frozenset[str]], end_ms: int) -> list[Question]:
    """For each measure the services that are asked for, ``*`` for all: the windows that end at `end_ms`."""
    asked = []
    for group in _groups(wanted):
        services = frozenset[str]().union(*(wanted[measure] for measure in group))
        start_ms = end_ms - group[0].window_s * 1000
        asked.append(_question(workspace, group, start_ms, end_ms, services=services))
    return asked


def slot_question(
    workspace: str, measure: Measure, start_ms: int, end_ms: int, services: frozenset[str] = frozenset({EVERY_SERVICE})
) -> Question:
    """Every window of the measure from `start_ms` to `end_ms`, one after the other."""
    return _question(workspace, (measure,), start_ms, end_ms, services=services, slotted=True)


def readings(question: Question, results: Sequence[Result]) -> dict[Measure, dict[str, Reading]]:
    """What the plans of `now_questions` answered."""
    found: dict[Measure, dict[str, Reading]] = {measure: {} for measure in question.measures}
    for row in _rows(results):
        for measure in _of(question, row):
            found[measure].setdefault(row["service_name"], _reading(row, measure))
    return found


def slots(question: Question, results: Sequence[Result]) -> dict[str, dict[int, Reading]]:
    """What `slot_question` answered: by service, and by the begin of the window in ms."""
    [measure] = question.measures
    found: dict[str, dict[int, Reading]] = {}
    for row in _rows(results):
        found.setdefault(row["service_name"], {}).setdefault(int(row["at"]), _reading(row, measure))
    return found


def last_seen(
    workspace: str, metric: str, environment: str | None, start_ms: int, end_ms: int, slot_s: int | None = None
) -> tuple[QueryPlan, ...]:
    """(service_name, last): when each service last sent the metric, anything at all without one; with `slot_s`, in
    every slot. The answers of all plans count."""
    within = between("timestamp", start_ms, end_ms)
    where = None if environment is None else eq("environment", environment)
    select = (Selected(_SERVICE, "service_name"), Selected(Call("max", (Column("timestamp"),)), "last"))
    if metric == "":
        asked: list[tuple[str, Expr | None]] = [(table, None) for table in TABLES]
    elif metric == REQUEST_METRIC:
        asked = [(source.table, source.is_request) for source in REQUEST_SOURCES]
    else:
        asked = [("metrics", eq("metric_name", metric))]
    slot = () if slot_s is None else (Call("time_bucket", (Column("timestamp"), Interval(slot_s, "SECOND"))),)
    return tuple(
        QueryPlan(table, workspace, select, all_of(where, which, within), group_by=(_SERVICE, *slot), limit=MAX_ROWS)
        for table, which in asked
    )


def _groups(measures: Iterable[Measure]) -> list[tuple[Measure, ...]]:
    """Those that one look answers. Growth stands apart: the store takes differences for it."""
    groups: dict[tuple[Any, ...], list[Measure]] = {}
    for measure in sorted(measures, key=lambda m: (m.metric, m.agg)):
        kind = "requests" if measure.metric == REQUEST_METRIC else "rate" if measure.agg == "rate" else "metrics"
        groups.setdefault((kind, measure.window_s, measure.environment), []).append(measure)
    return [part for group in groups.values() for part in _parts(group)]


def _parts(group: list[Measure]) -> list[tuple[Measure, ...]]:
    metrics = sorted({measure.metric for measure in group})
    chunks = [set(metrics[at : at + METRICS_A_PLAN]) for at in range(0, len(metrics), METRICS_A_PLAN)]
    return [tuple(measure for measure in group if measure.metric in chunk) for chunk in chunks]


def _question(
    workspace: str,
    measures: tuple[Measure, ...],
    start_ms: int,
    end_ms: int,
    *,
    services: frozenset[str],
    slotted: bool = False,
) -> Question:
    window_s, environment = measures[0].window_s, measures[0].environment
    where = all_of(
        between("timestamp", start_ms, end_ms),
        None if environment is None else eq("environment", environment),
        _services(services),
    )
    slot = Call("time_bucket", (Column("timestamp"), Interval(window_s, "SECOND"))) if slotted else None
    if measures[0].metric == REQUEST_METRIC:
        plans = tuple(_request_plan(workspace, source, measures, where, slot) for source in REQUEST_SOURCES)
    else:
        plans = (_metric_plan(workspace, measures, where, slot),)
    return Question(measures, plans)


def _services(names: frozenset[str]) -> Expr | None:
    if EVERY_SERVICE in names or len(names) > SERVICES_A_PLAN:
        return None
    if len(names) == 1:
        return eq("service_name", next(iter(names)))
    return Call("in", (_SERVICE, *(Value(name) for name in sorted(names))))


def _metric_plan(workspace: str, measures: tuple[Measure, ...], where: Expr | None, slot: Expr | None) -> QueryPlan:
    metric = Column("metric_name")
    names = sorted({measure.metric for measure in measures})
    which = eq("metric_name", names[0]) if len(names) == 1 else Call("in", (metric, *(Value(n) for n in names)))
    keys = (("service_name", _SERVICE), ("metric_name", metric))
    return _plan("metrics", workspace, keys, slot, _aggregates(measures, Column("value"), None), all_of(which, where))


def _request_plan(
    workspace: str, source: Requests, measures: tuple[Measure, ...], where: Expr | None, slot: Expr | None
) -> QueryPlan:
    aggregates = _aggregates(measures, source.duration, source.failed)
    condition = all_of(source.is_request, where)
    return _plan(source.table, workspace, (("service_name", _SERVICE),), slot, aggregates, condition)


def _plan(
    table: str,
    workspace: str,
    keys: tuple[tuple[str, Expr], ...],
    slot: Expr | None,
    aggregates: list[Selected],
    where: Expr | None,
) -> QueryPlan:
    groups = keys if slot is None else (*keys, ("at", slot))
    return QueryPlan(
        table,
        workspace,
        (*(Selected(expr, name) for name, expr in groups), Selected(Call("count"), "n"), *aggregates),
        where,
        group_by=tuple(expr for _, expr in groups),
        limit=MAX_ROWS,
    )


def _aggregates(measures: tuple[Measure, ...], value: Expr, failed: Expr | None) -> list[Selected]:
    aggs = sorted({measure.agg for measure in measures} - {"count"})
    return [Selected(_aggregate(agg, value, failed, measures[0].window_s), agg) for agg in aggs]


def _aggregate(agg: RuleAgg, value: Expr, failed: Expr | None, window_s: int) -> Expr:
    match agg:
        case "error_ratio":
            assert failed is not None, "rules refuse it for other metrics"
            return Call("count_if", (failed,))
        case "rate":
            return Call("rate", (value,), (float(window_s),))
        case "p50" | "p90" | "p95" | "p99":
            return Call("quantile", (value,), (int(agg[1:]) / 100,))
        case _:
            return Call(agg, (value,))


def _rows(results: Sequence[Result]) -> Iterable[dict[str, Any]]:
    return (row for result in results for row in result.dicts())


def _of(question: Question, row: Mapping[str, Any]) -> Iterable[Measure]:
    metric = row.get("metric_name", REQUEST_METRIC)
    return (measure for measure in question.measures if measure.metric == metric)


def _reading(row: Mapping[str, Any], measure: Measure) -> Reading:
    n = int(row["n"])
    if measure.agg == "count":
        return Reading(float(n), n)
    found = row[measure.agg]
    if found is None or n == 0:
        return Reading(None, n)
    return Reading(found / n if measure.agg == "error_ratio" else float(found), n)
