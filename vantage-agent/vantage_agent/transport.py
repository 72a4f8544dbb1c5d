"""Sending bodies to the collector: one keep-alive connection, gzip, and a verdict that the exporter can act on."""

from __future__ import annotations

# Name resolution would import this codec on first use, in the exporter thread. A fork at that moment would leave the
# child with an import lock that nobody ever releases.
import encodings.idna  # noqa: F401
import http.client
import ssl
import time
import zlib
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Dict, NamedTuple, Optional, Union
from urllib.parse import urlsplit

TIMEOUT_S = 3.0
MAX_RETRY_AFTER_S = 600.0
MAX_ANSWER_BYTES = 65_536

_RETRYABLE = frozenset({408, 425, 429})


class Verdict(Enum):
    ACCEPTED = "accepted"
    REFUSED = "refused"  # the same body would be refused again
    LATER = "later"


class Answer(NamedTuple):
    """What became of a body. `reason` names the status or the error; `retry_after_s` is the collector's wish."""

    verdict: Verdict
    reason: str
    retry_after_s: Optional[float] = None


class Body(NamedTuple):
    """A body as it goes over the wire. Kept as it is between attempts, so that its batch id stays the same."""

    path: str
    data: bytes
    samples: int


def compress(text: str) -> bytes:
    """gzip at level 1: the higher levels cost several times the CPU for a few percent."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return packer.compress(text.encode()) + packer.flush()


class Transport:
    """Not thread-safe: the exporter thread's. http.client is below everything the agent instruments, so it cannot
    trace itself."""

    def __init__(self, collector_url: str, api_key: Optional[str], agent_version: str) -> None:
        parts = urlsplit(collector_url)
        self._secure = parts.scheme == "https"
        self._host = parts.hostname or "localhost"
        self._port = parts.port
        self._prefix = parts.path.rstrip("/")
        self._connection: Optional[http.client.HTTPConnection] = None
        self._headers: Dict[str, str] = {
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
            "User-Agent": "vantage-agent/" + agent_version,
        }
        if api_key:
            self._headers["X-API-Key"] = api_key

    def send(self, body: Body) -> Answer:
        """POST a body. Takes a few times TIMEOUT_S at most; raises nothing that a network can cause."""
        reused = self._connection is not None
        answer = self._attempt(body)
        if answer.verdict is Verdict.LATER and reused and answer.reason in _STALE:
            # The collector closed an idle connection; that says nothing about its health.
            answer = self._attempt(body)
        return answer

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def forget(self) -> None:
        """In a fork's child: the socket is the parent's, and closing our copy of it does not disturb them."""
        connection, self._connection = self._connection, None
        if connection is not None and connection.sock is not None and not self._secure:
            connection.sock.close()

    def _attempt(self, body: Body) -> Answer:
        try:
            connection = self._connection or self._connect()
            self._connection = connection
            connection.request("POST", self._prefix + body.path, body.data, self._headers)
            response = connection.getresponse()
            response.read(MAX_ANSWER_BYTES)
            if not response.isclosed():
                self.close()
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            return Answer(Verdict.LATER, type(error).__name__)
        status = response.status
        if 200 <= status < 300:
            return Answer(Verdict.ACCEPTED, str(status))
        if status in _RETRYABLE or status >= 500:
            return Answer(Verdict.LATER, str(status), retry_after(response.getheader("Retry-After")))
        return Answer(Verdict.REFUSED, str(status))

    def _connect(self) -> http.client.HTTPConnection:
        connection: Union[http.client.HTTPConnection, http.client.HTTPSConnection]
        if self._secure:
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(self._host, self._port, timeout=TIMEOUT_S, context=context)
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
        return connection


_STALE = frozenset(
    {"RemoteDisconnected", "ConnectionResetError", "BrokenPipeError", "ConnectionAbortedError", "CannotSendRequest"}
)


def retry_after(header: Optional[str]) -> Optional[float]:
    """Seconds to wait by a Retry-After header (a number or a date), or None where it says nothing usable."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(header).timestamp() - time.time()
        except (TypeError, ValueError):
            return None
    if seconds != seconds:
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)
