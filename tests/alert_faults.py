"""Weeks of a fleet with faults, straight from the simulator's scenario, and how well rules find them.

The scenario's day of `DAY_S` seconds is stretched to a day: a fault lasts hours, and several begin every day somewhere
in the fleet, in the weeks that are learned from as well. What the scenario says of a service becomes the figures of
five minutes: as many requests as its load makes (Poisson), errors drawn among them, and the p95 of a log-normal service
time with the error that a p95 of so many requests has (the standard error of a quantile: √(q(1−q)/n) ÷ density), on top
of a drift of a few percent from day to day that no rule knows of.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import exp, sqrt
from random import Random
from typing import Final

from vantage_api.alerts.judge import Reading
from vantage_api.alerts.replay import DAY_MS, Firing, Replay
from vantage_api.alerts.rules import Rule
from vantage_cli.simulate.fleet import Fleet, build_fleet, calls_per_request
from vantage_cli.simulate.scenario import DAY_S, Event, EventKind, FleetState, Timeline, expected_errors

START_MS: Final = 20_660 * DAY_MS
SLOT_MS: Final = 300_000
SLOTS_A_DAY: Final = DAY_MS // SLOT_MS
DRIFT: Final = 0.05
P95_Z, P95_DENSITY = 1.645, 0.103
"""Of the normal distribution: where its p95 lies, and its density there."""
ILL_LATENCY, ILL_ERRORS = 1.2, 0.01
"""From so many times its usual latency, or such a share of errors, a service is ill and an alert not false: where the
curves of the health score begin to take points away in earnest, so the choice is not that of any rule here."""
SLACK_SLOTS: Final = 6
"""An alert may outlast its cause by the calm that it waits for, and windows are looked at once they are over."""


@dataclass(slots=True)
class Figures:
    """One service, slot by slot from the start; None where nothing answered."""

    p95: list[Reading] = field(default_factory=list)
    errors: list[Reading] = field(default_factory=list)
    ill: list[bool] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Story:
    """What happened to a fleet in so many days."""

    days: int
    figures: Mapping[str, Figures]
    events: tuple[Event, ...]
    callers: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Score:
    """Of the faults how many were found, and of the alerts how many were false."""

    faults: int
    found: int
    alerts: int
    false: int

    @property
    def precision(self) -> float:
        return 1 - self.false / self.alerts if self.alerts else 0.0

    @property
    def recall(self) -> float:
        return self.found / self.faults if self.faults else 0.0

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def story(services: int, seed: int, days: int, samples_a_slot: int = 1) -> Story:
    """`samples_a_slot` is how often the scenario is looked at in five minutes."""
    fleet = build_fleet(services, seed)
    timeline = Timeline(fleet, seed)
    rng = Random(f"{seed}/alerts")
    figures = {name: Figures() for name in fleet.services}
    for day in range(days):
        drift = {name: exp(rng.gauss(0, DRIFT)) for name in fleet.services}
        for slot in range(SLOTS_A_DAY):
            at_s = (day + slot / SLOTS_A_DAY) * DAY_S
            width_s = DAY_S / SLOTS_A_DAY
            states = [timeline.state_at(at_s + width_s * (n + 0.5) / samples_a_slot) for n in range(samples_a_slot)]
            _add_slot(fleet, states, drift, figures, rng)
    callers = {
        name: frozenset(c for c, caller in fleet.services.items() if name in calls_per_request(caller))
        for name in fleet.services
    }
    return Story(days, figures, tuple(timeline.events(0, days * DAY_S)), callers)


def _add_slot(
    fleet: Fleet, states: list[FleetState], drift: Mapping[str, float], figures: Mapping[str, Figures], rng: Random
) -> None:
    failing = [expected_errors(fleet, {n: s.failing for n, s in state.services.items()}) for state in states]
    slowness = [_expected_ms(fleet, state) for state in states]
    for name, service in fleet.services.items():
        rps = sum(state.services[name].rps for state in states) / len(states)
        mean_ms = sum(found[name] for found in slowness) / len(states)
        errors = sum(found[name] for found in failing) / len(states)
        answers = any(state.services[name].pods for state in states)
        n = max(0, round(rng.gauss(rps * 300, sqrt(rps * 300)))) if answers else 0
        its = figures[name]
        its.ill.append(not answers or mean_ms >= ILL_LATENCY * service.expected_ms or errors >= ILL_ERRORS)
        if n == 0:
            its.p95.append(Reading(None, 0))
            its.errors.append(Reading(None, 0))
            continue
        tail = exp(P95_Z * service.sigma - service.sigma**2 / 2)
        noise = exp(rng.gauss(0, service.sigma * sqrt(0.95 * 0.05 / n) / P95_DENSITY))
        its.p95.append(Reading(mean_ms * tail * noise * drift[name], n))
        failed = min(n, max(0, round(rng.gauss(n * errors, sqrt(n * errors * (1 - errors))))))
        its.errors.append(Reading(failed / n, n))


def _expected_ms(fleet: Fleet, state: FleetState) -> dict[str, float]:
    """The mean duration of a request with the calls it makes, as the services are at that moment."""
    expected: dict[str, float] = {}
    for name, service in reversed(fleet.services.items()):
        now = state.services[name]
        pods = sum(pod.latency_factor for pod in now.pods) / len(now.pods) if now.pods else 1.0
        own_ms = exp(service.mu + service.sigma**2 / 2) * now.latency_factor * pods
        expected[name] = own_ms + sum(n * expected[callee] for callee, n in calls_per_request(service).items())
    return expected


def firings(told: Story, rule: Rule, learn_days: int) -> list[Firing]:
    """What the rule would have said after the days that are only learned from."""
    found: list[Firing] = []
    for name, figures in told.figures.items():
        readings = figures.errors if rule.body.agg == "error_ratio" else figures.p95
        replay = Replay(rule, name)
        for day in range(told.days):
            start_ms = START_MS + day * DAY_MS
            its = readings[day * SLOTS_A_DAY : (day + 1) * SLOTS_A_DAY]
            slots = {start_ms + at * SLOT_MS: reading for at, reading in enumerate(its)}
            replay.day(slots, start_ms, judge=day >= learn_days)
        found += replay.finish()
    return found


def score(told: Story, said: Iterable[Firing], kinds: frozenset[EventKind], learn_days: int) -> Score:
    """A fault is found when its service begins to alarm while it lasts; or a direct caller, when the service is down
    and says nothing itself. What alarmed before tells nobody anything. An alert is false when its service is not ill as
    it begins."""
    alerts = list(said)
    faults = [
        e for e in told.events if e.kind in kinds and e.start >= learn_days * DAY_S and e.end <= told.days * DAY_S
    ]
    visible = [fault for fault in faults if any(told.figures[fault.service].ill[at] for at in _slots(told, fault))]
    found = sum(any(_tells_of(told, alert, fault) for alert in alerts) for fault in visible)
    false = sum(not _is_true(told, alert) for alert in alerts)
    return Score(len(visible), found, len(alerts), false)


def _slots(told: Story, fault: Event) -> Iterator[int]:
    last = told.days * SLOTS_A_DAY - 1
    yield from range(_slot(fault.start), min(last, _slot(fault.end)) + 1)


def _slot(elapsed_s: float) -> int:
    return int(elapsed_s / DAY_S * SLOTS_A_DAY)


def _tells_of(told: Story, alert: Firing, fault: Event) -> bool:
    tells = alert.service == fault.service or (fault.kind == "outage" and alert.service in told.callers[fault.service])
    began = (alert.fired_ms - START_MS) // SLOT_MS
    return tells and _slot(fault.start) <= began <= _slot(fault.end) + 1


def _is_true(told: Story, alert: Firing) -> bool:
    at = (alert.fired_ms - START_MS) // SLOT_MS
    return any(told.figures[alert.service].ill[max(0, at - SLACK_SLOTS) : at + 1])
