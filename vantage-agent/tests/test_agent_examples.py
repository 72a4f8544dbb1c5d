"""What the documentation and the examples show is run."""

from __future__ import annotations

import ast
import json
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Callable, Iterator, List

import pytest
from confluent_kafka import admin
from vantage_agent import config, instrumentation

if TYPE_CHECKING:
    from tests.conftest import Sink, Upstream

PACKAGE = Path(__file__).resolve().parents[1]
PAGE = PACKAGE.parent / "docs" / "write-an-instrumentation.md"
EXAMPLES = PACKAGE / "examples"


def code_blocks(page: Path) -> List[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def test_the_instrumentation_in_the_documentation_passes_its_own_test(
    sink: Sink, start: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, row, test = code_blocks(PAGE)
    module = ModuleType("vantage_agent.instrumentation.dumb_dbm")
    exec(code, vars(module))  # noqa: S102
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for library, patched in ast.literal_eval("{" + row + "}").items():
        monkeypatch.setitem(instrumentation._MODULES, library, patched)
        monkeypatch.setattr(config, "LIBRARIES", (*config.LIBRARIES, library))
    names = {"__name__": "documented"}
    exec(test, names)  # noqa: S102
    (function,) = (value for name, value in names.items() if name.startswith("test_"))
    function(sink=sink, start=start, tmp_path=tmp_path)  # type: ignore[operator]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_the_orders_example_keeps_orders_and_tells_of_it(sink: Sink, tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/orders"
    command = [
        sys.executable, str(EXAMPLES / "aiohttp_orders.py"), "--port", str(port), "--collector", sink.url,
        "--database", f"sqlite:///{tmp_path}/orders.db",
    ]  # fmt: skip
    service = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def placed() -> bool:
        order = urllib.request.Request(url, json.dumps({"product": 3, "quantity": 2}).encode())
        try:
            with urllib.request.urlopen(order, timeout=5) as answer:
                return bool(json.load(answer) == {"order": 1})
        except urllib.error.HTTPError:
            raise
        except OSError:
            return False

    try:
        sink.wait_for(placed)
        with urllib.request.urlopen(f"{url}/1", timeout=5) as answer:
            assert json.load(answer) == {"product": 3, "quantity": 2}
    finally:
        service.send_signal(signal.SIGTERM)
        _, err = service.communicate(timeout=20)
    assert err == ""
    assert {item["endpoint"] for item in sink.requests()} == {"/orders", "/orders/{number}"}
    # `in one trace`, although SQLAlchemy works in another thread.
    traces = {span["name"]: span["trace_id"] for span in sink.spans()}
    assert traces["POST /orders"] == traces["place"] == traces["INSERT orders"]


@contextmanager
def running(sink: Sink, example: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """An example, ended as an init system does it; it must have had nothing to complain about."""
    command = [sys.executable, str(EXAMPLES / example), *arguments, "--collector", sink.url]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
    assert err == ""


def test_the_reviews_example_counts_stars_and_tells_of_it(sink: Sink, upstream: Upstream) -> None:
    url = f"http://127.0.0.1:{(port := free_port())}/products/3/reviews/"

    def posted() -> bool:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, b'{"stars": 4}'), timeout=5) as answer:
                return bool(json.load(answer) == {"reviews": 1, "average": 4.0})
        except urllib.error.HTTPError:
            raise
        except OSError:
            return False

    with running(sink, "django_reviews.py", "--port", str(port), "--inventory", upstream.url):
        sink.wait_for(posted)
        with urllib.request.urlopen(url, timeout=5) as answer:
            assert json.load(answer) == {"reviews": 1, "average": 4.0}
    assert {item["endpoint"] for item in sink.requests()} == {"/products/<int:product>/reviews/"}
    assert {item["endpoint"] for item in sink.calls()} == {upstream.host}
    assert [item["value"] for item in sink.metrics("reviews.stars")] == [4]
    (request,) = [span for span in sink.spans() if span["name"].startswith("POST /products")]
    inside = [span["name"] for span in sink.spans() if span.get("parent_span_id") == request["span_id"]]
    assert sorted(inside) == [f"GET {upstream.host}", "average"]


def test_the_parcels_example_is_one_trace_from_packing_to_delivery(sink: Sink) -> None:
    from tests.kafka_broker import kafka_broker

    with kafka_broker() as broker:
        if broker.makes_topics:
            kafka: Any = admin
            client = kafka.AdminClient({"bootstrap.servers": broker.bootstrap})
            client.create_topics([kafka.NewTopic("parcels", 1, 1)])["parcels"].result(20)
        there = ("--broker", broker.bootstrap)
        dispatch = ["dispatch", *there, "--number", "3", "--rate", "100"]
        command = [sys.executable, str(EXAMPLES / "kafka_parcels.py"), *dispatch, "--collector", sink.url]
        subprocess.run(command, check=True, timeout=60)
        with running(sink, "kafka_parcels.py", "courier", *there):
            sink.wait_for(lambda: sum(item["value"] for item in sink.metrics("parcels.delivered")) == 3, 60)
    spans = {span["span_id"]: span for span in sink.spans()}
    delivered = [span for span in spans.values() if span["name"] == "deliver"]
    assert len(delivered) == 3
    for span in delivered:
        sent = spans[span["parent_span_id"]]
        packed = spans[sent["parent_span_id"]]
        assert (sent["name"], packed["name"]) == ("send parcels", "pack")
        assert packed["attributes"] == span["attributes"]
    assert sum(span["name"] == "receive parcels" for span in spans.values()) == 3


NAME_OF_METRIC = re.compile(r"(?:vantage\.agent|http|db|messaging|process|cpython|asyncio)\.[a-z_.]+")
# Names in the code of that form that are attributes, or ASGI's.
NO_METRICS = re.compile(
    r"http\.(route|request\.method|response\.\w+)|db\.(system|operation|collection)\.name|db\.namespace"
    r"|messaging\.(system|destination\.name|operation\.(name|type))|cpython\.gc\.generation"
)


def test_the_documentation_has_every_metric_and_no_other() -> None:
    sources = Path(config.__file__).parent.rglob("*.py")
    strings = {
        node.value
        for source in sources
        for node in ast.walk(ast.parse(source.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    recorded = {text for text in strings if NAME_OF_METRIC.fullmatch(text) and not NO_METRICS.fullmatch(text)}
    page = (PACKAGE.parent / "docs" / "agent.md").read_text("utf-8")
    documented = set(re.findall(r"^\| `([a-z_.]+)` \| (?:histogram|counter|gauge)", page, re.MULTILINE))
    assert documented == recorded
