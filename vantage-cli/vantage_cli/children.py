"""The processes `vantage up` is made of: `python -m vantage_cli.children collector | core | simulator`.

Each stops on SIGTERM, and when its standard input closes: a supervisor that was killed leaves no orphans.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from vantage_common.errors import PermanentError
from vantage_common.serving import run_service
from vantage_common.settings import Settings

Main = Callable[[Settings, asyncio.Event], Coroutine[Any, Any, None]]


async def collector(settings: Settings, stop: asyncio.Event) -> None:
    from vantage_collector.server import main

    await main(settings, stop)


async def core(settings: Settings, stop: asyncio.Event) -> None:
    """Worker, query API and dashboard in the one process that owns chDB."""
    from vantage_cli.core import main

    await main(settings, stop)


async def simulator(settings: Settings, stop: asyncio.Event) -> None:
    from vantage_common.clock import SystemClock

    from vantage_cli.simulate.run import simulate

    key = settings.api_key.get_secret_value() if settings.api_key else None
    url = f"http://{settings.collector_host}:{settings.collector_port}"
    await simulate(
        url,
        services=30,
        seed=42,
        rps_factor=1.0,
        flush_s=2.0,
        api_key=key,
        duration_s=None,
        clock=SystemClock(),
        stop=stop,
        report=_report,
    )


def _report(line: str) -> None:
    sys.stderr.write(line + "\n")


CHILDREN: dict[str, Main] = {"collector": collector, "core": core, "simulator": simulator}


def command(name: str) -> list[str]:
    """How the supervisor starts a child."""
    return [sys.executable, "-m", "vantage_cli.children", name]


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


def find_dashboard(settings: Settings) -> Path:
    """The built dashboard: VANTAGE_DASHBOARD_DIR, else the checkout's. Raises PermanentError when it is not built."""
    checkout = Path(__file__).resolve().parents[2] / "vantage-dashboard" / "dist"
    directory = settings.dashboard_dir or checkout
    if not (directory / "index.html").is_file():
        raise PermanentError(
            f"no built dashboard in {directory}: run `make dashboard`, or set VANTAGE_DASHBOARD_DIR to a built one"
        )
    return directory


if __name__ == "__main__":
    sys.exit(run_service(sys.argv[1], supervised(CHILDREN[sys.argv[1]])))
