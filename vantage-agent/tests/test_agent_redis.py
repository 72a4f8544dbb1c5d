"""redis-py, sync and asyncio, against a real server: commands by their names, never their keys."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import threading
import types
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Tuple

import celery
import pytest
import redis
import redis.asyncio
import vantage_agent
from flask import Flask
from redis.backoff import NoBackoff
from redis.retry import Retry
from vantage_agent.instrumentation import redis as instrumentation
from vantage_agent.instrumentation.redis import NAMES, name_of
from vantage_agent.operations import DB_METRIC

if TYPE_CHECKING:
    from tests.conftest import Item, Sink

Start = Callable[..., None]
SECRET = "s3cret-key"


def serve(stack: ExitStack, folder: Path, *arguments: str) -> None:
    """Run a server until the stack closes; its output goes to a file in `folder`."""
    binary = shutil.which("redis-server")
    assert binary is not None, "redis-server is not installed (Debian: apt-get install redis-server)"
    output = stack.enter_context((folder / "log").open("w"))
    command = [binary, "--dir", str(folder), "--save", "", "--bind", "127.0.0.1", *arguments]
    process = stack.enter_context(subprocess.Popen(command, stdout=output))
    stack.callback(process.terminate)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def patient() -> Retry:
    """Until a server that has just been started is there."""
    from redis.backoff import ConstantBackoff

    return Retry(ConstantBackoff(0.02), 500, supported_errors=(redis.ConnectionError, OSError))


@pytest.fixture(scope="session")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Socket of a server."""
    folder = tmp_path_factory.mktemp("redis")
    path = str(folder / "socket")
    with ExitStack() as stack:
        serve(stack, folder, "--port", "0", "--unixsocket", path)
        redis.Redis(unix_socket_path=path, retry=patient()).ping()
        yield path


@pytest.fixture(scope="session")
def cluster_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A cluster of one."""
    folder, port = tmp_path_factory.mktemp("redis-cluster"), free_port()
    with ExitStack() as stack:
        serve(stack, folder, "--port", str(port), "--cluster-enabled", "yes", "--cluster-port", str(free_port()))
        node: Any = redis.Redis(port=port, retry=patient())
        node.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
        while node.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
            # The server looks at its state ten times a second.
            threading.Event().wait(0.02)
        yield port


@pytest.fixture
def client(path: str) -> Iterator[Any]:
    with redis.Redis(unix_socket_path=path, db=3) as client:
        client.flushall()
        yield client


def connected(path: str) -> Any:
    return redis.asyncio.Redis(unix_socket_path=path)


def delivered(sink: Sink) -> Tuple[List[Item], List[Item]]:
    """Commands' spans in their order, and samples."""
    assert vantage_agent.flush()
    spans = [span for span in sink.spans() if "db.system.name" in span.get("attributes", {})]
    return sorted(spans, key=lambda span: float(span["start_time"])), sink.metrics(DB_METRIC)


def commands(sink: Sink) -> List[str]:
    """Names of the commands in their order; a failed one with its error's type. Checks that the samples agree."""
    spans, samples = delivered(sink)
    counts: Dict[str, int] = {}
    for sample in samples:
        counts[sample["endpoint"]] = counts.get(sample["endpoint"], 0) + sample["count"]
    names = [span["name"] for span in spans]
    assert counts == {name: names.count(name) for name in names}
    return [
        f"{span['name']} {span['attributes']['error.type']}" if span["status"] == "error" else span["name"]
        for span in spans
    ]


def test_a_command_is_a_span_below_the_request_and_a_sample(sink: Sink, start: Start, client: Any, path: str) -> None:
    # The client is older than the agent.
    start(auto_instrument=["redis", "flask"])
    app = Flask(__name__)

    @app.get("/basket")
    def basket() -> str:
        client.set(SECRET, SECRET)
        return str(client.get(SECRET))

    assert SECRET in app.test_client().get("/basket").text
    assert commands(sink) == ["SET", "GET"]
    (request,) = [span for span in sink.spans() if span["kind"] == "server"]
    spans, samples = delivered(sink)
    assert {(span["trace_id"], span["parent_span_id"]) for span in spans} == {(request["trace_id"], request["span_id"])}
    attributes = {
        "db.system.name": "redis",
        "db.namespace": "3",
        "db.operation.name": "SET",
        "server.address": path,
    }
    assert (spans[0]["kind"], spans[0]["attributes"]) == ("client", attributes)
    (sample,) = [sample for sample in samples if sample["endpoint"] == "SET"]
    assert sample["tags"] == attributes
    assert SECRET not in sink.everything()


