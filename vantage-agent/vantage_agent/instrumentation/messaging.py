"""What the message clients have in common: the trace in a message's headers, targets by name, what was received."""

from __future__ import annotations

import logging
import time
from time import perf_counter_ns
from typing import Any, Callable, Dict, Iterable, Optional, Tuple

from vantage_agent.context import CURRENT, Span, child, continued, traceparent_of, with_member
from vantage_agent.fold import OTHER
from vantage_agent.limits import PerSecond
from vantage_agent.operations import SENT_METRIC, operation
from vantage_agent.recorder import Recorder
from vantage_agent.records import METRIC, OPERATION, Target

RECEIVED_METRIC = "messaging.client.consumed.messages"
NAMES = 200
NAME_LIMIT = 256
TRACED_PER_SECOND = 1_000

PARENT, STATE = "traceparent", "tracestate"

log = logging.getLogger("vantage.agent")


class Targets:
    """One Target for each name (or several that go together), made when it is first met.

    Topics and tasks may be named by the application as it runs. What comes after the first NAMES shares `_OTHER`.
    """

    def __init__(self, make: Callable[..., Target]) -> None:
        self._make = make
        self._known: Dict[Tuple[Any, ...], Target] = {}

    def of(self, *names: Any) -> Target:
        try:
            return self._known.get(names) or self._admit(names)
        except TypeError:
            # No name at all: the client is about to say so.
            return self._make(*[OTHER] * len(names))

    def _admit(self, names: Tuple[Any, ...]) -> Target:
        if len(self._known) >= NAMES:
            names = (OTHER,) * len(names)
        target = self._make(*(str(name)[:NAME_LIMIT] for name in names))
        return self._known.setdefault(names, target)


def kafka_target(metric: str, kind: str, verb: str, topic: str) -> Target:
    """`verb` is send or receive. Without a metric only the span is recorded."""
    tags = (
        ("messaging.system", "kafka"),
        ("messaging.destination.name", topic),
        ("messaging.operation.name", verb),
    )
    return Target(metric, kind, f"{verb} {topic}", tags, (*tags, ("messaging.operation.type", verb)))


def sent_to(topic: str) -> Target:
    return kafka_target(SENT_METRIC, "producer", "send", topic)


def received_from(topic: str) -> Target:
    return kafka_target("", "consumer", "receive", topic)


def header(headers: Any, name: str) -> Optional[str]:
    """Text of a header out of a mapping or (name, value) pairs; values may be bytes. None where it is not there."""
    if isinstance(headers, dict):
        value = headers.get(name)
    elif isinstance(headers, (list, tuple)):
        value = next((value for key, value in headers if key == name), None)
    else:
        # Nothing, or an iterator, which can be read once and not by us.
        return None
    return value.decode("latin-1") if isinstance(value, bytes) else value


def outgoing(recorder: Recorder, headers: Any) -> Tuple[Span, Any]:
    """The span of a message about to be sent, and the headers to send it with: a copy that has the trace in it.

    What is there already stays as it is: another tracer's, or passed on by hand. Headers of a shape that we do not
    know go on untouched; the client has its own word to say about them.
    """
    try:
        parent, state = header(headers, PARENT), header(headers, STATE)
        span = continued(parent, state) if parent else None
        if span is None:
            span = child(CURRENT.get(), recorder.floor)
        added = []
        if parent is None:
            added.append((PARENT, traceparent_of(span).encode()))
        if state is None:
            inherited = span.tracestate
            member = with_member(recorder.member, inherited) if inherited else recorder.member
            added.append((STATE, member.encode()))
        return span, _extended(headers, added)
    except Exception:
        log.debug("trace headers could not be added", exc_info=True)
        return child(CURRENT.get(), recorder.floor), headers


def _extended(headers: Any, added: Any) -> Any:
    if headers is None:
        return added
    if isinstance(headers, dict):
        return {**headers, **dict(added)}
    if isinstance(headers, tuple):
        return (*headers, *added)
    return [*headers, *added] if isinstance(headers, list) else headers


def begin_send(recorder: Recorder, targets: Targets, topic: Any, headers: Any) -> Tuple[operation, Any]:
    """Start the clock of a message being sent; also the headers to send it with."""
    span, headers = outgoing(recorder, headers)
    return operation(recorder, targets.of(topic), span).begin(), headers


class Receipts:
    """Tells of messages as they are handed to the application.

    All are counted. Those that carry a trace show up in it as a span without a duration, for what follows is the
    application's own loop: nobody says when a message is done with. At most TRACED_PER_SECOND spans a second, so that
    a consumer that drains a topic pays for its spans a thousandth of its time.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._targets = Targets(received_from)
        self._traced = PerSecond(TRACED_PER_SECOND)

    def take(self, topic: Any, headers: Iterable[Any]) -> None:
        """Messages of one topic, told by the headers of each."""
        try:
            self._take(topic, list(headers))
        except Exception:
            log.debug("received messages could not be recorded", exc_info=True)

    def _take(self, topic: Any, headers: "list[Any]") -> None:
        emit = self._recorder.emit
        target = self._targets.of(topic)
        emit((METRIC, time.time() * 1000, RECEIVED_METRIC, len(headers), "counter", target.tags, None, None, False))
        now = perf_counter_ns()
        for one in headers:
            if not one:
                continue
            if not self._traced.take():
                return
            parent = header(one, PARENT)
            span = continued(parent, header(one, STATE)) if parent else None
            if span is not None:
                emit((OPERATION, now, now, span, target, None))
