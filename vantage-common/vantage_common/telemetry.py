"""Logs and health of our own services: JSON lines on stderr, and the state of each dependency."""

import logging
import sys
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Literal, TypeAlias

import structlog
from msgspec import json

from vantage_common.errors import VantageError

Logger: TypeAlias = structlog.stdlib.BoundLogger


LOG_FILE_BYTES = 10 * 1024 * 1024


def configure_logging(
    service: str, *, debug: bool = False, pretty: bool | None = None, file: Path | None = None
) -> None:
    """Sends structlog's and the standard library's records to stderr, as JSON unless stderr is a terminal.

    With `file` they go there instead, as JSON; it and one predecessor stay below `LOG_FILE_BYTES` each.

    JSON escapes control characters, so a name taken from a request cannot forge a line.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    as_text = (file is None and sys.stderr.isatty()) if pretty is None else pretty
    renderer: Any = structlog.dev.ConsoleRenderer() if as_text else structlog.processors.JSONRenderer(_to_json)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if debug else logging.INFO),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr) if file is None else _rotating(file)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _add(service), renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    for noisy in ("aiokafka", "uvicorn", "uvicorn.error", "httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _rotating(file: Path) -> logging.StreamHandler[Any]:
    file.parent.mkdir(parents=True, exist_ok=True)
    return RotatingFileHandler(file, maxBytes=LOG_FILE_BYTES, backupCount=1, encoding="utf-8")


def get_logger(name: str) -> Logger:
    logger: Logger = structlog.get_logger(name)
    return logger


def _add(service: str) -> structlog.typing.Processor:
    def add_service(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
        return {"service": service, **event}

    return add_service


def _to_json(event: Mapping[str, Any], **_: Any) -> str:
    return json.encode(event, enc_hook=str).decode()


Probe: TypeAlias = Callable[[], Awaitable[None]]
"""Returns when the dependency answers, raises a VantageError whose message says what is wrong."""

State = Literal["ok", "down"]


async def check_dependencies(probes: Mapping[str, Probe]) -> tuple[bool, dict[str, dict[str, str]]]:
    """Runs every probe: whether all are well, and ``{name: {"status": "ok" | "down", "detail"?}}``."""
    states: dict[str, dict[str, str]] = {}
    for name, probe in probes.items():
        try:
            await probe()
            states[name] = {"status": "ok"}
        except VantageError as error:
            states[name] = {"status": "down", "detail": str(error)}
    return all(state["status"] == "ok" for state in states.values()), states
