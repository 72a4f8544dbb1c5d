"""What the HTTP clients have in common: the trace headers of an outgoing call, its record, and who records it.

One exchange over the wire is one span. Clients lie on top of each other, though, and a call must count once:

- requests, httpcore (below httpx), aiohttp and urllib3 record what they send. Where requests has begun a call, urllib3
  below it finds a request with the same traceparent and steps aside.
- What an application puts in their place (adapters and transports of its own) is recorded in case nothing below it is:
  who finds the traceparent of such a stand-in on a request takes the call over.
- OpenTelemetry's instrumentations lie above all of these places, whichever was installed first. A call that one of
  them has begun is theirs.

The context holds the call above, but only the traceparent tells that it is the same one: while a request is sent, the
application may send others, in the generator of its body for one.
"""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar, Token
from functools import lru_cache
from typing import Any, Optional, Union

from vantage_agent.context import CURRENT, Span, child, continued, traceparent_of, with_member
from vantage_agent.recorder import Recorder
from vantage_agent.records import CLIENT

_OTEL = "opentelemetry.instrumentation"
_DEFAULT_PORTS = {"http": 80, "https": 443}

log = logging.getLogger("vantage.agent")


class Call:
    """An outgoing call under way.

    span: None where somebody else records the call. traceparent, tracestate: what the request goes out with. added:
    whether the traceparent is ours. old_state: the tracestate that the request had before. yields: to who sends it.
    """

    __slots__ = ("added", "old_state", "span", "traceparent", "tracestate", "yields")

    def __init__(
        self, span: Optional[Span], traceparent: Optional[str], added: bool, tracestate: str, old_state: Optional[str]
    ) -> None:
        self.span = span
        self.traceparent = traceparent
        self.added = added
        self.tracestate = tracestate
        self.old_state = old_state
        self.yields = False


_ABOVE: ContextVar[Optional[Call]] = ContextVar("vantage_agent_call", default=None)


def start(recorder: Recorder, traceparent: Optional[str], tracestate: Optional[str]) -> Optional[Call]:
    """Begin a call whose request has these headers so far; None where it is part of what is being recorded already.

    A traceparent that is there already (another tracer's, or passed on by hand) stays, and the call is recorded in
    that trace. Our tracestate member is added in any case: it tells the receiver who called.
    """
    current = CURRENT.get()
    if current is not None and current.is_operation:
        return None
    if _OTEL in sys.modules and _opentelemetry_records(traceparent):
        return Call(None, traceparent, False, with_member(recorder.member, tracestate or ""), tracestate)
    if traceparent is not None:
        above = _ABOVE.get()
        if above is not None and above.traceparent == traceparent:
            if not above.yields:
                return None
            above.span = None
            traceparent, tracestate = None if above.added else traceparent, above.old_state
    span = None if traceparent is None else continued(traceparent, None)
    if span is None:
        span = child(current, recorder.floor)
    inherited = tracestate or span.tracestate
    state = with_member(recorder.member, inherited) if inherited else recorder.member
    if traceparent is None:
        return Call(span, traceparent_of(span), True, state, tracestate)
    return Call(span, traceparent, False, state, tracestate)


def begin(recorder: Recorder, headers: Any) -> Optional[Call]:
    """Start a call and put its headers into a mapping. None where the request is to go out untouched."""
    try:
        # requests' mapping raises an exception for every key that it misses; its lower-cased inside does not.
        names = getattr(headers, "_store", headers)
        call = start(
            recorder,
            headers["traceparent"] if "traceparent" in names else None,
            headers["tracestate"] if "tracestate" in names else None,
        )
        if call is not None:
            if call.added:
                headers["traceparent"] = call.traceparent
            headers["tracestate"] = call.tracestate
        return call
    except Exception:
        log.debug("trace headers could not be added", exc_info=True)
        return None


def finish(
    recorder: Recorder,
    call: Call,
    headers: Any,
    started_ns: int,
    ended_ns: int,
    method: str,
    url: Any,
    status: Optional[int],
    error: Optional[str],
) -> None:
    """Take our headers off the request again and record the call.

    Redirects, retries and authentication send copies of the same request; with our headers left on it the next hop
    would look as if the application had set them.
    """
    try:
        if call.added:
            del headers["traceparent"]
        if call.old_state is None:
            del headers["tracestate"]
        else:
            headers["tracestate"] = call.old_state
    except KeyError:
        # Whoever took the call over has done so already.
        pass
    except Exception:
        log.debug("trace headers could not be removed", exc_info=True)
    if call.span is not None:
        recorder.emit((CLIENT, started_ns, ended_ns, call.span, status, method, url, error))


def record(
    recorder: Recorder,
    call: Call,
    started_ns: int,
    ended_ns: int,
    method: str,
    url: Any,
    status: Optional[int],
    error: Optional[str],
) -> None:
    """Record the call, unless somebody else does."""
    if call.span is not None:
        recorder.emit((CLIENT, started_ns, ended_ns, call.span, status, method, url, error))


def enter(call: Call, yields: bool) -> Token[Optional[Call]]:
    """Show the call to clients below, who take it over (`yields`) or step aside, until `leave` is given the result."""
    call.yields = yields
    return _ABOVE.set(call)


def leave(token: Token[Optional[Call]]) -> None:
    try:
        _ABOVE.reset(token)
    except ValueError:
        # Of another context, in which there is nothing to restore: a coroutine closed elsewhere.
        return


def is_recorded_above(headers: Any) -> bool:
    """Whether a request with these headers is part of a call that somebody above records."""
    above = _ABOVE.get()
    return above is not None and not above.yields and bool(headers) and headers.get("traceparent") == above.traceparent


@lru_cache(maxsize=1024)
def origin(scheme: Union[str, bytes], host: Union[str, bytes], port: Optional[int]) -> str:
    """`scheme://host[:port]` without a default port: as much of a URL as a record needs."""
    scheme = scheme if isinstance(scheme, str) else scheme.decode("latin-1")
    host = host if isinstance(host, str) else host.decode("latin-1")
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return f"{scheme}://{host}" if port in (None, _DEFAULT_PORTS.get(scheme)) else f"{scheme}://{host}:{port}"


def _opentelemetry_records(traceparent: Optional[str]) -> bool:
    """Whether one of OpenTelemetry's instrumentations has begun the call that is about to be sent.

    Its span is then the current one. A span that is not sampled does not tell who made it, but was just written into
    the request.
    """
    otel: Any = sys.modules.get("opentelemetry.trace")
    if otel is None:
        return False
    span = otel.get_current_span()
    scope = getattr(span, "instrumentation_scope", None)
    if scope is not None:
        return span.kind is otel.SpanKind.CLIENT and scope.name.startswith(_OTEL)
    context = span.get_span_context()
    return bool(context.is_valid and traceparent is not None and traceparent[36:52] == "%016x" % context.span_id)
