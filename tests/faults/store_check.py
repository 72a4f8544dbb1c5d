"""What the store holds, asked past all of our code over ClickHouse's HTTP interface."""

import struct
from collections import Counter

import httpx

from tests.faults.load import BATCH_EVENTS, SERVICES
from tests.faults.oracle import KINDS, Batch, Event, Kind

NUMBER: dict[Kind, str] = {"metrics": "toUInt64(value)", "spans": "toUInt64(span_id)", "logs": "toUInt64(body)"}
_SERVICE = (
    f"concat('faulty-', leftPad(toString((intDiv(number - 1, {BATCH_EVENTS}) + number % 2) % {SERVICES}), 2, '0'))"
)
"""`load.service_of` in SQL."""
_ROW = struct.Struct("<QQ")
_CLOSED = "toStartOfHour(timestamp) < toStartOfHour(now() - INTERVAL 5 MINUTE)"
"""Younger hours are read from raw."""

ROLLUPS: dict[str, tuple[str, str]] = {
    "metrics_1h": (
        "SELECT (service_name, timestamp) AS key, (sum(count), sum(sum), min(min), max(max), "
        "sum(arraySum(mapValues(buckets)))) AS figures FROM {db}.metrics_1h FINAL WHERE {closed} GROUP BY key",
        "SELECT (service_name, toStartOfHour(timestamp)) AS key, (sum(count), sum(value * count), min(value), "
        "max(value), sum(count)) AS figures FROM {db}.metrics WHERE {closed} GROUP BY key",
    ),
    "metrics_1d": (
        "SELECT (service_name, toDate(timestamp)) AS key, (sum(count), sum(sum)) AS figures "
        "FROM {db}.metrics_1d FINAL GROUP BY key",
        "SELECT (service_name, toDate(timestamp)) AS key, (sum(count), sum(value * count)) AS figures "
        "FROM {db}.metrics WHERE {closed} GROUP BY key",
    ),
    "service_1m": (
        "SELECT (service_name, timestamp) AS key, (sum(count), sum(sum), sum(errors)) AS figures "
        "FROM {db}.service_1m FINAL WHERE {closed} GROUP BY key",
        "SELECT (service_name, toStartOfMinute(timestamp)) AS key, (count(), sum(duration_ms), "
        "countIf(status = 'error')) AS figures FROM {db}.spans WHERE {closed} GROUP BY key",
    ),
}
"""Of each rollup what it says, and what its raw rows say. The values are whole numbers: their sums are exact."""


class StoreCheck:
    def __init__(self, url: str, database: str) -> None:
        self._url = url
        self._database = database

    def stored(self, bounds: tuple[int, int] | None = None) -> dict[Event, int]:
        """How often the store holds each event, of those within `bounds` when given. A row that does not name the
        service it was sent for is told as event 0, which nobody sends."""
        found: Counter[Event] = Counter()
        for kind in KINDS:
            where = "" if bounds is None else f" WHERE number >= {bounds[0]} AND number < {bounds[1]}"
            rows = self.ask(
                f"SELECT toUInt64(if(service_name = {_SERVICE}, number, 0)) AS event, count() FROM "
                f"(SELECT {NUMBER[kind]} AS number, service_name FROM {self._database}.{kind}{where}) GROUP BY event "
                "FORMAT RowBinary"
            )
            for number, times in _ROW.iter_unpack(rows):
                found[Event(kind, number)] += times
        return found

    def holds(self, batch: Batch) -> bool:
        within = f"{NUMBER[batch.kind]} >= {batch.first} AND {NUMBER[batch.kind]} < {batch.end}"
        rows = int(self.ask(f"SELECT count() FROM {self._database}.{batch.kind} WHERE {within}"))
        return rows >= batch.end - batch.first

    def rollup_faults(self) -> list[str]:
        """Where a rollup of closed hours differs from what its raw rows add up to."""
        if not int(self.ask(f"SELECT count() FROM {self._database}.metrics WHERE {_CLOSED}")):
            return ["no row in a closed hour: nothing to compare"]
        found = []
        for name, (rollup, raw) in ROLLUPS.items():
            sql = (
                f"SELECT count() FROM ({rollup.format(db=self._database, closed=_CLOSED)}) AS rolled "
                f"FULL OUTER JOIN ({raw.format(db=self._database, closed=_CLOSED)}) AS raw USING (key) "
                "WHERE rolled.figures != raw.figures"
            )
            if differing := int(self.ask(sql)):
                found.append(f"{name}: {differing} differ from raw")
        return found

    def ask(self, sql: str) -> bytes:
        answer = httpx.post(self._url, content=sql, timeout=60)
        if answer.status_code != 200:
            raise RuntimeError(f"the store answered {answer.status_code}: {answer.text[:300]}")
        return answer.content
