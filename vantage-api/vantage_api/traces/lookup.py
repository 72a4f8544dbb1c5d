"""One trace by its id: where its spans lie, the spans, its log lines.

A trace id says nothing about the time, and an index over every span of a month costs more to look through than the
spans themselves to read. The rollup `traces` knows when a trace was; what it does not know yet is the newest.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Literal

from vantage_common.errors import UserError
from vantage_common.settings import Settings
from vantage_common.store.plan import Call, Column, Expr, Time, between, eq

from vantage_api.ask import Ask
from vantage_api.models import TraceSpan
from vantage_api.times import HOUR_MS, Range
from vantage_api.traces import plans
from vantage_api.traces.models import TraceLogLine, TraceLogs

LATE_MS: Final = 2 * 60_000
SILENT_MS: Final = 60 * 60_000
"""A trace without a span for so long before the newest hours has none in these."""
_STATUSES: Final[dict[str, Literal["ok", "error", "unset"]]] = {"ok": "ok", "error": "error"}


async def rows_of(
    ask: Ask, workspace: str, trace_id: str, hint: Range | None, limit: int, *, with_attributes: bool
) -> list[dict[str, Any]]:
    """The spans of a trace by start, at most so many; those that came late are looked for everywhere.

    With a hint, within an hour around it.
    """

    async def spans(within: Expr | None) -> list[dict[str, Any]]:
        """The store sorts where it has to choose; else that is a tenth of its work, and next to none of ours."""
        plan = plans.spans_of(workspace, trace_id, within, limit, with_attributes=with_attributes)
        found = (await ask(plan)).dicts()
        if len(found) == limit:
            return (await ask(replace(plan, order_by=plans.BY_START))).dicts()
        return sorted(found, key=_by_start)

    if hint is not None:
        return await spans(between("timestamp", hint.start_ms - HOUR_MS, hint.end_ms + HOUR_MS))
    rolled_up_ms = await _rolled_up_ms(ask)
    if rolled_up_ms is None:
        return await spans(None)
    extent = await _known_extent(ask, workspace, trace_id)
    if extent is None:
        return await spans(_since(rolled_up_ms)) or await spans(None)
    if extent.end_ms + SILENT_MS <= rolled_up_ms:
        return await spans(between("timestamp", extent.start_ms, extent.end_ms))
    # Two questions, each about one range of time: of their union the store's primary key makes little.
    known, newest = await asyncio.gather(
        spans(between("timestamp", extent.start_ms, min(extent.end_ms, rolled_up_ms))), spans(_since(rolled_up_ms))
    )
    return sorted(known + newest, key=_by_start)[:limit]


def _by_start(row: Mapping[str, Any]) -> tuple[float, str]:
    return row["start"], row["span_id"]


async def _whereabouts(ask: Ask, workspace: str, trace_id: str) -> Expr | None:
    """A condition on the time of the spans of a trace, None where nobody knows."""
    rolled_up_ms = await _rolled_up_ms(ask)
    if rolled_up_ms is None:
        return None
    extent = await _known_extent(ask, workspace, trace_id)
    newest = _since(rolled_up_ms)
    return newest if extent is None else Call("or", (newest, between("timestamp", extent.start_ms, extent.end_ms)))


async def _rolled_up_ms(ask: Ask) -> int | None:
    """Until when the rollup knows every trace."""
    rolled_up = await ask.rolled_up("spans")
    return rolled_up[0][1] if rolled_up else None


async def _known_extent(ask: Ask, workspace: str, trace_id: str) -> Range | None:
    """Where the rollup saw spans of a trace, and what may have come since its hours were rolled up."""
    hours = (await ask(plans.known_hours_of(workspace, trace_id))).rows
    if not hours:
        return None
    return Range(int(min(start for start, _ in hours)) - LATE_MS, int(max(end for _, end in hours)) + LATE_MS)


def _since(ms: int) -> Expr:
    return Call(">=", (Column("timestamp"), Time(ms)))


def unknown_trace(trace_id: str, settings: Settings) -> UserError:
    return UserError(
        "unknown_trace",
        f"there is no trace {trace_id!r}",
        status=404,
        hint=f"spans are kept {settings.retention_spans_days} days, and arrive some seconds after they ended",
    )


def trace_spans(rows: list[dict[str, Any]]) -> list[TraceSpan]:
    """The spans, each once: a sender that repeats a batch, or a span derived from a metric, must not double them."""
    seen: dict[str, TraceSpan] = {}
    for row in rows:
        if row["span_id"] not in seen:
            seen[row["span_id"]] = TraceSpan(
                trace_id=row["trace_id"],
                span_id=row["span_id"],
                parent_span_id=row["parent_span_id"],
                service=row["service_name"],
                name=row["name"],
                kind=row["kind"],
                start=round(row["start"], 3),
                duration=row["duration_ms"],
                status=status_of(row["status"]),
                attributes=row["attributes"],
            )
    return list(seen.values())


def status_of(stored: str) -> Literal["ok", "error", "unset"]:
    return _STATUSES.get(stored, "unset")


async def logs(
    ask: Ask,
    workspace: str,
    trace_id: str,
    *,
    span_id: str | None,
    near_ms: int,
    everywhere: Range,
    limit: int,
) -> TraceLogs | None:
    """The lines that name the trace, or of it the span, by time; with `near_ms` also what the span's process logged
    from so long before it to so long after. None where neither lines nor spans know the trace.

    Raises UserError 404 for a span that is not there.
    """
    named = eq("trace_id", trace_id)
    if span_id is not None:
        named = Call("and", (named, eq("span_id", span_id)))
    place = await _whereabouts(ask, workspace, trace_id)
    found = await _span(ask, workspace, trace_id, span_id if near_ms else None, place)
    if found is None:
        window, wanted = everywhere, named
    elif span_id is None or not near_ms:
        window, wanted = Range(int(found["start"]) - HOUR_MS, int(found["end"]) + HOUR_MS), named
    else:
        window = Range(int(found["start"]) - near_ms, int(found["end"]) + near_ms + 1)
        process = Call("and", (eq("service_name", found["service_name"]), eq("instance", found["instance"])))
        wanted = Call("or", (named, process))
    rows = (await ask(plans.logs_of(workspace, wanted, window.start_ms, window.end_ms, limit + 1))).dicts()
    if not rows and found is None:
        return None
    return TraceLogs(logs=[_line(row, trace_id, span_id) for row in rows[:limit]], truncated=len(rows) > limit)


async def _span(
    ask: Ask, workspace: str, trace_id: str, span_id: str | None, place: Expr | None
) -> dict[str, Any] | None:
    """When a trace, or one span of it, began and ended, and where it ran."""
    found = (await ask(plans.extent_of(workspace, trace_id, span_id, place))).dicts()[0]
    if found["start"] is not None:
        return found
    if span_id is None:
        return None
    raise UserError(
        "unknown_span",
        f"the trace {trace_id!r} has no span {span_id!r}",
        status=404,
        hint="GET /traces/{trace_id} lists its spans; without near_ms the lines that name the span are found",
    )


def _line(row: dict[str, Any], trace_id: str, span_id: str | None) -> TraceLogLine:
    is_of_trace = row["trace_id"] == trace_id
    is_of_span = is_of_trace and bool(row["span_id"]) and row["span_id"] == span_id
    relation = "span" if is_of_span else "trace" if is_of_trace else "near"
    return TraceLogLine.model_validate(row | {"relation": relation})
