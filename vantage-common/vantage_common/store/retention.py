"""How long rows are kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

ROLLUP_DAYS: Final[Mapping[str, int]] = {"metrics_1h": 365, "metrics_1d": 1095, "city_10s": 7}
"""The rollups that outlive raw rows, and the one that is too fine to."""

DOCUMENT_DAYS: Final[Mapping[str, int]] = {"alert_events": 365, "audit": 365}


@dataclass(frozen=True, slots=True)
class Retention:
    """Days that raw rows are kept."""

    raw_days: int
    spans_days: int

    def days_of(self, table: str) -> int:
        """Days that the rows of a table are kept."""
        return self.spans_days if table == "spans" else ROLLUP_DAYS.get(table, self.raw_days)
