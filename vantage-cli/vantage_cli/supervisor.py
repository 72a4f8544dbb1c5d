"""`vantage up`: checks, then the collector and the core under one small supervisor. Standard library only."""

import fcntl
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from vantage_common.errors import PermanentError
from vantage_common.settings import Settings, load_settings
from vantage_common.sockets import bind
from vantage_common.store.open import kind_here

from vantage_cli.paths import find_dashboard, log_path

READY_S = 60.0
STOP_S = 25.0
RESTARTS_A_MINUTE = 5

Say = Callable[[str], None]


@dataclass(slots=True)
class Child:
    name: str
    address: str
    ready_path: str
    process: subprocess.Popen[bytes] | None = None
    starts: list[float] = field(default_factory=list)

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None


def embedded_settings() -> Settings:
    """The settings of this machine, with the embedded log and store whatever else is configured."""
    store = load_settings().store
    chosen = load_settings(
        bus="embedded", store="auto" if store == "clickhouse" else store, clickhouse_host="", trust_loopback=True
    )
    if "bus_partitions" in chosen.model_fields_set:
        return chosen
    return chosen.model_copy(update={"bus_partitions": 1})


def child_environment(settings: Settings) -> dict[str, str]:
    """Settings reach the children as their environment: there is one reader of it."""
    return {
        **os.environ,
        "VANTAGE_BUS": "embedded",
        "VANTAGE_STORE": settings.store,
        "VANTAGE_CLICKHOUSE_HOST": "",
        "VANTAGE_TRUST_LOOPBACK": "true",
        "VANTAGE_BUS_PARTITIONS": str(settings.bus_partitions),
        "VANTAGE_DATA_DIR": str(settings.data_dir.resolve()),
        "PYTHONUNBUFFERED": "1",
    }


def check_ports(settings: Settings) -> None:
    """Binds every port for a moment. Raises PortInUse with the setting to change."""
    for host, port, variable in (
        (settings.collector_host, settings.collector_port, "VANTAGE_COLLECTOR_PORT"),
        (settings.collector_host, settings.otlp_grpc_port, "VANTAGE_OTLP_GRPC_PORT"),
        (settings.query_host, settings.query_port, "VANTAGE_QUERY_PORT"),
        (settings.query_host, settings.query_metrics_port, "VANTAGE_QUERY_METRICS_PORT"),
        (settings.dashboard_host, settings.dashboard_port, "VANTAGE_DASHBOARD_PORT"),
        (settings.worker_host, settings.worker_port, "VANTAGE_WORKER_PORT"),
    ):
        if port:
            bind(host, port, variable).close()


@contextmanager
def claimed(directory: Path) -> Iterator[None]:
    """The data directory, made, writable and ours alone. Raises PermanentError."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock: IO[str] = (directory / "lock").open("a+")
    except OSError as error:
        raise PermanentError(
            f"cannot write to the data directory {directory} ({error.strerror}): set VANTAGE_DATA_DIR to one you own"
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise PermanentError(
                f"{directory} is in use by another vantage (pid {lock.read().strip() or '?'}): stop it, "
                "or set VANTAGE_DATA_DIR to another directory"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def is_claimed(directory: Path) -> bool:
    """Whether a running vantage has the data directory."""
    try:
        with (directory / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


class Supervisor:
    """Starts the children in order, restarts what dies, stops them in reverse order."""

    def __init__(self, settings: Settings, say: Say, *, with_simulator: bool) -> None:
        self._settings = settings
        self._say = say
        self._environment = child_environment(settings)
        self._stopping = False
        self.children = [
            Child("core", f"{settings.query_host}:{settings.query_port}", "/health"),
            Child("collector", f"{settings.collector_host}:{settings.collector_port}", "/ready"),
        ]
        if with_simulator:
            self.children.append(Child("simulator", "", ""))

    def stop(self, *_: object) -> None:
        self._stopping = True

    def run(self, when_ready: Callable[[], None]) -> None:
        """Returns after a stop. Raises PermanentError when a child cannot be brought up."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.stop)
        try:
            for child in self.children:
                self._say(f"starting {child.name} …")
                self._start(child)
            for child in self.children:
                self._wait_ready(child)
            if not self._stopping:
                when_ready()
            while not self._stopping:
                self._revive()
                time.sleep(0.2)
        finally:
            self._stop_all()

    def _start(self, child: Child) -> None:
        now = time.monotonic()
        child.starts = [at for at in child.starts if now - at < 60] + [now]
        if len(child.starts) > RESTARTS_A_MINUTE:
            raise PermanentError(f"{child.name} died {RESTARTS_A_MINUTE} times in a minute: {self._last_line(child)}")
        words = self._last_words(child)
        words.parent.mkdir(exist_ok=True)
        with words.open("wb") as stderr:
            child.process = subprocess.Popen(
                [sys.executable, "-m", "vantage_cli.children", child.name],
                stdin=subprocess.PIPE,
                stdout=stderr,
                stderr=stderr,
                env=self._environment,
                start_new_session=True,  # Ctrl-C reaches the supervisor alone, which stops them in order
            )

    def _wait_ready(self, child: Child) -> None:
        deadline = time.monotonic() + READY_S
        while child.address and not self._stopping and not _answers(child.address, child.ready_path):
            if not child.running:
                raise PermanentError(self._last_line(child))
            if time.monotonic() > deadline:
                raise PermanentError(f"{child.name} was not ready within {READY_S:.0f} s: see {self._log(child)}")
            time.sleep(0.05)

    def _revive(self) -> None:
        for child in self.children:
            if not child.running and not self._stopping:
                self._say(f"{child.name} stopped ({self._last_line(child)}); starting it again")
                self._start(child)

    def _stop_all(self) -> None:
        """Intake first, then what stores it; whoever does not stop in time is killed."""
        for child in reversed(self.children):
            if not child.running or child.process is None:
                continue
            self._say(f"stopping {child.name} …")
            child.process.terminate()
            try:
                child.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._say(f"{child.name} did not stop within {STOP_S:.0f} s, killed")
                child.process.kill()
                child.process.wait()

    def _log(self, child: Child) -> Path:
        return log_path(self._settings.data_dir, child.name)

    def _last_words(self, child: Child) -> Path:
        """What a child writes outside its log: the line it ends with, or a traceback."""
        return self._log(child).with_suffix(".err")

    def _last_line(self, child: Child) -> str:
        lines = self._last_words(child).read_text(errors="replace").splitlines()
        last = next((line.strip() for line in reversed(lines) if line.strip()), f"see {self._log(child)}")
        return last.removeprefix(f"vantage {child.name}: ")


def _answers(address: str, path: str) -> bool:
    connection = http.client.HTTPConnection(address, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def up(say: Say, *, with_simulator: bool, when_ready: Callable[[Settings], None]) -> None:
    """Runs the platform until Ctrl-C or SIGTERM. Raises PermanentError with one line that says how to mend it."""
    settings = embedded_settings()
    if kind_here(settings) == "sqlite":
        say(f"rows are kept in SQLite ({_why_sqlite(settings)}): fit for a trial, docs/store.md says what it lacks")
    find_dashboard(settings)
    check_ports(settings)
    with claimed(settings.data_dir):
        supervisor = Supervisor(settings, say, with_simulator=with_simulator)
        supervisor.run(lambda: when_ready(settings))
    say("stopped")


def _why_sqlite(settings: Settings) -> str:
    return "chDB is not installed: it has no wheel for every machine" if settings.store == "auto" else "VANTAGE_STORE"


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
