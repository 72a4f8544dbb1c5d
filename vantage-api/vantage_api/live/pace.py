"""Waiting in the live loops: a steady beat, and a pause before something is tried again."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from vantage_common.clock import Clock

RETRY_S: Final = 1.0


async def pause(seconds: float = RETRY_S) -> None:
    await asyncio.sleep(seconds)


async def beats(clock: Clock, per_second: int) -> AsyncIterator[None]:
    """Yields once in every period of the clock's own time, as soon as it has begun.

    What is shown changes at full tenths of a second; a beat just after them shows it a whole period earlier than one
    just before. Beats that were missed (a busy loop, a suspended laptop) are skipped, not made up.
    """
    period_ms = 1000 // per_second
    last: int | None = None
    while True:
        now_ms = clock.now_ms()
        if now_ms // period_ms != last:
            last = now_ms // period_ms
            yield
        await asyncio.sleep(max(0, (last + 1) * period_ms - clock.now_ms()) / 1000)
