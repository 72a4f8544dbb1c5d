"""Content-Encoding undone, never beyond a given size: pure, on whole bodies."""

import zlib

import cramjam

from vantage_common.errors import UserError

ENCODINGS = ("gzip", "deflate", "zstd", "snappy")
_MAX_MEMBERS = 1000
"""A body of empty gzip members costs time without ever growing: no honest sender makes so many."""
_STEP = 16 * 1024
"""Compressed bytes given to zlib at once; what lies beyond the end of a member is copied, so keep it small."""


def inflate(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """The body with its Content-Encoding undone.

    Raises UserError: 400 when it is damaged or cut short, 413 beyond `max_bytes`, 415 for an encoding not spoken.
    """
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip" | "x-gzip":
            return _gunzip(body, max_bytes)
        case "deflate":
            return _undeflate(body, max_bytes)
        case "zstd":
            return _unzstd(body, max_bytes)
        case "snappy":
            return _unsnappy(body, max_bytes)
        case other:
            raise UserError(
                "unsupported_encoding",
                f"Content-Encoding {other!r} is not spoken here",
                status=415,
                hint=f"send one of {', '.join(ENCODINGS)}, or nothing",
            )


def too_large(max_bytes: int) -> UserError:
    """The 413 for a body beyond the limit, compressed or not."""
    return UserError("body_too_large", f"the body is larger than {max_bytes} bytes", status=413, hint="send less")


def _gunzip(body: bytes, max_bytes: int) -> bytes:
    """A gzip file is any number of members end to end (RFC 1952 §2.2), zero padding allowed after the last."""
    out = bytearray()
    position = 0
    for _ in range(_MAX_MEMBERS):
        position = _inflate_stream("gzip", 31, body, position, out, max_bytes)
        if not body[position:].strip(b"\0"):
            return bytes(out)
    raise _damaged("gzip", f"more than {_MAX_MEMBERS} members")


def _undeflate(body: bytes, max_bytes: int) -> bytes:
    """RFC 9110 means zlib by deflate, but raw deflate is sent as well."""
    has_zlib_header = len(body) >= 2 and body[0] & 0x0F == 8 and int.from_bytes(body[:2]) % 31 == 0
    out = bytearray()
    end = _inflate_stream("deflate", 15 if has_zlib_header else -15, body, 0, out, max_bytes)
    if end != len(body):
        raise _damaged("deflate", "bytes after its end")
    return bytes(out)


def _inflate_stream(name: str, wbits: int, body: bytes, start: int, out: bytearray, max_bytes: int) -> int:
    """Appends one zlib stream of `body` to `out` and returns where it ended."""
    decoder = zlib.decompressobj(wbits)
    position = start
    while not decoder.eof:
        fed = decoder.unconsumed_tail
        if not fed:
            fed = body[position : position + _STEP]
            position += len(fed)
        try:
            piece = decoder.decompress(fed, max_bytes - len(out) + 1)
        except zlib.error as error:
            raise _damaged(name, str(error)) from None
        out += piece
        if len(out) > max_bytes:
            raise too_large(max_bytes)
        if not fed and not decoder.eof:
            raise _damaged(name, "cut short")
    return position - len(decoder.unused_data)


def _unzstd(body: bytes, max_bytes: int) -> bytes:
    buffer = bytearray(max_bytes + 1)
    try:
        written = int(cramjam.zstd.decompress_into(body, buffer))
    except cramjam.DecompressionError as error:
        if "whole buffer" in str(error):
            raise too_large(max_bytes) from None
        raise _damaged("zstd", str(error)) from None
    if written > max_bytes:
        raise too_large(max_bytes)
    return bytes(memoryview(buffer)[:written])


def _unsnappy(body: bytes, max_bytes: int) -> bytes:
    """One snappy block, as Prometheus sends it. Its length stands in front: only a claim, but more is never written."""
    claimed = _varint(body)
    if claimed > max_bytes:
        raise too_large(max_bytes)
    buffer = bytearray(claimed)
    try:
        written = int(cramjam.snappy.decompress_raw_into(body, buffer))
    except cramjam.DecompressionError as error:
        raise _damaged("snappy", str(error)) from None
    if written != claimed:
        raise _damaged("snappy", f"it says {claimed} bytes and has {written}")
    return bytes(buffer)


def _varint(data: bytes) -> int:
    """The little-endian base-128 number at the start, of at most 32 bits."""
    number = 0
    for place, octet in enumerate(data[:5]):
        number |= (octet & 0x7F) << 7 * place
        if octet < 0x80:
            return number
    raise _damaged("snappy", "no length in front")


def _damaged(name: str, why: str) -> UserError:
    return UserError("invalid_encoding", f"the body is not valid {name}: {why}", status=400)
