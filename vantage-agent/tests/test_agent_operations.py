"""Statements, commands, messages and tasks: one span and one sample each, without an HTTP method."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from contextlib import nullcontext
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Callable, Dict, Generator, List

import pytest
import vantage_agent
from vantage_agent import state
from vantage_agent.context import CURRENT, incoming
from vantage_agent.operations import DB_METRIC, PROCESSED_METRIC, operation, within_operation
from vantage_agent.recorder import Recorder
from vantage_agent.records import Tags, Target

if TYPE_CHECKING:
    from tests.conftest import Item, Sink

TAGS: Tags = (("db.system.name", "postgresql"), ("db.operation.name", "SELECT"))
SELECT = Target(DB_METRIC, "client", "SELECT orders", TAGS, (*TAGS, ("server.port", 5432)))
TASK = Target(PROCESSED_METRIC, "consumer", "process mail", (), ())
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def recorder(start: Callable[..., None]) -> Recorder:
    start(auto_instrument=[])
    running = state.recorder()
    assert running is not None
    return running


def delivered(sink: Sink) -> Dict[str, List[Item]]:
    """Spans and samples by name."""
    assert vantage_agent.flush()
    by_name: Dict[str, List[Item]] = {}
    for span in sink.spans():
        by_name.setdefault(span["name"], []).append(span)
    for sample in sink.metrics():
        by_name.setdefault(sample["metric_name"], []).append(sample)
    return by_name


def test_an_operation_is_a_span_below_the_current_one_and_a_sample(sink: Sink, recorder: Recorder) -> None:
    with vantage_agent.span("page"), operation(recorder, SELECT):
        pass
    items = delivered(sink)
    (page,), (span,), (sample,) = items["page"], items["SELECT orders"], items[DB_METRIC]
    assert (span["trace_id"], span["parent_span_id"]) == (page["trace_id"], page["span_id"])
    assert (span["kind"], span["status"]) == ("client", "ok")
    assert span["attributes"] == {"db.system.name": "postgresql", "db.operation.name": "SELECT", "server.port": 5432}
    assert (sample["endpoint"], sample["count"], sample["metric_type"]) == ("SELECT orders", 1, "histogram")
    assert sample["tags"] == dict(TAGS)
    assert (sample["trace_id"], sample["span_id"]) == (span["trace_id"], span["span_id"])
    assert sample["duration_ms"] == pytest.approx(span["duration_ms"])
    assert not {"method", "status_code"} & set(sample)


def test_the_duration_is_that_of_the_block(sink: Sink, recorder: Recorder) -> None:
    before = perf_counter_ns()
    with operation(recorder, SELECT):
        inner = perf_counter_ns()
        threading.Event().wait(0.02)
        least_ms = (perf_counter_ns() - inner) / 1e6
    most_ms = (perf_counter_ns() - before) / 1e6
    (sample,) = delivered(sink)[DB_METRIC]
    assert least_ms <= sample["duration_ms"] <= most_ms


def test_an_exception_marks_it_and_goes_on_unchanged(sink: Sink, recorder: Recorder) -> None:
    raised = KeyError("s3cret")
    with pytest.raises(KeyError) as caught, operation(recorder, SELECT):
        raise raised
    assert caught.value is raised
    assert CURRENT.get() is None
    items = delivered(sink)
    assert items["SELECT orders"][0]["status"] == "error"
    assert items["SELECT orders"][0]["attributes"]["error.type"] == "KeyError"
    assert items[DB_METRIC][0]["tags"]["error.type"] == "KeyError"
    assert "s3cret" not in sink.everything()


def test_what_runs_inside_knows_and_may_step_aside(recorder: Recorder) -> None:
    seen = [within_operation()]
    with operation(recorder, SELECT):
        seen.append(within_operation())
    seen.append(within_operation())
    with operation(recorder, TASK):
        # A task is where work begins: its statements are operations of their own.
        seen.append(within_operation())
    assert seen == [False, True, False, False]


def test_operations_of_one_kind_share_samples_and_lose_no_count(sink: Sink, recorder: Recorder) -> None:
    update = SELECT._replace(name="UPDATE orders")
    for number in range(300):
        with pytest.raises(ConnectionError) if number % 3 == 0 else nullcontext(), operation(recorder, SELECT):
            if number % 3 == 0:
                raise ConnectionError
        with operation(recorder, update):
            pass
    samples = delivered(sink)[DB_METRIC]
    assert len(samples) < 300
    counts = {(name, error): 0 for name in ("SELECT orders", "UPDATE orders") for error in (None, "ConnectionError")}
    for sample in samples:
        counts[sample["endpoint"], sample["tags"].get("error.type")] += sample["count"]
    assert counts == {
        ("SELECT orders", None): 200,
        ("SELECT orders", "ConnectionError"): 100,
        ("UPDATE orders", None): 300,
        ("UPDATE orders", "ConnectionError"): 0,
    }


def test_operations_of_one_name_in_two_databases_stay_apart(sink: Sink, recorder: Recorder) -> None:
    other = SELECT._replace(tags=(*TAGS, ("db.namespace", "archive")))
    for target in (SELECT, other, other):
        with operation(recorder, target):
            pass
    counts: Dict[Any, int] = {}
    for sample in delivered(sink)[DB_METRIC]:
        name = sample["tags"].get("db.namespace")
        counts[name] = counts.get(name, 0) + sample["count"]
    assert counts == {None: 1, "archive": 2}


def test_without_a_metric_only_the_span_is_told(sink: Sink, recorder: Recorder) -> None:
    with operation(recorder, SELECT._replace(metric="")):
        pass
    assert set(delivered(sink)) == {"SELECT orders"}


def test_metrics_are_whole_where_no_trace_is_kept(sink: Sink, start: Callable[..., None]) -> None:
    start(auto_instrument=[], sample_rate=0.0)
    recorder = state.recorder()
    assert recorder is not None
    for _ in range(10):
        with operation(recorder, SELECT):
            pass
    items = delivered(sink)
    assert set(items) == {DB_METRIC}
    assert sum(sample["count"] for sample in items[DB_METRIC]) == 10
    assert not any("trace_id" in sample for sample in items[DB_METRIC])


def test_work_for_a_message_goes_on_in_its_trace_and_names_its_sender(sink: Sink, recorder: Recorder) -> None:
    span = incoming(f"00-{TRACE}-{PARENT}-01", "vantage=storefront", recorder.floor)
    with operation(recorder, TASK, span), operation(recorder, SELECT):
        pass
    items = delivered(sink)
    (task,), (statement,) = items["process mail"], items["SELECT orders"]
    assert (task["trace_id"], task["parent_span_id"], task["caller"]) == (TRACE, PARENT, "storefront")
    assert items[PROCESSED_METRIC][0]["tags"] == {"caller": "storefront"}
    # Who sent the message has not asked for the statement.
    assert (statement["trace_id"], statement["parent_span_id"]) == (TRACE, task["span_id"])
    assert "caller" not in statement
    assert "caller" not in items[DB_METRIC][0]["tags"]


def test_an_operation_that_ends_in_a_callback_is_never_the_current_one(sink: Sink, recorder: Recorder) -> None:
    with vantage_agent.span("page") as page:
        work = operation(recorder, SELECT).begin()
        assert not within_operation()
        trace_id = page.trace_id
    threading.Thread(target=lambda: work.finish(perf_counter_ns(), "TimeoutError")).start()
    sink.wait_for(lambda: bool(delivered(sink).get("SELECT orders")))
    (span,) = delivered(sink)["SELECT orders"]
    assert (span["trace_id"], span["attributes"]["error.type"]) == (trace_id, "TimeoutError")


def test_a_generator_closed_in_another_context_breaks_nothing(sink: Sink, recorder: Recorder) -> None:
    def rows() -> Generator[int, None, None]:
        with operation(recorder, SELECT):
            yield 1

    opened = rows()
    contextvars.Context().run(next, opened)
    opened.close()
    assert CURRENT.get() is None
    assert delivered(sink)["SELECT orders"][0]["attributes"]["error.type"] == "GeneratorExit"


async def test_tasks_side_by_side_do_not_see_each_others_operations(sink: Sink, recorder: Recorder) -> None:
    inside = {"a": asyncio.Event(), "b": asyncio.Event()}

    async def work(name: str, other: str) -> None:
        with vantage_agent.span(name), operation(recorder, SELECT):
            inside[name].set()
            await inside[other].wait()
            with vantage_agent.span(name + " inside"):
                pass

    await asyncio.gather(work("a", "b"), work("b", "a"))
    items = delivered(sink)
    statements = {span["parent_span_id"]: span["span_id"] for span in items["SELECT orders"]}
    for name in ("a", "b"):
        assert items[name + " inside"][0]["parent_span_id"] == statements[items[name][0]["span_id"]]


class Unwritable:
    """Has no text."""

    def __str__(self) -> str:
        raise RuntimeError


def test_a_target_that_holds_something_else_than_text_costs_no_batch(sink: Sink, recorder: Recorder) -> None:
    tags: Any = (("db.namespace", 3), ("server.address", Unwritable()))
    attributes: Any = (("db.namespace", b"3"), ("server.address", Unwritable()), (5, float("nan")))
    name: Any = b"GET"
    for target in (SELECT, Target(DB_METRIC, "client", name, tags, attributes)):
        with operation(recorder, target):
            pass
    unhashable: Any = (("db.namespace", []),)
    with operation(recorder, Target(DB_METRIC, "client", "SET", unhashable, ())):
        pass
    items = delivered(sink)
    (odd,) = items["b'GET'"]
    assert odd["attributes"] == {"db.namespace": "b'3'", "server.address": "<Unwritable>", "5": "nan"}
    samples = {sample["endpoint"]: sample["tags"] for sample in items[DB_METRIC]}
    assert samples == {
        "SELECT orders": dict(TAGS),
        "b'GET'": {"db.namespace": "3", "server.address": "<Unwritable>"},
    }
    # The last one cannot be told apart from others, and is counted.
    assert [item["value"] for item in delivered(sink)["vantage.agent.dropped"]] == [1]
