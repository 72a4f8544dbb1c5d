"""Spans that the application opens itself: `with span("price")`, `async with`, or as a decorator."""

from __future__ import annotations

import functools
import inspect
from contextvars import Token
from time import perf_counter_ns
from types import TracebackType
from typing import Any, Callable, Optional, Type, TypeVar, cast

from vantage_agent import state
from vantage_agent.context import CURRENT, Span, child, leave
from vantage_agent.records import INTERNAL

_F = TypeVar("_F", bound=Callable[..., Any])


class span:
    """Time a piece of work as a child of the current span.

    `name` should come from a small set; put what varies into attributes (str, number or bool; others become text).
    An exception marks the span as failed and goes on unchanged. Does nothing while the agent is not initialised.
    """

    def __init__(self, name: str, **attributes: object) -> None:
        self.name = str(name)
        self.attributes = attributes
        self._span: Optional[Span] = None
        self._token: Optional[Token[Optional[Span]]] = None
        self._started_ns = 0

    def __enter__(self) -> span:
        recorder = state.recorder()
        if recorder is not None:
            self._span = child(CURRENT.get(), recorder.floor)
            self._token = CURRENT.set(self._span)
            self._started_ns = perf_counter_ns()
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        current, token = self._span, self._token
        self._span = self._token = None
        if current is None or token is None:
            return
        ended_ns = perf_counter_ns()
        leave(token)
        recorder = state.recorder()
        if recorder is not None:
            if kind is not None:
                current.error = kind.__qualname__
            recorder.emit((INTERNAL, self._started_ns, ended_ns, current, self.name, self.attributes))

    async def __aenter__(self) -> span:
        return self.__enter__()

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.__exit__(kind, error, trace)

    def __call__(self, function: _F) -> _F:
        """Decorate a function or coroutine function: every call gets a span of its own."""
        name, attributes = self.name, self.attributes
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def call_async(*args: Any, **kwargs: Any) -> Any:
                with span(name, **attributes):
                    return await function(*args, **kwargs)

            return cast(_F, call_async)

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with span(name, **attributes):
                return function(*args, **kwargs)

        return cast(_F, call)

    def set_attribute(self, key: str, value: object) -> None:
        """Add or replace an attribute."""
        self.attributes[key] = value

    @property
    def trace_id(self) -> Optional[str]:
        """32 hex digits while the span is open, else None."""
        return None if self._span is None else "%032x" % self._span.trace_id

    @property
    def span_id(self) -> Optional[str]:
        """16 hex digits while the span is open, else None."""
        return None if self._span is None else "%016x" % self._span.span_id
