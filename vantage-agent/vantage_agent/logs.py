"""Log records of the standard library, with the trace they belong to.

Every record that some logger accepts passes Logger.callHandlers once. Listening there leaves the application's handlers
alone: a handler on the root logger would turn a later logging.basicConfig() into a no-op and silence stderr.
Records are read and never written to: formatters and queue handlers see what they would have seen.
"""

from __future__ import annotations

import functools
import logging
import time
import traceback
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Dict

from vantage_agent.batch import TEXT_LIMIT
from vantage_agent.context import CURRENT
from vantage_agent.fold import DROPPED_METRIC, is_sample
from vantage_agent.instrumentation.patching import Patcher
from vantage_agent.limits import PerSecond
from vantage_agent.recorder import Recorder
from vantage_agent.records import LOG, METRIC
from vantage_agent.redact import without_secrets

OWN_LOGGER = "vantage.agent"
LINES_PER_SECOND = 1_000
NAME_LIMIT = 256
FRAMES = 20
# The collector takes 4096 bytes of an attribute.
STACK_BYTES = 4_000
# One more than the exporter searches for secrets, so that it sees that the text was cut.
CAPTURED_CHARS = 2 * TEXT_LIMIT + 1

log = logging.getLogger(OWN_LOGGER)

# Set while a record's text is made. What an argument's __str__ logs in the meantime is left to the handlers' turn:
# an argument that logs itself would otherwise multiply with each level of its recursion.
_reading: ContextVar[bool] = ContextVar("vantage_agent_reading_log", default=False)


def install_logs(patcher: Patcher, recorder: Recorder, level: int) -> None:
    """Capture records of at least `level`, LINES_PER_SECOND of them; the others are counted as dropped."""
    budget = PerSecond(LINES_PER_SECOND)

    def wrap(original: Any) -> Any:
        @functools.wraps(original)
        def call_handlers(self: logging.Logger, record: logging.LogRecord) -> Any:
            try:
                if record.levelno >= level and recorder.active and not _reading.get() and not _is_own(record.name):
                    if budget.take():
                        _capture(recorder, record)
                    else:
                        _drop(recorder)
            except Exception:
                # A record of somebody's own making, most likely; the application's own handlers will say so.
                log.debug("a log record could not be captured", exc_info=True)
            return original(self, record)

        return call_handlers

    patcher.wrap(logging.Logger, "callHandlers", wrap)


def _is_own(name: object) -> bool:
    return isinstance(name, str) and name.startswith(OWN_LOGGER) and name[len(OWN_LOGGER) :][:1] in ("", ".")


def _capture(recorder: Recorder, record: logging.LogRecord) -> None:
    attributes: Dict[str, str] = {"logger": _sendable(str(record.name)[:NAME_LIMIT])}
    _add_exception(attributes, record.exc_info)
    created = record.created if is_sample(record.created) else time.time()
    # The text is made here because its arguments may change before the exporter thread would see them.
    token = _reading.set(True)
    try:
        text = _text(record)[:CAPTURED_CHARS]
    finally:
        _reading.reset(token)
    recorder.emit((LOG, created * 1000, _severity(record.levelno), _sendable(text), attributes, CURRENT.get()))


def _drop(recorder: Recorder) -> None:
    now_ms = time.time() * 1000
    recorder.emit((METRIC, now_ms, DROPPED_METRIC, 1, "counter", (("reason", "log_limit"),), None, None, False))


def _severity(level: int) -> str:
    """Levels of the application's own making count as the standard one below them; names can be anything."""
    if level >= logging.ERROR:
        return "CRITICAL" if level >= logging.CRITICAL else "ERROR"
    if level >= logging.WARNING:
        return "WARNING"
    return "INFO" if level >= logging.INFO else "DEBUG"


def _text(record: logging.LogRecord) -> str:
    message = record.msg
    if isinstance(message, dict) and not record.args:
        # structlog and JSON formatters: the line is one of the fields, and the others are the application's.
        message = message.get("event", message.get("message", message))
        return _written(message)
    try:
        return str(record.getMessage())
    except Exception:
        # The arguments do not fit, or cannot be written. What was to be said is still worth having.
        return _written(message)


def _written(value: object) -> str:
    try:
        return str(value)
    except Exception:
        return f"<{type(value).__name__}>"


def _add_exception(attributes: Dict[str, str], exc_info: Any) -> None:
    if not isinstance(exc_info, tuple) or len(exc_info) != 3 or not isinstance(exc_info[0], type):
        return
    attributes["exception.type"] = _sendable(exc_info[0].__qualname__[:NAME_LIMIT])
    trace = exc_info[2] if isinstance(exc_info[2], TracebackType) else None
    # Frames without the exception's message: requests and httpx put whole URLs into theirs. The innermost ones.
    frames = without_secrets("".join(traceback.format_tb(trace, limit=-FRAMES)))
    attributes["exception.stacktrace"] = _sendable(frames).encode()[-STACK_BYTES:].decode("utf-8", "ignore")


def _sendable(text: str) -> str:
    """Text as the collector takes it: lone surrogates (file names that are no UTF-8) and NULs written out."""
    if not text.isascii():
        text = text.encode("utf-8", "backslashreplace").decode()
    return text.replace("\0", "\\0") if "\0" in text else text
