"""Traces through systems that the agent does not know: into a carrier and out of it by hand."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextvars import Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, Iterable, MutableMapping, Optional, Tuple, Type

from vantage_agent import state
from vantage_agent.context import CURRENT, Span, continued, leave, traceparent_of, with_member

if TYPE_CHECKING:
    from typing import Union

    Carrier = Union[Mapping[Any, Any], Iterable[Tuple[Any, Any]]]

PARENT, STATE = "traceparent", "tracestate"

log = logging.getLogger("vantage.agent")


def inject(headers: Optional[MutableMapping[str, str]] = None) -> MutableMapping[str, str]:
    """Add `traceparent` and `tracestate` of the current span to a message's headers, and return them.

    headers: changed in place; a new dict where none are given. A `traceparent` that is there already stays. Adds
    nothing where no span is open or no agent runs.
    """
    if headers is None:
        headers = {}
    recorder, span = state.recorder(), CURRENT.get()
    if recorder is not None and span is not None and _found(headers.items(), PARENT) is None:
        inherited = span.tracestate
        headers[PARENT] = traceparent_of(span)
        headers[STATE] = with_member(recorder.member, inherited) if inherited else recorder.member
    return headers


class continue_trace:
    """`with continue_trace(headers):` what is recorded in the block belongs to the trace that a message came with.

    headers: a mapping, or (name, value) pairs; values may be bytes, and names of any case. Spans opened in the block
    are below the sender's. Without a valid `traceparent` the block is like any other. Does nothing while no agent runs.
    """

    def __init__(self, headers: Optional[Carrier]) -> None:
        self._headers = headers
        self._token: Optional[Token[Optional[Span]]] = None

    def __enter__(self) -> None:
        senders = None if state.recorder() is None else _senders(self._headers)
        if senders is not None:
            self._token = CURRENT.set(senders)

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        token, self._token = self._token, None
        if token is not None:
            leave(token)


def _senders(headers: Optional[Carrier]) -> Optional[Span]:
    """The sender's span as its headers tell of it: it is recorded there, and here only ever a parent."""
    try:
        pairs = list(headers.items() if isinstance(headers, Mapping) else headers or ())
        parent = _found(pairs, PARENT)
        span = None if parent is None else continued(parent.strip(), _found(pairs, STATE))
    except Exception:
        # No headers of any kind; what carries them is the application's business.
        log.debug("a carrier cannot be read", exc_info=True)
        return None
    if span is not None:
        span.span_id = span.parent_id
    return span


def _found(pairs: Iterable[Tuple[Any, Any]], name: str) -> Optional[str]:
    return next((_text(value) for key, value in pairs if _text(key).lower() == name), None)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
