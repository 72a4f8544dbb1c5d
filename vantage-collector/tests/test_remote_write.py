"""Prometheus remote write requests to samples: what goes where, what is refused, and what passes silently."""

import struct
from collections.abc import Sequence
from math import nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vantage_collector.decode import remote_write
from vantage_collector.decode.check import Window
from vantage_collector.decode.otlp_reader import MAX_ROWS
from vantage_collector.decode.remote_write import Version, Written, decode_write
from vantage_common.errors import UserError
from vantage_common.model import Sample

NOW_MS = 1_790_035_200_000
WINDOW = Window.back(NOW_MS, 90)
STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0_0000_0000_0002))[0]
LABELS = {"__name__": "http_requests_total", "job": "shop", "instance": "shop:80", "code": "200"}
COUNTER, GAUGE, HISTOGRAM, SUMMARY = 1, 2, 3, 5

V1, V2 = remote_write._V1, remote_write._V2
"""The messages as the decoder declares them; that a real Prometheus means the same is tested in tests/integration."""


def v1(*series: tuple[dict[str, str], list[tuple[float, int]]], types: dict[str, int] | None = None) -> bytes:
    request = V1["WriteRequest"]()
    for labels, samples in series:
        added = V1["TimeSeries"]()
        for name, value in labels.items():
            added.labels.append(V1["Label"](name=name, value=value).SerializeToString())
        for value_, at in samples:
            added.samples.add(value=value_, timestamp=at)
        request.timeseries.append(added.SerializeToString())
    for family, kind in (types or {}).items():
        request.metadata.append(V1["MetricMetadata"](metric_family_name=family, type=kind).SerializeToString())
    return bytes(request.SerializeToString())


def v2(
    labels: dict[str, str],
    samples: list[tuple[float, int]],
    *histograms: dict[str, Any],
    kind: int = 0,
    created: int = 0,
    start: int = 0,
    more_references: Sequence[int] = (),
) -> bytes:
    symbols = ["", *sorted({text for pair in labels.items() for text in pair})]
    series = V2["TimeSeries"](created_timestamp=created)
    series.metadata.type = kind
    series.labels_refs.extend(symbols.index(text) for pair in labels.items() for text in pair)
    for value, at in samples:
        series.samples.add(value=value, timestamp=at, start_timestamp=start)
    for fields in histograms:
        series.histograms.add(**fields)
    series.labels_refs.extend(more_references)
    return bytes(V2["Request"](symbols=symbols, timeseries=[series.SerializeToString()]).SerializeToString())


def decode(body: bytes, version: Version = 1) -> Written:
    return decode_write(body, version, WINDOW)


def test_a_counter_of_prometheus_is_cumulative() -> None:
    written = decode(v1((LABELS, [(41.0, NOW_MS)])))
    assert written.samples == [
        Sample(
            timestamp=NOW_MS,
            service_name="shop",
            metric_name="http_requests_total",
            metric_type="counter",
            value=41.0,
            instance="shop:80",
            tags={"code": "200"},
            temporality="cumulative",
        )
    ]


@pytest.mark.parametrize(
    ("name", "kind", "metric_type"),
    [
        ("a_total", 0, "counter"),
        ("a_seconds_bucket", 0, "counter"),
        ("a_seconds_sum", 0, "counter"),
        ("a_seconds_count", 0, "counter"),
        ("up", 0, "gauge"),
        ("odd_total", GAUGE, "gauge"),
        ("plain", COUNTER, "counter"),
        ("a_seconds_bucket", HISTOGRAM, "counter"),
        ("a_seconds", SUMMARY, "gauge"),
        ("a_seconds_sum", SUMMARY, "counter"),
    ],
)
def test_metadata_tells_the_type_else_the_name(name: str, kind: int, metric_type: str) -> None:
    labels = {**LABELS, "__name__": name}
    (sample,) = decode(v2(labels, [(1.0, NOW_MS)], kind=kind), 2).samples
    assert sample.metric_type == metric_type
    family = name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count")
    (sample,) = decode(v1((labels, [(1.0, NOW_MS)]), types={family: kind} if kind else None)).samples
    assert sample.metric_type == metric_type


def test_classic_buckets_keep_their_bound_as_a_tag() -> None:
    (sample,) = decode(v1(({**LABELS, "__name__": "a_bucket", "le": "+Inf"}, [(3.0, NOW_MS)]))).samples
    assert sample.tags == {"code": "200", "le": "+Inf"}


def test_a_series_without_a_job_is_an_unknown_service() -> None:
    (sample,) = decode(v1(({"__name__": "up"}, [(1.0, NOW_MS)]))).samples
    assert (sample.service_name, sample.instance) == ("unknown_service", "")


@pytest.mark.parametrize("value", [STALE, nan])
def test_stale_markers_pass_silently(value: float) -> None:
    written = decode(v1((LABELS, [(value, NOW_MS), (2.0, NOW_MS)])))
    assert ([sample.value for sample in written.samples], written.refused.items) == ([2.0], 0)


@pytest.mark.parametrize(
    ("labels", "value", "at_ms", "reason"),
    [
        (LABELS, 1.0, 1000, "oldest that is kept"),
        (LABELS, 1.0, NOW_MS + 3_700_000, "ahead of our clock"),
        (LABELS, 1.0, -(2**63), "oldest that is kept"),
        (LABELS, float("inf"), NOW_MS, "inf is no value"),
        ({**LABELS, "__name__": "bad name"}, 1.0, NOW_MS, "'bad name' must be"),
        ({**LABELS, "job": "my shop"}, 1.0, NOW_MS, "the job 'my shop' must be"),
        ({**LABELS, "long": "x" * 300}, 1.0, NOW_MS, "label 'long' must be at most 256 bytes"),
        ({**LABELS, **{f"l{n}": "" for n in range(33)}}, 1.0, NOW_MS, "at most 32"),
    ],
)
def test_a_bad_sample_is_refused_and_the_others_are_taken(
    labels: dict[str, str], value: float, at_ms: int, reason: str
) -> None:
    written = decode(v1((LABELS, [(1.0, NOW_MS)]), (labels, [(value, at_ms)])))
    assert (len(written.samples), written.floats, written.refused.items) == (1, 1, 1)
    assert reason in written.refused.message()


