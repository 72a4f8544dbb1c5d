"""Celery: real workers of three pools, with a directory as their broker."""

from __future__ import annotations

import functools
import importlib.util
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List

import pytest
import vantage_agent
from vantage_agent.context import CURRENT

if TYPE_CHECKING:
    from tests.conftest import Item, Sink

Start = Callable[..., None]
SENT = "messaging.client.operation.duration"
PROCESSED = "messaging.process.duration"
GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

# The folder is the broker: a file is a message.
MODULE = """
import os, signal, time
import vantage_agent
from celery import Celery
from celery.exceptions import Ignore, Reject

if os.environ.get("SHOP_WORKER"):
    vantage_agent.init_agent()

app = Celery("shop", broker="filesystem://", set_as_current=False)
app.conf.update(
    broker_transport_options={{
        "data_folder_in": {folder!r},
        "data_folder_out": {folder!r},
        "control_folder": {folder!r},
        "polling_interval": 0.05,
    }},
    task_ignore_result=True,
    worker_hijack_root_logger=False,
)

@app.task(name="add")
def add(x, y):
    with vantage_agent.span("inside"):
        return x + y

@app.task(name="fail")
def fail():
    raise ZeroDivisionError("secret-message")

@app.task(name="again", bind=True, max_retries=2)
def again(self):
    if self.request.retries < 1:
        raise self.retry(exc=KeyError("not yet"), countdown=0)

@app.task(name="poll", bind=True)
def poll(self):
    if self.request.retries < 1:
        raise self.retry(countdown=0)

@app.task(name="ignored")
def ignored():
    raise Ignore()

@app.task(name="rejected")
def rejected():
    raise Reject("no", requeue=False)

@app.task(name="outer")
def outer():
    add.delay(1, 2)

@app.task(name="soft", soft_time_limit=0.3)
def soft():
    time.sleep(20)

@app.task(name="hard", time_limit=0.5)
def hard():
    time.sleep(20)

@app.task(name="stop")
def stop():
    pass

@app.task(name="killed")
def killed():
    os.kill(os.getpid(), signal.SIGKILL)

@app.task(name="killed late", acks_late=True)
def killed_late():
    os.kill(os.getpid(), signal.SIGKILL)

@app.task(name="left")
def left():
    os._exit(0)

@app.task(name="told to end")
def told_to_end():
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(20)

@app.task(name="exited")
def exited():
    raise SystemExit(2)

@app.task(name="long")
def long():
    open({begun!r}, "w").close()
    time.sleep(20)
"""


