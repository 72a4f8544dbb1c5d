"""record_metric, span and log capture."""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, AsyncGenerator, Callable, Dict, Generator, List

import pytest
import vantage_agent
from vantage_agent.redact import host_of, without_secrets

if TYPE_CHECKING:
    from tests.conftest import Sink

Start = Callable[..., None]


def test_without_an_agent_everything_is_a_quiet_no_op() -> None:
    vantage_agent.record_metric("m", 1)
    with vantage_agent.span("s") as span:
        assert span.trace_id is None
    assert vantage_agent.flush()
    assert vantage_agent.shutdown()


def test_metrics_of_every_type(sink: Sink, start: Start) -> None:
    start(tags={"region": "eu"})
    for value in (1, 2, 3):
        vantage_agent.record_metric("queue.length", value)
        vantage_agent.record_metric("orders", value, "counter", tags={"kind": "web"})
        vantage_agent.record_metric("basket.value", 20.0, "histogram")
        vantage_agent.record_metric("basket.items", -value, "summary")
    assert vantage_agent.flush()
    assert [item["value"] for item in sink.metrics("queue.length")] == [1, 2, 3]
    orders = sink.metrics("orders")
    assert sum(item["value"] for item in orders) == 6
    assert orders[0]["tags"] == {"region": "eu", "kind": "web"}
    assert sum(item["count"] for item in sink.metrics("basket.value")) == 3
    assert {item["value"] for item in sink.metrics("basket.value")} == {20.0}
    assert sum(item["value"] * item["count"] for item in sink.metrics("basket.items")) == -6
    assert {item["metric_type"] for item in sink.metrics()} == {"gauge", "counter", "histogram"}


def test_a_sample_with_a_trace_of_its_own_goes_unfolded_and_may_become_a_span(sink: Sink, start: Start) -> None:
    start()
    for span_id in ("span-001", "span-002"):
        vantage_agent.record_metric("db.query.duration", 45, "histogram", trace_id="abc-123", span_id=span_id)
    vantage_agent.record_metric("m", 1)
    vantage_agent.flush()
    traced = [body for body in sink.bodies("/v1/metrics") if "spans_sent" not in body]
    assert [(item["trace_id"], item["span_id"], item["value"]) for body in traced for item in body["metrics"]] == [
        ("abc-123", "span-001", 45),
        ("abc-123", "span-002", 45),
    ]
    assert sum(body.get("spans_sent", False) for body in sink.bodies("/v1/metrics")) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "a b", "value": 1},
        {"name": None, "value": 1},
        {"name": "m", "value": float("nan")},
        {"name": "m", "value": "1"},
        {"name": "m", "value": 1, "metric_type": "meter"},
    ],
)
def test_what_makes_no_sense_is_dropped_and_counted(sink: Sink, start: Start, wrong: Dict[str, Any]) -> None:
    start()
    vantage_agent.record_metric(**wrong)
    vantage_agent.flush()
    (item,) = sink.metrics()
    assert (item["metric_name"], item["value"], item["tags"]) == ("vantage.agent.dropped", 1, {"reason": "invalid"})


class Unreadable:
    def __str__(self) -> str:
        raise RuntimeError("no text for you")

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    "wrong",
    [{"tags": {"a": Unreadable()}}, {"tags": ["a"]}, {"trace_id": Unreadable()}, {"metric_type": Unreadable()}],
)
def test_what_cannot_even_be_read_is_dropped_and_counted(sink: Sink, start: Start, wrong: Dict[str, Any]) -> None:
    start()
    vantage_agent.record_metric("m", 1, **wrong)
    with vantage_agent.span("s", what=Unreadable()):
        pass
    vantage_agent.flush()
    (item,) = sink.metrics()
    assert (item["metric_name"], item["tags"]) == ("vantage.agent.dropped", {"reason": "invalid"})
    assert [span["attributes"] for span in sink.spans()] == [{"what": "<Unreadable>"}]


