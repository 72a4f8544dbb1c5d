"""Bytes a stored sample and times of common questions, by sort order and codec, the indexes included.

Rows are made inside the engine from a seed: like a request metric folded by agents, and like node_exporter scraped
every 15 s. Of the scraped series 45 % stand still, 30 % count whole numbers slowly or fast, 10 % count hundredths of a
second, 15 % are gauges. They arrive hour by hour, as a worker would insert them, and are measured before and after the
merges are done.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from vantage_common.model import REQUEST_METRIC
from vantage_common.store.catalog import METRICS
from vantage_common.store.migrations import load_migrations
from vantage_common.store.plan import Call, Column, Expr, Interval, QueryPlan, Selected, all_of, between, eq
from vantage_common.store.render import Rendered, render

START_S = 1_790_035_200
HOUR_S = 3600
STEP_S = 15
INSTANCES, SERIES, HOURS = 8, 400, 12
SERVICES, PODS, ROWS_A_BATCH, BATCH_EVERY_S = 20, 3, 32, 5
REQUEST_HOURS = 3
COLUMNS = tuple(column.name for column in METRICS.columns)
VALUES = {"database": "`bench`", "retention_raw_days": 3_650, "retention_spans_days": 3_650}
BY_TIME = "workspace, service_name, metric_name, timestamp"
BY_SERIES = "workspace, service_name, metric_name, series, bucket, timestamp"
SHOWN_FROM = 0.005
KEEP_IDS = {" TTL _at + toIntervalHour(2)": ""}
"""Of these rows, whose arrival is long ago, the engine would drop the batch ids at once."""


@dataclass(frozen=True)
class Layout:
    """A table for metrics: the shipped one, or that with replacements in its DDL."""

    name: str
    changes: Mapping[str, str]


SHIPPED = Layout("shipped: hour, series", {})
LAYOUTS = (
    Layout(
        "stage 1: time",
        {
            **KEEP_IDS,
            ", ".join(METRICS.order_by): BY_TIME,
            "CODEC(Delta(8), ZSTD(3)),\n    `count`": "CODEC(ZSTD(1)),\n    `count`",
            "LowCardinality(String)) CODEC(ZSTD(3))": "LowCardinality(String)) CODEC(ZSTD(1))",
            "min_compress_block_size = 1048576": "min_compress_block_size = 65536",
        },
    ),
    Layout("series, then time", {", ".join(METRICS.order_by): BY_SERIES}),
    Layout("shipped, 64 KiB blocks", {"min_compress_block_size = 1048576": "min_compress_block_size = 65536"}),
    Layout("shipped, batch ids kept", KEEP_IDS),
    SHIPPED,
)


def run() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as directory:
        engine = Engine(Path(directory))
        try:
            shapes = (
                ("scrape", scraped(START_S, HOURS), HOURS),
                ("request", requests(START_S, REQUEST_HOURS), REQUEST_HOURS),
            )
            for shape, rows, hours in shapes:
                yield from _measure(engine, shape, rows, hours)
        finally:
            engine.close()


def _measure(engine: "Engine", shape: str, rows: str, hours: int) -> Iterator[str]:
    engine.tell(f"CREATE OR REPLACE TABLE arrived {engine.structure} ENGINE = MergeTree ORDER BY timestamp")
    engine.tell(f"INSERT INTO arrived ({', '.join(COLUMNS)}, _at) {rows}")
    [(number,)] = engine.ask("SELECT count() FROM arrived")
    yield f"{shape}: {number:,} rows of {hours} h"
    for layout in LAYOUTS:
        engine.make(layout)
        for hour in range(hours):
            low, high = START_S + hour * HOUR_S, START_S + (hour + 1) * HOUR_S
            engine.tell(
                f"INSERT INTO metrics ({', '.join(COLUMNS)}, _at) SELECT {', '.join(COLUMNS)}, _at FROM arrived "
                f"WHERE timestamp >= {low} AND timestamp < {high} SETTINGS max_insert_threads = 1"
            )
        arrived = engine.bytes_a_row()
        engine.settle()
        yield f"  {layout.name}: {engine.bytes_a_row():.2f} B a row, {arrived:.2f} as it arrived"
        yield f"    {engine.columns()}"
        yield f"    {engine.times(shape, hours)}"
    for name, plan in questions(shape, hours).items():
        yield f"  {name}: {engine.cost_of_differences(plan)}"


class Engine:
    """chDB in a directory of its own, asked directly."""

    def __init__(self, directory: Path) -> None:
        self._client: Client = clickhouse_connect.get_client(
            interface="chdb", path=str(directory), settings={"max_threads": 2, "use_query_condition_cache": 0}
        )
        self.tell("CREATE DATABASE bench")
        self.tell("USE bench")
        for migration in load_migrations()[:2]:
            for statement in migration.statements(VALUES):
                self.tell(statement)
        [(self._ddl,)] = self.ask("SHOW CREATE TABLE metrics")
        stored = [f"`{column.name}` {column.type}" for column in METRICS.columns]
        self.structure = f"({', '.join(stored)}, _at DateTime('UTC'))"

    def close(self) -> None:
        self._client.close()

    def tell(self, sql: str) -> None:
        self._client.command(sql)

    def ask(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[tuple[object, ...]]:
        return [tuple(row) for row in self._client.query(sql, parameters=dict(parameters or {})).result_rows]

    def make(self, layout: Layout) -> None:
        ddl = str(self._ddl)
        for found, put in layout.changes.items():
            assert found in ddl, found
            ddl = ddl.replace(found, put)
        self.tell("DROP TABLE metrics SYNC")
        self.tell(ddl)

    def settle(self) -> None:
        """Merges everything, as a quiet night would."""
        self.tell("OPTIMIZE TABLE metrics FINAL")

    def insert(self, columns: Mapping[str, Sequence[object]]) -> None:
        self._client.insert("metrics", list(columns.values()), list(columns), column_oriented=True)

    def rows(self) -> int:
        [(number,)] = self.ask("SELECT count() FROM metrics")
        return int(str(number))

    def bytes_a_row(self) -> float:
        [(size,)] = self.ask(
            "SELECT sum(bytes_on_disk) / sum(rows) FROM system.parts WHERE table = 'metrics' AND active"
        )
        return float(str(size))

    def columns(self) -> str:
        """Bytes a row by column, those worth a mention, and of marks and indexes."""
        of_parts = "FROM system.parts WHERE table = 'metrics' AND active AND database = 'bench'"
        found = self.ask(
            "SELECT column, sum(column_data_compressed_bytes) / any(n) AS size FROM system.parts_columns, "
            f"(SELECT sum(rows) AS n {of_parts}) AS total WHERE table = 'metrics' AND active AND database = 'bench' "
            "GROUP BY column UNION ALL SELECT 'indexes', "
            f"sum(secondary_indices_compressed_bytes + marks_bytes + primary_key_size) / sum(rows) {of_parts} "
            "ORDER BY 2 DESC"
        )
        return ", ".join(f"{name} {float(str(size)):.3f}" for name, size in found if float(str(size)) >= SHOWN_FROM)

    def times(self, shape: str, hours: int) -> str:
        return ", ".join(f"{name} {self._best_ms(plan):.0f} ms" for name, plan in questions(shape, hours).items())

    def cost_of_differences(self, plan: QueryPlan) -> str:
        """Beside the same question over the stored rows alone, in turns."""
        rendered = render(plan, "bench")
        if not rendered.probe:
            return "needs no differences"
        alone, asked = float("inf"), float("inf")
        for _ in range(9):
            alone = min(alone, self._ms(lambda: self.ask(rendered.plain, rendered.params)))
            asked = min(asked, self._ms(lambda: self._answer(rendered)))
        return f"{asked:.0f} ms, {asked / alone:.2f} times the {alone:.0f} ms of rows as they are"

    def _best_ms(self, plan: QueryPlan) -> float:
        rendered = render(plan, "bench")
        return min(self._ms(lambda: self._answer(rendered)) for _ in range(5))

    def _answer(self, rendered: Rendered) -> None:
        """As the store's reader asks."""
        differs = rendered.probe and self.ask(rendered.probe, rendered.params)
        self.ask(rendered.sql if differs or not rendered.probe else rendered.plain, rendered.params)

    @staticmethod
    def _ms(call: Callable[[], object]) -> float:
        started = perf_counter()
        call()
        return (perf_counter() - started) * 1000


