"""A bound on new series: what a service invents beyond it is still counted, but under one name.

A user id in a tag makes a series a user. Stores, indexes and pages all pay for each, so a service may bring so many new
ones an hour; the rest keep their metric, their numbers and their time, and lose what tells them apart. Totals of
different series cannot be added up by a reader, so cumulative samples beyond the bound are left out. Both are counted.

The bound holds for each collector by itself, in memory: it protects, it does not bill.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import msgspec
from vantage_common.clock import Clock
from vantage_common.model import Sample

from vantage_collector.series import Series, by_series

OTHER: Final = "_OTHER"
HOUR_S: Final = 3600
MAX_SERVICES: Final = 10_000
"""Services remembered, of all workspaces; those beyond share one allowance a workspace."""

MAX_METRICS: Final = 10_000
"""Names of metrics remembered a service, from one hour to the next."""

OnCapped: TypeAlias = Callable[[str, str, int, int], None]
"""Told of a workspace's service, how many of its samples were renamed, and how many left out."""


@dataclass(slots=True)
class _Known:
    """Hashes of a service's series: seen this hour, seen in the hour before, and how many were new this hour."""

    current: set[int] = field(default_factory=set)
    previous: set[int] = field(default_factory=set)
    metrics: set[str] = field(default_factory=set)
    new: int = 0

    def turn(self) -> None:
        self.previous, self.current, self.new = self.current, set(), 0
        if len(self.metrics) > MAX_METRICS:
            self.metrics = set()


class SeriesCap:
    """`limit` new series a service and hour; 0 is no limit."""

    def __init__(self, limit: int, clock: Clock, on_capped: OnCapped) -> None:
        self._limit = limit
        self._clock = clock
        self._on_capped = on_capped
        self._services: dict[tuple[str, str], _Known] = {}
        self._hour = self._now()

    def admit(self, workspace: str, series: Series) -> Series:
        """The request's series, those beyond the bound under one name."""
        if not self._limit:
            return series
        self._turn()
        beyond = {name for name, samples in series.items() if not self._knows(workspace, name, samples[0])}
        if not beyond:
            return series
        admitted: list[Sample] = []
        for name, samples in series.items():
            admitted += self._renamed(workspace, samples) if name in beyond else samples
        return by_series(admitted)

    def _knows(self, workspace: str, name: Hashable, sample: Sample) -> bool:
        """Whether the series may keep its name: it had it before, or there is room for it."""
        known = self._of(workspace, sample.service_name)
        number = hash(name)
        if number in known.current:
            return True
        if number not in known.previous:
            if known.new >= self._limit:
                return False
            known.new += 1
            known.metrics.add(sample.metric_name)
        known.current.add(number)
        return True

    def _renamed(self, workspace: str, samples: Sequence[Sample]) -> list[Sample]:
        first = samples[0]
        left_out = first.temporality == "cumulative"
        number = len(samples)
        self._on_capped(workspace, first.service_name, 0 if left_out else number, number if left_out else 0)
        if left_out:
            return []
        has_name = first.metric_name in self._of(workspace, first.service_name).metrics
        return [
            msgspec.structs.replace(
                sample,
                metric_name=sample.metric_name if has_name else OTHER,
                endpoint=OTHER,
                instance="",
                tags={"series": OTHER},
            )
            for sample in samples
        ]

    def _of(self, workspace: str, service: str) -> _Known:
        key = (workspace, service)
        if key not in self._services and len(self._services) >= MAX_SERVICES:
            key = (workspace, OTHER)
        return self._services.setdefault(key, _Known())

    def _turn(self) -> None:
        """Once an hour: what was not seen for a whole one is forgotten."""
        hour = self._now()
        if hour == self._hour:
            return
        for known in self._services.values():
            known.turn()
            if hour - self._hour > 1:
                known.turn()
        self._services = {key: known for key, known in self._services.items() if known.previous}
        self._hour = hour

    def _now(self) -> int:
        return int(self._clock.monotonic() // HOUR_S)
