"""kafka-python, aiokafka and confluent-kafka against a real broker."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Optional, Tuple
from uuid import uuid4

import aiokafka
import confluent_kafka
import kafka  # type: ignore[import-untyped]
import pytest
import vantage_agent
from vantage_agent.context import CURRENT
from vantage_agent.instrumentation.messaging import NAMES, TRACED_PER_SECOND, Receipts, Targets, header, sent_to
from vantage_agent.operations import SENT_METRIC, operation
from vantage_agent.recorder import Recorder
from vantage_agent.records import OPERATION

if TYPE_CHECKING:
    from tests.conftest import Sink
    from tests.kafka_broker import Broker

Start = Callable[..., None]
Headers = Optional[List[Tuple[str, bytes]]]
RECEIVED_METRIC = "messaging.client.consumed.messages"
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
GIVEN = f"00-{TRACE}-{PARENT}-01".encode()


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    from tests.kafka_broker import kafka_broker

    with kafka_broker() as broker:
        yield broker


@pytest.fixture
def topic(broker: Broker) -> str:
    name = f"orders-{uuid4().hex[:8]}"
    if broker.makes_topics:
        admin = kafka.KafkaAdminClient(bootstrap_servers=broker.bootstrap)
        admin.create_topics([kafka.admin.NewTopic(name, 1, 1)])
        admin.close()
    return name


def send_kafka_python(server: str, topic: str, headers: Headers, number: int) -> None:
    producer = kafka.KafkaProducer(bootstrap_servers=server)
    for _ in range(number):
        assert producer.send(topic, b"secret-body", headers=headers).get(20).topic == topic
    producer.close()


def send_aiokafka(server: str, topic: str, headers: Headers, number: int) -> None:
    async def send() -> None:
        async with aiokafka.AIOKafkaProducer(bootstrap_servers=server) as producer:
            for _ in range(number):
                assert (await producer.send_and_wait(topic, b"secret-body", headers=headers)).topic == topic

    asyncio.run(send())


def send_confluent(server: str, topic: str, headers: Headers, number: int) -> None:
    producer: Any = confluent_kafka.Producer({"bootstrap.servers": server})
    for _ in range(number):
        assert producer.produce(topic, b"secret-body", headers=headers) is None
    assert producer.flush(20) == 0


def send_serializing(server: str, topic: str, headers: Headers, number: int) -> None:
    producer: Any = confluent_kafka.SerializingProducer(
        {"bootstrap.servers": server, "value.serializer": lambda value, context: value.encode()}
    )
    for _ in range(number):
        # All by position, the headers last.
        producer.produce(topic, None, "secret-body", -1, None, 0, headers)
    assert producer.flush(20) == 0


def read_by_iteration(server: str, topic: str, number: int) -> List[Any]:
    consumer = kafka.KafkaConsumer(
        topic, bootstrap_servers=server, auto_offset_reset="earliest", consumer_timeout_ms=20_000
    )
    messages = [next(consumer) for _ in range(number)]
    consumer.close()
    return [list(message.headers) for message in messages]


def read_by_poll(server: str, topic: str, number: int) -> List[Any]:
    consumer = kafka.KafkaConsumer(topic, bootstrap_servers=server, auto_offset_reset="earliest")
    messages: List[Any] = []
    while len(messages) < number:
        for part in consumer.poll(timeout_ms=5_000).values():
            messages += part
    consumer.close()
    return [list(message.headers) for message in messages]


def read_aiokafka(server: str, topic: str, number: int) -> List[Any]:
    async def read() -> List[Any]:
        found: List[Any] = []
        consumer = aiokafka.AIOKafkaConsumer(topic, bootstrap_servers=server, auto_offset_reset="earliest")
        async with consumer:
            async for message in consumer:
                found.append(list(message.headers))
                if len(found) == number:
                    return found
        return found

    return asyncio.run(read())


def read_many_aiokafka(server: str, topic: str, number: int) -> List[Any]:
    async def read() -> List[Any]:
        found: List[Any] = []
        consumer = aiokafka.AIOKafkaConsumer(topic, bootstrap_servers=server, auto_offset_reset="earliest")
        async with consumer:
            while len(found) < number:
                for part in (await consumer.getmany(timeout_ms=5_000)).values():
                    found += [list(message.headers) for message in part]
        return found

    return asyncio.run(read())


def confluent_settings(server: str) -> Dict[str, Any]:
    return {"bootstrap.servers": server, "group.id": uuid4().hex, "auto.offset.reset": "earliest"}


def read_confluent(server: str, topic: str, number: int) -> List[Any]:
    consumer = confluent_kafka.Consumer(confluent_settings(server))
    return _polled(consumer, topic, number)


def read_deserializing(server: str, topic: str, number: int) -> List[Any]:
    settings = {**confluent_settings(server), "value.deserializer": lambda value, context: value.decode()}
    return _polled(confluent_kafka.DeserializingConsumer(settings), topic, number)


def _polled(consumer: Any, topic: str, number: int) -> List[Any]:
    consumer.subscribe([topic])
    found: List[Any] = []
    while len(found) < number:
        message = consumer.poll(5)
        if message is not None and message.error() is None:
            found.append(message.headers())
    consumer.close()
    return found


def read_many_confluent(server: str, topic: str, number: int) -> List[Any]:
    consumer = confluent_kafka.Consumer(confluent_settings(server))
    consumer.subscribe([topic])
    found: List[Any] = []
    while len(found) < number:
        found += [message.headers() for message in consumer.consume(number, 5) if message.error() is None]
    consumer.close()
    return found


SENDERS = [send_kafka_python, send_aiokafka, send_confluent, send_serializing]
READERS = [
    read_by_iteration,
    read_by_poll,
    read_aiokafka,
    read_many_aiokafka,
    read_confluent,
    read_deserializing,
    read_many_confluent,
]
Send = Callable[[str, str, Headers, int], None]
Read = Callable[[str, str, int], List[Any]]


def spans_of(sink: Sink, kind: str) -> List[Dict[str, Any]]:
    return [span for span in sink.spans() if span["kind"] == kind]


def sent(sink: Sink) -> Dict[str, int]:
    found: Dict[str, int] = {}
    for item in sink.metrics(SENT_METRIC):
        found[item["endpoint"]] = found.get(item["endpoint"], 0) + item["count"]
    return found


def received(sink: Sink) -> Dict[str, float]:
    found: Dict[str, float] = {}
    for item in sink.metrics(RECEIVED_METRIC):
        name = item["tags"]["messaging.destination.name"]
        found[name] = found.get(name, 0) + item["value"]
    return found


@pytest.mark.kafka
@pytest.mark.parametrize("send", SENDERS)
def test_a_message_is_sent_once_and_takes_its_trace_along(
    send: Send, sink: Sink, start: Start, broker: Broker, topic: str
) -> None:
    start()
    given = [("kind", b"web")]
    with vantage_agent.span("order") as order:
        trace_id, span_id = order.trace_id, order.span_id
        send(broker.bootstrap, topic, given, 3)
    assert vantage_agent.flush()
    vantage_agent.shutdown()
    assert given == [("kind", b"web")]
    assert sent(sink) == {f"send {topic}": 3}
    spans = spans_of(sink, "producer")
    assert [(span["name"], span["trace_id"], span["parent_span_id"]) for span in spans] == [
        (f"send {topic}", trace_id, span_id)
    ] * 3
    assert spans[0]["attributes"] == {
        "messaging.system": "kafka",
        "messaging.destination.name": topic,
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
    }
    ids = {span["span_id"] for span in spans}
    for headers in read_confluent(broker.bootstrap, topic, 3):
        assert headers[0] == ("kind", b"web")
        assert sorted(name for name, _ in headers) == ["kind", "traceparent", "tracestate"]
        _, trace, parent, flags = dict(headers)["traceparent"].decode().split("-")
        assert (trace, flags) == (trace_id, "01")
        ids.remove(parent)
        assert dict(headers)["tracestate"] == b"vantage=shop"
    assert "secret-body" not in str([received.body for received in sink.received])


@pytest.mark.kafka
@pytest.mark.parametrize("send", SENDERS)
def test_a_traceparent_in_a_message_stays(send: Send, sink: Sink, start: Start, broker: Broker, topic: str) -> None:
    start()
    given = [("traceparent", GIVEN), ("tracestate", b"other=1")]
    send(broker.bootstrap, topic, given, 1)
    assert vantage_agent.flush()
    vantage_agent.shutdown()
    assert read_confluent(broker.bootstrap, topic, 1) == [given]
    (span,) = spans_of(sink, "producer")
    assert (span["trace_id"], span["parent_span_id"]) == (TRACE, PARENT)


@pytest.mark.kafka
@pytest.mark.parametrize("read", READERS)
def test_received_messages_are_counted_and_continue_their_traces(
    read: Read, sink: Sink, start: Start, broker: Broker, topic: str
) -> None:
    given = [("traceparent", GIVEN), ("tracestate", b"vantage=web-shop,other=1")]
    send_kafka_python(broker.bootstrap, topic, given, 2)
    send_kafka_python(broker.bootstrap, topic, None, 2)
    start()
    assert read(broker.bootstrap, topic, 4)[:2] == [given, given]
    assert CURRENT.get() is None
    assert vantage_agent.flush()
    assert received(sink) == {topic: 4.0}
    # Two messages carry a trace. They are told by their spans alone: a hand-over has no duration worth a metric.
    spans = spans_of(sink, "consumer")
    assert [(span["name"], span["trace_id"], span["parent_span_id"], span["caller"]) for span in spans] == [
        (f"receive {topic}", TRACE, PARENT, "web-shop")
    ] * 2
    assert {span["duration_ms"] for span in spans} == {0}
    assert sink.metrics(SENT_METRIC) == []


@pytest.mark.kafka
def test_the_end_of_a_partition_is_no_message(sink: Sink, start: Start, broker: Broker, topic: str) -> None:
    send_kafka_python(broker.bootstrap, topic, None, 1)
    start()
    consumer = confluent_kafka.Consumer({**confluent_settings(broker.bootstrap), "enable.partition.eof": True})
    consumer.subscribe([topic])
    errors = [message.error() for message in consumer.consume(2, 20)]
    consumer.close()
    assert [error is None for error in errors] == [True, False]
    assert vantage_agent.flush()
    assert received(sink) == {topic: 1.0}


@pytest.mark.kafka
def test_a_message_that_the_broker_refuses_is_a_failed_send(
    sink: Sink, start: Start, topic: str, broker: Broker
) -> None:
    """The message is accepted at once and given up later, in the client's thread."""
    start()
    producer = kafka.KafkaProducer(bootstrap_servers=broker.bootstrap, max_request_size=50_000_000)
    future = producer.send(topic, b"x" * 2_000_000)
    with pytest.raises(kafka.errors.MessageSizeTooLargeError):
        future.get(20)
    producer.close()
    assert vantage_agent.flush()
    (span,) = spans_of(sink, "producer")
    assert (span["status"], span["attributes"]["error.type"]) == ("error", "MessageSizeTooLargeError")
    (item,) = sink.metrics(SENT_METRIC)
    assert item["tags"]["error.type"] == "MessageSizeTooLargeError"


