"""Fan-out to clients that do not keep up: the latest tick wins, the registry is kept, nobody waits."""

import asyncio

import pytest
from vantage_api.live.hub import (
    MAX_CLIENTS_A_WORKSPACE,
    MAX_REQUEST_FRAMES,
    MAX_WAITING_TEXT,
    PATIENCE_MS,
    CityOutbox,
    Hub,
    Losses,
)
from vantage_common.errors import UserError


def put(box: CityOutbox, now_ms: int, **messages: str) -> None:
    box.put(
        now_ms,
        registry=messages.get("registry"),
        requests=[f"requests {now_ms}".encode()],
        tick=f"tick {now_ms}".encode(),
        status=messages.get("status"),
    )


async def test_hello_comes_first_and_the_registry_before_what_speaks_of_it() -> None:
    box = CityOutbox("hello")
    put(box, 100, registry="registry", status="status")
    assert await box.take() == ["hello", "registry", "status", b"requests 100", b"tick 100"]


async def test_a_client_that_keeps_up_gets_every_tick_and_is_never_behind() -> None:
    box = CityOutbox("hello")
    ticks = []
    for now_ms in range(0, 60_000, 100):
        put(box, now_ms)
        ticks += [payload for payload in await box.take() if payload == f"tick {now_ms}".encode()]
        assert not box.is_behind(now_ms)
    assert len(ticks) == 600


async def test_a_frozen_client_keeps_a_bounded_outbox_with_the_whole_registry() -> None:
    box = CityOutbox("hello")
    for now_ms in range(0, 9_000, 100):
        put(box, now_ms, registry=f"registry {now_ms}", status=f"status {now_ms}")
    payloads = await box.take()
    assert [p for p in payloads if str(p).startswith("registry")] == [f"registry {n}" for n in range(0, 9_000, 100)]
    assert [p for p in payloads if isinstance(p, bytes) and p.startswith(b"tick")] == [b"tick 8900"]
    assert [p for p in payloads if str(p).startswith("status")] == ["status 8900"]
    assert len([p for p in payloads if isinstance(p, bytes) and p.startswith(b"requests")]) == MAX_REQUEST_FRAMES


async def test_a_client_that_stays_behind_is_expelled_and_the_others_are_not() -> None:
    hub: Hub[CityOutbox] = Hub()
    frozen, lively = CityOutbox("hello"), CityOutbox("hello")
    hub.join("default", frozen)
    hub.join("default", lively)
    expelled: list[CityOutbox] = []
    for now_ms in range(0, PATIENCE_MS + 200, 100):
        for box in hub.of("default"):
            put(box, now_ms)
        await lively.take()
        expelled += hub.expel_laggards(now_ms)
    assert expelled == [frozen]
    assert frozen.expelled.is_set()
    assert not lively.expelled.is_set()


async def test_a_client_that_reads_too_slowly_is_behind_even_though_it_reads() -> None:
    box = CityOutbox("hello")
    for now_ms in range(0, PATIENCE_MS + 2000, 100):
        put(box, now_ms)
        if now_ms % 1000 == 0:
            await box.take()
    assert box.is_behind(PATIENCE_MS + 2000)


async def test_one_hiccup_is_forgiven() -> None:
    box = CityOutbox("hello")
    for now_ms in range(0, 30_000, 100):
        put(box, now_ms)
        if now_ms % 5000 != 0:
            await box.take()
    assert not box.is_behind(30_000)


async def test_taking_waits_until_there_is_something() -> None:
    box = CityOutbox("hello")
    await box.take()
    taking = asyncio.create_task(box.take())
    await asyncio.sleep(0)
    assert not taking.done()
    put(box, 1)
    assert (await taking)[-1] == b"tick 1"


def test_workspaces_are_apart() -> None:
    hub: Hub[CityOutbox] = Hub()
    box = CityOutbox("hello")
    hub.join("shop", box)
    assert hub.of("default") == frozenset()
    assert hub.of("shop") == frozenset({box})
    hub.leave("shop", box)
    assert len(hub) == 0


def test_a_workspace_cannot_take_every_place() -> None:
    hub: Hub[CityOutbox] = Hub()
    for _ in range(MAX_CLIENTS_A_WORKSPACE):
        hub.check_room("shop")
        hub.join("shop", CityOutbox("hello"))
    with pytest.raises(UserError, match="at most") as refused:
        hub.check_room("shop")
    assert refused.value.status == 429
    hub.check_room("other")


def test_what_clients_lose_is_counted_once_and_kept_when_they_leave() -> None:
    hub: Hub[CityOutbox] = Hub()
    box = CityOutbox("hello")
    hub.join("shop", box)
    for now_ms in range(0, 3000, 100):
        put(box, now_ms)
    assert hub.take_losses() == Losses(conflated=29, dropped=10)
    put(box, 3000)
    hub.leave("shop", box)
    assert hub.take_losses() == Losses(conflated=1, dropped=1)
    assert hub.take_losses() == Losses()


def test_registry_messages_that_nobody_takes_end_the_client_before_they_fill_the_memory() -> None:
    box = CityOutbox("hello")
    message = "x" * (1 << 20)
    for _ in range(MAX_WAITING_TEXT // len(message) + 1):
        box.put_registry(message)
    assert box.is_behind(0)


async def test_one_who_is_expelled_is_sent_nothing_more() -> None:
    box = CityOutbox("hello")
    box.expel()
    assert await box.take() == []
