"""The README's calls as written, bad input, and a restart: from HTTP to the store and back."""

import gzip
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from tests.e2e.conftest import Apps
from tests.platform_process import BIN, Platform, environment, start
from tests.waiting import eventually

TRACE = "0af7651916cd43dd8448eb211c80319c"


def metric(**changes: Any) -> dict[str, Any]:
    sample = {
        "timestamp": int(time.time() * 1000),
        "service_name": "curl-service",
        "metric_name": "http.request.duration",
        "metric_type": "histogram",
        "value": 123.45,
        "endpoint": "/pay",
        "method": "POST",
        "status_code": 200,
        "trace_id": TRACE,
    }
    return sample | changes


def batch(*metrics: dict[str, Any]) -> dict[str, Any]:
    return {"service_name": "curl-service", "environment": "test", "agent_version": "curl", "metrics": list(metrics)}


def vql(platform: Platform, query: str) -> list[list[Any]]:
    answer = httpx.post(f"{platform.api}/vql/execute", json={"query": query}, timeout=30)
    assert answer.status_code == 200, answer.text
    rows: list[list[Any]] = answer.json()["rows"]
    return rows


def test_a_posted_metric_is_read_back_by_every_call_of_the_readme(platform: Platform) -> None:
    answer = httpx.post(f"{platform.collector}/v1/metrics", json=batch(metric(), metric(value=200.0)))
    assert (answer.status_code, answer.json()["accepted"]) == (202, 2)
    query = "SELECT count(), avg(value) FROM metrics WHERE service_name = 'curl-service' SINCE 1 HOUR"
    eventually(lambda: vql(platform, query)[0][0] >= 2, what="rows in the store")
    assert vql(platform, query)[0] == [2, pytest.approx(161.725)]
    listed = httpx.get(f"{platform.api}/api/services").json()["services"]
    assert "curl-service" in {service["service_name"] for service in listed}
    series = httpx.get(
        f"{platform.api}/api/metrics/timeseries",
        params={"service": "curl-service", "metric": "http.request.duration", "agg": "count", "step": 60},
    ).json()["series"]
    assert sum(value or 0 for _, value in series[0]["points"]) == 2
    health = httpx.get(f"{platform.api}/health/score/curl-service").json()
    assert health["status"] == "HEALTHY"
    assert set(health["factors"]) == {"error_rate", "response_time", "availability", "request_rate"}
    spans = httpx.get(f"{platform.api}/traces/", params={"trace_id": TRACE}).json()
    assert {(span["service"], span["duration"]) for span in spans} == {
        ("curl-service", 123.45),
        ("curl-service", 200.0),
    }


def test_websocket_clients_get_metric_updates(platform: Platform, apps: Apps) -> None:
    with connect(platform.api.replace("http", "ws") + "/ws/metrics") as socket:
        socket.send(json.dumps({"type": "subscribe", "services": ["inventory"]}))
        update = eventually(lambda: _update(socket.recv(timeout=20)), what="a metric_update")
    assert update["service_name"] == "inventory"


def _update(message: str | bytes) -> dict[str, Any] | None:
    parsed = json.loads(message)
    data: dict[str, Any] | None = parsed.get("data") if parsed["type"] == "metric_update" else None
    return data if data and data["service_name"] == "inventory" else None


def test_a_trace_crosses_both_apps(platform: Platform, apps: Apps) -> None:
    def is_whole(trace_id: str) -> bool:
        """Every span of the one app hangs on a span of the other; each app sends its own when it is its turn."""
        spans = httpx.get(f"{platform.api}/traces/", params={"trace_id": trace_id}).json()
        ids = {span["span_id"] for span in spans}
        inventory = [span for span in spans if span["service"] == "inventory" and span["kind"] == "server"]
        return bool(inventory) and all(span["parent_span_id"] in ids for span in inventory)

    def crossing() -> bool:
        found = httpx.get(f"{platform.api}/traces/search", params={"service": "storefront", "limit": 50}).json()
        both = [trace for trace in found["traces"] if {"storefront", "inventory"} <= set(trace["services"])]
        return any(is_whole(trace["trace_id"]) for trace in both)

    eventually(crossing, within_s=30, what="a trace over both services")