@pytest.mark.kafka
def test_errors_of_the_clients_stay_what_they_were(sink: Sink, start: Start, broker: Broker, topic: str) -> None:
    def errors() -> List[str]:
        producer = kafka.KafkaProducer(bootstrap_servers=broker.bootstrap)
        confluent: Any = confluent_kafka.Producer({"bootstrap.servers": broker.bootstrap})
        calls: List[Callable[[], Any]] = [
            lambda: producer.send(topic, b"x", headers=(("a", b"b"),)),
            lambda: producer.send(topic, b"x", headers=[("a", "text")]),
            lambda: producer.send(topic, "text"),
            lambda: producer.send([topic], b"x"),
            lambda: confluent.produce(topic, object()),
            lambda: confluent.produce(topic, b"x", headers=7),
            lambda: confluent.produce(),
        ]
        found = []
        for call in calls:
            with pytest.raises(Exception) as raised:  # noqa: PT011
                call()
            found.append(repr(raised.value))
        producer.close()
        return found

    before = errors()
    start()
    assert errors() == before
    vantage_agent.flush()
    assert {span["status"] for span in spans_of(sink, "producer")} == {"error"}


@pytest.mark.kafka
def test_a_failure_that_nobody_awaits_is_still_reported_by_asyncio(
    sink: Sink, start: Start, broker: Broker, topic: str
) -> None:
    start()

    async def send() -> List[str]:
        told: List[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context["message"]))
        async with aiokafka.AIOKafkaProducer(bootstrap_servers=broker.bootstrap, max_request_size=50_000_000) as client:
            future = await client.send(topic, b"x" * 2_000_000)
            await asyncio.wait([future])
            del future
        return told

    assert asyncio.run(send()) == ["Future exception was never retrieved"]
    vantage_agent.flush()
    assert [span["attributes"]["error.type"] for span in spans_of(sink, "producer")] == ["MessageSizeTooLargeError"]


