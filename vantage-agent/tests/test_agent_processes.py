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
from vantage_agent import launcher

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
    stop = threading.Event()

    def busy() -> None:
        client = app.test_client()
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


def test_exit_with_a_hanging_collector_takes_two_seconds_at_most() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = run(COUNTS + "print(time.monotonic())", f"http://127.0.0.1:{listener.getsockname()[1]}")
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert time.monotonic() - float(out) < 4


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


def test_the_launcher_says_what_is_wrong(capfd: pytest.CaptureFixture[str]) -> None:
    assert launcher.main([]) == 2
    assert "usage: vantage-run" in capfd.readouterr().err
    assert launcher.main(["--what"]) == 2
    assert launcher.main(["--help"]) == 0
    assert launcher.main(["/no/such/program"]) == 127
    assert "/no/such/program" in capfd.readouterr().err