def test_pipelines_and_transactions_are_one_operation_each(sink: Sink, start: Start, client: Any) -> None:
    start(auto_instrument=["redis"])
    with client.pipeline(transaction=False) as pipeline:
        pipeline.set(SECRET, 1).incr(SECRET).get(SECRET)
        assert pipeline.execute() == [True, 2, b"2"]
        assert pipeline.execute() == []
    with client.pipeline() as pipeline:
        pipeline.watch(SECRET)
        assert pipeline.get(SECRET) == b"2"
        pipeline.multi()
        pipeline.incr(SECRET)
        assert pipeline.execute() == [3]
    # A wrong command among others fails alone where the application asks for that.
    with client.pipeline(transaction=False) as pipeline:
        assert len(pipeline.set(SECRET, "x").incr(SECRET).execute(raise_on_error=False)) == 2
        with pytest.raises(redis.ResponseError):
            pipeline.incr(SECRET).execute()
    assert commands(sink) == ["PIPELINE", "WATCH", "GET", "MULTI", "PIPELINE", "PIPELINE ResponseError"]
    assert SECRET not in sink.everything()


def test_a_transaction_that_another_client_spoils_is_an_error(sink: Sink, start: Start, client: Any) -> None:
    start(auto_instrument=["redis"])
    with client.pipeline() as pipeline:
        pipeline.watch(SECRET)
        client.set(SECRET, 2)
        pipeline.multi()
        pipeline.incr(SECRET)
        with pytest.raises(redis.WatchError):
            pipeline.execute()
    assert commands(sink) == ["WATCH", "SET", "MULTI WatchError"]


def test_locks_scripts_and_messages(sink: Sink, start: Start, client: Any) -> None:
    start(auto_instrument=["redis"])
    with client.pubsub() as listener:
        listener.subscribe(SECRET)
        assert listener.get_message(timeout=5) is not None
        client.publish(SECRET, SECRET)
        message = listener.get_message(timeout=5)
    assert message is not None
    assert message["data"] == SECRET.encode()
    script = client.register_script("return redis.call('GET', KEYS[1])")
    assert script(keys=[SECRET]) is None
    with client.lock("s3cret-lock", timeout=5):
        pass
    # redis-py tries a script's hash first, and loads it where the server does not know it. A lock is given back by one.
    tried = ["EVALSHA NoScriptError", "SCRIPT LOAD", "EVALSHA"]
    assert commands(sink) == ["PUBLISH", *tried, "SET", *tried]
    assert "s3cret" not in sink.everything()


async def test_asyncio(sink: Sink, start: Start, path: str) -> None:
    start(auto_instrument=["redis"])
    async with connected(path) as client:
        await client.set(SECRET, 1)
        async with client.pipeline(transaction=False) as pipeline:
            assert await pipeline.incr(SECRET).get(SECRET).execute() == [2, b"2"]
        async with client.pipeline() as pipeline:
            await pipeline.watch(SECRET)
            pipeline.multi()
            assert await pipeline.incr(SECRET).execute() == [3]
            assert await pipeline.execute() == []
        with pytest.raises(redis.ResponseError):
            await client.lpush(SECRET, 1)
    assert commands(sink) == ["SET", "PIPELINE", "WATCH", "MULTI", "LPUSH ResponseError"]
    assert SECRET not in sink.everything()


async def test_commands_of_tasks_side_by_side_belong_to_their_own_spans(sink: Sink, start: Start, path: str) -> None:
    start(auto_instrument=["redis"])
    async with connected(path) as client:

        async def ask(name: str) -> None:
            with vantage_agent.span(name):
                for _ in range(5):
                    await client.blpop(["nothing"], timeout=0.01)

        await asyncio.gather(*(ask(f"task {number}") for number in range(4)))
    spans, _ = delivered(sink)
    owners = {span["span_id"]: span["name"] for span in sink.spans() if span["kind"] == "internal"}
    asked = [owners[span["parent_span_id"]] for span in spans]
    assert sorted(asked) == sorted([f"task {number}" for number in range(4)] * 5)


async def test_a_command_that_is_cancelled_says_so(sink: Sink, start: Start, path: str) -> None:
    start(auto_instrument=["redis"])
    async with connected(path) as client:
        waiting = asyncio.ensure_future(client.blpop(["nothing"], timeout=30))
        while not (await client.info("clients"))["blocked_clients"]:  # noqa: ASYNC110 - Redis tells nobody
            await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert [command for command in commands(sink) if command != "INFO"] == ["BLPOP CancelledError"]


