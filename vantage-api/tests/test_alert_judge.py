"""Whether what was measured is what a rule watches for."""

import pytest
from vantage_api.alerts.judge import (
    Reading,
    judge_adaptive,
    judge_fixed,
    judge_health,
    judge_silence,
)
from vantage_api.alerts.notification import Severity
from vantage_api.alerts.rules import Adaptive, Direction, Fixed, HealthBelow, NoData, Operator, RuleBody
from vantage_api.alerts.seasonal import Band

NORMAL = Band(100, 10)


def rule(
    condition: Fixed | Adaptive | NoData | HealthBelow, severity: Severity = "critical", least: int = 1
) -> RuleBody:
    return RuleBody(name="r", metric="m", condition=condition, severity=severity, min_samples=least)


@pytest.mark.parametrize(
    ("op", "value", "fires"),
    [(">", 5.1, True), (">", 5, False), (">=", 5, True), ("<", 4.9, True), ("<", 5, False), ("<=", 5, True)],
)
def test_a_fixed_rule_compares(op: Operator, value: float, fires: bool) -> None:
    fixed = Fixed(op=op, threshold=5)
    assert (judge_fixed(rule(fixed), fixed, Reading(value, 9), firing=False).level is not None) == fires


def test_what_fires_ends_at_the_lower_edge() -> None:
    fixed = Fixed(op=">", threshold=5, recover=4)
    levels = [judge_fixed(rule(fixed), fixed, Reading(4.5, 9), firing=firing).level for firing in (False, True)]
    assert levels == [None, "critical"]
    assert judge_fixed(rule(fixed), fixed, Reading(4, 9), firing=True).level is None


@pytest.mark.parametrize("reading", [Reading(None, 0), Reading(99, 19)])
def test_too_little_to_judge_is_not_well_and_not_ill(reading: Reading) -> None:
    fixed, adaptive = Fixed(op=">", threshold=5), Adaptive()
    of_fixed = judge_fixed(rule(fixed, least=20), fixed, reading, firing=True)
    of_adaptive = judge_adaptive(rule(adaptive, least=20), adaptive, reading, NORMAL, None)
    assert (of_fixed.level, of_fixed.known, of_adaptive.level, of_adaptive.known) == (None, False, None, False)


@pytest.mark.parametrize(
    ("direction", "value", "level"),
    [
        ("up", 119, None),
        ("up", 120, "warning"),
        ("up", 129, "warning"),
        ("up", 130, "critical"),
        ("up", 10, None),
        ("down", 10, "critical"),
        ("down", 79, "warning"),
        ("down", 300, None),
        ("both", 75, "warning"),
        ("both", 131, "critical"),
    ],
)
def test_two_deviations_warn_and_three_alarm(direction: Direction, value: float, level: Severity | None) -> None:
    adaptive = Adaptive(direction=direction)
    assert judge_adaptive(rule(adaptive), adaptive, Reading(value, 9), NORMAL, None).level == level


def test_a_rule_for_warnings_does_not_alarm() -> None:
    adaptive = Adaptive()
    assert judge_adaptive(rule(adaptive, "warning"), adaptive, Reading(500, 9), NORMAL, None).level == "warning"


def test_an_adaptive_alert_holds_down_to_its_lower_edge() -> None:
    adaptive = Adaptive()
    found = [judge_adaptive(rule(adaptive), adaptive, Reading(v, 9), NORMAL, "critical").level for v in (116, 114)]
    assert found == ["critical", None]


def test_the_verdict_says_where_the_edge_was_and_what_was_expected() -> None:
    adaptive = Adaptive(direction="both")
    high = judge_adaptive(rule(adaptive), adaptive, Reading(150, 9), NORMAL, None)
    low = judge_adaptive(rule(adaptive), adaptive, Reading(75, 9), NORMAL, None)
    assert (high.threshold, high.expected) == (130, 100)
    assert (low.threshold, low.expected) == (80, 100)


def test_a_small_deviation_is_none_however_still_the_line_was() -> None:
    adaptive = Adaptive(min_deviation=10)
    still = Band(2, 0.1)
    assert judge_adaptive(rule(adaptive), adaptive, Reading(11, 9), still, None).level is None
    assert judge_adaptive(rule(adaptive), adaptive, Reading(13, 9), still, None).level == "critical"


@pytest.mark.parametrize("band", [None, Band(0, 0)])
def test_without_a_baseline_there_is_no_telling(band: Band | None) -> None:
    adaptive = Adaptive()
    verdict = judge_adaptive(rule(adaptive), adaptive, Reading(1e9, 9), band, None)
    assert verdict.level is None
    assert not verdict.known


def test_silence_lasts_the_window() -> None:
    silent = rule(NoData(), "warning")
    assert [judge_silence(silent, seconds).level for seconds in (299, 300)] == [None, "warning"]


def test_health_recovers_above_where_it_fell() -> None:
    below = HealthBelow(below=50, recover_by=5)
    levels = [
        judge_health(rule(below, "warning"), below, score, firing=firing).level
        for score, firing in ((50, False), (49, False), (54, True), (55, True))
    ]
    assert levels == [None, "warning", "warning", None]
    assert not judge_health(rule(below), below, None, firing=True).known
