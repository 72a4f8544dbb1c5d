"""Passing messages on: a lane for each channel, in order, with patience and within bounds.

Lanes wait in memory: what has not been sent when the process dies is lost, while the alert itself is kept.
"""

import asyncio
import hashlib
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from math import ceil
from typing import Final, TypeAlias

import msgspec
from vantage_common.clock import Clock
from vantage_common.errors import UserError, VantageError
from vantage_common.http.ratelimit import RateLimiter
from vantage_common.telemetry import get_logger

from vantage_api.alerts.channels import text
from vantage_api.alerts.channels.apprise_sender import AppriseSender
from vantage_api.alerts.channels.channel import Channel, read
from vantage_api.alerts.channels.outcome import Outcome
from vantage_api.alerts.channels.webhook import WebhookSender
from vantage_api.alerts.notification import Notification
from vantage_api.documents import Shelf
from vantage_api.metrics import ApiMetrics

RETRY_AFTER_S: Final = (1.0, 4.0, 16.0)
PER_MINUTE: Final = 30
"""Messages to one channel; more wait."""
MAX_IN_LANE: Final = 100
MAX_WAITING: Final = 2000
SENDING_AT_ONCE: Final = 8
DRAIN_WITHIN_S: Final = 5.0
_log = get_logger(__name__)

Lane: TypeAlias = tuple[str, str]
"""Workspace and channel."""


class Deliveries:
    """The `Notifier` of the alerts. `stop` gives what waits a last chance."""

    def __init__(
        self,
        shelf: Shelf,
        webhooks: WebhookSender,
        apprise: AppriseSender,
        clock: Clock,
        metrics: ApiMetrics,
        *,
        public_url: str = "",
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._shelf = shelf
        self._webhooks = webhooks
        self._apprise = apprise
        self._clock = clock
        self._metrics = metrics
        self._public_url = public_url
        self._sleep = sleep
        self._chance = chance
        self._limiter = RateLimiter(PER_MINUTE, clock)
        self._turns = asyncio.Semaphore(SENDING_AT_ONCE)
        self._lanes: dict[Lane, deque[Notification]] = {}
        self._tasks: dict[Lane, asyncio.Task[None]] = {}
        self._dropped: Counter[Lane] = Counter()
        """Since the last message that got through."""
        self._closed = False

    async def notify(self, notification: Notification, channel_ids: Sequence[str]) -> None:
        """Queues it. Of a full lane the oldest goes: what is true now is worth more."""
        for id_ in channel_ids:
            self._enqueue((notification.workspace, id_), notification)

    async def test(self, workspace: str, id_: str, channel: Channel) -> Outcome:
        """Sends a sample at once, by one attempt. Raises UserError 429 when the channel has had enough."""
        if (wait_s := self._limiter.take(_bucket((workspace, id_)))) > 0:
            hint = f"a channel takes {PER_MINUTE} messages a minute"
            raise UserError(
                "rate_limited", "too many messages to this channel", status=429, hint=hint, retry_after_s=ceil(wait_s)
            )
        message = text.sample(workspace, channel.as_body(), self._clock.now_ms())
        outcome = await self._send((workspace, id_), channel, message)
        self._count(channel.service, outcome.kind)
        return outcome

    async def stop(self, within_s: float = DRAIN_WITHIN_S) -> None:
        """Nothing is taken any more; what waits is sent as far as the time allows."""
        self._closed = True
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks.values(), timeout=within_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        if left := len(late) + self.waiting:
            self._metrics.notifications.labels("unknown", "dropped").inc(left)
            _log.warning("messages were not sent before the end", count=left)

    @property
    def waiting(self) -> int:
        """Messages that no attempt has begun for."""
        return sum(len(messages) for messages in self._lanes.values())

    def _enqueue(self, lane: Lane, message: Notification) -> None:
        if self._closed or self.waiting >= MAX_WAITING:
            self._drop(lane)
            return
        messages = self._lanes.setdefault(lane, deque())
        if len(messages) >= MAX_IN_LANE:
            messages.popleft()
            self._drop(lane)
        messages.append(message)
        if lane not in self._tasks:
            self._tasks[lane] = asyncio.create_task(self._empty(lane, messages))

    def _drop(self, lane: Lane) -> None:
        self._dropped[lane] += 1
        self._count("unknown", "dropped")
        _log.warning("a message was dropped: too many wait", channel=lane[1], workspace=lane[0])

    async def _empty(self, lane: Lane, messages: deque[Notification]) -> None:
        """One message after the other: the end of an alert never overtakes its beginning."""
        try:
            while messages:
                while (wait_s := self._limiter.take(_bucket(lane))) > 0:
                    await self._sleep(wait_s)
                await self._deliver(lane, messages.popleft())
            del self._lanes[lane]
        finally:
            del self._tasks[lane]

    async def _deliver(self, lane: Lane, message: Notification) -> None:
        service, outcome = await self._attempt(lane, message)
        for pause_s in RETRY_AFTER_S:
            if not outcome.again:
                break
            await self._sleep(pause_s * (0.5 + self._chance()))
            service, outcome = await self._attempt(lane, message)
        self._count(service, outcome.kind)
        if outcome.kind == "delivered":
            self._dropped.pop(lane, None)
        else:
            _log.warning("a message was not delivered", channel=lane[1], kind=service, reason=outcome.reason)

    async def _attempt(self, lane: Lane, message: Notification) -> tuple[str, Outcome]:
        """The channel as it is now, and what became of the attempt. Never raises."""
        try:
            channel = read((await self._shelf.one(*lane)).body)
            if not channel.enabled:
                return channel.service, Outcome("refused", "the channel is disabled")
            async with self._turns:
                return channel.service, await self._send(lane, channel, message)
        except UserError:
            return "unknown", Outcome("refused", "there is no such channel")
        except VantageError as error:
            return "unknown", Outcome("failed", str(error), again=True)
        except Exception:
            _log.exception("a message could not be sent", channel=lane[1])
            return "unknown", Outcome("failed", "something failed on our side; the log says what")

    async def _send(self, lane: Lane, channel: Channel, message: Notification) -> Outcome:
        dropped = self._dropped[lane]
        if channel.kind == "webhook":
            body = msgspec.json.encode(text.event_of(message, self._public_url, dropped))
            secrets = channel.secrets(self._clock.now_ms())
            return await self._webhooks.send(channel.url, secrets, message_id(lane, message), body)
        told = text.body_of(message, self._public_url, dropped)
        return await self._apprise.send(channel.url, text.title_of(message), told, message.severity)

    def _count(self, service: str, outcome: str) -> None:
        self._metrics.notifications.labels(service, outcome).inc()


def message_id(lane: Lane, message: Notification) -> str:
    """The same for every attempt, and for an alert that is told again after a crash: receivers drop what they have."""
    told = "\0".join((*lane, message.alert_id, message.state, str(message.at_ms)))
    return "msg_" + hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _bucket(lane: Lane) -> str:
    return "\0".join(lane)
