"""Bodies as they go over the wire: written once and kept as they are between attempts, so that a batch id stands for
the same items whenever it is seen. One that was refused may be written anew, under another id."""

from __future__ import annotations

import json
import random
import zlib
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Sequence, Tuple

from vantage_agent.items import Item, to_json
from vantage_agent.tuples import NamedTuple

# The collector takes 1 MiB inflated; the batch's own fields need a little of it.
MAX_BODY_BYTES = 1_000_000

_TIMES = ("timestamp", "start_time")


class Body(NamedTuple):
    """gzip'ed JSON, how many samples it stands for, and the clock offset its times were written with."""

    path: str
    data: bytes
    samples: int
    offset_ns: int


def compress(parts: Iterable[str]) -> bytes:
    """gzip at level 1: the higher levels cost several times the CPU for a few percent. Part by part, as the whole
    text would be the largest thing that the agent ever holds."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return b"".join([packer.compress(part.encode()) for part in parts]) + packer.flush()


def write(path: str, field: str, items: Sequence[Item], envelope: Mapping[str, object], offset_ns: int) -> Body:
    """A body of these items; `envelope` are the fields beside them."""
    head = to_json({**envelope, "batch_id": _batch_id()})
    parts = [f'{head[:-1]},"{field}":[{items[0].text}']
    parts += ["," + item.text for item in items[1:]]
    parts.append("]}")
    return Body(path, compress(parts), sum(item.samples for item in items), offset_ns)


def portions(items: Sequence[Item]) -> Iterator[List[Item]]:
    """Items cut where a body would become too large; none of them alone may be so."""
    portion: List[Item] = []
    size = 0
    for item in items:
        if portion and size + len(item.text) >= MAX_BODY_BYTES:
            yield portion
            portion, size = [], 0
        portion.append(item)
        size += len(item.text) + 1
    if portion:
        yield portion


def halves(body: Body) -> List[Body]:
    """A body's items in two; none where it has but one."""
    whole = _read(body)
    field, items = _items(whole)
    middle = len(items) // 2
    return [_anew(body, {**whole, field: part}, field) for part in (items[:middle], items[middle:]) if middle]


def redated(body: Body, offset_ns: int) -> Body:
    """A body with its times by another clock offset."""
    whole = _read(body)
    field, items = _items(whole)
    shift_ms = (offset_ns - body.offset_ns) // 1_000_000
    for item in items:
        for name in _TIMES:
            if name in item:
                item[name] += shift_ms
    return _anew(body._replace(offset_ns=offset_ns), whole, field)


def _batch_id() -> str:
    return "%032x" % random.getrandbits(128)


def _read(body: Body) -> Dict[str, Any]:
    whole: Dict[str, Any] = json.loads(zlib.decompress(body.data, 31))
    return whole


def _items(whole: Mapping[str, Any]) -> Tuple[str, List[Dict[str, Any]]]:
    return next((field, value) for field, value in whole.items() if isinstance(value, list))


def _anew(body: Body, whole: Mapping[str, Any], field: str) -> Body:
    samples = sum(item.get("count", 1) for item in whole[field])
    return body._replace(data=compress([to_json({**whole, "batch_id": _batch_id()})]), samples=samples)
