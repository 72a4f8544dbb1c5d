"""The same for `vantage up`: collector and core on an embedded log and chDB, under their own supervisor."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from tests.clickhouse_http import clickhouse_http
from tests.faults.disk import Disk, small_disk
from tests.faults.load import Load
from tests.faults.oracle import Batch, Event, Oracle
from tests.faults.process import KillAtRename, MemoryWatch, NoStrace
from tests.faults.report import Skipped, Told
from tests.faults.store_check import StoreCheck
from tests.platform_process import Platform, environment, start
from tests.waiting import eventually

DATABASE = "vantage"
DEATHS_BEFORE_THE_SUPERVISOR_GIVES_UP = 4
"""Of one child within a minute."""


@dataclass
class Tree:
    """A running `vantage up`. Its store is its own while it runs: what it holds is asked over VQL until then."""

    directory: Path
    disk: Disk
    platform: Platform
    oracle: Oracle
    memory: MemoryWatch
    deaths: dict[str, int] = field(default_factory=dict)

    def load(self, run: str) -> Load:
        return Load(self.oracle, run, self.platform.collector)

    def is_stored(self, batch: Batch) -> bool:
        within = f"value >= {batch.first} AND value < {batch.end}"
        return self._count(f"SELECT count() FROM metrics WHERE {within}") >= batch.end - batch.first

    def child(self, name: str) -> psutil.Process:
        children = psutil.Process(self.platform.process.pid).children()
        return next(child for child in children if child.cmdline()[-1] == name)

    def kill(self, name: str) -> None:
        """Returns when there is another."""
        if self.renewed(name):
            return
        killed = self.child(name)
        killed.kill()
        self.died(name, killed.pid)

    def renewed(self, name: str) -> bool:
        """Kills a supervisor that would give up at the child's next death, with all it has, and starts it again."""
        if self.deaths.get(name, 0) < DEATHS_BEFORE_THE_SUPERVISOR_GIVES_UP:
            return False
        self.kill_all()
        return True

    def died(self, name: str, pid: int) -> None:
        self.deaths[name] = self.deaths.get(name, 0) + 1
        eventually(lambda: self.child(name).pid != pid, what=f"another {name}")
        self.watch()

    def kill_all(self) -> None:
        _kill_tree(self.platform)
        self.platform = start("up", self.directory, ports=self.platform.environment)
        self.deaths.clear()
        self.watch()

    def watch(self) -> None:
        self.memory.watch("core", self.child("core").pid)

    def _count(self, query: str) -> int:
        answer = httpx.post(f"{self.platform.api}/vql/execute", json={"query": query}, timeout=30)
        answer.raise_for_status()
        return int(answer.json()["rows"][0][0])


@dataclass(frozen=True, slots=True)
class TreeSize:
    kills: int
    kill_for_s: float
    renames: int


TREE_FULL = TreeSize(kills=50, kill_for_s=500, renames=6)
TREE_SHORT = TreeSize(kills=1, kill_for_s=60, renames=1)

TreeScenario = Callable[[Tree, Load, TreeSize], Told]


def kill_children(tree: Tree, load: Load, size: TreeSize) -> Told:
    rng = random.Random(3)
    told = Told()
    until = time.monotonic() + size.kill_for_s
    for number in range(size.kills):
        if time.monotonic() > until:
            told.note = f"{size.kills} were planned"
            break
        for name in ("core", "collector"):
            time.sleep(rng.uniform(0, 1.0))
            tree.kill(name)
            if number % 3 == 0:
                told.recoveries_s.append(load.recovery_s(tree.is_stored))
        told.times += 1
    return told


def kill_core_at_rename(tree: Tree, load: Load, size: TreeSize) -> Told:
    """The core dies with the token noted and the part without its name; the next one finds the intent in the log."""
    told = Told()
    inserts = 0
    for number in range(size.renames):
        tree.renewed("core")
        core = tree.child("core")
        try:
            killer = KillAtRename(core.pid, number % 3 + 1, tree.directory.parent / "strace-core.log")
        except NoStrace as error:
            raise Skipped(str(error)) from error
        renamed = killer.wait(30)
        assert renamed, "the engine renames nothing any more"
        inserts += renamed.startswith("tmp_insert")
        tree.died("core", core.pid)
        told.recoveries_s.append(load.recovery_s(tree.is_stored))
        told.times += 1
    told.note = f"{inserts} at the part of an insert"
    return told


def disk_full(tree: Tree, load: Load, size: TreeSize) -> Told:
    """Log and store share it: the collector answers 503, and nothing that was told 202 is gone afterwards."""
    if not tree.disk.can_be_filled:
        raise Skipped("no disk of a size of its own can be mounted here (not root)")
    refused = tree.oracle.answers["503"]
    tree.disk.fill(0)
    eventually(lambda: tree.oracle.answers["503"] > refused, within_s=60, what="the collector answers 503")
    tree.disk.empty()
    return Told(1, [load.recovery_s(tree.is_stored)])


TREE_SCENARIOS: dict[str, TreeScenario] = {
    "up: kill -9 core, collector": kill_children,
    "up: core dies at a rename": kill_core_at_rename,
    "up: disk full": disk_full,
}


def _settings(dashboard: Path) -> dict[str, str]:
    """No limit but the machine's; a page stands for the dashboard, which is nothing to us."""
    dashboard.mkdir()
    (dashboard / "index.html").write_text("<!doctype html>")
    limits = ("VANTAGE_RATE_LIMIT_PER_MINUTE", "VANTAGE_QUERY_RATE_LIMIT_PER_MINUTE")
    return {"VANTAGE_DASHBOARD_DIR": str(dashboard), **dict.fromkeys(limits, "0")}


TREE_SHORT_NAMES = ("up: kill -9 core, collector", "up: core dies at a rename")


@contextmanager
def tree(directory: Path, memory: MemoryWatch) -> Iterator[Tree]:
    """A running platform; it has stopped, with status 0, when the block ends, and `stored_by` may be asked."""
    with small_disk(directory / "up") as disk:
        data = disk.path / "data"
        oracle = Oracle(directory / "oracle-up.tsv")
        platform = start("up", data, ports=environment(data) | _settings(directory / "dashboard"))
        made = Tree(data, disk, platform, oracle, memory)
        made.watch()
        try:
            yield made
        finally:
            if made.platform.process.poll() is None:
                _kill_tree(made.platform)
            oracle.close()


def _kill_tree(platform: Platform) -> None:
    children = psutil.Process(platform.process.pid).children()
    platform.process.kill()
    for child in children:
        child.kill()
    psutil.wait_procs(children, timeout=20)
    platform.process.wait(20)


def stop_and_read(made: Tree) -> dict[Event, int]:
    """Ctrl-C, then what its store holds, read past all of our code."""
    status = made.platform.interrupt()
    assert status == 0, f"vantage up ended with {status}:\n" + "\n".join(made.platform.lines[-20:])
    with clickhouse_http(made.directory / "chdb") as server:
        return StoreCheck(server.url, DATABASE).stored()
