"""Silences: for a time, nothing is told of alerts that match. Alerts live on underneath."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError
from vantage_common.store.api import Document

from vantage_api.alerts.states import Alert

Matched: TypeAlias = Literal["service", "rule", "rule_name", "metric", "severity", "label"]


class Matcher(BaseModel):
    """`value` is a pattern: ``*`` stands for anything, ``?`` for one character. `label` says which label is meant."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    field: Matched
    value: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    label: Annotated[str, StringConstraints(max_length=64)] = ""

    @model_validator(mode="after")
    def _label_is_named(self) -> Self:
        if (self.field == "label") != bool(self.label):
            raise PydanticCustomError("label", "label names the label when field is label, and only then")
        return self


class SilenceBody(BaseModel):
    """An alert is silenced when every matcher fits it, from `start_ms` up to `end_ms`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    matchers: Annotated[list[Matcher], Field(min_length=1, max_length=10)]
    start_ms: Annotated[int, Field(ge=0, le=10**14)]
    end_ms: Annotated[int, Field(ge=0, le=10**14)]
    comment: Annotated[str, StringConstraints(max_length=2000)] = ""

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.end_ms <= self.start_ms:
            raise PydanticCustomError("order", "end_ms must lie after start_ms")
        return self


@dataclass(frozen=True, slots=True)
class Silence:
    id: str
    body: SilenceBody

    def covers(self, alert: Alert, labels: Mapping[str, str], now_ms: int) -> bool:
        in_time = self.body.start_ms <= now_ms < self.body.end_ms
        return in_time and all(_fits(matcher, alert, labels) for matcher in self.body.matchers)


def silences_of(documents: Iterable[Document]) -> dict[str, list[Silence]]:
    """By workspace. One that cannot be read silences nothing."""
    found: dict[str, list[Silence]] = {}
    for document in documents:
        try:
            body = SilenceBody.model_validate(document.body)
        except ValueError:
            continue
        found.setdefault(document.workspace, []).append(Silence(document.id, body))
    return found


def silenced_by(alert: Alert, labels: Mapping[str, str], silences: Iterable[Silence], now_ms: int) -> str | None:
    """The id of the first silence that covers the alert."""
    return next((silence.id for silence in silences if silence.covers(alert, labels, now_ms)), None)


def _fits(matcher: Matcher, alert: Alert, labels: Mapping[str, str]) -> bool:
    found = {
        "service": alert.service,
        "rule": alert.rule_id,
        "rule_name": alert.rule_name,
        "metric": alert.metric,
        "severity": alert.severity,
        "label": labels.get(matcher.label, ""),
    }[matcher.field]
    return fnmatchcase(found, matcher.value)
