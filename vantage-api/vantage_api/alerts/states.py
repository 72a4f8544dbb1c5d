"""The life of an alert: pending → firing → acknowledged → resolved. Pure; every step is told the time.

An alert is one rule's complaint about one service. It is born pending when the rule's condition is met, fires once the
condition has held for `for_s`, and is resolved when it has not been met for a while. A person may acknowledge it, which
changes nothing but what is said about it, or resolve it by hand: then it is done with until the condition has passed
once. An alert that comes back within five minutes is the same alert again, not a new one.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from vantage_common.errors import UserError

from vantage_api.alerts.judge import Verdict
from vantage_api.alerts.notification import AlertState, Severity, TellingState
from vantage_api.alerts.rules import Rule

LEAST_CALM_MS: Final = 60_000
MOST_CALM_MS: Final = 300_000
"""Calm has to last as long as `for_s`, within these bounds, before an alert is resolved."""
STALE_MS: Final = 15 * 60_000
"""After so long without anything to judge, an alert is resolved: there is nothing to complain about any more."""
AGAIN_MS: Final = 5 * 60_000
"""Firing is told at most so often, and what comes back sooner is the same alert."""

Happening: TypeAlias = Literal["pending", "firing", "escalated", "acknowledged", "resolved", "dropped", "told"]
"""What a version of an alert's document is about. `told`: nothing changed but that the channels were told late."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the channels heard last. `firing_ms` is when they last heard that it fires."""

    state: TellingState
    severity: Severity
    firing_ms: int
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """`value`, `threshold` and `expected` are those of the last change of state. `telling` is what this version is told
    as, where it is. `calm_ms` and `untold_ms` are since when the condition is not met, and since when that cannot be
    told; they are not stored."""

    id: str
    workspace: str
    rule_id: str
    rule_name: str
    service: str
    metric: str
    state: AlertState
    severity: Severity
    started_ms: int
    changed_ms: int
    fired_ms: int | None = None
    ended_ms: int | None = None
    value: float | None = None
    threshold: float | None = None
    expected: float | None = None
    happening: Happening = "pending"
    by: str = ""
    comment: str = ""
    told: Told | None = None
    telling: TellingState | None = None
    version: int = 0
    calm_ms: int | None = None
    untold_ms: int | None = None

    @property
    def is_up(self) -> bool:
        """Whether it has fired and is not over."""
        return self.state in ("firing", "acknowledged")

    @property
    def resolved_by_hand(self) -> bool:
        return self.state == "resolved" and bool(self.by)

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.workspace, self.rule_id, self.service)


def step(alert: Alert | None, verdict: Verdict, rule: Rule, service: str, now_ms: int, new_id: str) -> Alert | None:
    """The alert after a verdict; the same object when nothing changed, None when there is none."""
    breached = verdict.level is not None
    if alert is None:
        return _born(verdict, rule, service, now_ms, new_id) if breached else None
    match alert.state:
        case "pending":
            return _pending(alert, verdict, rule, now_ms)
        case "firing" | "acknowledged":
            return _up(alert, verdict, rule, now_ms)
        case "resolved" if alert.resolved_by_hand:
            return alert if breached or not verdict.known else _changed(alert, "dropped", now_ms, by="")
        case "resolved":
            return _again(alert, verdict, rule, now_ms, service, new_id)


def end(alert: Alert, now_ms: int) -> Alert:
    """What becomes of an alert whose rule is gone, disabled or no longer about the service."""
    if alert.is_up:
        return _changed(alert, "resolved", now_ms, state="resolved", ended_ms=now_ms)
    return _changed(alert, "dropped", now_ms, state="resolved", ended_ms=alert.ended_ms or now_ms, by="")


def acknowledge(alert: Alert, by: str, comment: str, now_ms: int) -> Alert:
    """Raises UserError 409 for an alert that does not fire. Twice is once."""
    if alert.state == "acknowledged":
        return alert
    if alert.state != "firing":
        raise _wrong_state(alert, "acknowledged")
    return _changed(alert, "acknowledged", now_ms, state="acknowledged", by=by, comment=comment)


def resolve(alert: Alert, by: str, comment: str, now_ms: int) -> Alert:
    """Raises UserError 409 for an alert that is over or has not fired."""
    if not alert.is_up:
        raise _wrong_state(alert, "resolved")
    return _changed(alert, "resolved", now_ms, state="resolved", by=by, comment=comment, ended_ms=now_ms)


def telling(alert: Alert, now_ms: int, *, silenced: bool) -> TellingState | None:
    """What the channels are to be told now. A message that a silence or the five minutes hold back is asked for again
    at the next turn, and is sent if it is still true then."""
    heard = alert.told
    if silenced:
        return None
    match alert.state:
        case "firing":
            if heard is None:
                return "firing"
            worse = heard.state != "resolved" and heard.severity == "warning" and alert.severity == "critical"
            repeated = heard.state == "resolved" and now_ms - heard.firing_ms >= AGAIN_MS
            return "firing" if worse or repeated else None
        case "acknowledged":
            return "acknowledged" if heard is not None and heard.state == "firing" else None
        case "resolved":
            return "resolved" if heard is not None and heard.state != "resolved" else None
        case "pending":
            return None


