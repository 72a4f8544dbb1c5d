"""The life of an alert, step by step and in every order."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vantage_api.alerts.book import alert_of, document_of, is_put_away
from vantage_api.alerts.judge import Verdict
from vantage_api.alerts.notification import Severity
from vantage_api.alerts.rules import Fixed, Rule, RuleBody
from vantage_api.alerts.states import (
    AGAIN_MS,
    LEAST_CALM_MS,
    STALE_MS,
    Alert,
    acknowledge,
    end,
    resolve,
    step,
    tell,
    telling,
)
from vantage_common.errors import UserError

T0 = 1_790_035_200_000
SECOND, MINUTE = 1000, 60_000
FINE = Verdict(None, 1.0, 5.0)
UNKNOWN = Verdict(None, None, known=False)


def bad(severity: Severity = "warning") -> Verdict:
    return Verdict(severity, 9.0, 5.0)


def rule(for_s: int = 0) -> Rule:
    body = RuleBody(name="r", metric="m", condition=Fixed(op=">", threshold=5), for_s=for_s, channels=["ops"])
    return Rule("r1", "default", body, 1, T0, "ann", False)


class Life:
    """One alert; `see` is an evaluation so many ms after the last."""

    def __init__(self, for_s: int = 0) -> None:
        self.rule = rule(for_s)
        self.now_ms = T0
        self.alert: Alert | None = None
        self.told: list[str] = []
        self.silenced = False
        self.ids = 0

    def see(self, verdict: Verdict, after_ms: int = 0) -> "Life":
        self.now_ms += after_ms
        self.ids += 1
        before = self.alert
        self.alert = step(before, verdict, self.rule, "checkout", self.now_ms, f"a{self.ids}")
        self._tell(before)
        return self

    def do(self, alert: Alert) -> "Life":
        before, self.alert = self.alert, alert
        self._tell(before)
        return self

    def _tell(self, before: Alert | None) -> None:
        if self.alert is not None and (state := telling(self.alert, self.now_ms, silenced=self.silenced)):
            self.told.append(state)
            self.alert = tell(before, self.alert, state, ("ops",), self.now_ms)

    @property
    def state(self) -> str | None:
        return None if self.alert is None else self.alert.state

    @property
    def known(self) -> Alert:
        assert self.alert is not None
        return self.alert


def test_without_waiting_it_fires_at_once() -> None:
    life = Life().see(bad())
    assert (life.state, life.told, life.known.fired_ms) == ("firing", ["firing"], T0)


def test_it_waits_before_it_fires() -> None:
    life = Life(for_s=120).see(bad())
    assert (life.state, life.told) == ("pending", [])
    assert life.see(bad(), 119 * SECOND).state == "pending"
    assert life.see(bad(), 1 * SECOND).state == "firing"
    assert life.known.started_ms == T0


@pytest.mark.parametrize("verdict", [FINE, UNKNOWN])
def test_what_passes_while_it_waits_never_was(verdict: Verdict) -> None:
    life = Life(for_s=120).see(bad()).see(verdict, 30 * SECOND)
    assert (life.state, life.known.happening, life.told) == ("resolved", "dropped", [])


def test_calm_has_to_last() -> None:
    life = Life().see(bad()).see(FINE, MINUTE)
    assert life.state == "firing"
    life.see(bad(), 30 * SECOND).see(FINE, 30 * SECOND)
    assert life.see(FINE, LEAST_CALM_MS - 1).state == "firing"
    assert life.see(FINE, 1).state == "resolved"
    assert life.told == ["firing", "resolved"]


def test_it_gets_worse_but_not_better_while_it_lasts() -> None:
    life = Life().see(bad("warning")).see(bad("critical"), MINUTE)
    assert (life.known.severity, life.known.happening, life.told) == ("critical", "escalated", ["firing", "firing"])
    life.see(bad("warning"), MINUTE)
    assert (life.known.severity, life.told) == ("critical", ["firing", "firing"])


def test_with_nothing_to_judge_it_stays_for_a_while_and_then_ends() -> None:
    life = Life().see(bad()).see(UNKNOWN, MINUTE)
    assert life.see(UNKNOWN, STALE_MS - 1).state == "firing"
    assert life.see(UNKNOWN, 1).state == "resolved"


def test_what_comes_back_soon_is_the_same_alert_and_is_told_when_it_stays() -> None:
    life = Life().see(bad()).see(FINE, MINUTE).see(FINE, LEAST_CALM_MS)
    first = life.known.id
    life.see(bad(), MINUTE)
    assert (life.known.id, life.state, life.told) == (first, "firing", ["firing", "resolved"])
    life.see(bad(), AGAIN_MS - 3 * MINUTE - 1)
    assert life.told == ["firing", "resolved"]
    life.see(bad(), 1)
    assert life.told == ["firing", "resolved", "firing"]


def test_what_comes_back_later_is_another_alert() -> None:
    life = Life().see(bad()).see(FINE, MINUTE).see(FINE, LEAST_CALM_MS)
    first = life.known.id
    assert life.see(FINE, AGAIN_MS).alert is None
    life.see(bad(), 0)
    assert life.known.id != first
    assert life.told == ["firing", "resolved", "firing"]


def test_flapping_is_told_at_most_every_five_minutes() -> None:
    life = Life()
    for _ in range(60):
        life.see(bad(), 30 * SECOND).see(FINE, 30 * SECOND).see(FINE, LEAST_CALM_MS)
    minutes = (life.now_ms - T0) / MINUTE
    assert life.told.count("firing") <= minutes / 5 + 1


def test_acknowledging_says_that_somebody_is_on_it() -> None:
    life = Life().see(bad())
    life.do(acknowledge(life.known, "ann", "on it", T0))
    assert (life.state, life.known.by, life.told) == ("acknowledged", "ann", ["firing", "acknowledged"])
    assert acknowledge(life.known, "bob", "", T0) is life.known
    life.see(FINE, MINUTE).see(FINE, LEAST_CALM_MS)
    assert (life.state, life.told[-1]) == ("resolved", "resolved")


def test_only_what_fires_is_acknowledged_or_resolved() -> None:
    pending = Life(for_s=60).see(bad()).known
    over = end(Life().see(bad()).known, T0)
    for alert in (pending, over):
        for call in (acknowledge, resolve):
            with pytest.raises(UserError, match="cannot be") as refused:
                call(alert, "ann", "", T0)
            assert refused.value.status == 409


def test_what_was_resolved_by_hand_stays_so_until_its_cause_has_gone() -> None:
    life = Life().see(bad())
    life.do(resolve(life.known, "ann", "", T0))
    assert life.see(bad(), 10 * MINUTE).state == "resolved"
    assert life.see(UNKNOWN, 10 * MINUTE).state == "resolved"
    assert not is_put_away(life.known)
    life.see(FINE, MINUTE)
    assert is_put_away(life.known)
    assert life.told == ["firing", "resolved"]
    assert life.see(bad(), MINUTE).state == "firing"


def test_a_silence_holds_back_and_afterwards_what_is_still_true_is_told() -> None:
    life = Life()
    life.silenced = True
    life.see(bad()).see(bad(), MINUTE)
    assert life.told == []
    life.silenced = False
    life.see(bad(), MINUTE)
    assert life.told == ["firing"]


def test_an_alert_without_its_rule_ends() -> None:
    assert (end(Life().see(bad()).known, T0).state, end(Life(60).see(bad()).known, T0).happening) == (
        "resolved",
        "dropped",
    )


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["bad", "worse", "fine", "unknown", "ack", "resolve", "silence", "speak"]),
        st.integers(0, 8 * MINUTE),
    ),
    max_size=60,
)


@given(ACTIONS, st.sampled_from([0, 60, 300]))
def test_whatever_happens_the_story_told_makes_sense(actions: list[tuple[str, int]], for_s: int) -> None:
    """Firing is told before anything else, never twice within five minutes without having become worse, nothing is
    resolved that was not told to fire, and every version survives being stored."""
    verdicts: dict[str, Any] = {"bad": bad(), "worse": bad("critical"), "fine": FINE, "unknown": UNKNOWN}
    life = Life(for_s)
    told: list[tuple[str, int, str]] = []
    for action, after_ms in actions:
        heard = len(life.told)
        if action in verdicts:
            life.see(verdicts[action], after_ms)
        elif action in ("silence", "speak"):
            life.silenced = action == "silence"
        elif life.alert is not None and life.state == "firing":
            life.do((acknowledge if action == "ack" else resolve)(life.alert, "ann", "", life.now_ms))
        told += [(state, life.now_ms, life.known.severity) for state in life.told[heard:]]
        if life.alert is not None:
            kept = replace(life.alert, calm_ms=None, untold_ms=None)
            assert alert_of(document_of(kept, "ann", life.now_ms)) == kept
            assert (life.alert.fired_ms is not None) or not life.alert.is_up
    up = False
    firings: list[tuple[int, str]] = []
    for state, at_ms, severity in told:
        if state == "firing":
            worse = bool(firings) and firings[-1][1] == "warning" and severity == "critical"
            assert not firings or worse or at_ms - firings[-1][0] >= AGAIN_MS
            firings.append((at_ms, severity))
        assert up or state == "firing"
        up = state != "resolved"
