"""What every Vantage service shares: wire rows, settings, clock, errors, the bus and the store."""

__version__ = "0.1.0"
