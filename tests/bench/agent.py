"""What the agent costs a service: on a request, at import, on disk, in an outage; beside OpenTelemetry's in one run.

A worker process for each agent and one without any serve slices of requests in turn, in an order drawn anew each
round, against a sink in this process, so that the machine's moods fall on all alike. A figure is the median of what an
agent added to the bare worker in the same round. Trust the ratios, not the microseconds.
"""

import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from compileall import compile_dir
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from vantage_agent.config import Config
from vantage_agent.context import Span, root
from vantage_agent.exporter import Exporter
from vantage_agent.records import SERVER

from tests.bench.peers import PeerMissing, opentelemetry_agent

ROUNDS = 9
REQUESTS = 300
IMPORTS = 11
EVENTS = 1_000_000
ROUTES = 8
OUTAGE_REQUESTS = 6_000
"""At 200 a second: half a minute."""
WARM_REQUESTS = 600

_AGENT = Path(__file__).resolve().parents[2] / "vantage-agent"
_WORKER = Path(__file__).with_name("agent_worker.py")
_ROOM = 28_000
"""Records that may wait when the next thousand are made: none is to be dropped."""


def run() -> Iterator[str]:
    yield _produced_and_folded()
    yield _installed()
    try:
        python, agents = opentelemetry_agent(), ["bare", "vantage", "otel"]
    except PeerMissing as reason:
        yield f"OpenTelemetry not measured: {reason}"
        python, agents = Path(sys.executable), ["bare", "vantage"]
    yield _imported(python, "flask, fastapi, requests, httpx")
    yield _imported(python, "flask, fastapi")
    yield from _served(python, agents)
    for kind in ("refused", "silent"):
        yield _outage(python, kind)


def _produced_and_folded() -> str:
    """Two threads emit request records as fast as they can be folded, none dropped."""
    turns, used = zip(*[_turn() for _ in range(5)], strict=True)
    return (
        f"produce + fold, 2 threads, {ROUTES} routes, {EVENTS:,} events: {max(turns) / 1e6:.2f} M a second in the best "
        f"of {len(turns)} turns, {min(turns) / 1e6:.2f} M in the worst; {max(used) / 1e6:.2f} M a second of CPU"
    )


