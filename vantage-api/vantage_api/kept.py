"""Answers kept for a short while, so that ten people looking at one dashboard ask the store once.

Only what is asked for with a beginning is kept, and no answer is older than a minute. Of a range that ends in the past
times count to the millisecond. Of one that reaches up to now they count in steps of at most 1/120 of the range: who
repeats the question of a chart within a step is given the answer of the step. Shorter ranges are always asked anew.

The workspace is a field of the plan, and so a part of what an answer is found by.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from sys import getsizeof
from typing import Any, Final

from vantage_common.clock import Clock
from vantage_common.store.intervals import BEGIN
from vantage_common.store.plan import Call, Expr, QueryPlan, Result, Time
from vantage_common.store.rollup_plan import fit

from vantage_api.metrics import ApiMetrics

KEPT_S: Final = 60.0
MAX_ANSWERS: Final = 1000
MAX_BYTES: Final = 64 << 20
MAX_ANSWER_BYTES: Final = 8 << 20
_STEPS_MS: Final = (60_000, 30_000, 15_000, 10_000, 5_000)
_STEPS_A_RANGE: Final = 120


@dataclass(frozen=True, slots=True)
class Answer:
    """`cached` says that the store was not asked for this one alone."""

    result: Result
    cached: bool


@dataclass(frozen=True, slots=True)
class _Held:
    result: Result
    size: int
    until_s: float


@dataclass(slots=True)
class _Asking:
    """A question on its way, and how many wait for its answer."""

    task: "asyncio.Task[Result]"
    waiting: int = field(default=0)


class KeptAnswers:
    """Bounded in number and bytes; what was not used for longest goes first."""

    def __init__(
        self, clock: Clock, metrics: ApiMetrics, *, max_answers: int = MAX_ANSWERS, max_bytes: int = MAX_BYTES
    ) -> None:
        self._clock = clock
        self._metrics = metrics
        self._max_answers = max_answers
        self._max_bytes = max_bytes
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._asking: dict[str, _Asking] = {}
        self._bytes = 0

    async def answer(
        self, plan: QueryPlan, ask: Callable[[QueryPlan], Awaitable[Result]], *, even_nothing: bool = False
    ) -> Answer:
        """The answer of `ask`, or one that was given lately. Raises what `ask` raises, which is never kept.

        Who finds nothing has just sent something, as a rule, and looks again for it: an answer that says nothing is
        given twice to those alone who say `even_nothing`.

        Those who ask the same at the same time wait for one answer; when the last of them has gone, `ask` is cancelled.
        """
        key = key_of(plan, self._clock.now_ms())
        if key is None:
            self._metrics.kept_answers.labels("passed").inc()
            return Answer(await ask(plan), cached=False)
        held = self._find(key)
        if held is not None and (even_nothing or says_something(held)):
            self._metrics.kept_answers.labels("hit").inc()
            return Answer(held, cached=True)
        asking = self._asking.get(key)
        self._metrics.kept_answers.labels("miss" if asking is None else "joined").inc()
        return Answer(await self._wait(key, asking or self._begin(key, plan, ask)), cached=asking is not None)

    def _find(self, key: str) -> Result | None:
        held = self._held.get(key)
        if held is None:
            return None
        if held.until_s <= self._clock.monotonic():
            self._drop(key)
            return None
        self._held.move_to_end(key)
        return held.result

    def _begin(self, key: str, plan: QueryPlan, ask: Callable[[QueryPlan], Awaitable[Result]]) -> _Asking:
        async def work() -> Result:
            try:
                result = await ask(plan)
                self._keep(key, result, await asyncio.to_thread(size_of, (key, result.rows)))
                return result
            finally:
                if self._asking.get(key) is asking:
                    del self._asking[key]

        asking = self._asking[key] = _Asking(asyncio.create_task(work()))
        return asking

    async def _wait(self, key: str, asking: _Asking) -> Result:
        asking.waiting += 1
        try:
            return await asyncio.shield(asking.task)
        finally:
            asking.waiting -= 1
            if not asking.waiting and not asking.task.done():
                if self._asking.get(key) is asking:
                    del self._asking[key]
                asking.task.cancel()

    def _keep(self, key: str, result: Result, size: int) -> None:
        if size > MAX_ANSWER_BYTES:
            return
        self._drop(key)
        self._held[key] = _Held(result, size, self._clock.monotonic() + KEPT_S)
        self._bytes += size
        while len(self._held) > self._max_answers or self._bytes > self._max_bytes:
            self._drop(next(iter(self._held)))
        self._show()

    def _drop(self, key: str) -> None:
        held = self._held.pop(key, None)
        if held is not None:
            self._bytes -= held.size
            self._show()

    def _show(self) -> None:
        self._metrics.kept_answers_held.set(len(self._held))
        self._metrics.kept_answers_bytes.set(self._bytes)


def key_of(plan: QueryPlan, now_ms: int) -> str | None:
    """What answers to the same question are found by; None for a question that is always asked anew.

    It is the text of the plan with all of its types: 1 and 1.0 and true are equal, but their answers are not.
    """
    hull = fit(plan).hull
    if not hull or hull[0][0] == BEGIN:
        return None
    start, end = hull[0][0], hull[-1][1]
    if end <= now_ms - _STEPS_MS[0]:
        return repr(plan)
    step = next((step for step in _STEPS_MS if step * _STEPS_A_RANGE <= min(end, now_ms) - start), None)
    if step is None or plan.where is None:
        return None
    return repr(replace(plan, where=_in_steps(plan.where, step)))


def _in_steps(expr: Expr, step_ms: int) -> Expr:
    match expr:
        case Time(ms):
            return Time(ms // step_ms * step_ms)
        case Call(function, args, params):
            return Call(function, tuple(_in_steps(arg, step_ms) for arg in args), params)
        case _:
            return expr


def says_something(result: Result) -> bool:
    """Whether it has a row that is more than zeros and nothings: a count over no rows is a row, too."""
    # NaN is not itself.
    return any(value and value == value for row in result.rows for value in row)


def size_of(value: Any) -> int:
    """Bytes of memory that a value and all in it take."""
    size = getsizeof(value)
    if isinstance(value, tuple | list):
        size += sum(size_of(item) for item in value)
    elif isinstance(value, dict):
        size += sum(size_of(item) for pair in value.items() for item in pair)
    return size
