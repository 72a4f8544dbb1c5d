"""Processes under measurement: started on one core, waited for, and stopped."""

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from subprocess import STDOUT, Popen, TimeoutExpired

import httpx
import psutil

from tests.bench.machine import cpu_seconds
from tests.waiting import eventually

STOP_S = 30.0
TOLD_BYTES = 2000


def cores() -> tuple[int, int]:
    """The core of what is measured, and the one for everything else; the same one on a machine of one core."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


@contextmanager
def on_core(core: int | None) -> Iterator[None]:
    """What this thread starts within the block runs on `core` alone: a child inherits what its parent may use."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, before if core is None else {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def running(
    command: Sequence[str], core: int | None, environment: Mapping[str, str] | None = None
) -> Iterator[psutil.Process]:
    """A process held to `core` from its first instruction on, so that a runtime which counts cores counts one.

    Raises RuntimeError when it does not end well after the block: a figure of a process that fell over is none. What
    it said last is printed then, and when the block fails.
    """
    with tempfile.TemporaryFile() as said:
        with on_core(core):
            process = Popen(command, env=environment, stdout=said, stderr=STDOUT)
        try:
            yield psutil.Process(process.pid)
            _stop(process)
            if process.returncode != 0:
                raise RuntimeError(f"{command[0]} ended with status {process.returncode}")
        except Exception:
            said.seek(max(0, said.tell() - TOLD_BYTES))
            print(said.read().decode(errors="replace"), file=sys.stderr)
            raise
        finally:
            _stop(process)


def _stop(process: Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def collector(settings: Mapping[str, str], core: int | None) -> Iterator[tuple[psutil.Process, str]]:
    """A ready collector and its URL; loopback is exempt from its rate limit, as under `vantage up`."""
    environment = {**settings, "VANTAGE_TRUST_LOOPBACK": "true"}
    url = f"http://127.0.0.1:{settings['VANTAGE_COLLECTOR_PORT']}"
    with running([sys.executable, "-m", "vantage_collector"], core, environment) as process:
        eventually(lambda: httpx.get(f"{url}/ready").is_success, within_s=60, what="collector")
        yield process, url


class CpuClock:
    """CPU-seconds of a process since the clock was made."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._before = cpu_seconds(process)

    def used(self) -> float:
        return cpu_seconds(self._process) - self._before
