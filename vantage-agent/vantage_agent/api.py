"""The functions an application calls."""

from __future__ import annotations

import os
import threading
import time
from typing import Iterable, Mapping, Optional

from vantage_agent import state
from vantage_agent.agent import Agent
from vantage_agent.config import TAG_LIMIT, TAGS_PER_ITEM, load
from vantage_agent.context import CURRENT, SAMPLED
from vantage_agent.records import METRIC, Tags

_TYPES = frozenset({"gauge", "counter", "histogram", "summary"})
_lock = threading.Lock()


def _renew_lock() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def init_agent(
    service_name: Optional[str] = None,
    collector_url: Optional[str] = None,
    auto_instrument: Optional[Iterable[str]] = None,
    environment: Optional[str] = None,
    version: Optional[str] = None,
    api_key: Optional[str] = None,
    tags: Optional[Mapping[str, str]] = None,
    sample_rate: Optional[float] = None,
    flush_interval: Optional[float] = None,
) -> None:
    """Start the agent. Call it once, anywhere: before or after the libraries are imported and the apps are built.

    service_name: letters, digits and `_.:/-`; other characters become `-`.
    collector_url: http(s)://host[:port][/prefix]. Default http://localhost:8000.
    auto_instrument: names out of vantage_agent.config.LIBRARIES, [] for none. Default: all of them.
    environment: default "production". version: of your service, sent as tag `version`.
    tags: on every metric; `namespace` places the service in a district of the city. At most 30.
    sample_rate: share of traces kept whole, 0 to 1; metrics always count every request. Default 1.
    flush_interval: seconds between sends, default 5.

    What is left out comes from VANTAGE_AGENT_<NAME> (tags as k=v,k=v; libraries as a,b or none), then from
    OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES, then the default.
    A second call changes the settings of the running agent. Raises ValueError for a wrong argument, nothing else.
    """
    config = load(
        os.environ,
        service_name=service_name,
        collector_url=collector_url,
        auto_instrument=auto_instrument,
        environment=environment,
        version=version,
        api_key=api_key,
        tags=tags,
        sample_rate=sample_rate,
        flush_interval=flush_interval,
    )
    with _lock:
        if state.agent is None:
            state.agent = Agent(config)
            state.agent.start()
        else:
            state.agent.configure(config)


def record_metric(
    name: str,
    value: float,
    metric_type: str = "gauge",
    tags: Optional[Mapping[str, str]] = None,
    trace_id: Optional[str] = None,
    span_id: Optional[str] = None,
) -> None:
    """Record one sample of a metric of your own.

    metric_type: gauge (a level), counter (an increment), histogram or summary (a distribution, folded to within 1 %).
    tags: few and from small sets; every combination is a series. trace_id: at most 64 characters; the sample is then
    sent unfolded and, where its name ends in `.duration`, shows up as a span of that trace.
    A wrong name, value or type is dropped and counted, never raised. Does nothing while no agent runs.
    """
    recorder = state.recorder()
    if recorder is None:
        return
    at_ms = time.time() * 1000
    explicit = trace_id is not None
    try:
        kind = metric_type if metric_type in _TYPES else ""
        checked = _tags(tags)
        if explicit:
            trace_id, span_id = str(trace_id)[:64], None if span_id is None else str(span_id)[:64]
    except Exception:
        # What was given cannot be read. No type marks it as invalid: the exporter counts it as dropped.
        recorder.emit((METRIC, at_ms, "", 0.0, "", (), None, None, False))
        return
    if not explicit:
        span_id = None
        current = CURRENT.get()
        if current is not None and current.flags & SAMPLED:
            trace_id, span_id = "%032x" % current.trace_id, "%016x" % current.span_id
    recorder.emit((METRIC, at_ms, name, value, kind, checked, trace_id, span_id, explicit))


def _tags(tags: Optional[Mapping[str, str]]) -> Tags:
    if not tags:
        return ()
    return tuple(sorted((str(key)[:TAG_LIMIT], str(text)[:TAG_LIMIT]) for key, text in tags.items()))[:TAGS_PER_ITEM]


def flush(timeout: float = 5.0) -> bool:
    """Send what was recorded so far; True when nothing is left to send within `timeout` seconds."""
    agent = state.agent
    return True if agent is None else agent.flush(timeout)


def shutdown(timeout: float = 2.0) -> bool:
    """Flush, stop, and take the instrumentation out again. `init_agent` may follow."""
    with _lock:
        agent, state.agent = state.agent, None
        return True if agent is None else agent.shutdown(timeout)
