"""Log records of the standard library: what is taken from them, what is left, and that nobody else notices."""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import logging.config
import logging.handlers
import queue
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List

import pytest
import structlog
import vantage_agent
from vantage_agent.batch import LOG_LIMIT, TEXT_LIMIT
from vantage_agent.instrumentation.patching import Patcher
from vantage_agent.logs import CAPTURED_CHARS, FRAMES, LINES_PER_SECOND, STACK_BYTES, install_logs
from vantage_agent.recorder import Recorder
from vantage_agent.records import LOG, METRIC

if TYPE_CHECKING:
    from tests.conftest import Item, Sink

Start = Callable[..., None]
# Outside the hierarchy, where pytest would add handlers of its own, which raise.
logger = logging.Logger("shop.logs")


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Broken records make the handlers print; and what a test changes in the logging system is put back."""
    monkeypatch.setattr(logging, "raiseExceptions", False)
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.level, root.handlers[:] = level, handlers
    logger.handlers.clear()
    logging.captureWarnings(False)


class Lines(logging.Handler):
    """Keeps what a formatter makes of the records."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: List[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.lines.append(self.format(record))
        except RecursionError:
            raise
        except Exception:
            self.handleError(record)


@pytest.fixture
def lines() -> Lines:
    handler = Lines()
    logger.addHandler(handler)
    return handler


def sent(sink: Sink) -> List[Item]:
    assert vantage_agent.flush()
    return sink.logs()


def bodies(sink: Sink) -> List[str]:
    return [line["body"] for line in sent(sink)]


def dropped(sink: Sink) -> int:
    items = sink.metrics("vantage.agent.dropped")
    return int(sum(item["value"] for item in items if item["tags"]["reason"] == "log_limit"))


def test_levels_of_the_applications_own_count_as_the_standard_one_below(sink: Sink, start: Start) -> None:
    logging.addLevelName(35, "NOTICE")
    start()
    for level in (logging.INFO, 30, 35, 40, 45, 50, 99):
        logger.log(level, "%d", level)
    assert [(line["body"], line["severity"]) for line in sent(sink)] == [
        ("30", "WARNING"),
        ("35", "WARNING"),
        ("40", "ERROR"),
        ("45", "ERROR"),
        ("50", "CRITICAL"),
        ("99", "CRITICAL"),
    ]


def test_an_exception_is_sent_as_type_and_frames(sink: Sink, start: Start) -> None:
    def innermost() -> None:
        raise ConnectionError("no answer of secret-host")

    start()
    try:
        try:
            innermost()
        except ConnectionError as error:
            raise LookupError("secret-key") from error
    except LookupError:
        logger.exception("lookup failed", extra={"user": "secret-user"}, stack_info=True)
    (line,) = sent(sink)
    assert line["body"] == "lookup failed"
    assert sorted(line["attributes"]) == ["exception.stacktrace", "exception.type", "logger"]
    assert line["attributes"]["exception.type"] == "LookupError"
    assert "test_an_exception_is_sent_as_type_and_frames" in line["attributes"]["exception.stacktrace"]
    # The raising lines themselves are source, and say what the source says; no message is among them.
    assert "secret-user" not in json.dumps(line)
    assert "LookupError: secret-key" not in json.dumps(line)