def test_a_server_that_cannot_be_reached_is_seen(sink: Sink, start: Start) -> None:
    start(auto_instrument=["redis"])
    client: Any = redis.Redis(port=1, password=SECRET, retry=Retry(NoBackoff(), 0))
    with pytest.raises(redis.ConnectionError):
        client.get("a")

    async def get() -> None:
        asynchronous: Any = redis.asyncio.Redis.from_url(
            f"redis://me:{SECRET}@127.0.0.1:1/2", retry=redis.asyncio.retry.Retry(NoBackoff(), 0)
        )
        await asynchronous.get("a")

    with pytest.raises(redis.ConnectionError):
        asyncio.run(get())
    assert commands(sink) == ["GET ConnectionError", "GET ConnectionError"]
    spans, _ = delivered(sink)
    places = [
        tuple(span["attributes"][name] for name in ("server.address", "server.port", "db.namespace")) for span in spans
    ]
    assert places == [("localhost", 1, "0"), ("127.0.0.1", 1, "2")]
    assert SECRET not in sink.everything()


def test_cluster(sink: Sink, start: Start, cluster_port: int) -> None:
    start(auto_instrument=["redis"])
    client: Any = redis.RedisCluster(host="127.0.0.1", port=cluster_port)
    with client:
        commands(sink)
        sink.received.clear()
        client.set(SECRET, 1)
        assert client.get(SECRET) == b"1"
        pipeline = client.pipeline()
        assert pipeline.incr(SECRET).get(SECRET).execute() == [2, b"2"]
        with pytest.raises(redis.ResponseError):
            client.lpush(SECRET, 1)
    # The node's own client, below, has nothing to add.
    assert commands(sink) == ["SET", "GET", "PIPELINE", "LPUSH ResponseError"]
    spans, _ = delivered(sink)
    assert {(span["attributes"]["server.address"], span["attributes"]["server.port"]) for span in spans} == {
        ("127.0.0.1", cluster_port)
    }
    assert SECRET not in sink.everything()


async def test_cluster_asyncio(sink: Sink, start: Start, cluster_port: int) -> None:
    start(auto_instrument=["redis"])
    client: Any = redis.asyncio.RedisCluster(host="127.0.0.1", port=cluster_port)
    async with client:
        commands(sink)
        sink.received.clear()
        await client.set(SECRET, 1)
        assert await client.pipeline().incr(SECRET).get(SECRET).execute() == [2, b"2"]
    assert commands(sink) == ["SET", "PIPELINE"]
    assert SECRET not in sink.everything()


def test_a_name_is_a_command_and_never_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instrumentation, "_names", {})
    names: Dict[Any, str] = {
        "GET": "GET",
        "get": "GET",
        b"Get": "GET",
        "GET s3cret": "GET",
        "CONFIG SET": "CONFIG SET",
        "CONFIG SET s3cret": "CONFIG SET",
        "CLIENT SETINFO": "CLIENT SETINFO",
        "JSON.GET": "JSON.GET",
        "RESTORE-ASKING": "RESTORE-ASKING",
        "": "_OTHER",
        " ": "_OTHER",
        "s3cret=1": "_OTHER",
        "größe": "_OTHER",
        "S" * 31: "_OTHER",
    }
    assert {command: name_of(command) for command in names} == names
    nonsense: List[Any] = [None, 7, []]
    assert [name_of(one) for one in nonsense] == ["_OTHER"] * 3
    assert not any("s3cret" in str(known) for known in instrumentation._names)


def test_names_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instrumentation, "_names", {})
    assert len({name_of(f"COMMAND{number}") for number in range(NAMES * 2)}) == NAMES + 1
    assert name_of("ONE.MORE") == "_OTHER"


def test_after_shutdown_everything_is_as_before(sink: Sink, start: Start, client: Any) -> None:
    owners = (redis.Redis, redis.client.Pipeline, redis.asyncio.Redis, redis.asyncio.client.Pipeline)
    before = [dict(vars(owner)) for owner in owners]
    start(auto_instrument=["redis"])
    assert asyncio.iscoroutinefunction(redis.asyncio.Redis.execute_command)
    assert [dict(vars(owner)) for owner in owners] != before
    vantage_agent.shutdown(2.0)
    assert [dict(vars(owner)) for owner in owners] == before
    assert client.get("a") is None


