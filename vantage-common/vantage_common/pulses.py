"""The value of a record on the `pulses` topic: a version byte, then the msgpack of a list of `Pulse`."""

from collections.abc import Sequence

import msgspec

from vantage_common.errors import NewerSchema, PoisonRecord
from vantage_common.model import Pulse

PULSES_VERSION = 1

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Pulse])


def encode_pulses(pulses: Sequence[Pulse]) -> bytes:
    """The bytes of a bus record."""
    return bytes([PULSES_VERSION]) + _encoder.encode(pulses)


def decode_pulses(data: bytes) -> list[Pulse]:
    """The pulses in a bus record.

    Raises NewerSchema for a version this Vantage does not know, PoisonRecord for anything else that is none.
    """
    if not data:
        raise PoisonRecord("an empty record has no pulses")
    if data[0] > PULSES_VERSION:
        raise NewerSchema(f"pulses version {data[0]} is newer than {PULSES_VERSION}: upgrade this service first")
    if data[0] != PULSES_VERSION:
        raise PoisonRecord(f"not pulses: it starts with byte {data[0]}")
    try:
        return _decoder.decode(data[1:])
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise PoisonRecord(f"pulses cannot be read: {error}") from error
