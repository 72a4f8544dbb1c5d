"""Servers that fork their workers: gunicorn and uWSGI, the application loaded before the fork or after it.

The application logs a warning while it is loaded. Where that happens before the fork, the parent has a thread, a
connection and records of its own by then.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Dict, Iterator, List, Set

import pytest
import vantage_agent

if TYPE_CHECKING:
    from tests.conftest import Sink

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX")

APPLICATION = """
import logging, os, flask, vantage_agent
vantage_agent.init_agent()
logging.getLogger("web").warning("loaded")
app = flask.Flask("web")
app.add_url_rule("/<name>", "index", lambda name: str(os.getpid()))
"""
PATCHED_LATE = "import vantage_agent; vantage_agent.init_agent()\nimport gevent.monkey; gevent.monkey.patch_all()\n"

IDLE_S = 0.5

GUNICORN = [sys.executable, "-m", "gunicorn", "web:app", "--workers", "2", "--bind", "127.0.0.1:{port}"]
UWSGI = [
    *(str(Path(sys.executable).with_name("uwsgi")), "--http-socket", "127.0.0.1:{port}", "--module", "web:app"),
    *("--master", "--processes", "2", "--die-on-term", "--need-app"),
]
SERVERS = {
    "gunicorn sync": GUNICORN,
    "gunicorn sync preload": [*GUNICORN, "--preload"],
    "gunicorn gthread": [*GUNICORN, "--threads", "4"],
    "gunicorn gthread preload": [*GUNICORN, "--threads", "4", "--preload"],
    "gunicorn gevent": [*GUNICORN, "--worker-class", "gevent"],
    "gunicorn gevent preload": [*GUNICORN, "--worker-class", "gevent", "--preload"],
    "uwsgi": [*UWSGI, "--enable-threads"],
    "uwsgi lazy-apps": [*UWSGI, "--enable-threads", "--lazy-apps"],
    "uwsgi threads": [*UWSGI, "--enable-threads", "--threads", "4"],
}


class Server:
    """A server in a process group of its own."""

    def __init__(self, command: List[str], directory: Path, env: Dict[str, str]) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.log = directory / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [part.format(port=self._port) for part in command],
                cwd=directory, env=env, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.answered: List[str] = []

    def ask(self) -> Set[str]:
        """One more request; the workers that have answered so far."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/x", timeout=5) as answer:
                self.answered.append(answer.read().decode())
        except (urllib.error.URLError, OSError):
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)
        return set(self.answered)

    def rest(self) -> None:
        """Wait until the workers have been idle for a while: in one that is still busy with a request whose answer has
        just gone out, uWSGI runs no exit handlers."""
        before, idle_since = 0, time.monotonic()
        while time.monotonic() - idle_since < IDLE_S:
            now = sum(cpu_ticks(pid) for pid in set(self.answered))
            if now != before:
                before, idle_since = now, time.monotonic()
            time.sleep(0.02)

    def stop(self) -> float:
        """End it as an init system does; seconds it took."""
        self.rest()
        began = time.monotonic()
        self.process.terminate()
        self.process.wait(20)
        return time.monotonic() - began


def cpu_ticks(pid: str) -> int:
    """What a process has used so far; 0 where nobody can tell."""
    try:
        fields = Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


Serve = Callable[..., Server]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    servers: List[Server] = []

    def begin(
        command: List[str], collector_url: str, application: str = APPLICATION, interval_s: float = 600
    ) -> Server:
        (tmp_path / "web.py").write_text(application)
        env = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(vantage_agent.__file__).parent.parent)]),
            "VANTAGE_AGENT_COLLECTOR_URL": collector_url,
            "VANTAGE_AGENT_FLUSH_INTERVAL": str(interval_s),
        }
        servers.append(Server(command, tmp_path, env))
        return servers[-1]

    yield begin
    for server in servers:
        if server.process.poll() is None:
            os.killpg(server.process.pid, signal.SIGKILL)
            server.process.wait(20)


def by_process(sink: Sink) -> Dict[str, int]:
    """Requests by the process that sent them."""
    found: Dict[str, int] = {}
    for body in sink.bodies("/v1/metrics"):
        for item in body["metrics"]:
            if item["metric_name"] == "http.request.duration":
                pid = body["instance"].rpartition(":")[2]
                found[pid] = found.get(pid, 0) + item["count"]
    return found


@pytest.mark.parametrize("name", SERVERS)
def test_each_worker_sends_all_of_its_requests_and_no_others(sink: Sink, serve: Serve, name: str) -> None:
    server = serve(SERVERS[name], sink.url)
    sink.wait_for(lambda: len(server.ask()) == 2, 40)
    for _ in range(20):
        server.ask()
    assert server.stop() < 6
    assert by_process(sink) == {pid: server.answered.count(pid) for pid in set(server.answered)}
    if name.startswith("gunicorn"):
        # uWSGI's master never lets go of the GIL: no thread of it runs, and what it records stays where it is.
        loaded = [line["body"] for line in sink.logs() if line["body"] == "loaded"]
        assert len(loaded) == (1 if "preload" in name else 2)


@pytest.mark.parametrize("name", ["gunicorn sync preload", "gunicorn gevent", "uwsgi"])
def test_a_worker_does_not_wait_for_its_end_to_send(sink: Sink, serve: Serve, name: str) -> None:
    server = serve(SERVERS[name], sink.url, interval_s=0.2)
    sink.wait_for(lambda: len(server.ask()) == 2, 40)
    sink.wait_for(lambda: by_process(sink) == {pid: server.answered.count(pid) for pid in set(server.answered)})


@pytest.mark.parametrize("name", ["gunicorn gthread preload", "gunicorn gevent", "uwsgi"])
def test_a_hanging_collector_delays_the_end_by_two_seconds_at_most(serve: Serve, sink: Sink, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = serve(SERVERS[name], f"http://127.0.0.1:{listener.getsockname()[1]}")
        sink.wait_for(lambda: len(server.ask()) == 2, 40)
        assert server.stop() < 6


@pytest.mark.parametrize("name", ["gunicorn gevent preload", "gunicorn gevent"])
def test_gevent_may_patch_after_the_agent_has_begun(sink: Sink, serve: Serve, name: str) -> None:
    server = serve(SERVERS[name], sink.url, PATCHED_LATE + APPLICATION)
    sink.wait_for(lambda: len(server.ask()) == 2, 40)
    assert server.stop() < 6
    assert sum(by_process(sink).values()) == len(server.answered)
