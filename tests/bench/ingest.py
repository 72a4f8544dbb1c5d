"""Metrics a second through one collector process held to one core, on the embedded log, durable before each 202."""

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.bench.client import Answers, Plan, drive
from tests.bench.services import CpuClock, collector, cores
from tests.bench.traffic import METRICS_A_BODY, gauge_bodies, otlp_gauge_bodies, request_bodies
from tests.platform_process import environment

WARM_S = 3.0
SATURATED_S = 10.0
HALF_RATE_S = 10.0
CONNECTIONS = 4
SMALL_BODY = 10
WANTED_SMALL_PER_S = 10_000
BUSY = 0.7
"""Share of a core that a replica may use: the rest is for bursts and restarts."""


@dataclass(frozen=True, slots=True)
class Load:
    name: str
    media: str
    bodies: list[bytes]
    metrics: int
    """A body."""


def run() -> Iterator[str]:
    yield f"embedded log, fsync before each answer, zstd blocks; {CONNECTIONS} connections, client on another core"
    loads = [
        Load("requests", "json", request_bodies(40), METRICS_A_BODY),
        Load("gauges", "json", gauge_bodies(40), METRICS_A_BODY),
        Load("gauges, OTLP protobuf", "x-protobuf", otlp_gauge_bodies(40), METRICS_A_BODY),
        Load("small bodies, requests", "json", request_bodies(400, metrics=SMALL_BODY), SMALL_BODY),
    ]
    core, other = cores()
    with tempfile.TemporaryDirectory() as directory, collector(environment(Path(directory)), core) as (process, url):
        for load in loads:
            yield from _measure(load, process, f"{url}/v1/metrics", other)


def _measure(load: Load, process: psutil.Process, url: str, other: int) -> Iterator[str]:
    drive(url, load.bodies, Plan(CONNECTIONS, seconds=WARM_S), core=other, media=load.media)
    clock = CpuClock(process)
    most = drive(url, load.bodies, Plan(CONNECTIONS, seconds=SATURATED_S), core=other, media=load.media)
    used = clock.used()
    plan = Plan(CONNECTIONS, seconds=HALF_RATE_S, rate=most.accepted / most.seconds / 2)
    half = drive(url, load.bodies, plan, core=other, media=load.media)
    yield _told(load, most, half, used)
    if load.metrics == SMALL_BODY:
        yield _replicas(most.accepted / used)


def _told(load: Load, most: Answers, half: Answers, used: float) -> str:
    kib = sum(map(len, load.bodies)) / len(load.bodies) / 1024
    metrics = most.accepted * load.metrics
    return (
        f"{load.name}: bodies of {load.metrics} metrics, {kib:.1f} KiB: {metrics / most.seconds:,.0f} metrics/s, "
        f"{metrics / used:,.0f} metrics a CPU-second, {most.accepted / used:,.0f} requests a CPU-second; "
        f"saturated p50 {most.quantile(0.5):.1f} ms, p99 {most.quantile(0.99):.1f} ms; "
        f"at half that rate p50 {half.quantile(0.5):.1f} ms, p99 {half.quantile(0.99):.1f} ms "
        f"(refused: {most.refused or half.refused or 'none'})"
    )


def _replicas(requests_a_cpu_second: float) -> str:
    replicas = WANTED_SMALL_PER_S / requests_a_cpu_second
    return (
        f"{WANTED_SMALL_PER_S:,} requests/s of {SMALL_BODY} metrics need {math.ceil(replicas)} replicas of one core "
        f"each at full load, {math.ceil(replicas / BUSY)} at {BUSY:.0%} load"
    )
