"""Fewer rows for the same facts, inside one request: pure, and nothing is held that a crash could lose.

Histogram and summary samples of one series, minute and logarithmic bin (γ = 1.01) become one row: their exact mean,
their number, the time and trace of the last. Any quantile taken over such rows by nearest rank is within 1 %, because
the mean of a bin is within 1 % of each of its values.

Counters become one row a series and minute. Its value is the mean delta and its count their number, as in every other
row, so that the one rule for sums holds here too: the deltas add up to value times count.

Gauges stay as they came.
"""

from collections.abc import Hashable, Iterable, Sequence
from math import fsum

from vantage_common.logbins import bin_of
from vantage_common.model import Sample

from vantage_collector.decode.check import MAX_COUNT

GAMMA = 1.01
_MINUTE_MS = 60_000


def preaggregate(samples: Iterable[Sample]) -> list[Sample]:
    """The rows to store. In which order the samples come makes no difference to what is in them."""
    rows: list[Sample] = []
    groups: dict[Hashable, list[Sample]] = {}
    for sample in samples:
        if sample.metric_type == "gauge":
            rows.append(sample)
        else:
            groups.setdefault(_group(sample), []).append(sample)
    for group in groups.values():
        rows += _merge(group)
    return rows


def _group(sample: Sample) -> Hashable:
    """What samples must have in common to become one row."""
    number = 0 if sample.metric_type == "counter" else bin_of(sample.value, GAMMA)
    return (
        sample.metric_name,
        sample.timestamp // _MINUTE_MS,
        number,
        sample.endpoint,
        sample.status_code,
        sample.method,
        frozenset(sample.tags.items()),
        sample.service_name,
        sample.metric_type,
        sample.environment,
        sample.instance,
    )


def _merge(group: Sequence[Sample]) -> Sequence[Sample]:
    if len(group) == 1:
        return group
    count = sum(sample.count for sample in group)
    if count > MAX_COUNT:
        # More than the column can hold: rows that say the truth are better than one.
        return group
    last = max(group, key=_age)
    exemplar = max((sample for sample in group if sample.trace_id), key=_age, default=last)
    return [
        Sample(
            timestamp=last.timestamp,
            service_name=last.service_name,
            metric_name=last.metric_name,
            metric_type=last.metric_type,
            # fsum rounds once, whatever the order: a sender that reorders its batch gets the same row.
            value=fsum(sample.value * sample.count for sample in group) / count,
            count=count,
            environment=last.environment,
            instance=last.instance,
            endpoint=last.endpoint,
            method=last.method,
            status_code=last.status_code,
            tags=last.tags,
            trace_id=exemplar.trace_id,
            span_id=exemplar.span_id,
        )
    ]


def _age(sample: Sample) -> tuple[int, str, str]:
    return sample.timestamp, sample.trace_id, sample.span_id
