"""What the request path hands to the exporter thread: plain tuples, first field the kind.

Plain tuples because a NamedTuple costs five times as much to make, and this is the one place where that matters. Their
types are text because nobody but a type checker looks at them, and to make them takes longer than all the rest here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vantage_agent.tuples import NamedTuple

if TYPE_CHECKING:
    from typing import Any, Mapping, Optional, Tuple, TypeAlias, Union

    from vantage_agent.context import Span

SERVER, CLIENT, INTERNAL, METRIC, LOG, OPERATION = range(6)

# Kind SERVER: start, end, span, status, method, route or None, exception's class name or None.
# Kind CLIENT: start, end, span, status or None, method, URL, exception's class name or None.
# start and end are perf_counter_ns readings; a CLIENT's URL is a str or an object with `netloc` (httpx.URL).
RequestRecord: TypeAlias = "Tuple[int, int, int, Span, Optional[int], str, Any, Optional[str]]"

# Kind INTERNAL: start, end, span, name, attributes.
InternalRecord: TypeAlias = "Tuple[int, int, int, Span, str, Mapping[str, object]]"

Tags: TypeAlias = "Tuple[Tuple[str, str], ...]"

# Kind METRIC: time in ms, name, value, type, tags, trace id or None, span id or None, whether the user gave them.
MetricRecord: TypeAlias = "Tuple[int, float, str, float, str, Tags, Optional[str], Optional[str], bool]"

# Kind LOG: time in ms, severity, text, attributes, span or None.
LogRecord: TypeAlias = "Tuple[int, float, str, str, Mapping[str, str], Optional[Span]]"


class Target(NamedTuple):
    """What an operation other than an HTTP request is done on. Few differ, so make one of a kind and keep it.

    metric: where its durations go, or "" where only the span is told. kind: of the span: client, producer or consumer.
    name: of the span and `endpoint` of the metric, out of a small set: `SELECT orders`, `GET`, `send orders`; never a
    value, a key or a statement. tags: of the metric. attributes: of the span; both by OpenTelemetry's names
    (`db.system.name`, ...).
    """

    metric: str
    kind: str
    name: str
    tags: Tags
    attributes: Tuple[Tuple[str, object], ...]


# Kind OPERATION: start, end, span, target, exception's class name or None.
OperationRecord: TypeAlias = "Tuple[int, int, int, Span, Target, Optional[str]]"

TimedRecord: TypeAlias = "Union[RequestRecord, OperationRecord]"
Record: TypeAlias = "Union[RequestRecord, InternalRecord, MetricRecord, LogRecord, OperationRecord]"
