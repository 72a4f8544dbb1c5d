"""Prometheus' remote write into one collector process, beside VictoriaMetrics, in one run and a core each in turn.

The two do not do the same with a sample: ours is checked, and answered for when Kafka has it on every replica; that
of VictoriaMetrics is answered for when it is in memory, and then indexed and stored by the same process, which is what
our worker does for us (see `worker`). Each counts the samples itself: Kafka's records, and VictoriaMetrics' own rows.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import httpx

from tests.bench.client import Plan, drive
from tests.bench.collector import our_collector, settled
from tests.bench.peers import PeerMissing, victoria_metrics, victoria_version
from tests.bench.services import CpuClock, cores, on_core
from tests.bench.topics import Topic, points_of_block
from tests.bench.traffic import METRICS_A_BODY, remote_write_bodies
from tests.bench.victoria import metric, victoria
from tests.kafka_broker import Broker, kafka_broker

BODIES = 400
ROUNDS = 3
WARM_S = 2.0
SATURATED_S = 6.0
CONNECTIONS = 8
_PATH = "/api/v1/write"


def run() -> Iterator[str]:
    bodies = remote_write_bodies(BODIES)
    core, other = cores()
    with on_core(other), kafka_broker() as kafka:
        kib = sum(map(len, bodies)) / len(bodies) / 1024
        yield f"{METRICS_A_BODY} series of one sample in {kib:.0f} KiB, {CONNECTIONS} connections, {ROUNDS} rounds"
        found: dict[str, list[tuple[float, float]]] = {f"Vantage into {kafka.label}": []}
        try:
            found[f"VictoriaMetrics {victoria_version(victoria_metrics())}"] = []
        except PeerMissing as reason:
            yield f"VictoriaMetrics: not measured: {reason}"
        for _ in range(ROUNDS):
            for name, rounds in found.items():
                rounds.append((_ours if name.startswith("Vantage") else _theirs)(kafka, bodies, core, other))
    rates = {}
    for name, rounds in found.items():
        rates[name] = median(points / cpu_s for points, cpu_s in rounds)
        yield f"{name}: {rates[name]:,.0f} samples a CPU-second"
    ours, *theirs = rates.values()
    yield from (f"per CPU-second, Vantage's collector : VictoriaMetrics = {ours / rate:.2f} : 1" for rate in theirs)


def _ours(kafka: Broker, bodies: list[bytes], core: int, other: int) -> tuple[float, float]:
    with (
        tempfile.TemporaryDirectory() as directory,
        our_collector(kafka, Path(directory), core, _PATH) as (process, url),
    ):
        topic = Topic(kafka.bootstrap, "metrics-raw")
        _send(url, bodies, WARM_S, other)
        since = settled(topic)
        clock = CpuClock(process)
        sent = _send(url, bodies, SATURATED_S, other)
        upto = settled(topic)
        used = clock.used()
        arrived = topic.arrived(since, upto, points_of_block).points
        topic.close()
    _must_agree(sent, arrived)
    return arrived, used


def _theirs(_: Broker, bodies: list[bytes], core: int, other: int) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as where, victoria(Path(where), core) as (process, server):
        url = str(server.base_url.join(_PATH))
        _send(url, bodies, WARM_S, other)
        before, clock = _taken_in(server), CpuClock(process)
        sent = _send(url, bodies, SATURATED_S, other)
        arrived, used = _taken_in(server) - before, clock.used()
    _must_agree(sent, arrived)
    return arrived, used


def _taken_in(server: httpx.Client) -> int:
    return round(metric(server, "vm_rows_inserted_total"))


def _send(url: str, bodies: list[bytes], seconds: float, core: int) -> int:
    """Samples that were answered for."""
    plan = Plan(CONNECTIONS, seconds=seconds)
    answers = drive(url, bodies, plan, core=core, media="x-protobuf", encoding="snappy")
    return answers.accepted * METRICS_A_BODY


def _must_agree(sent: int, arrived: int) -> None:
    if sent != arrived:
        raise RuntimeError(f"{sent:,} samples were answered for, {arrived:,} are there")
