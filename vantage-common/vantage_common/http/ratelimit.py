"""One token bucket per API key when a known one is given, else per address."""

from collections import OrderedDict
from math import ceil
from typing import NamedTuple

from vantage_common.clock import Clock
from vantage_common.errors import UserError
from vantage_common.http.address import AddressReader, bucket_name
from vantage_common.http.asgi import App, Receive, Scope, Send
from vantage_common.http.keys import Keyring, presented_key

MAX_BUCKETS = 10_000


class _Bucket(NamedTuple):
    tokens: float
    at: float


class RateLimiter:
    """Buckets of `per_minute` tokens, refilled evenly: a minute's worth may come at once.

    At most `max_buckets` are kept; the one unused for longest goes first, and by then it is nearly always full,
    which is what a forgotten bucket counts as.
    """

    def __init__(self, per_minute: int, clock: Clock, max_buckets: int = MAX_BUCKETS) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._max_buckets = max_buckets
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, name: str) -> float:
        """Takes a token of that bucket: 0 when there was one, else the seconds until there will be."""
        now = self._clock.monotonic()
        per_second = self._per_minute / 60
        bucket = self._buckets.pop(name, None) or _Bucket(self._per_minute, now)
        tokens = min(float(self._per_minute), bucket.tokens + (now - bucket.at) * per_second)
        granted = tokens >= 1
        self._buckets[name] = _Bucket(tokens - 1 if granted else tokens, now)
        if len(self._buckets) > self._max_buckets:
            self._buckets.popitem(last=False)
        return 0.0 if granted else (1 - tokens) / per_second


class RateLimitMiddleware:
    """Answers 429 with Retry-After when the caller's bucket is empty.

    Stands outside the key check, so that guessing keys is limited too: an unknown key counts for its address.
    """

    def __init__(
        self, app: App, limiter: RateLimiter, keyring: Keyring, address_of: AddressReader, *, exempt_loopback: bool
    ) -> None:
        self._app = app
        self._limiter = limiter
        self._keyring = keyring
        self._address_of = address_of
        self._exempt_loopback = exempt_loopback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (name := self._bucket(scope)) is not None:
            wait_s = self._limiter.take(name)
            if wait_s > 0:
                raise UserError(
                    "rate_limited",
                    "too many requests",
                    status=429,
                    hint="send fewer, larger requests, or have the limit raised in the settings of this service",
                    retry_after_s=ceil(wait_s),
                )
        await self._app(scope, receive, send)

    def _bucket(self, scope: Scope) -> str | None:
        address = self._address_of(scope)
        if self._exempt_loopback and address is not None and address.is_loopback:
            return None
        presented = presented_key(scope)
        key = self._keyring.find(presented) if presented else None
        return f"address {bucket_name(address)}" if key is None else f"key {key.id}"
