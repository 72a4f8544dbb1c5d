"""What is asked for with nearly every call, and the same for all who ask: kept for a few seconds."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from vantage_common.clock import Clock
from vantage_common.store.plan import QueryPlan, Result

from vantage_api.ask import Ask
from vantage_api.kept import says_something

MAX_KEYS: Final = 1000
T = TypeVar("T")


@dataclass(slots=True)
class _Held(Generic[T]):
    task: "asyncio.Task[T]"
    until_s: float
    older: "asyncio.Task[T] | None" = None


class Lately(Generic[T]):
    """At most `for_s` old. Those who ask at the same time wait for one answer; a failure is told to them and not kept.
    One who goes away stops nobody's answer.

    With `behind_s` nobody waits for an answer to be renewed: one that is older, by up to that much, is given once more
    and renewed behind it.
    """

    def __init__(self, clock: Clock, for_s: float, behind_s: float = 0.0) -> None:
        self._clock = clock
        self._for_s = for_s
        self._behind_s = behind_s
        self._held: dict[str, _Held[T]] = {}

    async def get(self, key: str, make: Callable[[], Awaitable[T]]) -> T:
        now_s = self._clock.monotonic()
        held = self._held.get(key)
        if held is None or held.until_s <= now_s or _has_failed(held.task):
            older, held = held, _Held(asyncio.ensure_future(_made(make)), now_s + self._for_s)
            self._held[key] = held
            self._forget(now_s)
            if older is not None and self._will_do(older, now_s):
                held.older = older.task
        if held.older is not None and not held.task.done():
            return held.older.result()
        return await asyncio.shield(held.task)

    def _will_do(self, held: _Held[T], now_s: float) -> bool:
        return held.task.done() and not _has_failed(held.task) and now_s < held.until_s + self._behind_s

    def _forget(self, now_s: float) -> None:
        """Those that are over, and the oldest beyond the bound."""
        over = [key for key, held in self._held.items() if held.until_s + self._behind_s <= now_s]
        for key in over or list(self._held)[:-MAX_KEYS]:
            del self._held[key]


async def _made(make: Callable[[], Awaitable[T]]) -> T:
    return await make()


def _has_failed(task: "asyncio.Task[T]") -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


async def kept(ask: Ask, plan: QueryPlan) -> Result:
    """An answer that may be a kept one, but no kept nothing: what has just begun to come in is seen at once."""
    answer = await ask.kept(plan, even_older=True)
    if answer.cached and not says_something(answer.result):
        return await ask(plan)
    return answer.result
