"""Token buckets: a minute's worth at once, then an even refill, and a bounded memory of callers."""

import hashlib

import httpx
import pytest
from vantage_common.clock import ManualClock
from vantage_common.http.address import AddressReader
from vantage_common.http.asgi import Receive, Scope, Send
from vantage_common.http.errors import ErrorMiddleware
from vantage_common.http.keys import Key, Keyring
from vantage_common.http.ratelimit import RateLimiter, RateLimitMiddleware


def test_a_minutes_worth_then_one_a_refill() -> None:
    clock = ManualClock(0)
    limiter = RateLimiter(60, clock)
    assert [limiter.take("a") for _ in range(60)] == [0.0] * 60
    assert limiter.take("a") == pytest.approx(1.0)
    clock.advance(0.75)
    assert limiter.take("a") == pytest.approx(0.25)
    clock.advance(0.25)
    assert limiter.take("a") == 0.0
    assert limiter.take("a") > 0


def test_a_bucket_never_holds_more_than_a_minutes_worth() -> None:
    clock = ManualClock(0)
    limiter = RateLimiter(2, clock)
    limiter.take("a")
    clock.advance(3600)
    assert [limiter.take("a") > 0 for _ in range(3)] == [False, False, True]


def test_callers_do_not_share_buckets() -> None:
    limiter = RateLimiter(1, ManualClock(0))
    assert limiter.take("a") == 0.0
    assert limiter.take("b") == 0.0
    assert limiter.take("a") > 0


def test_the_number_of_buckets_is_bounded_and_the_busiest_stay() -> None:
    limiter = RateLimiter(1, ManualClock(0), max_buckets=100)
    for number in range(1000):
        limiter.take("busy")
        limiter.take(f"passer-by {number}")
    assert len(limiter) == 100
    assert limiter.take("busy") > 0
    assert limiter.take("passer-by 999") > 0
    assert limiter.take("passer-by 0") == 0.0


async def ok(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def client(address: str, app: RateLimitMiddleware) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(ErrorMiddleware(app), client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://test")


def limited(per_minute: int, *, exempt_loopback: bool = False, keys: tuple[Key, ...] = ()) -> RateLimitMiddleware:
    clock = ManualClock(0)
    limiter, keyring = RateLimiter(per_minute, clock), Keyring(keys, clock)
    return RateLimitMiddleware(ok, limiter, keyring, AddressReader([]), exempt_loopback=exempt_loopback)


async def test_an_empty_bucket_is_429_with_retry_after() -> None:
    async with client("1.2.3.4", limited(1)) as caller:
        assert (await caller.get("/")).status_code == 200
        refused = await caller.get("/")
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "60"
    assert refused.json()["error"]["code"] == "rate_limited"


async def test_loopback_is_exempt_only_when_asked() -> None:
    for exempt, expected in ((True, [200, 200]), (False, [200, 429])):
        async with client("127.0.0.1", limited(1, exempt_loopback=exempt)) as caller:
            assert [(await caller.get("/")).status_code for _ in range(2)] == expected


async def test_a_known_key_has_its_own_bucket_wherever_it_calls_from() -> None:
    known = Key("k", "default", frozenset({"ingest"}), "viewer", hashlib.sha256(b"known").digest())
    app = limited(1, keys=(known,))
    async with client("1.2.3.4", app) as here, client("5.6.7.8", app) as there:
        assert (await here.get("/", headers={"x-api-key": "known"})).status_code == 200
        assert (await there.get("/", headers={"x-api-key": "known"})).status_code == 429
        assert (await here.get("/")).status_code == 200


async def test_guessing_keys_empties_the_bucket_of_the_address() -> None:
    async with client("1.2.3.4", limited(2)) as caller:
        statuses = [(await caller.get("/", headers={"x-api-key": f"guess {n}"})).status_code for n in range(3)]
    assert statuses == [200, 200, 429]
