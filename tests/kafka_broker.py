"""A broker for tests: a real Apache Kafka when Java and Maven are here, else librdkafka's mock cluster.

Kafka's jars are resolved once into the user's cache directory; each broker is a single KRaft node on loopback with
free ports and its data in a temporary directory. What a mock cannot do is told by `Broker`'s capabilities, so that a
test which needs it says that it is skipped.
"""

from __future__ import annotations  # the agent's tests use it on Python 3.9, too

import fcntl
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Protocol
from uuid import uuid4

KAFKA_VERSION = "4.1.0"
_START_TIMEOUT_S = 60.0
_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>vantage.test</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{KAFKA_VERSION}</version>
    </dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
"""


class Broker(Protocol):
    """`bootstrap` is host:port. The mock has four partitions a topic, makes topics by itself, and cannot be stopped."""

    kind: Literal["kafka", "mock"]
    bootstrap: str
    makes_topics: bool
    """Topics can be made and deleted by an admin client, and have ids."""
    can_stop: bool
    finds_times: bool
    """Offsets can be looked up by time."""

    @property
    def label(self) -> str: ...

    def stop(self) -> None: ...

    def start(self) -> None: ...


@contextmanager
def kafka_broker() -> Iterator[Broker]:
    """A running broker, gone with all its data when the block ends."""
    jars = kafka_jars()
    if jars is None:
        with _mock_broker() as mock:
            yield mock
        return
    with tempfile.TemporaryDirectory(prefix="vantage-kafka-") as directory:
        broker = ApacheKafka(jars, Path(directory))
        try:
            broker.start()
            yield broker
        finally:
            broker.stop()


def kafka_jars() -> Path | None:
    """The directory of Kafka's jars, resolved by Maven when it is not there yet; None where that is impossible."""
    java, maven = shutil.which("java"), shutil.which("mvn")
    if java is None:
        return None
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "vantage" / f"kafka-{KAFKA_VERSION}"
    if cache.is_dir():
        return cache
    return None if maven is None else _resolve(maven, cache)


def _resolve(maven: str, cache: Path) -> Path | None:
    """Copies the jars beside their place first, so that the cache is whole or absent. Of several runs at once, one."""
    cache.parent.mkdir(parents=True, exist_ok=True)
    with (
        (cache.parent / f"{cache.name}.lock").open("w") as lock,
        tempfile.TemporaryDirectory(prefix="kafka-", dir=cache.parent) as directory,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        if cache.is_dir():
            return cache
        work = Path(directory)
        (work / "pom.xml").write_text(_POM)
        goal = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
        command = [maven, "-B", "-q", goal, f"-DoutputDirectory={work / 'jars'}", "-DincludeScope=runtime"]
        if subprocess.run(command, cwd=work, capture_output=True, timeout=600).returncode != 0:
            return None
        (work / "jars").rename(cache)
    return cache


class ApacheKafka:
    """One node that is broker and controller. `stop` and `start` keep ports and data, as a restart does; either does
    nothing when it is so already: two nodes on one directory would ruin each other."""

    kind: Literal["kafka", "mock"] = "kafka"
    makes_topics = True
    can_stop = True
    finds_times = True

    def __init__(self, jars: Path, directory: Path) -> None:
        self._jars = jars
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._port, controller_port = _free_ports(2)
        self.bootstrap = f"127.0.0.1:{self._port}"
        self._config = directory / "server.properties"
        self._config.write_text(_properties(self._port, controller_port, directory / "data"))
        self._log = directory / "broker.log"
        self._java("kafka.tools.StorageTool", "format", "-t", _cluster_id(), "-c", str(self._config)).wait(60)

    @property
    def label(self) -> str:
        return f"Apache Kafka {KAFKA_VERSION} (KRaft, real broker)"

    def start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self._process = self._java("kafka.Kafka", str(self._config))
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not _listens(self._port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Kafka did not start:\n{self._log.read_text()[-2000:]}")
            time.sleep(0.1)

    def kill(self) -> None:
        """As a crash: what the operating system has been given stays, what the broker holds is gone."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def freeze(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _java(self, main: str, *arguments: str) -> subprocess.Popen[bytes]:
        options = [
            "-Xmx384m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        ]
        command = ["java", *options, "-cp", f"{self._jars}/*", main, *arguments]
        with self._log.open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, cwd=self._directory)


@contextmanager
def _mock_broker() -> Iterator[Broker]:
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": "unused:1", "test.mock.num.brokers": 1})
    node = next(iter(producer.list_topics(timeout=10).brokers.values()))
    yield MockKafka(f"{node.host}:{node.port}")
    del producer  # the mock lives as long as the client that made it


class MockKafka:
    kind: Literal["kafka", "mock"] = "mock"
    makes_topics = False
    can_stop = False
    finds_times = False

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    @property
    def label(self) -> str:
        return "librdkafka's mock cluster (no Java and Maven here; tests of outages, topic admin and times are skipped)"

    def stop(self) -> None:
        raise NotImplementedError("the mock cluster cannot be stopped: ask can_stop first")

    def start(self) -> None:
        raise NotImplementedError("the mock cluster cannot be restarted: ask can_stop first")


def _properties(port: int, controller_port: int, data: Path) -> str:
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(data),
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "controlled.shutdown.enable": "false",
        "log.cleaner.dedupe.buffer.size": "2000000",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _cluster_id() -> str:
    """22 characters of base64, as Kafka wants them."""
    return uuid4().hex[:22]


def _free_ports(count: int) -> list[int]:
    """Ports below those the system gives to outgoing connections: a client that keeps dialling a stopped broker could
    be given the broker's own port, and hold it when the broker comes back."""
    ports: list[int] = []
    for port in random.sample(range(20_000, 32_000), 200):
        if len(ports) < count and not _is_taken(port):
            ports.append(port)
    return ports


def _is_taken(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return True
    return False


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
