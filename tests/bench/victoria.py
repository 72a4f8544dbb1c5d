"""A VictoriaMetrics that is filled and weighed, index included.

Samples go in through its import API in blocks of a million, by series and oldest first, which suits it; then it is
told to flush and to merge everything, and stopped before its files are weighed.
"""

import json
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from tests.bench.datasets import Run, Series
from tests.bench.peers import victoria_metrics
from tests.bench.services import cores, running
from tests.platform_process import free_ports
from tests.waiting import eventually

_POST_BYTES = 8 << 20
_LOOKS = 4


@dataclass(frozen=True, slots=True)
class Stored:
    samples: int
    data_bytes: int
    index_bytes: int

    @property
    def bytes_a_sample(self) -> float:
        return (self.data_bytes + self.index_bytes) / self.samples


@contextmanager
def victoria(directory: Path, core: int | None) -> Iterator[tuple[psutil.Process, httpx.Client]]:
    """A server with its data in `directory`, and a client of it. Raises PeerMissing where it cannot be had."""
    (port,) = free_ports(1)
    command = [
        str(victoria_metrics()),
        f"-storageDataPath={directory}",
        f"-httpListenAddr=127.0.0.1:{port}",
        "-retentionPeriod=10y",
        "-loggerLevel=ERROR",
    ]
    url = f"http://127.0.0.1:{port}"
    with running(command, core) as process, httpx.Client(base_url=url, timeout=120) as server:
        eventually(lambda: server.get("/health").is_success, within_s=60, what="VictoriaMetrics")
        yield process, server


def stored(blocks: Iterable[Iterable[Run]]) -> Stored:
    """What the samples weigh, handed over a block at a time. Raises PeerMissing where it cannot be had."""
    with tempfile.TemporaryDirectory() as directory:
        with victoria(Path(directory), cores()[0]) as (_, server):
            sent = sum(_import(server, block) for block in blocks)
            _merge(server)
            held = rows(server)
        if held != sent:
            raise RuntimeError(f"VictoriaMetrics holds {held:,} samples of {sent:,}")
        return Stored(sent, _weight(Path(directory, "data")), _weight(Path(directory, "indexdb")))


def _import(server: httpx.Client, runs: Iterable[Run]) -> int:
    """Sends the runs and returns how many samples they had."""
    sent, held, lines = 0, 0, list[str]()
    for run in runs:
        lines.append(_line(run))
        sent += len(run.values)
        held += len(lines[-1])
        if held > _POST_BYTES:
            _post(server, lines)
            held, lines = 0, []
    _post(server, lines)
    return sent


def _post(server: httpx.Client, lines: list[str]) -> None:
    server.post("/api/v1/import", content="\n".join(lines)).raise_for_status()


def _line(run: Run) -> str:
    return json.dumps(
        {"metric": _labels(run.series), "values": list(run.values), "timestamps": list(run.timestamps)},
        separators=(",", ":"),
    )


def _labels(series: Series) -> dict[str, str]:
    """A series as Prometheus names it: the columns that it uses are labels."""
    labels = {
        "__name__": re.sub(r"[^a-zA-Z0-9_]", "_", series.metric_name),
        "job": series.service_name,
        "instance": series.instance,
        "environment": series.environment,
        "endpoint": series.endpoint,
        "method": series.method,
        "status_code": str(series.status_code or ""),
        **series.tags,
    }
    return {name: value for name, value in labels.items() if value}


def _merge(server: httpx.Client) -> None:
    """Everything on disk and in as few parts as it makes of them."""
    for step in ("/internal/force_flush", "/internal/force_merge", "/internal/force_flush"):
        server.get(step).raise_for_status()
        _rest(server)


def _rest(server: httpx.Client) -> None:
    """Waits until nothing has been merged for some looks in a row: a forced merge begins a moment after its call."""
    looks = 0

    def at_rest() -> bool:
        nonlocal looks
        looks = looks + 1 if metric(server, "vm_active_(force_)?merges") == 0 else 0
        return looks == _LOOKS

    eventually(at_rest, within_s=300, every_s=0.5, what="VictoriaMetrics' merges being over")


def rows(server: httpx.Client) -> int:
    """Samples that it holds."""
    return round(metric(server, r'vm_rows\{type="storage/.*\}'))


def metric(server: httpx.Client, series: str) -> float:
    """The sum of those of the server's own series that match, labels or not."""
    lines = re.finditer(rf"^{series}(\{{.*\}})? (?P<value>\S+)$", server.get("/metrics").text, re.MULTILINE)
    return sum(float(line["value"]) for line in lines)


def _weight(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
