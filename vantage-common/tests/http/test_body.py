"""Bodies: whole, inflated and within their bounds when the app sees them, or refused."""

import asyncio
import gzip
from collections.abc import AsyncIterator

import httpx
import pytest
from vantage_common.http.asgi import Message, Receive, Scope, Send, header
from vantage_common.http.body import BodyMiddleware, ByteBudget
from vantage_common.http.errors import ErrorMiddleware

LIMIT = 1000


class Echo:
    """Answers with the body it was given, and keeps the scopes it saw."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        message = await receive()
        assert not message.get("more_body")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": message["body"]})


async def post(app: Echo, budget: ByteBudget, content: bytes | AsyncIterator[bytes], **headers: str) -> httpx.Response:
    guarded = ErrorMiddleware(BodyMiddleware(app, LIMIT, budget))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(guarded), base_url="http://test") as client:
        return await client.post("/", content=content, headers={k.replace("_", "-"): v for k, v in headers.items()})


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_the_app_gets_a_plain_body_whatever_the_wire_had() -> None:
    app, budget = Echo(), ByteBudget(10_000)
    packed = gzip.compress(b"hello")
    assert (await post(app, budget, chunks(b"hel", b"lo"))).content == b"hello"
    assert (await post(app, budget, packed, content_encoding="gzip")).content == b"hello"
    assert header(app.scopes[1], b"content-encoding") is None
    assert header(app.scopes[1], b"content-length") == "5"
    assert app.scopes[1]["state"]["received_bytes"] == len(packed)


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"x" * LIMIT, {}, 200),
        (b"x" * (LIMIT + 1), {}, 413),
        (gzip.compress(b"x" * (LIMIT + 1)), {"content_encoding": "gzip"}, 413),
        (gzip.compress(b"x")[:-1], {"content_encoding": "gzip"}, 400),
        (b"x", {"content_encoding": "br"}, 415),
        (b"x", {"content_length": "9" * 5000}, 413),
    ],
)
async def test_what_is_refused(content: bytes, headers: dict[str, str], status: int) -> None:
    app, budget = Echo(), ByteBudget(10_000)
    answer = await post(app, budget, content, **headers)
    assert answer.status_code == status
    assert len(app.scopes) == (1 if status == 200 else 0)
    assert budget.used == 0


async def test_a_chunked_body_is_counted_as_it_comes_and_not_read_on() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 100
            yield b"x" * 100

    assert (await post(Echo(), ByteBudget(10_000), endless())).status_code == 413
    assert sent <= LIMIT + 200


async def test_bodies_beyond_the_common_budget_are_503() -> None:
    budget = ByteBudget(100)
    budget.take(95)
    refused = await post(Echo(), budget, b"x" * 10)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert budget.used == 95


async def test_the_inflated_size_counts_for_the_budget_too() -> None:
    assert (await post(Echo(), ByteBudget(200), gzip.compress(b"x" * 900), content_encoding="gzip")).status_code == 503


async def call(app: BodyMiddleware, messages: list[Message]) -> list[Message]:
    """Runs the app on those messages, then on silence, and returns what it sent."""
    sent: list[Message] = []

    async def receive() -> Message:
        if messages:
            return messages.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    await ErrorMiddleware(app)(scope, receive, send)
    return sent


async def test_a_body_that_does_not_come_is_408() -> None:
    budget = ByteBudget(1000)
    app = BodyMiddleware(Echo(), LIMIT, budget, deadline_s=0.01)
    sent = await call(app, [{"type": "http.request", "body": b"half", "more_body": True}])
    assert sent[0]["status"] == 408
    assert budget.used == 0


async def test_a_client_that_goes_away_leaves_nothing_behind() -> None:
    app, budget = Echo(), ByteBudget(1000)
    half: Message = {"type": "http.request", "body": b"half", "more_body": True}
    sent = await call(BodyMiddleware(app, LIMIT, budget), [half, {"type": "http.disconnect"}])
    assert (sent, app.scopes, budget.used) == ([], [], 0)
