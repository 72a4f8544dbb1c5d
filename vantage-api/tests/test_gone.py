"""A request is given up when its client goes away, before the answer has begun and not after."""

import asyncio

import pytest
from vantage_api.gone import GiveUpWhenGone
from vantage_common.http.asgi import Message, Receive, Scope, Send

SCOPE: Scope = {"type": "http", "path": "/x"}


class Client:
    """Sends a body, and goes away when it is told to."""

    def __init__(self) -> None:
        self.goes = asyncio.Event()
        self.got: list[Message] = []
        self._sent = False

    async def receive(self) -> Message:
        if not self._sent:
            self._sent = True
            return {"type": "http.request", "body": b"{}", "more_body": False}
        await self.goes.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.got.append(message)


class App:
    """Answers when it may, in two halves."""

    def __init__(self) -> None:
        self.works, self.begins, self.ends = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.was_cancelled = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["body"] == b"{}"
        self.works.set()
        try:
            await self.begins.wait()
            await send({"type": "http.response.start", "status": 200})
            await self.ends.wait()
            await send({"type": "http.response.body", "body": b""})
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise


async def some_turns() -> None:
    """Lets every task go as far as it gets."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_client_that_waits_is_answered() -> None:
    app, client = App(), Client()
    app.begins.set()
    app.ends.set()
    await GiveUpWhenGone(app)(SCOPE, client.receive, client.send)
    assert [message["type"] for message in client.got] == ["http.response.start", "http.response.body"]


async def test_work_for_a_client_that_went_away_is_cancelled() -> None:
    app, client = App(), Client()
    serving = asyncio.create_task(GiveUpWhenGone(app)(SCOPE, client.receive, client.send))
    await app.works.wait()
    client.goes.set()
    await serving
    assert app.was_cancelled
    assert client.got == []


async def test_an_answer_that_has_begun_is_the_routes_own() -> None:
    app, client = App(), Client()
    serving = asyncio.create_task(GiveUpWhenGone(app)(SCOPE, client.receive, client.send))
    app.begins.set()
    await some_turns()
    assert len(client.got) == 1
    client.goes.set()
    await some_turns()
    app.ends.set()
    await serving
    assert not app.was_cancelled
    assert len(client.got) == 2


async def test_an_error_of_the_route_is_passed_on() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await GiveUpWhenGone(app)(SCOPE, Client().receive, Client().send)


async def test_a_server_that_stops_cancels_the_route() -> None:
    app, client = App(), Client()
    serving = asyncio.create_task(GiveUpWhenGone(app)(SCOPE, client.receive, client.send))
    await app.works.wait()
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert app.was_cancelled
