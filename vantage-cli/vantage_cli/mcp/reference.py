"""VQL on one page, for a model that writes it. Tables, columns and functions are those of the catalog."""

from vantage_common.store.catalog import TABLES, TableInfo
from vantage_common.store.functions import FUNCTIONS

RULES = """VQL reads monitoring data. A query is one SELECT over one table:

SELECT columns or aggregates FROM metrics | spans | logs
[WHERE up to 10 conditions] [GROUP BY …] [HAVING …] [ORDER BY … DESC] [LIMIT 1 to 10000, default 1000]
[SINCE 1 HOUR | SINCE '2026-01-31T12:00:00Z'] [UNTIL …] [TIMESERIES 5 MINUTE]

- No joins, no subqueries, no functions but those below. Texts are in single quotes.
- A row of metrics stands for `count` observations; aggregates honour that by themselves.
- SINCE and UNTIL bound the time. TIMESERIES n unit adds a column `time` and groups by it.
- Labels: tags['region'] in metrics, attributes['db.system'] in spans and logs.
- Every aggregate has a form with a condition: countIf(status_code >= 500), p95If(value, method = 'GET').
- rate(value) is for counters and needs SINCE or TIMESERIES. Requests are metric_name = 'http.request.duration', in ms.

Examples
SELECT service_name, count() AS requests, p95(value) AS p95_ms FROM metrics
  WHERE metric_name = 'http.request.duration' GROUP BY service_name ORDER BY p95_ms DESC SINCE 1 HOUR
SELECT countIf(status_code >= 500) / count() AS error_ratio FROM metrics
  WHERE metric_name = 'http.request.duration' AND service_name = 'checkout' TIMESERIES 5 MINUTE SINCE 6 HOURS
SELECT timestamp, service_name, body FROM logs WHERE severity = 'ERROR' AND body ILIKE '%timeout%' LIMIT 50 SINCE 1 DAY
"""


def reference() -> str:
    functions = sorted({function.vql for function in FUNCTIONS.values() if function.vql and function.vql[0].isalpha()})
    return "\n".join([RULES, *(_table(table) for table in TABLES.values()), f"Functions: {' '.join(functions)}"])


def _table(table: TableInfo) -> str:
    return "\n".join(
        [f"Table {table.name}", *(f"  {column.name}: {column.doc}" for column in table.public_columns), ""]
    )
