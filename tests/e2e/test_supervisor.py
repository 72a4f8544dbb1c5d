"""The process tree of `vantage up`: what dies comes back, and nothing outlives its supervisor."""

import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.e2e.test_pipeline import batch, metric, vql
from tests.platform_process import Platform, start
from tests.waiting import eventually


@pytest.fixture
def own_platform(tmp_path: Path) -> Iterator[Platform]:
    """One that a test may break."""
    platform = start("up", tmp_path)
    children = psutil.Process(platform.process.pid).children()
    yield platform
    if platform.process.poll() is None:
        platform.interrupt()
    for child in children:
        if child.is_running():
            child.kill()


def child(platform: Platform, name: str) -> psutil.Process:
    return next(p for p in psutil.Process(platform.process.pid).children() if p.cmdline()[-1] == name)


def send(platform: Platform) -> None:
    answer = httpx.post(f"{platform.collector}/v1/metrics", json=batch(metric()))
    assert answer.status_code == 202


@pytest.mark.parametrize("name", ["core", "collector"])
def test_a_killed_child_comes_back_and_no_acknowledged_sample_is_lost_or_doubled(
    own_platform: Platform, name: str
) -> None:
    send(own_platform)
    killed = child(own_platform, name)
    killed.kill()
    eventually(lambda: child(own_platform, name).pid != killed.pid, what="a new child")
    eventually(lambda: httpx.get(f"{own_platform.collector}/ready").is_success, within_s=60, what="collector")
    eventually(lambda: httpx.get(f"{own_platform.api}/health").is_success, within_s=60, what="API")
    send(own_platform)
    eventually(lambda: vql(own_platform, "SELECT count() FROM metrics") == [[2]], within_s=30, what="both samples")
    assert any(f"{name} stopped" in line for line in own_platform.lines)
    assert own_platform.interrupt() == 0


def test_no_child_outlives_a_killed_supervisor(own_platform: Platform) -> None:
    children = psutil.Process(own_platform.process.pid).children()
    own_platform.process.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []
