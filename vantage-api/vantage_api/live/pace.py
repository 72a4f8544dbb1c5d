"""Waiting in the live loops: a steady beat, and a pause before something is tried again."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from vantage_common.clock import Clock

RETRY_S: Final = 1.0


async def pause(seconds: float = RETRY_S) -> None:
    await asyncio.sleep(seconds)


async def beats(clock: Clock, per_second: float) -> AsyncIterator[None]:
    """Yields at a steady rate. Beats that were missed (a busy loop, a suspended laptop) are skipped, not made up."""
    period = 1 / per_second
    due = clock.monotonic()
    while True:
        yield
        now = clock.monotonic()
        due = max(due + period, now)
        await asyncio.sleep(due - now)
