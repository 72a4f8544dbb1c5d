"""Which traces fit, newest or slowest first, a page at a time.

A trace belongs to the moment it began, and counts with all its spans from an hour before to an hour after the window
that is read, hours taken whole. The rollup `traces` answers for the hours it knows where the question is one it can
answer, raw spans for the rest; both by the same rules, so that the answers are equal.

Windows are read from the newest on and grow while they go back. The newest traces are thus found without a look at the
rest; of the slowest the best of every window are kept.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final, Literal, TypeAlias

import msgspec
from vantage_common.clock import Clock
from vantage_common.errors import UserError
from vantage_common.store.catalog import SPANS, TRACES
from vantage_common.store.intervals import Intervals
from vantage_common.store.plan import (
    Call,
    Column,
    Expr,
    Order,
    Output,
    QueryPlan,
    Selected,
    Tag,
    all_of,
    between,
    eq,
)
from vantage_common.store.plan import Literal as Value
from vantage_common.store.rollups import LEAST_MS, ROOT_FIRST

from vantage_api.ask import Ask
from vantage_api.models import TraceSummary
from vantage_api.pages import broken_cursor, decode, encode
from vantage_api.questions import Scope
from vantage_api.times import Range
from vantage_api.traces.models import TracePage
from vantage_api.traces.plans import BEGAN_MS, END_MS

HOUR_MS: Final = 3_600_000
RAW_MS: Final = 6 * HOUR_MS
"""The longest window of raw spans: what is added up by trace has to fit into the memory of one query."""
ROLLED_MS: Final = 7 * 24 * HOUR_MS
WITHIN_S: Final = 20.0
MOST_SERVICES: Final = 64
MAX_TAGS: Final = 10
MAX_TAG: Final = 500

Sort: TypeAlias = Literal["newest", "slowest"]
Status: TypeAlias = Literal["ok", "error"]


@dataclass(frozen=True, slots=True)
class Criteria:
    """What a trace has to fulfil. A service, an operation, an environment or tags ask for one span that fits all of it,
    status and duration included; without them status and duration are those of the whole trace."""

    service: str | None = None
    operation: str | None = None
    environment: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    status: Status | None = None
    min_ms: float | None = None
    max_ms: float | None = None

    @property
    def is_of_a_span(self) -> bool:
        return bool(self.service or self.operation or self.environment or self.tags)

    @property
    def is_rolled_up(self) -> bool:
        """Whether the rollup can answer: it keeps the longest span of every service, and no span beside it."""
        if self.operation or self.environment or self.tags:
            return False
        return self.service is None or self.max_ms is None


class Position(msgspec.Struct, array_like=True, forbid_unknown_fields=True, frozen=True):
    """After the trace `id` whose begin or duration is `value`, in a list sorted by `sort`. The range stays that of the
    first page."""

    sort: Sort
    value: float
    id: str
    start_ms: int
    end_ms: int


class Search:
    def __init__(self, ask: Ask, clock: Clock, workspace: str, criteria: Criteria, sort: Sort) -> None:
        self._ask = ask
        self._clock = clock
        self._workspace = workspace
        self._criteria = criteria
        self._sort: Sort = sort

    async def page(self, asked: Range, rolled_up: Intervals, cursor: str | None, limit: int) -> TracePage:
        """Raises UserError for a cursor that is none, and when the slowest are not found in time."""
        after = None if cursor is None else position(cursor, self._sort)
        asked = asked if after is None else Range(after.start_ms, after.end_ms)
        usable = rolled_up if self._criteria.is_rolled_up else ()
        until_s = self._clock.monotonic() + WITHIN_S
        found: list[TraceSummary] = []
        sources: set[str] = set()
        for window, table in windows(asked, usable):
            if self._clock.monotonic() > until_s:
                return self._unfinished(found, sources, asked, window)
            plan = matching(table, self._workspace, window, self._criteria, self._sort, after, limit + 1)
            result = await self._ask(plan)
            sources.add(table)
            found += await self._summaries(table, window, result.dicts())
            if self._sort == "newest" and len(found) > limit:
                break
            found = sorted(found, key=self._key)[: limit + 1]
        return self._page(found, sources, asked, limit)

    def _page(self, found: list[TraceSummary], sources: set[str], asked: Range, limit: int) -> TracePage:
        page = sorted(found, key=self._key)[:limit]
        cursor = self._after(page[-1], asked) if len(found) > limit else None
        return TracePage(traces=page, next_cursor=cursor, sources=sorted(sources))

    def _unfinished(self, found: list[TraceSummary], sources: set[str], asked: Range, left: Range) -> TracePage:
        """What was found so far, and where to go on: the newest are all found up to there."""
        if self._sort == "slowest":
            raise UserError(
                "search_too_slow",
                f"the slowest traces were not found within {WITHIN_S:g} s",
                hint="take a shorter range, or sort by newest",
            )
        cursor = encode(Position("newest", float(left.end_ms), "\U0010ffff", asked.start_ms, asked.end_ms))
        return TracePage(traces=sorted(found, key=self._key), next_cursor=cursor, sources=sorted(sources))

    def _after(self, last: TraceSummary, asked: Range) -> str:
        value = last.start if self._sort == "newest" else last.duration
        return encode(Position(self._sort, value, last.trace_id, asked.start_ms, asked.end_ms))

    def _key(self, trace: TraceSummary) -> tuple[float, str]:
        return (-trace.start if self._sort == "newest" else -trace.duration), trace.trace_id

    async def _summaries(self, table: str, window: Range, rows: Sequence[dict[str, Any]]) -> list[TraceSummary]:
        services: dict[str, list[str]] = {}
        if table == TRACES.name and rows:
            asked = await self._ask(services_of(self._workspace, [row["trace_id"] for row in rows], window))
            services = {row["trace_id"]: sorted({*row["good"], *row["failed"]}) for row in asked.dicts()}
        return [
            TraceSummary(
                trace_id=row["trace_id"],
                service=row["service"],
                name=row["name"],
                start=row["start"],
                duration=row["duration"],
                span_count=row["spans"],
                error_count=row["errors"],
                services=services[row["trace_id"]] if services else sorted(row["services"]),
            )
            for row in rows
        ]


def position(cursor: str, sort: Sort) -> Position:
    """Raises UserError 400 for a cursor of another list."""
    found = decode(cursor, Position)
    if found.sort != sort or not isfinite(found.value) or found.start_ms >= found.end_ms:
        raise broken_cursor()
    return found


def windows(asked: Range, rolled_up: Intervals) -> Iterator[tuple[Range, str]]:
    """The range in parts, from its end on, each with the table to read: the rollup where it knows all the hours around
    the part."""
    end, length = asked.end_ms, HOUR_MS
    while end > asked.start_ms:
        rolled = Range(max(end - min(length, ROLLED_MS), asked.start_ms), end)
        if _is_within(around(rolled), rolled_up):
            yield rolled, TRACES.name
            end = rolled.start_ms
        else:
            raw = Range(max(end - min(length, RAW_MS), asked.start_ms), end)
            yield raw, SPANS.name
            end = raw.start_ms
        length *= 2


def around(window: Range) -> Range:
    """The whole hours of a window, and one more on either side."""
    first = window.start_ms // HOUR_MS * HOUR_MS - HOUR_MS
    return Range(first, -(-window.end_ms // HOUR_MS) * HOUR_MS + HOUR_MS)


def _is_within(part: Range, intervals: Intervals) -> bool:
    return any(start <= part.start_ms and part.end_ms <= end for start, end in intervals)


def matching(
    table: str, workspace: str, window: Range, criteria: Criteria, sort: Sort, after: Position | None, limit: int
) -> QueryPlan:
    """(trace_id, start, duration, service, name, spans, errors) and of raw spans also services: one row a trace that
    began in the window and fits."""
    reach = around(window)
    figures = _RAW if table == SPANS.name else _ROLLED
    start, duration = figures[0].expr, Call("-", (_end(table), figures[0].expr))
    fits = _fits_raw(criteria, duration) if table == SPANS.name else _fits_rolled(criteria, duration)
    key = start if sort == "newest" else duration
    return QueryPlan(
        table,
        workspace,
        (Selected(Column("trace_id"), "trace_id"), *figures, Selected(duration, "duration")),
        where=all_of(between("timestamp", reach.start_ms, reach.end_ms), Call("!=", (Column("trace_id"), Value("")))),
        group_by=(Column("trace_id"),),
        having=all_of(
            Call(">=", (start, Value(float(window.start_ms)))),
            Call("<", (start, Value(float(window.end_ms)))),
            *fits,
            None if after is None else _follows(key, after),
        ),
        order_by=(
            Order(Output("start" if sort == "newest" else "duration"), descending=True),
            Order(Column("trace_id")),
        ),
        limit=limit,
    )


def services_of(workspace: str, trace_ids: Sequence[str], window: Range) -> QueryPlan:
    """(trace_id, good, failed): maps whose keys are the services, of the rollup."""
    reach = around(window)
    maps = (("good", "longest_good"), ("failed", "longest_failed"))
    return QueryPlan(
        TRACES.name,
        workspace,
        (
            Selected(Column("trace_id"), "trace_id"),
            *(Selected(Call("merge_bins", (Column(column),)), name) for name, column in maps),
        ),
        where=all_of(
            between("timestamp", reach.start_ms, reach.end_ms),
            Call("in", (Column("trace_id"), *(Value(trace_id) for trace_id in trace_ids))),
        ),
        group_by=(Column("trace_id"),),
        limit=len(trace_ids),
    )


_FAILED: Final = eq("status", "error")
_ORDER: Final = Call("-", (BEGAN_MS, Call("if", (eq("parent_span_id", ""), Value(ROOT_FIRST), Value(0.0)))))
"""As the rollup orders them: the root is the span without a parent, else the earliest."""
_RAW: Final = (
    Selected(Call("min", (BEGAN_MS,)), "start"),
    Selected(Call("arg_min", (Column("service_name"), _ORDER)), "service"),
    Selected(Call("arg_min", (Column("name"), _ORDER)), "name"),
    Selected(Call("uniq_exact", (Column("span_id"),)), "spans"),
    Selected(Call("uniq_exact_if", (Column("span_id"), _FAILED)), "errors"),
    Selected(Call("group_uniq", (Column("service_name"),), (MOST_SERVICES,)), "services"),
)
_ROLLED: Final = (
    Selected(Call("min", (Column("start_ms"),)), "start"),
    Selected(Call("arg_min", (Column("root_service"), Column("root_order"))), "service"),
    Selected(Call("arg_min", (Column("root_name"), Column("root_order"))), "name"),
    Selected(Call("sum", (Column("spans"),)), "spans"),
    Selected(Call("sum", (Column("errors"),)), "errors"),
)


def _end(table: str) -> Expr:
    return Call("max", (END_MS if table == SPANS.name else Column("end_ms"),))


def _fits_raw(criteria: Criteria, duration: Expr) -> list[Expr]:
    if not criteria.is_of_a_span:
        errors = Call("count_if", (_FAILED,))
        return [*_status(criteria.status, errors), *_within(duration, criteria)]
    scope = Scope("", criteria.service, criteria.environment)
    span = all_of(
        scope.where(),
        None if criteria.operation is None else eq("name", criteria.operation),
        *(Call("=", (Tag("attributes", key), Value(value))) for key, value in criteria.tags),
        {"error": _FAILED, "ok": Call("not", (_FAILED,)), None: None}[criteria.status],
        *_within(Column("duration_ms"), criteria),
    )
    assert span is not None
    return [Call(">", (Call("count_if", (span,)), Value(0)))]


def _fits_rolled(criteria: Criteria, duration: Expr) -> list[Expr]:
    if criteria.service is None:
        errors = Call("sum", (Column("errors"),))
        return [*_status(criteria.status, errors), *_within(duration, criteria)]
    least = Value(max(criteria.min_ms or 0.0, LEAST_MS))
    columns = {"error": ("longest_failed",), "ok": ("longest_good",), None: ("longest_good", "longest_failed")}
    long = [Call(">=", (Tag(column, criteria.service), least)) for column in columns[criteria.status]]
    any_of = long[0] if len(long) == 1 else Call("or", tuple(long))
    return [Call(">", (Call("count_if", (any_of,)), Value(0)))]


def _status(status: Status | None, errors: Expr) -> list[Expr]:
    return [] if status is None else [Call(">" if status == "error" else "=", (errors, Value(0)))]


def _within(duration: Expr, criteria: Criteria) -> list[Expr]:
    limits = ((">=", criteria.min_ms), ("<=", criteria.max_ms))
    return [Call(sign, (duration, Value(float(limit)))) for sign, limit in limits if limit is not None]


def _follows(key: Expr, after: Position) -> Expr:
    value = Value(after.value)
    level = Call("and", (Call("=", (key, value)), Call(">", (Column("trace_id"), Value(after.id)))))
    return Call("or", (Call("<", (key, value)), level))


def parse_tags(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """``key:value`` pairs; the key ends at the first colon. Raises UserError."""
    pairs = []
    for text in texts:
        key, colon, value = text.partition(":")
        if not key or not colon or len(text) > MAX_TAG:
            raise UserError(
                "bad_tag", f"tag={text[:64]!r} is not key:value", hint="for example tag=http.request.method:POST"
            )
        pairs.append((key, value))
    return tuple(pairs)
