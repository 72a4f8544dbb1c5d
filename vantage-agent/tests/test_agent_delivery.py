"""What the collector gets, and what happens when it is slow, refuses, lies or is not there."""

from __future__ import annotations

import http.client
import json
import logging
import re
import socket
import threading
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Tuple

import flask
import pytest
import vantage_agent
from vantage_agent import batch, exporter, fold, recorder, state
from vantage_agent.bodies import Body, compress
from vantage_agent.items import to_json
from vantage_agent.redact import excerpt
from vantage_agent.transport import Answer, Transport, Verdict, retry_after

if TYPE_CHECKING:
    from tests.conftest import Sink

Start = Callable[..., None]


def app() -> flask.Flask:
    app = flask.Flask("app")
    app.add_url_rule("/<name>", "index", lambda name: name)
    return app


def serve(number: int) -> None:
    client = app().test_client()
    for index in range(number):
        client.get(f"/{index}")


def total(sink: Sink) -> int:
    return sum(item["count"] for item in sink.requests())


def distinct_total(sink: Sink) -> int:
    """Requests counted as the platform does: one body of each batch id."""
    bodies = {body["batch_id"]: body for body in sink.bodies("/v1/metrics")}
    items = [item for body in bodies.values() for item in body["metrics"]]
    return sum(item["count"] for item in items if item["metric_name"] == "http.request.duration")


class Answers(List[Tuple[int, Dict[str, str]]]):
    """Answers by the body that they are given to."""

    def __init__(self, answer: Callable[[Dict[str, Any]], Tuple[int, Dict[str, str]]], sink: Sink) -> None:
        super().__init__([(0, {})])
        self._answer, self._sink = answer, sink

    def pop(self, index: Any = -1) -> Tuple[int, Dict[str, str]]:
        return self._answer(self._sink.received[-1].body)


def test_a_batch_has_the_shape_of_the_contract(sink: Sink, start: Start) -> None:
    start(environment="staging", api_key="key", version="3")
    before = time.time() * 1000
    serve(30)
    logging.getLogger("shop").error("x")
    assert vantage_agent.flush()
    for received in sink.received:
        body = received.body
        assert received.headers["content-encoding"] == "gzip"
        assert received.headers["x-api-key"] == "key"
        assert (body["service_name"], body["environment"]) == ("shop", "staging")
        assert body["agent_version"] == vantage_agent.__version__
        assert re.fullmatch(r"[0-9a-f]{32}", body["batch_id"])
        assert re.fullmatch(r".+:\d+", body["instance"])
    assert {received.path for received in sink.received} == {"/v1/metrics", "/v1/traces", "/v1/logs"}
    assert [body["spans_sent"] for body in sink.bodies("/v1/metrics")] == [True]
    assert total(sink) == 30
    assert len({body["batch_id"] for received in sink.received for body in [received.body]}) == 3
    for item in sink.requests():
        assert set(item) == {
            "timestamp", "service_name", "metric_name", "metric_type", "value", "count", "endpoint", "method",
            "status_code", "duration_ms", "tags", "trace_id", "span_id",
        }  # fmt: skip
        assert item["metric_type"] == "histogram"
        assert before - 1 <= item["timestamp"] <= time.time() * 1000
        assert 0 < item["value"] < 10_000
    for span in sink.spans():
        assert re.fullmatch(r"[0-9a-f]{32}", span["trace_id"])
        assert re.fullmatch(r"[0-9a-f]{16}", span["span_id"])
        assert span["start_time"] + span["duration_ms"] <= time.time() * 1000 + 1
    (log,) = sink.logs()
    assert (log["severity"], log["body"], log["service_name"]) == ("ERROR", "x", "shop")


def test_samples_leave_on_their_own_after_the_flush_interval(sink: Sink, start: Start) -> None:
    start(flush_interval=0.1)
    serve(3)
    sink.wait_for(lambda: total(sink) == 3)