@pytest.mark.parametrize("comment", ["", "# " + "ä" * 200])
def test_the_frames_of_an_endless_recursion_are_bounded(
    comment: str, sink: Sink, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"endless{len(comment)}.py"
    path.write_text(f"def up(n):\n    return down(n) {comment}\ndef down(n):\n    return up(n) {comment}\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module(path.stem)
    start()
    try:
        module.up(1)
    except RecursionError:
        logger.exception("too deep")
    (line,) = sent(sink)
    stack = line["attributes"]["exception.stacktrace"]
    if comment:
        assert STACK_BYTES - 4 <= len(stack.encode()) <= STACK_BYTES
    else:
        assert stack.count("  File ") == FRAMES


def test_lines_belong_to_the_trace_they_were_written_in(sink: Sink, start: Start) -> None:
    start()

    async def work(name: str) -> str:
        with vantage_agent.span(name) as span:
            await asyncio.sleep(0)
            await asyncio.to_thread(logger.warning, "thread %s", name)
            logger.warning("task %s", name)
            return str(span.trace_id)

    async def both() -> List[str]:
        return list(await asyncio.gather(work("a"), work("b")))

    first, second = asyncio.run(both())
    with vantage_agent.span("c") as span, ThreadPoolExecutor(1) as pool:
        third = str(span.trace_id)
        pool.submit(logger.warning, "pool c").result()
    thread = threading.Thread(target=logger.warning, args=("outside",))
    thread.start()
    thread.join()
    traces = {line["body"]: line.get("trace_id") for line in sent(sink)}
    assert traces == {
        "thread a": first,
        "task a": first,
        "thread b": second,
        "task b": second,
        "pool c": third,
        "outside": None,
    }


class Broken:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __str__(self) -> str:
        raise self.error


@pytest.mark.parametrize("error", [ValueError("no text"), MemoryError()])
def test_a_line_whose_arguments_cannot_be_written_is_sent_without_them(
    error: BaseException, sink: Sink, start: Start, lines: Lines
) -> None:
    start()
    logger.warning("order %s", Broken(error))
    logger.warning("%d of %d", 1)  # noqa: PLE1206
    logger.warning(Broken(error))
    logger.warning("next")
    assert bodies(sink) == ["order %s", "%d of %d", "<Broken>", "next"]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"levelno": logging.ERROR, "name": None, "msg": None},
        {"levelno": logging.ERROR, "exc_info": True, "msg": "x"},
        {"levelno": logging.ERROR, "exc_info": (None, None, None), "msg": "x"},
        {"levelno": logging.ERROR, "exc_info": (ValueError, "text", "text"), "msg": "x"},
        {"levelno": logging.ERROR, "created": "yesterday", "msg": "x"},
        {"levelno": logging.ERROR, "created": float("nan"), "msg": "x"},
        {"levelno": logging.ERROR, "args": None, "msg": "100 %"},
        {"levelno": "ERROR", "msg": "x"},
        {"levelno": logging.ERROR, "msg": {"message": "from JSON", "password": "secret"}},
    ],
)
def test_records_made_by_hand_do_no_harm(fields: Dict[str, Any], sink: Sink, start: Start) -> None:
    seen: List[logging.LogRecord] = []
    handler = logging.Handler()
    handler.setLevel(logging.NOTSET)
    handler.emit = seen.append  # type: ignore[method-assign, assignment]
    own = logging.Logger("own")
    own.addHandler(handler)

    def outcome() -> str:
        seen.clear()
        try:
            own.handle(logging.makeLogRecord(fields))
        except Exception as error:
            return repr(error)
        return str([vars(record) for record in seen]).replace(str(seen[0].__dict__.get("created")), "")

    start()
    with_agent = outcome()
    described = [str(sorted(vars(record))) for record in seen]
    lines = sent(sink)
    vantage_agent.shutdown()
    without = outcome()
    assert ("Error" in with_agent.split("(")[0]) == ("Error" in without.split("(")[0])
    assert described == [str(sorted(vars(record))) for record in seen]
    if fields.get("levelno") == logging.ERROR:
        (line,) = lines
        assert isinstance(line["body"], str)
        assert abs(line["timestamp"] / 1000 - time.time()) < 60
        assert "secret" not in line["body"]