def test_spans_nest_in_every_form_of_use(sink: Sink, start: Start) -> None:
    start()

    @vantage_agent.span("inner", size=3)
    def inner() -> int:
        return 1

    @vantage_agent.span("async")
    async def coroutine() -> int:
        return inner()

    async def outer() -> None:
        async with vantage_agent.span("outer", ok=True, what=[1]) as span:
            span.set_attribute("n", 2.5)
            assert await coroutine() == 1

    asyncio.run(outer())
    vantage_agent.flush()
    spans = {span["name"]: span for span in sink.spans()}
    assert spans["inner"]["parent_span_id"] == spans["async"]["span_id"]
    assert spans["async"]["parent_span_id"] == spans["outer"]["span_id"]
    assert "parent_span_id" not in spans["outer"]
    assert spans["outer"]["attributes"] == {"ok": True, "what": "[1]", "n": 2.5}
    assert {span["kind"] for span in spans.values()} == {"internal"}
    assert {span["status"] for span in spans.values()} == {"unset"}
    assert spans["inner"]["start_time"] >= spans["outer"]["start_time"]


def spans_of(sink: Sink) -> Dict[str, Any]:
    vantage_agent.flush()
    return {span["name"]: span for span in sink.spans()}


@vantage_agent.span("generator")
def counting(number: int) -> Generator[int, Any, List[Any]]:
    """Yields numbers and returns what it was sent."""
    sent = []
    for value in range(number):
        with vantage_agent.span(f"step {value}"):
            pass
        try:
            sent.append((yield value))
        except KeyError:
            sent.append("KeyError")
    return sent


def test_a_generators_span_is_current_in_its_steps_only(sink: Sink, start: Start) -> None:
    start()
    assert inspect.isgeneratorfunction(counting)
    with vantage_agent.span("outer") as outer:
        generator = counting(2)
        next(generator)
        with vantage_agent.span("between"):
            generator.send("x")
        with pytest.raises(StopIteration) as stopped:
            generator.throw(KeyError("y"))
        outer_id = outer.span_id
    assert stopped.value.value == ["x", "KeyError"]
    spans = spans_of(sink)
    assert spans["generator"]["parent_span_id"] == spans["between"]["parent_span_id"] == outer_id
    assert {spans[name]["parent_span_id"] for name in ("step 0", "step 1")} == {spans["generator"]["span_id"]}
    assert spans["generator"]["status"] == "unset"
    assert spans["generator"]["duration_ms"] > spans["between"]["duration_ms"]


def test_a_generator_that_is_given_up_has_not_failed_and_one_that_raises_has(sink: Sink, start: Start) -> None:
    start()
    for _ in counting(9):
        break
    failing = vantage_agent.span("failing")(counting)(2)
    next(failing)
    with pytest.raises(ZeroDivisionError) as raised:
        failing.throw(ZeroDivisionError("z"))
    assert raised.value.__context__ is None
    gc.collect()
    assert spans_of(sink)["failing"]["status"] == "error"
    assert [span["attributes"] for span in sink.spans() if span["name"] == "generator"] == [
        {}, {"error.type": "ZeroDivisionError"},
    ]  # fmt: skip


@vantage_agent.span("async generator")
async def ticking(number: int, closed: List[str]) -> AsyncGenerator[int, Any]:
    try:
        for value in range(number):
            with vantage_agent.span(f"tick {value}"):
                await asyncio.sleep(0)
            yield value
    finally:
        await asyncio.sleep(0.01)
        closed.append("once")


