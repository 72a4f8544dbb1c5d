"""Answers kept for a short while, so that ten people looking at one dashboard ask the store once.

Only what is asked for with a beginning is kept. Of a range that ends in the past times count to the millisecond, and
its answer is fresh for a minute. Of one that reaches up to now they count in steps of at most 1/120 of the range, and
its answer is fresh for a step. For as long again the views of a dashboard, which ask again and again, do not wait: they
are given the older answer while it is renewed behind, one at a time (stale-while-revalidate, RFC 5861). Ranges under
ten minutes are always asked anew.

The workspace is a field of the plan, and so a part of what an answer is found by.

A view, which is made of the answers to several questions, is kept as a whole by the same rules: as it is sent, with the
range it is of.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from sys import getsizeof
from typing import Any, Final, TypeVar, cast

from vantage_common.clock import Clock
from vantage_common.store.intervals import BEGIN
from vantage_common.store.plan import Call, Expr, QueryPlan, Result, Time
from vantage_common.store.rollup_plan import fit

from vantage_api.metrics import ApiMetrics

KEPT_S: Final = 60.0
MAX_ANSWERS: Final = 1000
MAX_BYTES: Final = 64 << 20
MAX_ANSWER_BYTES: Final = 8 << 20
MAX_RENEWED: Final = 1
"""At once, so that those who wait for an answer come first: with two, the slowest took half as long again."""
_STEPS_MS: Final = (60_000, 30_000, 15_000, 10_000, 5_000)
_STEPS_A_RANGE: Final = 120


@dataclass(frozen=True, slots=True)
class Key:
    """What answers to the same question are found by, until when it asks, and for how many seconds one is fresh."""

    text: str
    end_ms: int
    fresh_s: float

    def is_met_by(self, end_ms: int, *, steps: int) -> bool:
        """Whether an answer until then is one to this question, or an older one, but for so many steps."""
        step_ms = self.fresh_s * 1000
        return -step_ms < self.end_ms - end_ms <= steps * step_ms


@dataclass(frozen=True, slots=True)
class Answer:
    """`cached` says that the store was not asked for this one alone."""

    result: Result
    cached: bool


@dataclass(frozen=True, slots=True)
class View:
    """A view as it is sent, in JSON. One that is not `whole` lacks what the next may have; no view is fresh for longer
    than `most_s`."""

    body: bytes
    whole: bool
    most_s: float = KEPT_S


@dataclass(frozen=True, slots=True)
class Question:
    """All that a view depends on but the time: whose rows, `about` what of them, which is told from others by its text,
    and the range."""

    workspace: str
    about: tuple[object, ...]
    start_ms: int
    end_ms: int


T = TypeVar("T", Result, View)


@dataclass(frozen=True, slots=True)
class _Held:
    value: Result | View
    size: int
    end_ms: int
    fresh_until_s: float
    until_s: float


@dataclass(slots=True)
class _Asking:
    """A question on its way, and how many wait for its answer."""

    task: "asyncio.Task[Result | View]"
    end_ms: int
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
        self._renewing: set[asyncio.Task[Result | View]] = set()
        self._bytes = 0

    @property
    def renewing(self) -> int:
        """How many are being renewed behind."""
        return len(self._renewing)

    async def answer(
        self,
        plan: QueryPlan,
        ask: Callable[[QueryPlan], Awaitable[Result]],
        *,
        even_nothing: bool = False,
        even_older: bool = False,
        past_s: float = KEPT_S,
    ) -> Answer:
        """The answer of `ask`, or one that was given lately. Raises what `ask` raises, which is never kept.

        Who says `even_older` never waits for an answer to be renewed; others are given none but a fresh one. An answer
        about the past is fresh for `past_s`.

        Who finds nothing has just sent something, as a rule, and looks again for it: an answer that says nothing is
        given twice to those alone who say `even_nothing`.

        Those who ask the same at the same time wait for one answer; when the last of them has gone, `ask` is cancelled.
        """
        key = key_of(plan, self._clock.now_ms(), past_s)
        if key is None:
            self._metrics.kept_answers.labels("passed").inc()
            return Answer(await ask(plan), cached=False)
        result, cached = await self._given(key, lambda: ask(plan), even_nothing=even_nothing, even_older=even_older)
        return Answer(result, cached)

    async def view(self, question: Question, make: Callable[[], Awaitable[View]]) -> bytes:
        """The view that `make` makes, or one that was made lately. It is given as long again as it is fresh while it is
        renewed behind; one that is not whole is never given twice. Else as `answer`."""
        key = key_of_view(question, self._clock.now_ms())
        if key is None:
            self._metrics.kept_answers.labels("passed").inc()
            return (await make()).body
        view, cached = await self._given(key, make, even_nothing=False, even_older=True)
        return view.body if view.whole or not cached else (await make()).body

    async def _given(
        self, key: Key, make: Callable[[], Awaitable[T]], *, even_nothing: bool, even_older: bool
    ) -> tuple[T, bool]:
        """What `make` makes or has made, and whether it was not for this one alone."""
        held = self._find(key.text)
        if held is not None and (even_nothing or says_something(held.value)):
            if self._clock.monotonic() < held.fresh_until_s and key.is_met_by(held.end_ms, steps=1):
                self._metrics.kept_answers.labels("hit").inc()
                return cast(T, held.value), True
            if even_older and key.is_met_by(held.end_ms, steps=2):
                self._metrics.kept_answers.labels("older").inc()
                self._renew(key, make)
                return cast(T, held.value), True
        asking = self._asking.get(key.text)
        if asking is not None and not key.is_met_by(asking.end_ms, steps=2 if even_older else 1):
            asking = None
        self._metrics.kept_answers.labels("miss" if asking is None else "joined").inc()
        return cast(T, await self._wait(key.text, asking or self._begin(key, make))), asking is not None

    def _find(self, text: str) -> _Held | None:
        held = self._held.get(text)
        if held is None:
            return None
        if held.until_s <= self._clock.monotonic():
            self._drop(text)
            return None
        self._held.move_to_end(text)
        return held

    def _renew(self, key: Key, make: Callable[[], Awaitable[Result | View]]) -> None:
        """Asks behind those who have an answer. One that fails is tried again by who asks next."""
        if key.text in self._asking or len(self._renewing) >= MAX_RENEWED:
            return
        asking = self._begin(key, make)
        asking.waiting += 1  # nobody's going away is to end it
        self._renewing.add(asking.task)
        asking.task.add_done_callback(self._renewed)

    def _renewed(self, task: "asyncio.Task[Result | View]") -> None:
        self._renewing.discard(task)
        if not task.cancelled():
            task.exception()  # seen

    def _begin(self, key: Key, make: Callable[[], Awaitable[Result | View]]) -> _Asking:
        async def work() -> Result | View:
            try:
                made = await make()
                self._keep(key, made, await asyncio.to_thread(size_of, (key.text, _content(made))))
                return made
            finally:
                if self._asking.get(key.text) is asking:
                    del self._asking[key.text]

        asking = self._asking[key.text] = _Asking(asyncio.create_task(work()), key.end_ms)
        return asking

    async def _wait(self, text: str, asking: _Asking) -> Result | View:
        asking.waiting += 1
        try:
            return await asyncio.shield(asking.task)
        finally:
            asking.waiting -= 1
            if not asking.waiting and not asking.task.done():
                if self._asking.get(text) is asking:
                    del self._asking[text]
                asking.task.cancel()

    def _keep(self, key: Key, value: Result | View, size: int) -> None:
        if size > MAX_ANSWER_BYTES:
            return
        self._drop(key.text)
        now_s = self._clock.monotonic()
        fresh_s = min(key.fresh_s, value.most_s) if isinstance(value, View) else key.fresh_s
        self._held[key.text] = _Held(value, size, key.end_ms, now_s + fresh_s, now_s + 2 * fresh_s)
        self._bytes += size
        while len(self._held) > self._max_answers or self._bytes > self._max_bytes:
            self._drop(next(iter(self._held)))
        self._show()

    def _drop(self, text: str) -> None:
        held = self._held.pop(text, None)
        if held is not None:
            self._bytes -= held.size
            self._show()

    def _show(self) -> None:
        self._metrics.kept_answers_held.set(len(self._held))
        self._metrics.kept_answers_bytes.set(self._bytes)


def key_of(plan: QueryPlan, now_ms: int, past_s: float = KEPT_S) -> Key | None:
    """None for a question that is always asked anew.

    The key is the text of the plan with all of its types: 1 and 1.0 and true are equal, but their answers are not.
    """
    hull = fit(plan).hull
    if not hull or hull[0][0] == BEGIN:
        return None
    start, end = hull[0][0], min(hull[-1][1], now_ms)
    step = _step_of(start, end, now_ms)
    if step == 0:
        return Key(repr(plan), end, past_s)
    if step is None or plan.where is None:
        return None
    return Key(repr(replace(plan, where=_since(plan.where, end, step))), end, step / 1000)


def key_of_view(question: Question, now_ms: int) -> Key | None:
    """By the same rules."""
    what = (question.workspace, *question.about)
    start, end = question.start_ms, min(question.end_ms, now_ms)
    step = _step_of(start, end, now_ms)
    if step == 0:
        return Key(f"{what!r} from {start} to {end}", end, KEPT_S)
    if step is None:
        return None
    from_now = [round((at - end) / step) for at in (start, question.end_ms)]
    return Key(f"{what!r} from now in steps of {step} ms: {from_now}", end, step / 1000)


def _step_of(start_ms: int, end_ms: int, now_ms: int) -> int | None:
    """In what steps the times of a range count: 0 where to the millisecond, None where an answer is never kept."""
    if end_ms <= now_ms - _STEPS_MS[0]:
        return 0
    return next((step for step in _STEPS_MS if step * _STEPS_A_RANGE <= end_ms - start_ms), None)


def _since(expr: Expr, end_ms: int, step_ms: int) -> Expr:
    """Times as so many steps from the end, in ms."""
    match expr:
        case Time(ms):
            return Time(round((ms - end_ms) / step_ms) * step_ms)
        case Call(function, args, params):
            return Call(function, tuple(_since(arg, end_ms, step_ms) for arg in args), params)
        case _:
            return expr


def says_something(value: Result | View) -> bool:
    """Whether it has a row that is more than zeros and nothings: a count over no rows is a row, too."""
    if isinstance(value, View):
        return value.whole
    # NaN is not itself.
    return any(cell and cell == cell for row in value.rows for cell in row)


def _content(value: Result | View) -> object:
    return value.body if isinstance(value, View) else value.rows


def size_of(value: Any) -> int:
    """Bytes of memory that a value and all in it take."""
    size = getsizeof(value)
    if isinstance(value, tuple | list):
        size += sum(size_of(item) for item in value)
    elif isinstance(value, dict):
        size += sum(size_of(item) for pair in value.items() for item in pair)
    return size
