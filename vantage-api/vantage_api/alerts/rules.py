"""What people may ask the alerts to watch for: the shape of a rule, checked field by field.

Whatever is wrong is found when the rule is written, with the name of the field, not when it is evaluated.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator
from pydantic_core import PydanticCustomError
from vantage_common.model import REQUEST_METRIC
from vantage_common.store.api import Document

from vantage_api.alerts.notification import Severity

EVERY_SERVICE: Final = "*"
RuleAgg: TypeAlias = Literal["avg", "sum", "count", "min", "max", "rate", "p50", "p90", "p95", "p99", "error_ratio"]
Operator: TypeAlias = Literal[">", ">=", "<", "<="]
Direction: TypeAlias = Literal["up", "down", "both"]
LEARNED_WINDOWS_S: Final = (60, 300, 600)
"""Windows that a baseline can be learned for: several of them make an hour."""
_LARGEST: Final = 1e15

Number = Annotated[float, Field(ge=-_LARGEST, le=_LARGEST, allow_inf_nan=False)]
Sigma = Annotated[float, Field(gt=0, le=20, allow_inf_nan=False)]
OneLine = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
LabelKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:/-]{1,64}$")]
LabelValue = Annotated[str, StringConstraints(max_length=256)]
ChannelId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]


class _Strict(BaseModel):
    """Unknown fields are refused: a misspelt one would silently not watch."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Fixed(_Strict):
    """The aggregate of the window compared with a number. Once firing, it is compared with `recover` instead."""

    kind: Literal["fixed"] = "fixed"
    op: Operator
    threshold: Number
    recover: Number | None = None

    @model_validator(mode="after")
    def _recovers_on_the_calm_side(self) -> Self:
        wrong_side = self.recover is not None and (
            self.recover > self.threshold if self.op.startswith(">") else self.recover < self.threshold
        )
        if wrong_side:
            raise PydanticCustomError("recover", "recover must lie on the calm side of the threshold")
        return self


class Adaptive(_Strict):
    """The aggregate compared with what is normal for the service at this hour of the week, in standard deviations.
    Below `min_deviation`, in the metric's unit, nothing is out of the ordinary."""

    kind: Literal["adaptive"] = "adaptive"
    direction: Direction = "up"
    warning_sigma: Sigma = 2.0
    critical_sigma: Sigma = 3.0
    recover_sigma: Sigma = 1.5
    min_deviation: Annotated[float, Field(ge=0, le=_LARGEST, allow_inf_nan=False)] = 0.0

    @model_validator(mode="after")
    def _grows(self) -> Self:
        if not self.recover_sigma <= self.warning_sigma <= self.critical_sigma:
            raise PydanticCustomError("sigmas", "it must hold that recover_sigma ≤ warning_sigma ≤ critical_sigma")
        return self


class NoData(_Strict):
    """Nothing came in the window from a service that sent something in the day before."""

    kind: Literal["no_data"] = "no_data"


class HealthBelow(_Strict):
    """The health score, 0 to 100, is below; it has to come `recover_by` points above to be well again."""

    kind: Literal["health"] = "health"
    below: Annotated[int, Field(ge=1, le=100)]
    recover_by: Annotated[int, Field(ge=0, le=50)] = 5


Condition: TypeAlias = Annotated[Fixed | Adaptive | NoData | HealthBelow, Field(discriminator="kind")]


class RuleBody(_Strict):
    """What a rule says. `service` is a name, which need not have been seen yet, or ``*`` for each service by itself.

    `metric` and `agg` say nothing to a health rule; for a no_data rule, an empty `metric` means any row at all.
    `min_samples` is how many observations the window needs to be judged.
    """

    name: OneLine
    service: Annotated[str, StringConstraints(min_length=1, max_length=200)] = EVERY_SERVICE
    environment: Annotated[str, StringConstraints(max_length=200)] | None = None
    metric: Annotated[str, StringConstraints(max_length=200)] = REQUEST_METRIC
    agg: RuleAgg = "avg"
    window_s: Annotated[int, Field(ge=30, le=86_400)] = 300
    condition: Condition
    for_s: Annotated[int, Field(ge=0, le=86_400)] = 0
    min_samples: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    severity: Severity = "warning"
    channels: Annotated[list[ChannelId], Field(max_length=20)] = []
    enabled: bool = True
    labels: Annotated[dict[LabelKey, LabelValue], Field(max_length=32)] = {}
    runbook: Annotated[str, StringConstraints(max_length=10_000)] = ""

    @field_validator("agg")
    @classmethod
    def _fits_the_metric(cls, agg: RuleAgg, info: Any) -> RuleAgg:
        if agg == "error_ratio" and info.data.get("metric", REQUEST_METRIC) != REQUEST_METRIC:
            raise PydanticCustomError("agg", "error_ratio is known of {metric} only", {"metric": REQUEST_METRIC})
        return agg

    @field_validator("condition")
    @classmethod
    def _fits_the_rest(cls, condition: Condition, info: Any) -> Condition:
        """Said of the condition: it is what asks for more of the other fields."""
        if condition.kind in ("fixed", "adaptive") and info.data.get("metric", "?") == "":
            raise PydanticCustomError("metric", "this condition needs a metric")
        if condition.kind == "adaptive" and info.data.get("window_s", 300) not in LEARNED_WINDOWS_S:
            windows = ", ".join(map(str, LEARNED_WINDOWS_S))
            raise PydanticCustomError("window", "an adaptive rule needs a window_s of {windows}", {"windows": windows})
        return condition


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a workspace. A built-in one that nobody has edited has version 0."""

    id: str
    workspace: str
    body: RuleBody
    version: int
    at_ms: int
    author: str
    built_in: bool

    def covers(self, service: str) -> bool:
        return self.body.service in (EVERY_SERVICE, service)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A stored rule that this version of Vantage cannot read."""

    id: str
    workspace: str
    reason: str


def read_rule(document: Document, built_in: bool) -> Rule | Unreadable:
    """The rule in a document. One that another version wrote is said to be unreadable and does not stop others."""
    try:
        body = RuleBody.model_validate(document.body)
    except ValueError as error:
        return Unreadable(document.id, document.workspace, f"the stored rule cannot be read: {error}"[:500])
    return Rule(document.id, document.workspace, body, document.version, document.at_ms, document.author, built_in)