def tell(before: Alert | None, alert: Alert, state: TellingState, channels: tuple[str, ...], now_ms: int) -> Alert:
    """The alert as it is told to the channels. Where nothing else has changed since `before`, that is the change."""
    firing_ms = now_ms if state == "firing" or alert.told is None else alert.told.firing_ms
    changed = _changed(alert, "told", now_ms) if alert is before else alert
    return replace(changed, told=Told(state, alert.severity, firing_ms, channels), telling=state)


def calm_needed_ms(rule: Rule) -> int:
    return min(max(rule.body.for_s * 1000, LEAST_CALM_MS), MOST_CALM_MS)


def _born(verdict: Verdict, rule: Rule, service: str, now_ms: int, new_id: str) -> Alert:
    alert = Alert(
        id=new_id,
        workspace=rule.workspace,
        rule_id=rule.id,
        rule_name=rule.body.name,
        service=service,
        metric=rule.body.metric,
        state="pending",
        severity=verdict.level or rule.body.severity,
        started_ms=now_ms,
        changed_ms=now_ms,
        value=verdict.value,
        threshold=verdict.threshold,
        expected=verdict.expected,
    )
    return _fire(alert, verdict, now_ms) if rule.body.for_s == 0 else alert


def _pending(alert: Alert, verdict: Verdict, rule: Rule, now_ms: int) -> Alert | None:
    if verdict.level is None:
        return end(alert, now_ms)
    if now_ms - alert.started_ms >= rule.body.for_s * 1000:
        return _fire(alert, verdict, now_ms)
    return alert


def _up(alert: Alert, verdict: Verdict, rule: Rule, now_ms: int) -> Alert:
    if verdict.level is not None:
        steady = alert if alert.calm_ms is None is alert.untold_ms else replace(alert, calm_ms=None, untold_ms=None)
        if verdict.level == "critical" and alert.severity == "warning":
            return _changed(_measured(steady, verdict), "escalated", now_ms, severity="critical")
        return steady
    if not verdict.known:
        since_ms = now_ms if alert.untold_ms is None else alert.untold_ms
        return _over(replace(alert, untold_ms=since_ms), verdict, now_ms, now_ms - since_ms >= STALE_MS)
    since_ms = now_ms if alert.calm_ms is None else alert.calm_ms
    calm = replace(alert, calm_ms=since_ms, untold_ms=None)
    return _over(calm, verdict, now_ms, now_ms - since_ms >= calm_needed_ms(rule))


def _over(alert: Alert, verdict: Verdict, now_ms: int, over: bool) -> Alert:
    if not over:
        return alert
    return _changed(_measured(alert, verdict), "resolved", now_ms, state="resolved", ended_ms=now_ms, by="", comment="")


def _again(alert: Alert, verdict: Verdict, rule: Rule, now_ms: int, service: str, new_id: str) -> Alert | None:
    """After it was resolved. One that has to wait before it fires is pending under its old name."""
    if alert.ended_ms is None or now_ms - alert.ended_ms >= AGAIN_MS:
        return _born(verdict, rule, service, now_ms, new_id) if verdict.level is not None else None
    if verdict.level is None:
        return alert
    reborn = replace(alert, severity=verdict.level, started_ms=now_ms, fired_ms=None, ended_ms=None, by="", comment="")
    if rule.body.for_s == 0:
        return _fire(reborn, verdict, now_ms)
    return _changed(_measured(reborn, verdict), "pending", now_ms, state="pending")


def _fire(alert: Alert, verdict: Verdict, now_ms: int) -> Alert:
    severity = verdict.level or alert.severity
    measured = _measured(alert, verdict)
    return _changed(measured, "firing", now_ms, state="firing", severity=severity, fired_ms=now_ms, ended_ms=None)


def _measured(alert: Alert, verdict: Verdict) -> Alert:
    return replace(alert, value=verdict.value, threshold=verdict.threshold, expected=verdict.expected)


def _changed(
    alert: Alert,
    happening: Happening,
    now_ms: int,
    *,
    state: AlertState | None = None,
    severity: Severity | None = None,
    by: str | None = None,
    comment: str | None = None,
    fired_ms: int | None = None,
    ended_ms: int | None = None,
) -> Alert:
    """A change of state; what is None stays, but for the waits, which begin anew."""
    return replace(
        alert,
        happening=happening,
        changed_ms=now_ms,
        state=state or alert.state,
        severity=severity or alert.severity,
        by=alert.by if by is None else by,
        comment=alert.comment if comment is None else comment,
        fired_ms=alert.fired_ms if fired_ms is None else fired_ms,
        ended_ms=alert.ended_ms if ended_ms is None else ended_ms,
        telling=None,
        calm_ms=None,
        untold_ms=None,
    )


def _wrong_state(alert: Alert, wanted: str) -> UserError:
    return UserError(
        "wrong_state",
        f"the alert is {alert.state}: it cannot be {wanted}",
        status=409,
        hint="only an alert that fires or is acknowledged can be; GET /api/alerts/active lists them",
    )
