"""The value of a bus record: one block of rows of one kind, workspace and service.

Layout: version u8, codec u8, inflated size u32 (little endian), then the msgpack of `BlockBody`, compressed once
(the broker's own compression stays off). Rows travel as columns, so the worker can hand them to the store without
touching a row. A column that holds its field's default in every row stays at home; version 1 sent it along, and knew
fewer columns.
"""

import struct
from collections.abc import Sequence
from typing import Any, Literal, get_args

import cramjam
import msgspec

from vantage_common.errors import NewerSchema, PoisonRecord
from vantage_common.model import LogRecord, Row, Sample, Span, UInt16

BLOCK_VERSION = 2
MAX_BLOCK_BYTES = 512 * 1024
"""Bodies are split into records of at most this many bytes after compression."""
MAX_INFLATED_BYTES = 64 * 1024 * 1024

Kind = Literal["metrics", "spans", "logs"]
Codec = Literal["none", "gzip", "snappy", "lz4", "zstd"]
ROW_TYPES: dict[Kind, type[Row]] = {"metrics": Sample, "spans": Span, "logs": LogRecord}
COLUMNS: dict[Kind, tuple[str, ...]] = {kind: row.__struct_fields__ for kind, row in ROW_TYPES.items()}
_DEFAULTS: dict[Kind, dict[str, Any]] = {
    kind: {
        field.name: field.default_factory() if field.default is msgspec.NODEFAULT else field.default
        for field in msgspec.structs.fields(row)
        if not field.required
    }
    for kind, row in ROW_TYPES.items()
}
_COLUMN_TYPES: dict[Kind, type[msgspec.Struct]] = {
    kind: msgspec.defstruct(
        f"{row.__name__}Columns",
        [
            (field.name, list[field.type], msgspec.field(default_factory=list))  # type: ignore[name-defined]
            for field in msgspec.structs.fields(row)
        ],
    )
    for kind, row in ROW_TYPES.items()
}
"""The row types turned on their side: what every value of a column must be, ranges included."""

_HEADER = struct.Struct("<BBI")
_CODECS: tuple[Codec, ...] = get_args(Codec)


class BlockBody(msgspec.Struct):
    """`columns` holds one list per field of the row type, all `rows` long; (batch_id, part) names the record for
    de-duplication and is empty and 0 when its sender gave none."""

    kind: Kind
    workspace: str
    service: str
    rows: int
    columns: dict[str, list[Any]]
    batch_id: str = ""
    part: UInt16 = 0


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(BlockBody)


def columns_of(kind: Kind, rows: Sequence[Row]) -> dict[str, list[Any]]:
    """The rows, turned on their side."""
    names = COLUMNS[kind]
    if not rows:
        return {name: [] for name in names}
    return dict(zip(names, map(list, zip(*map(msgspec.structs.astuple, rows), strict=True)), strict=True))


def encode_block(body: BlockBody, codec: Codec = "zstd") -> bytes:
    """The bytes of a bus record."""
    defaults = _DEFAULTS[body.kind]
    told = {
        name: values
        for name, values in body.columns.items()
        if name not in defaults or values.count(defaults[name]) != len(values)
    }
    packed = _encoder.encode(msgspec.structs.replace(body, columns=told))
    return _HEADER.pack(BLOCK_VERSION, _CODECS.index(codec), len(packed)) + _compress(packed, codec)


def decode_block(data: bytes) -> BlockBody:
    """The block in a bus record.

    Every value is checked against its row type, so a store can refuse none of them.
    Raises NewerSchema for a version this Vantage does not know, PoisonRecord for anything else that is no block.
    """
    if len(data) < _HEADER.size:
        raise PoisonRecord(f"a block has at least {_HEADER.size} bytes, this record has {len(data)}")
    version, codec, inflated_size = _HEADER.unpack_from(data)
    if version > BLOCK_VERSION and codec < len(_CODECS):
        raise NewerSchema(f"block version {version} is newer than {BLOCK_VERSION}: upgrade this service first")
    if not 1 <= version <= BLOCK_VERSION or codec >= len(_CODECS):
        raise PoisonRecord(f"not a block: it starts with bytes {version}, {codec}")
    if inflated_size > MAX_INFLATED_BYTES:
        raise PoisonRecord(f"block says it inflates to {inflated_size} bytes, more than {MAX_INFLATED_BYTES}")
    try:
        body = _decoder.decode(_decompress(data[_HEADER.size :], _CODECS[codec], inflated_size))
        msgspec.convert(body.columns, _COLUMN_TYPES[body.kind])
    except (cramjam.DecompressionError, msgspec.DecodeError, ValueError, RecursionError) as error:
        raise PoisonRecord(f"block cannot be read: {error}") from error
    defaults = _DEFAULTS[body.kind]
    for name in COLUMNS[body.kind]:
        found = len(body.columns.get(name, ()))
        if found != body.rows and (name in body.columns or name not in defaults):
            raise PoisonRecord(f"column {name} has {found} values, the block has {body.rows} rows")
    for name, default in defaults.items():
        if name not in body.columns:
            body.columns[name] = [default] * body.rows
    return body


def inflated_size(data: bytes) -> int:
    """Bytes of a block that `decode_block` took, inflated."""
    return int(_HEADER.unpack_from(data)[2])


def _compress(data: bytes, codec: Codec) -> bytes:
    match codec:
        case "none":
            return data
        case "gzip":
            return bytes(cramjam.gzip.compress(data, level=1))
        case "snappy":
            return bytes(cramjam.snappy.compress_raw(data))
        case "lz4":
            return bytes(cramjam.lz4.compress_block(data, store_size=False))
        case "zstd":
            return bytes(cramjam.zstd.compress(data, level=1))


def _decompress(data: bytes, codec: Codec, inflated_size: int) -> bytes:
    """Inflates into a buffer of the stated size, never beyond it: a topic is writable by others too."""
    if codec == "none":
        return data
    buffer = bytearray(inflated_size)
    inflate = {
        "gzip": cramjam.gzip.decompress_into,
        "snappy": cramjam.snappy.decompress_raw_into,
        "lz4": cramjam.lz4.decompress_block_into,
        "zstd": cramjam.zstd.decompress_into,
    }[codec]
    written = int(inflate(data, buffer))
    if written != inflated_size:
        raise PoisonRecord(f"block inflates to {written} bytes, it says {inflated_size}")
    return bytes(buffer)