def test_bodies_are_split_at_a_thousand_items_and_below_a_mebibyte(sink: Sink, start: Start) -> None:
    start(tags={f"tag{number}": "é" * 256 for number in range(8)})
    for number in range(1_500):
        vantage_agent.record_metric(f"m.{number}", 1, "histogram")
    assert vantage_agent.flush()
    assert len(sink.metrics()) == 1_500
    assert len({item["metric_name"] for item in sink.metrics()}) == 1_500
    assert all(len(body["metrics"]) <= 1_000 for body in sink.bodies("/v1/metrics"))
    assert all(received.size < 2**20 for received in sink.received)
    assert len({body["batch_id"] for body in sink.bodies("/v1/metrics")}) == len(sink.bodies("/v1/metrics"))


@pytest.mark.parametrize("status", [429, 502, 503])
def test_a_retry_repeats_body_and_batch_id_and_counts_nothing_twice(sink: Sink, start: Start, status: int) -> None:
    start()
    sink.answers = [(status, {"Retry-After": "0"})]
    serve(5)
    assert not vantage_agent.flush()
    serve(7)
    assert vantage_agent.flush()
    first, again = sink.bodies("/v1/metrics")[:2]
    assert first == again
    assert distinct_total(sink) == 12
    assert len(sink.spans()) == len({span["span_id"] for span in sink.spans()}) == 12