def test_an_asynchronous_generator_too(sink: Sink, start: Start) -> None:
    start()
    assert inspect.isasyncgenfunction(ticking)
    closed: List[str] = []

    async def main() -> None:
        with vantage_agent.span("outer"):
            async for value in ticking(2, closed):
                with vantage_agent.span(f"between {value}"):
                    pass
        thrown = ticking(2, closed)
        await thrown.__anext__()
        with pytest.raises(ZeroDivisionError):
            await thrown.athrow(ZeroDivisionError("z"))

    asyncio.run(main())
    assert closed == ["once", "once"]
    spans = spans_of(sink)
    ours = [span for span in sink.spans() if span["name"] == "async generator"]
    assert [span["status"] for span in ours] == ["unset", "error"]
    assert spans["tick 1"]["parent_span_id"] == ours[0]["span_id"]
    assert spans["between 1"]["parent_span_id"] == spans["outer"]["span_id"]


def test_the_end_of_the_loop_closes_an_asynchronous_generator_once(start: Start) -> None:
    start()
    closed: List[str] = []
    complaints: List[Any] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        left = [ticking(2, closed) for _ in range(20)]
        for generator in left:
            await generator.__anext__()
        kept.extend(left)

    kept: List[Any] = []
    asyncio.run(main())
    assert closed == ["once"] * 20
    assert complaints == []


def test_methods_of_classes_can_be_decorated(sink: Sink, start: Start) -> None:
    start()

    class Shop:
        @vantage_agent.span("static")
        @staticmethod
        def static() -> str:
            return "static"

        @vantage_agent.span("class")
        @classmethod
        def of_class(cls) -> str:
            return cls.__name__

    assert (Shop.static(), Shop.of_class(), Shop().static()) == ("static", "Shop", "static")
    assert set(spans_of(sink)) == {"static", "class"}


MINE: ContextVar[str] = ContextVar("mine", default="nothing")


