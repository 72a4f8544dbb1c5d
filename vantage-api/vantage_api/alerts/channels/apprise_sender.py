"""Messages by Apprise, a child process each: see apprise_child.py."""

import asyncio
import sys
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from vantage_common.errors import UserError
from vantage_common.telemetry import get_logger

from vantage_api.alerts.channels.outcome import DELIVERED, Outcome, timed_out
from vantage_api.alerts.channels.secrets import scrubbed
from vantage_api.alerts.channels.targets import Network

TIMEOUT_S: Final = 10.0
START_S: Final = 30.0
"""Loading Apprise on a machine that is busy with something else."""
AT_ONCE: Final = 2
_ENVIRONMENT: Final = {"LANG": "C.UTF-8", "PATH": ""}
"""Nothing of ours: no keys, and no proxy that would connect to what the guard refuses."""
_log = get_logger(__name__)


class AppriseSender:
    """Never raises but for `check`. At most `AT_ONCE` children run; the others wait."""

    def __init__(self, allowed: Sequence[Network], *, timeout_s: float = TIMEOUT_S) -> None:
        self._allowed = [str(network) for network in allowed]
        self._timeout_s = timeout_s
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def send(self, url: str, title: str, body: str, severity: str) -> Outcome:
        return await self._run({"url": url, "title": title, "body": body, "severity": severity, "send": True})

    async def check(self, url: str) -> None:
        """Raises UserError 422 when Apprise cannot make sense of the address."""
        outcome = await self._run({"url": url, "send": False})
        if outcome.kind == "timeout":
            raise UserError("unavailable", "Apprise did not start in time", status=503, retry_after_s=5)
        if outcome.kind != "delivered":
            raise UserError(
                "bad_channel",
                f"Apprise cannot read the address: {outcome.reason}",
                status=422,
                hint="https://appriseit.com/services/ shows how each service's address is written",
            )

    async def _run(self, task: dict[str, Any]) -> Outcome:
        async with self._turns:
            child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-B", "-m", "vantage_api.alerts.channels.apprise_child"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=_ENVIRONMENT,
            )
            try:
                return await self._talk(child, {**task, "allowed": self._allowed})
            except TimeoutError:
                return timed_out(self._timeout_s)
            finally:
                if child.returncode is None:
                    child.kill()
                await child.wait()

    async def _talk(self, child: asyncio.subprocess.Process, task: dict[str, Any]) -> Outcome:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(msgspec.json.encode(task))
        child.stdin.close()
        async with asyncio.timeout(START_S):
            started = await child.stdout.readline()
        if started.strip() == b"ready":
            async with asyncio.timeout(self._timeout_s):
                answer = await child.stdout.readline()
            return _outcome(answer, task["url"])
        _log.error("Apprise did not start", scheme=task["url"].partition(":")[0])
        return Outcome("failed", "Apprise did not start", again=True)


def _outcome(answer: bytes, url: str) -> Outcome:
    try:
        told = msgspec.json.decode(answer, type=dict[str, str])
    except msgspec.DecodeError:
        return Outcome("failed", "Apprise ended without an answer", again=True)
    reason = scrubbed(told["reason"], url)
    match told["outcome"]:
        case "delivered":
            return DELIVERED
        case "refused":
            return Outcome("refused", reason)
        case _:
            return Outcome("failed", reason or "the service did not take it", again=True)
