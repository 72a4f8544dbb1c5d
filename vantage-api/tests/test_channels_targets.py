"""Where messages never go: a corpus of attempts, each against a canary on loopback that must not be touched."""

from collections.abc import AsyncIterator, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path

import pytest
from vantage_api.alerts.channels.apprise_sender import AppriseSender
from vantage_api.alerts.channels.channel import ChannelDraft, drafted
from vantage_api.alerts.channels.targets import refusal, system_resolver
from vantage_api.alerts.channels.webhook import WebhookSender, new_secret
from vantage_common.clock import SystemClock
from vantage_common.errors import UserError

from tests.receiving import Target, target

LINES = [line.split() for line in Path(__file__).with_name("ssrf_targets.txt").read_text().splitlines()]
CORPUS = [line for line in LINES if line and line[0] != "#"]
LOOPBACK = [ip_network("127.0.0.0/8")]


def attempts(kind: str) -> list[list[str]]:
    return [rest for name, *rest in CORPUS if name == kind]


@pytest.fixture
async def canary() -> AsyncIterator[Target]:
    async with target() as found:
        yield found


async def deliver(
    url: str, allowed: Sequence[IPv4Network | IPv6Network] = (), addresses: Sequence[str] = ()
) -> tuple[str, str]:
    async def told(host: str, port: int) -> Sequence[str]:
        return addresses

    sender = WebhookSender(SystemClock(), allowed, resolve=told if addresses else system_resolver)
    outcome = await sender.send(url, [new_secret()], "msg_1", b"{}")
    return outcome.kind, outcome.reason


def test_the_corpus_is_large() -> None:
    assert len(CORPUS) >= 100
    assert {line[0] for line in CORPUS} == {"send", "name", "save", "scheme", "apprise"}


@pytest.mark.parametrize("url", [url for (url,) in attempts("send")])
async def test_a_webhook_does_not_reach_a_forbidden_address(url: str, canary: Target) -> None:
    channel = drafted(ChannelDraft(name="x", kind="webhook", url=url.format(port=canary.port), secret=None))
    kind, reason = await deliver(channel.url)
    assert kind == "refused", reason
    assert canary.connections == 0


@pytest.mark.parametrize("url_and_addresses", attempts("name"), ids=" ".join)
async def test_a_name_that_leads_to_a_forbidden_address_is_refused(
    url_and_addresses: list[str], canary: Target
) -> None:
    url, *addresses = url_and_addresses
    kind, reason = await deliver(url.format(port=canary.port), addresses=addresses)
    assert kind == "refused", reason
    assert not any(address in reason for address in addresses)  # it is no tool to map a network with
    assert canary.connections == 0


@pytest.mark.parametrize("url", [url for (url,) in attempts("save")])
def test_what_is_no_web_address_is_not_saved(url: str) -> None:
    with pytest.raises(UserError) as refused:
        drafted(ChannelDraft(name="x", kind="webhook", url=url.format(port=8080), secret=None))
    assert (refused.value.status, url in str(refused.value)) == (422, False)


@pytest.mark.parametrize("url", [url for (url,) in attempts("scheme")])
def test_schemes_that_are_not_allowed_are_not_saved(url: str) -> None:
    with pytest.raises(UserError, match="scheme"):
        drafted(ChannelDraft(name="x", kind="apprise", url=url.format(port=8080), secret=None))


@pytest.mark.parametrize("url", [url for (url,) in attempts("apprise")])
async def test_apprise_does_not_reach_a_forbidden_address(url: str, canary: Target) -> None:
    channel = drafted(ChannelDraft(name="x", kind="apprise", url=url.format(port=canary.port), secret=None))
    outcome = await AppriseSender([]).send(channel.url, "title", "body", "critical")
    assert outcome.kind == "refused", outcome
    assert canary.connections == 0


async def test_the_canary_would_notice(canary: Target) -> None:
    assert await deliver(canary.url, LOOPBACK) == ("delivered", "")
    sent = await AppriseSender(LOOPBACK).send(f"json://127.0.0.1:{canary.port}/", "title", "body", "critical")
    assert (sent.kind, canary.connections) == ("delivered", 2)


async def test_a_name_is_resolved_once_and_the_connection_goes_to_that_address() -> None:
    """DNS rebinding: the second answer would lead to the canary."""
    answers = iter([["127.0.0.2"], ["127.0.0.1"], ["127.0.0.1"]])

    async def resolve(host: str, port: int) -> Sequence[str]:
        return next(answers)

    allowed = [ip_network("127.0.0.2/32")]
    async with target(host="127.0.0.2") as wanted, target(host="127.0.0.1", port=wanted.port) as canary:
        sender = WebhookSender(SystemClock(), allowed, resolve=resolve)
        url = f"http://rebind.example:{wanted.port}/hook"
        assert (await sender.send(url, [new_secret()], "msg_1", b"{}")).kind == "delivered"
        assert (await sender.send(url, [new_secret()], "msg_1", b"{}")).kind == "refused"
        assert (len(wanted.received), canary.connections) == (1, 0)
        assert wanted.received[0].headers["host"] == f"rebind.example:{wanted.port}"


async def test_redirects_are_not_followed(canary: Target) -> None:
    location = f"location: http://127.0.0.1:{canary.port}/"
    answer = f"HTTP/1.1 307 Elsewhere\r\n{location}\r\ncontent-length: 0\r\n\r\n".encode()
    async with target(answer) as redirecting:
        kind, reason = await deliver(redirecting.url, LOOPBACK)
        assert (kind, "not followed" in reason) == ("failed", True)
        url = f"json://127.0.0.1:{redirecting.port}/?redirect=yes"
        assert (await AppriseSender(LOOPBACK).send(url, "title", "body", "warning")).kind == "failed"
        assert (len(redirecting.received), canary.connections) == (2, 0)


@pytest.mark.parametrize(
    "url",
    ["workflow://host.example/abc/def?template={secret}", "workflow://host.example/abc/def?template=file://{secret}"],
)
async def test_a_file_of_this_machine_is_not_read(url: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text('{"text": "s3cret"}')
    outcome = await AppriseSender([]).send(url.format(secret=secret), "title", "body", "warning")
    assert (outcome.kind, "could not be read" in outcome.reason, "s3cret" in outcome.reason) == ("failed", True, False)


@pytest.mark.parametrize(
    "text", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses_are_free(text: str) -> None:
    assert refusal(ip_address(text), []) is None


def test_the_configuration_may_allow_a_network() -> None:
    allowed = [ip_network("10.1.0.0/16"), ip_network("fd00::/8")]
    assert refusal(ip_address("10.1.2.3"), allowed) is None
    assert refusal(ip_address("::ffff:10.1.2.3"), allowed) is None
    assert refusal(ip_address("fd00::1"), allowed) is None
    assert refusal(ip_address("10.2.0.1"), allowed) == "a private"
