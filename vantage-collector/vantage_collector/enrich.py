"""From checked items to wire rows: defaults filled in, the request metric's other names made one, spans derived."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b

from vantage_common.model import REQUEST_METRIC, LogRecord, Sample, Span, SpanStatus

from vantage_collector.decode.check import SEVERITIES
from vantage_collector.decode.items import BatchFields, LogBatch, MetricBatch, MetricItem, Scalar, SpanBatch

_REQUEST_ALIASES = {"http.server.request.duration": 1000.0, "http.server.duration": 1.0}
"""OpenTelemetry's names of the request metric, today's in seconds and the former in ms, and what makes them ms."""


def to_samples(batch: MetricBatch) -> list[Sample]:
    """One sample an item, in order."""
    service, environment, instance = _defaults(batch)
    samples = []
    for item in batch.metrics:
        name, value = item.metric_name, item.value
        factor = _REQUEST_ALIASES.get(name)
        if factor is not None:
            name, value = REQUEST_METRIC, value * factor
        samples.append(
            Sample(
                timestamp=int(item.timestamp),
                service_name=item.service_name or service,
                metric_name=name,
                metric_type=item.metric_type,
                value=value,
                count=item.count or 1,
                environment=item.environment or environment,
                instance=item.instance or instance,
                endpoint=item.endpoint or "",
                method=item.method or "",
                status_code=item.status_code or 0,
                tags=item.tags or {},
                trace_id=item.trace_id or "",
                span_id=item.span_id or "",
            )
        )
    return samples


def derive_spans(batch: MetricBatch, samples: Sequence[Sample], oldest_ms: int) -> list[Span]:
    """The spans that durations with a trace id leave behind, `samples` being `to_samples(batch)`.

    None when the sender says that it sends its spans itself; none for an item that stands for several observations,
    whose mean is no operation's duration; none that would begin before `oldest_ms`: it would not be kept, and one
    before the epoch, from a duration in another unit, would make its whole block unreadable.
    """
    if batch.spans_sent:
        return []
    spans = (
        _span_of(item, sample)
        for item, sample in zip(batch.metrics, samples, strict=True)
        if sample.trace_id and sample.count == 1 and sample.metric_name.endswith(".duration")
    )
    return [span for span in spans if span.timestamp >= oldest_ms]


def is_error(sample: Sample) -> bool:
    """Whether a request failed: a status of 500 and more, or the tag ``error=true``."""
    return sample.status_code >= 500 or sample.tags.get("error") == "true"


def to_spans(batch: SpanBatch) -> list[Span]:
    """One span an item, in order."""
    service, environment, instance = _defaults(batch)
    return [
        Span(
            timestamp=float(item.start_time),
            trace_id=item.trace_id,
            span_id=item.span_id,
            parent_span_id=item.parent_span_id or "",
            service_name=item.service_name or service,
            name=item.name,
            kind=item.kind,
            duration_ms=item.duration_ms,
            status=item.status,
            environment=item.environment or environment,
            instance=item.instance or instance,
            caller=item.caller or "",
            attributes=_as_strings(item.attributes),
        )
        for item in batch.spans
    ]


def to_logs(batch: LogBatch) -> list[LogRecord]:
    """One record an item, in order."""
    service, environment, instance = _defaults(batch)
    return [
        LogRecord(
            timestamp=int(item.timestamp),
            service_name=item.service_name or service,
            severity=SEVERITIES[item.severity.upper()],
            body=item.body,
            environment=item.environment or environment,
            instance=item.instance or instance,
            attributes=_as_strings(item.attributes),
            trace_id=item.trace_id or "",
            span_id=item.span_id or "",
        )
        for item in batch.logs
    ]


def _defaults(batch: BatchFields) -> tuple[str, str, str]:
    return batch.service_name or "", batch.environment or "", batch.instance or ""


def _span_of(item: MetricItem, sample: Sample) -> Span:
    duration_ms = max(sample.value if item.duration_ms is None else item.duration_ms, 0.0)
    operation = f"{sample.method} {sample.endpoint}".strip()
    return Span(
        timestamp=sample.timestamp - duration_ms,
        trace_id=sample.trace_id,
        span_id=sample.span_id or _derived_id(sample),
        service_name=sample.service_name,
        name=operation or sample.metric_name,
        kind=_kind(sample.metric_name),
        duration_ms=duration_ms,
        status=_status(sample),
        environment=sample.environment,
        instance=sample.instance,
        caller=sample.tags.get("caller", ""),
        attributes={**sample.tags, **_http_attributes(sample)},
    )


def _kind(metric_name: str) -> str:
    if metric_name == REQUEST_METRIC:
        return "server"
    return "client" if metric_name.startswith("http.client.") else "internal"


def _status(sample: Sample) -> SpanStatus:
    if is_error(sample):
        return "error"
    return "ok" if sample.status_code else "unset"


def _http_attributes(sample: Sample) -> dict[str, str]:
    named = {
        "http.route": sample.endpoint,
        "http.request.method": sample.method,
        "http.response.status_code": str(sample.status_code or ""),
    }
    return {name: value for name, value in named.items() if value}


def _derived_id(sample: Sample) -> str:
    """The same 16 hex digits whenever the same sample is sent again, so that reads see one span; other samples of
    the trace in the same millisecond get others."""
    identity = (
        sample.trace_id,
        sample.service_name,
        sample.metric_name,
        sample.method,
        sample.endpoint,
        str(sample.timestamp),
        repr(sample.value),
    )
    return blake2b("\0".join(identity).encode(), digest_size=8).hexdigest()


def _as_strings(attributes: Mapping[str, Scalar] | None) -> dict[str, str]:
    """Attribute values as they are stored: true and false in lower case, null left out."""
    if not attributes:
        return {}
    return {key: _as_string(value) for key, value in attributes.items() if value is not None}


def _as_string(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