BAD = "bad-service"
BOMB = gzip.compress(b"0" * (64 << 20))
BAD_BODIES: dict[str, tuple[bytes, dict[str, str], int]] = {
    "malformed JSON": (b'{"metrics": [', {}, 400),
    "wrong types": (json.dumps(batch(metric(service_name=BAD, value="fast"))).encode(), {}, 422),
    "NaN": (json.dumps(batch(metric(service_name=BAD, value=float("nan")))).encode(), {}, 400),
    "too large a number": (
        json.dumps(batch(metric(service_name=BAD, value=1))).replace(": 1,", ": 1e400,").encode(),
        {},
        422,
    ),
    "unknown metric type": (json.dumps(batch(metric(service_name=BAD, metric_type="meter"))).encode(), {}, 422),
    "1001 metrics": (json.dumps(batch(*[metric(service_name=BAD)] * 1001)).encode(), {}, 413),
    "2 MB body": (b" " * (2 << 20), {}, 413),
    "gzip bomb": (BOMB, {"Content-Encoding": "gzip"}, 413),
    "truncated gzip": (
        gzip.compress(json.dumps(batch(metric(service_name=BAD))).encode())[:-9],
        {"Content-Encoding": "gzip"},
        400,
    ),
    "year 2300": (json.dumps(batch(metric(service_name=BAD, timestamp=10_413_792_000_000))).encode(), {}, 422),
    "unknown encoding": (b"{}", {"Content-Encoding": "br"}, 415),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_bad_input_gets_its_answer_and_stores_nothing(platform: Platform, name: str) -> None:
    """The log keeps its order: once a good sample sent later is in the store, the bad one will never be."""
    body, headers, status = BAD_BODIES[name]
    url = f"{platform.collector}/v1/metrics"
    answer = httpx.post(url, content=body, headers={"Content-Type": "application/json"} | headers)
    assert answer.status_code == status, answer.text
    assert set(answer.json()["error"]) >= {"code", "message"}
    marker = f"after-{name.replace(' ', '-')}"
    assert httpx.post(url, json=batch(metric(service_name=marker))).status_code == 202
    stored = f"SELECT count() FROM metrics WHERE service_name = '{marker}'"
    eventually(lambda: vql(platform, stored)[0][0] == 1, what="the good sample")
    assert vql(platform, f"SELECT count() FROM metrics WHERE service_name = '{BAD}'") == [[0]]


def test_a_wrong_key_is_refused(tmp_path: Path) -> None:
    settings = environment(tmp_path) | {"VANTAGE_API_KEY": "right-key"}
    platform = start("up", tmp_path, ports=settings)
    try:
        url = f"{platform.collector}/v1/metrics"
        assert httpx.post(url, json=batch(metric())).status_code == 401
        assert httpx.post(url, json=batch(metric()), headers={"X-API-Key": "wrong"}).status_code in (401, 403)
        assert httpx.post(url, json=batch(metric()), headers={"X-API-Key": "right-key"}).status_code == 202
        assert httpx.get(f"{platform.api}/api/services").status_code == 401
        logs = "".join(path.read_text() for path in (tmp_path / "logs").iterdir())
        assert "right-key" not in logs
    finally:
        assert platform.interrupt() == 0


def test_a_second_start_finds_yesterdays_data(tmp_path: Path) -> None:
    first = start("up", tmp_path)
    httpx.post(f"{first.collector}/v1/metrics", json=batch(metric())).raise_for_status()
    assert first.interrupt() == 0, first.lines
    second = start("up", tmp_path)
    try:
        assert vql(second, "SELECT count() FROM metrics") == [[1]]
    finally:
        assert second.interrupt() == 0, second.lines


@pytest.mark.parametrize("name", ["port", "file", "running", "value"])
def test_what_prevents_a_start_is_one_line_that_says_how_to_mend_it(
    platform: Platform, tmp_path: Path, name: str
) -> None:
    settings = environment(tmp_path)
    if name == "port":
        settings["VANTAGE_QUERY_PORT"] = platform.environment["VANTAGE_QUERY_PORT"]
        expected = "VANTAGE_QUERY_PORT"
    elif name == "file":
        (tmp_path / "plain").write_text("")
        settings["VANTAGE_DATA_DIR"] = str(tmp_path / "plain")
        expected = "VANTAGE_DATA_DIR"
    elif name == "running":
        settings["VANTAGE_DATA_DIR"] = platform.environment["VANTAGE_DATA_DIR"]
        expected = "in use by another vantage"
    else:
        settings["VANTAGE_COLLECTOR_PORT"] = "http"
        expected = "VANTAGE_COLLECTOR_PORT='http'"
    ended = subprocess.run(
        [BIN / "vantage", "up"], env=settings, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr
    assert expected in ended.stderr
