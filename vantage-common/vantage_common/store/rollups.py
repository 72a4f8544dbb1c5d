"""What hours of raw rows add up to, computed by the engine from the raw rows of the hour, as often as they change.

An hour is read in steps of whole metrics, so that neither memory nor a single statement grows with the traffic. Every
step inserts rows of a newer version, which replace the older ones; the hour counts as computed when its run is
recorded, after the last step. A crash in between leaves it to be computed again. A series that has a row in the hour
has one in the rollup even where nothing was observed, so that no older version ever outlives its reason.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import log
from typing import Any, Final, TypeAlias

from vantage_common.logbins import BIN_SHIFT, BIN_SLACK
from vantage_common.model import PULSE_GAMMA, REQUEST_METRIC
from vantage_common.store.api import Arrivals, RollupSource
from vantage_common.store.catalog import ROLLUPS, TABLES
from vantage_common.store.difference_sql import bucket_rows, counter_rows
from vantage_common.store.differences import LOOKBACK_MS

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
ROWS_A_STEP: Final = 1_000_000
UNSEEN_MS: Final = 300_000
"""A row says when its insert began, and may be seen only when that has ended: what arrived so lately is looked at once
more. An insert is given up long before."""
_LIMITS: Final = (
    "SETTINGS max_threads = 1, max_insert_threads = 1, max_memory_usage = 600000000, insert_deduplicate = 0, "
    "max_bytes_before_external_group_by = 150000000, max_bytes_before_external_sort = 150000000"
)

Rows: TypeAlias = Sequence[Sequence[Any]]
Ask: TypeAlias = Callable[[str, dict[str, Any]], Rows]
Tell: TypeAlias = Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Engine:
    """The two things a rollup needs of an engine: `ask` returns rows, `tell` changes something."""

    database: str
    ask: Ask
    tell: Tell

    def table(self, name: str) -> str:
        return f"`{self.database}`.`{name}`"


def position(engine: Engine, source: RollupSource) -> int:
    """Since when arrivals have to be looked at, ms of the engine's clock; 0 at first."""
    run = _run(engine, source, 0)
    return 0 if run is None else run[0]


def advance(engine: Engine, source: RollupSource, position_ms: int) -> None:
    _record(engine, source, 0, position_ms, position_ms)


