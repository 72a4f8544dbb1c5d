"""Fetches the past from the store: from rollups what they have computed, from raw rows the rest."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from vantage_common.store.api import Reader
from vantage_common.store.intervals import Intervals, intersect, subtract
from vantage_common.store.plan import QueryPlan

from vantage_api.ask import Ask
from vantage_api.live.plan import ServiceKey
from vantage_api.questions import REQUEST_SOURCES, Requests
from vantage_api.time_travel import plans
from vantage_api.time_travel.plans import MINUTE_S
from vantage_api.time_travel.rebuild import History, slots_of

MINUTE_MS: Final = MINUTE_S * 1000
Ranged: TypeAlias = Callable[[str, Requests, int, int, int], QueryPlan]


@dataclass(frozen=True, slots=True)
class Flow:
    """Requests from a caller, by its label, within `seconds`."""

    caller: str
    callee: ServiceKey
    count: int
    errors: int
    seconds: int


class PastReader:
    def __init__(self, ask: Ask, reader: Reader) -> None:
        self._ask = ask
        self._reader = reader

    async def history(self, workspace: str, start_ms: int, end_ms: int, slot_s: int) -> History:
        """What happened before each multiple of `slot_s` from `start_ms` to `end_ms`, with the minute before it."""
        found = History(slot_s)
        first_ms = start_ms - slots_of(slot_s) * slot_s * 1000
        for source in REQUEST_SOURCES:
            rolled = await self._reader.rolled_up(source.table)
            name = plans.source_name(source)
            for plan in _split(
                workspace, source, (first_ms, end_ms), rolled, slot_s, plans.rolled_slots, plans.stored_slots
            ):
                found.add_slots(name, (await self._ask(plan)).dicts())
            for plan in self._instance_plans(workspace, source, start_ms, end_ms, rolled, found.pods_slot_s):
                found.add_instances((await self._ask(plan)).dicts())
        return found

    async def moment(self, workspace: str, at_ms: int, slot_s: int) -> History:
        """What happened before one moment. Where raw rows are read, instances are those of the minute up to it."""
        found = History(slot_s)
        first_ms = at_ms - slots_of(slot_s) * slot_s * 1000
        for source in REQUEST_SOURCES:
            rolled = await self._reader.rolled_up(source.table)
            name = plans.source_name(source)
            for plan in _split(
                workspace, source, (first_ms, at_ms), rolled, slot_s, plans.rolled_slots, plans.stored_slots
            ):
                found.add_slots(name, (await self._ask(plan)).dicts())
            if _covers(rolled, at_ms - MINUTE_MS, at_ms):
                for plan in self._instance_plans(workspace, source, at_ms, at_ms, rolled, found.pods_slot_s):
                    found.add_instances((await self._ask(plan)).dicts())
            else:
                plan = plans.instances_within(workspace, source, at_ms - found.pods_slot_s * 1000, at_ms)
                number = (at_ms - 1) // (found.pods_slot_s * 1000)
                found.add_instances((await self._ask(plan)).dicts(), number)
        return found

    async def flows(self, workspace: str, at_ms: int, slot_s: int, found: History) -> list[Flow]:
        """The requests by caller: of the slot before the moment from raw rows, of its minute from rollups."""
        flows: list[Flow] = []
        for source in REQUEST_SOURCES:
            rolled = await self._reader.rolled_up(source.table)
            minute_ms = (at_ms - 1) // MINUTE_MS * MINUTE_MS
            if _covers(rolled, minute_ms, minute_ms + MINUTE_MS):
                plan, seconds = plans.rolled_edges(workspace, source, minute_ms, minute_ms + MINUTE_MS), MINUTE_S
            else:
                plan, seconds = plans.stored_edges(workspace, source, at_ms - slot_s * 1000, at_ms), slot_s
            for row in (await self._ask(plan)).dicts():
                key = ServiceKey(row["environment"], row["service_name"])
                if found.source(key, at_ms) == plans.source_name(source):
                    flows.append(Flow(row["caller"], key, row["count"], row["errors"], seconds))
        return flows

    def _instance_plans(
        self, workspace: str, source: Requests, start_ms: int, end_ms: int, rolled: Intervals, slot_s: int
    ) -> list[QueryPlan]:
        """For the minutes that touch the one before any moment of the range."""
        slot_ms = slot_s * 1000
        within = ((start_ms - MINUTE_MS) // slot_ms * slot_ms, -(-end_ms // slot_ms) * slot_ms)
        return _split(workspace, source, within, rolled, slot_s, plans.rolled_instances, plans.stored_instances)


def _split(
    workspace: str,
    source: Requests,
    within: tuple[int, int],
    rolled: Intervals,
    slot_s: int,
    rolled_plan: Ranged,
    stored_plan: Ranged,
) -> list[QueryPlan]:
    """The plans that together read the range, each part of it once."""
    from_rollups = intersect((within,), rolled)
    from_rows = subtract((within,), from_rollups)
    return [
        *(rolled_plan(workspace, source, start, end, slot_s) for start, end in from_rollups),
        *(stored_plan(workspace, source, start, end, slot_s) for start, end in from_rows),
    ]


def _covers(rolled: Intervals, start_ms: int, end_ms: int) -> bool:
    return not subtract(((start_ms, end_ms),), rolled)
