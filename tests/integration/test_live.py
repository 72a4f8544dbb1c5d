"""Pulses on the bus become a city on the screen, with the right numbers."""

from pathlib import Path

import pytest
from vantage_api.live.frames import Requests, Tick
from websockets.asyncio.client import connect

from tests.integration.running_api import frame_like, running_api, text_like
from tests.live_pulses import pulse


async def test_published_pulses_are_seen_in_the_city_with_exact_numbers(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api, connect(f"{api.ws}/ws/city") as socket:
        hello = await text_like(socket, lambda message: True)
        assert (hello["type"], hello["schema"], hello["services"]) == ("hello", 1, [])

        now_s = api.clock.now_ms() // 1000
        await api.publish(
            *(pulse(now_s - ago, 20, 2, caller="web", namespace="payments", duration_ms=80) for ago in range(1, 6)),
            *(pulse(now_s - ago, 30, service="web", instance=f"w{ago}", duration_ms=10) for ago in range(1, 6)),
        )
        registry = await text_like(socket, lambda message: message["type"] == "registry")
        slots = {service["name"]: service["slot"] for service in registry["services"]["upsert"]}
        assert {service["district"] for service in registry["services"]["upsert"]} == {"payments", "production"}

        def is_complete(frame: object) -> bool:
            return isinstance(frame, Tick) and sum(entry.rps for entry in frame.entries) >= 25.0

        tick = await frame_like(socket, is_complete)
        assert isinstance(tick, Tick)
        entries = {entry.slot: entry for entry in tick.entries}
        checkout, web = entries[slots["checkout"]], entries[slots["web"]]
        assert (checkout.rps, checkout.pods, checkout.status) == (10.0, 1, "UNHEALTHY")
        assert checkout.error_ratio == pytest.approx(0.1)
        assert checkout.p95_ms == pytest.approx(80, rel=0.01)
        assert (web.rps, web.pods, web.error_ratio, web.status, web.health) == (15.0, 5, 0.0, "HEALTHY", 100)
        status = await text_like(
            socket, lambda message: message["type"] == "status" and message["requests_per_second"] == 25.0
        )
        assert status["error_ratio"] == pytest.approx(0.04)


async def test_every_request_is_one_particle_on_its_edge(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api, connect(f"{api.ws}/ws/city") as socket:
        now_s = api.clock.now_ms() // 1000
        await api.publish(
            pulse(now_s, 30, service="web"), pulse(now_s, 17, 3, caller="web"), pulse(now_s, 4, caller="curl")
        )
        seen: list[Requests] = []
        while sum(len(frame.entries) for frame in seen) < 51:
            frame = await frame_like(socket, lambda frame: isinstance(frame, Requests))
            assert isinstance(frame, Requests)
            seen.append(frame)
        entries = [entry for frame in seen for entry in frame.entries]
        by_edge = {edge: sum(entry.edge == edge for entry in entries) for edge in {entry.edge for entry in entries}}
        assert sorted(by_edge.values()) == [4, 17, 30]
        assert sum(entry.error for entry in entries) == 3
        assert {frame.sample for frame in seen} == {1}


async def test_a_newcomer_is_told_everything_by_hello(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        async with connect(f"{api.ws}/ws/city") as first:
            await api.publish(pulse(api.clock.now_ms() // 1000, 10))
            await frame_like(first, lambda frame: isinstance(frame, Requests))
        async with connect(f"{api.ws}/ws/city") as second:
            hello = await text_like(second, lambda message: True)
        assert [service["id"] for service in hello["services"]] == ["production/checkout"]
        assert [(edge["from"], edge["to"]) for edge in hello["edges"]] == [(None, hello["services"][0]["slot"])]


async def test_a_restarted_api_shows_the_last_minute_at_once(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        now_s = api.clock.now_ms() // 1000
        await api.publish(*(pulse(now_s - ago, 50) for ago in range(1, 20)))
    async with running_api(tmp_path) as api, connect(f"{api.ws}/ws/city") as socket:
        tick = await frame_like(socket, lambda frame: isinstance(frame, Tick) and any(e.rps > 0 for e in frame.entries))
        assert isinstance(tick, Tick)
        assert tick.entries[0].rps > 5.0


async def test_a_record_that_is_no_pulse_is_counted_and_the_next_ones_are_shown(tmp_path: Path) -> None:
    from vantage_common.bus.api import PULSES, Outgoing

    async with running_api(tmp_path) as api, connect(f"{api.ws}/ws/city") as socket:
        await api.publisher.publish([Outgoing(PULSES, b"x", b"\x01garbage"), Outgoing(PULSES, b"x", b"\xff")], 5)
        await api.publish(pulse(api.clock.now_ms() // 1000, 10))
        await frame_like(socket, lambda frame: isinstance(frame, Requests))
