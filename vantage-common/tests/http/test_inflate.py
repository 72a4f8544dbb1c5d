"""Content-Encoding undone: every encoding both ways, and no body that grows without bound or is half there."""

import contextlib
import gzip
import zlib
from collections.abc import Callable

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vantage_common.errors import UserError
from vantage_common.http.inflate import inflate

LIMIT = 100_000


def raw_deflate(data: bytes) -> bytes:
    encoder = zlib.compressobj(wbits=-15)
    return encoder.compress(data) + encoder.flush()


def zstd(data: bytes) -> bytes:
    return bytes(cramjam.zstd.compress(data))


def snappy(data: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(data))


ENCODERS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
    ("zstd", zstd),
    ("snappy", snappy),
]
NAMES = ["gzip", "zlib", "raw deflate", "zstd", "snappy"]


@pytest.mark.parametrize(("encoding", "encode"), ENCODERS, ids=NAMES)
@given(data=st.binary(max_size=LIMIT))
def test_what_was_encoded_comes_back(encoding: str, encode: Callable[[bytes], bytes], data: bytes) -> None:
    assert inflate(encode(data), encoding, LIMIT) == data


@pytest.mark.parametrize(("encoding", "encode"), ENCODERS, ids=NAMES)
def test_the_limit_is_on_what_comes_out(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    assert len(inflate(encode(b"a" * LIMIT), encoding, LIMIT)) == LIMIT
    with pytest.raises(UserError) as refused:
        inflate(encode(b"a" * (LIMIT + 1)), encoding, LIMIT)
    assert refused.value.status == 413


@pytest.mark.parametrize(("encoding", "encode"), ENCODERS, ids=NAMES)
def test_a_body_cut_short_is_400_wherever_it_is_cut(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    whole = encode(bytes(range(256)) * 8)
    for length in range(len(whole)):
        with pytest.raises(UserError) as refused:
            inflate(whole[:length], encoding, LIMIT)
        assert refused.value.status == 400, length


@pytest.mark.parametrize(("encoding", "encode"), ENCODERS, ids=NAMES)
def test_bytes_after_the_end_are_400(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    with pytest.raises(UserError) as refused:
        inflate(encode(b"hello") + b"garbage", encoding, LIMIT)
    assert refused.value.status == 400


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "snappy"])
@given(data=st.binary(max_size=300))
def test_random_bytes_are_refused_or_read_but_never_crash(encoding: str, data: bytes) -> None:
    with contextlib.suppress(UserError):
        assert len(inflate(data, encoding, LIMIT)) <= LIMIT


def test_gzip_members_end_to_end_are_one_body() -> None:
    assert inflate(gzip.compress(b"one ") + gzip.compress(b"two"), "gzip", LIMIT) == b"one two"
    assert inflate(gzip.compress(b"padded") + b"\0" * 100, "gzip", LIMIT) == b"padded"


def test_the_limit_holds_across_members() -> None:
    with pytest.raises(UserError) as refused:
        inflate(gzip.compress(b"a" * LIMIT) + gzip.compress(b"a"), "gzip", LIMIT)
    assert refused.value.status == 413


def test_a_flood_of_empty_members_is_refused() -> None:
    with pytest.raises(UserError, match="members"):
        inflate(gzip.compress(b"") * 10_000, "gzip", LIMIT)


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "gzip\r\nx"])
def test_another_encoding_is_415_and_told_what_is_spoken(encoding: str) -> None:
    with pytest.raises(UserError) as refused:
        inflate(b"", encoding, LIMIT)
    assert refused.value.status == 415
    assert "gzip, deflate, zstd" in str(refused.value.hint)


@pytest.mark.parametrize("encoding", ["", "identity", " GZIP "])
def test_names_are_read_leniently(encoding: str) -> None:
    body = gzip.compress(b"x") if "GZIP" in encoding else b"x"
    assert inflate(body, encoding, LIMIT) == b"x"


@pytest.mark.parametrize(("claimed", "status"), [(b"\xff\xff\xff\xff\x0f", 413), (b"\x02", 400), (b"\x09", 400)])
def test_the_length_in_front_of_a_snappy_block_is_not_believed(claimed: bytes, status: int) -> None:
    with pytest.raises(UserError) as refused:
        inflate(claimed + snappy(b"abc")[1:], "snappy", LIMIT)
    assert refused.value.status == status
