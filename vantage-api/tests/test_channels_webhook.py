"""The signed webhook, against a target that answers well, badly, late and not at all."""

import asyncio
import json
import re
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from vantage_api.alerts.channels.webhook import (
    WebhookSender,
    headers_of,
    is_secret,
    new_secret,
    outcome_of,
    signature,
)
from vantage_common.clock import Clock, ManualClock

from tests.receiving import Target, status, target

NOW_MS = 1_790_035_200_000
LOOPBACK = [ip_network("127.0.0.0/8")]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def sender(timeout_s: float = 5.0, clock: Clock | None = None) -> WebhookSender:
    return WebhookSender(clock or ManualClock(NOW_MS), LOOPBACK, timeout_s=timeout_s)


async def sent(to: Target, *, timeout_s: float = 5.0, secrets: Any = (SECRET,), body: bytes = b'{"a":1}') -> str:
    outcome = await sender(timeout_s).send(to.url, secrets, "msg_1", body)
    return f"{outcome.kind} {outcome.again}"


def test_the_signature_is_that_of_the_specification() -> None:
    """The example that the libraries of Standard Webhooks are tested with."""
    signed = signature(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_in_rotation_signs_beside_the_new_one() -> None:
    new = new_secret()
    both = headers_of([new, SECRET], "msg_1", 17, b"body")["webhook-signature"]
    assert both.split() == [signature(new, "msg_1", 17, b"body"), signature(SECRET, "msg_1", 17, b"body")]


def test_a_new_secret_is_a_secret_and_never_the_same() -> None:
    assert is_secret(new_secret())
    assert new_secret() != new_secret()


@pytest.mark.parametrize(
    "text", ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + "é" * 32]
)
def test_what_is_no_secret(text: str) -> None:
    assert not is_secret(text)


async def test_a_message_arrives_whole_and_signed() -> None:
    async with target() as receiver:
        assert await sent(receiver) == "delivered False"
        (got,) = receiver.received
    assert (got.path, json.loads(got.body)) == ("/hook", {"a": 1})
    assert got.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert got.headers["content-type"] == "application/json"
    assert (got.headers["webhook-id"], got.headers["webhook-timestamp"]) == ("msg_1", str(NOW_MS // 1000))
    assert got.headers["webhook-signature"] == signature(SECRET, "msg_1", NOW_MS // 1000, got.body)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (status(204), "delivered False"),
        (status(500), "failed True"),
        (status(503), "failed True"),
        (status(429), "failed True"),
        (status(400), "failed False"),
        (status(410), "failed False"),
        (status(302, "location: http://127.0.0.1:1/"), "failed False"),
        (b"\x00\xff garbage \r\n\r\n", "failed True"),
        (b"", "failed True"),
        (b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 500_000, "failed True"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\n" + b"z" * 100_000, "delivered False"),
    ],
)
async def test_what_the_target_answers_decides(answer: bytes, expected: str) -> None:
    async with target(answer) as receiver:
        assert await sent(receiver) == expected


async def test_a_target_that_hangs_is_left() -> None:
    async with target(None) as receiver:
        assert await sent(receiver, timeout_s=0.2) == "timeout True"


async def test_a_target_that_drips_is_left_too() -> None:
    """The time is that of the whole attempt, however often something comes."""

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(0.01)

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with asyncio.timeout(10):
        outcome = await sender(0.3).send(url, [SECRET], "msg_1", b"{}")
    assert (outcome.kind, outcome.reason) == ("timeout", "no answer within 0.3 s")
    server.close()


async def test_nobody_listening_is_a_failure_that_passes() -> None:
    async with target() as gone:
        pass
    outcome = await sender().send(gone.url, [SECRET], "msg_1", b"{}")
    assert (outcome.kind, outcome.again) == ("failed", True)
    assert "ConnectError" in outcome.reason


async def test_of_several_addresses_the_next_is_tried() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.9", "127.0.0.1"]

    async with target() as receiver:
        trying = WebhookSender(ManualClock(NOW_MS), LOOPBACK, resolve=resolve)
        url = f"http://hooks.example:{receiver.port}/hook"
        assert (await trying.send(url, [SECRET], "msg_1", b"{}")).kind == "delivered"


async def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with target() as proxy, target() as receiver:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        assert await sent(receiver) == "delivered False"
        assert proxy.connections == 0


@pytest.mark.parametrize(("code", "kind"), [(200, "delivered"), (299, "delivered"), (301, "failed"), (199, "failed")])
def test_what_a_status_says(code: int, kind: str) -> None:
    assert outcome_of(code).kind == kind


async def test_the_documented_check_accepts_what_is_sent_and_nothing_else() -> None:
    text = (Path(__file__).parents[2] / "docs" / "alert-channels.md").read_text()
    names: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0], names)  # noqa: S102  # our own documentation
    verify, new = names["verify"], new_secret()
    async with target() as receiver:
        await sent(receiver, secrets=(new, SECRET))
        (got,) = receiver.received
    now_s = NOW_MS / 1000
    assert verify(new, got.headers, got.body, now_s)
    assert verify(SECRET, got.headers, got.body, now_s)
    assert not verify(new_secret(), got.headers, got.body, now_s)
    assert not verify(new, got.headers, got.body + b" ", now_s)
    assert not verify(new, got.headers | {"webhook-id": "msg_2"}, got.body, now_s)
    assert not verify(new, got.headers, got.body, now_s + 301)
