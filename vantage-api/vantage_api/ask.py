"""Asking the store: the one place where the API waits for it, with the time measured."""

from time import perf_counter

from vantage_common.store.api import Reader
from vantage_common.store.plan import QueryPlan, Result

from vantage_api.metrics import ApiMetrics


class Ask:
    """Call it with a plan. Raises as `Reader.query`."""

    def __init__(self, reader: Reader, metrics: ApiMetrics) -> None:
        self._reader = reader
        self._metrics = metrics

    async def __call__(self, plan: QueryPlan) -> Result:
        started = perf_counter()
        try:
            return await self._reader.query(plan)
        finally:
            self._metrics.query_seconds.labels(plan.table).observe(perf_counter() - started)

    def sql(self, plan: QueryPlan) -> str:
        return self._reader.sql(plan)
