"""record_metric, span and log capture."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any, Callable, Dict

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
