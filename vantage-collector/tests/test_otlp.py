"""OTLP requests, protobuf and JSON, to rows: what goes where, what is refused, and that the two encodings agree."""

import json
from base64 import b64decode
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from vantage_collector.decode.check import Window
from vantage_collector.decode.otlp import Encoding, Taken, decode_otlp, encode_answer, json_kind
from vantage_collector.decode.refused import Refused
from vantage_common.block import Kind
from vantage_common.errors import UserError
from vantage_common.model import REQUEST_METRIC, Sample

NOW_MS = 1_790_035_200_000
NOW_NS = NOW_MS * 1_000_000
WINDOW = Window.back(NOW_MS, 90)
DELTA, CUMULATIVE = 1, 2
RESOURCE = {"service.name": "shop", "service.instance.id": "shop-1", "deployment.environment.name": "prod"}
TRACE_ID, SPAN_ID, PARENT_ID = bytes(range(16)), bytes(range(8)), bytes(range(1, 9))


def put(attributes: Any, pairs: dict[str, Any]) -> None:
    for key, value in pairs.items():
        pair = attributes.add(key=key)
        match value:
            case bool():
                pair.value.bool_value = value
            case int():
                pair.value.int_value = value
            case float():
                pair.value.double_value = value
            case str():
                pair.value.string_value = value
            case AnyValue():
                pair.value.CopyFrom(value)


def metrics_request(resource: dict[str, Any] = RESOURCE, scope: str = "") -> tuple[ExportMetricsServiceRequest, Any]:
    """A request and its list of metrics, to be filled."""
    request = ExportMetricsServiceRequest()
    resource_metrics = request.resource_metrics.add()
    put(resource_metrics.resource.attributes, resource)
    scope_metrics = resource_metrics.scope_metrics.add()
    scope_metrics.scope.name = scope
    return request, scope_metrics.metrics


def point(points: Any, attributes: dict[str, Any] | None = None, **fields: Any) -> Any:
    fields = {"time_unix_nano": NOW_NS, "start_time_unix_nano": NOW_NS - 60_000_000_000, **fields}
    added = points.add(**fields)
    put(added.attributes, attributes or {})
    return added


def decode(kind: Kind, request: Any) -> Taken:
    """The rows of a request, found to be the same when it is sent as OTLP/JSON."""
    taken = decode_otlp(kind, "protobuf", request.SerializeToString(), WINDOW, NOW_MS)
    from_json = decode_otlp(kind, "json", as_json(request), WINDOW, NOW_MS)
    assert (from_json.samples, from_json.spans, from_json.logs) == (taken.samples, taken.spans, taken.logs)
    assert (from_json.items, from_json.refused.message()) == (taken.items, taken.refused.message())
    return taken


