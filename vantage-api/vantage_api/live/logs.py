"""Tails the logs from the bus while anyone watches, and a minute longer."""

from collections import defaultdict

from vantage_common.block import BlockBody, decode_block
from vantage_common.bus.api import LOGS_RAW, Bus, Message, Tail
from vantage_common.clock import Clock
from vantage_common.errors import BusUnavailable, NewerSchema, PoisonRecord
from vantage_common.telemetry import get_logger

from vantage_api.live.channel import Channel
from vantage_api.live.outboxes import LogOutbox
from vantage_api.live.pace import pause
from vantage_api.live.ring import Event
from vantage_api.live.streams import log_lines
from vantage_api.metrics import ApiMetrics

_FETCH = 100
_FETCH_TIMEOUT_S = 1.0
_log = get_logger(__name__)


class LogFeed:
    def __init__(self, bus: Bus, clock: Clock, channel: Channel[LogOutbox], metrics: ApiMetrics) -> None:
        self._bus = bus
        self._clock = clock
        self._channel = channel
        self._metrics = metrics

    async def run(self) -> None:
        """For ever: waits for a first client, then tails from now on until nobody is expected to come back."""
        while True:
            await self._channel.recording.wait()
            tail = self._bus.tail([LOGS_RAW])
            await tail.start(None)
            try:
                while self._channel.recording.is_set():
                    await self._step(tail)
            finally:
                await tail.stop()

    async def _step(self, tail: Tail) -> None:
        try:
            messages = await tail.fetch(_FETCH, _FETCH_TIMEOUT_S)
        except BusUnavailable as error:
            _log.warning("logs cannot be followed", reason=str(error))
            await pause()
            return
        lines: defaultdict[str, list[Event]] = defaultdict(list)
        for message in messages:
            block = self._decoded(message)
            if block is not None and self._channel.is_recorded(block.workspace):
                lines[block.workspace].extend(log_lines(block))
        for workspace, events in lines.items():
            self._channel.emit(workspace, events, self._clock.now_ms())

    def _decoded(self, message: Message) -> BlockBody | None:
        """The block, None when it is none of ours: the worker takes such a record to the dead letters."""
        try:
            block = decode_block(message.value)
        except (PoisonRecord, NewerSchema):
            self._metrics.poison.labels(message.topic).inc()
            return None
        return block if block.kind == "logs" else None
