"""`make faults`: every fault at full size. `--short` is the part of `make test`; names choose among the faults."""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil

from tests.faults.cluster import Cluster, cluster
from tests.faults.disk import unmount_all
from tests.faults.embedded import (
    TREE_FULL,
    TREE_SCENARIOS,
    TREE_SHORT,
    TREE_SHORT_NAMES,
    Tree,
    TreeSize,
    stop_and_read,
    tree,
)
from tests.faults.process import MemoryWatch
from tests.faults.report import WHOLE, Outcome, Skipped, Told, table
from tests.faults.scenarios import FULL, SCENARIOS, SHORT, SHORT_NAMES, Size

BOUND_S = 900.0
"""No fault begins later; one that should have is bad."""
LATE = f"not begun: {BOUND_S:.0f} seconds were over"


def suffered(outcome: Outcome, fault: Callable[[], Told]) -> None:
    """Does the fault and notes how it went; the data are judged apart."""
    try:
        told = fault()
        outcome.times, outcome.recoveries_s, outcome.note = told.times, told.recoveries_s, told.note
    except Skipped as why:
        outcome.skipped = str(why)
    except Exception as error:  # whatever it is, the other faults are still to be done
        outcome.trouble = str(error) or repr(error)


def run_apart(names: Sequence[str], size: Size, directory: Path, deadline: float) -> list[Outcome]:
    """Judges after each fault, and at the end everything together: a row may double long after its fault."""
    outcomes: list[Outcome] = []
    try:
        with MemoryWatch() as memory, cluster(directory, memory) as made:
            tell(f"services apart on {made.broker.label}")
            for name in names:
                late = time.monotonic() > deadline
                outcomes.append(Outcome(name, trouble=LATE) if late else one_apart(made, name, size))
            whole = Outcome(WHOLE, verdict=made.oracle.judge(made.check.stored()))
            whole.trouble = "; ".join(made.rollup_faults())
            return [*outcomes, whole]
    except Skipped as why:
        return [Outcome(name, skipped=str(why)) for name in names]


def one_apart(made: Cluster, name: str, size: Size) -> Outcome:
    outcome, begun = Outcome(name), time.monotonic()
    made.memory.take_peaks()

    def fault() -> Told:
        with made.load(name) as load:
            load.recovery_s(made.is_stored)
            return SCENARIOS[name](made, load, size)

    suffered(outcome, fault)
    try:
        made.restore()
        outcome.verdict = made.settled(name)
    except Exception as error:
        outcome.trouble = outcome.trouble or str(error)
    outcome.peaks_mib = made.memory.take_peaks()
    tell_of(outcome, time.monotonic() - begun)
    return outcome


def run_embedded(names: Sequence[str], size: TreeSize, directory: Path, deadline: float) -> list[Outcome]:
    """The store is judged once the platform has stopped: until then nobody else may open it."""
    outcomes: list[Outcome] = []
    with MemoryWatch() as memory, tree(directory, memory) as made:
        for name in names:
            late = time.monotonic() > deadline
            outcomes.append(Outcome(name, trouble=LATE) if late else one_embedded(made, name, size))
        try:
            stored = stop_and_read(made)
        except Exception as error:
            return [replace(outcome, trouble=outcome.trouble or str(error)) for outcome in outcomes]
        return [replace(outcome, verdict=made.oracle.judge(stored, outcome.fault)) for outcome in outcomes]


def one_embedded(made: Tree, name: str, size: TreeSize) -> Outcome:
    outcome, begun = Outcome(name), time.monotonic()
    made.memory.take_peaks()

    def fault() -> Told:
        with made.load(name) as load:
            load.recovery_s(made.is_stored)
            told = TREE_SCENARIOS[name](made, load, size)
            load.recovery_s(made.is_stored)
            return told

    suffered(outcome, fault)
    outcome.peaks_mib = made.memory.take_peaks()
    tell_of(outcome, time.monotonic() - begun)
    return outcome


def tell_of(outcome: Outcome, seconds: float) -> None:
    """Of an outcome that is not judged yet, only that it is over."""
    words = outcome.line() if outcome.verdict is not None else (outcome.fault, "done", outcome.note)
    tell(f"{seconds:6.1f} s  {'  '.join(words)}")
    if outcome.trouble:
        tell(outcome.trouble)


def abandon(number: int, _: object) -> None:
    """Ends everything that was started, at once: the lanes would go on with their faults."""
    for _ in range(2):  # what a lane was starting just then as well
        for process in psutil.Process().children(recursive=True):
            process.kill()
        time.sleep(0.2)
    unmount_all()
    os._exit(128 + number)


def tell(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    """Both kinds run side by side: one waits while the other works."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--keep", type=Path, help="directory for logs and the oracle's file, kept afterwards")
    parser.add_argument("names", nargs="*", help=f"of {', '.join([*SCENARIOS, *TREE_SCENARIOS])}; all without any")
    options = parser.parse_args()
    every = [*SHORT_NAMES, *TREE_SHORT_NAMES] if options.short else [*SCENARIOS, *TREE_SCENARIOS]
    names = options.names or every
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, abandon)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="vantage-faults-") as temporary:
        directory = options.keep or Path(temporary)
        apart = [name for name in names if name in SCENARIOS]
        embedded = [name for name in names if name in TREE_SCENARIOS]
        sizes = (SHORT, TREE_SHORT) if options.short else (FULL, TREE_FULL)
        with ThreadPoolExecutor() as lanes:
            running = [lanes.submit(run_apart, apart, sizes[0], directory, begun + BOUND_S)] if apart else []
            running += [lanes.submit(run_embedded, embedded, sizes[1], directory, begun + BOUND_S)] if embedded else []
            outcomes = [outcome for lane in running for outcome in lane.result()]
    tell("\n".join(["", *table(outcomes), f"{time.monotonic() - begun:.0f} s"]))
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
