"""POST /v1/metrics, /v1/traces, /v1/logs: native batches go route → decode → enrich → pre-aggregate → publish.

The same paths take OTLP: which protocol a body speaks is told by its content type and its first key.
"""

from fastapi import APIRouter, Request, Response
from msgspec import json
from vantage_common.http.asgi import workspace_of
from vantage_common.http.inflate import too_large

from vantage_collector.decode.native import decode_logs, decode_metrics, decode_spans
from vantage_collector.enrich import derive_spans, to_logs, to_samples, to_spans
from vantage_collector.intake import Intake
from vantage_collector.openapi import ingest_docs
from vantage_collector.routes.otlp import export, otlp_encoding

MAX_NATIVE_BODY_BYTES = 1024 * 1024


def ingest_routes(intake: Intake) -> APIRouter:
    """The routes that take Vantage's own batches and OTLP."""
    routes = APIRouter(prefix="/v1", tags=["ingest"])

    @routes.post("/metrics", **ingest_docs("metrics"))
    async def metrics(request: Request) -> Response:
        """Takes a batch of metrics, native or OTLP. 202 (OTLP: 200) means that the broker has them."""
        body = await request.body()
        if encoding := otlp_encoding("metrics", request, body):
            return await export(intake, "metrics", encoding, request, body)
        batch = decode_metrics(_native(body), intake.limits, intake.clock.now_ms())
        samples = to_samples(batch)
        spans = derive_spans(batch, samples, intake.window("spans").oldest_ms)
        rows = await intake.take_samples(workspace_of(request.scope), batch.batch_id, samples, spans)
        return _accepted(len(samples), rows)

    @routes.post("/traces", **ingest_docs("spans"))
    async def traces(request: Request) -> Response:
        """Takes a batch of spans, native or OTLP. 202 (OTLP: 200) means that the broker has them."""
        body = await request.body()
        if encoding := otlp_encoding("spans", request, body):
            return await export(intake, "spans", encoding, request, body)
        batch = decode_spans(_native(body), intake.limits, intake.clock.now_ms())
        spans = to_spans(batch)
        rows = await intake.take_spans(workspace_of(request.scope), batch.batch_id, spans)
        return _accepted(len(spans), rows)

    @routes.post("/logs", **ingest_docs("logs"))
    async def logs(request: Request) -> Response:
        """Takes a batch of log lines, native or OTLP. 202 (OTLP: 200) means that the broker has them."""
        body = await request.body()
        if encoding := otlp_encoding("logs", request, body):
            return await export(intake, "logs", encoding, request, body)
        batch = decode_logs(_native(body), intake.limits, intake.clock.now_ms())
        records = to_logs(batch)
        rows = await intake.take_logs(workspace_of(request.scope), batch.batch_id, records)
        return _accepted(len(records), rows)

    return routes


def _native(body: bytes) -> bytes:
    """Raises UserError 413: OTLP/JSON may be larger, and what a JSON body is shows only when it is there."""
    if len(body) > MAX_NATIVE_BODY_BYTES:
        raise too_large(MAX_NATIVE_BODY_BYTES)
    return body


def _accepted(items: int, rows: int) -> Response:
    return Response(json.encode({"accepted": items, "rows": rows}), 202, media_type="application/json")
