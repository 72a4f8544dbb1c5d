"""From the bytes of a native JSON body to a checked batch, or to every fault that is told back.

The shape is checked by msgspec while it decodes, the rest by check.py. msgspec stops at the first fault: a body that
has one is gone through a second time, item by item, to tell the first ten.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec
from vantage_common.errors import UserError
from vantage_common.settings import Settings

from vantage_collector.decode.check import Checker, Window
from vantage_collector.decode.items import (
    BatchFields,
    LogBatch,
    LogItem,
    MetricBatch,
    MetricItem,
    SpanBatch,
    SpanItem,
)

BatchT = TypeVar("BatchT", bound=BatchFields)
ItemT = TypeVar("ItemT", bound=msgspec.Struct)

_BYTE = re.compile(r"\(byte (\d+)\)$")
_PATH = re.compile(r" - at `(?:key in `)?\$(.*?)`+$")
_MISSING = re.compile(r"missing required field `(\w+)`")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a batch is held against: its number of items, and the days back that its kind is kept for."""

    max_items: int
    raw_days: int
    span_days: int

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        return cls(settings.max_batch_size, settings.retention_raw_days, settings.retention_spans_days)


def decode_metrics(body: bytes, limits: Limits, now_ms: int) -> MetricBatch:
    """Raises UserError: 400 not JSON, 413 more than `max_items`, 422 with the first ten faults."""
    checker = Checker("metrics", Window.back(now_ms, limits.raw_days))
    return _METRICS.decode(body, checker, checker.metric, limits.max_items)


def decode_spans(body: bytes, limits: Limits, now_ms: int) -> SpanBatch:
    """As `decode_metrics`."""
    checker = Checker("spans", Window.back(now_ms, limits.span_days))
    return _SPANS.decode(body, checker, checker.span, limits.max_items)


def decode_logs(body: bytes, limits: Limits, now_ms: int) -> LogBatch:
    """As `decode_metrics`."""
    checker = Checker("logs", Window.back(now_ms, limits.raw_days))
    return _LOGS.decode(body, checker, checker.log, limits.max_items)


class _Shape(Generic[BatchT, ItemT]):
    """The decoders of one kind of batch; `field` is the name of its list."""

    def __init__(
        self, field: str, batch: type[BatchT], item: type[ItemT], items_of: Callable[[BatchT], Sequence[ItemT]]
    ) -> None:
        self._field = field
        self._batch = msgspec.json.Decoder(batch)
        self._item = msgspec.json.Decoder(item)
        self._items_of = items_of

    def decode(self, body: bytes, checker: Checker, check_item: Callable[[int, ItemT], None], max_items: int) -> BatchT:
        try:
            batch = self._batch.decode(body)
        except msgspec.ValidationError:
            self._recheck(body, checker, check_item, max_items)
            raise _invalid(checker) from None
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise _not_json(body, error) from None
        items = self._items_of(batch)
        _check_size(len(items), max_items)
        checker.batch(batch)
        for index, item in enumerate(items):
            check_item(index, item)
        if checker.faults:
            raise _invalid(checker)
        return batch

    def _recheck(self, body: bytes, checker: Checker, check_item: Callable[[int, ItemT], None], max_items: int) -> None:
        """Adds the faults of a body that does not have the shape, one item at a time."""
        fields = self._fields(body, checker)
        if fields is None:
            return
        if self._field not in fields:
            checker.add(self._field, "is missing")
            return
        try:
            items = _RAW_LIST.decode(fields[self._field])
        except msgspec.ValidationError as error:
            checker.add(*_located(self._field, error))
            return
        _check_size(len(items), max_items)
        for index, raw in enumerate(items):
            if checker.is_full:
                return
            try:
                check_item(index, self._item.decode(raw))
            except msgspec.ValidationError as error:
                checker.add(*_located(f"{self._field}.{index}", error))

    def _fields(self, body: bytes, checker: Checker) -> dict[str, msgspec.Raw] | None:
        """The body's own fields undecoded, those for all items checked; None when it is no object."""
        try:
            fields = _RAW_OBJECT.decode(body)
        except msgspec.ValidationError as error:
            checker.add(*_located("", error))
            return None
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise _not_json(body, error) from None
        try:
            checker.batch(_BATCH_FIELDS.decode(body))
        except msgspec.ValidationError as error:
            checker.add(*_located("", error))
            checker.batch(BatchFields(service_name="unknown"))
        return fields


_RAW_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_RAW_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_BATCH_FIELDS = msgspec.json.Decoder(BatchFields)
_METRICS = _Shape("metrics", MetricBatch, MetricItem, lambda batch: batch.metrics)
_SPANS = _Shape("spans", SpanBatch, SpanItem, lambda batch: batch.spans)
_LOGS = _Shape("logs", LogBatch, LogItem, lambda batch: batch.logs)


def _check_size(number: int, max_items: int) -> None:
    if number > max_items:
        raise UserError(
            "batch_too_large",
            f"the batch has {number} items, at most {max_items} are taken",
            status=413,
            hint="send several batches, or raise VANTAGE_MAX_BATCH_SIZE",
        )


def _invalid(checker: Checker) -> UserError:
    return UserError(
        "invalid_batch",
        "the batch is not valid and nothing of it was stored",
        status=422,
        details=checker.faults,
    )


def _not_json(body: bytes, error: Exception) -> UserError:
    """The 400 for a body that is no JSON, with the byte where it stops being so as far as that is known."""
    if isinstance(error, UnicodeDecodeError):
        return UserError("invalid_json", "the body is not UTF-8", position=_first_non_utf8(body))
    if isinstance(error, RecursionError):
        return UserError("invalid_json", "the body is nested too deeply")
    found = _BYTE.search(str(error))
    position = int(found[1]) if found else len(body)
    if "trailing characters" in str(error):
        position -= 1  # msgspec has read that byte already when it says so
    return UserError("invalid_json", f"the body is not JSON: {error}", position=position)


def _first_non_utf8(body: bytes) -> int | None:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return error.start
    return None


def _located(prefix: str, error: msgspec.ValidationError) -> tuple[str, str]:
    """msgspec's message as our `loc` and `msg`: its path is ``$.tags[...]``, ours ``metrics.3.tags``."""
    message = str(error)
    path = ""
    if found := _PATH.search(message):
        message = message[: found.start()]
        path = found[1].replace("[...]", "").replace("[", ".").replace("]", "")
    if missing := _MISSING.search(message):
        path += f".{missing[1]}"
        message = "is missing"
    return f"{prefix}{path}".lstrip("."), message
