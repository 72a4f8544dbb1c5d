"""One evaluation of one rule: a verdict for every service it is about. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from vantage_api.alerts.judge import (
    UNTOLD,
    Reading,
    Verdict,
    judge_adaptive,
    judge_fixed,
    judge_health,
    judge_silence,
)
from vantage_api.alerts.measures import Measure, measure_of
from vantage_api.alerts.notification import Severity
from vantage_api.alerts.rules import EVERY_SERVICE, Adaptive, Fixed, HealthBelow, NoData, Rule
from vantage_api.alerts.seasonal import Season
from vantage_api.alerts.states import Alert

GONE_MS: Final = 24 * 3_600_000
"""A service that has sent nothing for so long is gone: nobody is told of its silence any more."""
_NOTHING: Final = Reading(None, 0)


@dataclass(slots=True)
class Measured:
    """What one turn found in one workspace. `seen` is when a service last sent a metric ("" for anything at all) in an
    environment; `errors` are of questions that were not answered, by what they were about."""

    end_ms: int
    readings: dict[Measure, Mapping[str, Reading]] = field(default_factory=dict)
    seasons: dict[Measure, Mapping[str, Season]] = field(default_factory=dict)
    seen: dict[tuple[str, str | None], Mapping[str, int]] = field(default_factory=dict)
    health: Mapping[str, int | None] = field(default_factory=dict)
    errors: dict[object, str] = field(default_factory=dict)


def about(rule: Rule) -> object:
    """What the rule asks of the store, as `Measured` keys it."""
    match rule.body.condition:
        case NoData():
            return (rule.body.metric, rule.body.environment)
        case HealthBelow():
            return "health"
        case _:
            return measure_of(rule.body)


def verdicts(rule: Rule, measured: Measured, alerts: Mapping[str, Alert], now_ms: int) -> Iterator[tuple[str, Verdict]]:
    """(service, verdict). `alerts` are those of the rule, by service: one that fires is judged by what ends it, and
    hears of it when there is nothing to judge."""
    match rule.body.condition:
        case NoData():
            yield from _silent(rule, measured.seen.get((rule.body.metric, rule.body.environment), {}), alerts, now_ms)
        case HealthBelow() as below:
            for service in _covered(rule, measured.health, alerts):
                score = measured.health.get(service)
                yield service, judge_health(rule.body, below, score, _firing(service, alerts) is not None)
        case Fixed() as fixed:
            found = measured.readings.get(measure_of(rule.body), {})
            for service in _covered(rule, found, alerts):
                firing = _firing(service, alerts) is not None
                yield service, judge_fixed(rule.body, fixed, found.get(service, _NOTHING), firing)
        case Adaptive() as adaptive:
            measure = measure_of(rule.body)
            found, seasons = measured.readings.get(measure, {}), measured.seasons.get(measure, {})
            middle_ms = measured.end_ms - rule.body.window_s * 500
            for service in _covered(rule, found, alerts):
                season = seasons.get(service)
                band = None if season is None else season.at(middle_ms)
                firing_as = _firing(service, alerts)
                yield service, judge_adaptive(rule.body, adaptive, found.get(service, _NOTHING), band, firing_as)


def _silent(
    rule: Rule, seen: Mapping[str, int], alerts: Mapping[str, Alert], now_ms: int
) -> Iterator[tuple[str, Verdict]]:
    for service in _covered(rule, seen, alerts):
        last_ms = seen.get(service)
        if last_ms is None or now_ms - last_ms >= GONE_MS:
            yield service, UNTOLD
        else:
            yield service, judge_silence(rule.body, max(0, now_ms - last_ms) / 1000)


def _covered(rule: Rule, found: Mapping[str, object], alerts: Mapping[str, Alert]) -> Iterator[str]:
    if rule.body.service != EVERY_SERVICE:
        yield rule.body.service
        return
    yield from found
    yield from (service for service in alerts if service not in found)


def _firing(service: str, alerts: Mapping[str, Alert]) -> Severity | None:
    alert = alerts.get(service)
    return alert.severity if alert is not None and alert.is_up else None