def test_an_answer_lost_on_the_way_is_asked_for_with_the_same_batch_id(
    sink: Sink, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vantage_agent.transport.TIMEOUT_S", 0.2)
    start()
    sink.hold = threading.Event()
    serve(5)
    assert not vantage_agent.flush()
    sink.hold.set()
    serve(2)
    assert vantage_agent.flush()
    assert total(sink) > 7
    assert distinct_total(sink) == 7


def test_a_refused_body_is_dropped_and_reported(sink: Sink, start: Start, caplog: pytest.LogCaptureFixture) -> None:
    start()
    sink.answers = [(422, {})]
    with caplog.at_level(logging.WARNING, "vantage.agent"):
        serve(5)
        vantage_agent.flush()
        vantage_agent.flush()
    dropped = sink.metrics("vantage.agent.dropped")
    assert [(item["value"], item["tags"], item["metric_type"]) for item in dropped] == [
        (5, {"reason": "refused"}, "counter")
    ]
    assert len(caplog.records) == 1


def test_a_body_the_collector_keeps_failing_on_gives_way_to_the_others(sink: Sink, start: Start) -> None:
    start()
    serve(1)
    poison = ""

    def answer(body: Dict[str, Any]) -> Tuple[int, Dict[str, str]]:
        return (500 if body["batch_id"] == poison else 202), {}

    sink.answers = [(500, {})]
    assert not vantage_agent.flush()
    poison = sink.bodies("/v1/metrics")[0]["batch_id"]
    sink.answers = Answers(answer, sink)
    while not vantage_agent.flush():
        serve(1)
        assert len(sink.received) < 20
    assert vantage_agent.flush()
    assert {item["tags"]["reason"] for item in sink.metrics("vantage.agent.dropped")} == {"refused"}
    assert sum(body["batch_id"] == poison for body in sink.bodies("/v1/metrics")) <= 8


def test_a_collector_that_answers_500_for_long_costs_nothing(sink: Sink, start: Start) -> None:
    start()
    sink.answers = [(500, {})] * 40
    for _ in range(40):
        serve(2)
        assert not vantage_agent.flush()
    agent = state.agent
    assert agent is not None
    assert len(agent._exporter._pending) == 2
    assert vantage_agent.flush()
    assert vantage_agent.flush()
    assert distinct_total(sink) == 80
    assert not sink.metrics("vantage.agent.dropped")


def test_a_body_that_is_too_large_for_a_proxy_comes_in_halves(sink: Sink, start: Start) -> None:
    start()

    def answer(body: Dict[str, Any]) -> Tuple[int, Dict[str, str]]:
        return (413 if len(body.get("metrics", ())) > 3 else 202), {}

    sink.answers = Answers(answer, sink)
    for number in range(10):
        vantage_agent.record_metric(f"m.{number}", 1, "counter")
    assert vantage_agent.flush()
    taken = [body for body in sink.bodies("/v1/metrics") if len(body["metrics"]) <= 3]
    assert sorted(item["metric_name"] for body in taken for item in body["metrics"]) == [
        f"m.{number}" for number in range(10)
    ]
    assert len({body["batch_id"] for body in sink.bodies("/v1/metrics")}) == len(sink.bodies("/v1/metrics"))


def test_an_item_that_is_too_large_alone_is_refused_and_counted(sink: Sink, start: Start) -> None:
    start()
    sink.answers = [(413, {})]
    vantage_agent.record_metric("m", 1, "counter")
    assert vantage_agent.flush()
    assert vantage_agent.flush()
    assert [item["value"] for item in sink.metrics("vantage.agent.dropped")] == [1]


def test_an_item_that_no_body_can_hold_is_counted_and_takes_no_other_with_it(
    sink: Sink, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter, "MAX_BODY_BYTES", 2_000)
    start()
    for text in ("first", "x" * 3_000, "last"):
        logging.getLogger("shop").error(text)
    assert vantage_agent.flush()
    assert vantage_agent.flush()
    assert [line["body"] for line in sink.logs()] == ["first", "last"]
    dropped = sink.metrics("vantage.agent.dropped")
    assert [(item["value"], item["tags"]) for item in dropped] == [(1, {"reason": "too_large"})]


@pytest.mark.parametrize("status", [301, 307])
def test_a_redirect_is_not_followed_and_nothing_is_lost(sink: Sink, start: Start, status: int) -> None:
    start()
    sink.answers = [(status, {"Location": "http://127.0.0.1:9/"})]
    serve(2)
    assert not vantage_agent.flush()
    assert vantage_agent.flush()
    assert distinct_total(sink) == 2


def test_a_login_page_is_no_collector(sink: Sink, start: Start) -> None:
    start()
    sink.answers = [(200, {"Content-Type": "text/html; charset=utf-8"})]
    serve(2)
    assert not vantage_agent.flush()
    assert vantage_agent.flush()
    assert distinct_total(sink) == 2


def test_an_outage_ends_with_all_counts_and_bounded_memory(
    sink: Sink, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold, "OUTAGE_CELL_LIMIT", 20)
    start()
    sink.answers = [(503, {})] * 30
    for _ in range(30):
        serve(10)
        assert not vantage_agent.flush()
    agent = state.agent
    assert agent is not None
    assert len(agent._exporter._pending) == 1
    assert agent._exporter._batch.window.size <= 20
    assert len(agent._exporter._batch.spans) <= batch.OUTAGE_SPAN_LIMIT
    assert vantage_agent.flush()
    assert distinct_total(sink) == 300


def test_backing_off_honours_retry_after_and_stays_bounded(sink: Sink, start: Start) -> None:
    start()
    agent = state.agent
    assert agent is not None
    export = agent._exporter
    export._back_off(Answer(Verdict.LATER, "503", 120.0))
    assert 119 < export._retry_at - time.monotonic() <= 121
    for _ in range(100):
        export._back_off(Answer(Verdict.LATER, "503"))
        assert export._retry_at - time.monotonic() <= exporter.MAX_BACKOFF_S


def test_processes_that_fail_together_do_not_come_back_together(start: Start) -> None:
    start()
    agent = state.agent
    assert agent is not None
    export = agent._exporter
    waits = set()
    for answer in [Answer(Verdict.LATER, "503")] * 20 + [Answer(Verdict.LATER, "503", 120.0)] * 20:
        export._failures = 10
        export._back_off(answer)
        waits.add(round(export._retry_at - time.monotonic(), 1))
    # Full jitter: anywhere up to the ceiling, and in the second after the time that the collector has named.
    assert len({wait for wait in waits if wait <= exporter.MAX_BACKOFF_S}) > 10
    assert len({wait for wait in waits if wait > exporter.MAX_BACKOFF_S}) > 3


@pytest.mark.parametrize(
    ("header", "seconds"), [(None, None), ("7", 7), ("-1", 0), ("1e9", 600), ("nan", None), ("soon", None)]
)
def test_retry_after_is_read_with_sense(header: "str | None", seconds: "float | None") -> None:
    assert retry_after(header) == seconds
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def garbage() -> Iterator[str]:
    """A server that is no collector."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        while True:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(b"\x00\xff not HTTP at all\r\n\r\n")

    threading.Thread(target=answer, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()


def assert_quiet_and_harmless(url: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "vantage.agent"):
        vantage_agent.init_agent(service_name="shop", collector_url=url, flush_interval=600)
        for _ in range(3):
            serve(3)
            assert not vantage_agent.flush(1.0)
        began = time.monotonic()
        vantage_agent.shutdown(2.0)
        assert time.monotonic() - began < 3
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) <= 1


def test_a_dead_collector_is_harmless(caplog: pytest.LogCaptureFixture) -> None:
    assert_quiet_and_harmless(f"http://127.0.0.1:{free_port()}", caplog)


def test_a_collector_that_speaks_garbage_is_harmless(garbage: str, caplog: pytest.LogCaptureFixture) -> None:
    assert_quiet_and_harmless(garbage, caplog)


def test_a_hanging_collector_is_harmless(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert_quiet_and_harmless(f"http://127.0.0.1:{listener.getsockname()[1]}", caplog)


def test_a_connection_closed_while_idle_costs_no_retry(sink: Sink, start: Start) -> None:
    start()
    serve(1)
    assert vantage_agent.flush()
    agent = state.agent
    assert agent is not None
    connection = agent._exporter._transport._connection
    assert connection is not None
    assert connection.sock is not None
    connection.sock.shutdown(socket.SHUT_RDWR)
    serve(1)
    assert vantage_agent.flush()
    assert total(sink) == 2


def test_the_connection_is_kept(sink: Sink) -> None:
    transport = Transport(sink.url, None, "0")
    body = Body("/v1/metrics", compress(["{}"]), 1, 0)
    assert transport.send(body).verdict is Verdict.ACCEPTED
    first: "http.client.HTTPConnection | None" = transport._connection
    assert transport.send(body).verdict is Verdict.ACCEPTED
    assert transport._connection is first is not None
    transport.close()


def test_a_full_queue_drops_and_reports_exactly(sink: Sink, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "QUEUE_LIMIT", 50)
    start()
    agent = state.agent
    assert agent is not None
    with agent._exporter._exporting:
        for _ in range(80):
            vantage_agent.record_metric("c", 1, "counter")
    assert vantage_agent.flush()
    assert vantage_agent.flush()
    assert sum(item["value"] for item in sink.metrics("c")) == 50
    assert sum(item["value"] for item in sink.metrics("vantage.agent.dropped")) == 30


def test_many_threads_lose_nothing(sink: Sink, start: Start) -> None:
    start(flush_interval=0.05)

    def work() -> None:
        for _ in range(2_000):
            vantage_agent.record_metric("c", 1, "counter")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert vantage_agent.flush()
    assert sum(item["value"] for item in sink.metrics("c")) == 8_000
    assert not sink.metrics("vantage.agent.dropped")


def test_a_fault_in_one_record_does_not_touch_the_others(sink: Sink, start: Start) -> None:
    start()
    broken: List[Any] = [(99,), (0, "nonsense")]
    agent = state.agent
    assert agent is not None
    for record in broken:
        agent.recorder.emit(record)
    serve(2)
    assert vantage_agent.flush()
    assert total(sink) == 2
    assert sum(item["value"] for item in sink.metrics(fold.DROPPED_METRIC)) == 2


def test_a_sum_that_overflows_takes_nothing_with_it(sink: Sink, start: Start) -> None:
    start()
    for _ in range(2):
        vantage_agent.record_metric("huge", 1.7e308, "counter")
        vantage_agent.record_metric("c", 1, "counter")
    vantage_agent.flush()
    vantage_agent.flush()
    assert {item["metric_name"]: item["value"] for item in sink.metrics()} == {"c": 2, fold.DROPPED_METRIC: 1}


def test_settings_can_change_while_running(sink: Sink, start: Start) -> None:
    start(service_name="first")
    serve(1)
    vantage_agent.flush()
    start(service_name="second", tags={"namespace": "n"})
    serve(1)
    vantage_agent.flush()
    assert [item["service_name"] for item in sink.requests()] == ["first", "second"]
    assert sink.requests()[1]["tags"] == {"namespace": "n"}


class Evil:
    """Cannot be written."""

    def __str__(self) -> str:
        raise SystemExit

    __repr__ = __str__


def test_an_attribute_that_cannot_be_written_costs_its_span_nothing_else(sink: Sink, start: Start) -> None:
    start()
    with vantage_agent.span("work", bad=Evil(), good=1, huge=10**400, nan=float("nan"), broken="\ud800x"):
        pass
    assert vantage_agent.flush()
    (span,) = sink.spans()
    assert span["attributes"]["bad"] == "<Evil>"
    assert span["attributes"]["good"] == 1
    assert span["attributes"]["nan"] == "nan"
    assert span["attributes"]["broken"] == "\ufffdx"
    assert not sink.metrics("vantage.agent.dropped")


@pytest.mark.parametrize("value", ["3", None, float("inf"), 10**400, Evil(), b"3"])
def test_a_value_that_is_no_number_is_dropped_and_counted(sink: Sink, start: Start, value: Any) -> None:
    start()
    vantage_agent.record_metric("m", value)
    assert vantage_agent.flush()
    assert vantage_agent.flush()
    assert [item["value"] for item in sink.metrics()] == [1]
    assert sink.metrics()[0]["tags"] == {"reason": "invalid"}


@pytest.mark.parametrize(
    ("text", "sent"),
    [("\ud800", "\ufffd"), ("\udfff\ud83d\ude00\ud83d", "\ufffd\U0001f600\ufffd"), ("\\ud800", "\\ud800")],
)
def test_json_holds_no_half_of_a_pair(text: str, sent: str) -> None:
    assert json.loads(to_json(text)) == sent


def test_numbers_of_other_types_are_numbers(sink: Sink, start: Start) -> None:
    start()
    vantage_agent.record_metric("m", Decimal("1.5"))  # type: ignore[arg-type]  # numpy's are alike
    assert vantage_agent.flush()
    assert [item["value"] for item in sink.metrics("m")] == [1.5]


def test_long_log_lines_are_cut_and_bounded_and_their_secrets_stay_here(sink: Sink, start: Start) -> None:
    start()
    logging.getLogger("shop").error("x" * (2 * batch.TEXT_LIMIT - 20) + "http://user:password@host/")
    for number in range(300):
        logging.getLogger("shop").error("y" * batch.TEXT_LIMIT + str(number))
    agent = state.agent
    assert agent is not None
    with agent._exporter._exporting:
        agent._exporter._fold()
        agent._exporter._batch.tighten()
        assert sum(line.size() for line in agent._exporter._batch.logs) <= batch.OUTAGE_LOG_CHARS
    assert vantage_agent.flush()
    assert vantage_agent.flush()
    assert "passw" not in str(sink.logs())
    assert max(len(log["body"]) for log in sink.logs()) <= batch.TEXT_LIMIT
    dropped = sum(item["value"] for item in sink.metrics("vantage.agent.dropped"))
    assert len(sink.logs()) + dropped == 301


def test_a_log_line_that_a_cut_would_leave_with_half_a_password_loses_its_url() -> None:
    text = "see " + "x" * 40 + " http://user:password@host/"
    assert excerpt(text, 33) == ("see " + "x" * 40)[:33]
    assert excerpt("a" * 10 + " http://u:pass@h/", 10) == "a" * 10
    shrunk = "http://h/?q=" + "x" * 30 + " http://user:password@host/"
    assert "user" not in excerpt(shrunk, 30)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_exporter_comes_back_after_whatever_ended_its_thread(
    sink: Sink, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leave(*_: object) -> None:
        raise SystemExit

    start()
    agent = state.agent
    assert agent is not None
    with monkeypatch.context() as patch:
        patch.setattr(batch.Batch, "fold", leave)
        serve(1)
        sink.wait_for(lambda: agent.recorder.running is False)
    serve(2)
    assert vantage_agent.flush()
    assert total(sink) == 2
