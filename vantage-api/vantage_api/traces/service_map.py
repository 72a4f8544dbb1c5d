"""Who calls whom, how often, how well and how fast.

A call is reported by the callee's request metric where that names the caller, and by spans; both may be there. Of
every caller, callee and slot of time the metric counts where there is one, else the spans: nothing counts twice, and
what only one of the two tells of is there. Closed hours come from the rollups, the rest from raw rows.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Final, Literal, TypeAlias

from vantage_common.logbins import merge, quantile
from vantage_common.model import PULSE_GAMMA
from vantage_common.store.catalog import CALLS, EDGES_1M, SERVICE_1M, SPANS
from vantage_common.store.intervals import Intervals, fewer, intersect, subtract, whole_slots
from vantage_common.store.plan import (
    Call,
    Column,
    Expr,
    Interval,
    Order,
    Output,
    QueryPlan,
    Selected,
    all_of,
    between,
    eq,
)
from vantage_common.store.plan import Literal as Value

from vantage_api.ask import Ask
from vantage_api.questions import METRIC_REQUESTS, SPAN_REQUESTS, Scope
from vantage_api.times import Range
from vantage_api.traces.models import MapEdge, MapNode, NodeKind, ServiceMap
from vantage_api.traces.plans import TIMESTAMP

MINUTE_MS: Final = 60_000
SLOTS: Final = 60
MOST_ROWS: Final = 50_000
MOST_EDGES: Final = 2000
MOST_RAW_PARTS: Final = 3

Kind: TypeAlias = Literal["service", "messaging", "queue", "database", "external"]
Told: TypeAlias = Literal["metric", "span"]


@dataclass(frozen=True, slots=True)
class Tally:
    """Requests of one edge, or of one service where `caller` is empty, in one slot, as one `source` tells of them."""

    caller: str
    callee: str
    kind: Kind
    source: Told
    slot_ms: int
    count: int
    errors: int
    bins: Mapping[int, int]


@dataclass(slots=True)
class Total:
    """Tallies added up."""

    count: int = 0
    errors: int = 0
    bins: list[Mapping[int, int]] = field(default_factory=list)
    counts: dict[Told, int] = field(default_factory=lambda: {"metric": 0, "span": 0})

    def add(self, tally: Tally) -> None:
        self.count += tally.count
        self.errors += tally.errors
        self.bins.append(tally.bins)
        self.counts[tally.source] += tally.count

    def quantile_ms(self, level: float) -> float | None:
        return quantile(merge(self.bins), level, PULSE_GAMMA)

    @property
    def source(self) -> Told:
        """What told of most of it."""
        return "metric" if self.counts["metric"] >= self.counts["span"] else "span"


EdgeKey: TypeAlias = tuple[str, str, Kind]


async def read(ask: Ask, scope: Scope, asked: Range, rolled_up: Intervals) -> ServiceMap:
    """The map of a range; of one service where the scope names one."""
    whole = ((asked.start_ms, asked.end_ms),)
    rolled = whole_slots(intersect(whole, rolled_up), MINUTE_MS)
    raw = fewer(subtract(whole, rolled), MOST_RAW_PARTS)
    rolled = subtract(rolled, raw)
    slot = Interval(max(ceil(asked.seconds / SLOTS / 60), 1) * 60, "SECOND")
    plans = [plan for start, end in rolled for plan in rolled_plans(scope, start, end, slot)]
    plans += [plan for start, end in raw for plan in raw_plans(scope, start, end, slot)]
    tallies: list[Tally] = []
    is_cut = False
    for plan in plans:
        rows = (await ask(plan)).dicts()
        is_cut = is_cut or len(rows) >= MOST_ROWS
        tallies += [tally_of(row) for row in rows]
    edges = preferred(tally for tally in tallies if tally.caller)
    services = preferred(tally for tally in tallies if not tally.caller)
    sources = sorted({plan.table for plan in plans})
    if scope.service is not None:
        ends = {name for caller, callee, _ in edges for name in (caller, callee)} | {scope.service}
        services = {key: total for key, total in services.items() if key[1] in ends}
    return drawn(edges, services, asked, sources, is_cut)


def rolled_plans(scope: Scope, start_ms: int, end_ms: int, slot: Interval) -> list[QueryPlan]:
    figures = (
        Selected(Call("sum", (Column("count"),)), "n"),
        Selected(Call("sum", (Column("errors"),)), "errors"),
        Selected(Call("merge_bins", (Column("buckets"),)), "bins"),
    )
    told = ("told", Column("source"))
    within = all_of(between("timestamp", start_ms, end_ms), _in_environment(scope), _counted(Column("count")))
    edge = (("caller", Column("caller")), told)
    return [
        _plan(EDGES_1M.name, scope, edge, figures, all_of(within, _touches(scope, Column("caller"))), slot),
        _plan(SERVICE_1M.name, scope, (told,), figures, within, slot),
    ]


def raw_plans(scope: Scope, start_ms: int, end_ms: int, slot: Interval) -> list[QueryPlan]:
    within = all_of(between("timestamp", start_ms, end_ms), _in_environment(scope))
    plans = []
    for source, told in ((METRIC_REQUESTS, "metric"), (SPAN_REQUESTS, "span")):
        figures = _raw_figures(source.duration, source.failed)
        requests = all_of(source.is_request, within)
        named: tuple[str, Expr] = ("told", Value(told))
        plans.append(_plan(source.table, scope, (named,), figures, requests, slot))
        if source.table != SPANS.name:
            called = all_of(requests, Call("!=", (source.caller, Value(""))), _touches(scope, source.caller))
            plans.append(_plan(source.table, scope, (("caller", source.caller), named), figures, called, slot))
    figures = _raw_figures(Column("duration_ms"), eq("status", "error"))
    calls = (("caller", Column("caller")), ("told", Column("kind")))
    plans.append(_plan(CALLS.name, scope, calls, figures, all_of(within, _touches(scope, Column("caller"))), slot))
    return plans


def _raw_figures(duration: Expr, failed: Expr) -> tuple[Selected, ...]:
    return (
        Selected(Call("count"), "n"),
        Selected(Call("count_if", (failed,)), "errors"),
        Selected(Call("bins", (duration,)), "bins"),
    )


def _plan(
    table: str,
    scope: Scope,
    by: Sequence[tuple[str, Expr]],
    figures: Sequence[Selected],
    where: Expr | None,
    slot: Interval,
) -> QueryPlan:
    """(…`by`, callee, slot, n, errors, bins), one row a group and slot, the busiest first."""
    keys = [*by, ("callee", Column("service_name")), ("slot", Call("time_bucket", (TIMESTAMP, slot)))]
    return QueryPlan(
        table,
        scope.workspace,
        (*(Selected(expr, name) for name, expr in keys), *figures),
        where=where,
        group_by=tuple(expr for _, expr in keys if not isinstance(expr, Value)),
        order_by=(Order(Output("n"), descending=True),),
        limit=MOST_ROWS,
    )


def _in_environment(scope: Scope) -> Expr | None:
    return None if scope.environment is None else eq("environment", scope.environment)


def _touches(scope: Scope, caller: Expr) -> Expr | None:
    if scope.service is None:
        return None
    return Call("or", (eq("service_name", scope.service), Call("=", (caller, Value(scope.service)))))


def _counted(count: Expr) -> Expr:
    return Call(">", (count, Value(0)))


_KINDS: Final[Mapping[str, Kind]] = {
    "metric": "service",
    "span": "service",
    "service": "service",
    "messaging": "messaging",
    "queue": "queue",
    "database": "database",
    "external": "external",
}


def tally_of(row: Mapping[str, Any]) -> Tally:
    """`told` is what the rollup calls `source`, and the view of calls `kind`."""
    return Tally(
        caller=row.get("caller", ""),
        callee=row["callee"],
        kind=_KINDS[row["told"]],
        source="metric" if row["told"] == "metric" else "span",
        slot_ms=int(row["slot"]),
        count=int(row["n"]),
        errors=int(row["errors"]),
        bins={int(number): int(count) for number, count in row["bins"].items()},
    )


def preferred(tallies: Iterable[Tally]) -> dict[EdgeKey, Total]:
    """By edge, of every slot what the metric says where it says anything, else what spans say."""
    slots: dict[tuple[EdgeKey, int], dict[Told, list[Tally]]] = defaultdict(lambda: {"metric": [], "span": []})
    for tally in tallies:
        if tally.count:
            slots[(tally.caller, tally.callee, tally.kind), tally.slot_ms][tally.source].append(tally)
    totals: dict[EdgeKey, Total] = defaultdict(Total)
    for (key, _), told in slots.items():
        for tally in told["metric"] or told["span"]:
            totals[key].add(tally)
    return totals


def drawn(
    edges: Mapping[EdgeKey, Total],
    services: Mapping[EdgeKey, Total],
    asked: Range,
    sources: list[str],
    is_cut: bool,
) -> ServiceMap:
    shown = sorted(edges.items(), key=lambda edge: (-edge[1].count, edge[0]))
    kept = dict(shown[:MOST_EDGES])
    return ServiceMap(
        start=asked.start_ms,
        end=asked.end_ms,
        nodes=_nodes(kept, services, asked.seconds),
        edges=[_edge(key, total, asked.seconds) for key, total in kept.items()],
        truncated=is_cut or len(shown) > MOST_EDGES,
        sources=sources,
    )


def _nodes(edges: Mapping[EdgeKey, Total], services: Mapping[EdgeKey, Total], seconds: float) -> list[MapNode]:
    """Of services that answer requests and of every end of an edge. What is called without a request (a consumer, a
    database) has the figures of the calls to it."""
    known = {callee: total for (_, callee, _), total in services.items()}
    called: dict[tuple[NodeKind, str], Total] = {}
    for (caller, callee, kind), total in edges.items():
        called.setdefault(("service", caller), Total())
        node = called.setdefault((_node_kind(kind), callee), Total())
        node.count += total.count
        node.errors += total.errors
        node.bins += total.bins
    found = called | {("service", name): total for name, total in known.items()}
    return [_node(kind, name, total, seconds) for (kind, name), total in sorted(found.items())]


def _node(kind: NodeKind, name: str, total: Total, seconds: float) -> MapNode:
    return MapNode(
        id=f"{kind}:{name}",
        kind=kind,
        name=name,
        rps=total.count / seconds if total.count else None,
        error_ratio=total.errors / total.count if total.count else None,
        p95_ms=total.quantile_ms(0.95),
    )


def _node_kind(kind: Kind) -> NodeKind:
    return "service" if kind == "messaging" else kind


def _edge(key: EdgeKey, total: Total, seconds: float) -> MapEdge:
    caller, callee, kind = key
    return MapEdge(
        caller=f"service:{caller}",
        callee=f"{_node_kind(kind)}:{callee}",
        kind=kind,
        source=total.source,
        count=total.count,
        rps=total.count / seconds,
        error_ratio=total.errors / total.count,
        p50_ms=total.quantile_ms(0.5),
        p95_ms=total.quantile_ms(0.95),
    )
