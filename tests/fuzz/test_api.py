"""Every operation of the API's own OpenAPI document, with what the document allows and with what it does not.

No answer is a 5xx, but for 503; every error has the one shape; every answer is what the document says. New operations
are found by themselves; streams, which never end, are left out by their content type.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.core.result import Ok
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from vantage_api.app import create_app
from vantage_api.openapi import document
from vantage_common.bus.open import open_bus
from vantage_common.clock import ManualClock
from vantage_common.model import LogRecord, Sample, Span
from vantage_common.store.open import open_store

from tests.contract.store_rows import NOON_MS, block
from tests.integration.running_api import settings_for

CASES: Final = {"sqlite": 1000, "chdb": 150}
"""Of all operations together, by store; each operation has a few, however many there are."""
LEAST_CASES: Final = 3
ANSWER_WITHIN_S: Final = 20.0
MAX_IDS: Final = 50
STREAMS: Final = "text/event-stream"
MARKUP: Final = "<b>\x1b[31m\x00\u202e"
KNOWN: Final[dict[str, list[Any]]] = {
    "service": ["checkout", MARKUP],
    "environment": ["production", ""],
    "metric": ["http.request.duration", "queue.depth"],
    "key": ["region", "endpoint", "status_code", "count", "timestamp"],
    "group_by": ["endpoint", "region,status_code", "service_name", "timestamp", "tags", "value"],
    "start": [str(NOON_MS - 3_600_000), "2026-09-22T10:00:00Z", "0001-01-01", "1e400", "-1", "NaN", str(NOON_MS + 1)],
    "end": [str(NOON_MS), str(NOON_MS + 3_600_000), "1e15", "9999-12-31"],
    "at": [str(NOON_MS - 60_000), "1e400", "0"],
    "trace_id": ["t1", MARKUP],
    "query": ["SELECT count() FROM metrics", "SELECT * FROM logs LIMIT 3", "SELECT", MARKUP],
    "cursor": ["", "bnVsbA", "WyJsb2dzIiwwLDE3OTAwMzUyMDAwMDAsMCwiIiwwXQ"],
}
"""What parameters and fields of these names are given half of the time: chance alone finds no service and no time."""
CHECKS: Final = [
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
Operation: TypeAlias = APIOperation[Any, Any, Any, Any]

load_all_checks()


def operations_of(found: dict[str, Any]) -> list[Operation]:
    """Those of an OpenAPI document that answer and are done."""
    schema = schemathesis.openapi.from_dict(found)
    results = list(schema.get_all_operations())
    operations = [result.ok() for result in results if isinstance(result, Ok)]
    assert len(operations) == len(results), results
    return [one for one in operations if STREAMS not in str(one.definition.raw.get("responses"))]


OPERATIONS: Final = operations_of(document())


class Api:
    """An API over a store with rows, called in-process from code that is not asynchronous."""

    def __init__(self, directory: Path, store: str) -> None:
        self._runner = asyncio.Runner()
        self._open = AsyncExitStack()
        self._http = self._runner.run(self._open.enter_async_context(api(directory, store)))
        self.ids: list[str] = ["nothing"]

    def close(self) -> None:
        self._runner.run(self._open.aclose())
        self._runner.close()

    def call(self, case: Case[Any]) -> httpx.Response:
        prepared = requests.Request(**case.as_transport_kwargs(base_url="http://api")).prepare()
        return self._runner.run(self._send(prepared))

    async def _send(self, prepared: requests.PreparedRequest) -> httpx.Response:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            return await self._http.request(
                prepared.method or "GET",
                prepared.url or "",
                headers={name: value for name, value in prepared.headers.items() if name != "Content-Length"},
                content=prepared.body,
            )


@asynccontextmanager
async def api(directory: Path, kind: str) -> AsyncIterator[httpx.AsyncClient]:
    configured = settings_for(directory, query_rate_limit_per_minute=0, store=kind)
    clock = ManualClock(NOON_MS)
    bus, store = open_bus(configured, clock), open_store(configured)
    await store.admin.migrate()
    at = NOON_MS - 60_000
    for name in ("checkout", MARKUP):
        samples = [
            Sample(
                timestamp=at,
                service_name=name,
                metric_name=metric,
                metric_type="histogram",
                value=12.5,
                count=4,
                environment="production",
                endpoint="/pay",
                status_code=500,
                tags={"region": name, MARKUP: MARKUP},
            )
            for metric in ("http.request.duration", "queue.depth")
        ]
        span = Span(
            timestamp=at,
            trace_id="t1",
            span_id=name,
            service_name=name,
            name=MARKUP,
            kind="server",
            duration_ms=5.0,
            status="error",
            environment="production",
            attributes={MARKUP: MARKUP},
        )
        line = LogRecord(timestamp=at, service_name=name, severity="ERROR", body=MARKUP, trace_id="t1")
        await store.writer.insert("metrics", block("metrics", samples), token=f"m{name}")
        await store.writer.insert("spans", block("spans", [span]), token=f"s{name}")
        await store.writer.insert("logs", block("logs", [line]), token=f"l{name}")
    app = create_app(configured, store, bus, clock)
    try:
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
                yield client
    finally:
        await store.close()
        await bus.close()


@pytest.fixture(scope="module", params=list(CASES))
def fuzzed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Api, int]]:
    opened = Api(tmp_path_factory.mktemp("api"), request.param)
    yield opened, max(LEAST_CASES, CASES[request.param] // len(OPERATIONS))
    opened.close()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_every_answer_is_as_the_document_says(fuzzed: tuple[Api, int], operation: Operation) -> None:
    called, examples = fuzzed
    known, made = [*called.ids], set[str]()

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        report_multiple_bugs=False,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def ask(data: st.DataObject) -> None:
        mode = data.draw(st.sampled_from(list(GenerationMode)))
        case = data.draw(operation.as_strategy(mode))
        place_known(data, case, known)
        answer = called.call(case)
        check(case, answer)
        made.update(ids_in(answer))

    ask()
    called.ids = (called.ids + sorted(made))[-MAX_IDS:]


def place_known(data: st.DataObject, case: Case[Any], ids: list[str]) -> None:
    """Puts values that exist where the names fit."""
    places: list[Any] = [case.path_parameters, case.query, case.body]
    for values in (place for place in places if isinstance(place, dict)):
        for name in values:
            known = ids if str(name).endswith("id") and name not in KNOWN else KNOWN.get(str(name))
            if known and data.draw(st.booleans()):
                values[name] = data.draw(st.sampled_from(known))


def ids_in(answer: httpx.Response) -> list[str]:
    """What can be asked for after this answer."""
    if not answer.content or answer.status_code >= 300 or answer.headers.get("content-type") != "application/json":
        return []
    body = answer.json()
    return [body["id"]] if isinstance(body, dict) and isinstance(body.get("id"), str) else []


def check(case: Case[Any], answer: httpx.Response) -> None:
    assert answer.status_code < 500 or answer.status_code == 503, answer.text
    assert "Traceback" not in answer.text
    if answer.status_code >= 400:
        check_error(answer)
    case.validate_response(Response.from_any(answer), checks=CHECKS)


def check_error(answer: httpx.Response) -> None:
    """DESIGN §4.6."""
    assert answer.headers["content-type"] == "application/json", answer.text
    if answer.status_code == 503 and "dependencies" in answer.json():
        return
    assert set(answer.json()) == {"error"}
    error = answer.json()["error"]
    assert {"code", "message"} <= set(error) <= {"code", "message", "hint", "position", "details"}
    assert all(isinstance(error.get(name, ""), str) for name in ("code", "message", "hint"))
    assert all(set(detail) == {"loc", "msg"} for detail in error.get("details", []))


def test_streams_are_left_out_by_their_content_type_and_nothing_else_is() -> None:
    def answering(media: str) -> dict[str, Any]:
        return {"get": {"responses": {"200": {"description": "", "content": {media: {}}}}}}

    paths = {"/events": answering(STREAMS), "/stream/of/json": answering("application/json")}
    found = operations_of({"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": paths})
    assert [operation.label for operation in found] == ["GET /stream/of/json"]
