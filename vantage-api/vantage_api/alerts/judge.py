"""Whether what was measured is what a rule watches for. Pure."""

from dataclasses import dataclass
from operator import ge, gt, le, lt
from typing import Final

from vantage_api.alerts.notification import Severity
from vantage_api.alerts.rules import Adaptive, Fixed, HealthBelow, RuleBody
from vantage_api.alerts.seasonal import Band

_COMPARED: Final = {">": gt, ">=": ge, "<": lt, "<=": le}


@dataclass(frozen=True, slots=True)
class Reading:
    """A window's aggregate over `n` observations; None where there were none."""

    value: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """`level` is None when all is well. Where it cannot be told, for want of data or of a baseline, `known` is false:
    that starts no alert and ends none by itself."""

    level: Severity | None
    value: float | None
    threshold: float | None = None
    expected: float | None = None
    known: bool = True


UNTOLD: Final = Verdict(None, None, known=False)


def judge_fixed(rule: RuleBody, condition: Fixed, reading: Reading, firing: bool) -> Verdict:
    if reading.value is None or reading.n < rule.min_samples:
        return Verdict(None, reading.value, condition.threshold, known=False)
    limit = condition.recover if firing and condition.recover is not None else condition.threshold
    level = rule.severity if _COMPARED[condition.op](reading.value, limit) else None
    return Verdict(level, reading.value, condition.threshold)


def judge_adaptive(
    rule: RuleBody, condition: Adaptive, reading: Reading, band: Band | None, firing: Severity | None
) -> Verdict:
    """Warning from `warning_sigma` deviations on, critical from `critical_sigma` on unless the rule's severity is
    warning. `firing` is what the alert says already: it holds down to `recover_sigma`."""
    if reading.value is None or reading.n < rule.min_samples or band is None or band.sigma <= 0:
        return Verdict(None, reading.value, known=False)
    away = reading.value - band.mean
    outward = _outward(away, condition)
    deviations = outward / band.sigma
    side = 1.0 if away >= 0 else -1.0
    level, sigmas = _level(deviations, condition, firing) if abs(away) >= condition.min_deviation else (None, None)
    if level == "critical" and rule.severity == "warning":
        level = "warning"
    edge = band.mean + side * (condition.warning_sigma if sigmas is None else sigmas) * band.sigma
    return Verdict(level, reading.value, edge, band.mean)


def _outward(away: float, condition: Adaptive) -> float:
    match condition.direction:
        case "up":
            return away
        case "down":
            return -away
        case "both":
            return abs(away)


def _level(deviations: float, condition: Adaptive, firing: Severity | None) -> tuple[Severity | None, float | None]:
    """The level and the number of deviations that it begins at."""
    if deviations >= condition.critical_sigma:
        return "critical", condition.critical_sigma
    if deviations >= condition.warning_sigma:
        return "warning", condition.warning_sigma
    if firing is not None and deviations >= condition.recover_sigma:
        return firing, condition.recover_sigma
    return None, None


def judge_silence(rule: RuleBody, silent_s: float) -> Verdict:
    """`silent_s` is how long nothing has come."""
    return Verdict(rule.severity if silent_s >= rule.window_s else None, silent_s, float(rule.window_s))


def judge_health(rule: RuleBody, condition: HealthBelow, score: int | None, firing: bool) -> Verdict:
    if score is None:
        return Verdict(None, None, float(condition.below), known=False)
    limit = condition.below + condition.recover_by if firing else condition.below
    return Verdict(rule.severity if score < limit else None, float(score), float(condition.below))
