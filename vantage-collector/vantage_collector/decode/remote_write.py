"""Prometheus remote write, 1.0 and 2.0, to samples: `job` is the service, `instance` the instance, the rest tags.

Counters and the series of classic histograms come as they are, cumulative, with `le` as a tag; native histograms become
a row a bucket. Which series is a counter is told by its metadata where there is any, else by its name.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite, isnan
from typing import Any, Literal

from google.protobuf.message import DecodeError
from vantage_common.errors import UserError
from vantage_common.model import MetricType, Sample, Temporality

from vantage_collector.decode import buckets
from vantage_collector.decode.buckets import BadBuckets, Bucket
from vantage_collector.decode.check import MAX_MAGNITUDE, MAX_TAGS, MAX_TEXT_BYTES, NAME, NAME_RULE, Window, text_fault
from vantage_collector.decode.otlp_reader import (
    MAX_ITEM_BYTES,
    MAX_ROWS,
    MAX_STORED_COUNT,
    UNKNOWN_SERVICE,
    too_many_rows,
)
from vantage_collector.decode.protobuf import declare
from vantage_collector.decode.refused import Refused

Version = Literal[1, 2]
MAX_SYMBOLS = 1_000_000

_SAMPLE = ("double value = 1", "int64 timestamp = 2", "int64 start_timestamp = 3")
_HISTOGRAM = (
    "uint64 count_int = 1",
    "double count_float = 2",
    "double sum = 3",
    "sint32 schema = 4",
    "double zero_threshold = 5",
    "uint64 zero_count_int = 6",
    "double zero_count_float = 7",
    "repeated BucketSpan negative_spans = 8",
    "repeated sint64 negative_deltas = 9",
    "repeated double negative_counts = 10",
    "repeated BucketSpan positive_spans = 11",
    "repeated sint64 positive_deltas = 12",
    "repeated double positive_counts = 13",
    "int32 reset_hint = 14",
    "int64 timestamp = 15",
    "repeated double custom_values = 16",
    "int64 start_timestamp = 17",
)
_BUCKET_SPAN = ("sint32 offset = 1", "uint32 length = 2")

_V1 = declare(
    "prometheus",
    {
        "WriteRequest": ("repeated bytes timeseries = 1", "repeated bytes metadata = 3"),
        "MetricMetadata": ("int32 type = 1", "string metric_family_name = 2"),
        # Series stay undecoded until they have been counted; labels too, for most series share most of theirs.
        "TimeSeries": ("repeated bytes labels = 1", "repeated Sample samples = 2", "repeated Histogram histograms = 4"),
        "Label": ("string name = 1", "string value = 2"),
        "Sample": _SAMPLE,
        "Histogram": _HISTOGRAM,
        "BucketSpan": _BUCKET_SPAN,
    },
)
_V2 = declare(
    "io.prometheus.write.v2",
    {
        "Request": ("repeated string symbols = 4", "repeated bytes timeseries = 5"),
        "TimeSeries": (
            "repeated uint32 labels_refs = 1",
            "repeated Sample samples = 2",
            "repeated Histogram histograms = 3",
            "Metadata metadata = 5",
            "int64 created_timestamp = 6",
        ),
        "Metadata": ("int32 type = 1",),
        "Sample": _SAMPLE,
        "Histogram": _HISTOGRAM,
        "BucketSpan": _BUCKET_SPAN,
    },
)
_WRITE_REQUEST, _LABEL, _REQUEST = _V1["WriteRequest"], _V1["Label"], _V2["Request"]

_COUNTER, _GAUGE = 1, 2
_WITH_PARTS = frozenset({3, 5})
"""Metadata types whose series are told apart by suffix: histogram and summary."""
_UNKNOWN = 0
_COUNTER_SUFFIXES = ("_total", "_bucket", "_sum", "_count")
_RESET_HINT_GAUGE = 3
_CUSTOM_BUCKETS = -53


@dataclass(slots=True)
class Written:
    """What a request holds; the numbers are those that 2.0 has told in its answer."""

    samples: list[Sample] = field(default_factory=list)
    floats: int = 0
    histograms: int = 0
    refused: Refused = field(default_factory=Refused)


@dataclass(frozen=True, slots=True)
class _Series:
    service: str
    instance: str
    name: str
    tags: dict[str, str]


def decode_write(body: bytes, version: Version, window: Window) -> Written:
    """The samples of a request, inflated already. Staleness markers and other NaNs are no samples and pass silently.

    Raises UserError: 400 when it is no such request, 413 when it makes too many rows.
    """
    message = _WRITE_REQUEST if version == 1 else _REQUEST
    try:
        request = message.FromString(body)
        return _read(_series_v1(request) if version == 1 else _series_v2(request), window)
    except (DecodeError, IndexError) as error:
        raise UserError("invalid_protobuf", f"the body is no {message.DESCRIPTOR.full_name}: {error}") from None


def _series_v1(request: Any) -> Iterator[tuple[dict[str, str], int, int, Any]]:
    """(labels, metadata type, start in ms, series). Raises DecodeError."""
    types = _types(request.metadata)
    known: dict[bytes, tuple[str, str]] = {}
    for series in map(_V1["TimeSeries"].FromString, _bounded(request.timeseries)):
        labels = {}
        for raw in series.labels:
            pair = known.get(raw)
            if pair is None:
                label = _LABEL.FromString(raw)
                pair = known[raw] = (label.name, label.value)
            labels[pair[0]] = pair[1]
        yield labels, _type_of(labels.get("__name__", ""), types) if types else _UNKNOWN, 0, series


def _types(raws: Sequence[bytes]) -> dict[str, int]:
    """Metadata types by family. Raises DecodeError."""
    all_metadata = map(_V1["MetricMetadata"].FromString, _bounded(raws))
    return {metadata.metric_family_name: metadata.type for metadata in all_metadata}


def _bounded(series: Sequence[Any]) -> Sequence[Any]:
    """Raises UserError 413: an empty series is two bytes on the wire and far more here."""
    if len(series) > MAX_ROWS or (series and max(map(len, series)) > MAX_ITEM_BYTES):
        raise too_many_rows()
    return series


def _type_of(name: str, types: Mapping[str, int]) -> int:
    """The metadata type of a series: a histogram's and a summary's series are named after their family."""
    for suffix in ("", *_COUNTER_SUFFIXES):
        if name.endswith(suffix) and (found := types.get(name.removesuffix(suffix))) is not None:
            return found
    return _UNKNOWN


def _series_v2(request: Any) -> Iterator[tuple[dict[str, str], int, int, Any]]:
    """As `_series_v1`. Raises IndexError for a reference to no symbol."""
    if len(request.symbols) > MAX_SYMBOLS:
        raise too_many_rows()
    symbols = list(request.symbols)
    for series in map(_V2["TimeSeries"].FromString, _bounded(request.timeseries)):
        texts = [symbols[reference] for reference in series.labels_refs]
        if len(texts) % 2:
            raise IndexError("a label without a value")
        labels = dict(zip(texts[::2], texts[1::2], strict=True))
        yield labels, series.metadata.type, series.created_timestamp, series


def _read(all_series: Iterable[tuple[dict[str, str], int, int, Any]], window: Window) -> Written:
    written = Written()
    for labels, kind, start_ms, told in all_series:
        samples, histograms = told.samples, told.histograms
        if len(written.samples) + len(samples) > MAX_ROWS:
            raise too_many_rows()
        series = _series(labels)
        if isinstance(series, str):
            written.refused.add(series, len(samples) + len(histograms))
            continue
        if samples:
            _floats(written, series, kind, start_ms, samples, window)
        for histogram in histograms:
            _histogram(written, series, start_ms, histogram, window)
            if len(written.samples) > MAX_ROWS:
                raise too_many_rows()
    return written


def _series(labels: dict[str, str]) -> _Series | str:
    """What the labels, which it takes apart, say; or why the series cannot be taken."""
    name = labels.pop("__name__", "")
    service = labels.pop("job", "") or UNKNOWN_SERVICE
    instance = labels.pop("instance", "")
    if not NAME.fullmatch(name):
        return f"the name {name[:60]!r} {NAME_RULE}"
    if not NAME.fullmatch(service):
        return f"the job {service[:60]!r} {NAME_RULE}"
    if len(labels) > MAX_TAGS:
        return f"{name}: {len(labels)} labels, at most {MAX_TAGS} are taken"
    for key, value in (("instance", instance), *labels.items()):
        if fault := text_fault(key, MAX_TEXT_BYTES) or text_fault(value, MAX_TEXT_BYTES):
            return f"{name}: label {key[:60]!r} {fault}"
    return _Series(service, instance, name, labels)


def _metric_type(name: str, kind: int) -> MetricType:
    if kind == _COUNTER:
        return "counter"
    return "counter" if kind in (_UNKNOWN, *_WITH_PARTS) and name.endswith(_COUNTER_SUFFIXES) else "gauge"


def _floats(
    written: Written, series: _Series, kind: int, start_ms: int, samples: Iterable[Any], window: Window
) -> None:
    metric_type = _metric_type(series.name, kind)
    temporality: Temporality = "cumulative" if metric_type == "counter" else "delta"
    oldest, newest = window.oldest_ms, window.newest_ms
    for sample in samples:
        value, at_ms = sample.value, sample.timestamp
        if isnan(value):
            continue
        if not oldest <= at_ms <= newest or not -MAX_MAGNITUDE <= value <= MAX_MAGNITUDE:
            written.refused.add(f"{series.name}: {_fault(at_ms, window) or f'{value} is no value'}")
            continue
        written.floats += 1
        written.samples.append(
            Sample(
                timestamp=at_ms,
                service_name=series.service,
                metric_name=series.name,
                metric_type=metric_type,
                value=value,
                instance=series.instance,
                tags=series.tags,
                temporality=temporality,
                start_time=_start(sample.start_timestamp or start_ms, at_ms) if temporality == "cumulative" else 0,
            )
        )


def _start(start_ms: int, at_ms: int) -> int:
    return min(max(start_ms, 0), at_ms)


def _fault(at_ms: int, window: Window) -> str:
    """Why a time cannot be taken, empty when it can."""
    if at_ms < window.oldest_ms:
        return f"the time is before {window.oldest_ms} ms, the oldest that is kept"
    return "the time is more than an hour ahead of our clock" if at_ms > window.newest_ms else ""


def _histogram(written: Written, series: _Series, start_ms: int, histogram: Any, window: Window) -> None:
    at_ms = histogram.timestamp
    if isnan(histogram.sum):
        return
    try:
        if fault := _fault(at_ms, window):
            raise BadBuckets(fault)
        if histogram.reset_hint == _RESET_HINT_GAUGE:
            raise BadBuckets("gauge histograms are not taken")
        found = _buckets(histogram)
    except BadBuckets as fault:
        written.refused.add(f"{series.name}: {fault}")
        return
    written.histograms += 1
    written.samples += [
        Sample(
            timestamp=at_ms,
            service_name=series.service,
            metric_name=series.name,
            metric_type="histogram",
            value=buckets.fixed(bucket.low, bucket.high),
            count=bucket.number,
            instance=series.instance,
            tags=series.tags,
            temporality="cumulative",
            start_time=_start(histogram.start_timestamp or start_ms, at_ms),
        )
        for bucket in found
    ]


def _buckets(histogram: Any) -> list[Bucket]:
    """The buckets that are not empty. Raises BadBuckets."""
    positive = _counts(histogram.positive_spans, histogram.positive_deltas, histogram.positive_counts)
    if histogram.schema == _CUSTOM_BUCKETS:
        ends = buckets.edges(histogram.custom_values)
        return [_custom(ends, index, count) for index, count in positive if count]
    negative = _counts(histogram.negative_spans, histogram.negative_deltas, histogram.negative_counts)
    # Prometheus counts its indices by the upper bound of a bucket, OpenTelemetry by the lower one.
    found = buckets.exponential(
        histogram.schema,
        ((index - 1, count) for index, count in positive),
        ((index - 1, count) for index, count in negative),
        buckets.CUMULATIVE_SCALE,
    )
    zero_count = histogram.zero_count_int or _whole(histogram.zero_count_float)
    found += buckets.zero(histogram.zero_threshold, zero_count)
    if any(not -MAX_MAGNITUDE <= bucket.number * max(-bucket.low, bucket.high) <= MAX_MAGNITUDE for bucket in found):
        raise BadBuckets(f"a bucket lies beyond ±{MAX_MAGNITUDE:g}")
    return found


def _custom(ends: Sequence[float], index: int, count: int) -> Bucket:
    if not 0 <= index < len(ends) - 1:
        raise BadBuckets(f"there is no bucket {index}")
    return Bucket(ends[index], ends[index + 1], count)


def _counts(spans: Iterable[Any], deltas: Sequence[int], floats: Sequence[float]) -> Iterator[tuple[int, int]]:
    """(index, count) of each bucket: spans say which indices are there, deltas what each has more than the one
    before, floats what each has. Raises BadBuckets."""
    index = position = count = 0
    for span in spans:
        index += span.offset
        for _ in range(span.length):
            if position >= max(len(deltas), len(floats)):
                raise BadBuckets("the spans have more buckets than there are counts")
            count = count + deltas[position] if deltas else _whole(floats[position])
            if not 0 <= count <= MAX_STORED_COUNT:
                raise BadBuckets(f"a count is not within 0 to {MAX_STORED_COUNT}")
            yield index, count
            index, position = index + 1, position + 1


def _whole(count: float) -> int:
    if not (isfinite(count) and 0 <= count < inf):
        raise BadBuckets(f"{count} is no count")
    return round(count)
