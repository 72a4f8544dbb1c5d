"""Celery: tasks as they are sent, and as a worker of whatever pool runs them.

A task's trace goes along in its message's headers. Each attempt is an operation of its own: a retry is a message sent
by the attempt that failed.
"""

from __future__ import annotations

import functools
import logging
import sys
import time
from contextvars import ContextVar
from time import perf_counter_ns
from typing import Any, NamedTuple, Optional

from vantage_agent import state
from vantage_agent.context import incoming, traceparent_of, with_member
from vantage_agent.instrumentation.messaging import PARENT, STATE, Targets
from vantage_agent.instrumentation.opentelemetry import traced_by_opentelemetry
from vantage_agent.instrumentation.patching import Patcher
from vantage_agent.operations import PROCESSED_METRIC, SENT_METRIC, operation
from vantage_agent.recorder import Recorder
from vantage_agent.records import OPERATION, Tags, Target

CHILD_FLUSH_S = 2.0

log = logging.getLogger("vantage.agent")


class Running(NamedTuple):
    """A task that this thread is running, what it came with, and the one that it interrupts (eager tasks nest)."""

    operation: operation
    request: Any
    parent: Optional[str]
    outer: Optional[Running]


_SENDING: ContextVar[Optional[operation]] = ContextVar("vantage_agent_celery_sending", default=None)
_RUNNING: ContextVar[Optional[Running]] = ContextVar("vantage_agent_celery_running", default=None)


def sent_task(task: str, queue: str) -> Target:
    return _target(SENT_METRIC, "producer", "send", task, queue)


def processed_task(task: str, queue: str) -> Target:
    return _target(PROCESSED_METRIC, "consumer", "process", task, queue)


def _target(metric: str, kind: str, verb: str, task: str, queue: str) -> Target:
    tags: Tags = (("messaging.system", "celery"), ("messaging.operation.name", verb))
    if queue:
        tags += (("messaging.destination.name", queue),)
    return Target(metric, kind, f"{verb} {task}", tags, (*tags, ("messaging.operation.type", verb)))


def install_sending(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    if traced_by_opentelemetry("celery"):
        return
    targets = Targets(sent_task)

    def wrap(original: Any) -> Any:
        @functools.wraps(original)
        def send_task(self: Any, name: Any, *args: Any, **kwargs: Any) -> Any:
            if not recorder.active:
                return original(self, name, *args, **kwargs)
            with operation(recorder, targets.of(name, "")) as sending:
                token = _SENDING.set(sending)
                try:
                    return original(self, name, *args, **kwargs)
                finally:
                    _SENDING.reset(token)

        return send_task

    def before_publish(sender: Any = None, headers: Any = None, routing_key: Any = None, **_: Any) -> None:
        # Only here are the queue and the message known. `headers` is the message's own, not what the caller gave.
        sending = _SENDING.get()
        if sending is None or not recorder.active:
            return
        sending.target = targets.of(sender, routing_key or "")
        running = _RUNNING.get()
        given = headers.get(PARENT)
        if given is None or (running is not None and given == running.parent):
            # A retry takes the headers of the attempt along; they say where that one came from.
            inherited = sending.span.tracestate
            headers[PARENT] = traceparent_of(sending.span)
            headers[STATE] = with_member(recorder.member, inherited) if inherited else recorder.member

    patcher.wrap(module.Celery, "send_task", wrap)
    _connect(patcher, module.signals.before_task_publish, before_publish)


def install_running(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    if traced_by_opentelemetry("celery"):
        return
    targets = Targets(processed_task)

    def before(task: Any = None, **_: Any) -> None:
        if not recorder.active:
            return
        request = task.request
        parent = _text(request.get(PARENT))
        # An eager task has no message: it is part of what its caller does.
        span = None if request.is_eager else incoming(parent, _text(request.get(STATE)), recorder.floor)
        queue = (request.delivery_info or {}).get("routing_key") or ""
        work = operation(recorder, targets.of(task.name, queue), span)
        _RUNNING.set(Running(work.__enter__(), request, parent, _RUNNING.get()))

    def after(task: Any = None, state: Any = None, retval: Any = None, **_: Any) -> None:
        running = _RUNNING.get()
        if running is None or running.request is not task.request:
            return
        _RUNNING.set(running.outer)
        error = _failure(state, retval)
        if not isinstance(error, SystemExit) or not _is_signal(error.code):
            running.operation.__exit__(type(error) if error else None, None, None)

    _connect(patcher, module.task_prerun, before)
    _connect(patcher, module.task_postrun, after)
    _connect(patcher, module.worker_process_shutdown, _flush_child)


def _failure(state: Any, retval: Any) -> Optional[BaseException]:
    """What an attempt failed with. Asking to be run again later, without a failure, is none."""
    if state in ("SUCCESS", "IGNORED"):
        return None
    error = getattr(retval, "exc", None) if state == "RETRY" else retval or sys.exc_info()[1]
    return error if isinstance(error, BaseException) else None


def _is_signal(code: Any) -> bool:
    """Whether a pool child exits because of a signal that its worker sent (billiard's handler leaves by signal - 256).
    The worker knows why, and records it: see `install_losses`."""
    return isinstance(code, int) and -256 < code <= -192


def _flush_child(**_: Any) -> None:
    """A child of the prefork pool ends by os._exit, which leaves no other chance."""
    agent = state.agent
    if agent is not None:
        agent.flush(CHILD_FLUSH_S)


def install_losses(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    """Tasks whose process was killed (hard time limit, out of memory): only the worker's main process can tell."""
    if traced_by_opentelemetry("celery"):
        return
    targets = Targets(processed_task)
    killed = (module.TimeLimitExceeded, module.WorkerLostError, module.Terminated)

    def wrap(original: Any) -> Any:
        @functools.wraps(original)
        def on_failure(self: Any, exc_info: Any, *args: Any, **kwargs: Any) -> Any:
            error = exc_info.exception
            error = getattr(error, "exc", error)
            if recorder.active and isinstance(error, killed):
                try:
                    _record_loss(recorder, targets, self, type(error).__qualname__)
                except Exception:
                    log.debug("a lost task could not be recorded", exc_info=True)
            return original(self, exc_info, *args, **kwargs)

        return on_failure

    patcher.wrap(module.Request, "on_failure", wrap)


def _record_loss(recorder: Recorder, targets: Targets, request: Any, error: str) -> None:
    now = time.time()
    # A process that dies at once has not said that it began: such a loss is counted without a duration.
    began = request.time_start or now
    ended_ns = perf_counter_ns()
    started_ns = ended_ns - int(max(0.0, now - began) * 1e9)
    headers = request.request_dict
    span = incoming(_text(headers.get(PARENT)), _text(headers.get(STATE)), recorder.floor)
    span.local_root = False
    target = targets.of(request.type, request.delivery_info.get("routing_key") or "")
    recorder.emit((OPERATION, started_ns, ended_ns, span, target, error))


def _connect(patcher: Patcher, signal: Any, receiver: Any) -> None:
    signal.connect(receiver, weak=False)
    patcher.on_restore(lambda: signal.disconnect(receiver))


def _text(value: Any) -> Optional[str]:
    return value if isinstance(value, str) else None