class Shop:
    """The tasks as the sender sees them, and the environment of their worker."""

    def __init__(self, folder: Path, sink: Sink) -> None:
        messages = folder / "messages"
        messages.mkdir()
        path = folder / "shop_tasks.py"
        self.begun = folder / "begun"
        path.write_text(MODULE.format(folder=str(messages), begun=str(self.begun)))
        spec = importlib.util.spec_from_file_location("shop_tasks", path)
        assert spec is not None
        assert spec.loader is not None
        self.tasks: Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.tasks)
        self._log = folder / "worker.log"
        self._env = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")])),
            "SHOP_WORKER": "1",
            "VANTAGE_AGENT_SERVICE_NAME": "worker",
            "VANTAGE_AGENT_COLLECTOR_URL": sink.url,
            # Nothing is sent before a process ends or a test asks for it.
            "VANTAGE_AGENT_FLUSH_INTERVAL": "600",
        }

    def log(self) -> str:
        return self._log.read_text()

    @contextmanager
    def worker(self, pool: str, *options: str, flush_interval: str = "600") -> Iterator[subprocess.Popen[bytes]]:
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "ERROR"]
        command = [sys.executable, "-m", "celery", "-A", "shop_tasks", "worker", "--pool", pool, "-c", "1"]
        env = {**self._env, "VANTAGE_AGENT_FLUSH_INTERVAL": flush_interval}
        with self._log.open("ab") as log:
            process = subprocess.Popen([*command, *quiet, *options], env=env, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def shop(tmp_path: Path, sink: Sink) -> Shop:
    return Shop(tmp_path, sink)


def stop(process: "subprocess.Popen[bytes]") -> None:
    """A warm shutdown: what is running is finished first."""
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def of(sink: Sink, service: str) -> List[Item]:
    return [span for span in sink.spans() if span["service_name"] == service]


def named(sink: Sink, service: str, name: str) -> List[Item]:
    return sorted((span for span in of(sink, service) if span["name"] == name), key=lambda span: span["start_time"])


def counts(sink: Sink, metric: str) -> Dict[str, int]:
    found: Dict[str, int] = {}
    for item in sink.metrics(metric):
        found[item["endpoint"]] = found.get(item["endpoint"], 0) + item["count"]
    return found


def errors(sink: Sink) -> Dict[str, List[str]]:
    """Error types of the worker's attempts, by task, in the order they began."""
    found: Dict[str, List[str]] = {}
    for span in sorted(of(sink, "worker"), key=lambda span: span["start_time"]):
        if span["kind"] == "consumer":
            found.setdefault(span["name"], []).append(span["attributes"].get("error.type", ""))
    return found


@pytest.mark.parametrize("pool", ["prefork", "solo", "threads"])
def test_a_worker_continues_the_trace_of_the_task_it_was_sent(pool: str, shop: Shop, sink: Sink, start: Start) -> None:
    start()
    tasks = shop.tasks
    with vantage_agent.span("order") as order:
        trace_id = order.trace_id
        tasks.add.delay(1, y=2)
    for task in (tasks.fail, tasks.again, tasks.poll, tasks.ignored, tasks.rejected, tasks.outer):
        task.delay()
    assert vantage_agent.flush()
    with shop.worker(pool, flush_interval="0.2"):
        sink.wait_for(lambda: len(errors(sink)) == 7 and sum(map(len, errors(sink).values())) == 10)

    assert counts(sink, PROCESSED) == {
        "process add": 2,
        "process fail": 1,
        "process again": 2,
        "process poll": 2,
        "process ignored": 1,
        "process rejected": 1,
        "process outer": 1,
    }
    assert errors(sink) == {
        "process add": ["", ""],
        "process fail": ["ZeroDivisionError"],
        "process again": ["KeyError", ""],
        "process poll": ["", ""],
        "process ignored": [""],
        "process rejected": ["Reject"],
        "process outer": [""],
    }
    (sent,) = named(sink, "shop", "send add")
    (first, second) = named(sink, "worker", "process add")
    assert (sent["kind"], first["kind"]) == ("producer", "consumer")
    assert (sent["trace_id"], first["trace_id"]) == (trace_id, trace_id)
    assert (first["parent_span_id"], first["caller"]) == (sent["span_id"], "shop")
    assert sent["attributes"] == {
        "messaging.system": "celery",
        "messaging.operation.name": "send",
        "messaging.destination.name": "celery",
        "messaging.operation.type": "send",
    }
    assert first["attributes"]["messaging.operation.type"] == "process"
    inside = named(sink, "worker", "inside")[0]
    assert (inside["trace_id"], inside["parent_span_id"]) == (trace_id, first["span_id"])

    # A task that a task sends: the worker is its caller now.
    (outer,) = named(sink, "worker", "process outer")
    (forwarded,) = named(sink, "worker", "send add")
    assert (forwarded["trace_id"], forwarded["parent_span_id"]) == (outer["trace_id"], outer["span_id"])
    assert (second["parent_span_id"], second["caller"]) == (forwarded["span_id"], "worker")

    # A retry is a message of the attempt that failed.
    failed, succeeded = named(sink, "worker", "process again")
    (resent,) = named(sink, "worker", "send again")
    assert resent["parent_span_id"] == failed["span_id"]
    assert succeeded["parent_span_id"] == resent["span_id"]
    assert {span["trace_id"] for span in (failed, resent, succeeded)} == {failed["trace_id"]}
    # Once by the shop, once by a task.
    assert {name: counts(sink, SENT)[f"send {name}"] for name in ("again", "poll", "add")} == {
        "again": 2,
        "poll": 2,
        "add": 2,
    }

    metrics = [item for item in sink.metrics(PROCESSED) if item["service_name"] == "worker"]
    assert {item["tags"]["caller"] for item in metrics if item["endpoint"] == "process fail"} == {"shop"}
    assert {item["tags"]["messaging.system"] for item in metrics} == {"celery"}


def seen(sink: Sink, number: int) -> bool:
    return len(errors(sink)) == number


def test_time_limits_are_failures_and_the_pool_goes_on(shop: Shop, sink: Sink, start: Start) -> None:
    start()
    tasks = shop.tasks
    with shop.worker("prefork", flush_interval="0.2"):
        # One after the other: a process that is killed takes along what it has not sent yet. The last one shows
        # that the pool goes on.
        for number, task in enumerate((tasks.soft, tasks.hard, tasks.stop), 1):
            task.delay()
            assert vantage_agent.flush()
            sink.wait_for(functools.partial(seen, sink, number), 60)
    assert errors(sink) == {
        "process soft": ["SoftTimeLimitExceeded"],
        "process hard": ["TimeLimitExceeded"],
        "process stop": [""],
    }
    (hard,) = named(sink, "worker", "process hard")
    assert 400 <= hard["duration_ms"] <= 5_000
    (sent,) = named(sink, "shop", "send hard")
    assert (hard["trace_id"], hard["parent_span_id"]) == (sent["trace_id"], sent["span_id"])
    assert hard["caller"] == "shop"


LOST = {
    "killed": "WorkerLostError",
    "killed_late": "WorkerLostError",
    "left": "WorkerLostError",
    "told_to_end": "WorkerLostError",
    "exited": "SystemExit",
    "hard": "TimeLimitExceeded",
}


@pytest.mark.skipif(
    metadata.version("billiard").startswith("4.2."), reason="its pool hangs when so many die, with or without the agent"
)
def test_every_task_whose_process_is_gone_is_a_failure(shop: Shop, sink: Sink, start: Start) -> None:
    start()
    for name in LOST:
        for _ in range(4):
            getattr(shop.tasks, name).delay()
    with shop.worker("prefork", "--autoscale", "3,3", flush_interval="0.2"):
        sink.wait_for(lambda: sum(map(len, errors(sink).values())) == 4 * len(LOST), 60)
    assert errors(sink) == {f"process {name.replace('_', ' ')}": [error] * 4 for name, error in LOST.items()}
    assert counts(sink, PROCESSED) == {name: len(found) for name, found in errors(sink).items()}


def test_a_task_that_a_cold_shutdown_ends_is_a_failure(shop: Shop, sink: Sink, start: Start) -> None:
    start()
    shop.tasks.long.delay()
    with shop.worker("prefork") as process:
        sink.wait_for(shop.begun.exists)
        process.send_signal(signal.SIGTERM)
        sink.wait_for(lambda: "Warm shutdown" in shop.log())
        process.send_signal(signal.SIGQUIT)
        process.wait(30)
    assert errors(sink) == {"process long": ["Terminated"]}


@pytest.mark.parametrize("options", [(), ("--max-tasks-per-child", "1")])
def test_a_pool_child_sends_what_it_has_before_it_ends(options: Any, shop: Shop, sink: Sink, start: Start) -> None:
    start()
    for number in range(3):
        shop.tasks.add.delay(number, number)
    with shop.worker("prefork", *options) as process:
        if options:
            # Each child is replaced after its task, and nothing else makes it send.
            sink.wait_for(lambda: counts(sink, PROCESSED).get("process add") == 3, 60)
        else:
            sink.wait_for(
                lambda: not list(Path(shop.tasks.app.conf.broker_transport_options["data_folder_in"]).glob("*.msg"))
            )
        stop(process)
    assert counts(sink, PROCESSED) == {"process add": 3}
    senders = {body["instance"] for body in sink.bodies("/v1/traces") if body["service_name"] == "worker"}
    assert len(senders) == (3 if options else 1)
    assert f":{process.pid}" not in "".join(senders)


def test_a_task_is_sent_without_touching_what_the_caller_gave(shop: Shop, sink: Sink, start: Start) -> None:
    start()
    headers = {"kind": "web"}
    shop.tasks.add.apply_async((1, 2), headers=headers)
    own = {"traceparent": GIVEN}
    shop.tasks.add.apply_async((1, 2), headers=own)
    assert (headers, own) == ({"kind": "web"}, {"traceparent": GIVEN})
    assert CURRENT.get() is None
    folder = Path(shop.tasks.app.conf.broker_transport_options["data_folder_in"])
    texts = [path.read_text() for path in folder.glob("*.msg")]
    assert [GIVEN in text for text in texts].count(True) == 1
    assert ["vantage=shop" in text for text in texts].count(True) == 1


def test_a_broker_that_is_away_fails_the_send_as_ever(shop: Shop, sink: Sink, start: Start, tmp_path: Path) -> None:
    start()
    gone = {"data_folder_out": str(tmp_path / "gone"), "control_folder": str(tmp_path)}
    connection = shop.tasks.app.connection(transport_options=gone)
    with pytest.raises(Exception, match=r"Cannot add file|local variable 'f'") as raised:
        shop.tasks.add.apply_async((1, 2), connection=connection, retry=False)
    vantage_agent.flush()
    (span,) = named(sink, "shop", "send add")
    assert (span["status"], span["attributes"]["error.type"]) == ("error", type(raised.value).__qualname__)


def test_eager_tasks_are_part_of_what_their_caller_does(shop: Shop, sink: Sink, start: Start) -> None:
    start()
    with vantage_agent.span("order") as order:
        span_id = order.span_id
        assert shop.tasks.add.apply((1, 2)).get() == 3
        with pytest.raises(ZeroDivisionError):
            shop.tasks.fail.apply(throw=True)
        assert shop.tasks.again.apply().get() is None
    assert CURRENT.get() is None
    vantage_agent.flush()
    added, failed = named(sink, "shop", "process add") + named(sink, "shop", "process fail")
    assert (added["parent_span_id"], failed["parent_span_id"]) == (span_id, span_id)
    assert failed["attributes"]["error.type"] == "ZeroDivisionError"
    assert [span["status"] for span in named(sink, "shop", "process again")] == ["error", "ok"]


def test_shutdown_takes_the_receivers_out_again(shop: Shop, start: Start) -> None:
    from celery import signals

    places = (signals.before_task_publish, signals.task_prerun, signals.task_postrun, signals.worker_process_shutdown)
    before = [len(place.receivers) for place in places]
    start()
    assert [len(place.receivers) for place in places] == [number + 1 for number in before]
    vantage_agent.shutdown()
    assert [len(place.receivers) for place in places] == before
