"""OpenTelemetry's instrumentations of HTTP clients beside ours: what they count is theirs, before or after us."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Callable, Iterator, List, Tuple

import aiohttp
import httpx
import httpx2
import pytest
import requests
import urllib3
import vantage_agent
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor, create_trace_config
from opentelemetry.instrumentation.httpx import (
    HTTPX2ClientInstrumentor,
    HTTPXClientInstrumentor,
    SyncOpenTelemetryTransport,
)
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
from opentelemetry.propagate import inject
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind
from vantage_agent.context import SAMPLED

if TYPE_CHECKING:
    from tests.conftest import Sink, Upstream

Start = Callable[..., None]


class Otel:
    """OpenTelemetry with its spans in memory. What it instruments is taken back at the end."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.unsampled = TracerProvider(sampler=ALWAYS_OFF)
        self.instrumentors: List[Any] = []

    def instrument(self, kind: Any, provider: Any = None) -> None:
        instrumentor = kind()
        instrumentor.instrument(tracer_provider=provider or self.provider)
        self.instrumentors.append(instrumentor)

    def uninstrument(self) -> None:
        while self.instrumentors:
            self.instrumentors.pop().uninstrument()

    def calls(self) -> List[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if span.kind is SpanKind.CLIENT]

    def span_ids(self) -> List[str]:
        return sorted(format(span.context.span_id, "016x") for span in self.calls() if span.context)


@pytest.fixture
def otel() -> Iterator[Otel]:
    otel = Otel()
    yield otel
    otel.uninstrument()


def by_requests(url: str) -> None:
    requests.get(url, timeout=10)


def by_httpx(url: str) -> None:
    with httpx.Client() as client:
        client.get(url)


def by_async_httpx(url: str) -> None:
    async def get() -> None:
        async with httpx.AsyncClient() as client:
            await client.get(url)

    asyncio.run(get())


def by_httpx2(url: str) -> None:
    with httpx2.Client() as client:
        client.get(url)


def by_async_httpx2(url: str) -> None:
    async def get() -> None:
        async with httpx2.AsyncClient() as client:
            await client.get(url)

    asyncio.run(get())


def by_urllib3(url: str) -> None:
    with urllib3.PoolManager() as pool:
        pool.request("GET", url)


def by_aiohttp(url: str) -> None:
    async def get() -> None:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            await response.read()

    asyncio.run(get())


CLIENTS: List[Tuple[Callable[[str], None], Any]] = [
    (by_requests, RequestsInstrumentor),
    (by_httpx, HTTPXClientInstrumentor),
    (by_async_httpx, HTTPXClientInstrumentor),
    (by_httpx2, HTTPX2ClientInstrumentor),
    (by_async_httpx2, HTTPX2ClientInstrumentor),
    (by_urllib3, URLLib3Instrumentor),
    (by_aiohttp, AioHttpClientInstrumentor),
]
every_client = pytest.mark.parametrize(("get", "kind"), CLIENTS)
Get = Callable[[str], None]


def in_order(first: str, opentelemetry: Callable[[], None], vantage: Callable[[], None]) -> None:
    for step in (opentelemetry, vantage) if first == "opentelemetry" else (vantage, opentelemetry):
        step()


def counted(sink: Sink) -> int:
    vantage_agent.flush()
    return sum(item["count"] for item in sink.calls())


@every_client
@pytest.mark.parametrize("first", ["opentelemetry", "vantage"])
def test_a_call_that_opentelemetry_counts_is_counted_once_and_keeps_its_traceparent(
    sink: Sink, start: Start, upstream: Upstream, otel: Otel, get: Get, kind: Any, first: str
) -> None:
    in_order(first, lambda: otel.instrument(kind), lambda: start(service_name="storefront"))
    get(upstream.url)
    assert upstream.span_ids() == otel.span_ids()
    assert len(otel.calls()) == 1
    assert counted(sink) == 0
    # Who called is told all the same.
    assert upstream.headers[0]["tracestate"] == "vantage=storefront"


@every_client
def test_a_call_that_opentelemetry_does_not_sample_is_not_counted_by_us_either(
    sink: Sink, start: Start, upstream: Upstream, otel: Otel, get: Get, kind: Any
) -> None:
    start()
    otel.instrument(kind, otel.unsampled)
    get(upstream.url)
    assert int(upstream.headers[0]["traceparent"][-2:], 16) & SAMPLED == 0
    assert counted(sink) == 0


@every_client
@pytest.mark.parametrize("first", ["opentelemetry", "vantage"])
def test_calls_are_ours_again_once_opentelemetry_is_taken_out(
    sink: Sink, start: Start, upstream: Upstream, otel: Otel, get: Get, kind: Any, first: str
) -> None:
    in_order(first, lambda: otel.instrument(kind), lambda: start(service_name="storefront"))
    otel.uninstrument()
    get(upstream.url)
    assert otel.calls() == []
    assert counted(sink) == 1


