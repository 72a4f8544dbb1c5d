"""Chooses the bus by configuration alone."""

from vantage_common.bus.api import Bus
from vantage_common.bus.embedded import EmbeddedBus
from vantage_common.clock import Clock
from vantage_common.settings import Settings


def open_bus(settings: Settings, clock: Clock) -> Bus:
    """The bus of `settings.bus_kind`. Opens nothing yet: the first call does."""
    if settings.bus_kind == "kafka":
        # Importing the client costs 100 ms and 20 MB that an embedded Vantage never needs.
        from vantage_common.bus.kafka import KafkaBus

        return KafkaBus(settings, clock)
    return EmbeddedBus(settings, clock)
