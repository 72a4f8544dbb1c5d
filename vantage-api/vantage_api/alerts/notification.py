"""What the alerts tell the channels: the one contract between the evaluator and `alerts/channels/`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

Severity: TypeAlias = Literal["warning", "critical"]
AlertState: TypeAlias = Literal["pending", "firing", "acknowledged", "resolved"]
TellingState: TypeAlias = Literal["firing", "acknowledged", "resolved"]


@dataclass(frozen=True, slots=True)
class Notification:
    """A change of one alert, or of several of one service that changed together.

    Every text may hold whatever a client sent as a name: markup, control characters, ANSI. Channels make it inert.
    `value` is what was measured, None where nothing was (a service that is silent). `threshold` is the number the
    value was compared with: that of a fixed rule, the edge of what is normal for an adaptive one, whose middle is
    `expected`. Both are in the unit of the metric. Times are ms since the epoch. `link` is a path of the dashboard,
    without host: ``/alerts?alert=…``. `grouped` counts the further alerts of the same service and evaluation that
    this message speaks for; `summary` names them.
    """

    workspace: str
    alert_id: str
    rule_id: str
    rule_name: str
    state: TellingState
    severity: Severity
    service: str
    metric: str
    value: float | None
    threshold: float | None
    expected: float | None
    summary: str
    runbook: str
    started_ms: int
    at_ms: int
    link: str
    grouped: int = 0


class Notifier(Protocol):
    async def notify(self, notification: Notification, channel_ids: Sequence[str]) -> None:
        """Passes the message to the channels. Never raises and returns soon: what it cannot send at once it queues,
        within a bound. An unknown channel is its own to report."""
        ...
