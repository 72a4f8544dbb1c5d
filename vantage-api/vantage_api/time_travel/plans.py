"""What time travel asks of the store, of raw rows and of rollups alike. Pure.

Both answer with logarithmic bins of one base, so that slots of either kind add up.
"""

from typing import Final, Literal, TypeAlias

from vantage_common.store.catalog import CITY_10S, EDGES_1M, SERVICE_1M
from vantage_common.store.plan import Call, Column, Expr, Interval, QueryPlan, Selected, all_of, between, eq

from vantage_api.questions import Requests

FINE_S: Final = 10
"""The slots of `city_10s`."""
MINUTE_S: Final = 60
MAX_ROWS: Final = 200_000
PulseSource: TypeAlias = Literal["metric", "span"]
_TIMESTAMP: Final = Column("timestamp")
_KEYS: Final = (Column("service_name"), Column("environment"))


def source_name(source: Requests) -> PulseSource:
    """What rollups call it."""
    return "metric" if source.table == "metrics" else "span"


def stored_slots(workspace: str, source: Requests, start_ms: int, end_ms: int, slot_s: int) -> QueryPlan:
    """(service_name, environment, at, count, errors, bins) of raw rows, one row a service and slot with requests."""
    figures = (
        Selected(Call("count"), "count"),
        Selected(Call("count_if", (source.failed,)), "errors"),
        Selected(Call("bins", (source.duration,)), "bins"),
    )
    return _by_slot(source.table, workspace, _raw(source, start_ms, end_ms), _KEYS, figures, slot_s)


def rolled_slots(workspace: str, source: Requests, start_ms: int, end_ms: int, slot_s: int) -> QueryPlan:
    """The same of a rollup."""
    table = SERVICE_1M if slot_s % MINUTE_S == 0 else CITY_10S
    figures = (
        Selected(Call("sum", (Column("count"),)), "count"),
        Selected(Call("sum", (Column("errors"),)), "errors"),
        Selected(Call("merge_bins", (Column("buckets"),)), "bins"),
    )
    return _by_slot(table.name, workspace, _rolled(source, start_ms, end_ms), _KEYS, figures, slot_s)


def stored_instances(workspace: str, source: Requests, start_ms: int, end_ms: int, slot_s: int) -> QueryPlan:
    """(service_name, environment, at, instances) of raw rows, one row a service and slot."""
    instances = Selected(Call("uniq_exact", (Column("instance"),)), "instances")
    return _by_slot(source.table, workspace, _raw(source, start_ms, end_ms), _KEYS, (instances,), slot_s)


def rolled_instances(workspace: str, source: Requests, start_ms: int, end_ms: int, slot_s: int) -> QueryPlan:
    """The same of a rollup: of a slot that is longer than a minute, the most that any of its minutes had."""
    instances = Selected(Call("max", (Column("instances"),)), "instances")
    return _by_slot(SERVICE_1M.name, workspace, _rolled(source, start_ms, end_ms), _KEYS, (instances,), slot_s)


def instances_within(workspace: str, source: Requests, start_ms: int, end_ms: int) -> QueryPlan:
    """(service_name, environment, instances) of raw rows, one row a service."""
    instances = Selected(Call("uniq_exact", (Column("instance"),)), "instances")
    return QueryPlan(
        source.table,
        workspace,
        (*_named(_KEYS), instances),
        where=_raw(source, start_ms, end_ms),
        group_by=_KEYS,
        limit=MAX_ROWS,
    )


def stored_edges(workspace: str, source: Requests, start_ms: int, end_ms: int) -> QueryPlan:
    """(service_name, environment, caller, count, errors) of raw rows; `caller` is empty where it is not known."""
    figures = (Selected(Call("count"), "count"), Selected(Call("count_if", (source.failed,)), "errors"))
    return QueryPlan(
        source.table,
        workspace,
        (*_named(_KEYS), Selected(source.caller, "caller"), *figures),
        where=_raw(source, start_ms, end_ms),
        group_by=(*_KEYS, source.caller),
        limit=MAX_ROWS,
    )


def rolled_edges(workspace: str, source: Requests, start_ms: int, end_ms: int) -> QueryPlan:
    """The same of the rollup, which has the known callers only."""
    caller = Column("caller")
    figures = (
        Selected(Call("sum", (Column("count"),)), "count"),
        Selected(Call("sum", (Column("errors"),)), "errors"),
    )
    return QueryPlan(
        EDGES_1M.name,
        workspace,
        (*_named(_KEYS), Selected(caller, "caller"), *figures),
        where=_rolled(source, start_ms, end_ms),
        group_by=(*_KEYS, caller),
        limit=MAX_ROWS,
    )


def _by_slot(
    table: str,
    workspace: str,
    where: Expr | None,
    keys: tuple[Expr, ...],
    figures: tuple[Selected, ...],
    slot_s: int,
) -> QueryPlan:
    at = Call("time_bucket", (_TIMESTAMP, Interval(slot_s, "SECOND")))
    return QueryPlan(
        table,
        workspace,
        (*_named(_KEYS), Selected(at, "at"), *figures),
        where=where,
        group_by=(*keys, at),
        limit=MAX_ROWS,
    )


def _named(keys: tuple[Column, ...]) -> tuple[Selected, ...]:
    return tuple(Selected(key, key.name) for key in keys)


def _raw(source: Requests, start_ms: int, end_ms: int) -> Expr | None:
    return all_of(source.is_request, between("timestamp", start_ms, end_ms))


def _rolled(source: Requests, start_ms: int, end_ms: int) -> Expr | None:
    return all_of(eq("source", source_name(source)), between("timestamp", start_ms, end_ms))
