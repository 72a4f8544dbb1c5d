"""What hours of raw rows add up to, computed by the engine from the raw rows of the hour, as often as they change.

An hour is read in steps of whole metrics, services, minutes or a share of the traces, so that neither memory nor a
single statement grows with the traffic. Every
step inserts rows of a newer version, which replace the older ones; the hour counts as computed when its run is
recorded, after the last step. A crash in between leaves it to be computed again. A series that has a row in the hour
has one in the rollup even where nothing was observed, so that no older version ever outlives its reason.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from vantage_common.model import REQUEST_METRIC
from vantage_common.store.api import Arrivals, RollupSource
from vantage_common.store.calls import ANSWERED_MS, call_rows
from vantage_common.store.catalog import ROLLUPS, TABLES
from vantage_common.store.difference_sql import bucket_rows, counter_rows
from vantage_common.store.differences import LOOKBACK_MS
from vantage_common.store.functions import bin_sql
from vantage_common.store.rollup_plan import OUTDATED

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
MINUTE_MS: Final = 60_000
ROWS_A_STEP: Final = 1_000_000
ROOT_FIRST: Final = 4_102_444_800_000.0
"""Taken off the begin, in ms, of a span without a parent: it comes before all others. As much as times can be."""
LEAST_MS: Final = 1e-6
"""The least that a longest span is said to have taken, so that 0 is a service without one."""
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
    """The hours that rows arrived in since, and those beside them that difference to such a row or have the other end
    of a call. From the very beginning on it is every hour of the days that there are: no look at every row."""
    [(now,)] = engine.ask("SELECT toUnixTimestamp(now())", {})
    if since_ms <= 0:
        days = engine.ask(f"SELECT DISTINCT _partition_id FROM {engine.table(source)}", {})
        hours = [_day_ms(day) + hour * HOUR_MS for (day,) in days for hour in range(24)]
    else:
        touched = [f"timestamp + INTERVAL {seconds} SECOND" for seconds in (0, *_reach(source))]
        sql = (
            f"SELECT DISTINCT toUnixTimestamp(toStartOfHour(arrayJoin([{', '.join(touched)}]))) "
            f"FROM {engine.table(source)} WHERE _at >= toDateTime({{since:Int64}}, 'UTC')"
        )
        hours = [int(hour) * 1000 for (hour,) in engine.ask(sql, {"since": since_ms // 1000})]
    return Arrivals(tuple(sorted(hours)), int(now) * 1000 - UNSEEN_MS)


def outdate(engine: Engine, source: RollupSource, hour_ms: int) -> bool:
    """Takes a computed hour back when rows have come for it since; whether it did."""
    last = _run(engine, source, hour_ms)
    if last is None or last[0] == OUTDATED or sum(int(row[-1]) for row in _found(engine, source, hour_ms)) <= last[0]:
        return False
    _record(engine, source, hour_ms, OUTDATED, last[1] + 1)
    return True


def recompute(engine: Engine, source: RollupSource, hour_ms: int, now_ms: int) -> bool:
    """Computes the hour unless it has no more rows than when it was computed last; whether it did."""
    found = _found(engine, source, hour_ms)
    rows = sum(int(row[-1]) for row in found)
    last = _run(engine, source, hour_ms)
    if rows <= (0 if last is None else last[0]):
        return False
    version = max(now_ms, 0 if last is None else last[1] + 1)
    params: dict[str, Any] = {
        "start": hour_ms,
        "before": hour_ms - LOOKBACK_MS,
        "end": hour_ms + HOUR_MS,
        "hour": hour_ms,
        "day": hour_ms // DAY_MS * DAY_MS,
        "ver": version,
    }
    for step in _steps(found):
        for statement in _STATEMENTS[source](engine, step):
            engine.tell(f"{statement} {_LIMITS}", params | {"keys": step})
    if source == "spans":
        for statement, more in _trace_statements(engine, hour_ms, -(-rows // ROWS_A_STEP)):
            engine.tell(f"{statement} {_LIMITS}, prefer_column_name_to_alias = 1", params | more)
    _record(engine, source, hour_ms, rows, version)
    return True


def _found(engine: Engine, source: RollupSource, hour_ms: int) -> Rows:
    """What an hour is computed from: its metrics or services, each with its number of rows."""
    keys = ", ".join(TABLES[source].order_by[: 3 if source == "metrics" else 2])
    sql = (
        f"SELECT {keys}, count() FROM {engine.table(source)} "
        f"WHERE {_within('start', 'end')} GROUP BY {keys} ORDER BY {keys}"
    )
    after = ANSWERED_MS if source == "spans" else 0
    return engine.ask(sql, {"start": hour_ms - LOOKBACK_MS, "end": hour_ms + HOUR_MS + after})


def _reach(source: RollupSource) -> tuple[int, ...]:
    """Seconds from a row to the rows whose figures it may change."""
    later = LOOKBACK_MS // 1000
    return (later,) if source == "metrics" else (later, -ANSWERED_MS // 1000)


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
        f"SELECT {', '.join(figures[name] for name in names)} FROM ({rows}) AS once GROUP BY {group_by}"
    )


def _figures(value: str, weight: str) -> dict[str, str]:
    """The columns that all rollups share, over rows that stand for `weight` observations of `value`."""
    counted = f"{weight} > 0"
    return {
        "count": f"sum({weight})",
        "sum": f"sum({value} * {weight})",
        "min": f"minIf({value}, {counted})",
        "max": f"maxIf({value}, {counted})",
        "buckets": f"sumMapIf(map(toInt32({bin_sql(value)}), toUInt64({weight})), {counted})",
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
        yield from _request_statements(engine, "metric", rows, "value", "_weight", failed)
        called = f"SELECT *, tags['caller'] AS caller FROM ({rows})"
        yield _edge_statement(engine, "'metric'", called, "value", failed)


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
    yield from _request_statements(engine, "span", rows, "duration_ms", "_weight", "status = 'error'")


def _request_statements(engine: Engine, source: str, rows: str, value: str, weight: str, failed: str) -> Iterator[str]:
    def statement(table: str, slot: str, **rest: str) -> str:
        at = f"toStartOfInterval(timestamp, INTERVAL {slot}) AS slot"
        figures = {
            **{name: name for name in ("workspace", "service_name", "environment")},
            **_figures(value, weight),
            "timestamp": "toDateTime(slot, 'UTC')",
            "source": f"'{source}'",
            "errors": f"sumIf({weight}, {failed})",
            **rest,
        }
        by = "workspace, service_name, environment, slot"
        return _insert(engine, table, figures, f"SELECT *, {at} FROM ({rows})", by)

    yield statement("service_1m", "1 MINUTE", instances=f"uniqExactIf(instance, {weight} > 0)")
    yield statement("city_10s", "10 SECOND")


def _edge_statement(engine: Engine, source: str, rows: str, value: str, failed: str) -> str:
    """`rows` have a caller, a weight, and what `source` mentions: what the edge is told from."""
    figures = {
        **{name: name for name in ("workspace", "service_name", "environment", "caller")},
        **_figures(value, "_weight"),
        "timestamp": "toDateTime(slot, 'UTC')",
        "source": "told",
        "errors": f"sumIf(_weight, {failed})",
    }
    by = "workspace, service_name, environment, caller, slot, told"
    at = f"toStartOfMinute(timestamp) AS slot, {source} AS told"
    return _insert(engine, "edges_1m", figures, f"SELECT *, {at} FROM ({rows}) WHERE caller != ''", by)


def _trace_statements(engine: Engine, hour_ms: int, parts: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """What lies across services, with what it binds: calls some minutes at a time, traces a share at a time."""
    spans = engine.table("spans")
    calls = call_rows(spans, "true", _within("start", "end"), _within("around_start", "around_end"))
    told = "if(kind = 'service', 'span', kind)"
    edges = _edge_statement(engine, told, calls, "duration_ms", "status = 'error'")
    length = max(60 // parts, 1) * MINUTE_MS
    for start in range(hour_ms, hour_ms + HOUR_MS, length):
        end = min(start + length, hour_ms + HOUR_MS)
        around = {"around_start": start - LOOKBACK_MS, "around_end": end + ANSWERED_MS}
        yield edges, {"start": start, "end": end, **around}
    for part in range(parts):
        yield _trace_statement(engine, spans), {"part": part, "parts": parts}


def _trace_statement(engine: Engine, spans: str) -> str:
    """A span that came twice counts once. The root is the span without a parent, else the earliest."""
    began = "toUnixTimestamp64Micro(timestamp) / 1000"
    once = (
        f"SELECT workspace, trace_id, span_id, min({began}) AS start_ms, max({began} + duration_ms) AS end_ms, "
        "any(service_name) AS service, any(name) AS operation, max(duration_ms) AS longest, "
        "max(status = 'error') AS failed, "
        f"min({began} - if(parent_span_id = '', {ROOT_FIRST!r}, 0)) AS ordered "
        f"FROM {spans} WHERE {_within('start', 'end')} AND trace_id != '' "
        "AND sipHash64(trace_id) % {parts:UInt64} = {part:UInt64} GROUP BY workspace, trace_id, span_id"
    )
    longest = f"map(service, greatest(longest, {LEAST_MS!r}))"
    figures = {
        **{name: name for name in ("workspace", "trace_id")},
        "timestamp": "toDateTime(fromUnixTimestamp64Milli({hour:Int64}, 'UTC'), 'UTC')",
        "start_ms": "min(once.start_ms)",
        "end_ms": "max(once.end_ms)",
        "root_service": "argMin(service, ordered)",
        "root_name": "argMin(operation, ordered)",
        "root_order": "min(ordered)",
        "spans": "count()",
        "errors": "countIf(failed)",
        "longest_good": f"maxMapIf({longest}, NOT failed)",
        "longest_failed": f"maxMapIf({longest}, failed)",
        "ver": "{ver:UInt64}",
    }
    return _insert(engine, "traces", figures, once, "workspace, trace_id")


_STATEMENTS: Final[Mapping[RollupSource, Callable[[Engine, Sequence[tuple[str, ...]]], Iterator[str]]]] = {
    "metrics": _metric_statements,
    "spans": _span_statements,
}
