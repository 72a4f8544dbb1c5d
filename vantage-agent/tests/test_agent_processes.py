"""Forks, signals, exits, and vantage-run."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, List

import flask
import pytest
import vantage_agent
from vantage_agent import config, launcher

if TYPE_CHECKING:
    from tests.conftest import Sink

Start = Callable[..., None]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX")
RUN = [sys.executable, "-m", "vantage_agent.launcher"]


def application() -> flask.Flask:
    app = flask.Flask("app")
    app.add_url_rule("/<name>", "index", lambda name: name)
    return app


def in_child(work: Callable[[], None], timeout_s: float = 20.0) -> str:
    """Run `work` in a forked child: "ok", its exception, or "hung"."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            work()
            os.write(writing, b"ok")
        except BaseException as error:
            os.write(writing, repr(error).encode())
        os._exit(0)
    os.close(writing)
    try:
        if not select.select([reading], [], [], timeout_s)[0]:
            return "hung"
        return os.read(reading, 1000).decode()
    finally:
        os.close(reading)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def instances(sink: Sink) -> Dict[str, int]:
    """Requests by the instance that sent them."""
    found: Dict[str, int] = {}
    for body in sink.bodies("/v1/metrics"):
        for item in body["metrics"]:
            if item["metric_name"] == "http.request.duration":
                found[body["instance"]] = found.get(body["instance"], 0) + item["count"]
    return found


def test_a_forked_child_sends_its_own_requests_only(sink: Sink, start: Start) -> None:
    start()
    client = application().test_client()
    for number in range(3):
        client.get(f"/{number}")

    def work() -> None:
        for number in range(5):
            client.get(f"/{number}")
        assert vantage_agent.flush(10)

    assert in_child(work) == "ok"
    assert vantage_agent.flush()
    assert sorted(instances(sink).values()) == [3, 5]
    ids = [span["span_id"] for span in sink.spans()]
    assert len(ids) == len(set(ids)) == 8


def test_children_forked_while_others_serve_and_flush_do_not_hang(sink: Sink, start: Start) -> None:
    start(flush_interval=0.05)
    app = application()
    # All that a request imports is there before the first fork: for an import that a thread is at, a child waits for
    # ever.
    client = app.test_client()
    client.get("/x")
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            client.get("/x")

    def flushing() -> None:
        while not stop.is_set():
            vantage_agent.flush(5)

    def work() -> None:
        app.test_client().get("/child")
        assert vantage_agent.flush(10)

    threads = [threading.Thread(target=target, daemon=True) for target in (busy, flushing)]
    for thread in threads:
        thread.start()
    try:
        assert [in_child(work) for _ in range(15)] == ["ok"] * 15
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)


