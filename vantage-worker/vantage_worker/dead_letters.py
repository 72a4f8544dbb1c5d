"""Records and rows that cannot be stored, kept with their origin and the reason on a topic of their own."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from vantage_common.bus.api import DEAD_LETTER, Message, Outgoing, TopicPartition

MAX_LETTER_VALUE_BYTES = 700_000
MAX_LETTER_KEY_BYTES = 1000
"""In base64 and with its origin such a letter is still a record that the bus takes."""
MAX_REASON_CHARS = 2000


def record_letter(message: Message, reason: str) -> Outgoing:
    """A record that is no block: its value in base64.

    Of a value larger than any block of ours it is the beginning; `size` is the whole one's, which the log still has.
    """
    origin = {"topic": message.topic, "partition": message.partition, "offset": message.offset}
    return _letter(message.key, reason, origin | {"timestamp": message.timestamp_ms}, message.value)


def row_letter(source: TopicPartition, offset: int, row: int, values: Mapping[str, Any], reason: str) -> Outgoing:
    """A row that the store refused: number `row` of its record, its columns as JSON in base64."""
    key = f"{values['workspace']}\0{values['service_name']}".encode(errors="replace")
    origin = {"topic": source.topic, "partition": source.partition, "offset": offset, "row": row}
    return _letter(key, reason, origin, json.dumps(values, default=repr).encode())


def _letter(key: bytes, reason: str, origin: Mapping[str, Any], value: bytes) -> Outgoing:
    letter = {
        "reason": reason[:MAX_REASON_CHARS],
        **origin,
        "size": len(value),
        "value": base64.b64encode(value[:MAX_LETTER_VALUE_BYTES]).decode(),
    }
    return Outgoing(DEAD_LETTER, key[:MAX_LETTER_KEY_BYTES], json.dumps(letter).encode())


def row_of(columns: Mapping[str, Sequence[Any]], row: int) -> dict[str, Any]:
    return {name: values[row] for name, values in columns.items()}
