"""`vantage up` on SQLite: from a posted metric to VQL's answer, without the engine that the machine may lack."""

import time
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.platform_process import Platform, environment, start
from tests.waiting import eventually

SAMPLE = {"metric_name": "http.request.duration", "metric_type": "histogram", "status_code": 200, "endpoint": "/pay"}


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    """Of a machine where nothing was built: a page is a dashboard."""
    page = tmp_path / "page" / "index.html"
    page.parent.mkdir()
    page.write_text("<html>")
    return {**environment(tmp_path / "data"), "VANTAGE_DASHBOARD_DIR": str(page.parent), "VANTAGE_STORE": "sqlite"}


def send(platform: Platform, *values: float) -> None:
    now_ms = int(time.time() * 1000)
    metrics = [{**SAMPLE, "timestamp": now_ms, "value": value, "tags": {"region": "eu"}} for value in values]
    body = {"service_name": "checkout", "environment": "test", "agent_version": "test", "metrics": metrics}
    assert httpx.post(f"{platform.collector}/v1/metrics", json=body).status_code == 202


def vql(platform: Platform, query: str) -> list[list[Any]]:
    answer = httpx.post(f"{platform.api}/vql/execute", json={"query": query}, timeout=30)
    assert answer.status_code == 200, answer.text
    rows: list[list[Any]] = answer.json()["rows"]
    return rows


def loaded(platform: Platform, library: str) -> bool:
    tree = psutil.Process(platform.process.pid).children(recursive=True)
    return any(library in mapped.path for process in tree for mapped in process.memory_maps())


def test_a_posted_metric_is_answered_and_survives_a_restart(settings: dict[str, str], tmp_path: Path) -> None:
    platform = start("up", tmp_path, ports=settings)
    try:
        assert any("SQLite" in line for line in platform.lines)
        send(platform, 10.0, 30.0)
        eventually(lambda: vql(platform, "SELECT count() FROM metrics") == [[2]], what="rows in the store")
        by_region = "SELECT tags['region'], avg(value), p95(value) FROM metrics SINCE 1 HOUR GROUP BY tags['region']"
        assert vql(platform, by_region) == [["eu", 20, 30]]
        listed = httpx.get(f"{platform.api}/api/services").json()["services"]
        assert [service["service_name"] for service in listed] == ["checkout"]
        assert httpx.get(f"{platform.api}/health").json()["status"] == "ok"
        assert not loaded(platform, "_chdb")
    finally:
        assert platform.interrupt() == 0, "\n".join(platform.lines)
    again = start("up", tmp_path, ports=settings)
    try:
        assert vql(again, "SELECT count() FROM metrics") == [[2]]
    finally:
        assert again.interrupt() == 0, "\n".join(again.lines)