def questions(shape: str, hours: int) -> dict[str, QueryPlan]:
    """The README's and the dashboard's shapes: the last hour of one service, one metric over all of the time."""
    service, metric = ("node", "node_metric_5_total") if shape == "scrape" else ("service-05", REQUEST_METRIC)
    end = (START_S + hours * HOUR_S) * 1000
    hour = between("timestamp", end - HOUR_S * 1000, end)
    all_time = between("timestamp", START_S * 1000, end)
    value, at = Column("value"), Column("timestamp")
    minute = Call("time_bucket", (at, Interval(1, "MINUTE")))
    of_service, of_metric = eq("service_name", service), eq("metric_name", metric)
    grown: Expr = Call("rate", (value,), (60.0,)) if shape == "scrape" else Call("count")

    def plan(what: Expr, where: Expr | None, by: Expr) -> QueryPlan:
        return QueryPlan("metrics", "default", (Selected(by, "by"), Selected(what, "x")), where=where, group_by=(by,))

    return {
        "1 h of a service by metric": plan(Call("avg", (value,)), all_of(of_service, hour), Column("metric_name")),
        "1 h of a metric by minute": plan(grown, all_of(of_service, of_metric, hour), minute),
        "all of a metric by minute": plan(grown, all_of(of_service, of_metric, all_time), minute),
        "all p95 by service": plan(
            Call("quantile", (value,), (0.95,)), all_of(of_metric, hour), Column("service_name")
        ),
        "1 h of a metric, rows only": plan(Call("rows"), all_of(of_service, of_metric, hour), minute),
    }


