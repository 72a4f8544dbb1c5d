"""POST /compare/services, /compare/versions and /compare/windows."""

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from vantage_common.errors import UserError

from vantage_api.compare import sides
from vantage_api.compare.models import CompareServices, CompareVersions, CompareWindows, Comparison, Moment, Terms
from vantage_api.compare.sides import MINUTE_MS, Named, Stored
from vantage_api.parts import Parts, workspace
from vantage_api.times import HOUR_MS, Range, parse_range

MAX_RANGE_MS: Final = 7 * 24 * HOUR_MS


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/compare", tags=["compare"])

    @routes.post("/services")
    async def compare_services(body: CompareServices, tenant: Annotated[str, Depends(workspace)]) -> Comparison:
        """Two services, or two parts of one told apart by tags, in the same time."""
        asked = _range(parts, body.time_start, body.time_end)
        baseline = Named(body.baseline_service, body.baseline_tags, asked)
        candidate = Named(body.candidate_service, body.candidate_tags, asked)
        return await _compared(parts, tenant, body, baseline, candidate)

    @routes.post("/versions")
    async def compare_versions(body: CompareVersions, tenant: Annotated[str, Depends(workspace)]) -> Comparison:
        """Two versions of a service in the same time."""
        asked = _range(parts, body.time_start, body.time_end)
        baseline = Named(body.service, body.tags | {"version": body.baseline_version}, asked)
        candidate = Named(body.service, body.tags | {"version": body.candidate_version}, asked)
        return await _compared(parts, tenant, body, baseline, candidate)

    @routes.post("/windows")
    async def compare_windows(body: CompareWindows, tenant: Annotated[str, Depends(workspace)]) -> Comparison:
        """A service before and after: two windows of one length that do not overlap."""
        before = _range(parts, body.baseline_start, body.baseline_end)
        after = _range(parts, body.candidate_start, body.candidate_end)
        _check_windows(before, after)
        baseline, candidate = Named(body.service, body.tags, before), Named(body.service, body.tags, after)
        return await _compared(parts, tenant, body, baseline, candidate)

    return routes


async def _compared(parts: Parts, tenant: str, terms: Terms, baseline: Named, candidate: Named) -> Comparison:
    first, second = await asyncio.gather(
        sides.read(parts, tenant, terms.metric_name, baseline),
        sides.read(parts, tenant, terms.metric_name, candidate),
    )
    whole_minutes = min(_whole_minutes(side, parts.clock.now_ms()) for side in (baseline, candidate))
    return await asyncio.to_thread(_judged, first, second, terms, whole_minutes)


def _judged(first: Stored, second: Stored, terms: Terms, whole_minutes: int) -> Comparison:
    """The statistics are loaded with the first comparison: 50 MiB that an idle platform need not hold."""
    from vantage_api.compare import judge

    metric = terms.metric_name
    scale = judge.scale_of(metric, terms.scale)
    agreed = judge.Terms(metric, terms.lower_is_better, scale, terms.alpha, terms.min_effect_pct)
    return judge.judge(first, second, agreed, whole_minutes)


def _whole_minutes(side: Named, now_ms: int) -> int:
    """Minutes of the range that are over."""
    over_ms = min(side.range.end_ms, now_ms)
    return max(0, over_ms // MINUTE_MS - side.range.start_ms // MINUTE_MS)


def _range(parts: Parts, start: Moment, end: Moment) -> Range:
    asked = parse_range(str(start), str(end), parts.clock.now_ms())
    if asked.end_ms - asked.start_ms > MAX_RANGE_MS:
        days = MAX_RANGE_MS // (24 * HOUR_MS)
        raise UserError("bad_range", f"a comparison reads at most {days} days", hint="ask for a part of the range")
    return asked


def _check_windows(before: Range, after: Range) -> None:
    length = before.end_ms - before.start_ms
    if length != after.end_ms - after.start_ms:
        raise UserError(
            "bad_range",
            f"the windows are {before.seconds:g} s and {after.seconds:g} s long, and must be alike",
            hint=f"for this baseline let the candidate end at {after.start_ms + length}",
        )
    if before.start_ms < after.end_ms and after.start_ms < before.end_ms:
        raise UserError("bad_range", "the windows overlap", hint="take two that have no minute in common")
