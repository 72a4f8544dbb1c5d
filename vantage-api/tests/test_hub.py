"""Fan-out to clients that do not keep up: the latest tick wins, the registry is kept, nobody waits."""

import asyncio

from vantage_api.live.hub import MAX_REQUEST_FRAMES, PATIENCE_MS, CityOutbox, Hub


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
    assert hub.occupied.is_set()
    hub.leave("shop", box)
    assert not hub.occupied.is_set()
