"""Clients that send events as the agent does: a batch with an id, again and again until the collector says 202."""

import http.client
import json
import random
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from tests.faults.oracle import ACKNOWLEDGED, Batch, Kind, Oracle
from tests.waiting import eventually

BATCH_EVENTS = 40
SERVICES = 12
"""So many names fall into every partition."""
DAY_MS = 86_400_000
ANSWER_WITHIN_S = 10.0
RETRY_EVERY_S = (0.1, 0.5)
GIVE_UP_AFTER_S = 120.0
"""Once the load is to stop: a client that is still refused then keeps its last word, and its batch counts as sent."""
_MIX: tuple[Kind, ...] = (*("metrics",) * 8, "spans", "logs")
PATHS: dict[Kind, str] = {"metrics": "/v1/metrics", "spans": "/v1/traces", "logs": "/v1/logs"}


class Load:
    """Sends while the block runs. Of three clients one gives its batches no id, as OTLP does, and sends none twice:
    what it was not told may or may not be stored, but never more than once, and no id helps the worker to see to it."""

    def __init__(self, oracle: Oracle, run: str, url: str, *, clients: int = 3, pause_s: float = 0.05) -> None:
        self.run = run
        self._oracle = oracle
        self._target = urlsplit(url)
        self._pause_s = pause_s
        self._stop = threading.Event()
        self._failures: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._client, args=(number, number % 3 != 2), daemon=True)
            for number in range(clients)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def recovery_s(self, is_stored: Callable[[Batch], bool], *, within_s: float = 90.0) -> float:
        """Seconds from now until a batch made after now has been acknowledged and stored."""
        begun = time.monotonic()
        _, before = self._oracle.bounds(self.run)

        def fresh() -> bool:
            later = [b for b in self._oracle.acknowledged(self.run) if b.first >= before and b.kind == "metrics"]
            return bool(later) and is_stored(later[0])

        eventually(fresh, within_s=within_s, what=f"{self.run}: an event sent after the fault is stored")
        return time.monotonic() - begun

    def _client(self, number: int, is_patient: bool) -> None:
        rng = random.Random(f"{self.run}/{number}")  # a batch id must not come again in another run
        connection = self._connection()
        sent = 0
        try:
            while not self._stop.wait(self._pause_s):
                batch = self._oracle.new_batch(self.run, _MIX[sent % len(_MIX)], BATCH_EVENTS)
                connection = self._deliver(connection, batch, is_patient, rng)
                sent += 1
        except BaseException as error:
            self._failures.append(error)
        finally:
            connection.close()

    def _deliver(
        self, connection: http.client.HTTPConnection, batch: Batch, is_patient: bool, rng: random.Random
    ) -> http.client.HTTPConnection:
        batch_id = {"batch_id": f"{rng.getrandbits(128):032x}"} if is_patient else {}
        body = json.dumps({**body_of(batch, time.time_ns() // 1_000_000), **batch_id}).encode()
        given_up_at = None
        while True:
            status = self._post(connection, PATHS[batch.kind], body)
            self._oracle.heard(batch, status)
            if status == ACKNOWLEDGED or not is_patient:
                return connection
            if status.startswith("4"):
                raise AssertionError(f"{batch} was refused with {status}")
            if self._stop.is_set():
                given_up_at = given_up_at or time.monotonic() + GIVE_UP_AFTER_S
                if time.monotonic() > given_up_at:
                    return connection
            connection.close()
            connection = self._connection()
            time.sleep(rng.uniform(*RETRY_EVERY_S))

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._target.hostname or "", self._target.port, timeout=ANSWER_WITHIN_S)

    def _post(self, connection: http.client.HTTPConnection, path: str, body: bytes) -> str:
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return type(error).__name__
        return str(answer.status)


def body_of(batch: Batch, now_ms: int) -> dict[str, Any]:
    """A native batch of two services, hence of two records; every fifth event is of yesterday, hence of another part
    of the store's. The event's number is the value of a metric, the id of a span, the text of a log line."""
    item_of = {"metrics": _metric, "spans": _span, "logs": _log}[batch.kind]
    items = []
    for number in range(batch.first, batch.end):
        at = now_ms - (DAY_MS if number % 5 == 0 else 0)
        service = f"faulty-{(batch.first // BATCH_EVENTS + number % 2) % SERVICES:02d}"
        items.append({"service_name": service, **item_of(number, at)})
    return {"service_name": "faulty", "instance": "one", batch.kind: items}


def service_of(number: int) -> str:
    """Which service an event is of: a row that names another has been mixed up on its way."""
    return f"faulty-{((number - 1) // BATCH_EVENTS + number % 2) % SERVICES:02d}"


def _metric(number: int, at: int) -> dict[str, Any]:
    return {"timestamp": at, "metric_name": "event", "metric_type": "gauge", "value": float(number)}


def _span(number: int, at: int) -> dict[str, Any]:
    span = {
        "trace_id": f"trace-{number}",
        "span_id": str(number),
        "name": "event",
        "kind": "server",
        "duration_ms": 1.5,
    }
    return {"start_time": at, **span}


def _log(number: int, at: int) -> dict[str, Any]:
    return {"timestamp": at, "severity": "INFO", "body": str(number)}
