"""What the routes are handed: the open parts of the service."""

from dataclasses import dataclass

from fastapi import Request
from vantage_common.bus.api import Bus, Publisher
from vantage_common.clock import Clock
from vantage_common.http.asgi import workspace_of
from vantage_common.http.keys import Keyring
from vantage_common.settings import Settings
from vantage_common.store.api import Store

from vantage_api.alerts.channels.open import OpenChannels
from vantage_api.alerts.service import Alerts
from vantage_api.ask import Ask
from vantage_api.knowledge import Knowledge
from vantage_api.live.feed import Live
from vantage_api.metrics import ApiMetrics


@dataclass(frozen=True, slots=True)
class Parts:
    settings: Settings
    store: Store
    bus: Bus
    publisher: Publisher
    clock: Clock
    metrics: ApiMetrics
    keyring: Keyring
    ask: Ask
    knowledge: Knowledge
    live: Live
    channels: OpenChannels
    alerts: Alerts


async def workspace(request: Request) -> str:
    """Asynchronous for its cost alone: FastAPI would run a plain function in a thread, for every request."""
    return workspace_of(request.scope)
