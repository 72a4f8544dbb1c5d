"""Defaults, the request metric's other names, and the spans that durations leave behind."""

from typing import Any

import pytest
from vantage_collector.decode.items import LogBatch, LogItem, MetricBatch, MetricItem, SpanBatch, SpanItem
from vantage_collector.enrich import derive_spans, to_logs, to_samples, to_spans
from vantage_common.model import Span

NOW_MS = 1_790_035_200_000


def batch(*items: dict[str, Any], **fields: Any) -> MetricBatch:
    base = {"timestamp": NOW_MS, "metric_name": "m", "metric_type": "histogram", "value": 10.0}
    return MetricBatch(metrics=[MetricItem(**{**base, **item}) for item in items], **{"service_name": "shop", **fields})


def spans_of(*items: dict[str, Any], **fields: Any) -> list[Span]:
    metrics = batch(*items, **fields)
    return derive_spans(metrics, to_samples(metrics), NOW_MS - 30 * 86_400_000)


def test_the_batch_fills_what_an_item_leaves_out() -> None:
    own = {"service_name": "cart", "environment": "staging", "instance": "c-1"}
    first, second = to_samples(batch({}, own, environment="production", instance="s-1"))
    assert (first.service_name, first.environment, first.instance) == ("shop", "production", "s-1")
    assert (second.service_name, second.environment, second.instance) == ("cart", "staging", "c-1")


def test_what_nobody_gave_is_empty() -> None:
    (sample,) = to_samples(batch({}))
    assert (sample.environment, sample.endpoint, sample.status_code, sample.tags, sample.count) == ("", "", 0, {}, 1)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("http.server.request.duration", 0.25, 250.0),
        ("http.server.duration", 250.0, 250.0),
        ("http.request.duration", 250.0, 250.0),
    ],
)
def test_the_request_metric_has_one_name_and_one_unit(name: str, value: float, expected: float) -> None:
    (sample,) = to_samples(batch({"metric_name": name, "value": value}))
    assert (sample.metric_name, sample.value) == ("http.request.duration", expected)


def test_a_traced_request_leaves_its_span_behind() -> None:
    (span,) = spans_of(
        {
            "metric_name": "http.request.duration",
            "trace_id": "t",
            "span_id": "s",
            "endpoint": "/orders/{id}",
            "method": "GET",
            "status_code": 200,
            "tags": {"caller": "web"},
        },
        environment="production",
        instance="i",
    )
    assert span == Span(
        timestamp=NOW_MS - 10.0,
        trace_id="t",
        span_id="s",
        service_name="shop",
        name="GET /orders/{id}",
        kind="server",
        duration_ms=10.0,
        status="ok",
        environment="production",
        instance="i",
        caller="web",
        attributes={
            "caller": "web",
            "http.route": "/orders/{id}",
            "http.request.method": "GET",
            "http.response.status_code": "200",
        },
    )


@pytest.mark.parametrize(
    ("item", "kind", "name", "status"),
    [
        (
            {"metric_name": "http.client.request.duration", "method": "GET", "endpoint": "api"},
            "client",
            "GET api",
            "unset",
        ),
        ({"metric_name": "db.query.duration"}, "internal", "db.query.duration", "unset"),
        ({"metric_name": "http.server.duration", "status_code": 503}, "server", "http.request.duration", "error"),
        ({"metric_name": "job.duration", "tags": {"error": "true"}}, "internal", "job.duration", "error"),
        ({"metric_name": "job.duration", "tags": {"error": "false"}}, "internal", "job.duration", "unset"),
    ],
)
def test_kind_name_and_status_of_a_derived_span(item: dict[str, Any], kind: str, name: str, status: str) -> None:
    (span,) = spans_of({"trace_id": "t", **item})
    assert (span.kind, span.name, span.status) == (kind, name, status)


@pytest.mark.parametrize(
    "item",
    [
        {"metric_name": "query.duration", "trace_id": "t", "value": 5e12},
        {"metric_name": "query.duration", "trace_id": "t", "duration_ms": 31 * 86_400_000.0},
        {"metric_name": "http.request.duration"},
        {"metric_name": "http.request.size", "trace_id": "t"},
        {"metric_name": "http.request.duration", "trace_id": "t", "count": 2},
    ],
)
def test_no_trace_no_duration_or_a_mean_leaves_no_span(item: dict[str, Any]) -> None:
    assert spans_of(item) == []


def test_a_sender_that_sends_its_spans_leaves_none_behind() -> None:
    assert spans_of({"metric_name": "x.duration", "trace_id": "t"}, spans_sent=True) == []
    assert len(spans_of({"metric_name": "x.duration", "trace_id": "t"}, spans_sent=False)) == 1


def test_an_explicit_duration_wins_over_the_value() -> None:
    (span,) = spans_of({"metric_name": "x.duration", "trace_id": "t", "value": 0.5, "duration_ms": 500.0})
    assert (span.duration_ms, span.timestamp) == (500.0, NOW_MS - 500.0)


def test_a_missing_span_id_is_the_same_each_time_and_differs_between_samples() -> None:
    traced = {"metric_name": "x.duration", "trace_id": "t"}
    once, again = (spans_of(traced)[0].span_id for _ in range(2))
    others = {spans_of({**traced, **change})[0].span_id for change in ({"trace_id": "u"}, {"timestamp": NOW_MS + 1})}
    assert once == again
    assert len(once) == 16
    assert once not in others


def test_spans_keep_what_they_say_and_attributes_become_strings() -> None:
    attributes = {"i": 3, "f": 1.5, "b": True, "n": None, "s": "x"}
    item = SpanItem(
        trace_id="t", span_id="s", name="n", start_time=NOW_MS + 0.5, duration_ms=2.0, attributes=attributes
    )
    (span,) = to_spans(SpanBatch(spans=[item], service_name="shop"))
    assert span.timestamp == NOW_MS + 0.5
    assert (span.service_name, span.kind, span.status) == ("shop", "internal", "unset")
    assert span.attributes == {"i": "3", "f": "1.5", "b": "true", "s": "x"}


@pytest.mark.parametrize(
    ("written", "stored"),
    [("warning", "WARN"), ("CRITICAL", "FATAL"), ("notice", "INFO"), ("Error", "ERROR"), ("TRACE", "TRACE")],
)
def test_severities_become_the_six_that_are_stored(written: str, stored: str) -> None:
    item = LogItem(timestamp=NOW_MS, severity=written, body="b")
    (record,) = to_logs(LogBatch(logs=[item], service_name="shop"))
    assert record.severity == stored
