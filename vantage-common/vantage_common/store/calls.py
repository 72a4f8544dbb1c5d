"""Who called whom, told from spans: the rows of the view `calls`, and what `edges_1m` adds up of them. Pure.

A server or consumer span is a call from the service that its `caller` names, else from the service of its parent span.
A client or producer span that nobody answered is a call to what its attributes name: a database, a queue or some
other address. Nothing is guessed: a service is only ever one that sent the span at the other end.

A parent is looked for from ten minutes before a span to a minute after it, for clocks differ; a call is answered by a
child that began within four minutes. So no call depends on the range that is asked for, and an hour that is rolled up
five minutes after its end has seen all of its other ends that came in time. A span that came twice is one call.
"""

from typing import Final

from vantage_common.errors import UserError
from vantage_common.store.differences import LOOKBACK_MS
from vantage_common.store.plan import Call, Column, Expr, Time

SKEW_MS: Final = 60_000
"""How much later than its child a parent may seem to begin."""
ANSWERED_MS: Final = 240_000

DATABASE_KEYS: Final = ("db.system.name", "db.system")
DATABASE_NAME_KEYS: Final = ("db.namespace", "db.name")
QUEUE_KEYS: Final = ("messaging.system",)
QUEUE_NAME_KEYS: Final = ("messaging.destination.name", "messaging.destination")
PEER_KEYS: Final = ("peer.service", "server.address", "net.peer.name")
"""Attributes by OpenTelemetry's semantic conventions, the current name first."""

_ANSWERING: Final = "('server', 'consumer')"
_ASKING: Final = "('client', 'producer')"
_KEY: Final = "sipHash128(workspace, trace_id, {})"


def call_rows(spans: str, scope: str, within: str, around: str) -> str:
    """In ClickHouse's SQL: workspace, service_name, caller, environment, kind, timestamp, duration_ms, status, and
    `_weight`, 0 for a client span that a service answered.

    `within` chooses the spans that are calls, `around` those where the other end may be; `scope` holds for both.
    """
    columns = "workspace, service_name, caller, environment, kind, timestamp, duration_ms, status, _weight"
    answered = (
        "SELECT *, if(named != '', named, if(_above_at BETWEEN timestamp - "
        f"INTERVAL {LOOKBACK_MS // 1000} SECOND AND timestamp + INTERVAL {SKEW_MS // 1000} SECOND, above, '')) "
        f"AS caller FROM ({_answered(spans, scope, within)}) AS below "
        f"GLOBAL LEFT ANY JOIN ({_parents(spans, scope, within, around)}) AS parents USING (_key)"
    )
    unanswered = (
        "SELECT *, toUInt64(kind = 'database' OR NOT (_below_at BETWEEN timestamp - "
        f"INTERVAL {SKEW_MS // 1000} SECOND AND timestamp + INTERVAL {ANSWERED_MS // 1000} SECOND)) AS _weight "
        f"FROM ({_asked(spans, scope, within)}) AS asked "
        f"GLOBAL LEFT ANY JOIN ({_children(spans, scope, around)}) AS children USING (_key)"
    )
    return (
        f"SELECT {columns} FROM ({answered}) WHERE caller NOT IN ('', service_name) "
        f"UNION ALL SELECT {columns} FROM ({unanswered})"
    )


def _answered(spans: str, scope: str, within: str) -> str:
    """Server and consumer spans, each once; `_key` is their parent."""
    return (
        "SELECT workspace, service_name, environment, kind, timestamp, duration_ms, status, named, _weight, _key FROM ("
        "SELECT workspace, trace_id, span_id, any(s.service_name) AS service_name, any(s.environment) AS environment, "
        "if(any(s.kind) = 'consumer', 'messaging', 'service') AS kind, min(s.timestamp) AS timestamp, "
        "max(s.duration_ms) AS duration_ms, if(max(s.status = 'error'), 'error', 'ok') AS status, "
        f"any(s.caller) AS named, toUInt64(1) AS _weight, {_KEY.format('any(s.parent_span_id)')} AS _key "
        f"FROM {spans} AS s WHERE {scope} AND {within} AND s.kind IN {_ANSWERING} "
        "GROUP BY workspace, trace_id, span_id)"
    )


def _parents(spans: str, scope: str, within: str, around: str) -> str:
    """The parents of those that do not say themselves who called."""
    key = _KEY.format("span_id")
    wanted = (
        f"SELECT {_KEY.format('parent_span_id')} FROM {spans} "
        f"WHERE {scope} AND {within} AND kind IN {_ANSWERING} AND caller = '' AND parent_span_id != ''"
    )
    return (
        f"SELECT {key} AS _key, any(service_name) AS above, min(p.timestamp) AS _above_at FROM {spans} AS p "
        f"WHERE {scope} AND {around} AND {key} GLOBAL IN ({wanted}) GROUP BY _key"
    )


