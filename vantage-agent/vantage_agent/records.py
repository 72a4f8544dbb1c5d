"""What the request path hands to the exporter thread: plain tuples, first field the kind.

Plain tuples because a NamedTuple costs five times as much to make, and this is the one place where that matters.
"""

from __future__ import annotations

from typing import Any, Mapping, Optional, Tuple, Union

from vantage_agent.context import Span

SERVER, CLIENT, INTERNAL, METRIC, LOG = range(5)

# Kind SERVER: start, end, span, status, method, route or None, exception's class name or None.
# Kind CLIENT: start, end, span, status or None, method, URL, exception's class name or None.
# start and end are perf_counter_ns readings; a CLIENT's URL is a str or an object with `netloc` (httpx.URL).
RequestRecord = Tuple[int, int, int, Span, Optional[int], str, Any, Optional[str]]

# Kind INTERNAL: start, end, span, name, attributes.
InternalRecord = Tuple[int, int, int, Span, str, Mapping[str, object]]

Tags = Tuple[Tuple[str, str], ...]

# Kind METRIC: time in ms, name, value, type, tags, trace id or None, span id or None, whether the user gave them.
MetricRecord = Tuple[int, float, str, float, str, Tags, Optional[str], Optional[str], bool]

# Kind LOG: time in ms, severity, text, attributes, span or None.
LogRecord = Tuple[int, float, str, str, Mapping[str, str], Optional[Span]]

Record = Union[RequestRecord, InternalRecord, MetricRecord, LogRecord]
