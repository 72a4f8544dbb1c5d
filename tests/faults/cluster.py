"""The services apart, on a real Kafka and a store behind a proxy, and what a scenario may do to them."""

import contextlib
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from prometheus_client.parser import text_string_to_metric_families

from tests.clickhouse_http import ClickHouseServer
from tests.faults.disk import Disk, small_disk
from tests.faults.load import Load
from tests.faults.oracle import Batch, Oracle, Verdict
from tests.faults.process import MemoryWatch, Service
from tests.faults.proxy import Proxy
from tests.faults.report import Skipped
from tests.faults.store_check import StoreCheck
from tests.kafka_broker import ApacheKafka, kafka_jars
from tests.platform_process import environment, free_ports
from tests.waiting import eventually

DATABASE = "faults"
GROUP = "vantage-workers"
QUICK: Mapping[str, object] = {"session_s": 3, "probe_s": 3, "TURN_EVERY_S": 2, "AGAIN_AFTER_MS": 5000}
"""Shipped are 10 and 60 seconds, and for rollups 30 seconds and ten minutes: a run of fifteen minutes has no time to
wait for each of them a hundred times."""


@dataclass
class Cluster:
    """`workers` are those that should be running, the first for as long as the cluster lives."""

    directory: Path
    environment: Mapping[str, str]
    broker: ApacheKafka
    broker_disk: Disk
    store: ClickHouseServer
    store_disk: Disk
    proxy: Proxy
    oracle: Oracle
    memory: MemoryWatch
    check: StoreCheck
    collector: Service
    workers: list[Service]
    _made: int = 0

    @property
    def worker(self) -> Service:
        return self.workers[0]

    def start(self, service: Service) -> None:
        service.start()
        self.memory.watch(service.name, service.pid)

    def new_worker(self, tuned: Mapping[str, object] = QUICK) -> Service:
        """A worker with other constants, started; it joins the group like a replica."""
        self._made += 1
        (port,) = free_ports(1)
        arguments = [f"{name}={value}" for name, value in tuned.items()]
        env = {**self.environment, "VANTAGE_WORKER_PORT": str(port)}
        worker = Service(f"worker-{self._made}", ["tests.faults.tuned", *arguments], port, self.directory, env)
        self.workers.append(worker)
        self.start(worker)
        return worker

    def retire(self, worker: Service) -> None:
        """SIGTERM; it must end well."""
        self.workers.remove(worker)
        status = worker.terminate()
        assert status == 0, f"{worker.name} ended with {status} after SIGTERM:\n{worker.said()}"

    def replace_worker(self, tuned: Mapping[str, object] = QUICK) -> Service:
        """Kills every worker and starts one."""
        for worker in self.workers:
            worker.kill()
        self.workers.clear()
        return self.new_worker(tuned)

    def load(self, run: str) -> Load:
        return Load(self.oracle, run, self.collector.url)

    def is_stored(self, batch: Batch) -> bool:
        return self.check.holds(batch)

    def caught_up(self, load: Load, within_s: float = 90.0) -> None:
        """Returns when whatever has been acknowledged until now is stored."""
        waiting = self.oracle.acknowledged(load.run)
        eventually(lambda: all(map(self.is_stored, waiting)), within_s=within_s, what=f"{load.run}: the backlog")

    def settled(self, run: str, within_s: float = 120.0) -> Verdict:
        """The verdict once nothing acknowledged is missing, or after `within_s`."""
        with contextlib.suppress(AssertionError):
            eventually(lambda: not self._judged(run).lost, within_s=within_s, every_s=0.5)
        return self._judged(run)

    def _judged(self, run: str) -> Verdict:
        return self.oracle.judge(self.check.stored(self.oracle.bounds(run)), run)

    def rollup_faults(self, within_s: float = 60.0) -> list[str]:
        """Where rollups still differ from raw after `within_s`: late rows take them a moment."""
        with contextlib.suppress(AssertionError):
            eventually(lambda: not self.check.rollup_faults(), within_s=within_s, every_s=0.5)
        return self.check.rollup_faults()

    def health(self, worker: Service) -> Mapping[str, object]:
        answer: Mapping[str, object] = httpx.get(f"{worker.url}/health", timeout=10).json()
        return answer

    def failed_inserts(self, worker: Service) -> float:
        text = httpx.get(f"{worker.url}/metrics", timeout=10).text
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return sum(
            s.value
            for s in samples
            if s.name == "vantage_worker_database_inserts_total" and s.labels["status"] == "failed"
        )

    def members(self) -> frozenset[str]:
        """Who is in the group, by the id that each join gives anew."""
        admin = AdminClient({"bootstrap.servers": self.broker.bootstrap, "log_level": 3})
        described = admin.describe_consumer_groups([GROUP])[GROUP].result(10)
        return frozenset(member.member_id for member in described.members if member.assignment.topic_partitions)

    def produce(self, topic: str, records: Sequence[tuple[bytes, bytes]]) -> None:
        """(key, value) straight onto a topic, past the collector; returns when the broker has them."""
        producer = Producer({"bootstrap.servers": self.broker.bootstrap, "acks": "all", "log_level": 3})
        for key, value in records:
            producer.produce(topic, key=key, value=value)
        assert producer.flush(20) == 0, "the broker has not taken the records"

    def restore(self) -> None:
        """Everything runs and nothing is in the way, whatever a scenario has left behind."""
        self.proxy.pass_all()
        for disk in (self.broker_disk, self.store_disk):
            if disk.can_be_filled:
                disk.empty()
        for service in (self.collector, *self.workers):
            service.signal(signal.SIGCONT)
        self.broker.thaw()
        self.broker.start()
        if not self.store.is_running:
            self.store.kill()
            self.store.start()
        for worker in self.workers[1:]:
            worker.kill()
        del self.workers[1:]
        for service in (self.collector, *self.workers):
            if not service.is_running:
                self.start(service)
        if not self.workers:
            self.new_worker()
        for service in (self.collector, *self.workers):
            service.wait_live()


