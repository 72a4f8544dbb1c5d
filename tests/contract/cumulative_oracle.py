"""What cumulative rows mean, said once more and slowly: the rules of store/differences.py, one row after the other."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from vantage_common.store.differences import LOOKBACK_MS

Item = Mapping[str, Any]
"""A sample by the names of its fields."""


@dataclass(frozen=True)
class Observed:
    """A row with the observations made in its time and what its value grew by."""

    item: Item
    weight: int
    growth: float


def observed(items: Iterable[Item]) -> list[Observed]:
    """What the rows stand for, in no order."""
    found: list[Observed] = []
    series: dict[tuple[object, ...], list[Item]] = defaultdict(list)
    for item in items:
        if item["temporality"] == "cumulative":
            series[_series(item)].append(item)
        else:
            found.append(Observed(item, item["count"], item["value"]))
    for rows in series.values():
        found += _differences(rows)
    return found


def _differences(rows: list[Item]) -> Iterable[Observed]:
    """`rows` are those of one series; of a histogram, of all its buckets."""
    rows = sorted(rows, key=lambda row: (row["timestamp"], row["start_time"], row["value"], row["count"]))
    for index, row in enumerate(rows):
        is_bucket = row["metric_type"] == "histogram"
        total = row["count"] if is_bucket else row["value"]
        same = [r for r in rows[:index] if not is_bucket or r["value"] == row["value"]]
        older = [r for r in rows if r["timestamp"] < row["timestamp"]] + same
        near = [r for r in older if r["timestamp"] >= row["timestamp"] - LOOKBACK_MS]
        if not near:
            young = row["timestamp"] - LOOKBACK_MS <= row["start_time"] < row["timestamp"]
            grown = total if young else 0
        else:
            before = [r for r in same if r in near]
            base = 0 if not before else before[-1]["count"] if is_bucket else before[-1]["value"]
            since = max(r["timestamp"] for r in near)
            grown = total if row["start_time"] > since or total < base else total - base
        yield Observed(row, grown, row["value"]) if is_bucket else Observed(row, row["count"], grown)


def _series(item: Item) -> tuple[object, ...]:
    names = ("service_name", "metric_name", "metric_type", "environment", "instance", "endpoint", "method")
    return (*(item[name] for name in names), item["status_code"], *sorted(item["tags"].items()))
