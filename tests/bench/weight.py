"""Bytes on disk of a stored sample, index included: ours beside VictoriaMetrics, and ours from 10⁶ to 10⁸ rows.

Both stores are handed the same samples of the same seed in one run, a million at a time, and merged before they are
weighed. Beside a sample we keep where it came from, the offset of its record on the bus, which is what makes it
exactly one; VictoriaMetrics has no such thing. For the growth rows are made inside the engine (see `storage`).
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import md5
from pathlib import Path
from zlib import crc32

from tests.bench.datasets import DataSet, NodeExporters, Requests, Run, columns
from tests.bench.peers import PeerMissing, victoria_metrics, victoria_version
from tests.bench.storage import COLUMNS, HOUR_S, SHIPPED, START_S, Engine, requests, scraped
from tests.bench.victoria import stored

SIZES = (1_000_000, 10_000_000)
GROWTH: Mapping[str, tuple[Callable[[int, int], str], Sequence[int]]] = {
    "scrape": (scraped, (1, 13, 130)),
    "request": (requests, (1, 7, 72)),
}
"""Hours of each shape that make about 10⁶, 10⁷ and 10⁸ rows."""
_HOURS_A_TURN = 6
_BLOCK = 1_000_000
_BATCH_MS = 5_000
_DAY_MS = 86_400_000
_SOURCES = 6


def run() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as directory:
        engine = Engine(Path(directory))
        try:
            yield from _beside(engine, int(time.time() * 1000) - _DAY_MS)
            for shape, (made, sizes) in GROWTH.items():
                for hours in sizes:
                    yield _grown(engine, shape, made, hours)
        finally:
            engine.close()


def _beside(engine: Engine, start_ms: int) -> Iterator[str]:
    try:
        yield f"both merged, data and index; VictoriaMetrics {victoria_version(victoria_metrics())}"
    except PeerMissing as reason:
        yield f"not measured: {reason}"
        return
    kinds: tuple[Callable[[int], DataSet], ...] = (NodeExporters, Requests)
    for kind in kinds:
        for samples in SIZES:
            theirs = stored(_blocks(kind(start_ms), samples))
            engine.make(SHIPPED)
            for block in _blocks(kind(start_ms), samples):
                engine.insert(_rows(columns(block)))
            engine.settle()
            if engine.rows() != theirs.samples:
                raise RuntimeError(f"the stores hold {engine.rows():,} and {theirs.samples:,} samples")
            ours = engine.bytes_a_row()
            yield (
                f"{kind(start_ms).description}, {theirs.samples:,} samples: {ours:.3f} B a sample beside "
                f"{theirs.bytes_a_sample:.3f}, {ours / theirs.bytes_a_sample:.2f} times"
            )
            yield f"  ours: {engine.columns()}"


def _blocks(dataset: DataSet, samples: int) -> Iterator[Iterator[Run]]:
    for _ in range(samples // _BLOCK):
        yield dataset.take(_BLOCK)


def _rows(told: Mapping[str, Sequence[object]]) -> dict[str, Sequence[object]]:
    """Samples as the worker would insert them: an instance sends what it saw in five seconds as one record."""
    records = [
        (str(name), int(str(at)) // _BATCH_MS) for name, at in zip(told["instance"], told["timestamp"], strict=True)
    ]
    numbers = {name: number for number, name in enumerate(sorted({name for name, _ in records}))}
    ids = {record: md5(repr(record).encode(), usedforsecurity=False).hexdigest() for record in set(records)}
    count = len(records)
    return {
        **told,
        "workspace": ["default"] * count,
        "count": [1] * count,
        "_src": [crc32(name.encode()) % _SOURCES for name, _ in records],
        "_off": [at * len(numbers) + numbers[name] for name, at in records],
        "batch_id": [ids[record] for record in records],
        "_at": [at * _BATCH_MS // 1000 + 6 for _, at in records],
    }


def _grown(engine: Engine, shape: str, made: Callable[[int, int], str], hours: int) -> str:
    engine.make(SHIPPED)
    for first in range(0, hours, _HOURS_A_TURN):
        part = made(START_S + first * HOUR_S, min(_HOURS_A_TURN, hours - first))
        engine.tell(f"INSERT INTO metrics ({', '.join(COLUMNS)}, _at) {part}")
    engine.settle()
    weight = f"{engine.bytes_a_row():.3f} B a row"
    return f"{shape}, {engine.rows():,} rows of {hours} h: {weight}; {engine.times(shape, hours)}"
