"""Collector → Kafka → worker → chDB at a fixed rate, and whether what waits in Kafka grows.

`BENCH_SECONDS` (default 600) and `BENCH_RATE` (metrics a second, default 40 000) set the run. Half of the bodies are
requests, which the collector merges, half are gauges, which it cannot.
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import httpx
import psutil
from vantage_worker.pipeline import GROUP

from tests.bench.client import Answers, Plan, drive
from tests.bench.services import CpuClock, collector, running
from tests.bench.topics import Arrived, Topic, points_of_block
from tests.bench.traffic import METRICS_A_BODY, gauge_bodies, request_bodies
from tests.kafka_broker import Broker, kafka_broker
from tests.platform_process import environment
from tests.waiting import eventually

CONNECTIONS = 8
SAMPLE_EVERY_S = 2.0
WARM_S = 5.0
TOPIC = "metrics-raw"
GROWN_S = 2.0


@dataclass(frozen=True, slots=True)
class Lag:
    at_s: float
    records: int


@dataclass(frozen=True, slots=True)
class Course:
    """What a run saw; `used_s` are CPU-seconds by process, until the last record was stored."""

    answers: Answers
    lags: list[Lag]
    drained_s: float
    used_s: dict[str, float]
    arrived: Arrived
    rows: float

    @property
    def metrics(self) -> int:
        return self.answers.accepted * METRICS_A_BODY


def run() -> Iterator[str]:
    seconds = float(os.environ.get("BENCH_SECONDS", "600"))
    rate = float(os.environ.get("BENCH_RATE", "40000"))
    with kafka_broker() as kafka, tempfile.TemporaryDirectory() as directory:
        yield (
            f"{kafka.label}, zstd blocks, chDB, all on the same cores; {rate:,.0f} metrics/s asked for "
            f"{seconds:.0f} s, half requests, half gauges"
        )
        course = _course(kafka, _settings(Path(directory), kafka), seconds, rate / METRICS_A_BODY)
    answers = course.answers
    yield (
        f"{course.metrics / answers.seconds:,.0f} metrics/s taken for {answers.seconds:.0f} s "
        f"({course.metrics:,} answered 202, {course.arrived.points:,} in Kafka, {course.rows:,.0f} rows stored, "
        f"refused: {answers.refused or 'none'}); "
        f"p50 {answers.quantile(0.5):.1f} ms, p99 {answers.quantile(0.99):.1f} ms"
    )
    yield "metrics a CPU-second: " + ", ".join(
        f"{name} {course.metrics / used_s:,.0f}" for name, used_s in course.used_s.items()
    )
    yield _verdict(course.lags, course.arrived.records / answers.seconds, course.drained_s)


def _course(kafka: Broker, settings: Mapping[str, str], seconds: float, bodies_a_second: float) -> Course:
    bodies = [body for pair in zip(request_bodies(40), gauge_bodies(40), strict=True) for body in pair]
    topic = Topic(kafka.bootstrap, TOPIC, GROUP)
    with collector(settings, None) as (collecting, url), _worker(settings) as working:
        url = f"{url}/v1/metrics"
        drive(url, bodies, Plan(CONNECTIONS, seconds=WARM_S, rate=bodies_a_second))
        eventually(lambda: topic.lag() == 0, within_s=60, what="the worker having stored the first records")
        clocks = {"collector": CpuClock(collecting), "worker": CpuClock(working)}
        since, rows = topic.ends(), _rows_stored(settings)
        answers, lags = _watched(url, bodies, Plan(CONNECTIONS, seconds=seconds, rate=bodies_a_second), topic)
        begun = time.monotonic()
        eventually(lambda: topic.lag() == 0, within_s=300, every_s=0.2, what="the worker having caught up")
        course = Course(
            answers,
            lags,
            time.monotonic() - begun,
            {name: clock.used() for name, clock in clocks.items()},
            topic.arrived(since, topic.ends(), points_of_block),
            _rows_stored(settings) - rows,
        )
    topic.close()
    return course


def _settings(directory: Path, kafka: Broker) -> dict[str, str]:
    return environment(directory) | {
        "VANTAGE_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
        "VANTAGE_KAFKA_COMPRESSION_TYPE": "zstd",
    }


@contextmanager
def _worker(settings: Mapping[str, str]) -> Iterator[psutil.Process]:
    with running([sys.executable, "-m", "vantage_worker"], None, settings) as process:
        url = f"http://127.0.0.1:{settings['VANTAGE_WORKER_PORT']}/ready"
        eventually(lambda: httpx.get(url).is_success, within_s=60, what="worker")
        yield process


def _watched(url: str, bodies: Sequence[bytes], plan: Plan, topic: Topic) -> tuple[Answers, list[Lag]]:
    """Drives and meanwhile looks at the lag, from outside: what the group has committed against what the log holds."""
    lags = []
    begun = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        driving: Future[Answers] = pool.submit(drive, url, bodies, plan)
        while not driving.done():
            lags.append(Lag(time.monotonic() - begun, topic.lag()))
            wait([driving], SAMPLE_EVERY_S)
        return driving.result(), lags


def _rows_stored(settings: Mapping[str, str]) -> float:
    text = httpx.get(f"http://127.0.0.1:{settings['VANTAGE_WORKER_PORT']}/metrics").text
    wanted = 'vantage_worker_rows_total{table="metrics"}'
    return sum(float(line.split()[1]) for line in text.splitlines() if line.startswith(wanted))


def _verdict(lags: Sequence[Lag], records_a_second: float, drained_s: float) -> str:
    """The lag grows when, by a line through its last two thirds, it rose by more than `GROWN_S` seconds' arrivals."""
    thirds = [fmean(lag.records for lag in lags[len(lags) * n // 3 : len(lags) * (n + 1) // 3]) for n in range(3)]
    later = lags[len(lags) // 3 :]
    risen = _slope(later) * (later[-1].at_s - later[0].at_s)
    grows = "GROWS" if risen > GROWN_S * records_a_second else "does not grow"
    return (
        f"lag in records, sampled every {SAMPLE_EVERY_S:.0f} s: mean by thirds "
        + ", ".join(f"{third:.0f}" for third in thirds)
        + f", most {max(lag.records for lag in lags)}; its last two thirds rise by {risen:+.1f} records, "
        f"{records_a_second:.0f} arrive a second: it {grows}; caught up {drained_s:.1f} s after the last request"
    )


def _slope(lags: Sequence[Lag]) -> float:
    """Least squares, in records a second."""
    at, records = fmean(lag.at_s for lag in lags), fmean(lag.records for lag in lags)
    spread = sum((lag.at_s - at) ** 2 for lag in lags)
    return sum((lag.at_s - at) * (lag.records - records) for lag in lags) / spread if spread else 0.0
