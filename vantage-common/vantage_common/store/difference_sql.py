"""The rules of differences.py in ClickHouse's SQL: cumulative rows of the metrics table with `_weight`, the
observations made in a row's time, and `_growth`, what its value grew by. Pure."""

from collections.abc import Sequence
from typing import Final

from vantage_common.store.differences import LOOKBACK_MS

IS_BUCKET: Final = "temporality = 'cumulative' AND metric_type = 'histogram'"
IS_TOTAL: Final = "temporality = 'cumulative' AND metric_type != 'histogram'"
"""Which rows are a bucket of a cumulative histogram, and which a cumulative counter. The indexes on the two
columns skip what is neither."""

_SERIES: Final = "PARTITION BY service_name, metric_name, series"
_BEFORE_IT: Final = "ROWS BETWEEN 1 PRECEDING AND CURRENT ROW"
_EARLIER: Final = "RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"


def counter_rows(source: str, columns: Sequence[str], where: str) -> str:
    """The cumulative counters among the rows that `where` lets through: `columns`, `_weight`, `_growth`."""
    read = (
        f"SELECT {_list(columns)}value AS _total, count AS _weight, {_TIMES}, "
        "lagInFrame(_ms) OVER before AS _before, lagInFrame(value) OVER before AS _base "
        f"FROM {source} WHERE {where} AND {IS_TOTAL} "
        f"WINDOW before AS ({_SERIES} ORDER BY _ms, start_time, value {_BEFORE_IT})"
    )
    return f"SELECT {_list(columns)}_weight, {_difference('toFloat64')} AS _growth FROM ({read})"


def bucket_rows(source: str, columns: Sequence[str], where: str) -> str:
    """The buckets of cumulative histograms among the rows that `where` lets through: `columns`, `_weight`, `_growth`.
    Without new observations the weight is 0.

    Two windows: the row of the bucket before this one, and the point of the histogram before it, which need not have
    had the bucket.
    """
    read = (
        f"SELECT {_list(columns)}value AS _growth, count AS _total, {_TIMES}, "
        "lagInFrame(_ms) OVER before AS _row_ms, lagInFrame(count) OVER before AS _count, "
        "max(_ms) OVER points AS _point_ms "
        f"FROM {source} WHERE {where} AND {IS_BUCKET} "
        f"WINDOW before AS ({_SERIES}, bucket ORDER BY _ms, start_time, count {_BEFORE_IT}), "
        f"points AS ({_SERIES} ORDER BY _ms {_EARLIER})"
    )
    based = (
        f"SELECT {_list(columns)}_growth, _total, _ms, _start, greatest(_row_ms, _point_ms) AS _before, "
        f"if(_row_ms >= _ms - {LOOKBACK_MS}, _count, 0) AS _base FROM ({read})"
    )
    return f"SELECT {_list(columns)}{_difference('toUInt64')} AS _weight, _growth FROM ({based})"


_TIMES: Final = "toUnixTimestamp64Milli(timestamp) AS _ms, toUnixTimestamp64Milli(start_time) AS _start"


def _difference(cast: str) -> str:
    """All of a total that is young or began anew, else what it has more; nothing of one whose past nobody knows."""
    return (
        f"multiIf(_before < _ms - {LOOKBACK_MS}, if(_start >= _ms - {LOOKBACK_MS} AND _start < _ms, _total, 0), "
        f"_start > _before OR _total < _base, _total, {cast}(_total - _base))"
    )


def _list(columns: Sequence[str]) -> str:
    return "".join(f"`{name}`, " for name in columns)
