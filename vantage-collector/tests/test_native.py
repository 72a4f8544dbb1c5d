"""Native batches: what is taken, and every fault with its place."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vantage_collector.decode.native import Limits, decode_logs, decode_metrics, decode_spans
from vantage_common.errors import UserError

NOW_MS = 1_790_035_200_000
DAY_MS = 86_400_000
LIMITS = Limits(max_items=1000, raw_days=90, span_days=30)


def metric(**changes: Any) -> dict[str, Any]:
    item = {"timestamp": NOW_MS, "service_name": "shop", "metric_name": "m", "metric_type": "gauge", "value": 1.5}
    return {key: value for key, value in {**item, **changes}.items() if value is not ...}


def span(**changes: Any) -> dict[str, Any]:
    item = {"trace_id": "t", "span_id": "s", "service_name": "shop", "name": "GET /", "start_time": NOW_MS}
    return {key: value for key, value in {**item, "duration_ms": 2.5, **changes}.items() if value is not ...}


def log(**changes: Any) -> dict[str, Any]:
    item = {"timestamp": NOW_MS, "service_name": "shop", "severity": "INFO", "body": "hello"}
    return {key: value for key, value in {**item, **changes}.items() if value is not ...}


DECODERS = {"metrics": decode_metrics, "spans": decode_spans, "logs": decode_logs}


def refusal(body: bytes | dict[str, Any], kind: str = "metrics") -> UserError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(UserError) as refused:
        DECODERS[kind](raw, LIMITS, NOW_MS)
    return refused.value


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"timestamp": NOW_MS - 90 * DAY_MS},
        {"timestamp": NOW_MS + 3_600_000},
        {"timestamp": NOW_MS + 0.5},
        {"value": -1e300},
        {"value": 7},
        {"metric_name": "a.b_c:d/e-f" * 18},
        {"count": 2**32 - 1, "value": 1},
        {"tags": {f"k{n}": "v" * 256 for n in range(32)}},
        {"tags": {"ключ": "ü" * 128}},
        {"tags": None, "endpoint": None, "status_code": None, "count": None, "trace_id": None},
        {"status_code": 599, "endpoint": "/orders/{id}", "method": "GET", "trace_id": "x" * 64},
        {"something_newer": {"agents": "may send"}},
    ],
)
def test_metrics_that_are_taken(changes: dict[str, Any]) -> None:
    batch = decode_metrics(json.dumps({"metrics": [metric(**changes)]}).encode(), LIMITS, NOW_MS)
    assert len(batch.metrics) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"timestamp": ...}, "timestamp"),
        ({"timestamp": "now"}, "timestamp"),
        ({"timestamp": True}, "timestamp"),
        ({"timestamp": NOW_MS - 90 * DAY_MS - 1}, "timestamp"),
        ({"timestamp": NOW_MS + 3_600_001}, "timestamp"),
        ({"timestamp": 10_413_792_000_000}, "timestamp"),
        ({"timestamp": NOW_MS // 1000}, "timestamp"),
        ({"timestamp": int("9" * 300)}, "timestamp"),
        ({"timestamp": -1}, "timestamp"),
        ({"service_name": ...}, "service_name"),
        ({"service_name": ""}, "service_name"),
        ({"service_name": "a b"}, "service_name"),
        ({"service_name": "shop\n"}, "service_name"),
        ({"metric_name": ""}, "metric_name"),
        ({"metric_name": "m" * 201}, "metric_name"),
        ({"metric_name": "m\0"}, "metric_name"),
        ({"metric_name": "naïve"}, "metric_name"),
        ({"metric_name": None}, "metric_name"),
        ({"metric_type": "timer"}, "metric_type"),
        ({"metric_type": 1}, "metric_type"),
        ({"value": ...}, "value"),
        ({"value": "1"}, "value"),
        ({"value": None}, "value"),
        ({"value": 1.01e300}, "value"),
        ({"value": 1e299, "count": 11}, "value"),
        ({"count": 0}, "count"),
        ({"count": -1}, "count"),
        ({"count": 2**32}, "count"),
        ({"count": 1.5}, "count"),
        ({"status_code": 42}, "status_code"),
        ({"status_code": 70_000}, "status_code"),
        ({"status_code": "200"}, "status_code"),
        ({"duration_ms": -0.1}, "duration_ms"),
        ({"trace_id": "x" * 65}, "trace_id"),
        ({"span_id": "x\0"}, "span_id"),
        ({"endpoint": "/" * 257}, "endpoint"),
        ({"method": "\0"}, "method"),
        ({"environment": "e" * 257}, "environment"),
        ({"instance": 3}, "instance"),
        ({"tags": {"a": 1}}, "tags"),
        ({"tags": []}, "tags"),
        ({"tags": {f"k{n}": "v" for n in range(33)}}, "tags"),
        ({"tags": {"k": "ü" * 129}}, "tags.k"),
        ({"tags": {"k": "a\0b"}}, "tags.k"),
        ({"tags": {"k" * 257: "v"}}, "tags." + "k" * 256),
    ],
)
def test_a_fault_is_told_with_its_place(changes: dict[str, Any], field: str) -> None:
    error = refusal({"metrics": [metric(), metric(), metric(), metric(**changes)]})
    assert error.status == 422
    assert [detail.loc for detail in error.details] == [f"metrics.3.{field}"]


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({}, "metrics"),
        ({"metrics": None}, "metrics"),
        ({"metrics": {}}, "metrics"),
        ({"metrics": [3]}, "metrics.0"),
        ({"metrics": [metric()], "batch_id": "xyz"}, "batch_id"),
        ({"metrics": [metric()], "batch_id": 3}, "batch_id"),
        ({"metrics": [metric()], "service_name": "a b"}, "service_name"),
        ({"metrics": [metric()], "environment": "e" * 257}, "environment"),
        ({"metrics": [metric()], "instance": "\0"}, "instance"),
        ({"metrics": [metric()], "spans_sent": "yes"}, "spans_sent"),
    ],
)
def test_a_fault_of_the_batch_itself_is_told_too(body: dict[str, Any], loc: str) -> None:
    assert [detail.loc for detail in refusal(body).details] == [loc]


@pytest.mark.parametrize("body", [b"[]", b"3", b"null", b'"x"'])
def test_json_that_is_no_object_is_422(body: bytes) -> None:
    assert refusal(body).status == 422


def test_the_first_ten_faults_are_told_in_order_whatever_they_are() -> None:
    items = [metric(value="x") if number % 2 else metric(metric_name="a b") for number in range(30)]
    faults = refusal({"metrics": items}).details
    assert [fault.loc for fault in faults] == [
        f"metrics.{number}.{'value' if number % 2 else 'metric_name'}" for number in range(10)
    ]


def test_seconds_are_pointed_out() -> None:
    (fault,) = refusal({"metrics": [metric(timestamp=NOW_MS // 1000)]}).details
    assert "milliseconds" in fault.msg


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "0x10", "9" * 5000])
def test_a_value_that_is_no_finite_number_is_refused(number: str) -> None:
    body = json.dumps({"metrics": [metric(value="?")]}).replace('"?"', number).encode()
    assert refusal(body).status in (400, 422)


@pytest.mark.parametrize(
    ("body", "position"),
    [
        (b"", 0),
        (b"{", 1),
        (b'{"metrics": [}', 13),
        (b'{"metrics": []} x', 16),
        (b'{"metrics": [\x00]}', 13),
        (b'{"service_name": "\xff", "metrics": []}', 18),
        (b"\xff", 0),
    ],
)
def test_what_is_not_json_is_400_with_its_position(body: bytes, position: int) -> None:
    error = refusal(body)
    assert (error.status, error.code, error.position) == (400, "invalid_json", position)


@pytest.mark.parametrize("where", ['{"metrics": %s}', '{"x": %s, "metrics": []}', '{"metrics": [{"tags": %s}]}'])
@pytest.mark.parametrize("levels", ["[]", "{}"])
def test_nesting_ten_thousand_levels_deep_is_refused(where: str, levels: str) -> None:
    deep = "[" * 10_000 + "]" * 10_000 if levels == "[]" else '{"a":' * 10_000 + "1" + "}" * 10_000
    assert refusal((where % deep).encode()).status in (400, 422)


def test_a_lone_surrogate_is_refused() -> None:
    body = json.dumps({"metrics": [metric(tags={"k": "?"})]}).replace('"?"', r'"\ud800"').encode()
    assert refusal(body).status == 400


@pytest.mark.parametrize("items", [[metric()] * 1001, [3] * 1001])
def test_one_item_too_many_is_413(items: list[Any]) -> None:
    error = refusal({"metrics": items})
    assert (error.status, error.code) == (413, "batch_too_large")


def test_a_full_batch_and_an_empty_one_are_taken() -> None:
    for number in (0, 1000):
        batch = decode_metrics(json.dumps({"metrics": [metric()] * number}).encode(), LIMITS, NOW_MS)
        assert len(batch.metrics) == number


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(json.dumps).map(str.encode)
)
def test_no_bytes_crash_the_decoder(body: bytes) -> None:
    for decode in DECODERS.values():
        with pytest.raises(UserError):
            decode(body, LIMITS, NOW_MS)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"start_time": NOW_MS - 30 * DAY_MS - 1}, "start_time"),
        ({"start_time": NOW_MS + 3_600_001}, "start_time"),
        ({"duration_ms": -1}, "duration_ms"),
        ({"duration_ms": 1e13}, "duration_ms"),
        ({"trace_id": ""}, "trace_id"),
        ({"trace_id": "t" * 65}, "trace_id"),
        ({"span_id": ...}, "span_id"),
        ({"parent_span_id": "p" * 65}, "parent_span_id"),
        ({"name": ""}, "name"),
        ({"name": "n" * 257}, "name"),
        ({"kind": "SERVER"}, "kind"),
        ({"status": "failed"}, "status"),
        ({"caller": "c" * 257}, "caller"),
        ({"service_name": ...}, "service_name"),
        ({"attributes": {"a": []}}, "attributes"),
        ({"attributes": {"a": "x" * 4097}}, "attributes.a"),
        ({"attributes": {f"k{n}": n for n in range(33)}}, "attributes"),
    ],
)
def test_faults_of_spans(changes: dict[str, Any], field: str) -> None:
    error = refusal({"spans": [span(), span(**changes)]}, "spans")
    assert [detail.loc for detail in error.details] == [f"spans.1.{field}"]


def test_spans_that_are_taken() -> None:
    given_attributes = {"a": 1, "b": 1.5, "c": True, "d": None, "e": "x" * 4096}
    item = span(attributes=given_attributes, kind="server", status="ok", parent_span_id="p", caller="web")
    assert decode_spans(json.dumps({"spans": [item]}).encode(), LIMITS, NOW_MS).spans[0].caller == "web"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"severity": "LOUD"}, "severity"),
        ({"severity": 3}, "severity"),
        ({"body": ...}, "body"),
        ({"body": "ü" * 32_769}, "body"),
        ({"timestamp": 1}, "timestamp"),
        ({"service_name": None}, "service_name"),
        ({"trace_id": "t" * 65}, "trace_id"),
    ],
)
def test_faults_of_logs(changes: dict[str, Any], field: str) -> None:
    error = refusal({"logs": [log(), log(**changes)]}, "logs")
    assert [detail.loc for detail in error.details] == [f"logs.1.{field}"]


@pytest.mark.parametrize("severity", ["trace", "DEBUG", "Info", "warning", "WARN", "ERROR", "critical", "FATAL"])
def test_severities_are_read_as_people_write_them(severity: str) -> None:
    assert decode_logs(json.dumps({"logs": [log(severity=severity)]}).encode(), LIMITS, NOW_MS).logs
