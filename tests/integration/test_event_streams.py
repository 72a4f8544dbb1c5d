"""Server-sent events against a real server: tickets, resume, filters, alerts, and clients that freeze."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from vantage_common.model import LogRecord
from websockets.asyncio.client import connect

from tests.integration.running_api import ANSWER_WITHIN_S, RunningApi, running_api, text_like, until_counted
from tests.integration.test_api_sockets import log_block
from tests.live_pulses import pulse


class Events:
    """What comes in over one stream."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()
        self.last_id = ""

    async def next(self, *names: str) -> dict[str, Any]:
        """The data of the next event of one of these names; of any without."""
        async with asyncio.timeout(ANSWER_WITHIN_S):
            while True:
                name, data = await self._event()
                if data and (not names or name in names):
                    message: dict[str, Any] = json.loads(data)
                    assert message["type"] == name
                    return message

    async def _event(self) -> tuple[str, str]:
        fields: dict[str, str] = {}
        while (line := await anext(self._lines)) != "":
            field, _, value = line.partition(": ")
            fields[field] = value
        self.last_id = fields.get("id", self.last_id)
        return fields.get("event", ""), fields.get("data", "")


@asynccontextmanager
async def stream(api: RunningApi, path: str, **asked: Any) -> AsyncIterator[Events]:
    headers = asked.pop("headers", {})
    async with (
        httpx.AsyncClient(base_url=api.http, timeout=ANSWER_WITHIN_S) as client,
        client.stream("GET", path, params=asked, headers=headers) as answer,
    ):
        if answer.status_code != 200:
            await answer.aread()
        yield Events(answer)


