"""OTLP spans to ours: pure, for protobuf and JSON alike. Spans have no identity to keep: long values are cut."""

from typing import Any

from vantage_common.model import Span, SpanStatus

from vantage_collector.decode.check import MAX_TEXT_BYTES, Window
from vantage_collector.decode.otlp_reader import NS_PER_MS, Origin, Reader, Wire, as_json, cut

MAX_EVENTS = 8
"""Of a span's events and links, each."""
_RENAMED = {"http.method": "http.request.method", "http.status_code": "http.response.status_code"}
_KINDS = ("internal", "internal", "server", "client", "producer", "consumer")
_STATUSES: tuple[SpanStatus, ...] = ("unset", "ok", "error")


class SpanReader(Reader):
    """Reads the spans of a request into `spans`."""

    def __init__(self, wire: Wire, window: Window) -> None:
        super().__init__(wire, window)
        self.spans: list[Span] = []

    def read(self, request: Any) -> None:
        """Raises UserError 413 when the request has too many parts or makes too many rows."""
        for resource_spans in self._each("ResourceSpans", request.resource_spans):
            origin = self._origin(resource_spans.resource)
            for scope_spans in self._each("ScopeSpans", resource_spans.scope_spans):
                spans = self._items(scope_spans.spans)
                if origin.fault:
                    self.refused.add(origin.fault, len(spans))
                    continue
                for span in map(self._wire.parser("Span"), spans):
                    self._span(span, origin)

    def _span(self, span: Any, origin: Origin) -> None:
        trace_id, span_id = self._wire.hex(span.trace_id, 32), self._wire.hex(span.span_id, 16)
        start_ms = span.start_time_unix_nano // 1000 / 1000
        if not trace_id or not span_id:
            self.refused.add("a span without a trace id of 16 bytes and a span id of 8")
            return
        if not self._in_window(start_ms):
            self.refused.add(f"span: {self._time_fault(start_ms)}")
            return
        try:
            own = {
                _RENAMED.get(key, key): value for key, value in self._pairs(self._wire.raws(span.attributes)).items()
            }
            told = {**self._told(span), **own}
        except ValueError:
            self.refused.add("an attribute of a span cannot be read")
            return
        kind = _KINDS[span.kind] if 0 <= span.kind < len(_KINDS) else "internal"
        self.spans.append(
            Span(
                timestamp=start_ms,
                trace_id=trace_id,
                span_id=span_id,
                parent_span_id=self._wire.hex(span.parent_span_id, 16),
                service_name=origin.service,
                name=cut(span.name, MAX_TEXT_BYTES) or "unnamed",
                kind=kind,
                duration_ms=max(span.end_time_unix_nano - span.start_time_unix_nano, 0) / NS_PER_MS,
                status=_STATUSES[span.status.code] if 0 <= span.status.code < len(_STATUSES) else "unset",
                environment=origin.environment,
                instance=origin.instance,
                attributes=self._texts(told, origin),
            )
        )

    def _told(self, span: Any) -> dict[str, str]:
        """What a span says beside its attributes, under OpenTelemetry's names: its status message, the last
        exception, its other events and its links, the first few of each. Raises ValueError."""
        told: dict[str, str] = {}
        if span.status.message:
            told["otel.status_description"] = span.status.message
        events: list[dict[str, object]] = []
        for event in span.events:
            if event.name == "exception":
                pairs = self._pairs(self._wire.raws(event.attributes))
                told |= {key: value for key, value in pairs.items() if key.startswith("exception.")}
            elif len(events) < MAX_EVENTS:
                offset_ms = (event.time_unix_nano - span.start_time_unix_nano) / NS_PER_MS
                pairs = self._pairs(self._wire.raws(event.attributes))
                events.append({"name": event.name, "offset_ms": offset_ms, "attributes": pairs})
        if events:
            told["otel.events"] = as_json(events)
        links = [
            {"trace_id": self._wire.hex(link.trace_id, 32), "span_id": self._wire.hex(link.span_id, 16)}
            for link in span.links[:MAX_EVENTS]
        ]
        if links:
            told["otel.links"] = as_json(links)
        return told