def as_json(request: Any) -> bytes:
    """OTLP/JSON differs from protobuf's own in its ids, which are hex."""
    document = MessageToDict(request, use_integers_for_enums=True)

    def with_hex_ids(value: Any) -> Any:
        if isinstance(value, list):
            return [with_hex_ids(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {
            key: from_base64(item) if key in ("traceId", "spanId", "parentSpanId") else with_hex_ids(item)
            for key, item in value.items()
        }

    return json.dumps(with_hex_ids(document)).encode()


def from_base64(text: str) -> str:
    return b64decode(text).hex()


def one_metric(kind: str, *, name: str = "m", unit: str = "", scope: str = "", **fields: Any) -> tuple[Any, Any]:
    """A request with one metric, and that metric's data."""
    request, metrics = metrics_request(scope=scope)
    data = getattr(metrics.add(name=name, unit=unit), kind)
    data.SetInParent()
    for field, value in fields.items():
        setattr(data, field, value)
    return request, data.data_points


def test_a_gauge_is_a_gauge() -> None:
    request, points = one_metric("gauge", name="queue.depth")
    point(points, {"queue": "orders"}, as_int=7)
    assert decode("metrics", request).samples == [
        Sample(
            timestamp=NOW_MS,
            service_name="shop",
            metric_name="queue.depth",
            metric_type="gauge",
            value=7.0,
            environment="prod",
            instance="shop-1",
            tags={"queue": "orders"},
        )
    ]


@pytest.mark.parametrize(
    ("temporality", "monotonic", "metric_type", "kept", "start"),
    [
        (DELTA, True, "counter", "delta", 0),
        (DELTA, False, "counter", "delta", 0),
        (CUMULATIVE, True, "counter", "cumulative", NOW_MS - 60_000),
        (CUMULATIVE, False, "gauge", "delta", 0),
    ],
)
def test_what_becomes_of_a_sum(temporality: int, monotonic: bool, metric_type: str, kept: str, start: int) -> None:
    request, points = one_metric("sum", aggregation_temporality=temporality, is_monotonic=monotonic)
    point(points, as_double=2.5)
    (sample,) = decode("metrics", request).samples
    assert (sample.metric_type, sample.temporality, sample.start_time, sample.value, sample.count) == (
        metric_type,
        kept,
        start,
        2.5,
        1,
    )


@pytest.mark.parametrize(
    ("name", "unit", "factor"),
    [
        ("http.server.request.duration", "s", 1000),
        ("http.server.request.duration", "", 1000),
        ("http.server.request.duration", "ms", 1),
        ("http.server.duration", "ms", 1),
        ("http.server.duration", "", 1),
    ],
)
@pytest.mark.parametrize("temporality", [DELTA, CUMULATIVE])
def test_the_request_metric_is_in_milliseconds(name: str, unit: str, factor: float, temporality: int) -> None:
    request, points = one_metric("histogram", name=name, unit=unit, aggregation_temporality=temporality)
    attributes = {"http.route": "/pay", "http.request.method": "POST", "http.response.status_code": 500, "zone": "a"}
    point(points, attributes, count=2, sum=0.75 * 2, bucket_counts=[0, 2, 0], explicit_bounds=[0.5, 1.0])
    rows = [sample for sample in decode("metrics", request).samples if sample.count]
    (sample,) = rows
    assert (sample.metric_name, sample.value, sample.count) == (REQUEST_METRIC, 0.75 * factor, 2)
    assert (sample.endpoint, sample.method, sample.status_code, sample.tags) == ("/pay", "POST", 500, {"zone": "a"})


def test_the_former_names_of_http_attributes_are_known() -> None:
    request, points = one_metric("gauge")
    point(points, {"http.method": "GET", "http.status_code": "404", "http.target": "/x?y"}, as_int=1)
    (sample,) = decode("metrics", request).samples
    assert (sample.method, sample.status_code, sample.tags) == ("GET", 404, {"http.target": "/x?y"})


def test_an_error_without_a_status_is_an_error() -> None:
    request, points = one_metric("gauge")
    point(points, {"error.type": "TimeoutError"}, as_int=1)
    assert decode("metrics", request).samples[0].tags == {"error.type": "TimeoutError", "error": "true"}


def test_a_delta_histogram_is_a_row_for_each_bucket_that_is_not_empty() -> None:
    request, points = one_metric("histogram", aggregation_temporality=DELTA)
    point(points, count=5, sum=62.0, bucket_counts=[2, 0, 3, 0], explicit_bounds=[5, 10, 25], min=1.0, max=20.0)
    samples = decode("metrics", request).samples
    assert [sample.count for sample in samples] == [2, 3]
    assert sum(sample.value * sample.count for sample in samples) == pytest.approx(62.0)
    assert 1 <= samples[0].value <= 5 < 10 <= samples[1].value <= 20
    assert {sample.temporality for sample in samples} == {"delta"}


def test_an_exemplar_gives_its_bucket_a_trace() -> None:
    request, points = one_metric("histogram", aggregation_temporality=DELTA)
    added = point(points, count=2, sum=52.0, bucket_counts=[1, 1], explicit_bounds=[10], max=50.0)
    added.exemplars.add(as_double=50.0, trace_id=TRACE_ID, span_id=SPAN_ID)
    slow = decode("metrics", request).samples[1]
    assert (slow.trace_id, slow.span_id) == (TRACE_ID.hex(), SPAN_ID.hex())


def test_a_cumulative_histogram_is_a_row_a_bucket_whose_value_never_changes() -> None:
    request, points = one_metric("histogram", aggregation_temporality=CUMULATIVE)
    point(points, count=5, sum=62.0, bucket_counts=[2, 0, 3, 0], explicit_bounds=[5, 10, 25])
    point(points, count=9, sum=99.0, bucket_counts=[2, 4, 3, 0], explicit_bounds=[5, 10, 25])
    samples = decode("metrics", request).samples
    assert [sample.value for sample in samples[:4]] == [sample.value for sample in samples[4:]]
    assert [sample.count for sample in samples] == [2, 0, 3, 0, 2, 4, 3, 0]
    assert {(sample.temporality, sample.start_time) for sample in samples} == {("cumulative", NOW_MS - 60_000)}


def test_an_exponential_histogram_becomes_rows_too() -> None:
    request, points = one_metric("exponential_histogram", aggregation_temporality=DELTA)
    added = point(points, count=7, sum=11.0, scale=0, zero_count=1)
    added.positive.offset = 0
    added.positive.bucket_counts.extend([4, 2])
    samples = decode("metrics", request).samples
    assert [sample.count for sample in samples] == [1, 4, 2]
    assert sum(sample.value * sample.count for sample in samples) == pytest.approx(11.0)
    assert samples[0].value == 0.0


def test_a_distribution_without_buckets_keeps_its_totals() -> None:
    delta, points = one_metric("histogram", aggregation_temporality=DELTA)
    point(points, count=4, sum=10.0)
    (sample,) = decode("metrics", delta).samples
    assert (sample.value, sample.count) == (2.5, 4)
    cumulative, points = one_metric("histogram", aggregation_temporality=CUMULATIVE)
    point(points, count=4, sum=10.0)
    told = [(sample.metric_name, sample.metric_type, sample.value) for sample in decode("metrics", cumulative).samples]
    assert told == [("m_count", "counter", 4.0), ("m_sum", "counter", 10.0)]


def test_a_summary_is_read_as_prometheus_would() -> None:
    request, points = one_metric("summary")
    added = point(points, {"zone": "a"}, count=4, sum=10.0)
    added.quantile_values.add(quantile=0.5, value=2.0)
    added.quantile_values.add(quantile=0.99, value=float("nan"))
    told = [(s.metric_name, s.metric_type, s.temporality, s.tags) for s in decode("metrics", request).samples]
    assert told == [
        ("m_count", "counter", "cumulative", {"zone": "a"}),
        ("m_sum", "counter", "cumulative", {"zone": "a"}),
        ("m", "gauge", "delta", {"zone": "a", "quantile": "0.5"}),
    ]


@pytest.mark.parametrize(
    ("attributes", "instance"),
    [
        ({"service.instance.id": "i", "k8s.pod.name": "p", "host.name": "h"}, "i"),
        ({"k8s.pod.name": "p", "host.name": "h"}, "p"),
        ({"host.name": "h", "process.pid": 7}, "h:7"),
        ({"host.name": "h"}, "h"),
        ({}, ""),
    ],
)
def test_the_instance_is_the_nearest_thing_to_one(attributes: dict[str, Any], instance: str) -> None:
    request, metrics = metrics_request({"service.name": "shop", **attributes})
    point(metrics.add(name="m").gauge.data_points, as_int=1)
    assert decode("metrics", request).samples[0].instance == instance


def test_resource_attributes_become_tags_but_for_those_nobody_groups_by() -> None:
    given_ = {"service.version": "1.2", "service.namespace": "eu", "team": "pay", "telemetry.sdk.name": "x"}
    request, metrics = metrics_request(
        {"deployment.environment": "old", **given_, "os.type": "linux", "long": "x" * 300}
    )
    point(metrics.add(name="m").gauge.data_points, {"team": "own"}, as_int=1)
    (sample,) = decode("metrics", request).samples
    assert (sample.service_name, sample.environment) == ("unknown_service", "old")
    assert sample.tags == {"service.version": "1.2", "service.namespace": "eu", "team": "own"}


def test_cumulative_series_of_two_scopes_are_two() -> None:
    request, points = one_metric("sum", aggregation_temporality=CUMULATIVE, is_monotonic=True, scope="lib")
    point(points, as_int=1)
    assert decode("metrics", request).samples[0].tags == {"otel.scope.name": "lib"}
    request, points = one_metric("sum", aggregation_temporality=DELTA, is_monotonic=True, scope="lib")
    point(points, as_int=1)
    assert decode("metrics", request).samples[0].tags == {}


NO_RECORDED_VALUE = 1
BAD_POINTS: dict[str, tuple[dict[str, Any], str]] = {
    "not a number": ({"as_double": float("nan")}, "nan is no value"),
    "infinite": ({"as_double": float("-inf")}, "-inf is no value"),
    "too large": ({"as_double": 1e301}, "beyond ±1e+300"),
    "no value": ({}, "without a value"),
    "no time": ({"as_int": 1, "time_unix_nano": 0}, "time is missing"),
    "too old": ({"as_int": 1, "time_unix_nano": 10**18}, "oldest that is kept"),
    "ahead": ({"as_int": 1, "time_unix_nano": NOW_NS + 4 * 10**12}, "ahead of our clock"),
    "many attributes": ({"as_int": 1, "attributes": {f"k{n}": "v" for n in range(33)}}, "at most 32"),
    "long attribute": ({"as_int": 1, "attributes": {"k": "v" * 257}}, "at most 256 bytes"),
    "NUL": ({"as_int": 1, "attributes": {"k": "\0"}}, "NUL"),
}


@pytest.mark.parametrize("name", BAD_POINTS)
def test_a_bad_point_is_refused_and_the_others_are_taken(name: str) -> None:
    fields, reason = BAD_POINTS[name]
    attributes = fields.get("attributes")
    request, points = one_metric("gauge")
    point(points, as_int=1)
    point(points, attributes, **{key: value for key, value in fields.items() if key != "attributes"})
    point(points, as_int=2)
    taken = decode("metrics", request)
    assert [sample.value for sample in taken.samples] == [1.0, 2.0]
    assert (taken.items, taken.refused.items) == (2, 1)
    assert reason in taken.refused.message()


BAD_HISTOGRAMS: dict[str, tuple[dict[str, Any], str]] = {
    "counts that do not add up": (
        {"count": 5, "bucket_counts": [1, 1], "explicit_bounds": [1.0]},
        "do not add up",
    ),
    "too few counts": ({"count": 1, "bucket_counts": [1], "explicit_bounds": [1.0]}, "make 2 buckets"),
    "bounds that descend": ({"count": 1, "bucket_counts": [1, 0, 0], "explicit_bounds": [2.0, 1.0]}, "ascend"),
    "no sum": ({"count": 1, "sum": float("nan"), "bucket_counts": [1], "explicit_bounds": []}, "the sum is nan"),
    "too many": ({"count": 2**63}, "a count is not"),
}


@pytest.mark.parametrize("name", BAD_HISTOGRAMS)
def test_a_histogram_that_contradicts_itself_is_refused(name: str) -> None:
    fields, reason = BAD_HISTOGRAMS[name]
    request, points = one_metric("histogram", aggregation_temporality=DELTA)
    point(points, **fields)
    taken = decode("metrics", request)
    assert (list(taken.samples), taken.refused.items) == ([], 1)
    assert reason in taken.refused.message()


def test_a_point_without_a_recorded_value_is_no_fault() -> None:
    request, points = one_metric("gauge")
    point(points, flags=NO_RECORDED_VALUE)
    taken = decode("metrics", request)
    assert (list(taken.samples), taken.refused.items) == ([], 0)


@pytest.mark.parametrize(
    ("resource", "name", "temporality", "reason"),
    [
        ({"service.name": "my shop"}, "m", DELTA, "service.name 'my shop' must be"),
        (RESOURCE, "bad name", DELTA, "the name 'bad name' must be"),
        (RESOURCE, "m", 0, "neither delta nor cumulative"),
    ],
)
def test_what_is_wrong_with_all_its_points_is_said_once(
    resource: dict[str, Any], name: str, temporality: int, reason: str
) -> None:
    request, metrics = metrics_request(resource)
    data = metrics.add(name=name).sum
    data.aggregation_temporality = temporality
    for _ in range(3):
        point(data.data_points, as_int=1)
    taken = decode("metrics", request)
    assert taken.refused.items == 3
    assert taken.refused.message().startswith("3 × ")
    assert reason in taken.refused.message()


def traces_request(**fields: Any) -> tuple[ExportTraceServiceRequest, Any]:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    put(resource_spans.resource.attributes, {**RESOURCE, "service.version": "1.2"})
    span = {
        "trace_id": TRACE_ID,
        "span_id": SPAN_ID,
        "name": "GET /pay",
        "kind": 2,
        "start_time_unix_nano": NOW_NS + 1_500,
        "end_time_unix_nano": NOW_NS + 2_501_500,
        **fields,
    }
    return request, resource_spans.scope_spans.add().spans.add(**span)


def test_a_span_keeps_its_microseconds() -> None:
    request, span = traces_request(parent_span_id=PARENT_ID)
    put(span.attributes, {"http.method": "GET", "http.status_code": 200, "ok": True, "share": 0.5})
    (row,) = decode("spans", request).spans
    assert (row.timestamp, row.duration_ms) == (NOW_MS + 0.001, 2.5)
    assert (row.trace_id, row.span_id, row.parent_span_id) == (TRACE_ID.hex(), SPAN_ID.hex(), PARENT_ID.hex())
    assert (row.service_name, row.instance, row.environment, row.kind, row.status) == (
        "shop",
        "shop-1",
        "prod",
        "server",
        "unset",
    )
    assert row.attributes == {
        "http.request.method": "GET",
        "http.response.status_code": "200",
        "ok": "true",
        "share": "0.5",
        "service.version": "1.2",
    }


def test_status_exception_events_and_links_become_attributes() -> None:
    request, span = traces_request(status={"code": 2, "message": "no stock"})
    put(
        span.events.add(name="exception", time_unix_nano=NOW_NS).attributes,
        {"exception.type": "KeyError", "exception.message": "'sku'"},
    )
    put(span.events.add(name="retry", time_unix_nano=NOW_NS + 1_001_500).attributes, {"n": 2})
    span.links.add(trace_id=TRACE_ID, span_id=PARENT_ID)
    (row,) = decode("spans", request).spans
    assert row.status == "error"
    assert row.attributes["otel.status_description"] == "no stock"
    assert (row.attributes["exception.type"], row.attributes["exception.message"]) == ("KeyError", "'sku'")
    assert json.loads(row.attributes["otel.events"]) == [{"name": "retry", "offset_ms": 1.0, "attributes": {"n": "2"}}]
    assert json.loads(row.attributes["otel.links"]) == [{"trace_id": TRACE_ID.hex(), "span_id": PARENT_ID.hex()}]


def test_a_trace_state_names_no_caller() -> None:
    """SDKs hand it on unchanged: two hops after an agent it would name the agent's service still."""
    request, _ = traces_request(trace_state="vantage=frontend")
    assert decode("spans", request).spans[0].caller == ""


@pytest.mark.parametrize(
    "fields", [{"trace_id": b"\1"}, {"span_id": b""}, {"trace_id": bytes(16)}, {"span_id": bytes(8)}]
)
def test_a_span_without_ids_is_refused(fields: dict[str, Any]) -> None:
    request, _ = traces_request(**fields)
    assert decode("spans", request).refused.items == 1


def test_long_attributes_are_cut_and_many_left_out() -> None:
    request, span = traces_request()
    put(span.attributes, {"long": "é" * 5000} | {f"k{n}": "v" for n in range(100)})
    attributes = decode("spans", request).spans[0].attributes
    assert len(attributes) == 64
    assert len(attributes["long"].encode()) <= 4096
    assert attributes["long"].endswith("é…")


@pytest.mark.parametrize(
    ("fields", "severity"),
    [
        ({"severity_number": 1}, "TRACE"),
        ({"severity_number": 9, "severity_text": "ERROR"}, "INFO"),
        ({"severity_number": 24}, "FATAL"),
        ({"severity_text": "critical"}, "FATAL"),
        ({"severity_text": "?"}, "INFO"),
        ({}, "INFO"),
    ],
)
def test_severities(fields: dict[str, Any], severity: str) -> None:
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=NOW_NS, **fields)
    record.body.string_value = "hello"
    (row,) = decode("logs", request).logs
    assert (row.severity, row.body, row.service_name) == (severity, "hello", "unknown_service")


def test_a_log_record_says_when_where_and_what() -> None:
    request = ExportLogsServiceRequest()
    scope_logs = request.resource_logs.add().scope_logs.add()
    scope_logs.scope.name = "shop.cart"
    record = scope_logs.log_records.add(
        observed_time_unix_nano=NOW_NS, trace_id=TRACE_ID, span_id=SPAN_ID, event_name="added"
    )
    put(record.body.kvlist_value.values, {"sku": "42", "n": 2})
    scope_logs.log_records.add()
    observed, timeless = decode("logs", request).logs
    assert (observed.timestamp, observed.trace_id, observed.span_id) == (NOW_MS, TRACE_ID.hex(), SPAN_ID.hex())
    assert (json.loads(observed.body), observed.attributes) == (
        {"sku": "42", "n": 2},
        {"event.name": "added", "logger": "shop.cart"},
    )
    assert (timeless.timestamp, timeless.body) == (NOW_MS, "")


def test_what_is_refused_is_told_in_the_requests_encoding() -> None:
    refused = Refused()
    refused.add("a", 2)
    answer = ExportMetricsServiceResponse.FromString(encode_answer("metrics", "protobuf", refused))
    assert (answer.partial_success.rejected_data_points, answer.partial_success.error_message) == (2, "2 × a")
    assert json.loads(encode_answer("logs", "json", refused)) == {
        "partialSuccess": {"rejectedLogRecords": "2", "errorMessage": "2 × a"}
    }
    assert not ExportLogsServiceResponse.FromString(encode_answer("logs", "protobuf", Refused())).HasField(
        "partial_success"
    )
    assert encode_answer("spans", "json", Refused()) == b"{}"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"resourceMetrics":[]}', "metrics"),
        (b' {\n "resourceSpans" : []}', "spans"),
        (b'{"resourceLogs":[]}', "logs"),
        (b'{"metrics":[]}', None),
        (b"{}", None),
        (b"", None),
    ],
)
def test_the_first_key_tells_what_a_json_body_is(body: bytes, kind: Kind | None) -> None:
    assert json_kind(body) == kind


