"""The seam behind every protocol's route: accepted rows are pre-aggregated, published and counted here."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import ParamSpec, TypeAlias, TypeVar

from vantage_common.block import Codec, Kind
from vantage_common.clock import Clock
from vantage_common.model import LogRecord, Pulse, Sample, Span

from vantage_collector.cardinality import SeriesCap
from vantage_collector.decode.check import Window
from vantage_collector.decode.native import Limits
from vantage_collector.decode.refused import Refused
from vantage_collector.metrics import CollectorMetrics
from vantage_collector.preaggregate import preaggregate
from vantage_collector.publish import PulsePublisher, RawPublisher, Rows, pulse_record, to_records
from vantage_collector.pulse import pulses_of_samples, pulses_of_spans
from vantage_collector.series import by_series
from vantage_collector.stats import Stats

MAX_ROWS_ON_THE_LOOP = 4000
"""What has more rows is worked on in a thread: other requests are answered in between."""

PulsesOf: TypeAlias = Callable[[], Sequence[Pulse]]
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Intake:
    """Where accepted rows go, whatever protocol they came by.

    Each `take_…` returns the number of rows published when the broker has them; `batch_id` is the sender's own name
    of the batch, None where its protocol has none. Raises UserError 503.
    """

    clock: Clock
    limits: Limits
    topics: dict[Kind, str]
    codec: Codec
    raw: RawPublisher
    pulses: PulsePublisher
    cap: SeriesCap
    metrics: CollectorMetrics
    stats: Stats
    _turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))

    def window(self, kind: Kind) -> Window:
        """The times that are taken of that kind."""
        days = self.limits.span_days if kind == "spans" else self.limits.raw_days
        return Window.back(self.clock.now_ms(), days)

    async def take_samples(
        self, workspace: str, batch_id: str | None, samples: Sequence[Sample], spans: Sequence[Span] = ()
    ) -> int:
        """Bounds the samples' series, merges them and publishes them with the spans that they leave behind."""
        number = len(samples)
        series = self.cap.admit(workspace, await self.unhurried(number, by_series, samples))
        merged = await self.unhurried(number, preaggregate, series)
        rows = Rows.of_batch(workspace, "metrics", batch_id, {"metrics": merged, "spans": spans})
        return await self._take("metrics", number, rows, partial(pulses_of_samples, workspace, series))

    async def take_spans(self, workspace: str, batch_id: str | None, spans: Sequence[Span]) -> int:
        rows = Rows.of_batch(workspace, "spans", batch_id, {"spans": spans})
        return await self._take("spans", len(spans), rows, partial(pulses_of_spans, workspace, spans))

    async def take_logs(self, workspace: str, batch_id: str | None, logs: Sequence[LogRecord]) -> int:
        return await self._take("logs", len(logs), Rows.of_batch(workspace, "logs", batch_id, {"logs": logs}))

    def refuse(self, kind: Kind, refused: Refused) -> None:
        """Counts what was left out of a request that was taken otherwise."""
        if refused.items:
            self.stats.refused(kind, refused.items)
            self.metrics.refused.labels(kind).inc(refused.items)

    async def unhurried(self, rows: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `work` returns, which handles about that many rows: at once for few, else from a thread.

        One thread at a time: a second would be no faster, and a body takes up to twenty times its room while it is
        decoded.
        """
        if rows <= MAX_ROWS_ON_THE_LOOP:
            return work(*args, **kwargs)
        async with self._turn:
            return await asyncio.to_thread(work, *args, **kwargs)

    async def _take(self, kind: Kind, items: int, rows: Rows, pulses: PulsesOf | None = None) -> int:
        if rows:
            await self.raw.publish(await self.unhurried(len(rows), to_records, rows, self.topics, self.codec), items)
        if pulses is not None:
            # The answer goes out first: its sender waits, the city can wait a millisecond.
            asyncio.get_running_loop().call_soon(self._offer, rows.workspace, pulses)
        self._count(kind, items, rows)
        return len(rows)

    def _offer(self, workspace: str, pulses: PulsesOf) -> None:
        if found := pulses():
            self.pulses.offer(pulse_record(workspace, found))

    def _count(self, kind: Kind, items: int, rows: Rows) -> None:
        self.stats.accepted(kind, items)
        self.metrics.items.labels(kind).inc(items)
        for row_kind, kind_rows in rows.of_kind.items():
            self.stats.published(row_kind, len(kind_rows))
            self.metrics.rows.labels(row_kind).inc(len(kind_rows))
