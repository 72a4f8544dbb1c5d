"""The two sides as a client names them, and what the store has of each."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from math import ceil, floor, isfinite
from typing import Any, Final

from vantage_common.errors import UserError
from vantage_common.model import REQUEST_METRIC, VERSION_TAGS
from vantage_common.store.plan import Result

from vantage_api import fleet, questions
from vantage_api.compare import plans
from vantage_api.compare.sums import Sums, added
from vantage_api.parts import Parts
from vantage_api.questions import METRIC_REQUESTS, SPAN_REQUESTS, Requests, Scope
from vantage_api.times import Range

MINUTE_MS: Final = 60_000
MAX_STRETCHES: Final = 20
"""Of a range, for the intervals of percentiles."""


@dataclass(frozen=True, slots=True)
class Named:
    """A side as it was asked for."""

    service: str
    tags: Mapping[str, str]
    range: Range

    @property
    def version(self) -> str | None:
        return next((self.tags[key] for key in VERSION_TAGS if key in self.tags), None)

    @property
    def minutes(self) -> int:
        return ceil(self.range.seconds / 60)


@dataclass(frozen=True, slots=True)
class Stored:
    """A side as it is stored: sums by minute and bins by stretch, both counted from the range's start."""

    named: Named
    source: str
    has_errors: bool
    minutes: Mapping[int, Sums]
    stretches: Mapping[int, Mapping[int, int]]

    @property
    def whole(self) -> Sums:
        return added(self.minutes.values())


async def read(parts: Parts, workspace: str, metric: str, named: Named) -> Stored:
    """The metric's rows, or the server spans of a service that has no request metric.

    Raises UserError 404 for a service, a version or a metric that there is not, 400 for a counter.
    """
    scope = Scope(workspace, named.service)
    sources = (METRIC_REQUESTS, SPAN_REQUESTS) if metric == REQUEST_METRIC else (METRIC_REQUESTS,)
    for source in sources:
        result = await parts.ask(
            plans.minutes(scope, source, metric, named.tags, named.range.start_ms, named.range.end_ms)
        )
        if result.rows:
            _check_kind(metric, result)
            return await _with_stretches(parts, scope, source, metric, named, result)
    await _check_exists(parts, scope, metric, named)
    return Stored(named, METRIC_REQUESTS.table, metric == REQUEST_METRIC, {}, {})


async def _with_stretches(
    parts: Parts, scope: Scope, source: Requests, metric: str, named: Named, minutes: Result
) -> Stored:
    start_ms, end_ms = named.range.start_ms, named.range.end_ms
    stretch = ceil(named.minutes / MAX_STRETCHES)
    found = await parts.ask(plans.histograms(scope, source, metric, named.tags, start_ms, end_ms, stretch))
    return Stored(
        named,
        source.table,
        metric == REQUEST_METRIC,
        minutes_of(minutes.dicts(), start_ms),
        {floor(row["stretch"]): {int(bin_): int(n) for bin_, n in row["bins"].items()} for row in found.dicts()},
    )


def minutes_of(rows: Iterable[Mapping[str, Any]], start_ms: int) -> dict[int, Sums]:
    """By the minute's number, counted from the one the range starts in. Minutes of weight 0 are left out.

    Raises UserError for values whose squares are beyond a double.
    """
    first = start_ms // MINUTE_MS
    return {int(row["at"]) // MINUTE_MS - first: _sums(row) for row in rows if row["n"] > 0}


def _sums(row: Mapping[str, Any]) -> Sums:
    figures = [float(row[name]) for name in ("total", "squares", "logs", "log_squares")]
    if not all(isfinite(figure) for figure in figures):
        raise UserError(
            "not_comparable", "the values are too large to be added up", hint="leave the largest out by a tag"
        )
    total, squares, logs, log_squares = figures
    return Sums(int(row["n"]), total, squares, logs, log_squares, int(row["errors"]), int(row["floored"]))


def _check_kind(metric: str, minutes: Result) -> None:
    if any(row["kind"] == "counter" for row in minutes.dicts()):
        raise UserError(
            "not_comparable",
            f"{metric[:200]!r} is a counter: its samples are totals, not observations",
            hint="compare a histogram, a summary or a gauge",
        )


async def _check_exists(parts: Parts, scope: Scope, metric: str, named: Named) -> None:
    """That a side without rows in the range is known at all."""
    await fleet.member(parts, scope.workspace, named.service, None)
    if named.version is not None:
        known = await known_versions(parts, scope)
        if named.version not in known:
            raise _unknown("version", named.version, f"service {named.service[:200]!r}", known)
    if metric != REQUEST_METRIC:
        result = await parts.ask(questions.metric_names(scope, 0, parts.clock.now_ms()))
        names = [row["metric_name"] for row in result.dicts()]
        if metric not in names:
            raise _unknown("metric", metric, f"service {named.service[:200]!r}", names)


async def known_versions(parts: Parts, scope: Scope) -> list[str]:
    """Those of metrics and spans, the newest first."""
    results = await asyncio.gather(*(parts.ask(plans.versions(scope, table)) for table in ("metrics", "spans")))
    seen = [(int(row["last_seen"]), str(row["version"])) for result in results for row in result.dicts()]
    return list(dict.fromkeys(version for _, version in sorted(seen, reverse=True)))


_LISTED: Final = 10


def _unknown(what: str, name: str, of: str, known: list[str]) -> UserError:
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    listed = ", ".join(repr(item[:200]) for item in known[:_LISTED])
    there_are = f"there {'is' if len(known) == 1 else 'are'} {listed}" if known else f"it has no {what}"
    guess = f"did you mean {' or '.join(repr(item[:200]) for item in near)}? " if near else ""
    return UserError(f"unknown_{what}", f"{of} has no {what} {name[:200]!r}", status=404, hint=guess + there_are)