# Laws


ATTRIBUTE = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8), st.booleans(), st.integers(-5, 5), st.floats(0, 9)
)
ATTRIBUTES = st.dictionaries(st.text(st.characters(codec="ascii"), max_size=6), ATTRIBUTE, max_size=4)
TIMES = st.one_of(st.just(NOW_NS), st.integers(0, 2**64 - 1))
HISTOGRAMS = st.lists(st.integers(0, 50), min_size=1, max_size=6)


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_json_says_the_same_as_protobuf(data: st.DataObject) -> None:
    """`decode` compares the two."""
    request, metrics = metrics_request(
        data.draw(ATTRIBUTES) | {"service.name": "shop"}, scope=data.draw(st.text(max_size=3))
    )
    numbers = metrics.add(name="numbers").gauge.data_points
    for attributes, value, at in data.draw(st.lists(st.tuples(ATTRIBUTES, st.floats(), TIMES), max_size=4)):
        point(numbers, attributes, as_double=value, time_unix_nano=at)
    histogram = metrics.add(name="http.server.request.duration", unit="s").histogram
    histogram.aggregation_temporality = data.draw(st.integers(0, 3))
    for counts, total in data.draw(st.lists(st.tuples(HISTOGRAMS, st.floats(width=32)), max_size=3)):
        bounds = range(len(counts) - 1)
        point(histogram.data_points, count=sum(counts), sum=total, bucket_counts=counts, explicit_bounds=bounds)
    decode("metrics", request)


