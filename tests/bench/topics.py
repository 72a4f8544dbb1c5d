"""What has arrived in a broker's topics: counted from the records themselves, not from what their sender says."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from vantage_common.block import decode_block

PARTITIONS = 6
_POLL_S = 10.0

Offsets = dict[int, int]
Counted = Callable[[bytes], int]


class Arrived(NamedTuple):
    records: int
    points: int


def make_topic(bootstrap: str, topic: str) -> None:
    # Kept by name until its answer is here: a client that is thrown away takes the answer with it.
    client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    client.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result(30)


class Topic:
    """A topic of the broker, looked at from outside."""

    def __init__(self, bootstrap: str, name: str, group: str = "bench") -> None:
        self.name = name
        settings = {"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False, "log_level": 0}
        self._consumer = Consumer(settings)

    def ends(self) -> Offsets:
        """The offset after the last record, by partition."""
        partitions = self._consumer.list_topics(self.name, 10).topics[self.name].partitions
        return {
            number: self._consumer.get_watermark_offsets(TopicPartition(self.name, number), timeout=10)[1]
            for number in partitions
        }

    def committed(self) -> Offsets:
        """The group's committed offsets; 0 where it has none yet."""
        asked = [TopicPartition(self.name, number) for number in self.ends()]
        return {found.partition: max(found.offset, 0) for found in self._consumer.committed(asked, timeout=10)}

    def lag(self) -> int:
        """Records that the group has not committed yet."""
        done = self.committed()
        return sum(end - done[number] for number, end in self.ends().items())

    def arrived(self, since: Offsets, upto: Offsets, points_of: Counted) -> Arrived:
        """The records with offsets in [since, upto)."""
        records = points = 0
        for value in self._values(since, upto):
            records += 1
            points += points_of(value)
        return Arrived(records, points)

    def _values(self, since: Offsets, upto: Offsets) -> Iterator[bytes]:
        wanted = {number: upto[number] for number in upto if since.get(number, 0) < upto[number]}
        self._consumer.assign([TopicPartition(self.name, number, since.get(number, 0)) for number in wanted])
        while wanted:
            message = self._consumer.poll(_POLL_S)
            if message is None or message.error():
                raise RuntimeError(f"{self.name}: {message and message.error()} with {wanted} still to read")
            number, offset, value = message.partition(), message.offset(), message.value()
            assert number is not None
            assert offset is not None
            assert value is not None
            if number not in wanted:
                continue
            if offset < wanted[number]:
                yield value
            if offset + 1 >= wanted[number]:
                del wanted[number]

    def close(self) -> None:
        self._consumer.close()


def points_of_block(value: bytes) -> int:
    """Samples that a record of ours stands for: the weights of its rows."""
    return int(sum(decode_block(value).columns["count"]))


def points_of_otlp(value: bytes) -> int:
    request = ExportMetricsServiceRequest.FromString(value)
    return sum(
        len(getattr(metric, metric.WhichOneof("data")).data_points)
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    )