class Worker(threading.Thread):
    """Overrides run, as many do."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__()
        self.work = work

    def run(self) -> None:
        self.work()


def in_thread(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def in_subclass(work: Callable[[], None]) -> None:
    thread = Worker(work)
    thread.start()
    thread.join()


def in_timer(work: Callable[[], None]) -> None:
    timer = threading.Timer(0.01, work)
    timer.start()
    timer.join()


def in_pool(work: Callable[[], None]) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


def in_loops_executor(work: Callable[[], None]) -> None:
    async def main() -> None:
        await asyncio.get_running_loop().run_in_executor(None, work)

    asyncio.run(main())


PLACES = [in_thread, in_subclass, in_timer, in_pool, in_loops_executor]


@pytest.mark.parametrize("place", PLACES)
def test_the_span_goes_along_into_threads_and_nothing_else_does(
    sink: Sink, start: Start, place: Callable[[Callable[[], None]], None]
) -> None:
    start()
    seen: List[str] = []

    def work() -> None:
        seen.append(MINE.get())
        with vantage_agent.span("inner"):
            pass

    token = MINE.set("the application's")
    with vantage_agent.span("outer"):
        place(work)
    MINE.reset(token)
    spans = spans_of(sink)
    assert spans["inner"]["parent_span_id"] == spans["outer"]["span_id"]
    assert seen == ["nothing"]


def test_a_pools_thread_does_not_keep_the_span_it_was_started_in(sink: Sink, start: Start) -> None:
    start()
    with ThreadPoolExecutor(1) as pool:
        with vantage_agent.span("outer"):
            pool.submit(int).result()
        pool.submit(vantage_agent.span("later")(int)).result()
    assert "parent_span_id" not in spans_of(sink)["later"]


def test_to_thread_and_tasks_take_the_span_along(sink: Sink, start: Start) -> None:
    start()

    async def task() -> None:
        await asyncio.to_thread(vantage_agent.span("to_thread")(int))
        with vantage_agent.span("task"):
            await asyncio.sleep(0)

    async def main() -> None:
        with vantage_agent.span("outer"):
            await asyncio.gather(asyncio.create_task(task()), task())

    asyncio.run(main())
    spans = spans_of(sink)
    children = {span["parent_span_id"] for span in sink.spans() if span["name"] != "outer"}
    assert (children, len(sink.spans())) == ({spans["outer"]["span_id"]}, 5)


def test_an_exception_marks_the_span_and_goes_on(sink: Sink, start: Start) -> None:
    start()
    with pytest.raises(KeyError), vantage_agent.span("work"):
        raise KeyError("x")
    vantage_agent.flush()
    assert [(span["status"], span["attributes"]) for span in sink.spans()] == [("error", {"error.type": "KeyError"})]


def test_warnings_are_sent_with_their_trace(sink: Sink, start: Start) -> None:
    start()
    logger = logging.getLogger("shop.orders")
    with vantage_agent.span("work") as span:
        trace_id = span.trace_id
        logger.warning("stock of %s is low", "tea")
        logger.info("not this one")
        try:
            raise ValueError("https://host/path?token=s3cret")
        except ValueError:
            logger.exception("failed")
    vantage_agent.flush()
    warning, error = sink.logs()
    assert (warning["severity"], warning["body"], warning["trace_id"]) == ("WARNING", "stock of tea is low", trace_id)
    assert warning["attributes"] == {"logger": "shop.orders"}
    assert error["attributes"]["exception.type"] == "ValueError"
    assert "test_agent_manual.py" in error["attributes"]["exception.stacktrace"]


def test_capturing_logs_leaves_the_applications_handlers_alone(start: Start) -> None:
    before = list(logging.getLogger().handlers)
    start()
    assert logging.getLogger().handlers == before


def test_the_log_level_can_be_set_and_capture_switched_off(
    sink: Sink, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger = logging.getLogger("shop.levels")
    logger.setLevel(logging.DEBUG)
    for level in ("off", "INFO"):
        monkeypatch.setenv("VANTAGE_AGENT_LOG_LEVEL", level)
        start()
        logger.info(level)
        logger.debug(level)
        vantage_agent.shutdown()
    assert [record["body"] for record in sink.logs()] == ["INFO"]


def test_bad_log_arguments_do_no_harm(sink: Sink, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    start()
    logging.getLogger("shop.odd").warning("%d", "x")
    assert vantage_agent.flush()


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("GET https://u:p@host/path?token=1&x=2 done", "GET https://host/path?… done"),
        ("retrying: /path?key=s3cret'", "retrying: /path?…'"),
        ("really? yes = no", "really? yes = no"),
        ("plain", "plain"),
    ],
)
def test_urls_in_logs_lose_their_secrets(text: str, clean: str) -> None:
    assert without_secrets(text) == clean


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://user:pw@shop:81/a?b#c", "shop:81"),
        ("https://shop?x=@evil", "shop"),
        ("http://[::1]:80/", "[::1]:80"),
        ("nonsense", "unknown"),
    ],
)
def test_only_the_host_of_a_url_is_kept(url: str, host: str) -> None:
    assert host_of(url) == host


def test_nothing_secret_is_sent(sink: Sink, start: Start) -> None:
    import flask
    import httpx
    import requests

    start(api_key="key-s3cret")
    app = flask.Flask("app")
    app.add_url_rule("/login/<user>", "login", lambda user: "body-s3cret", methods=["POST"])
    app.test_client().post(
        "/login/path-s3cret?q=s3cret",
        data={"password": "s3cret"},
        headers={"Authorization": "s3cret", "Cookie": "s3cret"},
    )
    for get in (requests.get, httpx.get):
        with pytest.raises((requests.ConnectionError, httpx.ConnectError)):
            get("http://s3cret:s3cret@127.0.0.1:9/s3cret?q=s3cret#s3cret", headers={"X-Token": "s3cret"})
    logging.getLogger("shop").error("call of http://s3cret:s3cret@host/p?q=s3cret failed")
    assert vantage_agent.flush()
    assert len(sink.spans()) == 3
    assert len(sink.logs()) == 1
    assert "s3cret" not in json.dumps([received.body for received in sink.received])
    assert {received.headers["x-api-key"] for received in sink.received} == {"key-s3cret"}
