"""Metrics of the process itself: memory, CPU, threads, files, garbage collection, event loops."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Optional, Tuple

import pytest
import uvicorn
import vantage_agent
from fastapi import FastAPI
from vantage_agent import event_loops
from vantage_agent.event_loops import LoopWatch, notice
from vantage_agent.runtime_metrics import RuntimeMetrics, read_process

if TYPE_CHECKING:
    from tests.conftest import Sink

Start = Callable[..., None]
linux = pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")

NAMES = {
    "process.memory.usage",
    "process.thread.count",
    "process.open_file_descriptor.count",
    "process.uptime",
    "process.cpu.time",
    "cpython.gc.collections",
    "cpython.gc.pause.time",
    "cpython.gc.pause.max",
}


@pytest.fixture
def metrics() -> Iterator[RuntimeMetrics]:
    found = RuntimeMetrics()
    found.start()
    yield found
    found.close()


def values(metrics: RuntimeMetrics, name: str) -> Dict[str, float]:
    """Values of one metric by the value of its tag, "" where it has none."""
    return {
        dict(record[5]).popitem()[1] if record[5] else "": record[3] for record in metrics.sample() if record[2] == name
    }


def value(metrics: RuntimeMetrics, name: str) -> float:
    return values(metrics, name)[""]


@linux
def test_memory_threads_and_files_are_the_kernels(metrics: RuntimeMetrics) -> None:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    resident = int(status["VmRSS"].split()[0]) * 1024
    assert value(metrics, "process.memory.usage") == pytest.approx(resident, rel=0.05)
    before = {name: value(metrics, name) for name in ("process.thread.count", "process.open_file_descriptor.count")}
    stop = threading.Event()
    threads = [threading.Thread(target=stop.wait, daemon=True) for _ in range(7)]
    files = [os.dup(0) for _ in range(5)]
    for thread in threads:
        thread.start()
    try:
        assert value(metrics, "process.thread.count") == before["process.thread.count"] + 7
        assert value(metrics, "process.open_file_descriptor.count") == before["process.open_file_descriptor.count"] + 5
    finally:
        stop.set()
        for file in files:
            os.close(file)
        for thread in threads:
            thread.join()


@linux
def test_memory_that_is_taken_shows(metrics: RuntimeMetrics) -> None:
    before = value(metrics, "process.memory.usage")
    taken = bytearray(os.urandom(1)) * 50_000_000
    assert value(metrics, "process.memory.usage") - before == pytest.approx(len(taken), rel=0.1)


@linux
def test_the_quick_count_of_files_is_the_slow_one() -> None:
    """In a process of its own: a thread that waits in accept() holds a number that is counted but not listed."""
    program = """