async def test_the_city_comes_whole_and_then_in_deltas(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        await api.publish(pulse(api.clock.now_ms() // 1000, 20), pulse(api.clock.now_ms() // 1000, 7, service="cart"))
        async with stream(api, "/api/stream/city") as events:
            assert events.answer.headers["content-type"].startswith("text/event-stream")
            shown: dict[int, float] = {}
            names: dict[int, str] = {}
            while sorted(shown.values()) != [0.7, 2.0]:
                message = await events.next("hello", "registry", "tick")
                if message["type"] == "hello":
                    names = {s["slot"]: s["name"] for s in message["services"]}
                elif message["type"] == "registry":
                    names |= {s["slot"]: s["name"] for s in message["services"]["upsert"]}
                else:
                    shown |= {entry["slot"]: entry["rps"] for entry in message["services"]}
            assert {names[slot]: rps for slot, rps in shown.items()} == {"checkout": 2.0, "cart": 0.7}
            assert (await events.next("status"))["type"] == "status"
            assert events.last_id


async def test_who_comes_back_gets_what_it_missed_over_sse_and_over_websocket(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        await api.publish(pulse(api.clock.now_ms() // 1000, 20))
        async with stream(api, "/api/stream/metrics") as events:
            first = await events.next("metric_update")
            last_id = events.last_id
            assert first["seq"] == last_id
        number = int(last_id.partition("-")[2])
        async with connect(f"{api.ws}/ws/metrics") as watcher:
            while int((await text_like(watcher, is_update))["seq"].partition("-")[2]) < number + 2:
                pass
        for headers, asked in (({"Last-Event-ID": last_id}, {}), ({}, {"since": last_id})):
            async with stream(api, "/api/stream/metrics", headers=headers, **asked) as events:
                missed = [await events.next() for _ in range(3)]
            assert [message["seq"].partition("-")[2] for message in missed] == [str(number + n) for n in (1, 2, 3)]
        async with connect(f"{api.ws}/ws/metrics") as socket:
            await socket.send(json.dumps({"type": "resume", "seq": last_id}))
            seen = [(await text_like(socket, is_update))["seq"] for _ in range(4)]
            assert f"{last_id.partition('-')[0]}-{number + 1}" in seen
            assert len(seen) == len(set(seen))
            await socket.send(json.dumps({"type": "resume", "seq": last_id}))
            assert (await text_like(socket, lambda m: "error" in m))["error"]["code"] == "resumed_already"


def is_update(message: dict[str, Any]) -> bool:
    return message.get("type") == "metric_update"


async def test_who_was_away_too_long_is_told_to_begin_anew(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        await api.publish(pulse(api.clock.now_ms() // 1000, 20))
        async with stream(api, "/api/stream/city", since="1-1") as events:
            assert [(await events.next())["type"] for _ in range(3)] == ["reset", "hello", "tick"]
        for path in ("metrics", "logs", "alerts"):
            async with stream(api, f"/api/stream/{path}", headers={"Last-Event-ID": "<b>1-1"}) as events:
                assert (await events.next())["type"] == "reset"
        async with connect(f"{api.ws}/ws/logs") as socket:
            await socket.send('{"type":"resume","seq":"1-1"}')
            assert (await text_like(socket, lambda _: True))["type"] == "reset"
        async with connect(f"{api.ws}/ws/city") as socket:
            await text_like(socket, lambda message: message["type"] == "hello")
            await socket.send('{"type":"resume","seq":"1-1"}')
            await text_like(socket, lambda message: message["type"] == "reset")
            await text_like(socket, lambda message: message["type"] == "hello")


async def test_a_ticket_opens_one_stream_where_a_key_is_needed(tmp_path: Path) -> None:
    async with running_api(tmp_path, api_key="s3cret") as api, httpx.AsyncClient(base_url=api.http) as client:
        assert (await client.post("/api/stream/ticket")).status_code == 401
        answer = await client.post("/api/stream/ticket", headers={"X-API-Key": "s3cret"})
        assert (answer.status_code, answer.json()["expires_in_s"]) == (200, 30)
        ticket = answer.json()["ticket"]
        async with stream(api, "/api/stream/city", ticket=ticket) as events:
            assert (await events.next())["type"] == "hello"
        for asked in ({"ticket": ticket}, {"ticket": "guessed"}, {"ticket": ""}, {}):
            for path in ("city", "metrics", "logs", "alerts"):
                async with stream(api, f"/api/stream/{path}", **asked) as events:
                    assert events.answer.status_code == 401
                    assert events.answer.json()["error"]["code"] in ("wrong_ticket", "missing_key")
        async with stream(api, "/api/stream/logs", headers={"Authorization": "Bearer s3cret"}) as events:
            assert events.answer.status_code == 200


async def test_pages_of_other_sites_cannot_read_a_stream(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        for origin, allowed in (("http://localhost:3000", True), ("https://evil.example", False)):
            async with stream(api, "/api/stream/city", headers={"Origin": origin}) as events:
                assert ("access-control-allow-origin" in events.answer.headers) is allowed


async def test_alerts_reach_those_who_follow_them_and_no_other_workspace(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        api.live.publish_alert("default", {"service_name": "checkout", "state": "firing"})
        async with stream(api, "/api/stream/alerts", service="checkout") as events:
            await until_counted(api, 'vantage_api_sse_connections{stream="alerts"} 1.0')
            api.live.publish_alert("other", {"service_name": "checkout", "state": "secret"})
            api.live.publish_alert("default", {"service_name": "cart", "state": "firing"})
            api.live.publish_alert("default", {"service_name": "checkout", "state": "resolved"})
            assert (await events.next("alert"))["data"]["state"] == "resolved"
            first = f"{events.last_id.partition('-')[0]}-1"
        async with stream(api, "/api/stream/alerts", since=first) as events:
            assert [(await events.next("alert"))["data"]["service_name"] for _ in range(2)] == ["cart", "checkout"]
        await until_counted(api, 'vantage_api_sse_connections{stream="alerts"} 0.0')


async def test_logs_are_followed_by_environment_over_both(tmp_path: Path) -> None:
    lines = [
        LogRecord(timestamp=1, service_name="a", environment=place, severity="ERROR", body=f"<b>\x1b[31m{place}")
        for place in ("prod", "test")
    ]
    async with (
        running_api(tmp_path) as api,
        stream(api, "/api/stream/logs", environment="prod", severity="ERROR") as events,
        connect(f"{api.ws}/ws/logs") as socket,
    ):
        await socket.send('{"type":"subscribe","environments":["prod"]}')
        await until_counted(api, 'vantage_api_websocket_connections{stream="logs"} 1.0')
        publishing = asyncio.create_task(publish_for_ever(api, log_block(*lines)))
        over_socket = await text_like(socket, lambda message: bool(message.get("data")))
        over_sse = await events.next("logs")
        publishing.cancel()
        for message in (over_socket, over_sse):
            assert {line["environment"] for line in message["data"]} == {"prod"}
            assert message["data"][0]["body"] == "<b>\x1b[31mprod"
            assert message["seq"]


async def publish_for_ever(api: RunningApi, block: bytes) -> None:
    """The tail of a first client begins some time after it has come."""
    while True:
        await api.publish_logs(block)
        await asyncio.sleep(0.2)


@pytest.mark.parametrize(
    "asked", [{"severity": "LOUD"}, {"service": "x" * 201}, {"since": "x" * 65}, {"text": "x" * 1001}]
)
async def test_absurd_filters_are_refused(tmp_path: Path, asked: dict[str, str]) -> None:
    async with running_api(tmp_path) as api, stream(api, "/api/stream/logs", **asked) as events:
        assert events.answer.status_code == 422
        assert "error" in events.answer.json()
