"""The rule from what was found to DEPLOY, HOLD, ROLLBACK or INCONCLUSIVE. Pure; docs/compare.md states it in words."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Recommendation: TypeAlias = Literal["DEPLOY", "HOLD", "ROLLBACK", "INCONCLUSIVE"]

ERRORS_SURER: Final = 5.0
"""Errors are a second test on the same data, so they must be so many times surer."""
TAIL_PCT: Final = 5.0
"""A candidate whose p95 or p99 is certainly worse by more than this is not deployed for a better middle."""


@dataclass(frozen=True, slots=True)
class Change:
    """Improvement in percent, positive for better, with its interval; None where there is none."""

    pct: float
    low_pct: float | None = None
    high_pct: float | None = None

    def within(self, bound: float) -> bool:
        return (
            self.low_pct is not None and self.high_pct is not None and -bound <= self.low_pct and self.high_pct <= bound
        )


@dataclass(frozen=True, slots=True)
class Found:
    """`blocks` of `least_blocks` were there. `tested` is what the p-value is about, `sign_then` the sign of its
    improvement when that was least, `mean_pct` the improvement of the plain mean; `errors_p_value` is 1 where there is
    nothing to compare, `more_errors` how much larger the candidate's ratio of errors is; `tails` are by name."""

    blocks: int
    least_blocks: int
    p_value: float
    tested: Change
    sign_then: int
    mean_pct: float | None
    errors_p_value: float
    more_errors: float
    tails: dict[str, Change]


@dataclass(frozen=True, slots=True)
class Verdict:
    recommendation: Recommendation
    reasons: tuple[str, ...]


def verdict(found: Found, alpha: float, least_pct: float) -> Verdict:
    """`least_pct` is the smallest difference that matters."""
    if found.blocks < found.least_blocks:
        return Verdict(
            "INCONCLUSIVE",
            (f"both sides have data in {found.blocks} minutes together, and {found.least_blocks} are needed",),
        )
    if found.errors_p_value <= alpha / ERRORS_SURER and found.more_errors > 0:
        return Verdict("ROLLBACK", (f"the candidate fails {100 * found.more_errors:.2g} % more of its requests",))
    if found.p_value > alpha:
        return _not_significant(found, least_pct)
    if found.sign_then * found.tested.pct < 0:
        return Verdict("HOLD", ("what was significant earlier in the range has turned round since",))
    if abs(found.tested.pct) < least_pct:
        return Verdict("HOLD", (f"the difference is real, but below the {least_pct:g} % that matter",))
    if found.tested.pct < 0:
        return Verdict("ROLLBACK", (f"the candidate is {-found.tested.pct:.3g} % worse",))
    against = _against(found, least_pct)
    if against:
        return Verdict("HOLD", (f"the candidate is {found.tested.pct:.3g} % better, but {against}",))
    return Verdict("DEPLOY", (f"the candidate is {found.tested.pct:.3g} % better",))


def _not_significant(found: Found, least_pct: float) -> Verdict:
    if found.tested.within(least_pct):
        return Verdict("HOLD", (f"no difference of {least_pct:g} % or more: there is no reason to change",))
    return Verdict("INCONCLUSIVE", ("the data does not tell the two apart yet",))


def _against(found: Found, least_pct: float) -> str:
    """What speaks against a significantly better candidate; empty where nothing does."""
    if found.mean_pct is not None and found.mean_pct < -least_pct:
        return f"its mean is {-found.mean_pct:.3g} % worse"
    for name, tail in found.tails.items():
        if tail.high_pct is not None and tail.high_pct < -TAIL_PCT:
            return f"its {name} is {-tail.pct:.3g} % worse"
    return ""