def scraped(start_s: int, hours: int) -> str:
    """`INSTANCES` machines with `SERIES` series each, every `STEP_S`; a scrape is one record of the bus."""
    steps = hours * HOUR_S // STEP_S

    def chance(salt: int) -> str:
        return f"(cityHash64(s, t, {salt}) % 1000003 / 1000003)"

    increment = (
        "multiIf(kind < 45, 0., "
        f"kind < 60, if({chance(1)} < 0.8, 0., floor({chance(2)} * 5) + 1), "
        f"kind < 75, floor(exp(6 + cityHash64(id, 'size') % 7 + 2 * {chance(1)})), "
        f"kind < 85, floor({chance(1)} * 150), "
        f"kind < 95, floor(({chance(1)} - 0.5) * 200) * 4096, ({chance(1)} - 0.5) * 4)"
    )
    value = (
        "multiIf(kind < 45, toFloat64(cityHash64(id, 'a') % 3 * (cityHash64(id, 'b') % 100000)), "
        "kind < 75, floor(cityHash64(s, 'c') % 10000000 + v), "
        "kind < 85, round((cityHash64(s, 'c') % 10000000 + v) / 100, 2), "
        "kind < 95, abs(4e9 + v), round(abs(50 + v), 2))"
    )
    labels = (
        "map('cpu', toString(id % 4), 'mode', ['idle', 'user', 'system', 'iowait'][id % 4 + 1], "
        "'device', concat('dev', toString(id % 7)))"
    )
    return (
        "SELECT 'default', 'node', concat('node_metric_', toString(intDiv(id, 4)), '_total'), "
        f"fromUnixTimestamp64Milli(toInt64({start_s}) * 1000 + t * {STEP_S * 1000} + cityHash64(host) % 15000, 'UTC'), "
        "if(kind < 85, 'counter', 'gauge'), '', concat('10.0.0.', toString(host), ':9100'), "
        f"{value}, 1, '', '', 0, if(id % 4 = 0 AND kind >= 50, map(), {labels}), '', '', "
        "if(kind < 85, 'cumulative', 'delta'), 0, 12345678901234567, "
        f"toUInt64(t) * {INSTANCES} + host, '', 0, toDateTime({start_s} + t * {STEP_S} + 2 + cityHash64(t) % 2) "
        f"FROM (SELECT number AS s, intDiv(number, {SERIES}) AS host, number % {SERIES} AS id, "
        f"cityHash64(id) % 100 AS kind, range({steps}) AS ts, arrayCumSum(arrayMap(t -> {increment}, ts)) AS vs "
        f"FROM numbers({INSTANCES * SERIES})) ARRAY JOIN ts AS t, vs AS v SETTINGS max_block_size = 16"
    )


def requests(start_s: int, hours: int) -> str:
    """`SERVICES` with `PODS` each, whose agents send a folded batch every `BATCH_EVERY_S`; a tenth has an exemplar."""
    batches = hours * HOUR_S // BATCH_EVERY_S * SERVICES * PODS
    gauss = "(" + " + ".join(f"cityHash64(b, r, {n}) % 1000003 / 1000003" for n in range(12)) + " - 6)"
    return (
        f"SELECT 'default', concat('service-', leftPad(toString(svc), 2, '0')), '{REQUEST_METRIC}', "
        f"fromUnixTimestamp64Milli(toInt64({start_s}) * 1000 + tick * {BATCH_EVERY_S * 1000} "
        f"+ cityHash64(b, r) % {BATCH_EVERY_S * 1000}, 'UTC'), "
        "'histogram', 'production', concat('pod-', toString(svc), '-', toString(pod)), "
        f"exp(3 + cityHash64(svc, ep) % 3 + 0.6 * {gauss}), "
        "1 + if(cityHash64(b, r, 'c') % 100 < 60, 0, cityHash64(b, r, 'd') % 6), "
        "concat('/api/resource-', toString(ep), '/{id}'), if(ep % 3 = 0, 'POST', 'GET'), "
        "if(cityHash64(b, r, 'e') % 100 < 2, 500, 200), "
        "map('caller', concat('service-', leftPad(toString((svc + ep) % 20), 2, '0')), 'version', '1.4.2'), "
        "if(cityHash64(b, r, 'x') % 10 = 0, lower(hex(MD5(toString((b, r))))), '') AS trace, "
        "if(trace = '', '', substring(lower(hex(MD5(toString((r, b))))), 1, 16)), 'delta', 0, "
        f"1000000007 * (svc % 6 + 1), toUInt64(tick) * {PODS * 4} + intDiv(pod * {SERVICES} + svc, 6), "
        f"lower(hex(MD5(toString(b)))), 0, toDateTime({start_s} + tick * {BATCH_EVERY_S} + 6) "
        f"FROM (SELECT number % {SERVICES} AS svc, intDiv(number, {SERVICES}) % {PODS} AS pod, "
        f"intDiv(number, {SERVICES * PODS}) AS tick, number AS b, arrayJoin(range({ROWS_A_BATCH})) AS r, r % 8 AS ep "
        f"FROM numbers({batches}))"
    )
