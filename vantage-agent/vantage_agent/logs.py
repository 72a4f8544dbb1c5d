"""Log records of the standard library, with the trace they belong to.

Every record that some logger accepts passes Logger.callHandlers once. Listening there leaves the application's handlers
alone: a handler on the root logger would turn a later logging.basicConfig() into a no-op and silence stderr.
"""

from __future__ import annotations

import functools
import logging
import traceback
from typing import Any, Dict, List

from vantage_agent.context import CURRENT
from vantage_agent.instrumentation.patching import Patcher
from vantage_agent.recorder import Recorder
from vantage_agent.records import LOG

STACK_LIMIT = 4_096
OWN_LOGGER = "vantage.agent"

log = logging.getLogger(OWN_LOGGER)


def install_logs(patcher: Patcher, recorder: Recorder, level: int) -> None:
    """Capture records of at least `level`."""

    def wrap(original: Any) -> Any:
        @functools.wraps(original)
        def call_handlers(self: logging.Logger, record: logging.LogRecord) -> Any:
            if record.levelno >= level and recorder.active and not record.name.startswith(OWN_LOGGER):
                try:
                    _capture(recorder, record)
                except Exception:
                    # Bad format arguments, most likely; the application's own handlers will say so.
                    log.debug("a log record could not be captured", exc_info=True)
            return original(self, record)

        return call_handlers

    patcher.wrap(logging.Logger, "callHandlers", wrap)


def _capture(recorder: Recorder, record: logging.LogRecord) -> None:
    attributes: Dict[str, str] = {"logger": record.name}
    if record.exc_info and record.exc_info[0] is not None:
        attributes["exception.type"] = record.exc_info[0].__qualname__
        # Frames without the exception's message: requests and httpx put whole URLs into theirs.
        frames: List[str] = traceback.format_tb(record.exc_info[2])
        attributes["exception.stacktrace"] = "".join(frames)[-STACK_LIMIT:]
    # The text is made here because its arguments may change before the exporter thread would see them.
    text = record.getMessage()
    recorder.emit((LOG, record.created * 1000, record.levelname, text, attributes, CURRENT.get()))
