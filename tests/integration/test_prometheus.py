"""A real Prometheus that scrapes a target and writes on to the collector: its samples are on the bus, each once."""

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
import yaml
from vantage_common.block import decode_block
from vantage_common.bus.api import METRICS_RAW
from vantage_common.bus.embedded import EmbeddedBus
from vantage_common.clock import SystemClock
from vantage_common.model import Sample
from vantage_common.settings import Settings

from tests.integration.services import Services
from tests.platform_process import free_ports
from tests.waiting import eventually

PROMETHEUS = shutil.which("prometheus")
KEY = "a-key-of-the-test"

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(PROMETHEUS is None, reason="no prometheus here: apt-get install prometheus"),
]

EXPOSITION = """\
# TYPE shop_orders_total counter
shop_orders_total{{region="eu"}} {orders}
# TYPE shop_queue gauge
shop_queue 7
# TYPE shop_latency_seconds histogram
shop_latency_seconds_bucket{{le="0.1"}} {orders}
shop_latency_seconds_bucket{{le="+Inf"}} {orders}
shop_latency_seconds_sum {sum}
shop_latency_seconds_count {orders}
# TYPE shop_nothing gauge
shop_nothing NaN
"""


@contextmanager
def target() -> Iterator[int]:
    """What Prometheus scrapes, on the port that is given: each scrape finds ten more orders."""
    scrapes = iter(range(1, 1_000_000))

    class Exposition(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            orders = 10 * next(scrapes)
            body = EXPOSITION.format(orders=orders, sum=orders / 20).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Exposition)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def prometheus(directory: Path, scraped: int, write_url: str) -> Iterator[str]:
    """A Prometheus with one job, `shop`, and one receiver; its address."""
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": [{"job_name": "shop", "static_configs": [{"targets": [f"127.0.0.1:{scraped}"]}]}],
        "remote_write": [
            {
                "url": write_url,
                "authorization": {"credentials": KEY},
                "metadata_config": {"send_interval": "1s"},
                "queue_config": {"batch_send_deadline": "1s"},
            }
        ],
    }
    (directory / "prometheus.yml").write_text(yaml.safe_dump(config))
    (port,) = free_ports(1)
    assert PROMETHEUS is not None
    with (directory / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                PROMETHEUS,
                f"--config.file={directory / 'prometheus.yml'}",
                f"--storage.tsdb.path={directory / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


async def samples(data_dir: Path) -> list[Sample]:
    """All metric rows on the embedded log."""
    settings = Settings(_env_file=None, data_dir=data_dir, bus_partitions=1)  # type: ignore[call-arg]  # pydantic-settings' own
    bus = EmbeddedBus(settings, SystemClock())
    tail = bus.tail([METRICS_RAW])
    await tail.start(0)
    found: list[Sample] = []
    while messages := await tail.fetch(1000, 0.2):
        for message in messages:
            columns = decode_block(message.value).columns
            found += [
                Sample(**dict(zip(columns, values, strict=True))) for values in zip(*columns.values(), strict=True)
            ]
    await tail.stop()
    await bus.close()
    return found


def own_metric(address: str, *names: str) -> float:
    """The sum of those metrics of Prometheus itself, all named ``prometheus_remote_storage_…``."""
    lines = httpx.get(f"{address}/metrics").text.splitlines()
    starts = tuple(f"prometheus_remote_storage_{name}{{" for name in names)
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(starts))


async def test_what_prometheus_scrapes_is_on_the_bus(tmp_path: Path) -> None:
    services = Services(
        tmp_path, {"VANTAGE_BUS": "embedded", "VANTAGE_DATA_DIR": str(tmp_path / "data"), "VANTAGE_API_KEY": KEY}
    )
    services.start("collector")
    try:
        with target() as scraped, prometheus(tmp_path, scraped, f"{services.url('collector')}/api/v1/write") as address:
            eventually(lambda: own_metric(address, "samples_total") >= 60, within_s=60, what="scrapes delivered")
            assert own_metric(address, "samples_failed_total", "samples_dropped_total") == 0
        instance = f"127.0.0.1:{scraped}"
    finally:
        stopped = services.stop()
    assert stopped == {"collector": 0}
    rows = [sample for sample in await samples(tmp_path / "data") if sample.instance == instance]
    assert {row.service_name for row in rows} == {"shop"}
    orders = sorted((row for row in rows if row.metric_name == "shop_orders_total"), key=lambda row: row.timestamp)
    assert len(orders) >= 3
    assert [row.value for row in orders] == [10.0 * (scrape + 1) for scrape in range(len(orders))]
    assert {(row.metric_type, row.temporality, row.tags["region"]) for row in orders} == {
        ("counter", "cumulative", "eu")
    }
    types = {row.metric_name: row.metric_type for row in rows}
    assert types["shop_queue"] == types["up"] == "gauge"
    assert types["shop_latency_seconds_bucket"] == types["shop_latency_seconds_count"] == "counter"
    assert {row.tags["le"] for row in rows if row.metric_name == "shop_latency_seconds_bucket"} == {"0.1", "+Inf"}
    assert "shop_nothing" not in types
    series = [(row.metric_name, tuple(sorted(row.tags.items())), row.timestamp) for row in rows]
    assert len(series) == len(set(series))
