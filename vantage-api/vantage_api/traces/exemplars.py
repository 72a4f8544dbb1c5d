"""From a metric to its traces: stored samples that keep the id of one."""

from math import ceil
from typing import Any, Final, Literal, TypeAlias

from vantage_common.model import REQUEST_METRIC
from vantage_common.store.plan import Interval

from vantage_api.ask import Ask
from vantage_api.questions import Scope
from vantage_api.times import Range
from vantage_api.traces import plans
from vantage_api.traces.models import Exemplar, Exemplars

Spread: TypeAlias = Literal["slowest", "spread"]
_SPAN_LACKS: Final[dict[str, Any]] = {"count": 1, "method": "", "status_code": 0}


async def read(
    ask: Ask, scope: Scope, metric: str, asked: Range, *, least: float | None, order: Spread, limit: int
) -> Exemplars:
    """The greatest values, or the greatest of every part of the range. The request metric of a service that sends only
    spans is read from its server spans."""
    slot = None if order == "slowest" else Interval(max(ceil(asked.seconds / limit), 1), "SECOND")
    window = (asked.start_ms, asked.end_ms)
    source: Literal["metrics", "spans"] = "metrics"
    result = await ask(plans.metric_exemplars(scope, metric, *window, least=least, slot=slot, limit=limit))
    if not result.rows and metric == REQUEST_METRIC:
        source = "spans"
        result = await ask(plans.span_exemplars(scope, *window, least=least, slot=slot, limit=limit))
    found = [Exemplar.model_validate(_SPAN_LACKS | row) for row in result.dicts()]
    return Exemplars(service=scope.service or "", metric=metric, source=source, exemplars=found)
