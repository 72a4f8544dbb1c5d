"""What became of each fault, as one table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.faults.oracle import Verdict

WHOLE = "everything, at the end"
WORKER_BOUND_MIB = 512.0
"""Of a worker, or of the core with API and engine. Seen: 280 after five minutes without a store, 384 for a core."""
HEAD = ("fault", "times", "sent", "acked", "lost", "doubled", "strange", "recovery s", "max MB", "")


class Skipped(Exception):
    """Why a fault cannot be had here."""


@dataclass(slots=True)
class Told:
    times: int = 0
    recoveries_s: list[float] = field(default_factory=list)
    note: str = ""


@dataclass(slots=True)
class Outcome:
    """`trouble` is what went wrong beyond the data; `skipped` why the fault could not be had."""

    fault: str
    times: int = 0
    verdict: Verdict | None = None
    recoveries_s: Sequence[float] = ()
    peaks_mib: Mapping[str, float] = field(default_factory=dict)
    note: str = ""
    trouble: str = ""
    skipped: str = ""

    @property
    def worker_mib(self) -> float:
        return max((size for name, size in self.peaks_mib.items() if name.startswith(("worker", "core"))), default=0.0)

    @property
    def is_good(self) -> bool:
        if self.skipped:
            return True
        return not self.trouble and self.verdict is not None and self.verdict.holds and not self.is_too_large

    @property
    def is_too_large(self) -> bool:
        return self.worker_mib > WORKER_BOUND_MIB

    def line(self) -> tuple[str, ...]:
        if self.skipped:
            return (self.fault, *("-" for _ in range(8)), f"SKIPPED: {self.skipped}")
        verdict = self.verdict
        counts: tuple[str, ...] = ("?",) * 5
        if verdict is not None:
            data = (verdict.lost, verdict.doubled, verdict.strange)
            counts = (str(verdict.sent), str(verdict.acknowledged), *(str(len(events)) for events in data))
        recovery = f"{max(self.recoveries_s):.1f}" if self.recoveries_s else "-"
        faults = [self.trouble.splitlines()[0]] if self.trouble else []
        faults += [f"more than {WORKER_BOUND_MIB:.0f} MB"] if self.is_too_large else []
        words = "; ".join(filter(None, (self.note, *faults)))
        mark = "ok" if self.is_good else "FAILED"
        return (self.fault, str(self.times), *counts, recovery, f"{self.worker_mib:.0f}", f"{mark} {words}".strip())


def table(outcomes: Sequence[Outcome]) -> list[str]:
    lines = [HEAD, *(outcome.line() for outcome in outcomes)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [_aligned(line, widths) for line in lines]


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    """Words to the left, figures to the right."""
    first, *figures, last = line
    cells = [figure.rjust(width) for figure, width in zip(figures, widths[1:-1], strict=True)]
    return "  ".join([first.ljust(widths[0]), *cells, last]).rstrip()
