"""Work that a service has others do for it, or does for others, without HTTP: statements, commands, messages, tasks."""

from __future__ import annotations

from contextvars import Token
from time import perf_counter_ns
from types import TracebackType
from typing import Optional, Type

from vantage_agent.context import CURRENT, Span, child, leave
from vantage_agent.recorder import Recorder
from vantage_agent.records import OPERATION, Target

DB_METRIC = "db.client.operation.duration"
SENT_METRIC = "messaging.client.operation.duration"
PROCESSED_METRIC = "messaging.process.duration"


class operation:
    """`with operation(recorder, target):` around the work; in coroutine functions too.

    The work's span is the current one in the meantime, so a driver below an already instrumented library can see that
    it is (`within_operation`) and step aside. An exception marks it as failed and goes on unchanged. `span`: where the
    work belongs to a trace that came from elsewhere (a message's), made by `context.incoming`.
    """

    __slots__ = ("_recorder", "_started_ns", "_token", "span", "target")

    def __init__(self, recorder: Recorder, target: Target, span: Optional[Span] = None) -> None:
        self._recorder = recorder
        self.target = target
        self.span = child(CURRENT.get(), recorder.floor) if span is None else span
        self.span.is_operation = target.kind != "consumer"
        self._token: Optional[Token[Optional[Span]]] = None
        self._started_ns = 0

    def __enter__(self) -> operation:
        self._token = CURRENT.set(self.span)
        self._started_ns = perf_counter_ns()
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        ended_ns = perf_counter_ns()
        if self._token is not None:
            leave(self._token)
        self.finish(ended_ns, None if kind is None else kind.__qualname__)

    def finish(self, ended_ns: int, error: Optional[str]) -> None:
        """Record it; called by `with`, or by who begins in one callback and ends in another."""
        self.span.local_root = False
        self._recorder.emit((OPERATION, self._started_ns, ended_ns, self.span, self.target, error))

    def begin(self) -> operation:
        """Start the clock without becoming current; `finish` ends it."""
        self._started_ns = perf_counter_ns()
        return self


def within_operation() -> bool:
    """Whether the caller works for an operation that is being recorded already."""
    current = CURRENT.get()
    return current is not None and current.is_operation
