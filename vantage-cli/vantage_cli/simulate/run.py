"""`vantage simulate`: the world's seconds, played at their pace to a collector."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
from vantage_common.clock import Clock

from vantage_cli.simulate.fleet import Fleet, build_fleet
from vantage_cli.simulate.outbox import Outbox
from vantage_cli.simulate.scenario import Timeline, conditions
from vantage_cli.simulate.send import Sender, Tally, open_client
from vantage_cli.simulate.world import Second, simulate_second

TICK_S = 0.1
STATUS_EVERY_S = 5
READY_EVERY_S = 0.5
READY_REMINDER_S = 5.0
MAX_BEHIND_S = 3
"""After a longer stall (a laptop that slept) the missed seconds are left out instead of sent in one burst."""
MAX_BATCHES_PER_S = 100.0
"""Pods of a large fleet send less often, so that their metric batches together stay below this rate."""
CLOSE_TIMEOUT_S = 5.0

Report = Callable[[str], None]


async def simulate(
    collector_url: str,
    *,
    services: int,
    seed: int,
    rps_factor: float,
    flush_s: float,
    api_key: str | None,
    duration_s: float | None,
    clock: Clock,
    stop: asyncio.Event,
    report: Report,
) -> Tally:
    """Plays a fleet to a collector until `stop` is set or `duration_s` has passed; `report` gets lines for people.

    Returns what was sent. Raises UserError for a fleet that cannot be built, PermanentError when the collector
    refuses the API key.
    """
    fleet = build_fleet(services, seed, rps_factor)
    async with open_client(collector_url, api_key) as client:
        if not await wait_ready(client, clock=clock, stop=stop, report=report):
            return Tally()
        epoch_ms = clock.now_ms()
        # Batch ids carry the start: the platform drops an id it has seen, and a second demo is no repetition.
        sender = Sender(client, clock, random.Random(f"{seed}/batches/{epoch_ms}"))
        player = _Player(fleet, Timeline(fleet, seed), seed, epoch_ms, sender, _outbox(fleet, flush_s), report)
        sender.start()
        try:
            await _play(player, clock, stop, duration_s)
        finally:
            player.flush(clock.now_ms())
            await sender.close(CLOSE_TIMEOUT_S)
        if sender.failure is not None:
            raise sender.failure
        report(
            f"stopped: {sender.tally.sent} batches with {sender.tally.items} items sent, {sender.tally.dropped} dropped"
        )
        return sender.tally


async def wait_ready(client: httpx.AsyncClient, *, clock: Clock, stop: asyncio.Event, report: Report) -> bool:
    """Asks the collector's /ready until it says yes (True) or `stop` is set (False), telling why it waits."""
    reminded_at = float("-inf")
    while not stop.is_set():
        try:
            answer = await client.get("/ready")
        except httpx.TransportError as error:
            reason = f"no answer ({type(error).__name__})"
        else:
            if answer.is_success:
                return True
            reason = f"not ready ({answer.status_code})"
        if clock.monotonic() - reminded_at >= READY_REMINDER_S:
            reminded_at = clock.monotonic()
            report(f"waiting for the collector at {client.base_url}: {reason}; `vantage up` starts one")
        await _pause(stop, READY_EVERY_S)
    return False


async def _play(player: "_Player", clock: Clock, stop: asyncio.Event, duration_s: float | None) -> None:
    began = clock.monotonic()
    while not stop.is_set() and player.sender.failure is None:
        elapsed_s = clock.monotonic() - began
        if duration_s is not None and elapsed_s >= duration_s:
            player.advance(int(duration_s), clock.now_ms())
            return
        player.advance(int(elapsed_s), clock.now_ms())
        await _pause(stop, TICK_S)


@dataclass(slots=True)
class _Player:
    """The seconds played so far, what waits to be sent, and what people were told."""

    fleet: Fleet
    timeline: Timeline
    seed: int
    epoch_ms: int
    sender: Sender
    outbox: Outbox
    report: Report
    played: int = 0
    _since_status: list[Second] = field(default_factory=list)
    _sent_at_status: int = 0

    def advance(self, completed: int, now_ms: int) -> None:
        """Plays every second before `completed` that was not yet played, and sends what is due."""
        for second in range(max(self.played, completed - MAX_BEHIND_S), completed):
            lived = simulate_second(self.fleet, self.timeline, self.seed, self.epoch_ms, second)
            self.outbox.add(lived.emissions)
            self._tell(second, lived)
        self.played = max(self.played, completed)
        for batch in self.outbox.take(now_ms):
            self.sender.offer(batch)

    def flush(self, now_ms: int) -> None:
        for batch in self.outbox.take_all(now_ms):
            self.sender.offer(batch)

    def _tell(self, second: int, lived: Second) -> None:
        for event in self.timeline.events(second, second + 1):
            self.report(f"{_clock_face(second)}  {event}")
        self._since_status.append(lived)
        if (second + 1) % STATUS_EVERY_S == 0:
            sent = self.sender.tally.sent - self._sent_at_status
            self._sent_at_status = self.sender.tally.sent
            self.report(
                f"{_clock_face(second + 1)}  {status_line(self.fleet, self._since_status, sent, self.sender.tally)}"
            )
            self._since_status = []


def status_line(fleet: Fleet, seconds: list[Second], sent: int, tally: Tally) -> str:
    """The last few seconds in one line: the fleet's size and traffic, who is unwell, and whether data flows."""
    requests = sum(second.requests for second in seconds)
    failed = sum(second.failed for second in seconds)
    state = seconds[-1].state
    pods = sum(len(service.pods) for service in state.services.values())
    parts = [
        f"{len(fleet.services)} services, {pods} pods, {requests / len(seconds):.0f} requests/s, "
        f"{failed / max(requests, 1):.1%} errors",
        *_unwell(fleet, seconds[-1]),
        f"{sent / len(seconds):.0f} batches/s",
    ]
    if tally.dropped or tally.refused:
        parts.append(f"{tally.dropped} dropped, {tally.refused} refused: {tally.last_error}")
    elif not sent and tally.last_error:
        parts.append(f"collector: {tally.last_error}")
    return " · ".join(parts)


def _unwell(fleet: Fleet, second: Second) -> list[str]:
    by_status: dict[str, list[str]] = {}
    for name, status in conditions(fleet, second.state).items():
        by_status.setdefault("down" if status == "UNKNOWN" else status.lower(), []).append(name)
    return [
        f"{status}: {', '.join(by_status[status])}"
        for status in ("degraded", "unhealthy", "down")
        if status in by_status
    ]


def _outbox(fleet: Fleet, flush_s: float) -> Outbox:
    pods = sum(service.pods for service in fleet.services.values())
    return Outbox(max(flush_s, pods / MAX_BATCHES_PER_S))


def _clock_face(second: int) -> str:
    return f"{second // 60:02d}:{second % 60:02d}"


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    """Waits, but not for longer than until `stop`."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass
