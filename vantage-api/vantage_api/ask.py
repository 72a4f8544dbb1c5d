"""Asking the store: the one place where the API waits for it, with the time measured."""

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Final

from vantage_common.clock import Clock
from vantage_common.errors import StoreUnavailable
from vantage_common.store.api import Explained, RollupSource, Store
from vantage_common.store.catalog import TABLES
from vantage_common.store.intervals import Intervals
from vantage_common.store.plan import QueryPlan, Result
from vantage_common.store.services import SeenService

from vantage_api.kept import KEPT_S, Answer, KeptAnswers, Question, View
from vantage_api.metrics import ApiMetrics

PING_WITHIN_S: Final = 2.0


class Ask:
    """Call it with a plan. Raises as `Reader.query`; of a store without its tables it says so."""

    def __init__(self, store: Store, metrics: ApiMetrics, clock: Clock) -> None:
        self._reader = store.reader
        self._admin = store.admin
        self._services = store.services
        self._metrics = metrics
        self._kept = KeptAnswers(clock, metrics)

    async def __call__(self, plan: QueryPlan) -> Result:
        started = perf_counter()
        try:
            return await self._reader.query(plan)
        except StoreUnavailable:
            await self.check_tables()
            raise
        finally:
            self._metrics.query_seconds.labels(plan.table).observe(perf_counter() - started)

    async def kept(
        self, plan: QueryPlan, *, even_nothing: bool = False, even_older: bool = False, past_s: float = KEPT_S
    ) -> Answer:
        """The same, or an answer that was given lately (see kept.py); for what people look at again and again."""
        return await self._kept.answer(plan, self, even_nothing=even_nothing, even_older=even_older, past_s=past_s)

    async def view(self, question: Question, make: Callable[[], Awaitable[View]]) -> bytes:
        """What `make` makes of several answers, or has made lately (see kept.py)."""
        return await self._kept.view(question, make)

    async def services(self, workspace: str, name: str | None = None) -> list[SeenService]:
        """Who sent rows, by first sight. Raises as the call itself."""
        started = perf_counter()
        try:
            return await self._services.of(workspace, name)
        except StoreUnavailable:
            await self.check_tables()
            raise
        finally:
            self._metrics.query_seconds.labels("services").observe(perf_counter() - started)

    async def explain(self, plan: QueryPlan) -> Explained:
        """What of which tables a plan would read. Raises as the call itself."""
        try:
            return await self._reader.explain(plan)
        except StoreUnavailable:
            await self.check_tables()
            raise

    async def rolled_up(self, source: RollupSource) -> Intervals:
        """Of which times rollups can stand for the rows of a raw table. Raises as the call itself."""
        try:
            return await self._reader.rolled_up(source)
        except StoreUnavailable:
            await self.check_tables()
            raise

    async def check_tables(self) -> None:
        """Raises StoreUnavailable when the store does not answer, or has no tables: the worker makes them."""
        try:
            async with asyncio.timeout(PING_WITHIN_S):
                held = await self._admin.table_sizes()
        except TimeoutError:
            raise StoreUnavailable(f"the store has not answered within {PING_WITHIN_S:g} s") from None
        missing = [name for name in TABLES if name not in held]
        if missing:
            raise StoreUnavailable(
                f"the store has no table {', '.join(missing)} yet: start the worker, which makes them"
            )
