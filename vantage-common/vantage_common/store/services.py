"""What the store knows of services without a look at their rows: who sent, since when, until when, and as what.

A writer tells it of the rows it is about to insert. Most blocks say nothing new: a service is written down when it is
seen for the first time, earlier than known, or with another name of its own (version, namespace), and else at most
every `AGAIN_AFTER_S`. What is written before a crash and again after it merges: the earliest time, the latest, and the
last name.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final, Protocol, TypeAlias

from vantage_common.model import NAMESPACE_TAGS, VERSION_TAGS, first_of

AGAIN_AFTER_S: Final = 10.0
MAX_REMEMBERED: Final = 50_000
LABELS: Final = {"metrics": "tags", "spans": "attributes", "logs": "attributes"}

Key: TypeAlias = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class SeenService:
    """A service by its rows' times in ms. `namespace` and `version` are empty until a row names them; `named_ms` is the
    time of the row that did last."""

    workspace: str
    name: str
    environment: str
    first_ms: int
    last_ms: int
    namespace: str = ""
    version: str = ""
    named_ms: int = 0


class Services(Protocol):
    """Raises StoreUnavailable."""

    async def of(self, workspace: str, name: str | None = None) -> list[SeenService]:
        """Every service of a workspace, or the one in all its environments, by first sight."""
        ...


class Sightings:
    """What a writer has written down already. `worth_noting` is what a block adds to that; it counts as written once
    `noted` is told."""

    def __init__(self) -> None:
        self._known: dict[Key, tuple[SeenService, float]] = {}

    def worth_noting(self, table: str, columns: Mapping[str, Sequence[Any]], now_s: float) -> list[SeenService]:
        """Of the services of a block, as `Writer.insert` takes it, those that have to be written now."""
        return [seen for seen in merged(_seen(table, columns)).values() if self._is_news(seen, now_s)]

    def noted(self, services: Iterable[SeenService], now_s: float) -> None:
        if len(self._known) > MAX_REMEMBERED:
            self._known.clear()
        for seen in services:
            known = self._known.get(_key(seen))
            self._known[_key(seen)] = (seen if known is None else merge(known[0], seen), now_s)

    def _is_news(self, seen: SeenService, now_s: float) -> bool:
        known, at_s = self._known.get(_key(seen), (None, 0.0))
        if known is None or seen.first_ms < known.first_ms:
            return True
        both = merge(known, seen)
        if (both.namespace, both.version) != (known.namespace, known.version):
            return True
        return both.last_ms > known.last_ms and now_s - at_s >= AGAIN_AFTER_S


def merged(services: Iterable[SeenService]) -> dict[Key, SeenService]:
    """One entry a service."""
    found: dict[Key, SeenService] = {}
    for seen in services:
        known = found.get(_key(seen))
        found[_key(seen)] = seen if known is None else merge(known, seen)
    return found


def merge(one: SeenService, other: SeenService) -> SeenService:
    """Two sights of a service as one; of its names the later, where it says one."""
    older, newer = sorted((one, other), key=lambda seen: seen.named_ms)
    return replace(
        newer,
        first_ms=min(one.first_ms, other.first_ms),
        last_ms=max(one.last_ms, other.last_ms),
        namespace=newer.namespace or older.namespace,
        version=newer.version or older.version,
    )


def _seen(table: str, columns: Mapping[str, Sequence[Any]]) -> Iterator[SeenService]:
    """One a run of rows with the same service, named as the run's newest row names it."""
    keys = list(zip(columns["workspace"], columns["service_name"], columns["environment"], strict=True))
    times, labels = columns["timestamp"], columns[LABELS[table]]
    ends = [index for index, (before, key) in enumerate(pairwise(keys), 1) if before != key]
    start = 0
    for end in [*ends, len(keys)] if keys else []:
        run = times[start:end]
        low, high = min(run), max(run)
        names = labels[start + run.index(high)]
        namespace, version = first_of(names, NAMESPACE_TAGS), first_of(names, VERSION_TAGS)
        last_ms = int(high)
        yield SeenService(*keys[start], int(low), last_ms, namespace, version, last_ms if namespace or version else 0)
        start = end


def _key(seen: SeenService) -> Key:
    return seen.workspace, seen.name, seen.environment