def run(program: str, *arguments: str, **options: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


COUNTS = """
import os, signal, sys, time, vantage_agent
vantage_agent.init_agent(service_name="shop", collector_url=sys.argv[1], flush_interval=600)
vantage_agent.record_metric("c", 1, "counter")
"""


@pytest.mark.parametrize("more", ["", "import multiprocessing.util\n"], ids=["atexit", "multiprocessing"])
def test_exit_with_a_hanging_collector_takes_two_seconds_at_most(more: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = run(more + COUNTS + "print(time.monotonic())", f"http://127.0.0.1:{listener.getsockname()[1]}")
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert time.monotonic() - float(out) < 3.5


def test_sigterm_flushes_and_still_ends_the_process_by_the_signal(sink: Sink) -> None:
    process = run(COUNTS + "print('up', flush=True)\nsignal.pause()", sink.url)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    process.terminate()
    assert process.wait(20) == -signal.SIGTERM
    assert [item["value"] for item in sink.metrics("c")] == [1]


def test_a_sigterm_handler_of_the_application_is_left_alone(sink: Sink) -> None:
    program = "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n" + COUNTS
    process = run(program + "print('up', flush=True)\nsignal.pause()", sink.url)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    process.terminate()
    assert process.wait(20) == 7
    assert [item["value"] for item in sink.metrics("c")] == [1]


CHILDREN = """
import multiprocessing, os, sys, vantage_agent
vantage_agent.init_agent(service_name="shop", collector_url=os.environ["SINK"], flush_interval=600, auto_instrument=[])

def work(number):
    vantage_agent.record_metric("c", 1, "counter")
    return number

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    processes = [context.Process(target=work, args=(number,)) for number in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    with context.Pool(2) as pool:
        pool.map(work, range(6))
    # Leaving the block has ended the workers by SIGTERM.
    print([process.exitcode for process in processes])
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing_flush_when_they_end(sink: Sink, tmp_path: Path, method: str) -> None:
    (tmp_path / "main.py").write_text(CHILDREN)
    done = subprocess.run(
        [sys.executable, "main.py", method],
        cwd=tmp_path, env=agent_env(sink, SINK=sink.url), capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("[0, 0]\n", "")
    assert sum(item["value"] for item in sink.metrics("c")) == 8


SLEPT_OVER = """
import multiprocessing, os, signal, sys, threading, time, vantage_agent
vantage_agent.init_agent(service_name="shop", collector_url=os.environ["SINK"], flush_interval=600, auto_instrument=[])

def terminate_another_thread(waiting):
    while not waiting.is_set(): time.sleep(0.01)
    time.sleep(0.2)
    # The main thread is not woken, as where the signal comes just before it blocks.
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

def work():
    vantage_agent.record_metric("c", 1, "counter")
    lock, waiting = threading.Lock(), threading.Event()
    lock.acquire()
    threading.Thread(target=terminate_another_thread, args=(waiting,), daemon=True).start()
    waiting.set()
    lock.acquire()

if __name__ == "__main__":
    process = multiprocessing.get_context(sys.argv[1]).Process(target=work)
    process.start()
    process.join(20)
    print(process.exitcode)
    process.kill()
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_child_of_multiprocessing_ends_when_it_sleeps_over_its_sigterm(
    sink: Sink, tmp_path: Path, method: str
) -> None:
    (tmp_path / "main.py").write_text(SLEPT_OVER)
    done = subprocess.run(
        [sys.executable, "main.py", method],
        cwd=tmp_path, env=agent_env(sink, SINK=sink.url), capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (f"{-signal.SIGTERM}\n", "")
    assert sum(item["value"] for item in sink.metrics("c")) == 1


def test_a_child_of_multiprocessing_does_not_wait_long_for_a_hanging_collector(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(CHILDREN.partition("    with context")[0])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        env = {
            **os.environ,
            "SINK": f"http://127.0.0.1:{listener.getsockname()[1]}",
            "PYTHONPATH": str(Path(vantage_agent.__file__).parent.parent),
        }
        began = time.monotonic()
        subprocess.run([sys.executable, "main.py", "fork"], cwd=tmp_path, env=env, timeout=60, check=True)
    assert 1.5 <= time.monotonic() - began < 5


def test_a_process_pool_of_concurrent_futures_loses_nothing(sink: Sink, tmp_path: Path) -> None:
    program = CHILDREN.partition("    context =")[0] + (
        "    from concurrent.futures import ProcessPoolExecutor\n"
        "    with ProcessPoolExecutor(2) as pool:\n        list(pool.map(work, range(6)))\n"
    )
    (tmp_path / "main.py").write_text(program)
    env = agent_env(sink, SINK=sink.url)
    subprocess.run([sys.executable, "main.py"], cwd=tmp_path, env=env, timeout=60, check=True)
    assert sum(item["value"] for item in sink.metrics("c")) == 6


INTERRUPTED = """
import signal
from vantage_agent.wake import Wake
wake = Wake()
signal.signal(signal.SIGALRM, lambda *_: wake.set())
signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)
for number in range(100_000):
    wake.set()
    if not number % 100:
        wake.wait(0)
signal.setitimer(signal.ITIMER_REAL, 0)
"""


def test_waking_the_exporter_may_be_interrupted_by_waking_it() -> None:
    """The lock of a threading.Event would never come free: pools that were terminated hung in it."""
    assert run(INTERRUPTED).wait(20) == 0


LOCKED = """
import threading
lock = threading.Lock()
vantage_agent.state.agent.last_flush = lock.acquire
with lock:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(30)
"""


def test_sigterm_ends_a_process_whatever_lock_the_interrupted_code_holds(sink: Sink) -> None:
    process = run(COUNTS + LOCKED, sink.url)
    assert process.wait(20) == -signal.SIGTERM


def test_the_handler_of_sigterm_and_the_threads_are_gone_after_shutdown(
    sink: Sink, start: Start, our_threads: Callable[[], List[str]]
) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    assert our_threads() == []
    start()
    vantage_agent.record_metric("c", 1, "counter")
    assert "_run" in our_threads()
    assert vantage_agent.shutdown(10)
    assert signal.getsignal(signal.SIGTERM) == handler
    sink.wait_for(lambda: our_threads() == [])


def test_exit_takes_no_time_where_nobody_listens() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        process = run(COUNTS + "print(time.monotonic())", f"http://127.0.0.1:{closed.getsockname()[1]}")
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert time.monotonic() - float(out) < 1


def agent_env(sink: Sink, **more: str) -> Dict[str, str]:
    package = str(Path(vantage_agent.__file__).parent.parent)
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [more.pop("PYTHONPATH", ""), package])),
        "VANTAGE_AGENT_COLLECTOR_URL": sink.url,
        "VANTAGE_AGENT_FLUSH_INTERVAL": "0.1",
        **more,
    }


def test_vantage_run_instruments_a_plain_script_and_chains_to_the_next_sitecustomize(
    sink: Sink, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import builtins\nbuiltins.theirs = 'ran'\n")
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, flask\n"
        "app = flask.Flask('app')\n"
        "app.add_url_rule('/<x>', 'index', lambda x: x)\n"
        "app.test_client().get('/1')\n"
        "print(theirs, sys.argv[1:])\n"
    )
    done = subprocess.run(
        [*RUN, "--service-name", "script", sys.executable, str(script), "--flag"],
        env=agent_env(sink, PYTHONPATH=str(tmp_path)), capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("ran ['--flag']\n", "")
    (item,) = sink.requests()
    assert (item["service_name"], item["endpoint"]) == ("script", "/<x>")


def test_init_agent_inside_vantage_run_refines_the_settings(sink: Sink) -> None:
    program = (
        "import vantage_agent; vantage_agent.init_agent(service_name='inner');"
        "vantage_agent.record_metric('c', 1, 'counter')"
    )
    subprocess.run([*RUN, sys.executable, "-c", program], env=agent_env(sink), timeout=60, check=True)
    assert [item["service_name"] for item in sink.metrics("c")] == ["inner"]


def test_vantage_run_instruments_every_uvicorn_worker(sink: Sink, tmp_path: Path) -> None:
    (tmp_path / "web.py").write_text(
        "import os, fastapi\napp = fastapi.FastAPI()\n"
        "@app.get('/users/{user}')\nasync def user(user: int): return os.getpid()\n"
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [*RUN, sys.executable, "-m", "uvicorn", "web:app", "--port", str(port), "--workers", "2"]
    env = agent_env(sink, PYTHONPATH=str(tmp_path), VANTAGE_AGENT_SERVICE_NAME="web")
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    answered: List[bytes] = []

    def ask() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/users/1", timeout=5) as answer:
                answered.append(answer.read())
        except (urllib.error.URLError, OSError):
            threading.Event().wait(0.05)
        return len(set(answered)) == 2

    try:
        sink.wait_for(ask, 40)
    finally:
        process.terminate()
        process.wait(30)
    sink.wait_for(lambda: sum(instances(sink).values()) == len(answered))
    assert len(instances(sink)) == 2
    assert {item["endpoint"] for item in sink.requests()} == {"/users/{user}"}


def test_options_of_the_launcher_reach_the_agent(sink: Sink) -> None:
    program = (
        "import vantage_agent; vantage_agent.record_metric('c', 1, 'counter'); vantage_agent.record_metric('g', 1)"
    )
    options = ["--service-name=opted", "--tags", "namespace=shop,team=web", "--environment", "staging"]
    more = ["--service-version=2.1", "--auto-instrument", "none", "--sample-rate=0.5", "--flush-interval", "600"]
    command = [*RUN, *options, *more, "--log-level", "off", "--collector-url", sink.url, "--"]
    env = {name: text for name, text in agent_env(sink).items() if not name.startswith("VANTAGE_AGENT_")}
    subprocess.run([*command, sys.executable, "-c", program], env=env, timeout=60, check=True)
    (body,) = sink.bodies("/v1/metrics")
    assert (body["service_name"], body["environment"]) == ("opted", "staging")
    tags = {"namespace": "shop", "team": "web", "version": "2.1"}
    assert {item["metric_name"]: item["tags"] for item in body["metrics"]} == {"c": tags, "g": tags}


def test_every_option_of_the_launcher_is_a_setting_and_in_its_help(capfd: pytest.CaptureFixture[str]) -> None:
    assert launcher.main(["--help"]) == 0
    usage = capfd.readouterr().out
    source = Path(config.__file__).read_text()
    for option, variable in launcher._OPTIONS.items():
        assert option in usage
        assert f'"{variable[len("VANTAGE_AGENT_") :]}"' in source
    assert launcher.main(["--version"]) == 0
    assert capfd.readouterr().out == f"vantage-agent {vantage_agent.__version__}\n"


def test_the_launcher_says_what_is_wrong(capfd: pytest.CaptureFixture[str]) -> None:
    assert launcher.main([]) == 2
    assert "usage: vantage-run" in capfd.readouterr().err
    assert launcher.main(["--what"]) == 2
    assert launcher.main(["--help"]) == 0
    assert launcher.main(["/no/such/program"]) == 127
    assert "/no/such/program" in capfd.readouterr().err