def _asked(spans: str, scope: str, within: str) -> str:
    """Client and producer spans whose attributes name what they called, each once; `_key` is the span."""

    def first(keys: tuple[str, ...]) -> str:
        return "coalesce(" + ", ".join(f"nullIf(s.attributes['{key}'], '')" for key in keys) + ", '')"

    database, queue, peer = first(DATABASE_KEYS), first(QUEUE_KEYS), first(PEER_KEYS)
    kind = f"multiIf({database} != '', 'database', {queue} != '', 'queue', 'external')"
    name = (
        f"multiIf({database} != '', concat({database}, '/', {first(DATABASE_NAME_KEYS)}), "
        f"{queue} != '', concat({queue}, '/', {first(QUEUE_NAME_KEYS)}), {peer})"
    )
    return (
        "SELECT workspace, trim(TRAILING '/' FROM leaf) AS service_name, caller, environment, leaf_kind AS kind, "
        "timestamp, duration_ms, status, _key FROM ("
        f"SELECT workspace, trace_id, span_id, any({name}) AS leaf, any({kind}) AS leaf_kind, "
        "any(s.service_name) AS caller, any(s.environment) AS environment, min(s.timestamp) AS timestamp, "
        "max(s.duration_ms) AS duration_ms, if(max(s.status = 'error'), 'error', 'ok') AS status, "
        f"{_KEY.format('span_id')} AS _key "
        f"FROM {spans} AS s WHERE {scope} AND {within} AND s.kind IN {_ASKING} "
        "GROUP BY workspace, trace_id, span_id) WHERE leaf != ''"
    )


def _children(spans: str, scope: str, around: str) -> str:
    return (
        f"SELECT {_KEY.format('parent_span_id')} AS _key, min(c.timestamp) AS _below_at FROM {spans} AS c "
        f"WHERE {scope} AND {around} AND kind IN {_ANSWERING} AND parent_span_id != '' GROUP BY _key"
    )


def call_rows_sqlite(within: str) -> str:
    """The same in SQLite's SQL, of the spans `t` that `within` chooses, which are one workspace's; only those that
    weigh. The other ends are found by an index."""

    def first(keys: tuple[str, ...]) -> str:
        paths = ", ".join(f"nullif(json_extract(t.attributes, '$.\"{key}\"'), '')" for key in keys)
        return f"coalesce({paths}, '')"

    database, queue, peer = first(DATABASE_KEYS), first(QUEUE_KEYS), first(PEER_KEYS)
    kind = f"CASE WHEN {database} != '' THEN 'database' WHEN {queue} != '' THEN 'queue' ELSE 'external' END"
    name = (
        f"CASE WHEN {database} != '' THEN rtrim({database} || '/' || {first(DATABASE_NAME_KEYS)}, '/') "
        f"WHEN {queue} != '' THEN rtrim({queue} || '/' || {first(QUEUE_NAME_KEYS)}, '/') ELSE {peer} END"
    )
    once = (
        "min(t.timestamp) AS timestamp, max(t.duration_ms) AS duration_ms, "
        "CASE WHEN max(t.status = 'error') THEN 'error' ELSE 'ok' END AS status"
    )
    answered = (
        "SELECT t.workspace, t.service_name, CASE WHEN t.caller != '' THEN t.caller "
        "ELSE coalesce(max(p.service_name), '') END AS caller, t.environment, "
        f"CASE t.kind WHEN 'consumer' THEN 'messaging' ELSE 'service' END AS kind, {once} FROM spans AS t "
        "LEFT JOIN spans AS p ON p.trace_id = t.trace_id AND p.span_id = t.parent_span_id "
        "AND p.workspace = t.workspace AND t.parent_span_id != '' "
        f"AND p.timestamp BETWEEN t.timestamp - {LOOKBACK_MS} AND t.timestamp + {SKEW_MS} "
        f"WHERE {within} AND t.kind IN {_ANSWERING} GROUP BY t.trace_id, t.span_id"
    )
    answer = (
        "SELECT 1 FROM spans AS c WHERE c.trace_id = t.trace_id AND c.parent_span_id = t.span_id "
        f"AND c.workspace = t.workspace AND c.kind IN {_ANSWERING} "
        f"AND c.timestamp BETWEEN t.timestamp - {SKEW_MS} AND t.timestamp + {ANSWERED_MS}"
    )
    unanswered = (
        f"SELECT t.workspace, {name} AS service_name, t.service_name AS caller, t.environment, {kind} AS kind, {once} "
        f"FROM spans AS t WHERE {within} AND t.kind IN {_ASKING} AND ({database} != '' OR NOT EXISTS ({answer})) "
        "GROUP BY t.trace_id, t.span_id"
    )
    return (
        f"SELECT * FROM ({answered}) WHERE caller NOT IN ('', service_name) "
        f"UNION ALL SELECT * FROM ({unanswered}) WHERE service_name != ''"
    )


def bounds(where: Expr | None) -> tuple[int, int]:
    """The range of times in a plan's filter, as `plan.between` makes it: the view is read for a range only.

    Raises UserError without one.
    """
    found = dict(_limits(where))
    if ">=" not in found or "<" not in found:
        raise UserError("bad_query", "calls are read for a range of time: the filter needs a begin and an end")
    return found[">="], found["<"]


def _limits(where: Expr | None) -> list[tuple[str, int]]:
    match where:
        case Call("and", args):
            return [limit for arg in args for limit in _limits(arg)]
        case Call(">=" | "<" as function, (Column("timestamp"), Time(ms))):
            return [(function, ms)]
        case _:
            return []
