"""The sender: batches in, acknowledged requests out, over a few kept-alive connections.

A refused batch is sent again with the same id, so the platform stores it once. While the collector cannot take more,
batches wait in a bounded queue whose oldest are dropped and counted, as in any well-behaved agent.
"""

import asyncio
import gzip
import random
import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from uuid import UUID

import httpx
from vantage_common.clock import Clock
from vantage_common.errors import PermanentError, UserError

from vantage_cli.simulate.wire import Batch, encode_batch

MAX_BODY_BYTES = 1_000_000
"""Below the collector's 1 MiB for inflated native bodies."""
MAX_WAITING = 2000
WORKERS = 8
CONNECTIONS = 20
FIRST_BACKOFF_S = 0.5
MAX_BACKOFF_S = 8.0
MAX_RETRY_AFTER_S = 60.0
GZIP_LEVEL = 1
ENVIRONMENT = "production"
AGENT = "vantage-simulate/0.1.0"

Sleep = Callable[[float], Awaitable[object]]


@dataclass(slots=True)
class Tally:
    """What became of the batches so far; `items` counts those of acknowledged ones, `last_error` is for people."""

    sent: int = 0
    items: int = 0
    bytes: int = 0
    refused: int = 0
    retried: int = 0
    dropped: int = 0
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class _Body:
    path: str
    data: bytes
    items: int


def open_client(collector_url: str, api_key: str | None) -> httpx.AsyncClient:
    """A client for one collector. Proxies named in the environment are left alone: collectors are near.

    Raises UserError for something that is no http:// or https:// address.
    """
    if not re.match(r"https?://[^/]", collector_url):
        raise UserError("bad_url", f"the collector's address starts with http:// or https://, not {collector_url!r}")
    return httpx.AsyncClient(
        base_url=collector_url,
        headers={"X-API-Key": api_key} if api_key else {},
        limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
        timeout=httpx.Timeout(10.0, pool=None),
        trust_env=False,
    )


@dataclass(slots=True)
class Sender:
    """Delivers batches from `start` to `close`. `rng` names the batches; `sleep` is replaced in tests."""

    client: httpx.AsyncClient
    clock: Clock
    rng: random.Random
    sleep: Sleep = asyncio.sleep
    tally: Tally = field(default_factory=Tally)
    failure: PermanentError | None = None
    _waiting: deque[_Body] = field(default_factory=deque)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _idle: asyncio.Event = field(default_factory=asyncio.Event)
    _in_flight: int = 0
    _paused_until: float = 0.0
    _backoff_s: float = FIRST_BACKOFF_S
    _workers: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self) -> None:
        self._workers = [asyncio.create_task(self._work(), name=f"simulate-sender-{n}") for n in range(WORKERS)]

    async def close(self, timeout_s: float) -> None:
        """Waits up to `timeout_s` until everything offered is delivered, and ends; the rest counts as dropped."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._settled()
        except TimeoutError:
            pass
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self.tally.dropped += len(self._waiting) + self._in_flight

    def offer(self, batch: Batch) -> None:
        """Queues a batch, split into bodies that the collector takes. Never waits."""
        for body in self._bodies(batch):
            if len(self._waiting) >= MAX_WAITING:
                self._waiting.popleft()
                self.tally.dropped += 1
            self._waiting.append(body)
        self._wake.set()

    def _bodies(self, batch: Batch) -> Iterator[_Body]:
        batch_id = UUID(int=self.rng.getrandbits(128), version=4).hex
        data = encode_batch(batch, batch_id=batch_id, environment=ENVIRONMENT, agent_version=AGENT)
        if len(data) > MAX_BODY_BYTES and len(batch.items) > 1:
            half = len(batch.items) // 2
            for items in (batch.items[:half], batch.items[half:]):
                yield from self._bodies(Batch(batch.signal, batch.service, batch.instance, items))
        else:
            packed = gzip.compress(data, GZIP_LEVEL, mtime=0)
            yield _Body(f"/v1/{batch.signal}", packed, len(batch.items))

    async def _settled(self) -> None:
        while (self._waiting or self._in_flight) and self.failure is None:
            self._idle.clear()
            await self._idle.wait()

    async def _work(self) -> None:
        while self.failure is None:
            pause_s = self._paused_until - self.clock.monotonic()
            if pause_s > 0:
                await self.sleep(pause_s)
            elif self._waiting:
                await self._deliver(self._waiting.popleft())
            else:
                self._wake.clear()
                await self._wake.wait()

    async def _deliver(self, body: _Body) -> None:
        self._in_flight += 1
        try:
            response = await self.client.post(
                body.path, content=body.data, headers={"Content-Type": "application/json", "Content-Encoding": "gzip"}
            )
        except httpx.TransportError as error:
            self._again(body, self._next_backoff_s(), f"{type(error).__name__}: {error}")
        else:
            self._settle(body, response)
        # Not in a finally: a delivery that `close` cancels stays in flight and is counted there.
        self._in_flight -= 1
        self._idle.set()

    def _settle(self, body: _Body, response: httpx.Response) -> None:
        status = response.status_code
        if response.is_success:
            self._backoff_s = FIRST_BACKOFF_S
            self.tally.sent += 1
            self.tally.items += body.items
            self.tally.bytes += len(body.data)
        elif status in (429, 503):
            wait_s = retry_after_s(response.headers.get("Retry-After"), self.clock.now_ms())
            self._again(body, self._next_backoff_s() if wait_s is None else wait_s, _told(response))
        elif status in (401, 403):
            self.tally.dropped += 1
            self.failure = PermanentError(
                f"the collector at {self.client.base_url} refuses the API key: {_told(response)}"
            )
            self._wake.set()
        elif status >= 500:
            self._again(body, self._next_backoff_s(), _told(response))
        else:
            self.tally.refused += 1
            self.tally.last_error = _told(response)

    def _again(self, body: _Body, wait_s: float, reason: str) -> None:
        """Puts a batch back to the front. Everybody waits: limits and outages concern all of a collector's clients."""
        self._waiting.appendleft(body)
        self._paused_until = max(self._paused_until, self.clock.monotonic() + wait_s)
        self.tally.retried += 1
        self.tally.last_error = reason

    def _next_backoff_s(self) -> float:
        """Doubled once for each pause, not for each of the deliveries in flight that failed together."""
        if self._paused_until <= self.clock.monotonic():
            self._backoff_s = min(MAX_BACKOFF_S, 2 * self._backoff_s)
        return self._backoff_s / 2


def retry_after_s(header: str | None, now_ms: int) -> float | None:
    """Seconds to wait by a Retry-After header, a number or a date (RFC 9110, 10.2.3); None when it says nothing."""
    if header is None:
        return None
    if header.strip().isdigit():
        return min(MAX_RETRY_AFTER_S, float(header))
    try:
        date = parsedate_to_datetime(header)
    except ValueError:
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return min(MAX_RETRY_AFTER_S, max(0.0, date.timestamp() - now_ms / 1000))


def _told(response: httpx.Response) -> str:
    """What the collector says is wrong, in one line: the message of its error and the first detail."""
    try:
        error = response.json()["error"]
        details = error.get("details") or []
        first = f" ({details[0]['loc']}: {details[0]['msg']})" if details else ""
        return f"{response.status_code} {error['message']}{first}"
    except (ValueError, KeyError, TypeError):
        return f"{response.status_code} {response.text[:200]}"
