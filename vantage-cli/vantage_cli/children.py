"""The processes `vantage up` is made of: `python -m vantage_cli.children collector | core | simulator`.

Each stops on SIGTERM, and when its standard input closes: a supervisor that was killed leaves no orphans.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from vantage_common.serving import run_service
from vantage_common.settings import Settings
from vantage_common.telemetry import get_logger

from vantage_cli.paths import log_path, url

Main = Callable[[Settings, asyncio.Event], Coroutine[Any, Any, None]]


async def collector(settings: Settings, stop: asyncio.Event) -> None:
    from vantage_collector.server import main

    await main(settings, stop)


async def core(settings: Settings, stop: asyncio.Event) -> None:
    """Worker, query API and dashboard in the one process that owns the store."""
    from vantage_cli.core import main

    await main(settings, stop)


async def simulator(settings: Settings, stop: asyncio.Event) -> None:
    from vantage_common.clock import SystemClock

    from vantage_cli.simulate.run import simulate

    key = settings.api_key.get_secret_value() if settings.api_key else None
    await simulate(
        url(settings.collector_host, settings.collector_port),
        services=30,
        seed=42,
        rps_factor=1.0,
        flush_s=2.0,
        api_key=key,
        duration_s=None,
        clock=SystemClock(),
        stop=stop,
        report=get_logger("vantage.simulator").info,
    )


CHILDREN: dict[str, Main] = {"collector": collector, "core": core, "simulator": simulator}


async def _until_stdin_closes(stop: asyncio.Event) -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    stop.set()


def supervised(main: Main) -> Main:
    """`main` that also stops when its supervisor is gone."""

    async def with_supervisor(settings: Settings, stop: asyncio.Event) -> None:
        watching = asyncio.create_task(_until_stdin_closes(stop))
        try:
            await main(settings, stop)
        finally:
            watching.cancel()

    return with_supervisor


if __name__ == "__main__":
    name = sys.argv[1]
    sys.exit(run_service(name, supervised(CHILDREN[name]), lambda settings: log_path(settings.data_dir, name)))