KINDS: list[Kind] = ["metrics", "spans", "logs"]
ENCODINGS: list[Encoding] = ["protobuf", "json"]


def status(kind: Kind, encoding: Encoding, body: bytes) -> int:
    """What a body is answered with."""
    try:
        decode_otlp(kind, encoding, body, WINDOW, NOW_MS)
    except UserError as error:
        return error.status
    return 200


@given(body=st.binary(max_size=200), kind=st.sampled_from(KINDS), encoding=st.sampled_from(ENCODINGS))
def test_any_bytes_are_taken_or_refused(body: bytes, kind: Kind, encoding: Encoding) -> None:
    assert status(kind, encoding, body) in (200, 400)


@settings(deadline=None)
@given(data=st.data())
def test_a_damaged_request_is_taken_or_refused(data: st.DataObject) -> None:
    kind: Kind = data.draw(st.sampled_from(["metrics", "spans"]))
    if kind == "metrics":
        request, points = one_metric("histogram", aggregation_temporality=data.draw(st.sampled_from([1, 2])))
        point(points, {"http.route": "/"}, count=5, sum=62.0, bucket_counts=[2, 0, 3], explicit_bounds=[5, 10])
    else:
        request, span = traces_request(trace_state="vantage=x")
        put(span.attributes, {"a": "b", "n": 1})
    encode = data.draw(st.sampled_from([lambda: request.SerializeToString(), lambda: as_json(request)]))
    body = bytearray(encode())
    for _ in range(data.draw(st.integers(1, 6))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    assert {status(kind, encoding, bytes(body)) for encoding in ENCODINGS} <= {200, 400}


def nested_any_value(levels: int, key: str) -> bytes:
    """An AnyValue of lists or maps inside each other, in protobuf: written by hand, for no library makes so many."""
    value = b"\x0a\x01x"  # string_value
    for _ in range(levels):
        item = value if key == "array" else key_value(b"k", value)
        inner = b"\x0a" + varint(len(item)) + item
        value = (b"\x2a" if key == "array" else b"\x32") + varint(len(inner)) + inner
    return value


def key_value(key: bytes, value: bytes) -> bytes:
    return b"\x0a" + varint(len(key)) + key + b"\x12" + varint(len(value)) + value


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*out, number))


