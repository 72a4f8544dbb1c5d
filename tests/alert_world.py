"""A world for alerts: a real store and bus on disk, a clock that is told the time, and channels that only listen."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vantage_api.alerts.builtin import BUILT_IN
from vantage_api.alerts.evaluator import Evaluator, Turn
from vantage_api.alerts.notification import Notification
from vantage_api.alerts.office import Office
from vantage_api.alerts.rules import RuleBody
from vantage_api.alerts.service import Alerts
from vantage_api.ask import Ask
from vantage_api.documents import Author
from vantage_api.metrics import ApiMetrics
from vantage_common.bus.api import Bus
from vantage_common.bus.open import open_bus
from vantage_common.clock import ManualClock
from vantage_common.model import REQUEST_METRIC, Sample
from vantage_common.store.api import Document, Store
from vantage_common.store.open import open_store

from tests.contract.store_rows import block
from tests.integration.running_api import settings_for

ANN = Author("default", "ann")
START_MS = 1_790_035_200_000
INTERVAL_S = 15.0


class Listener:
    """Channels that keep what they hear."""

    def __init__(self) -> None:
        self.heard: list[tuple[Notification, tuple[str, ...]]] = []

    async def notify(self, notification: Notification, channel_ids: Sequence[str]) -> None:
        self.heard.append((notification, tuple(channel_ids)))

    @property
    def said(self) -> list[str]:
        """As ``firing checkout r``."""
        return [f"{told.state} {told.service} {told.rule_name}" for told, _ in self.heard]


async def no_fence() -> None:
    """The seat is ours."""


@dataclass
class World:
    store: Store
    bus: Bus
    clock: ManualClock
    listener: Listener
    office: Office
    health: dict[str, int | None] = field(default_factory=dict)
    inserts: int = 0
    told: int = 0
    workspaces: list[str] = field(default_factory=lambda: ["default"])

    def evaluator(self) -> Evaluator:
        async def health(workspace: str) -> Mapping[str, int | None]:
            return self.health if workspace == "default" else {}

        ask = Ask(self.store, ApiMetrics(), self.clock)
        return Evaluator(ask, self.store.documents, self.clock, self.listener, health, lambda: self.workspaces)

    @asynccontextmanager
    async def replica(self, interval_s: float = INTERVAL_S) -> AsyncIterator[Alerts]:
        """One API's alerts, whose turns the test calls for."""
        publisher = self.bus.publisher()
        await publisher.start()
        alerts = Alerts(self.bus, publisher, self.clock, self.evaluator(), interval_s)
        try:
            yield alerts
        finally:
            await alerts.stop()
            await publisher.stop()

    async def without_built_in(self) -> None:
        for id_, body in BUILT_IN.items():
            off = body.model_copy(update={"enabled": False}).model_dump(mode="json")
            await self.store.documents.put("alert_rules", [Document("default", id_, 1, 1, "ann", off)])

    async def rule(self, **fields: Any) -> str:
        """A rule with the channel ops; its id."""
        body = {"name": "r", "channels": ["ops"], "metric": "m", "window_s": 60, "agg": "avg"} | fields
        return (await self.office.make_rule(ANN, RuleBody.model_validate(body))).id

    async def insert(self, *samples: Sample, workspace: str = "default") -> None:
        self.inserts += 1
        columns = block("metrics", samples, workspace=workspace, offset=self.inserts)
        await self.store.writer.insert("metrics", columns, token=f"t{self.inserts}")

    async def gauge(self, value: float, *, service: str = "checkout", metric: str = "m", age_s: float = 20) -> None:
        await self.insert(gauge_at(self.clock.now_ms() - round(age_s * 1000), value, service, metric))

    async def turn(self, evaluator: Evaluator, after_s: float = 0) -> Turn:
        self.clock.advance(after_s)
        turn = await evaluator.turn(self.told, no_fence)
        self.told = turn.told
        return turn


@asynccontextmanager
async def alert_world(directory: Path, store: str = "sqlite") -> AsyncIterator[World]:
    settings = settings_for(directory, store=store)
    clock = ManualClock(START_MS)
    bus, opened = open_bus(settings, clock), open_store(settings)
    await opened.admin.migrate()
    try:
        yield World(opened, bus, clock, Listener(), Office(opened.documents, clock))
    finally:
        await opened.close()
        await bus.close()


def gauge_at(at_ms: int, value: float, service: str = "checkout", metric: str = "m") -> Sample:
    return Sample(timestamp=at_ms, service_name=service, metric_name=metric, metric_type="gauge", value=value)


def requests_at(
    at_ms: int, count: int, *, ms: float = 20.0, status: int = 200, service: str = "checkout", environment: str = ""
) -> Sample:
    return Sample(
        timestamp=at_ms,
        service_name=service,
        metric_name=REQUEST_METRIC,
        metric_type="histogram",
        value=ms,
        count=count,
        status_code=status,
        environment=environment,
    )
