"""From alerts that changed to what the channels are told: one message a service, not one a rule. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from vantage_api.alerts.notification import Notification, TellingState
from vantage_api.alerts.rules import Rule
from vantage_api.alerts.states import Alert

NAMED: Final = 5
"""Of the alerts that a message also speaks for, so many are named."""


@dataclass(frozen=True, slots=True)
class ToTell:
    """`rule` is None when it is gone: its channels are then those that heard of the alert last."""

    alert: Alert
    state: TellingState
    rule: Rule | None

    @property
    def channels(self) -> tuple[str, ...]:
        if self.rule is not None:
            return tuple(self.rule.body.channels)
        return () if self.alert.told is None else self.alert.told.channels


@dataclass(frozen=True, slots=True)
class Message:
    notification: Notification
    channels: tuple[str, ...]
    version: int
    """The newest version of an alert that it speaks for."""


def messages(told: Iterable[ToTell], at_ms: int) -> list[Message]:
    """What changed of one service in one evaluation is one message to the same channels, the worst first."""
    groups: dict[tuple[object, ...], list[ToTell]] = {}
    for item in told:
        groups.setdefault((item.alert.workspace, item.alert.service, item.state, item.channels), []).append(item)
    made = [_message(sorted(group, key=_worst_first), at_ms) for group in groups.values()]
    return sorted(made, key=lambda message: message.version)


def _worst_first(item: ToTell) -> tuple[bool, int, str]:
    return (item.alert.severity != "critical", item.alert.started_ms, item.alert.rule_name)


def _message(group: Sequence[ToTell], at_ms: int) -> Message:
    first = group[0]
    alert = first.alert
    notification = Notification(
        workspace=alert.workspace,
        alert_id=alert.id,
        rule_id=alert.rule_id,
        rule_name=alert.rule_name,
        state=first.state,
        severity=alert.severity,
        service=alert.service,
        metric=alert.metric,
        value=alert.value,
        threshold=alert.threshold,
        expected=alert.expected,
        summary=_summary(group),
        runbook="" if first.rule is None else first.rule.body.runbook,
        started_ms=alert.started_ms,
        at_ms=at_ms,
        link=f"/alerts?alert={quote(alert.id)}",
        grouped=len(group) - 1,
    )
    return Message(notification, first.channels, max(item.alert.version for item in group))


def _summary(group: Sequence[ToTell]) -> str:
    alert, state = group[0].alert, group[0].state
    told = f"{alert.service}: {alert.rule_name}"
    if state == "resolved":
        told = f"{told} is over"
    elif state == "acknowledged":
        told = f"{told} was acknowledged by {alert.by}"
    elif alert.value is not None:
        told = f"{told}: {_measured(alert)}"
    others = [item.alert.rule_name for item in group[1:]]
    if not others:
        return told
    rest = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
    return f"{told}. Also: {', '.join(others[:NAMED])}{rest}"


def _measured(alert: Alert) -> str:
    limit = "" if alert.threshold is None else f", the limit is {alert.threshold:.4g}"
    normal = "" if alert.expected is None else f", normal is {alert.expected:.4g}"
    return f"{alert.value:.4g}{limit}{normal}"