@pytest.mark.parametrize("key", ["array", "kvlist"])
@pytest.mark.parametrize("levels", [10, 30, 90, 200, 10_000])
def test_values_nested_however_deep_are_taken_or_refused(levels: int, key: str) -> None:
    attribute = key_value(b"deep", nested_any_value(levels, key))
    request, _ = traces_request()
    body = request.SerializeToString()
    raw = b"\x4a" + varint(len(attribute)) + attribute  # Span.attributes
    spliced = splice(body, raw)
    taken = decode_otlp("spans", "protobuf", spliced, WINDOW, NOW_MS)
    assert len(taken.spans) + taken.refused.items == 1
    opened = '{"arrayValue":{"values":[' if key == "array" else '{"kvlistValue":{"values":[{"key":"k","value":'
    closed = "]}}" if key == "array" else "}]}}"
    value = opened * levels + '{"stringValue":"x"}' + closed * levels
    text = as_json(request).decode().replace('"kind"', '"attributes":[{"key":"deep","value":' + value + '}],"kind"')
    assert status("spans", "json", text.encode()) in ((200,) if levels <= 90 else (200, 400))


def splice(body: bytes, raw: bytes) -> bytes:
    """The request with `raw` at the end of its one span, all lengths around it made right."""
    request = ExportTraceServiceRequest.FromString(body)
    span = request.resource_spans[0].scope_spans[0].spans[0].SerializeToString() + raw
    scope_spans = b"\x12" + varint(len(span)) + span
    resource = request.resource_spans[0].resource.SerializeToString()
    inner = b"\x0a" + varint(len(resource)) + resource + b"\x12" + varint(len(scope_spans)) + scope_spans
    return bytes(b"\x0a" + varint(len(inner)) + inner)


EMPTY_SCOPES = b"\x12\x00" * 250_001


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("protobuf", b"\x0a\x00" * 250_001),
        ("protobuf", b"\x0a" + varint(len(EMPTY_SCOPES)) + EMPTY_SCOPES),
        ("json", b'{"resourceSpans":[' + b"{}," * 1_500_001 + b"{}]}"),
    ],
    ids=["resources", "scopes", "json"],
)
def test_what_would_take_too_much_room_is_refused(encoding: Encoding, body: bytes) -> None:
    assert status("spans", encoding, body) == 413


def test_one_item_that_is_a_list_of_nothings_is_refused_alone() -> None:
    request, span = traces_request()
    for _ in range(600_000):
        span.events.add()
    taken = decode_otlp("spans", "protobuf", request.SerializeToString(), WINDOW, NOW_MS)
    assert (len(taken.spans), taken.refused.message()) == (0, "1 × an item of more than 1048576 bytes")