def _turn() -> tuple[float, float]:
    """Events a second, by the clock and of CPU."""
    exporter = Exporter(Config(service_name="bench"))
    # It folds, and never comes to send.
    exporter._retry_at = float("inf")
    chance = random.Random(1)
    spans = [root(0) for _ in range(4_096)]
    durations = [int(chance.lognormvariate(16, 0.5)) for _ in spans]
    producers = [threading.Thread(target=_produce, args=(exporter, spans, durations, EVENTS // 2)) for _ in range(2)]
    began, cpu = time.perf_counter(), time.process_time()
    for producer in producers:
        producer.start()
    for producer in producers:
        producer.join()
    with exporter._exporting:
        exporter._fold()
    seconds, used = time.perf_counter() - began, time.process_time() - cpu
    folded = sum(int(cell[0]) for _, _, _, cell in exporter._batch.window.cells())
    exporter._stopped = True
    exporter._wake.set()
    if folded != EVENTS:
        raise RuntimeError(f"{folded:,} of {EVENTS:,} events were folded")
    return EVENTS / seconds, EVENTS / used


def _produce(exporter: Exporter, spans: Sequence[Span], durations: Sequence[int], count: int) -> None:
    emit, queue = exporter.recorder.emit, exporter.recorder.queue
    routes = [f"/users/{number % ROUTES}" for number in range(1_000)]
    prepared = list(zip(durations, spans, routes, strict=False))
    for _ in range(count // 1_000):
        while len(queue) > _ROOM:
            time.sleep(0.001)
        now = time.perf_counter_ns()
        for duration, span, route in prepared:
            emit((SERVER, now - duration, now, span, 200, "GET", route, None))


def _installed() -> str:
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / "vantage_agent"
        shutil.copytree(_AGENT / "vantage_agent", copy, ignore=shutil.ignore_patterns("__pycache__"))
        source = sum(file.stat().st_size for file in copy.rglob("*.py"))
        compile_dir(copy, quiet=2)
        whole = sum(file.stat().st_size for file in copy.rglob("*") if file.is_file())
    return f"on disk: {source / 1e6:.3f} MB of source, {whole / 1e6:.3f} MB with its bytecode; no other package"


def _imported(python: Path, libraries: str) -> str:
    """CPU milliseconds in fresh interpreters that have imported these libraries."""
    code = f"import {libraries}, time; t = time.process_time(); import vantage_agent; print(time.process_time() - t)"
    command = [str(python), "-c", code]
    with tempfile.TemporaryDirectory() as bytecode:
        environment = {**_environment(), "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": bytecode}
        times = [
            float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout) * 1e3
            for _ in range(IMPORTS + 1)
        ][1:]  # the first one compiles
    return f"import after {libraries}: {statistics.median(times):.1f} ms of CPU, at best {min(times):.1f}"


def _served(python: Path, agents: Sequence[str]) -> Iterator[str]:
    frameworks, figures = ("flask", "fastapi"), ("thread_us", "process_us")
    taken: dict[tuple[str, str, str], list[float]] = {}
    with _sink() as url, ExitStack() as stack:
        workers = {agent: stack.enter_context(_worker(python, agent, url)) for agent in agents}
        for turn in range(ROUNDS + 1):
            for framework in frameworks:
                for agent in random.sample(agents, len(agents)):
                    answer = _ask(workers[agent], f"slice {framework} {REQUESTS}")
                    if turn:
                        for figure in figures:
                            taken.setdefault((framework, agent, figure), []).append(answer[figure])
    for framework in frameworks:
        for figure, title in zip(figures, ("its thread", "the process, export included"), strict=True):
            bare = taken[framework, "bare", figure]
            added = {
                agent: statistics.median(
                    with_agent - without
                    for with_agent, without in zip(taken[framework, agent, figure], bare, strict=True)
                )
                for agent in agents[1:]
            }
            line = f"{framework} request, CPU of {title}: bare {statistics.median(bare):.1f} µs"
            line += "".join(f", {agent} +{value:.1f}" for agent, value in added.items())
            yield line + (f": {added['vantage'] / added['otel']:.3f} times OpenTelemetry's" if "otel" in added else "")


def _outage(python: Path, kind: str) -> str:
    """Resident memory and the time to exit with a collector that refuses connections, or takes them and is silent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        if kind == "refused":
            listener.close()
        with ExitStack() as stack:
            workers = {agent: stack.enter_context(_worker(python, agent, url)) for agent in ("bare", "vantage")}
            for worker in workers.values():
                _ask(worker, f"spray {WARM_REQUESTS}")
            before = {agent: _ask(worker, "rss")["mb"] for agent, worker in workers.items()}
            for worker in workers.values():
                _tell(worker, f"spray {OUTAGE_REQUESTS}")
            for worker in workers.values():
                _answer(worker)
            grown = {agent: _ask(worker, "rss")["mb"] - before[agent] for agent, worker in workers.items()}
            left = {agent: _leave(worker) for agent, worker in workers.items()}
    return (
        f"collector {kind}, {OUTAGE_REQUESTS:,} requests at 200 a second: resident memory +{grown['vantage']:.2f} MB "
        f"(bare +{grown['bare']:.2f}), gone {left['vantage']:.2f} s after its last line (bare {left['bare']:.2f})"
    )


Worker = subprocess.Popen[str]


@contextmanager
def _worker(python: Path, agent: str, url: str) -> Iterator[Worker]:
    command = [str(python), str(_WORKER), agent, url]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=_environment()) as process:
        yield process


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(_AGENT)}


def _ask(worker: Worker, order: str) -> dict[str, float]:
    _tell(worker, order)
    return _answer(worker)


def _tell(worker: Worker, order: str) -> None:
    assert worker.stdin is not None
    worker.stdin.write(order + "\n")
    worker.stdin.flush()


def _answer(worker: Worker) -> dict[str, float]:
    assert worker.stdout is not None
    answer: dict[str, float] = json.loads(worker.stdout.readline())
    return answer


def _leave(worker: Worker) -> float:
    assert worker.stdin is not None
    began = time.perf_counter()
    worker.stdin.close()
    worker.wait()
    return time.perf_counter() - began


@contextmanager
def _sink() -> Iterator[str]:
    """Takes every body and answers at once."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """A figure is printed, a request is not."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