import os
from vantage_agent.runtime_metrics import open_files
quick, real = open_files(), os.stat
class Nothing: st_size = 0
os.stat = lambda path, *args, **kwargs: Nothing if path == "/proc/self/fd" else real(path, *args, **kwargs)
print(quick, open_files())
"""
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)
    quick, slow = run.stdout.split()
    assert quick == slow
    assert int(quick) >= 3


@linux
def test_uptime_begins_with_the_process_and_not_with_the_agent() -> None:
    program = (
        "import time; time.sleep(0.5);"
        "from vantage_agent.runtime_metrics import read_process; print(read_process().uptime_s)"
    )
    began = time.monotonic()
    out = subprocess.run([sys.executable, "-c", program], env=environment(), capture_output=True, text=True, check=True)
    # The kernel counts in hundredths of a second.
    assert 0.48 <= float(out.stdout) <= time.monotonic() - began + 0.02


def test_where_there_is_no_proc_what_exists_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any) -> Any:
        raise FileNotFoundError

    monkeypatch.setattr("builtins.open", missing)
    monkeypatch.setattr(os, "stat", missing)
    found = RuntimeMetrics()
    names = {record[2] for record in found.sample()}
    found.close()
    assert names == NAMES - {"process.memory.usage", "process.open_file_descriptor.count"}
    assert read_process().threads == threading.active_count()


def test_cpu_time_counts_what_was_burnt(metrics: RuntimeMetrics) -> None:
    metrics.sample()
    until = time.process_time() + 0.3
    while time.process_time() < until:
        pass
    burnt = values(metrics, "process.cpu.time")
    assert set(burnt) == {"user", "system"}
    assert sum(burnt.values()) == pytest.approx(0.3, abs=0.06)


def test_collections_and_their_pauses_are_counted(metrics: RuntimeMetrics) -> None:
    metrics.sample()
    began = time.perf_counter()
    gc.collect()
    gc.collect()
    took = time.perf_counter() - began
    records = {(record[2], record[5]): record[3] for record in metrics.sample()}
    assert records["cpython.gc.collections", (("cpython.gc.generation", "2"),)] == 2
    assert took / 2 < records["cpython.gc.pause.time", ()] <= took
    assert took / 4 < records["cpython.gc.pause.max", ()] < took
    assert value(metrics, "cpython.gc.pause.time") < took / 2


def test_the_collector_is_left_alone_afterwards(start: Start) -> None:
    before = list(gc.callbacks)
    start(auto_instrument=[])
    assert gc.callbacks == before, "not before the thread runs"
    vantage_agent.record_metric("m", 1)
    vantage_agent.flush()
    assert len(gc.callbacks) == len(before) + 1
    vantage_agent.shutdown()
    assert gc.callbacks == before


def test_they_are_sent_once_a_flush_interval(sink: Sink, start: Start) -> None:
    start(auto_instrument=[], flush_interval=0.2, tags={"region": "eu"})
    vantage_agent.record_metric("m", 1)
    sink.wait_for(lambda: len(sink.metrics("process.uptime")) >= 3)
    assert {item["metric_name"] for item in sink.metrics()} >= NAMES
    kinds = {item["metric_name"]: item["metric_type"] for item in sink.metrics()}
    assert (kinds["process.memory.usage"], kinds["process.cpu.time"]) == ("gauge", "counter")
    assert sink.metrics("process.uptime")[0]["tags"] == {"region": "eu"}
    uptimes = [item["value"] for item in sink.metrics("process.uptime")[:3]]
    assert uptimes[2] - uptimes[0] >= 0.35


@pytest.mark.parametrize("switch", ["off", "on"])
def test_they_can_be_switched_off(sink: Sink, start: Start, monkeypatch: pytest.MonkeyPatch, switch: str) -> None:
    monkeypatch.setenv("VANTAGE_AGENT_RUNTIME_METRICS", switch)
    before = len(gc.callbacks)
    start(auto_instrument=[], flush_interval=0.1)
    for number in range(1, 4):
        vantage_agent.record_metric("m", 1, "counter")
        sink.wait_for(lambda number=number: sum(item["value"] for item in sink.metrics("m")) == number)  # type: ignore[misc]
    assert bool(NAMES & {item["metric_name"] for item in sink.metrics()}) == (switch == "on")
    assert len(gc.callbacks) - before == (switch == "on")


def test_an_idle_process_gets_no_thread(start: Start, our_threads: Callable[[], List[str]]) -> None:
    start(auto_instrument=[], flush_interval=0.05)
    threading.Event().wait(0.3)
    assert our_threads() == []


@pytest.fixture(autouse=True)
def no_loops_of_other_tests() -> None:
    event_loops._noticed.clear()
    event_loops._latest = event_loops._nothing


def delays_of(watch: LoopWatch, blocked_s: float) -> Tuple[List[float], int]:
    """What a watch finds in a loop that is blocked just after a probe was sent, and how many tasks it saw."""
    tasks = 0

    async def serve() -> None:
        nonlocal tasks
        notice(asyncio.get_running_loop())
        prober = threading.Thread(target=watch.probe)
        prober.start()
        prober.join()
        time.sleep(blocked_s)  # noqa: ASYNC251
        await asyncio.sleep(0)
        tasks = len(asyncio.all_tasks())

    asyncio.run(serve())
    return watch.take(), tasks


def test_a_blocked_loop_is_late_by_as_much() -> None:
    (delay,), tasks = delays_of(LoopWatch(), 0.2)
    assert 0.19 <= delay < 0.5
    assert tasks == 1


def test_a_free_loop_is_not_late() -> None:
    delays, _ = delays_of(LoopWatch(), 0.0)
    assert 0 <= min(delays) < 0.1


def test_a_loop_that_rests_between_two_runs_is_not_late() -> None:
    watch, loop = LoopWatch(), asyncio.new_event_loop()

    async def serve(probing: bool) -> None:
        notice(loop)
        if probing:
            await asyncio.to_thread(watch.probe)
            await asyncio.sleep(0)

    loop.run_until_complete(serve(False))
    watch.probe()
    threading.Event().wait(0.3)
    loop.run_until_complete(serve(True))
    loop.close()
    assert max(watch.take()) < 0.2


def test_closed_and_forgotten_loops_are_let_go() -> None:
    watch = LoopWatch()
    delays_of(watch, 0.0)
    event_loops.MIN_GAP_NS, gap = 0, event_loops.MIN_GAP_NS
    try:
        watch.probe()
    finally:
        event_loops.MIN_GAP_NS = gap
    assert watch._probes == {}


def test_a_forked_child_does_not_reach_into_its_parents_loop() -> None:
    if not hasattr(os, "fork"):
        pytest.skip("needs POSIX")

    async def serve() -> Optional[int]:
        loop = asyncio.get_running_loop()
        notice(loop)
        child = os.fork()
        if child == 0:
            watch = LoopWatch()
            watch.probe()
            os._exit(len(watch._probes))
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])  # noqa: ASYNC222

    assert asyncio.run(serve()) == 0


def test_the_loop_of_a_served_request_is_watched(sink: Sink, start: Start) -> None:
    app = FastAPI()

    @app.get("/block")
    async def block() -> str:
        time.sleep(0.4)  # noqa: ASYNC251
        return "x"

    start(auto_instrument=["fastapi"], flush_interval=0.2)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    url = "http://127.0.0.1:%d/block" % server.servers[0].sockets[0].getsockname()[1]

    def late() -> bool:
        urllib.request.urlopen(url, timeout=10).close()
        return max([item["value"] for item in sink.metrics("asyncio.eventloop.delay")], default=0.0) > 0.1

    try:
        sink.wait_for(late)
    finally:
        server.should_exit = True
        thread.join(10)
    assert not thread.is_alive()


def environment() -> Dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(vantage_agent.__file__).parent.parent)}
