"""Spans that the application opens itself: `with span("price")`, `async with`, or as a decorator."""

from __future__ import annotations

import functools
import inspect
import sys
from contextvars import Token
from time import perf_counter_ns
from types import TracebackType
from typing import Any, AsyncGenerator, Callable, Generator, Optional, Type, TypeVar, cast

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
        self._begin()
        self._become_current()
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self._step_back()
        self._end(kind)

    async def __aenter__(self) -> span:
        return self.__enter__()

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.__exit__(kind, error, trace)

    def __call__(self, function: _F) -> _F:
        """Decorate a function, coroutine function, generator function or asynchronous one: every call gets a span of
        its own. A generator's lasts from its first step to its end and is the current one within its steps only."""
        if isinstance(function, (staticmethod, classmethod)):
            return cast(_F, type(function)(self(function.__func__)))

        def another() -> span:
            return span(self.name, **self.attributes)

        if inspect.isasyncgenfunction(function):
            return cast(_F, _async_generator(another, function))
        if inspect.isgeneratorfunction(function):
            return cast(_F, _generator(another, function))
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def call_async(*args: Any, **kwargs: Any) -> Any:
                with another():
                    return await function(*args, **kwargs)

            return cast(_F, call_async)

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with another():
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

    def _begin(self) -> None:
        recorder = state.recorder()
        if recorder is not None:
            self._span = child(CURRENT.get(), recorder.floor)
            self._started_ns = perf_counter_ns()

    def _become_current(self) -> None:
        if self._span is not None:
            self._token = CURRENT.set(self._span)

    def _step_back(self) -> None:
        token, self._token = self._token, None
        if token is not None:
            leave(token)

    def _end(self, kind: Optional[Type[BaseException]]) -> None:
        ended_ns = perf_counter_ns()
        current, self._span = self._span, None
        recorder = state.recorder()
        if current is None or recorder is None:
            return
        # A generator that nobody wants more of has not failed.
        if kind is not None and kind is not GeneratorExit:
            current.error = kind.__qualname__
        recorder.emit((INTERNAL, self._started_ns, ended_ns, current, self.name, self.attributes))


def _generator(another: Callable[[], span], function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def iterate(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        generator, work = function(*args, **kwargs), another()

        def step(call: Callable[..., Any], *sent: Any) -> Any:
            work._become_current()
            try:
                return call(*sent)
            finally:
                work._step_back()

        work._begin()
        failed: Optional[Type[BaseException]] = None
        call, sent = generator.send, None
        try:
            while True:
                try:
                    item = step(call, sent)
                except StopIteration as stop:
                    return stop.value
                sent = None
                try:
                    call, sent = generator.send, (yield item)
                except GeneratorExit:
                    step(generator.close)
                    raise
                except BaseException as thrown:
                    call, sent = generator.throw, thrown
        except BaseException as error:
            failed = type(error)
            raise
        finally:
            work._end(failed)

    return iterate


def _async_generator(another: Callable[[], span], function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def iterate(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        generator, work = function(*args, **kwargs), another()

        async def step(call: Callable[..., Any], *sent: Any) -> Any:
            work._become_current()
            try:
                return await call(*sent)
            finally:
                work._step_back()

        work._begin()
        failed: Optional[Type[BaseException]] = None
        call, sent = _unregistered(generator), None
        try:
            while True:
                try:
                    item = await step(call, sent)
                except StopAsyncIteration:
                    return
                sent = None
                try:
                    call, sent = generator.asend, (yield item)
                except GeneratorExit:
                    await step(generator.aclose)
                    raise
                except BaseException as thrown:
                    call, sent = generator.athrow, thrown
        except BaseException as error:
            failed = type(error)
            raise
        finally:
            work._end(failed)

    return iterate


def _unregistered(generator: Any) -> Callable[[None], Any]:
    """The first step of an asynchronous generator, unknown to the event loop.

    The loop closes every generator it knows of when it ends. It knows ours, which closes this one; both at once would
    get in each other's way.
    """

    def first(sent: None) -> Any:
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(None, None)
        try:
            return generator.asend(sent)
        finally:
            sys.set_asyncgen_hooks(*hooks)

    return first
