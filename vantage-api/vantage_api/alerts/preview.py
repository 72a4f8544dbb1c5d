"""A rule tried on the stored past, before it is kept. Nothing is written and nobody is told."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from vantage_common.errors import UserError

from vantage_api.alerts.measures import last_seen, measure_of, now_questions, readings, slot_question, slots
from vantage_api.alerts.replay import DAY_MS, Firing, Replay
from vantage_api.alerts.rules import EVERY_SERVICE, Adaptive, HealthBelow, NoData, Rule
from vantage_api.alerts.seasonal import HOUR_MS, WEEK_HOURS, WEEKS
from vantage_api.ask import Ask

MAX_RANGE_MS: Final = 7 * DAY_MS
MAX_SERVICES: Final = 200
MAX_LEARNING_SERVICES: Final = 30
"""Of an adaptive rule: each is learned anew from four weeks."""
MAX_FIRINGS: Final = 500


@dataclass(frozen=True, slots=True)
class Preview:
    """`services` were looked at; `left_out` more were not, being quieter."""

    services: int
    left_out: int
    firings: list[Firing]


async def preview(ask: Ask, rule: Rule, start_ms: int, end_ms: int) -> Preview:
    """Raises UserError 400 for a range or a rule that cannot be tried, and what `ask` raises."""
    if isinstance(rule.body.condition, HealthBelow):
        raise UserError(
            "no_past", "a health rule cannot be tried on the past", hint="try the metrics the score is made of"
        )
    if end_ms - start_ms > MAX_RANGE_MS:
        raise UserError("bad_range", "a rule is tried on at most seven days", hint="ask for a part of it")
    if isinstance(rule.body.condition, NoData):
        return await _silences(ask, rule, start_ms, end_ms)
    return await _windows(ask, rule, start_ms, end_ms)


async def _windows(ask: Ask, rule: Rule, start_ms: int, end_ms: int) -> Preview:
    learns = isinstance(rule.body.condition, Adaptive)
    chosen, left_out = await _busiest(ask, rule, start_ms, end_ms, MAX_LEARNING_SERVICES if learns else MAX_SERVICES)
    runs = {service: Replay(rule, service) for service in chosen}
    first = start_ms // DAY_MS * DAY_MS
    taught_from = first - (WEEKS * WEEK_HOURS * HOUR_MS if learns else 0)
    for day in range(taught_from, end_ms, DAY_MS):
        question = slot_question(
            rule.workspace, measure_of(rule.body), day, min(day + DAY_MS, end_ms), frozenset(chosen)
        )
        found = slots(question, [await ask(plan) for plan in question.plans]) if chosen else {}
        for service, run in runs.items():
            await asyncio.to_thread(run.day, found.get(service, {}), day, judge=day >= first)
    return _preview(runs.values(), left_out, start_ms)


async def _busiest(ask: Ask, rule: Rule, start_ms: int, end_ms: int, most: int) -> tuple[list[str], int]:
    """The services the rule is about, those with the most observations first, and how many more there are."""
    if rule.body.service != EVERY_SERVICE:
        return [rule.body.service], 0
    seen: dict[str, int] = {}
    measure = replace(measure_of(rule.body), agg="count", window_s=(end_ms - start_ms) // 1000)
    for question in now_questions(rule.workspace, {measure: frozenset({EVERY_SERVICE})}, end_ms):
        found = readings(question, [await ask(plan) for plan in question.plans])
        seen |= {service: reading.n for service, reading in found[measure].items()}
    ordered = sorted(seen, key=lambda name: (-seen[name], name))
    return ordered[:most], max(0, len(ordered) - most)


async def _silences(ask: Ask, rule: Rule, start_ms: int, end_ms: int) -> Preview:
    step_ms = max(60_000, rule.body.window_s * 250)
    seen: dict[str, list[int]] = {}
    for plan in last_seen(
        rule.workspace, rule.body.metric, rule.body.environment, start_ms - DAY_MS, end_ms, step_ms // 1000
    ):
        for service, last_ms in (await ask(plan)).rows:
            if rule.covers(service):
                seen.setdefault(service, []).append(int(last_ms))
    chosen = sorted(seen)[:MAX_SERVICES]
    runs = [Replay(rule, service) for service in chosen]
    for run, service in zip(runs, chosen, strict=True):
        await asyncio.to_thread(run.silence, seen[service], start_ms, end_ms, step_ms)
    return _preview(runs, len(seen) - len(chosen), start_ms)


def _preview(runs: Iterable[Replay], left_out: int, start_ms: int) -> Preview:
    known = list(runs)
    every = [firing for run in known for firing in run.finish()]
    firings = [firing for firing in every if firing.ended_ms is None or firing.ended_ms > start_ms]
    return Preview(len(known), left_out, sorted(firings, key=lambda firing: (firing.fired_ms, firing.service)))
