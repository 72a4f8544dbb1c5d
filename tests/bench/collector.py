"""One collector process on one core into a real Kafka, beside the OpenTelemetry Collector, in one run.

All publish with acks=all and compress with zstd at level 1; the client and the broker have the other core. Points are
counted in Kafka, CPU-seconds until the last of them is there. Ours answers once Kafka has acknowledged. The peer is
measured as its documents recommend it (it answers once the points are in its memory, and batches them), and with
neither batch nor queue, where its answer, too, means that Kafka has the points.
"""

import socket
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

from tests.bench.client import Answers, Plan, drive
from tests.bench.peers import OTEL_VERSION, PeerMissing, otel_collector
from tests.bench.services import CpuClock, collector, cores, on_core, running
from tests.bench.topics import Arrived, Counted, Topic, make_topic, points_of_block, points_of_otlp
from tests.bench.traffic import METRICS_A_BODY, gauge_bodies, otlp_gauge_bodies, request_bodies
from tests.kafka_broker import Broker, kafka_broker
from tests.platform_process import environment, free_ports
from tests.waiting import eventually

BODIES = 40
ROUNDS = 3
"""Each subject has its turn in each: the machine's moods fall on all of them."""
WARM_S = 3.0
SATURATED_S = 7.0
HALF_RATE_S = 6.0
GOAL = 100_000
"""Points a second. Latencies are told at half of it, where every subject has the same load, and at half of what the
subject can take."""
CONNECTIONS = 8
PEER_BATCH = 4000
"""Points a record of the peer when it batches: as many as stay under the 1 MB that Kafka and its exporter allow."""
_OUR_TOPIC = "metrics-raw"
_THEIR_TOPIC = "otlp_metrics"
_MEMORY_LIMITER = "memory_limiter: {check_interval: 1s, limit_mib: 1024, spike_limit_mib: 256}"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured: a way to start it, the bodies it gets, and where its points arrive."""

    name: str
    start: Callable[[], AbstractContextManager[tuple[psutil.Process, str]]]
    bodies: list[bytes]
    media: str
    topic: str
    points_of: Counted


@dataclass(frozen=True, slots=True)
class Round:
    most: Answers
    half: Answers
    goal_half: Answers
    arrived: Arrived
    cpu_s: float


class Rounds(list[Round]):
    """A subject's rounds: medians of rates, latencies and losses of all of them together."""

    @property
    def points_a_cpu_second(self) -> float:
        return median(found.arrived.points / found.cpu_s for found in self)

    @property
    def points_a_second(self) -> float:
        return median(found.most.accepted * METRICS_A_BODY / found.most.seconds for found in self)

    @property
    def half(self) -> Answers:
        return _together([found.half for found in self])

    @property
    def goal_half(self) -> Answers:
        return _together([found.goal_half for found in self])

    @property
    def lost(self) -> int:
        """Points that were answered for and did not come to Kafka."""
        return sum(found.most.accepted * METRICS_A_BODY - found.arrived.points for found in self)

    @property
    def refused(self) -> int:
        return sum(sum(a.refused.values()) for found in self for a in (found.most, found.half, found.goal_half))


def _together(answers: list[Answers]) -> Answers:
    return Answers(
        sum(found.seconds for found in answers),
        sum((found.statuses for found in answers), Counter()),
        [latency for found in answers for latency in found.latencies_ms],
    )


def run() -> Iterator[str]:
    core, other = cores()
    with on_core(other), kafka_broker() as kafka, tempfile.TemporaryDirectory() as directory:
        yield (
            f"{kafka.label}; acks=all, zstd-1, {METRICS_A_BODY} points a body, {CONNECTIONS} connections, medians of "
            f"{ROUNDS} rounds; subject on one core, client and broker on the other"
        )
        subjects = list(_ours(kafka, Path(directory), core))
        try:
            subjects += _theirs(kafka, Path(directory), core)
        except PeerMissing as reason:
            yield f"OpenTelemetry Collector: not measured: {reason}"
        make_topic(kafka.bootstrap, _THEIR_TOPIC)
        found = {subject.name: Rounds() for subject in subjects}
        for _ in range(ROUNDS):
            for subject in subjects:
                found[subject.name].append(_measure(subject, kafka, other))
        for subject in subjects:
            yield _told(subject, found[subject.name])
        yield from _ratios({name: rounds.points_a_cpu_second for name, rounds in found.items()})


def _measure(subject: Subject, kafka: Broker, other: int) -> Round:
    with subject.start() as (process, url):
        topic = Topic(kafka.bootstrap, subject.topic)
        drive(url, subject.bodies, Plan(CONNECTIONS, seconds=WARM_S), core=other, media=subject.media)
        since = settled(topic)
        clock = CpuClock(process)
        most = drive(url, subject.bodies, Plan(CONNECTIONS, seconds=SATURATED_S), core=other, media=subject.media)
        upto = settled(topic)
        cpu_s = clock.used()
        if not most.accepted:
            raise RuntimeError(f"{subject.name} accepted nothing: {dict(most.statuses)}")
        half, goal_half = (
            drive(url, subject.bodies, Plan(CONNECTIONS, HALF_RATE_S, rate=rate), core=other, media=subject.media)
            for rate in (most.accepted / most.seconds / 2, GOAL / METRICS_A_BODY / 2)
        )
        arrived = topic.arrived(since, upto, subject.points_of)
        topic.close()
    return Round(most, half, goal_half, arrived, cpu_s)


