"""The city plan: which service stands where. A pure, append-only book of lots.

The ground is a grid of blocks of 4 × 4 lots with avenues of two lots between them. A district takes the free block
next to the centre; inside it services fill the lots from the middle outwards. A district that outgrows its block
takes the free block nearest to its first one, as a quarter of its own (``payments 2``). Blocks of one size are what
keeps the promise that nothing moves: a block is never enlarged, so no neighbour has to make room, and a lot given
away is never given again. The price is a large district in several quarters, and that is how towns grow too.

The plan depends only on the order in which services are placed; `founded` puts those known at start in the order
they were first seen, so a restart builds the same city.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import atan2
from typing import Final, NamedTuple

BLOCK: Final = 4
AVENUE: Final = 2
PITCH: Final = BLOCK + AVENUE
NO_NAME: Final = "default"


class ServiceKey(NamedTuple):
    """A service in one environment: what a building stands for."""

    environment: str
    name: str

    @property
    def id(self) -> str:
        return f"{self.environment or NO_NAME}/{self.name}"


@dataclass(frozen=True, slots=True)
class District:
    """A block of lots. `x`, `z` is its corner with the least coordinates."""

    name: str
    x: int
    z: int
    width: int = BLOCK
    depth: int = BLOCK


@dataclass(frozen=True, slots=True)
class Lot:
    district: str
    x: int
    z: int


@dataclass(frozen=True, slots=True)
class Founder:
    """A service as it is known when a plan is begun."""

    key: ServiceKey
    district: str
    first_seen_ms: int


class Plan:
    def __init__(self) -> None:
        self._lots: dict[ServiceKey, Lot] = {}
        self._quarters: dict[str, list[District]] = {}
        self._residents: dict[str, int] = {}
        self._cells: set[tuple[int, int]] = set()

    @classmethod
    def founded(cls, founders: Iterable[Founder]) -> "Plan":
        """The plan of the services known at start, oldest first, then by name."""
        plan = cls()
        for founder in sorted(founders, key=lambda known: (known.first_seen_ms, known.key.name, known.key.environment)):
            plan.place(founder.key, founder.district)
        return plan

    def place(self, key: ServiceKey, district: str) -> Lot:
        """The service's lot: the one it has, else the next free one of its district."""
        known = self._lots.get(key)
        if known is not None:
            return known
        name = district or NO_NAME
        quarters = self._quarters.setdefault(name, [])
        residents = self._residents.get(name, 0)
        if residents == len(quarters) * BLOCK * BLOCK:
            quarters.append(self._new_quarter(name, quarters))
        quarter = quarters[residents // (BLOCK * BLOCK)]
        dx, dz = _LOT_ORDER[residents % (BLOCK * BLOCK)]
        lot = Lot(quarter.name, quarter.x + dx, quarter.z + dz)
        self._residents[name] = residents + 1
        self._lots[key] = lot
        return lot

    def districts(self) -> list[District]:
        """Every block, in the order they were taken."""
        return [quarter for quarters in self._quarters.values() for quarter in quarters]

    def _new_quarter(self, name: str, quarters: list[District]) -> District:
        home = _cell_of(quarters[0]) if quarters else (0, 0)
        cell = next(cell for cell in _outwards(home) if cell not in self._cells)
        self._cells.add(cell)
        title = name if not quarters else self._free_title(name, len(quarters) + 1)
        return District(title, cell[0] * PITCH - BLOCK // 2, cell[1] * PITCH - BLOCK // 2)

    def _free_title(self, name: str, number: int) -> str:
        taken = {district.name for district in self.districts()} | set(self._quarters)
        return next(
            title for title in (f"{name} {n}" for n in range(number, number + len(taken) + 1)) if title not in taken
        )


def _cell_of(district: District) -> tuple[int, int]:
    return (district.x + BLOCK // 2) // PITCH, (district.z + BLOCK // 2) // PITCH


def _outwards(home: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Every cell of the plane: ring by ring around `home`, inside a ring the nearest first, then clockwise."""
    radius = 0
    while True:
        ring = [
            (dx, dz)
            for dx in range(-radius, radius + 1)
            for dz in range(-radius, radius + 1)
            if max(abs(dx), abs(dz)) == radius
        ]
        for dx, dz in sorted(ring, key=lambda d: (d[0] ** 2 + d[1] ** 2, atan2(d[1], d[0]))):
            yield home[0] + dx, home[1] + dz
        radius += 1


def _lot_order() -> list[tuple[int, int]]:
    """The lots of a block, from its middle outwards."""
    middle = (BLOCK - 1) / 2
    lots = [(x, z) for x in range(BLOCK) for z in range(BLOCK)]
    return sorted(
        lots, key=lambda lot: ((lot[0] - middle) ** 2 + (lot[1] - middle) ** 2, atan2(lot[1] - middle, lot[0] - middle))
    )


_LOT_ORDER: Final = _lot_order()
