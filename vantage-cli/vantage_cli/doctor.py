"""`vantage doctor`: what a person would check by hand, each with its mend."""

import platform
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpx
from vantage_common.clock import SystemClock
from vantage_common.errors import VantageError
from vantage_common.settings import Settings

from vantage_cli.paths import find_dashboard

MIN_FREE_BYTES = 1 << 30
MAX_SKEW_S = 30


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    well: bool
    detail: str


async def examine(settings: Settings) -> list[Finding]:
    """Every check's finding, in the order a start would meet them."""
    running = await _health(f"http://{settings.collector_host}:{settings.collector_port}/live") is not None
    checks: list[tuple[str, Callable[[], Awaitable[str]]]] = [
        ("python", _python),
        ("data directory", lambda: _data_directory(settings)),
        ("dashboard", lambda: _dashboard(settings)),
        ("broker", lambda: _broker(settings)),
        ("store", lambda: _store(settings, running=running)),
        ("collector", lambda: _service(settings.collector_host, settings.collector_port)),
        ("query API", lambda: _service(settings.query_host, settings.query_port)),
        ("clock", lambda: _clock(settings)),
    ]
    findings = []
    for what, check in checks:
        try:
            findings.append(Finding(what, True, await check()))
        except VantageError as error:
            findings.append(Finding(what, False, str(error)))
    return findings


async def _python() -> str:
    return platform.python_version()


async def _data_directory(settings: Settings) -> str:
    directory = settings.data_dir.resolve()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe = directory / ".doctor"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise VantageError(f"cannot write to {directory} ({error.strerror}): set VANTAGE_DATA_DIR") from None
    free = shutil.disk_usage(directory).free
    if free < MIN_FREE_BYTES:
        raise VantageError(f"{directory} has {free >> 20} MiB free, fewer than {MIN_FREE_BYTES >> 20}")
    return f"{directory}, {free >> 30} GiB free"


async def _dashboard(settings: Settings) -> str:
    return str(find_dashboard(settings))


async def _broker(settings: Settings) -> str:
    from vantage_common.bus.open import open_bus

    bus = open_bus(settings, SystemClock())
    publisher = bus.publisher()
    try:
        await publisher.start()
        await publisher.ping(timeout_s=5)
    finally:
        await publisher.stop()
        await bus.close()
    return bus.name


async def _store(settings: Settings, *, running: bool) -> str:
    if settings.store_kind == "chdb" and running:
        return "chDB, in use by the running platform"
    from vantage_common.store.open import open_store

    store = open_store(settings)
    try:
        await store.admin.ping()
    finally:
        await store.close()
    return store.name


async def _service(host: str, port: int) -> str:
    url = f"http://{host}:{port}/health"
    response = await _health(url)
    if response is None:
        raise VantageError(f"no answer at {url}: start it with `vantage up`, or set its host and port")
    if response.is_error:
        raise VantageError(f"{url} answers {response.status_code}: {response.text[:300]}")
    return url


async def _clock(settings: Settings) -> str:
    response = await _health(f"http://{settings.collector_host}:{settings.collector_port}/live")
    if response is None or "date" not in response.headers:
        return "not compared: the collector is not running"
    theirs = parsedate_to_datetime(response.headers["date"]).timestamp()
    skew = abs(SystemClock().now_ms() / 1000 - theirs)
    if skew > MAX_SKEW_S:
        raise VantageError(f"{skew:.0f} s apart from the collector's: synchronise both by NTP")
    return f"{skew:.0f} s apart from the collector's"


async def _health(url: str) -> httpx.Response | None:
    try:
        async with httpx.AsyncClient(timeout=3) as client:
            return await client.get(url)
    except httpx.HTTPError:
        return None