def settled(topic: Topic) -> dict[int, int]:
    """The ends of a topic into which nothing comes any more."""
    last: dict[int, int] = {}

    def still() -> bool:
        nonlocal last
        before, last = last, topic.ends()
        return last == before

    eventually(still, within_s=60, every_s=0.5, what="all points in Kafka")
    return last


def _told(subject: Subject, rounds: Rounds) -> str:
    kib = sum(map(len, subject.bodies)) / len(subject.bodies) / 1024
    line = (
        f"{subject.name} ({kib:.0f} KiB a body): {rounds.points_a_second:,.0f} points/s, "
        f"{rounds.points_a_cpu_second:,.0f} points a CPU-second; "
        f"at half that rate {_latency(rounds.half)}; at {GOAL // 2:,} points/s {_latency(rounds.goal_half)}"
    )
    if rounds.lost:
        line += f"; {rounds.lost:,} points were answered for and are NOT in Kafka"
    return line + (f"; {rounds.refused} bodies refused" if rounds.refused else "")


def _latency(answers: Answers) -> str:
    return f"p50 {answers.quantile(0.5):.1f} ms, p99 {answers.quantile(0.99):.1f} ms"


def _ratios(rates: dict[str, float]) -> Iterator[str]:
    for ours, mine in rates.items():
        for theirs, yours in rates.items():
            if ours.startswith("Vantage") and not theirs.startswith("Vantage"):
                yield f"per CPU-second, {ours} : {theirs} = {mine / yours:.2f} : 1"


# --- ours ------------------------------------------------------------------------------------------------------------


def _ours(kafka: Broker, directory: Path, core: int) -> Iterator[Subject]:
    for name, media, bodies in (
        ("Vantage, native JSON requests", "json", request_bodies(BODIES)),
        ("Vantage, native JSON gauges", "json", gauge_bodies(BODIES)),
        ("Vantage, OTLP protobuf gauges", "x-protobuf", otlp_gauge_bodies(BODIES)),
    ):
        yield Subject(name, lambda: our_collector(kafka, directory, core), bodies, media, _OUR_TOPIC, points_of_block)


@contextmanager
def our_collector(
    kafka: Broker, directory: Path, core: int, path: str = "/v1/metrics"
) -> Iterator[tuple[psutil.Process, str]]:
    settings = environment(directory) | {
        "VANTAGE_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
        "VANTAGE_KAFKA_COMPRESSION_TYPE": "zstd",
    }
    with collector(settings, core) as (process, url):
        yield process, f"{url}{path}"


# --- the OpenTelemetry Collector -------------------------------------------------------------------------------------


def _theirs(kafka: Broker, directory: Path, core: int) -> Iterator[Subject]:
    """Raises PeerMissing where it cannot be built."""
    binary = otel_collector()
    bodies = otlp_gauge_bodies(BODIES)
    for name, batches in (("as documented", True), ("answering after Kafka", False)):

        def start(batches: bool = batches) -> AbstractContextManager[tuple[psutil.Process, str]]:
            return _their_collector(binary, kafka, directory, core, batches)

        title = f"OpenTelemetry Collector {OTEL_VERSION} {name}"
        yield Subject(title, start, bodies, "x-protobuf", _THEIR_TOPIC, points_of_otlp)


@contextmanager
def _their_collector(
    binary: Path, kafka: Broker, directory: Path, core: int, batches: bool
) -> Iterator[tuple[psutil.Process, str]]:
    (port,) = free_ports(1)
    config = directory / f"otelcol-{port}.yaml"
    config.write_text(_config(port, kafka.bootstrap, batches))
    with running([str(binary), "--config", f"file:{config}"], core) as process:
        eventually(lambda: _listens(port), within_s=60, what="OpenTelemetry Collector")
        yield process, f"http://127.0.0.1:{port}/v1/metrics"


def _config(port: int, bootstrap: str, batches: bool) -> str:
    """YAML. Without a queue the exporter's linger only makes each caller wait: it is off there."""
    batch = f"{{send_batch_size: {PEER_BATCH}, send_batch_max_size: {PEER_BATCH}}}"
    processors = "[memory_limiter, batch]" if batches else "[memory_limiter]"
    return f"""
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{port}"}}}}}}}}
processors:
  {_MEMORY_LIMITER}
  batch: {batch}
exporters:
  kafka:
    brokers: ["{bootstrap}"]
    metrics: {{topic: {_THEIR_TOPIC}, encoding: otlp_proto}}
    sending_queue: {{enabled: {str(batches).lower()}}}
    producer:
      required_acks: -1
      compression: zstd
      compression_params: {{level: 1}}
      linger: {"10ms" if batches else "0s"}
service:
  telemetry: {{metrics: {{level: none}}, logs: {{level: error}}}}
  pipelines: {{metrics: {{receivers: [otlp], processors: {processors}, exporters: [kafka]}}}}
"""


def _listens(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
