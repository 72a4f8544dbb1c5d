"""What the calls of /api/alerts take and answer. Times are ms since the epoch."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from vantage_common.store.api import Document

from vantage_api.alerts.book import EVALUATOR
from vantage_api.alerts.notification import AlertState, Severity
from vantage_api.alerts.rules import (
    ChannelId,
    Condition,
    LabelKey,
    LabelValue,
    OneLine,
    Rule,
    RuleAgg,
    RuleBody,
    Unreadable,
)
from vantage_api.alerts.seasonal import CellState
from vantage_api.alerts.silences import Matcher, SilenceBody
from vantage_api.alerts.states import Alert, Happening
from vantage_api.models import Model

When = Annotated[str, StringConstraints(max_length=64)] | Annotated[int, Field(ge=0, le=10**14)]


class RuleChange(BaseModel):
    """What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    name: OneLine | None = None
    service: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    environment: Annotated[str, StringConstraints(max_length=200)] | None = None
    metric: Annotated[str, StringConstraints(max_length=200)] | None = None
    agg: RuleAgg | None = None
    window_s: Annotated[int, Field(ge=30, le=86_400)] | None = None
    condition: Condition | None = None
    for_s: Annotated[int, Field(ge=0, le=86_400)] | None = None
    min_samples: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    severity: Severity | None = None
    channels: Annotated[list[ChannelId], Field(max_length=20)] | None = None
    enabled: bool | None = None
    labels: Annotated[dict[LabelKey, LabelValue], Field(max_length=32)] | None = None
    runbook: Annotated[str, StringConstraints(max_length=10_000)] | None = None


class RuleView(Model):
    """A rule and how it is doing. `error` says why it could not be evaluated last time, or cannot be read at all;
    `rule` is null then only if it cannot be read. A built-in rule that nobody has edited has version 0."""

    id: str
    version: int
    built_in: bool
    changed: int
    author: str
    rule: RuleBody | None
    error: str | None


class Rules(Model):
    """`evaluated` is when the rules were last evaluated; null while nobody does."""

    rules: list[RuleView]
    total: int
    evaluated: int | None


class PreviewAsked(BaseModel):
    model_config = ConfigDict(extra="forbid")

    rule: RuleBody
    start: When = Field("", description="as the parameter `start` elsewhere; default: a day before end")
    end: When = Field("", description="default: now")


class FiringView(Model):
    service_name: str
    severity: Severity
    fired: int
    ended: int | None
    value: float | None
    threshold: float | None
    expected: float | None


class PreviewView(Model):
    """When the rule would have fired between `start` and `end`, of `services` that were looked at. `left_out` more
    services, the quietest, were not; of more than 500 firings the first are listed."""

    start: int
    end: int
    services: int
    left_out: int
    total: int
    firings: list[FiringView]


class AlertView(Model):
    """`started` is when the condition was first met, `fired` when it had held long enough. `silenced_by` is the id of
    a silence. The figures are those of the last change of state, at `changed`."""

    id: str
    rule_id: str
    rule_name: str
    service_name: str
    metric: str
    state: AlertState
    severity: Severity
    started: int
    fired: int | None
    ended: int | None
    changed: int
    value: float | None
    threshold: float | None
    expected: float | None
    by: str
    comment: str
    labels: dict[str, str]
    runbook: str
    silenced_by: str | None


class ActiveAlerts(Model):
    """`firing` counts all of them, on any page. `evaluated` is when the rules were last evaluated; null while nobody
    does."""

    alerts: list[AlertView]
    total: int
    firing: int
    evaluated: int | None


class EventView(Model):
    """One change of one alert. `author` is a key's id, or vantage."""

    alert_id: str
    rule_id: str
    rule_name: str
    service_name: str
    metric: str
    at: int
    happening: Happening
    state: AlertState
    severity: Severity
    value: float | None
    threshold: float | None
    expected: float | None
    author: str
    comment: str


class History(Model):
    """The newest first. `next_offset` leads to the next page, null on the last."""

    events: list[EventView]
    next_offset: int | None


class Comment(BaseModel):
    model_config = ConfigDict(extra="forbid")

    comment: Annotated[str, StringConstraints(max_length=2000)] = ""


class Quiet(BaseModel):
    model_config = ConfigDict(extra="forbid")

    minutes: Annotated[int, Field(ge=1, le=43_200)]
    comment: Annotated[str, StringConstraints(max_length=2000)] = ""


class SilenceChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    matchers: Annotated[list[Matcher], Field(min_length=1, max_length=10)] | None = None
    start_ms: Annotated[int, Field(ge=0, le=10**14)] | None = None
    end_ms: Annotated[int, Field(ge=0, le=10**14)] | None = None
    comment: Annotated[str, StringConstraints(max_length=2000)] | None = None


class SilenceView(Model):
    id: str
    version: int
    author: str
    active: bool
    matchers: list[Matcher]
    start: int
    end: int
    comment: str


class Silences(Model):
    silences: list[SilenceView]
    total: int


class CellView(Model):
    """`hour` 0 is Monday, 00:00 to 01:00 UTC. `sigma` is what deviations are counted in, its floor included."""

    hour: int
    n: int
    mean: float | None
    sigma: float | None
    state: CellState


class BaselineView(Model):
    """What is normal for one service, hour by hour of the week; `until` is how far it has been learned."""

    service_name: str
    metric: str
    agg: RuleAgg
    window_s: int
    environment: str | None
    until: int | None
    state: CellState
    hours: list[CellView]


def rule_view(rule: Rule | Unreadable, error: str | None) -> RuleView:
    if isinstance(rule, Unreadable):
        return RuleView(id=rule.id, version=0, built_in=False, changed=0, author="", rule=None, error=rule.reason)
    return RuleView(
        id=rule.id,
        version=rule.version,
        built_in=rule.built_in,
        changed=rule.at_ms,
        author=rule.author,
        rule=rule.body,
        error=error,
    )


def alert_view(alert: Alert, rule: Rule | None, silenced: str | None) -> AlertView:
    return AlertView(
        id=alert.id,
        rule_id=alert.rule_id,
        rule_name=alert.rule_name,
        service_name=alert.service,
        metric=alert.metric,
        state=alert.state,
        severity=alert.severity,
        started=alert.started_ms,
        fired=alert.fired_ms,
        ended=alert.ended_ms,
        changed=alert.changed_ms,
        value=alert.value,
        threshold=alert.threshold,
        expected=alert.expected,
        by=alert.by,
        comment=alert.comment,
        labels={} if rule is None else rule.body.labels,
        runbook="" if rule is None else rule.body.runbook,
        silenced_by=silenced,
    )


def event_view(alert: Alert, author: str) -> EventView:
    return EventView(
        alert_id=alert.id,
        rule_id=alert.rule_id,
        rule_name=alert.rule_name,
        service_name=alert.service,
        metric=alert.metric,
        at=alert.changed_ms,
        happening=alert.happening,
        state=alert.state,
        severity=alert.severity,
        value=alert.value,
        threshold=alert.threshold,
        expected=alert.expected,
        author=author,
        comment="" if author == EVALUATOR else alert.comment,
    )


def silence_view(document: Document, now_ms: int) -> SilenceView:
    body = SilenceBody.model_validate(document.body)
    return SilenceView(
        id=document.id,
        version=document.version,
        author=document.author,
        active=body.start_ms <= now_ms < body.end_ms,
        matchers=body.matchers,
        start=body.start_ms,
        end=body.end_ms,
        comment=body.comment,
    )
