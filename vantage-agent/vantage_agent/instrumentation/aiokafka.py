"""aiokafka: AIOKafkaProducer.send until the broker has acknowledged, AIOKafkaConsumer's getone and getmany."""

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
    if traced_by_opentelemetry("aiokafka"):
        return
    targets = Targets(sent_to)

    def wrap(original: Any) -> Any:
        # send_and_wait awaits this, too.
        @functools.wraps(original)
        async def send(
            self: Any,
            topic: Any,
            value: Any = None,
            key: Any = None,
            partition: Any = None,
            timestamp_ms: Any = None,
            headers: Any = None,
        ) -> Any:
            if not recorder.active or within_operation():
                return await original(self, topic, value, key, partition, timestamp_ms, headers)
            sending, headers = begin_send(recorder, targets, topic, headers)
            try:
                future = await original(self, topic, value, key, partition, timestamp_ms, headers)
            except BaseException as raised:
                sending.finish(perf_counter_ns(), type(raised).__qualname__)
                raise
            _finish_with(future, sending)
            return future

        return send

    patcher.wrap(module.AIOKafkaProducer, "send", wrap)


def _finish_with(future: Any, sending: operation) -> None:
    def done(future: Any) -> None:
        # Not future.exception(): that would count as the application's having looked, and keep asyncio from
        # warning about a failure that nobody noticed.
        error: Any = "CancelledError"
        if not future.cancelled():
            raised = getattr(future, "_exception", None)
            error = None if raised is None else type(raised).__qualname__
        sending.finish(perf_counter_ns(), error)

    future.add_done_callback(done)


def install_consumer(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    if traced_by_opentelemetry("aiokafka"):
        return
    receipts = Receipts(recorder)

    def wrap_one(original: Any) -> Any:
        # `async for` awaits this, too.
        @functools.wraps(original)
        async def getone(self: Any, *partitions: Any) -> Any:
            message = await original(self, *partitions)
            if recorder.active:
                receipts.take(message.topic, (message.headers,))
            return message

        return getone

    def wrap_many(original: Any) -> Any:
        @functools.wraps(original)
        async def getmany(self: Any, *partitions: Any, **kwargs: Any) -> Any:
            records = await original(self, *partitions, **kwargs)
            if records and recorder.active:
                for partition, messages in records.items():
                    receipts.take(partition.topic, [message.headers for message in messages])
            return records

        return getmany

    patcher.wrap(module.AIOKafkaConsumer, "getone", wrap_one)
    patcher.wrap(module.AIOKafkaConsumer, "getmany", wrap_many)
