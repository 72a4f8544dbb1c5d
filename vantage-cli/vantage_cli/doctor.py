"""`vantage doctor`: what a person would check by hand, each with its mend."""

import asyncio
import platform
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from vantage_common.clock import SystemClock
from vantage_common.errors import VantageError
from vantage_common.settings import Settings

from vantage_cli.paths import find_dashboard, url
from vantage_cli.supervisor import is_claimed

MIN_FREE_BYTES = 1 << 30
MAX_SKEW_S = 30


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    well: bool
    detail: str


async def examine(settings: Settings) -> list[Finding]:
    """Every check's finding, in the order a start would meet them."""
    checks: list[tuple[str, Callable[[], Awaitable[str]]]] = [
        ("python", _python),
        ("data directory", lambda: _data_directory(settings)),
        ("dashboard", lambda: _dashboard(settings)),
        ("broker", lambda: _broker(settings)),
        ("store", lambda: _store(settings)),
        ("collector", lambda: _service(settings.collector_host, settings.collector_port, "VANTAGE_COLLECTOR_PORT")),
        ("OTLP over gRPC", lambda: _otlp_grpc(settings.collector_host, settings.otlp_grpc_port)),
        ("worker", lambda: _service(settings.worker_host, settings.worker_port, "VANTAGE_WORKER_PORT")),
        ("query API", lambda: _service(settings.query_host, settings.query_port, "VANTAGE_QUERY_PORT")),
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


async def _store(settings: Settings) -> str:
    from vantage_common.store.open import kind_here, open_store

    if kind_here(settings) == "chdb" and is_claimed(settings.data_dir):
        return "chDB, in use by the running platform"
    store = open_store(settings)
    try:
        await store.admin.ping()
        rows = sum(rows for rows, _ in (await store.admin.table_sizes()).values())
    finally:
        await store.close()
    instead = "; chDB cannot be loaded here" if store.name == "sqlite" and settings.store == "auto" else ""
    return f"{store.name}, {rows} rows{instead}"


async def _service(host: str, port: int, variable: str) -> str:
    """Well only when it says so itself: a service answers while something it needs is down."""
    address = url(host, port, "/health")
    response = await _get(address)
    if response is None:
        raise VantageError(f"no answer at {address}: start it with `vantage up`, or set {variable}")
    match _json(response):
        case {"status": "ok", "dependencies": dict()}:
            return address
        case {"status": str(status), "dependencies": dict(dependencies), **rest}:
            down = [f"{name}: {state.get('detail', 'down')}" for name, state in dependencies.items() if _is_down(state)]
            raise VantageError(f"{address} is {status}: {'; '.join(down) or rest}")
        case _:
            raise VantageError(
                f"what answers at {address} (status {response.status_code}) is not Vantage: "
                f"stop the program that holds port {port}, or set {variable} to a free port"
            )


async def _otlp_grpc(host: str, port: int) -> str:
    """Whether somebody listens: without the collector's key no more can be asked."""
    if not port:
        return "off"
    try:
        async with asyncio.timeout(3):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
    except OSError:
        raise VantageError(
            f"nothing listens on {host}:{port}: start the collector with `vantage up`, or set VANTAGE_OTLP_GRPC_PORT"
        ) from None
    return f"{host}:{port}"


def _is_down(state: Any) -> bool:
    return isinstance(state, dict) and state.get("status") != "ok"


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


async def _clock(settings: Settings) -> str:
    response = await _get(url(settings.collector_host, settings.collector_port, "/live"))
    if response is None or "date" not in response.headers:
        return "not compared: the collector is not running"
    theirs = parsedate_to_datetime(response.headers["date"]).timestamp()
    skew = abs(SystemClock().now_ms() / 1000 - theirs)
    if skew > MAX_SKEW_S:
        raise VantageError(f"{skew:.0f} s apart from the collector's: synchronise both by NTP")
    return f"{skew:.0f} s apart from the collector's"


async def _get(address: str) -> httpx.Response | None:
    try:
        async with httpx.AsyncClient(timeout=3) as client:
            return await client.get(address)
    except httpx.HTTPError:
        return None
