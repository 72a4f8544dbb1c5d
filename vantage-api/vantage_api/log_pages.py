"""Log lines by page, newest first, as plans. Pure.

The order is total but for lines that are alike in everything: time, then the record the line came in (the latest
first), then what the line says. Lines of a service and record are stored together or not at all, so the number of them
with one time never changes, and a position among them stays good while new lines come in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct
from vantage_common.store.catalog import LOGS
from vantage_common.store.plan import Call, Column, Expr, Order, QueryPlan, Selected, Time, all_of, between, eq
from vantage_common.store.plan import Literal as Value

from vantage_api import pages
from vantage_api.questions import Scope
from vantage_api.times import Range

_SHOWN: Final = ("timestamp", "service_name", "severity", "body", "attributes", "trace_id", "span_id")
_ORDER: Final = (
    Order(Column("timestamp"), descending=True),
    Order(Column("_off"), descending=True),
    *(Order(Column(name)) for name in ("service_name", "severity", "trace_id", "span_id", "body")),
)
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
Offset = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Ms = Annotated[int, Meta(ge=0, lt=10**15)]


class Position(Struct, array_like=True, forbid_unknown_fields=True, frozen=True):
    """Behind `given` lines of this time, record offset and service, in a range that began at `start_ms`."""

    list_: Literal["logs"]
    start_ms: Ms
    at_ms: Ms
    offset: Offset
    service: str
    given: Count


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines: those that fit all that is given."""

    scope: Scope
    window: Range
    severities: tuple[str, ...] = ()
    text: str | None = None
    trace_id: str | None = None
    span_id: str | None = None


def plan_for(wanted: Wanted, position: Position | None, limit: int) -> QueryPlan:
    """The columns of a line, then `_off`: `limit` lines and one more, which says that there are more."""
    by_severity = Call("in", (Column("severity"), *(Value(severity) for severity in wanted.severities)))
    by_text = Call(">", (Call("position_ci", (Column("body"), Value(wanted.text or ""))), Value(0)))
    return QueryPlan(
        LOGS.name,
        wanted.scope.workspace,
        tuple(Selected(Column(name), name) for name in (*_SHOWN, "_off")),
        where=all_of(
            wanted.scope.where(),
            between("timestamp", wanted.window.start_ms, wanted.window.end_ms),
            by_severity if wanted.severities else None,
            by_text if wanted.text else None,
            eq("trace_id", wanted.trace_id) if wanted.trace_id else None,
            eq("span_id", wanted.span_id) if wanted.span_id else None,
            None if position is None else _from(position),
        ),
        order_by=_ORDER,
        limit=limit + 1,
        offset=0 if position is None else position.given,
    )


def _from(position: Position) -> Expr:
    """The lines of the position and all that come after; the first `given` of them were given already."""
    at, offset = Column("timestamp"), Column("_off")
    same_time = Call("=", (at, Time(position.at_ms)))
    same_record = Call("=", (offset, Value(position.offset)))
    service = Call(">=", (Column("service_name"), Value(position.service)))
    older = Call("<", (at, Time(position.at_ms)))
    earlier = Call("and", (same_time, Call("<", (offset, Value(position.offset)))))
    here = Call("and", (Call("and", (same_time, same_record)), service))
    return Call("and", (Call("<=", (at, Time(position.at_ms))), Call("or", (older, earlier, here))))


def cut(
    rows: Sequence[Mapping[str, Any]], wanted: Wanted, before: Position | None, limit: int
) -> tuple[list[Mapping[str, Any]], str | None]:
    """The page, and the cursor that leads on if there is more."""
    page = list(rows[:limit])
    if len(rows) <= limit:
        return page, None
    last = _place(page[-1])
    given = sum(_place(row) == last for row in page)
    if before is not None and last == (before.at_ms, before.offset, before.service):
        given += before.given
    return page, pages.encode(Position("logs", wanted.window.start_ms, *last, given))


def _place(row: Mapping[str, Any]) -> tuple[int, int, str]:
    return int(row["timestamp"]), int(row["_off"]), row["service_name"]
