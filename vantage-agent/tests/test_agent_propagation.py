"""continue_trace and inject: traces through systems that the agent does not know."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Callable, Dict

import pytest
import vantage_agent
from vantage_agent.context import CURRENT

if TYPE_CHECKING:
    from tests.conftest import Item, Sink

Start = Callable[..., None]
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GIVEN = f"00-{TRACE}-{PARENT}-01"


def work(headers: Any) -> None:
    with vantage_agent.continue_trace(headers), vantage_agent.span("work"):
        pass


def spans(sink: Sink) -> Dict[str, Item]:
    assert vantage_agent.flush()
    return {span["name"]: span for span in sink.spans()}


def test_a_message_carries_the_trace_from_one_side_to_the_other(sink: Sink, start: Start) -> None:
    start()
    with vantage_agent.span("order"):
        headers = vantage_agent.inject({"kind": "web"})
    assert headers["kind"] == "web"
    assert headers["tracestate"] == "vantage=shop"
    work(headers)
    found = spans(sink)
    assert found["work"]["trace_id"] == found["order"]["trace_id"]
    assert found["work"]["parent_span_id"] == found["order"]["span_id"]
    assert CURRENT.get() is None


CARRIERS = {
    "a mapping": {"traceparent": GIVEN},
    "of other case": {"TraceParent": GIVEN},
    "bytes": {b"traceparent": GIVEN.encode()},
    "pairs": [("x", 1), ("traceparent", GIVEN.encode())],
    "pairs read once": ("traceparent", GIVEN),
}


@pytest.mark.parametrize("name", CARRIERS)
def test_headers_come_in_many_shapes(sink: Sink, start: Start, name: str) -> None:
    start()
    carrier: Any = CARRIERS[name]
    work(iter([carrier]) if isinstance(carrier, tuple) else carrier)
    span = spans(sink)["work"]
    assert (span["trace_id"], span["parent_span_id"]) == (TRACE, PARENT)


@pytest.mark.parametrize("carrier", [None, {}, [], 3, [1], "nonsense", {"traceparent": GIVEN[:-1]}, {"traceparent": 7}])
def test_a_carrier_without_a_trace_changes_nothing(sink: Sink, start: Start, carrier: Any) -> None:
    start()
    with vantage_agent.span("outer"):
        work(carrier)
    found = spans(sink)
    assert found["work"]["parent_span_id"] == found["outer"]["span_id"]


def test_what_the_sender_decided_is_obeyed(sink: Sink, start: Start) -> None:
    start()
    work({"traceparent": GIVEN[:-1] + "0"})
    assert not spans(sink)


def test_a_trace_passes_through_with_other_vendors_state(start: Start) -> None:
    start()
    once = iter([("tracestate", b"vendor=1,vantage=storefront"), ("traceparent", GIVEN)])
    with vantage_agent.continue_trace(once):
        passed = vantage_agent.inject()
    assert passed == {"traceparent": GIVEN, "tracestate": "vantage=shop,vendor=1"}


def test_a_traceparent_that_is_there_stays_and_without_a_span_there_is_none(start: Start) -> None:
    start()
    with vantage_agent.span("order"):
        assert vantage_agent.inject({"Traceparent": GIVEN}) == {"Traceparent": GIVEN}
    assert vantage_agent.inject() == {}


async def test_each_task_has_its_own(sink: Sink, start: Start) -> None:
    start()

    async def receive(number: int) -> None:
        with vantage_agent.continue_trace({"traceparent": f"00-{number:032x}-{PARENT}-01"}):
            await asyncio.sleep(0)
            with vantage_agent.span(f"work {number}"):
                await asyncio.sleep(0)

    await asyncio.gather(*map(receive, (1, 2, 3)))
    assert {name: int(span["trace_id"], 16) for name, span in spans(sink).items()} == {
        f"work {number}": number for number in (1, 2, 3)
    }


def test_an_exception_goes_on_and_the_trace_ends_with_the_block(start: Start) -> None:
    start()
    with pytest.raises(ZeroDivisionError), vantage_agent.continue_trace({"traceparent": GIVEN}):
        raise ZeroDivisionError
    assert CURRENT.get() is None


def test_without_an_agent_nothing_happens() -> None:
    with vantage_agent.continue_trace({"traceparent": GIVEN}):
        assert CURRENT.get() is None
        assert vantage_agent.inject() == {}
