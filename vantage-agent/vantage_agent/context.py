"""Trace context: the current span, and W3C traceparent / tracestate in and out.

Sampling is decided once, where a trace starts, from the low 56 bits of its id (the part W3C level 2 requires to be
random). Every service that knows the rate comes to the same verdict, and whoever receives the trace keeps to the flag.
"""

from __future__ import annotations

import re
from contextvars import ContextVar, Token
from functools import lru_cache
from random import getrandbits
from typing import Any, Callable, Match, Optional
from urllib.parse import quote, unquote

from vantage_agent.config import is_name

SAMPLED = 1
RANDOM_BITS = 56
RANDOM_MASK = (1 << RANDOM_BITS) - 1
MAX_STATE_MEMBERS = 32
MAX_STATE_LENGTH = 512

_TRACEPARENT = r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?\Z"
_MEMBER = "vantage="


class Span:
    """Identity of one unit of work. Ids are ints; they are written as hex only when they leave the process."""

    __slots__ = (
        "error", "flags", "is_operation", "local_root", "parent_id", "route", "span_id", "trace_id", "tracestate",
    )  # fmt: skip

    def __init__(
        self, trace_id: int, parent_id: int, flags: int, tracestate: Optional[str], local_root: bool = False
    ) -> None:
        self.trace_id = trace_id
        self.span_id = getrandbits(64) or 1
        self.parent_id = parent_id
        self.flags = flags
        self.tracestate = tracestate
        # True while this span stands for a request that a server of this process is answering.
        self.local_root = local_root
        # True for a statement, command or message: what lies below it is part of it.
        self.is_operation = False
        self.error: Optional[str] = None
        # Flask's URL rule, once it is known.
        self.route: Any = None


CURRENT: ContextVar[Optional[Span]] = ContextVar("vantage_agent_span", default=None)


def leave(token: Token[Optional[Span]]) -> None:
    """Make the span before `token` the current one again.

    Where the token belongs to another context (an async generator closed elsewhere, say) there is nothing to restore.
    """
    try:
        CURRENT.reset(token)
    except ValueError:
        return


def sampling_floor(sample_rate: float) -> int:
    """Least value of a trace id's random bits that is sampled; 2**56 (never reached) for a rate of 0."""
    return round((1.0 - sample_rate) * (1 << RANDOM_BITS))


def root(floor: int) -> Span:
    """A span that starts a trace."""
    trace_id = getrandbits(128) or 1
    return Span(trace_id, 0, SAMPLED if trace_id & RANDOM_MASK >= floor else 0, None)


def child(parent: Optional[Span], floor: int) -> Span:
    """A span below `parent`, or the start of a trace where there is none."""
    if parent is None:
        return root(floor)
    return Span(parent.trace_id, parent.span_id, parent.flags, parent.tracestate)


def _compile_and_match(traceparent: str) -> Optional[Match[str]]:
    """Until the first traceparent came: compiling takes longer than importing all of this module."""
    global _match
    _match = re.compile(_TRACEPARENT).match
    return _match(traceparent)


_match: Callable[[str], Optional[Match[str]]] = _compile_and_match


def continued(traceparent: str, tracestate: Optional[str]) -> Optional[Span]:
    """A span below the caller's, or None where the header is malformed (W3C: then act as if there were none)."""
    match = _match(traceparent)
    if match is None:
        return None
    version, trace, parent, flags, rest = match.groups()
    if version == "ff" or (rest and version == "00"):
        return None
    trace_id, parent_id = int(trace, 16), int(parent, 16)
    if not trace_id or not parent_id:
        return None
    return Span(trace_id, parent_id, int(flags, 16), tracestate)


def incoming(traceparent: Optional[str], tracestate: Optional[str], floor: int) -> Span:
    """The span of a request that came in."""
    span = continued(traceparent.strip(), tracestate) if traceparent else None
    if span is None:
        span = root(floor)
    span.local_root = True
    return span


def traceparent_of(span: Span) -> str:
    return "00-%032x-%016x-%02x" % (span.trace_id, span.span_id, span.flags)


def state_member(service_name: str) -> str:
    """The agent's own tracestate member; names outside tracestate's alphabet are percent-encoded."""
    return _MEMBER + quote(service_name, safe=":/")


@lru_cache(maxsize=1024)
def with_member(member: str, tracestate: str) -> str:
    """`member` put before the other vendors' members, an older one of ours removed, within W3C's limits."""
    members = [part for part in (part.strip() for part in tracestate.split(",")) if part]
    kept = [part for part in members if not part.startswith(_MEMBER)][: MAX_STATE_MEMBERS - 1]
    length = len(member)
    state = [member]
    for part in kept:
        length += 1 + len(part)
        if length > MAX_STATE_LENGTH:
            break
        state.append(part)
    return ",".join(state)


@lru_cache(maxsize=1024)
def caller_of(tracestate: str) -> Optional[str]:
    """Name of the calling service, or None. What is not a service name is not believed."""
    for part in tracestate.split(","):
        member = part.strip()
        if member.startswith(_MEMBER):
            name = unquote(member[len(_MEMBER) :])
            return name if is_name(name) else None
    return None