def test_what_kombu_does_by_itself_is_not_recorded_and_what_is_done_for_a_span_is(
    sink: Sink, start: Start, client: Any, path: str
) -> None:
    start(auto_instrument=["redis"])
    connect: Any = import_module("kombu").Connection
    with connect(f"redis+socket://{path}?virtual_host=3") as connection:
        queue = connection.SimpleQueue("orders")
        queue.put("by itself")
        client.get("a")
        with vantage_agent.span("order"):
            queue.put("for a span")
        assert [queue.get(timeout=20).payload for _ in range(2)] == ["by itself", "for a span"]
        queue.close()
    client.set("a", 1)
    names = commands(sink)
    assert (names[0], names[-1]) == ("GET", "SET")
    parents = {span["name"]: span.get("parent_span_id") for span in delivered(sink)[0]}
    assert parents.pop("GET") is parents.pop("SET") is None
    assert "LPUSH" in parents
    (order,) = [span["span_id"] for span in sink.spans() if span["name"] == "order"]
    assert set(parents.values()) == {order}


WORKER = """
import vantage_agent
vantage_agent.init_agent()
import celery, redis
app = celery.Celery("shop", broker="redis+socket://{path}?virtual_host=4")
app.conf.worker_hijack_root_logger = False
own = redis.Redis(unix_socket_path="{path}")

@app.task(name="count")
def count():
    own.incr("orders")
"""


def test_a_celery_worker_on_redis_tells_of_its_tasks_commands_alone(
    sink: Sink, start: Start, client: Any, path: str, tmp_path: Path
) -> None:
    (tmp_path / "shop_redis.py").write_text(WORKER.format(path=path))
    start(auto_instrument=["celery"])
    shop = celery.Celery("shop", broker=f"redis+socket://{path}?virtual_host=4", set_as_current=False)
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")])),
        "VANTAGE_AGENT_SERVICE_NAME": "worker",
        "VANTAGE_AGENT_COLLECTOR_URL": sink.url,
        "VANTAGE_AGENT_FLUSH_INTERVAL": "0.2",
    }
    command = [sys.executable, "-m", "celery", "-A", "shop_redis", "worker", "--pool", "solo", "-E"]

    def done() -> int:
        return sum(item["count"] for item in sink.metrics("messaging.process.duration"))

    with (tmp_path / "log").open("wb") as log:
        worker = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    try:
        for number in range(1, 4):
            shop.send_task("count")
            sink.wait_for(lambda number=number: done() == number)  # type: ignore[misc]
    finally:
        worker.terminate()
        worker.wait(30)
    told = [(sample["endpoint"], sample["service_name"]) for sample in sink.metrics(DB_METRIC)]
    assert set(told) == {("INCRBY", "worker")}


class Wrapped:
    """A method as others wrap it (wrapt): it learns its instance where it is bound, and only there."""

    def __init__(self, wrapped: Any, seen: List[Any], instance: Any = None) -> None:
        self.__wrapped__ = wrapped
        self.seen = seen
        self.instance = instance

    def __get__(self, instance: Any, owner: Any) -> Wrapped:
        return Wrapped(self.__wrapped__.__get__(instance, owner), self.seen, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.seen.append((self.instance, *args))
        return self.__wrapped__(*args, **kwargs)


def test_somebody_elses_wrapper_below_ours_sees_what_it_saw_before(
    sink: Sink, start: Start, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: List[Any] = []
    monkeypatch.setattr(redis.Redis, "execute_command", Wrapped(redis.Redis.execute_command, seen))
    start(auto_instrument=["redis"])
    client.get("a")
    assert seen == [(client, "GET", "a")]
    assert commands(sink) == ["GET"]


def test_opentelemetrys_instrumentation_goes_first(
    sink: Sink, start: Start, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Instrumentor:
        _instance: Any = types.SimpleNamespace(is_instrumented_by_opentelemetry=True)

    start(auto_instrument=["redis"])
    module: Any = types.ModuleType("opentelemetry.instrumentation.redis")
    module.Instrumentor = Instrumentor
    monkeypatch.setitem(sys.modules, "opentelemetry.instrumentation", types.ModuleType("opentelemetry.instrumentation"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    client.get("a")
    Instrumentor._instance.is_instrumented_by_opentelemetry = False
    client.set("a", 1)
    assert commands(sink) == ["SET"]
