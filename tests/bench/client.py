"""A client that costs the machine little: requests made once as bytes, blocking sockets, one thread a connection."""

import os
import socket
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from multiprocessing import get_context
from multiprocessing.queues import Queue
from threading import Thread
from urllib.parse import urlsplit

TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Answers:
    """What came back in `seconds`: answers by status, latencies in ms from the moment a request was due.

    Status 0 is a connection that broke; it is not opened again.
    """

    seconds: float
    statuses: Counter[int]
    latencies_ms: list[float]

    @property
    def accepted(self) -> int:
        return self.statuses[200] + self.statuses[202] + self.statuses[204]

    @property
    def refused(self) -> dict[int, int]:
        return {status: number for status, number in self.statuses.items() if status not in (200, 202, 204)}

    def quantile(self, q: float) -> float:
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


@dataclass(frozen=True, slots=True)
class Plan:
    """Send until `seconds` are over, or until `total` requests are sent. With a `rate` (requests/s) they are sent at
    their due times, however slow the answers are, as far as the connections go; without one, as fast as answers come.
    """

    connections: int = 2
    seconds: float | None = None
    total: int | None = None
    rate: float | None = None


def drive(
    url: str,
    bodies: Sequence[bytes],
    plan: Plan,
    *,
    core: int | None = None,
    media: str = "json",
    encoding: str = "identity",
) -> Answers:
    """Posts the bodies over and over, from a process of its own that is held to `core`."""
    fresh = get_context("spawn")  # a fork would copy the locks of threads that a Kafka client has here
    results: Queue[Answers] = fresh.Queue()
    process = fresh.Process(target=_drive, args=(url, bodies, plan, core, media, encoding, results))
    process.start()
    answers = results.get()
    process.join()
    return answers


def _drive(
    url: str,
    bodies: Sequence[bytes],
    plan: Plan,
    core: int | None,
    media: str,
    encoding: str,
    results: "Queue[Answers]",
) -> None:
    if core is not None:
        os.sched_setaffinity(0, {core})
    target = urlsplit(url)
    address = (target.hostname or "", target.port or 80)
    requests = [_request(target.path, target.netloc, media, encoding, body) for body in bodies]
    begun = time.monotonic()
    connections = [_Connection(address, requests, plan, number, begun) for number in range(plan.connections)]
    for connection in connections:
        connection.start()
    for connection in connections:
        connection.join()
    results.put(
        Answers(
            time.monotonic() - begun,
            sum((connection.statuses for connection in connections), Counter()),
            [latency for connection in connections for latency in connection.latencies_ms],
        )
    )


def _request(path: str, host: str, media: str, encoding: str, body: bytes) -> bytes:
    head = [
        f"POST {path} HTTP/1.1",
        f"Host: {host}",
        f"Content-Type: application/{media}",
        f"Content-Length: {len(body)}",
    ]
    if encoding != "identity":  # which the OpenTelemetry Collector answers with 400 when it is said aloud
        head.append(f"Content-Encoding: {encoding}")
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


class _Connection(Thread):
    """One keep-alive connection with one request in flight."""

    def __init__(
        self, address: tuple[str, int], requests: Sequence[bytes], plan: Plan, number: int, begun: float
    ) -> None:
        super().__init__(daemon=True)
        self.statuses: Counter[int] = Counter()
        self.latencies_ms: list[float] = []
        self._address = address
        self._requests = requests
        self._plan = plan
        self._number = number
        self._begun = begun

    def run(self) -> None:
        try:
            self._converse()
        except OSError:
            self.statuses[0] += 1

    def _converse(self) -> None:
        plan = self._plan
        with socket.create_connection(self._address, timeout=TIMEOUT_S) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            turn = self._number
            while plan.total is None or turn < plan.total:
                now = time.monotonic()
                due = now if plan.rate is None else self._begun + turn / plan.rate
                if plan.seconds is not None and max(due, now) - self._begun >= plan.seconds:
                    return
                if due > now:
                    time.sleep(due - now)
                self.statuses[self._exchange(connection, self._requests[turn % len(self._requests)])] += 1
                self.latencies_ms.append((time.monotonic() - due) * 1000)
                turn += plan.connections

    def _exchange(self, connection: socket.socket, request: bytes) -> int:
        """The status of the answer, read to its end."""
        connection.sendall(request)
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._more(connection)
        head = received[:end].lower()
        status = int(head.split(b" ", 2)[1])
        if status == HTTPStatus.NO_CONTENT:
            return status
        if b"content-length:" not in head:
            raise NotImplementedError("an answer without Content-Length: this client reads no other")
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        missing = end + 4 + length - len(received)
        while missing > 0:
            missing -= len(self._more(connection))
        return status

    @staticmethod
    def _more(connection: socket.socket) -> bytes:
        received = connection.recv(65536)
        if not received:
            raise ConnectionError("the server closed the connection before its answer was whole")
        return received