def test_confluents_classes_stay_what_they_were(start: Start) -> None:
    producer_class, consumer_class = confluent_kafka.Producer, confluent_kafka.Consumer
    start()
    ours = confluent_kafka.Producer
    assert ours is not producer_class
    assert issubclass(ours, producer_class)
    assert (ours.__name__, ours.__module__, ours.__doc__) == (
        "Producer",
        producer_class.__module__,
        producer_class.__doc__,
    )

    class Base(type):
        pass

    class Own(ours, metaclass=Base):  # type: ignore[misc, valid-type]
        pass

    assert isinstance(Own({"bootstrap.servers": "127.0.0.1:1"}), producer_class)
    vantage_agent.shutdown()
    assert (confluent_kafka.Producer, confluent_kafka.Consumer) == (producer_class, consumer_class)


def test_a_send_inside_a_recorded_operation_is_part_of_it(sink: Sink, start: Start) -> None:
    start()
    recorder = vantage_agent.state.recorder()
    assert recorder is not None
    producer = confluent_kafka.Producer({"bootstrap.servers": "127.0.0.1:1"})
    with operation(recorder, sent_to("outer")):
        producer.produce("inner", b"x")
    producer.purge()
    vantage_agent.flush()
    assert sent(sink) == {"send outer": 1}