def test_all_of_opentelemetrys_clients_together_count_each_call_once(
    sink: Sink, start: Start, upstream: Upstream, otel: Otel
) -> None:
    for kind in dict.fromkeys(kind for _, kind in CLIENTS):
        otel.instrument(kind)
    start()
    for get, _ in CLIENTS:
        get(upstream.url)
    assert len(otel.calls()) == len(upstream.headers) == len(CLIENTS)
    assert counted(sink) == 0


def test_every_hop_keeps_the_traceparent_of_opentelemetry(
    sink: Sink, start: Start, upstream: Upstream, otel: Otel
) -> None:
    otel.instrument(RequestsInstrumentor)
    otel.instrument(HTTPXClientInstrumentor)
    start()
    requests.get(upstream.url + "/moved", timeout=10)
    httpx.get(upstream.url + "/moved", follow_redirects=True)
    # It has one span for a redirected call of requests, and one for each hop of httpx.
    assert set(upstream.span_ids()) == set(otel.span_ids())
    assert (len(upstream.span_ids()), len(otel.span_ids())) == (4, 3)
    assert counted(sink) == 0


def test_one_client_of_httpx_that_opentelemetry_instruments_is_theirs(
    sink: Sink, start: Start, upstream: Upstream, otel: Otel
) -> None:
    start()
    mock = httpx.MockTransport(lambda request: httpx.Response(204))
    with httpx.Client() as client, httpx.Client(transport=mock) as mocked, httpx.Client() as ours:
        for theirs in (client, mocked):
            HTTPXClientInstrumentor.instrument_client(theirs, tracer_provider=otel.provider)
            theirs.get(upstream.url)
        assert counted(sink) == 0
        ours.get(upstream.url)
    assert len(otel.calls()) == 2
    assert counted(sink) == 1


@pytest.mark.parametrize("inner", [httpx.HTTPTransport, lambda: httpx.MockTransport(lambda _: httpx.Response(204))])
def test_opentelemetrys_transport_is_theirs(
    sink: Sink, start: Start, upstream: Upstream, otel: Otel, inner: Callable[[], httpx.BaseTransport]
) -> None:
    start()
    transport = SyncOpenTelemetryTransport(inner(), tracer_provider=otel.provider)
    with httpx.Client(transport=transport) as client:
        client.get(upstream.url)
    assert len(otel.calls()) == 1
    assert counted(sink) == 0


def test_a_session_of_aiohttp_with_opentelemetrys_trace_config_is_theirs(
    sink: Sink, start: Start, upstream: Upstream, otel: Otel
) -> None:
    async def get() -> None:
        config = create_trace_config(tracer_provider=otel.provider)
        async with aiohttp.ClientSession(trace_configs=[config]) as session:
            await session.get(upstream.url + "/moved")
        async with aiohttp.ClientSession() as session:
            await session.get(upstream.url)

    start()
    asyncio.run(get())
    assert len(otel.calls()) == 1
    assert set(upstream.span_ids()[:2]) == set(otel.span_ids())
    assert counted(sink) == 1


def test_a_session_of_requests_that_opentelemetry_let_go_is_ours(
    sink: Sink, start: Start, upstream: Upstream, otel: Otel
) -> None:
    otel.instrument(RequestsInstrumentor)
    start()
    with requests.Session() as session:
        RequestsInstrumentor.uninstrument_session(session)
        session.get(upstream.url)
    assert otel.calls() == []
    assert counted(sink) == 1


@every_client
def test_a_call_below_opentelemetrys_own_spans_is_ours(
    sink: Sink, start: Start, upstream: Upstream, otel: Otel, get: Get, kind: Any
) -> None:
    start()
    tracer = otel.provider.get_tracer("application")
    with tracer.start_as_current_span("work"), tracer.start_as_current_span("call", kind=SpanKind.CLIENT):
        get(upstream.url)
    assert counted(sink) == 1


def test_a_trace_that_the_application_passes_on_by_hand_is_continued(
    sink: Sink, start: Start, upstream: Upstream, otel: Otel
) -> None:
    start()
    with otel.provider.get_tracer("application").start_as_current_span("work") as span:
        headers: dict[str, str] = {}
        inject(headers)
        requests.get(upstream.url, headers=headers, timeout=10)
    assert upstream.headers[0]["traceparent"] == headers["traceparent"]
    assert counted(sink) == 1
    (sent,) = sink.spans()
    assert sent["trace_id"] == format(span.get_span_context().trace_id, "032x")