@pytest.mark.parametrize(("created", "start"), [(NOW_MS - 9000, 0), (0, NOW_MS - 9000)])
def test_version_2_tells_when_a_counter_began(created: int, start: int) -> None:
    (sample,) = decode(v2(LABELS, [(1.0, NOW_MS)], created=created, start=start), 2).samples
    assert sample.start_time == NOW_MS - 9000


def histogram(**changes: Any) -> dict[str, Any]:
    """4 observations in (1, 2], 1 in (4, 8], 2 around zero: schema 0, indices by upper bound."""
    fields = {
        "count_int": 7,
        "sum": 12.0,
        "schema": 0,
        "zero_threshold": 0.001,
        "zero_count_int": 2,
        "positive_spans": [{"offset": 1, "length": 1}, {"offset": 1, "length": 1}],
        "positive_deltas": [4, -3],
        "timestamp": NOW_MS,
    }
    return {**fields, **changes}


def with_histogram(fields: dict[str, Any]) -> bytes:
    return v2(LABELS | {"__name__": "latency"}, [], fields)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {
            "positive_deltas": [],
            "positive_counts": [4.0, 1.0],
            "zero_count_int": 0,
            "zero_count_float": 2.0,
            "count_int": 0,
            "count_float": 7.0,
        },
    ],
)
def test_a_native_histogram_is_a_row_a_bucket(changes: dict[str, Any]) -> None:
    written = decode(with_histogram(histogram(**changes)), 2)
    assert sorted((round(sample.value, 6), sample.count) for sample in written.samples) == [(0, 2), (1.5, 4), (6.0, 1)]
    assert {(sample.metric_type, sample.temporality) for sample in written.samples} == {("histogram", "cumulative")}
    assert (written.floats, written.histograms) == (0, 1)


def test_custom_buckets_are_read_by_their_bounds() -> None:
    fields = {"schema": -53, "custom_values": [1.0, 5.0], "count_int": 3, "sum": 9.0, "timestamp": NOW_MS}
    spans = {"positive_spans": [{"offset": 1, "length": 2}], "positive_deltas": [1, 1]}
    written = decode(with_histogram({**fields, **spans}), 2)
    assert [(sample.value, sample.count) for sample in written.samples] == [(3.0, 1), (5.0, 2)]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"schema": 99}, "scale 99"),
        ({"schema": -53, "custom_values": [1.0]}, "there is no bucket"),
        ({"positive_deltas": [4]}, "more buckets than"),
        ({"positive_deltas": [4, -9]}, "a count is not"),
        ({"zero_threshold": nan}, "zero threshold"),
        ({"reset_hint": 3}, "gauge histograms"),
        ({"timestamp": 5}, "oldest"),
        ({"positive_deltas": [], "positive_counts": [nan, 1.0]}, "nan is no count"),
        ({"positive_spans": [{"offset": 0, "length": 2**32 - 1}]}, "more buckets than"),
    ],
)
def test_a_histogram_that_contradicts_itself_is_refused(changes: dict[str, Any], reason: str) -> None:
    written = decode(with_histogram(histogram(**changes)), 2)
    assert (written.samples, written.refused.items) == ([], 1)
    assert reason in written.refused.message()


def test_a_stale_histogram_passes_silently() -> None:
    written = decode(with_histogram(histogram(sum=STALE)), 2)
    assert (written.samples, written.refused.items) == ([], 0)


@pytest.mark.parametrize("references", [[1], [1, 9999]])
def test_a_reference_to_nothing_is_no_request(references: list[int]) -> None:
    request = v2({}, [(1.0, NOW_MS)], more_references=references)
    with pytest.raises(UserError, match="the body is no io") as raised:
        decode(request, 2)
    assert raised.value.status == 400


def status(body: bytes, version: Version) -> int:
    """What a body is answered with."""
    try:
        decode(body, version)
    except UserError as error:
        return error.status
    return 200


@given(body=st.binary(max_size=300), version=st.sampled_from([1, 2]))
def test_any_bytes_are_taken_or_refused(body: bytes, version: Version) -> None:
    assert status(body, version) in (200, 400)


@given(data=st.data(), version=st.sampled_from([1, 2]))
def test_a_damaged_request_is_taken_or_refused(data: st.DataObject, version: Version) -> None:
    body = bytearray(v1((LABELS, [(41.0, NOW_MS)]), types={"a": 1}) if version == 1 else with_histogram(histogram()))
    for _ in range(data.draw(st.integers(1, 6))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    assert status(bytes(body), version) in (200, 400)


@pytest.mark.parametrize(
    ("body", "version"),
    [
        (b"\x0a\x00" * (MAX_ROWS + 1), 1),
        (b"\x2a\x00" * (MAX_ROWS + 1), 2),
        (b"\x22\x00" * (remote_write.MAX_SYMBOLS + 1), 2),
        (v1((LABELS, [(1.0, NOW_MS)] * 100_000)), 1),
    ],
    ids=["series", "series of version 2", "symbols", "samples of one series"],
)
def test_what_would_take_too_much_room_is_refused(body: bytes, version: Version) -> None:
    assert status(body, version) == 413
