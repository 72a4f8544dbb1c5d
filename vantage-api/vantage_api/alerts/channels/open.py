"""The channels of a service, from its settings."""

from dataclasses import dataclass

from vantage_common.clock import Clock
from vantage_common.settings import Settings
from vantage_common.store.api import Documents

from vantage_api.alerts.channels.apprise_sender import AppriseSender
from vantage_api.alerts.channels.channel import shown
from vantage_api.alerts.channels.delivery import Deliveries
from vantage_api.alerts.channels.webhook import WebhookSender
from vantage_api.documents import Shelf
from vantage_api.metrics import ApiMetrics


@dataclass(frozen=True, slots=True)
class OpenChannels:
    """`deliveries` is the `Notifier` of the alerts."""

    shelf: Shelf
    apprise: AppriseSender
    deliveries: Deliveries


def open_channels(settings: Settings, documents: Documents, clock: Clock, metrics: ApiMetrics) -> OpenChannels:
    shelf = Shelf(documents, "alert_channels", "channel", clock, shown=shown)
    allowed = settings.alerts_allowed_network_list
    apprise = AppriseSender(allowed)
    webhooks = WebhookSender(clock, allowed)
    deliveries = Deliveries(shelf, webhooks, apprise, clock, metrics, public_url=settings.public_url)
    return OpenChannels(shelf, apprise, deliveries)
