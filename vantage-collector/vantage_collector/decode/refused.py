"""Items of a request that were not taken while the others were, and why."""

from collections import Counter

MAX_REASONS = 5


class Refused:
    """Counts items by reason: a sender is told the most frequent ones."""

    def __init__(self) -> None:
        self.items = 0
        self._reasons: Counter[str] = Counter()

    def add(self, reason: str, items: int = 1) -> None:
        self.items += items
        if reason in self._reasons or len(self._reasons) < MAX_REASONS * 10:
            self._reasons[reason] += items

    def message(self) -> str:
        """``2 × checkout.total: NaN is no value; …``, empty when nothing was refused."""
        told = [f"{number} × {reason}" for reason, number in self._reasons.most_common(MAX_REASONS)]
        return "; ".join(told)
