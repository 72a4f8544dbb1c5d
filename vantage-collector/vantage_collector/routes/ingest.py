"""POST /v1/metrics, /v1/traces, /v1/logs: route → decode → enrich → pre-aggregate → publish."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from msgspec import json
from vantage_common.block import Codec, Kind
from vantage_common.clock import Clock
from vantage_common.errors import UserError
from vantage_common.http.asgi import workspace_of
from vantage_common.model import Pulse, Row, Sample, Span

from vantage_collector.cardinality import SeriesCap
from vantage_collector.decode.check import Window
from vantage_collector.decode.native import Limits, decode_logs, decode_metrics, decode_spans
from vantage_collector.enrich import derive_spans, to_logs, to_samples, to_spans
from vantage_collector.metrics import CollectorMetrics
from vantage_collector.openapi import ingest_docs
from vantage_collector.preaggregate import preaggregate
from vantage_collector.publish import PulsePublisher, RawPublisher, Rows, pulse_record, to_records
from vantage_collector.pulse import pulses_of_samples, pulses_of_spans
from vantage_collector.series import by_series
from vantage_collector.stats import Stats

_PROTOBUF = frozenset({"application/x-protobuf", "application/protobuf", "application/vnd.google.protobuf"})


@dataclass(frozen=True, slots=True)
class Intake:
    """Where accepted rows go."""

    clock: Clock
    limits: Limits
    topics: dict[Kind, str]
    codec: Codec
    raw: RawPublisher
    pulses: PulsePublisher
    cap: SeriesCap
    metrics: CollectorMetrics
    stats: Stats

    def oldest_span_ms(self) -> int:
        return Window.back(self.clock.now_ms(), self.limits.span_days).oldest_ms

    async def take_samples(
        self, workspace: str, batch_id: str | None, samples: Sequence[Sample], spans: Sequence[Span]
    ) -> Response:
        """Samples of any protocol: bounds their series, merges them, publishes them with the spans derived of them."""
        series = self.cap.admit(workspace, by_series(samples))
        of_kind: Mapping[Kind, Sequence[Row]] = {"metrics": preaggregate(series), "spans": spans}
        rows = Rows.of_batch(workspace, "metrics", batch_id, of_kind)
        return await self.take("metrics", len(samples), rows, pulses_of_samples(workspace, series))

    async def take(self, kind: Kind, items: int, rows: Rows, pulses: Sequence[Pulse]) -> Response:
        """Publishes the rows, then the pulses, and answers 202. Raises UserError 503."""
        if rows:
            await self.raw.publish(to_records(rows, self.topics, self.codec), items)
        if pulses:
            self.pulses.offer(pulse_record(rows.workspace, pulses))
        self._count(kind, items, rows)
        return _json({"accepted": items, "rows": len(rows)}, 202)

    def _count(self, kind: Kind, items: int, rows: Rows) -> None:
        self.stats.accepted(kind, items)
        self.metrics.items.labels(kind).inc(items)
        for row_kind, kind_rows in rows.of_kind.items():
            self.stats.published(row_kind, len(kind_rows))
            self.metrics.rows.labels(row_kind).inc(len(kind_rows))


def ingest_routes(intake: Intake) -> APIRouter:
    """The routes that take data in."""
    routes = APIRouter(prefix="/v1", tags=["ingest"])

    @routes.post("/metrics", **ingest_docs("metrics"))
    async def metrics(request: Request) -> Response:
        """Takes a batch of metrics. 202 means that the broker has them."""
        workspace = workspace_of(request.scope)
        batch = decode_metrics(await _json_body(request), intake.limits, intake.clock.now_ms())
        samples = to_samples(batch)
        spans = derive_spans(batch, samples, intake.oldest_span_ms())
        return await intake.take_samples(workspace, batch.batch_id, samples, spans)

    @routes.post("/traces", **ingest_docs("spans"))
    async def traces(request: Request) -> Response:
        """Takes a batch of spans. 202 means that the broker has them."""
        workspace = workspace_of(request.scope)
        batch = decode_spans(await _json_body(request), intake.limits, intake.clock.now_ms())
        spans = to_spans(batch)
        rows = Rows.of_batch(workspace, "spans", batch.batch_id, {"spans": spans})
        return await intake.take("spans", len(spans), rows, pulses_of_spans(workspace, spans))

    @routes.post("/logs", **ingest_docs("logs"))
    async def logs(request: Request) -> Response:
        """Takes a batch of log lines. 202 means that the broker has them."""
        batch = decode_logs(await _json_body(request), intake.limits, intake.clock.now_ms())
        records = to_logs(batch)
        rows = Rows.of_batch(workspace_of(request.scope), "logs", batch.batch_id, {"logs": records})
        return await intake.take("logs", len(records), rows, ())

    return routes


async def _json_body(request: Request) -> bytes:
    """The body, unless its type says that it is none of ours. Anything not protobuf is read as JSON."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type in _PROTOBUF:
        raise UserError(
            "unsupported_media_type",
            f"{media_type} is not read yet: this collector takes Vantage's native JSON",
            status=415,
            hint="send application/json; /docs shows the batch",
        )
    return await request.body()


def _json(body: object, status: int) -> Response:
    return Response(json.encode(body), status, media_type="application/json")
