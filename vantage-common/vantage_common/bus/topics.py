"""What both backends hold to: how long a topic keeps its records, how large they may be, how a source is named."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b

from vantage_common.bus.api import ALERTS, PULSES, Commit, Outgoing, TopicPartition
from vantage_common.errors import PermanentError
from vantage_common.settings import Settings

PULSES_RETENTION_MS = 3_600_000
"""Pulses only feed live state, which forgets a service after minutes."""
MAX_RECORD_BYTES = 1_000_000
"""Key and value; just under what Kafka takes with its defaults."""
MAX_METADATA_BYTES = 4096


def retention_ms(topic: str, settings: Settings) -> int:
    configured = round(settings.bus_retention_hours * 3_600_000)
    return min(configured, PULSES_RETENTION_MS) if topic == PULSES else configured


def partitions(topic: str, settings: Settings) -> int:
    """Of a topic that Vantage makes. Whoever owns the one of `alerts` evaluates them: there is no second."""
    return 1 if topic == ALERTS else settings.bus_partitions


def source_id(incarnation: str, source: TopicPartition) -> int:
    """63 bits that name a partition of one life of one log."""
    name = f"{incarnation}\0{source.topic}\0{source.partition}".encode()
    return int.from_bytes(blake2b(name, digest_size=8).digest(), "big") >> 1


def check_records(records: Sequence[Outgoing]) -> None:
    """Raises PermanentError for a record that no backend would take."""
    for record in records:
        size = len(record.key) + len(record.value)
        if size > MAX_RECORD_BYTES:
            raise PermanentError(f"a record for {record.topic} has {size} bytes, the bus takes {MAX_RECORD_BYTES}")


def check_commits(commits: Mapping[TopicPartition, Commit]) -> None:
    """Raises PermanentError for metadata that no backend would take."""
    for source, commit in commits.items():
        size = len(commit.metadata.encode())
        if size > MAX_METADATA_BYTES:
            raise PermanentError(
                f"commit metadata of {source.topic}/{source.partition} has {size} bytes, the bus takes "
                f"{MAX_METADATA_BYTES}"
            )
