"""kafka-python: KafkaProducer.send until the broker has acknowledged, KafkaConsumer's poll and iteration."""

from __future__ import annotations

import functools
from time import perf_counter_ns
from typing import Any

from vantage_agent.instrumentation.messaging import Receipts, Targets, begin_send, sent_to
from vantage_agent.instrumentation.opentelemetry import traced_by_opentelemetry
from vantage_agent.instrumentation.patching import Patcher
from vantage_agent.operations import operation, within_operation
from vantage_agent.recorder import Recorder


def install_producer(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    if traced_by_opentelemetry("kafka"):
        return
    targets = Targets(sent_to)

    def wrap(original: Any) -> Any:
        @functools.wraps(original)
        def send(
            self: Any, topic: Any, value: Any = None, key: Any = None, headers: Any = None, *args: Any, **kwargs: Any
        ) -> Any:
            if not recorder.active or within_operation():
                return original(self, topic, value, key, headers, *args, **kwargs)
            sending, headers = begin_send(recorder, targets, topic, headers)
            try:
                future = original(self, topic, value, key, headers, *args, **kwargs)
            except BaseException as raised:
                sending.finish(perf_counter_ns(), type(raised).__qualname__)
                raise
            _finish_with(future, sending)
            return future

        return send

    patcher.wrap(module.KafkaProducer, "send", wrap)


def _finish_with(future: Any, sending: operation) -> None:
    """The client's own thread ends the record: a broker that does not answer is seen, and nobody waits for it."""

    def done(outcome: Any) -> None:
        sending.finish(perf_counter_ns(), type(outcome).__qualname__ if isinstance(outcome, BaseException) else None)

    future.add_both(done)


def install_consumer(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    if traced_by_opentelemetry("kafka"):
        return
    receipts = Receipts(recorder)

    def wrap_poll(original: Any) -> Any:
        @functools.wraps(original)
        def poll(self: Any, *args: Any, **kwargs: Any) -> Any:
            records = original(self, *args, **kwargs)
            # Iteration polls with update_offsets=False and hands the messages over one by one, below.
            if records and recorder.active and kwargs.get("update_offsets", True):
                for partition, messages in records.items():
                    receipts.take(partition.topic, [message.headers for message in messages])
            return records

        return poll

    def wrap_next(original: Any) -> Any:
        @functools.wraps(original)
        def __next__(self: Any) -> Any:
            message = original(self)
            if recorder.active:
                receipts.take(message.topic, (message.headers,))
            return message

        return __next__

    patcher.wrap(module.KafkaConsumer, "poll", wrap_poll)
    patcher.wrap(module.KafkaConsumer, "__next__", wrap_next)