def test_a_line_is_written_by_the_handlers_as_without_an_agent(start: Start, lines: Lines) -> None:
    class Fields(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            fixed = {"created", "msecs", "relativeCreated", "thread", "process", "lineno", "taskName"}
            fields = {key: value for key, value in vars(record).items() if key not in fixed}
            return json.dumps({**fields, "text": record.getMessage()}, default=repr)

    lines.setFormatter(Fields())

    def write() -> List[str]:
        lines.lines.clear()
        logger.warning("stock of %s: %(count)s", {"count": 3})
        logger.error("order %s", 7, extra={"user": "ann"}, stack_info=False)
        try:
            raise KeyError("tea")
        except KeyError:
            logger.exception("failed", exc_info=False)
        return list(lines.lines)

    before = write()
    start()
    assert write() == before
    assert len(before) == 3


def test_an_argument_that_logs_itself_ends_as_without_an_agent(sink: Sink, start: Start, lines: Lines) -> None:
    class Chatty:
        asked = 0

        def __str__(self) -> str:
            Chatty.asked += 1
            logger.warning("asked %s", self)
            return "never"

    def outcome() -> str:
        with pytest.raises(RecursionError):
            logger.warning("%s", Chatty())
        return "ended"

    assert outcome() == "ended"
    alone, Chatty.asked = Chatty.asked, 0
    start()
    assert outcome() == "ended"
    assert Chatty.asked <= alone**2
    # Each level is read once. Were what it logs meanwhile read as well, the readings would double with each level.
    lines_taken = len(sent(sink)) + dropped(sink)
    assert 0 < lines_taken <= alone + 1


def test_what_an_argument_logs_while_it_is_written_is_sent_once(sink: Sink, start: Start, lines: Lines) -> None:
    class Lazy:
        def __str__(self) -> str:
            logger.warning("loading")
            return "loaded"

    start()
    logger.warning("value %s", Lazy())
    assert sorted(bodies(sink)) == ["loading", "value loaded"]


def test_the_agents_own_remarks_are_not_sent(sink: Sink, start: Start) -> None:
    start()
    logging.getLogger("vantage.agent").error("own")
    logging.getLogger("vantage.agent.part").error("own")
    logging.getLogger("vantage.agents").error("somebody else's")
    assert bodies(sink) == ["somebody else's"]


def test_warnings_of_the_interpreter_are_lines(sink: Sink, start: Start) -> None:
    start()
    logging.captureWarnings(True)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old way", DeprecationWarning, stacklevel=1)
    (line,) = sent(sink)
    assert "DeprecationWarning: old way" in line["body"]
    assert line["attributes"]["logger"] == "py.warnings"


def configure() -> None:
    logging.config.dictConfig({
        "version": 1,
        "disable_existing_loggers": True,
        "handlers": {"null": {"class": "logging.NullHandler"}},
        "loggers": {"shop.kept": {"handlers": ["null"], "level": "ERROR", "propagate": False}},
    })  # fmt: skip


@pytest.fixture
def loggers() -> Iterator[None]:
    """Enabled again afterwards, those of other tests too."""
    before = dict(logging.root.manager.loggerDict)
    yield
    for logger in before.values():
        if isinstance(logger, logging.Logger):
            logger.disabled = False


@pytest.mark.usefixtures("loggers")
@pytest.mark.parametrize("first", [True, False])
def test_logging_may_be_configured_before_or_after(first: bool, sink: Sink, start: Start) -> None:
    existing = logging.getLogger("shop.disabled")
    steps: List[Callable[[], None]] = [configure, start]
    for step in steps if first else reversed(steps):
        step()
    logging.getLogger("shop.kept").warning("below its level")
    logging.getLogger("shop.kept").error("kept")
    existing.error("disabled")
    assert bodies(sink) == ["kept"]


def test_lines_through_a_queue_are_sent_once(sink: Sink, start: Start, lines: Lines) -> None:
    start()
    waiting: "queue.SimpleQueue[Any]" = queue.SimpleQueue()
    logger.handlers[:] = [logging.handlers.QueueHandler(waiting)]
    listener = logging.handlers.QueueListener(waiting, lines)
    listener.start()
    try:
        raise KeyError("tea")
    except KeyError:
        logger.exception("order %d", 7)
    listener.stop()
    (line,) = sent(sink)
    assert (line["body"], line["attributes"]["exception.type"]) == ("order 7", "KeyError")
    assert lines.lines[0].startswith("order 7\nTraceback")


@pytest.mark.parametrize("rendered", [True, False])
def test_structlogs_lines_come_through_the_standard_library(
    rendered: bool, sink: Sink, start: Start, lines: Lines
) -> None:
    last: Any = structlog.stdlib.ProcessorFormatter.wrap_for_formatter
    if rendered:
        last = structlog.processors.KeyValueRenderer(key_order=["event"])
    lines.setFormatter(structlog.stdlib.ProcessorFormatter(processor=structlog.processors.JSONRenderer()))
    log = structlog.wrap_logger(
        logger, wrapper_class=structlog.stdlib.BoundLogger, processors=[structlog.stdlib.add_log_level, last]
    )
    start()
    log.warning("stock is low", article="tea")
    # Rendered by the application, the line is what it made of it; else the event alone.
    assert bodies(sink) == ["event='stock is low' article='tea' level='warning'" if rendered else "stock is low"]
    assert "tea" in lines.lines[0]


@pytest.fixture
def taken() -> Iterator[Recorder]:
    """What is taken of the lines, before an exporter sees it."""
    patcher, recorder = Patcher(), Recorder("shop", 1.0, lambda: None)
    install_logs(patcher, recorder, logging.WARNING)
    yield recorder
    patcher.restore()


def test_a_huge_line_is_cut_where_it_is_taken(taken: Recorder) -> None:
    logger.warning("x" * 20_000_000)
    assert [len(str(record[3])) for record in taken.drain()] == [CAPTURED_CHARS]


@pytest.mark.parametrize("cut", [TEXT_LIMIT, 2 * TEXT_LIMIT, CAPTURED_CHARS])
def test_a_secret_that_a_cut_goes_through_is_not_sent(cut: int, sink: Sink, start: Start) -> None:
    start()
    # So much of it is taken out that what is cut off at first comes to lie within the limit.
    long_query = "https://host/?q=" + "x" * (TEXT_LIMIT + 1_000) + " "
    for prefix in ("", long_query):
        for at in range(-12, 2):
            filler = "x" * (cut + at - len(prefix) - len(" https://u:"))
            logger.warning("%s%s%s", prefix, filler, " https://u:s3cret@host/?q=s3cret end")
    assert len(bodies(sink)) == 28
    assert "s3" not in json.dumps([line["body"] for line in sink.logs()])


def test_secrets_in_lines_and_frames_are_removed(sink: Sink, start: Start) -> None:
    start()
    logger.warning("GET %s failed", "https://ann:s3cret@host/path?token=s3cret")
    logger.warning("dsn=%r", "postgresql://ann:s3cret@db/shop?password=s3cret")
    try:
        raise ValueError("https://ann:s3cret@host/path?token=s3cret")
    except ValueError:
        logger.exception("failed")
    assert len(bodies(sink)) == 3
    assert "raise ValueError(" in sink.logs()[2]["attributes"]["exception.stacktrace"]
    assert "s3cret" not in json.dumps(sink.logs())


def test_text_that_is_no_unicode_is_written_out(sink: Sink, start: Start) -> None:
    """File names may be anything. A lone surrogate would make the whole body unreadable for the collector."""
    start()
    logger.warning("cannot read %s", b"caf\xe9\x00".decode("utf-8", "surrogateescape"))
    logging.getLogger("shop.\udce9\0").warning("größer")
    first, second = sent(sink)
    assert (first["body"], second["body"]) == ("cannot read caf\\udce9\\0", "größer")
    assert second["attributes"]["logger"] == "shop.\\udce9\\0"
    json.dumps(sink.logs(), ensure_ascii=False).encode()


def test_a_flood_of_lines_is_bounded_and_counted(sink: Sink, start: Start) -> None:
    start()
    flood = 10 * LINES_PER_SECOND
    for number in range(flood):
        logger.warning("line %d", number)
    kept = len(sent(sink))
    assert 0 < kept <= LOG_LIMIT
    assert kept + dropped(sink) == flood


def test_lines_beyond_the_bound_are_not_even_read(taken: Recorder) -> None:
    for number in range(LINES_PER_SECOND + 500):
        logger.warning("line %d", number)
    records = taken.drain()
    assert [record[0] for record in records] == [LOG] * LINES_PER_SECOND + [METRIC] * 500