def arrivals(engine: Engine, source: RollupSource, since_ms: int) -> Arrivals:
    """The hours that rows arrived in since, and those after them that difference to such a row. From the very beginning
    on it is every hour of the days that there are, rather than a look at every row."""
    [(now,)] = engine.ask("SELECT toUnixTimestamp(now())", {})
    if since_ms <= 0:
        days = engine.ask(f"SELECT DISTINCT _partition_id FROM {engine.table(source)}", {})
        hours = [_day_ms(day) + hour * HOUR_MS for (day,) in days for hour in range(24)]
    else:
        later = f" + INTERVAL {LOOKBACK_MS // 1000} SECOND"
        sql = (
            f"SELECT DISTINCT toUnixTimestamp(toStartOfHour(arrayJoin([timestamp, timestamp{later}]))) "
            f"FROM {engine.table(source)} WHERE _at >= toDateTime({{since:Int64}}, 'UTC')"
        )
        hours = [int(hour) * 1000 for (hour,) in engine.ask(sql, {"since": since_ms // 1000})]
    return Arrivals(tuple(sorted(hours)), int(now) * 1000 - UNSEEN_MS)


def recompute(engine: Engine, source: RollupSource, hour_ms: int, now_ms: int) -> bool:
    """Computes the hour unless it has no more rows than when it was computed last; whether it did."""
    keys = TABLES[source].order_by[: 3 if source == "metrics" else 2]
    sql = (
        f"SELECT {', '.join(keys)}, count() FROM {engine.table(source)} "
        f"WHERE {_within('start', 'end')} GROUP BY {', '.join(keys)} ORDER BY {', '.join(keys)}"
    )
    before = LOOKBACK_MS if source == "metrics" else 0
    found = engine.ask(sql, {"start": hour_ms - before, "end": hour_ms + HOUR_MS})
    rows = sum(int(row[-1]) for row in found)
    last = _run(engine, source, hour_ms)
    if rows <= (0 if last is None else last[0]):
        return False
    version = max(now_ms, 0 if last is None else last[1] + 1)
    for step in _steps(found):
        params: dict[str, Any] = {
            "keys": step,
            "start": hour_ms,
            "before": hour_ms - before,
            "end": hour_ms + HOUR_MS,
            "day": hour_ms // DAY_MS * DAY_MS,
            "ver": version,
        }
        for statement in _STATEMENTS[source](engine, step):
            engine.tell(f"{statement} {_LIMITS}", params)
    _record(engine, source, hour_ms, rows, version)
    return True


def _steps(found: Rows) -> Iterator[list[tuple[str, ...]]]:
    """The metrics of the hour, as many at a time as have `ROWS_A_STEP` rows together, at least one."""
    step: list[tuple[str, ...]] = []
    rows = 0
    for *key, number in found:
        if step and rows + number > ROWS_A_STEP:
            yield step
            step, rows = [], 0
        step.append(tuple(key))
        rows += number
    if step:
        yield step


def _day_ms(day: str) -> int:
    """The start of a day partition, named yyyymmdd."""
    return round(datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).timestamp()) * 1000


def _run(engine: Engine, source: RollupSource, hour_ms: int) -> tuple[int, int] | None:
    """(rows, version) of the hour's last run."""
    sql = (
        f"SELECT rows, ver FROM {engine.table('rollup_runs')} "
        "WHERE source = {source:String} AND hour = toDateTime({hour:Int64}, 'UTC') ORDER BY ver DESC LIMIT 1"
    )
    found = engine.ask(sql, {"source": source, "hour": hour_ms // 1000})
    return (int(found[0][0]), int(found[0][1])) if found else None


def _record(engine: Engine, source: RollupSource, hour_ms: int, rows: int, version: int) -> None:
    engine.tell(
        f"INSERT INTO {engine.table('rollup_runs')} (source, hour, rows, ver) "
        "SELECT {source:String}, toDateTime({hour:Int64}, 'UTC'), {rows:UInt64}, {ver:UInt64}",
        {"source": source, "hour": hour_ms // 1000, "rows": rows, "ver": version},
    )


def _within(start: str, end: str) -> str:
    return (
        f"timestamp >= fromUnixTimestamp64Milli({{{start}:Int64}}, 'UTC') "
        f"AND timestamp < fromUnixTimestamp64Milli({{{end}:Int64}}, 'UTC')"
    )


def _insert(engine: Engine, table: str, figures: Mapping[str, str], rows: str, group_by: str) -> str:
    """`figures` says for every column of the rollup what fills it, in terms of `rows`."""
    names = [column.name for column in ROLLUPS[table].columns]
    assert set(names) == set(figures), table
    return (
        f"INSERT INTO {engine.table(table)} ({', '.join(names)}) "
        f"SELECT {', '.join(figures[name] for name in names)} FROM ({rows}) GROUP BY {group_by}"
    )


def _bin(value: str) -> str:
    """logbins.bin_of, in SQL."""
    exponent = f"ceil(log(abs({value})) / {log(PULSE_GAMMA)!r} - {BIN_SLACK!r}) + {BIN_SHIFT}"
    return f"if({value} = 0, 0, if({value} > 0, 1, -1) * ({exponent}))"


def _figures(value: str, weight: str) -> dict[str, str]:
    """The columns that all rollups share, over rows that stand for `weight` observations of `value`."""
    counted = f"{weight} > 0"
    return {
        "count": f"sum({weight})",
        "sum": f"sum({value} * {weight})",
        "min": f"minIf({value}, {counted})",
        "max": f"maxIf({value}, {counted})",
        "buckets": f"sumMapIf(map(toInt32({_bin(value)}), toUInt64({weight})), {counted})",
        "ver": "{ver:UInt64}",
    }


_SERIES_LABELS: Final[tuple[str, ...]] = (
    *("metric_type", "temporality", "environment", "instance", "endpoint", "method", "status_code", "tags"),
)
_SERIES_KEY: Final = ("workspace", "service_name", "metric_name")


def _metric_rows(engine: Engine, columns: Sequence[str], where: str) -> str:
    """The rows of the hour with their weight and growth, cumulative ones differenced. Those without new observations
    stay."""
    source, shown = engine.table("metrics"), ", ".join(columns)
    as_they_are = (
        f"SELECT {shown}, count AS _weight, value AS _growth FROM {source} "
        f"WHERE {where} AND {_within('start', 'end')} AND temporality != 'cumulative'"
    )
    differences = [
        rows(source, columns, f"{where} AND {_within('before', 'end')}") for rows in (counter_rows, bucket_rows)
    ]
    observed = [
        f"SELECT {shown}, _weight, _growth FROM ({rows}) WHERE {_within('start', 'end')}" for rows in differences
    ]
    return " UNION ALL ".join((as_they_are, *observed))


def _metric_statements(engine: Engine, step: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """For the (workspace, service, metric)s of a step, bound as `keys`."""
    chosen = f"({', '.join(_SERIES_KEY)}) IN {{keys:Array(Tuple(String, String, String))}}"
    columns: tuple[str, ...] = (*_SERIES_KEY, "timestamp", "series", *_SERIES_LABELS, "value")
    figures = {
        **{name: name for name in (*_SERIES_KEY, "series")},
        **{name: f"any({name})" for name in _SERIES_LABELS},
        **_figures("value", "_weight"),
        "timestamp": "toDateTime(fromUnixTimestamp64Milli({start:Int64}, 'UTC'), 'UTC')",
        "increase": "sum(_growth * _weight)",
    }
    by_series = f"{', '.join(_SERIES_KEY)}, series"
    yield _insert(engine, "metrics_1h", figures, _metric_rows(engine, columns, chosen), by_series)
    yield _day_statement(engine, chosen, by_series)
    if any(metric == REQUEST_METRIC for _, _, metric in step):
        columns = ("workspace", "service_name", "timestamp", "environment", "instance", "status_code", "tags", "value")
        rows = _metric_rows(engine, columns, f"{chosen} AND metric_name = '{REQUEST_METRIC}'")
        failed = "(status_code >= 500 OR tags['error'] = 'true')"
        yield from _request_statements(engine, "metric", rows, "value", "_weight", failed, "tags['caller']")


def _day_statement(engine: Engine, chosen: str, by_series: str) -> str:
    """The day, from its hours: they merge without a loss, and outlive the raw rows."""
    labels = ", ".join((*_SERIES_KEY, "series", *_SERIES_LABELS))
    names = "count, sum, min, max, buckets, increase"
    hours = (
        f"SELECT {labels}, {names} FROM {engine.table('metrics_1h')} FINAL WHERE {chosen} "
        "AND timestamp >= toDateTime(intDiv({day:Int64}, 1000), 'UTC') "
        "AND timestamp < toDateTime(intDiv({day:Int64}, 1000) + 86400, 'UTC')"
    )
    figures = {
        **{name: name for name in (*_SERIES_KEY, "series")},
        **{name: f"any({name})" for name in _SERIES_LABELS},
        "count": "sum(count)",
        "sum": "sum(sum)",
        "min": "minIf(min, count > 0)",
        "max": "maxIf(max, count > 0)",
        "buckets": "sumMap(buckets)",
        "increase": "sum(increase)",
        "ver": "{ver:UInt64}",
        "timestamp": "toDateTime(intDiv({day:Int64}, 1000), 'UTC')",
    }
    return _insert(engine, "metrics_1d", figures, hours, by_series)


def _span_statements(engine: Engine, _: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """For the (workspace, service)s of a step, bound as `keys`."""
    chosen = "(workspace, service_name) IN {keys:Array(Tuple(String, String))} AND kind = 'server'"
    rows = (
        "SELECT workspace, service_name, timestamp, environment, instance, status, caller, duration_ms, "
        f"toUInt64(1) AS _weight FROM {engine.table('spans')} WHERE {chosen} AND {_within('start', 'end')}"
    )
    yield from _request_statements(engine, "span", rows, "duration_ms", "_weight", "status = 'error'", "caller")


def _request_statements(
    engine: Engine, source: str, rows: str, value: str, weight: str, failed: str, caller: str
) -> Iterator[str]:
    def statement(table: str, slot: str, rows: str, **rest: str) -> str:
        at = f"toStartOfInterval(timestamp, INTERVAL {slot}) AS slot"
        figures = {
            **{name: name for name in ("workspace", "service_name", "environment")},
            **_figures(value, weight),
            "timestamp": "toDateTime(slot, 'UTC')",
            "source": f"'{source}'",
            "errors": f"sumIf({weight}, {failed})",
            **rest,
        }
        by = "workspace, service_name, environment, slot" + (", caller" if "caller" in rest else "")
        return _insert(engine, table, figures, f"SELECT *, {at} FROM ({rows})", by)

    instances = f"uniqExactIf(instance, {weight} > 0)"
    yield statement("service_1m", "1 MINUTE", rows, instances=instances)
    called = rows if caller == "caller" else f"SELECT *, {caller} AS caller FROM ({rows})"
    yield statement("edges_1m", "1 MINUTE", f"SELECT * FROM ({called}) WHERE caller != ''", caller="caller")
    yield statement("city_10s", "10 SECOND", rows)


_STATEMENTS: Final[Mapping[RollupSource, Callable[[Engine, Sequence[tuple[str, ...]]], Iterator[str]]]] = {
    "metrics": _metric_statements,
    "spans": _span_statements,
}
