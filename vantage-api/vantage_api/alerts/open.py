"""The alerts of a running API, put together from its parts."""

from collections.abc import Mapping
from functools import partial

from vantage_common.bus.api import Bus, Publisher
from vantage_common.clock import Clock
from vantage_common.http.asgi import DEFAULT_WORKSPACE
from vantage_common.settings import Settings
from vantage_common.store.api import Documents

from vantage_api.alerts.board import Report
from vantage_api.alerts.evaluator import Evaluator
from vantage_api.alerts.notification import Notifier
from vantage_api.alerts.service import Alerts
from vantage_api.ask import Ask
from vantage_api.live.feed import Live


def open_alerts(
    settings: Settings,
    bus: Bus,
    publisher: Publisher,
    documents: Documents,
    ask: Ask,
    live: Live,
    notifier: Notifier,
    clock: Clock,
) -> Alerts:
    """None of it is running yet. Workspaces are those that send anything, and those that have rules."""

    async def health(workspace: str) -> Mapping[str, int | None]:
        return await worst_health(live, clock, workspace)

    def workspaces() -> list[str]:
        return sorted({DEFAULT_WORKSPACE, *live.workspaces()})

    evaluator = Evaluator(ask, documents, clock, notifier, health, workspaces)
    alerts = Alerts(bus, publisher, clock, evaluator, settings.alerts_interval_s)
    alerts.watch(partial(show_live, live))
    return alerts


async def worst_health(live: Live, clock: Clock, workspace: str) -> dict[str, int | None]:
    """The city's scores; of a service that is in several environments the lowest."""
    worst: dict[str, int | None] = {}
    city = await live.open(workspace)
    for view in city.view(clock.now_ms()):
        name, score = view.building.key.name, view.measured.health.score
        known = worst.get(name)
        worst[name] = score if known is None else known if score is None else min(score, known)
    return worst


async def show_live(live: Live, workspace: str, report: Report | None) -> None:
    """The number in the city's status, and a message for every change."""
    await live.show_firing(workspace, None if report is None else report.firing)
    for change in () if report is None else report.changes:
        live.publish_alert(workspace, change)
