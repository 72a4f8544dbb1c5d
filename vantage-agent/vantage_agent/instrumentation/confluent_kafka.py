"""confluent-kafka: subclasses in the place of its classes, which are C and take no patches.

`confluent_kafka.Producer` and `.Consumer` become subclasses of what they were, so instances are instances of both.
Modules that imported the classes by name before the agent started keep the originals, and are not recorded; a line in
the log names them.

A send ends when `produce` returns. The delivery report comes later, but only to those who poll for it, and asking for
one would take the place of the callback that the application set in its configuration.
"""

from __future__ import annotations

import functools
from time import perf_counter_ns
from typing import Any, Dict, List

from vantage_agent.instrumentation.late import tell_holders, was_imported_before
from vantage_agent.instrumentation.messaging import Receipts, Targets, begin_send, sent_to
from vantage_agent.instrumentation.opentelemetry import traced_by_opentelemetry
from vantage_agent.instrumentation.patching import Patcher
from vantage_agent.operations import operation, within_operation
from vantage_agent.recorder import Recorder

# Where the headers are for those who give them by position: produce(topic, value, key, partition, callback,
# on_delivery, timestamp, headers), and without `callback` in the serializing producer.
_HEADERS_AT, _SERIALIZING_HEADERS_AT = 7, 6


def install_confluent_kafka(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    if traced_by_opentelemetry("confluent_kafka"):
        return
    targets, receipts = Targets(sent_to), Receipts(recorder)

    def produce(original: Any, headers_at: int = _HEADERS_AT) -> Any:
        @functools.wraps(original)
        def produce(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not recorder.active or within_operation():
                return original(self, *args, **kwargs)
            topic = args[0] if args else kwargs.get("topic")
            if len(args) > headers_at:
                args, kwargs = args[:headers_at], {**kwargs, "headers": args[headers_at]}
            sending, kwargs["headers"] = begin_send(recorder, targets, topic, kwargs.get("headers"))
            return _timed(sending, original, self, args, kwargs)

        return produce

    def produce_batch(original: Any) -> Any:
        @functools.wraps(original)
        def produce_batch(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not recorder.active or within_operation():
                return original(self, *args, **kwargs)
            # librdkafka's batches have no headers.
            sending = operation(recorder, targets.of(args[0] if args else kwargs.get("topic"))).begin()
            return _timed(sending, original, self, args, kwargs)

        return produce_batch

    def poll(original: Any) -> Any:
        @functools.wraps(original)
        def poll(self: Any, *args: Any, **kwargs: Any) -> Any:
            message = original(self, *args, **kwargs)
            if message is not None and recorder.active:
                _receive(receipts, [message])
            return message

        return poll

    def consume(original: Any) -> Any:
        @functools.wraps(original)
        def consume(self: Any, *args: Any, **kwargs: Any) -> Any:
            messages = original(self, *args, **kwargs)
            if messages and recorder.active:
                _receive(receipts, messages)
            return messages

        return consume

    if was_imported_before(module):
        tell_holders("confluent_kafka", (module.Producer, module.Consumer))
    patcher.wrap(module, "Producer", functools.partial(_subclass, methods=(produce, produce_batch)))
    patcher.wrap(module, "Consumer", functools.partial(_subclass, methods=(poll, consume)))
    # These are Python, and call the C classes directly.
    patcher.wrap(module.SerializingProducer, "produce", functools.partial(produce, headers_at=_SERIALIZING_HEADERS_AT))
    patcher.wrap(module.DeserializingConsumer, "poll", poll)


def _subclass(original: Any, methods: Any) -> Any:
    """A class that looks like `original`; each of `methods` wraps the method of its own name."""
    namespace: Dict[str, Any] = {"__slots__": (), "__doc__": original.__doc__, "__module__": original.__module__}
    for wrap in methods:
        method = getattr(original, wrap.__name__, None)
        if method is not None:
            namespace[wrap.__name__] = wrap(method)
    return type(original)(original.__name__, (original,), namespace)


def _timed(sending: operation, original: Any, self: Any, args: Any, kwargs: Any) -> Any:
    error = None
    try:
        return original(self, *args, **kwargs)
    except BaseException as raised:
        error = type(raised).__qualname__
        raise
    finally:
        sending.finish(perf_counter_ns(), error)


def _receive(receipts: Receipts, messages: List[Any]) -> None:
    topics: Dict[Any, List[Any]] = {}
    for message in messages:
        # Errors and ends of partitions come as messages, too.
        if message.error() is None:
            topics.setdefault(message.topic(), []).append(message.headers())
    for topic, headers in topics.items():
        receipts.take(topic, headers)
