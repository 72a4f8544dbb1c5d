"""Who is in the city: slots, lots and edges, and the changes that clients have not been told yet."""

import heapq
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from vantage_api.live.plan import Founder, Lot, Plan, ServiceKey
from vantage_api.live.requests import Carry

MAX_NUMBERS: Final = 0x10000
"""Slots and edge ids are u16 in the frames."""


class RegistryFull(Exception):
    """All 65 536 numbers are given away."""


class Numbers:
    """Gives the lowest free number. One given back is free only after `settle`: its removal must be told first."""

    def __init__(self) -> None:
        self._next = 0
        self._free: list[int] = []
        self._returned: list[int] = []

    def take(self) -> int:
        if self._free:
            return heapq.heappop(self._free)
        if self._next == MAX_NUMBERS:
            raise RegistryFull(f"no more than {MAX_NUMBERS} services or edges fit a frame")
        self._next += 1
        return self._next - 1

    def give_back(self, number: int) -> None:
        self._returned.append(number)

    def settle(self) -> None:
        for number in self._returned:
            heapq.heappush(self._free, number)
        self._returned.clear()


@dataclass(frozen=True, slots=True)
class Building:
    slot: int
    key: ServiceKey
    lot: Lot

    def as_json(self) -> dict[str, Any]:
        return {
            "slot": self.slot,
            "id": self.key.id,
            "name": self.key.name,
            "environment": self.key.environment,
            "district": self.lot.district,
            "x": self.lot.x,
            "z": self.lot.z,
        }


@dataclass(slots=True)
class Edge:
    """A way requests take; `caller` None is the ingress. `carry` is what its particles still owe."""

    id: int
    caller: ServiceKey | None
    callee: ServiceKey
    from_slot: int | None
    to_slot: int
    used_ms: int
    carry: Carry = field(default_factory=Carry)

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "from": self.from_slot, "to": self.to_slot}


class Registry:
    """The city's book of residents. The plan remembers every lot it gave, so one that comes back stands where it
    stood; slots and edge ids are numbers on the wire only, and are reused."""

    def __init__(self) -> None:
        self._plan = Plan()
        self._slots = Numbers()
        self._edge_ids = Numbers()
        self.buildings: dict[ServiceKey, Building] = {}
        self.edges: dict[tuple[ServiceKey | None, ServiceKey], Edge] = {}
        self._forget_changes()

    def found(self, founders: Iterable[Founder]) -> None:
        """Lays out the services known at start; may be called once, before the first `admit`."""
        self._plan = Plan.founded(founders)

    def admit(self, key: ServiceKey, district: str) -> Building:
        """Enters a service, which then keeps slot and lot until `remove`."""
        building = Building(self._slots.take(), key, self._plan.place(key, district))
        self.buildings[key] = building
        self._changed[building.slot] = building
        return building

    def edge(self, caller: str, callee: ServiceKey, now_ms: int) -> Edge:
        """The edge on which requests labelled `caller` travel, made at its first use.

        It starts at the service of that name in the same environment when that one is in the city, else at the
        ingress: a label alone is no proof that there is such a service.
        """
        candidate = ServiceKey(callee.environment, caller)
        origin = candidate if caller and candidate in self.buildings else None
        edge = self.edges.get((origin, callee))
        if edge is None:
            from_slot = None if origin is None else self.buildings[origin].slot
            edge = Edge(self._edge_ids.take(), origin, callee, from_slot, self.buildings[callee].slot, now_ms)
            self.edges[(origin, callee)] = edge
            self._changed_edges[edge.id] = edge
        edge.used_ms = now_ms
        return edge

    def remove(self, key: ServiceKey) -> None:
        """Takes a service out, with the edges that touch it."""
        for edge in [edge for edge in self.edges.values() if key in (edge.caller, edge.callee)]:
            self.remove_edge(edge)
        slot = self.buildings.pop(key).slot
        self._changed.pop(slot, None)
        self._removed.append(slot)
        self._slots.give_back(slot)

    def remove_edge(self, edge: Edge) -> None:
        del self.edges[(edge.caller, edge.callee)]
        self._changed_edges.pop(edge.id, None)
        self._removed_edges.append(edge.id)
        self._edge_ids.give_back(edge.id)

    def as_json(self) -> dict[str, Any]:
        """The whole registry, as `hello` carries it."""
        return {
            "districts": self.districts(),
            "services": [building.as_json() for building in self.buildings.values()],
            "edges": [edge.as_json() for edge in self.edges.values()],
        }

    def lot_of(self, key: ServiceKey, district: str) -> Lot:
        """Where a service stands, stood, or will stand when it comes."""
        return self._plan.place(key, district)

    def districts(self, names: set[str] | None = None) -> list[dict[str, Any]]:
        """The blocks of these names; without any those on which something stands."""
        inhabited = {building.lot.district for building in self.buildings.values()} if names is None else names
        return [asdict(district) for district in self._plan.districts() if district.name in inhabited]

    def take_changes(self) -> dict[str, Any] | None:
        """The `registry` message for what changed since the last call, None when nothing did."""
        if not (self._changed or self._removed or self._changed_edges or self._removed_edges):
            return None
        message = {
            "type": "registry",
            "districts": self.districts(),
            "services": {"upsert": [b.as_json() for b in self._changed.values()], "remove": self._removed},
            "edges": {"upsert": [e.as_json() for e in self._changed_edges.values()], "remove": self._removed_edges},
        }
        self._forget_changes()
        self._slots.settle()
        self._edge_ids.settle()
        return message

    def _forget_changes(self) -> None:
        self._changed: dict[int, Building] = {}
        self._removed: list[int] = []
        self._changed_edges: dict[int, Edge] = {}
        self._removed_edges: list[int] = []