@contextmanager
def cluster(directory: Path, memory: MemoryWatch) -> Iterator[Cluster]:
    """Broker, store, proxy, a collector and a worker, all running. Raises Skipped without a real Kafka."""
    jars = kafka_jars()
    if jars is None:
        raise Skipped("no Apache Kafka here: it needs java, and mvn to fetch it once")
    with ExitStack() as stack:
        broker_disk = stack.enter_context(small_disk(directory / "broker" / "data"))
        store_disk = stack.enter_context(small_disk(directory / "store"))
        broker = ApacheKafka(jars, directory / "broker")
        stack.callback(broker.stop)
        broker.start()
        store = ClickHouseServer(store_disk.path / "chdb")
        stack.callback(store.kill)
        store.start()
        proxy = stack.enter_context(Proxy(store.port))
        oracle = Oracle(directory / "oracle.tsv")
        stack.callback(oracle.close)
        env = environment(directory / "unused") | {
            "VANTAGE_KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap,
            "VANTAGE_CLICKHOUSE_HOST": proxy.host,
            "VANTAGE_CLICKHOUSE_PORT": str(proxy.port),
            "VANTAGE_CLICKHOUSE_DATABASE": DATABASE,
            "VANTAGE_RATE_LIMIT_PER_MINUTE": "0",
        }
        collector = Service("collector", ["vantage_collector"], int(env["VANTAGE_COLLECTOR_PORT"]), directory, env)
        check = StoreCheck(store.url, DATABASE)
        made = Cluster(
            directory, env, broker, broker_disk, store, store_disk, proxy, oracle, memory, check, collector, []
        )
        stack.callback(_end, made)
        made.start(collector)
        worker = made.new_worker()
        for service in (collector, worker):
            service.wait_live()
        eventually(lambda: check.stored() == {}, within_s=60, what="the worker has made the tables")
        yield made


def _end(made: Cluster) -> None:
    for service in (made.collector, *made.workers):
        service.kill()
