"""Whatever is posted, the collector answers it, refuses it whole or takes it, and goes on. Never a 5xx.

Bodies are the seeds beside this file, mutated by byte and by JSON value, under any content type and encoding. Keep
what once broke something as a seed.
"""

import asyncio
import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cramjam
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vantage_collector.app import create_app
from vantage_common.bus.api import PULSES
from vantage_common.bus.embedded import EmbeddedBus
from vantage_common.clock import ManualClock
from vantage_common.settings import Settings

NOW_MS = 1_790_035_200_000
PATHS = ("/v1/metrics", "/v1/traces", "/v1/logs", "/api/v1/write")
TYPES = (None, "application/json", "application/x-protobuf", "application/protobuf; charset=x", "text/plain", "\t;;/")
ENCODINGS: dict[str | None, Callable[[bytes], bytes]] = {
    None: bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": lambda body: bytes(cramjam.zstd.compress(body)),
    "snappy": lambda body: bytes(cramjam.snappy.compress_raw(body)),
}
ANSWERS = frozenset({200, 202, 204, 400, 408, 413, 415, 422, 429})
SEEDS = {path.name: path.read_bytes() for path in sorted((Path(__file__).parent / "seeds").iterdir())}
TOKENS = [
    b"1e400",
    b"-1e400",
    b"NaN",
    b"null",
    b"\x00",
    b"\\u0000",
    b"[" * 500,
    b'{"',
    b'"' * 3,
    b"9" * 400,
    b"\xff\xfe",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=8,
)


class Collector:
    """A collector on the embedded bus, called in-process from code that is not asynchronous."""

    def __init__(self, directory: Path) -> None:
        self._runner = asyncio.Runner()
        self._runner.run(self._open(directory))

    async def _open(self, directory: Path) -> None:
        configured = Settings(_env_file=None, data_dir=directory, rate_limit_per_minute=0)  # type: ignore[call-arg]  # pydantic-settings' own argument
        self._bus = EmbeddedBus(configured, ManualClock(NOW_MS))
        await self._bus.ensure_topics([configured.kafka_topic, "spans-raw", "logs-raw", PULSES])
        app = create_app(configured, self._bus, ManualClock(NOW_MS))
        self._lifespan = app.router.lifespan_context(app)
        await self._lifespan.__aenter__()
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")

    def close(self) -> None:
        self._runner.run(self._lifespan.__aexit__(None, None, None))
        self._runner.run(self._bus.close())
        self._runner.close()

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        return self._runner.run(self._http.post(path, content=body, headers=headers))

    def rows(self) -> dict[str, int]:
        rows: dict[str, int] = self._runner.run(self._http.get("/v1/stats")).json()["rows"]
        return rows


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    opened = Collector(tmp_path_factory.mktemp("fuzz"))
    yield opened
    opened.close()


@st.composite
def byte_mutants(draw: st.DrawFn) -> bytes:
    """A seed with a few of its bytes flipped, cut, doubled or replaced."""
    body = bytearray(draw(st.sampled_from(list(SEEDS.values()))))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, max(0, len(body) - 1)))
        size = draw(st.integers(0, 30))
        match draw(st.sampled_from(["flip", "cut", "double", "token"])):
            case "flip" if body:
                body[at] ^= draw(st.integers(1, 255))
            case "cut":
                del body[at : at + size]
            case "double":
                body[at:at] = body[at : at + size]
            case "token":
                body[at : at + size] = draw(st.sampled_from(TOKENS))
    return bytes(body)


@st.composite
def value_mutants(draw: st.DrawFn) -> bytes:
    """A seed in JSON with one value anywhere in it replaced."""
    document = json.loads(SEEDS[draw(st.sampled_from(["metrics.json", "traces.json", "logs.json", *OTLP]))])
    parent, key = draw(st.sampled_from(list(places(document))))
    parent[key] = draw(JSON)
    return json.dumps(document).encode()


OTLP = [name for name in SEEDS if name.startswith("otlp-") and name.endswith(".json")]


def places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) below a JSON document."""
    keys = document if isinstance(document, dict) else range(len(document)) if isinstance(document, list) else ()
    for key in keys:
        yield document, key
        yield from places(document[key])


def check(collector: Collector, path: str, body: bytes, content_type: str | None, encoding: str | None) -> None:
    headers = {name: value for name, value in (("content-type", content_type), ("content-encoding", encoding)) if value}
    before = collector.rows()
    answer = collector.post(path, body, headers)
    assert answer.status_code in ANSWERS, answer.text
    if answer.status_code >= 400:
        assert collector.rows() == before
        if answer.headers["content-type"] == "application/json":
            assert {"error", "message"} & set(answer.json())


FUZZ = settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))


@FUZZ
@given(
    path=st.sampled_from(PATHS),
    body=st.one_of(st.binary(max_size=300), byte_mutants(), value_mutants()),
    content_type=st.sampled_from(TYPES),
    encoding=st.sampled_from(list(ENCODINGS)),
    is_encoded=st.booleans(),
)
def test_any_body_is_answered(
    collector: Collector, path: str, body: bytes, content_type: str | None, encoding: str | None, is_encoded: bool
) -> None:
    check(collector, path, ENCODINGS[encoding](body) if is_encoded else body, content_type, encoding)


@FUZZ
@given(path=st.sampled_from(PATHS[:3]), body=value_mutants())
def test_any_value_anywhere_in_a_batch_is_answered(collector: Collector, path: str, body: bytes) -> None:
    check(collector, path, body, "application/json", None)


@pytest.mark.parametrize("name", SEEDS)
@pytest.mark.parametrize("path", PATHS)
def test_the_seeds_as_they_are(collector: Collector, path: str, name: str) -> None:
    for content_type in ("application/json", "application/x-protobuf"):
        for encoding in (None, "snappy"):
            check(collector, path, SEEDS[name], content_type, encoding)


@pytest.mark.parametrize(
    ("path", "name", "content_type", "encoding"),
    [
        ("/v1/metrics", "metrics.json", "application/json", None),
        ("/v1/metrics", "otlp-metrics.json", "application/json", None),
        ("/v1/metrics", "otlp-metrics.pb", "application/x-protobuf", None),
        ("/v1/traces", "otlp-traces.pb", "application/x-protobuf", None),
        ("/v1/logs", "otlp-logs.pb", "application/x-protobuf", None),
        ("/api/v1/write", "remote-write.snappy", "application/x-protobuf", "snappy"),
    ],
)
def test_the_seeds_that_are_good_are_taken(
    collector: Collector, path: str, name: str, content_type: str, encoding: str | None
) -> None:
    """Else the mutants would only be rubbish made of rubbish."""
    before = sum(collector.rows().values())
    check(collector, path, SEEDS[name], content_type, encoding)
    assert sum(collector.rows().values()) > before