def test_names_are_bounded() -> None:
    targets = Targets(sent_to)
    names = [targets.of(f"reply-{number}").name for number in range(NAMES + 50)]
    assert names[NAMES - 1] == f"send reply-{NAMES - 1}"
    assert set(names[NAMES:]) == {"send _OTHER"}
    assert targets.of("reply-0").name == "send reply-0"
    assert targets.of(["no", "name"]).name == "send _OTHER"


def test_spans_of_received_messages_are_bounded() -> None:
    """A consumer that drains a topic: every message counts, few make spans."""
    recorder = Recorder("shop", 1.0, lambda: None)
    receipts = Receipts(recorder)
    receipts.take("orders", [[("traceparent", GIVEN)]] * (TRACED_PER_SECOND + 500))
    receipts.take("orders", [[("traceparent", GIVEN)]])
    first, *spans, last = recorder.drain()
    assert (first[3], last[3]) == (TRACED_PER_SECOND + 500, 1)
    assert [record[0] for record in spans] == [OPERATION] * TRACED_PER_SECOND


def test_headers_of_any_shape_are_read_or_left_alone() -> None:
    assert header([("traceparent", b"1")], "traceparent") == "1"
    assert header({"traceparent": "1"}, "traceparent") == "1"
    assert header(None, "traceparent") is None
    once = iter([("traceparent", b"1")])
    assert header(once, "traceparent") is None
    assert next(once) == ("traceparent", b"1")


ACTIVE = """
import sys, types
module = types.ModuleType("opentelemetry.instrumentation.{0}")
class Instrumentor:
    _instance = None
    is_instrumented_by_opentelemetry = {1}
Instrumentor._instance = Instrumentor()
module.Instrumentor = Instrumentor
sys.modules[module.__name__] = module
import {2}
before = {3}
import vantage_agent
vantage_agent.init_agent(service_name="shop", collector_url="http://127.0.0.1:9")
print({3} is before)
"""


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize(
    ("package", "module", "place"),
    [
        ("kafka", "kafka", "kafka.KafkaProducer.send"),
        ("aiokafka", "aiokafka", "aiokafka.AIOKafkaProducer.send"),
        ("confluent_kafka", "confluent_kafka", "confluent_kafka.Producer"),
        ("celery", "celery.app.base", "celery.app.base.Celery.send_task"),
    ],
)
def test_opentelemetrys_instrumentation_has_precedence(package: str, module: str, place: str, active: bool) -> None:
    code = ACTIVE.format(package, active, module, place)
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert shown.stdout.strip() == str(active)
