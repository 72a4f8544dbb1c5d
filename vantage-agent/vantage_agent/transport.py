"""Sending bodies to the collector: one keep-alive connection, gzip, and a verdict that the exporter can act on."""

from __future__ import annotations

# Name resolution would import this codec on first use, in the exporter thread. A fork at that moment would leave the
# child with an import lock that nobody ever releases.
import encodings.idna  # noqa: F401
import http.client
import socket
import ssl
import time
from contextlib import suppress
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Dict, Optional, Union
from urllib.parse import urlsplit

from vantage_agent.bodies import Body
from vantage_agent.tuples import NamedTuple

TIMEOUT_S = 3.0
MAX_RETRY_AFTER_S = 600.0
MAX_ANSWER_BYTES = 65_536

_RETRYABLE = frozenset({408, 425, 429})


class Verdict:
    """What the exporter is to think of a body that was sent."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # the same body would be refused again
    TOO_LARGE = "too large"
    LATER = "later"


class Answer(NamedTuple):
    """What became of a body. `reason` names the status or the error; `retry_after_s` is the collector's wish, and
    `collectors_s` its time, in seconds since 1970."""

    verdict: str
    reason: str
    retry_after_s: Optional[float] = None
    collectors_s: Optional[float] = None


class Transport:
    """For one thread at a time, `abandon` apart. http.client is below everything the agent instruments, so it cannot
    trace itself."""

    def __init__(self, collector_url: str, api_key: Optional[str], agent_version: str) -> None:
        parts = urlsplit(collector_url)
        self._secure = parts.scheme == "https"
        self._host = parts.hostname or "localhost"
        self._port = parts.port
        self._prefix = parts.path.rstrip("/")
        self._abandoned = False
        self._connection: Optional[http.client.HTTPConnection] = None
        self._headers: Dict[str, str] = {
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
            "User-Agent": "vantage-agent/" + agent_version,
        }
        if api_key:
            self._headers["X-API-Key"] = api_key

    def send(self, body: Body) -> Answer:
        """POST a body; raises nothing that a network can cause.

        Each read and write may take TIMEOUT_S. Whoever cannot wait for a trickle of them calls `abandon`.
        """
        reused = self._connection is not None
        answer = self._attempt(body)
        if answer.verdict == Verdict.LATER and reused and answer.reason in _STALE and not self._abandoned:
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

    def abandon(self) -> None:
        """From another thread: make a `send` under way end with an error. This transport is not to be used again."""
        self._abandoned = True
        connection = self._connection
        sock = None if connection is None else connection.sock
        if sock is not None:
            with suppress(OSError):
                # The plain socket's: a TLS socket would drop the state that the sending thread works with.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def _attempt(self, body: Body) -> Answer:
        try:
            if self._connection is None:
                self._connect()
            connection = self._connection
            assert connection is not None
            connection.request("POST", self._prefix + body.path, body.data, self._headers)
            response = connection.getresponse()
            response.read(MAX_ANSWER_BYTES)
            if not response.isclosed():
                self.close()
        except (OSError, http.client.HTTPException, ValueError, RuntimeError) as error:
            # RuntimeError: gevent resolves its first name in a thread pool, which cannot be had while Python exits.
            self.close()
            return Answer(Verdict.LATER, type(error).__name__)
        return judged(response.status, response.headers)

    def _connect(self) -> None:
        """Connect, keeping the socket where `abandon` finds it from its first byte on."""
        connection: Union[http.client.HTTPConnection, http.client.HTTPSConnection]
        if not self._secure:
            self._connection = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
            return
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(self._host, self._port, timeout=TIMEOUT_S, context=context)
        plain = socket.create_connection((self._host, connection.port), TIMEOUT_S)
        try:
            secured = context.wrap_socket(plain, server_hostname=self._host, do_handshake_on_connect=False)
        except BaseException:
            plain.close()
            raise
        connection.sock = secured
        self._connection = connection
        secured.do_handshake()


def judged(status: int, headers: Message) -> Answer:
    """What an answer means for the body it answers."""
    now_s = _http_date(headers.get("Date"))
    if 200 <= status < 300:
        if headers.get_content_type() == "text/html":
            # A login page or a proxy's greeting: whoever says so has not kept the body.
            return Answer(Verdict.LATER, f"{status} with HTML")
        return Answer(Verdict.ACCEPTED, str(status), None, now_s)
    if status == 413:
        return Answer(Verdict.TOO_LARGE, str(status), None, now_s)
    if 300 <= status < 400 or status in _RETRYABLE or status >= 500:
        return Answer(Verdict.LATER, str(status), retry_after(headers.get("Retry-After"), now_s), now_s)
    return Answer(Verdict.REFUSED, str(status), None, now_s)


_STALE = frozenset(
    {"RemoteDisconnected", "ConnectionResetError", "BrokenPipeError", "ConnectionAbortedError", "CannotSendRequest"}
)


def retry_after(header: Optional[str], now_s: Optional[float] = None) -> Optional[float]:
    """Seconds to wait by a Retry-After header (a number or a date), or None where it says nothing usable.

    now_s: the time by the clock that wrote the header; by default ours.
    """
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        date_s = _http_date(header)
        if date_s is None:
            return None
        seconds = date_s - (time.time() if now_s is None else now_s)
    if seconds != seconds:
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)


def _http_date(header: Optional[str]) -> Optional[float]:
    try:
        return None if header is None else parsedate_to_datetime(header).timestamp()
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
