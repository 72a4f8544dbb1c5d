"""What requests and httpx have in common: the headers of an outgoing call and its record."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple, Optional

from vantage_agent.context import CURRENT, Span, child, continued, traceparent_of, with_member
from vantage_agent.recorder import Recorder
from vantage_agent.records import CLIENT

log = logging.getLogger("vantage.agent")


class Call(NamedTuple):
    """An outgoing call under way, and which headers it added."""

    span: Span
    sets_parent: bool
    old_state: Optional[str]


def begin(recorder: Recorder, headers: Any) -> Optional[Call]:
    """Add trace headers to a request; None where that fails, and the call then goes out untouched.

    A traceparent that is there already (another tracer's, or passed on by hand) stays, and the call is recorded in
    that trace. Our tracestate member is added in any case: it tells the receiver who called.
    """
    try:
        existing = headers.get("traceparent")
        state = headers.get("tracestate")
        span = None if existing is None else continued(existing, None)
        if span is None:
            span = child(CURRENT.get(), recorder.floor)
        if existing is None:
            headers["traceparent"] = traceparent_of(span)
        inherited = state or span.tracestate
        headers["tracestate"] = recorder.member if not inherited else with_member(recorder.member, inherited)
        return Call(span, existing is None, state)
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
    """Record the call, and take our headers off the request again.

    Redirects, retries and authentication send copies of the same request; with our headers left on it the next hop
    would look as if the application had set them.
    """
    try:
        if call.sets_parent:
            del headers["traceparent"]
        if call.old_state is None:
            del headers["tracestate"]
        else:
            headers["tracestate"] = call.old_state
    except Exception:
        log.debug("trace headers could not be removed", exc_info=True)
    recorder.emit((CLIENT, started_ns, ended_ns, call.span, status, method, url, error))
