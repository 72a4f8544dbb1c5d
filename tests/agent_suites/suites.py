"""Which suites there are and what each needs. Versions are those of the lock: they are what is installed here."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib.metadata import version

from tests.agent_suites.servers import no_server, redis_server


@dataclass(frozen=True)
class Suite:
    """The tests that a distribution's sdist carries.

    requirements: beside the distribution itself. arguments: for pytest, in the sdist's folder, what to run first.
    proof: a metric that the agent must have sent, or "" where it instruments nothing of it. because: tests (without
    their parameters) that look at the headers of a request and find the trace's, and what they make of them.
    server: runs as long as the tests, and gives them more arguments.
    """

    name: str
    requirements: tuple[str, ...]
    proof: str
    arguments: tuple[str, ...] = ("tests",)
    because: dict[str, str] = field(default_factory=dict)
    server: Callable[[], AbstractContextManager[tuple[str, ...]]] = no_server

    @property
    def pinned(self) -> str:
        return f"{self.name}=={version(self.name)}"


SERVER = "http.request.duration"
CLIENT = "http.client.request.duration"
DATABASE = "db.client.operation.duration"

_URLLIB3 = "test/with_dummyserver/"
_ALL_HEADERS = "it asserts all headers that go out"
_COUNTED = "it counts the headers that go out"

SUITES = (
    Suite("flask", ("asgiref", "greenlet", "pytest<9", "python-dotenv"), SERVER),
    Suite(
        "requests",
        ("requests[socks]", "pytest<10", "pytest-mock", "pytest-httpbin==2.1.0", "httpbin~=0.10.0", "trustme"),
        CLIENT,
        because={
            "tests/test_requests.py::TestRequests::test_response_iter_lines_reentrant": (
                "httpbin's answer quotes the headers and is longer by the trace's; the test counts blocks of 512 bytes"
            )
        },
    ),
    Suite(
        "httpx",
        ("httpx[brotli,cli,http2,socks,zstd]", "pytest<9", "chardet<6", "cryptography", "trio", "trustme", "uvicorn"),
        CLIENT,
    ),
    Suite(
        "starlette",
        (
            "starlette[full]", "blockbuster", "importlib-metadata", "opentelemetry-sdk", "pytest<10", "pytest-codspeed",
            "trio",
        ),
        SERVER,
    ),
    Suite("werkzeug", ("cffi", "cryptography", "ephemeral-port-reserve", "pytest<9", "pytest-timeout"), ""),
    Suite(
        "fastapi",
        (
            "fastapi[all]", "a2wsgi", "anyio[trio]", "coverage", "dirty-equals", "flask", "httpx", "httpx2",
            "inline-snapshot", "logfire", "opentelemetry-exporter-otlp-proto-http",
            "opentelemetry-instrumentation-fastapi", "opentelemetry-sdk", "pwdlib[argon2]", "pyjwt", "pytest<9.2",
            "pytest-codspeed", "pytest-timeout", "pytest-xdist", "python-slugify", "pyyaml", "sentry-sdk", "sqlmodel",
            "strawberry-graphql", "typer",
        ),
        SERVER,
    ),
    Suite(
        "urllib3",
        (
            "anyio[trio]", "cryptography", "h2", "httpx", "hypercorn", "idna", "pyopenssl", "pysocks", "pytest<9",
            "pytest-socket", "pytest-timeout", "quart", "quart-trio", "trio", "trustme",
        ),
        CLIENT,
        # Waits for ever, with the agent and without, where a connection to nowhere fails faster than a thread starts.
        ("test", "-k", "not test_http2_probe_blocked_per_thread"),
        because={
            _URLLIB3 + "test_socketlevel.py::TestContentFraming::test_framing_set_via_headers": (
                "its server waits for the test's header to be the last one before the body; the trace's come after it"
            ),
            _URLLIB3 + "test_socketlevel.py::TestContentFraming::test_chunked_not_specified": _COUNTED,
            _URLLIB3 + "test_socketlevel.py::TestContentFraming::test_chunked_specified": _COUNTED,
            _URLLIB3 + "test_socketlevel.py::TestHeaders::test_headers_are_sent_with_the_original_case": _ALL_HEADERS,
            _URLLIB3 + "test_socketlevel.py::TestHeaders::test_ua_header_can_be_overridden": _ALL_HEADERS,
            _URLLIB3 + "test_socketlevel.py::TestProxyManager::test_simple": _ALL_HEADERS,
            _URLLIB3 + "test_poolmanager.py::TestPoolManager::test_headers_http_header_dict": _ALL_HEADERS,
            _URLLIB3 + "test_poolmanager.py::TestPoolManager::test_headers_http_multi_header_multipart": _ALL_HEADERS,
            _URLLIB3 + "test_poolmanager.py::TestPoolManager::test_merge_headers_with_pool_manager_headers": (
                _ALL_HEADERS
            ),
        },
    ),
    Suite(
        "aiohttp",
        (
            "aiohttp[speedups]", "blockbuster", "freezegun", "gunicorn", "isal", "pkgconfig", "proxy.py", "pytest<9",
            "pytest-mock", "pytest-timeout", "pytest-xdist", "pytest-cov", "pytest_codspeed", "python-on-whales",
            "re-assert", "setuptools-git", "trustme", "uvloop", "zlib_ng",
        ),
        CLIENT,
        # What the agent lies around; parsers, cookies and the like are below it.
        (
            "tests", "-o", "addopts=", "-m", "not dev_mode and not autobahn and not internal", "-k",
            "(test_client or test_web or test_connector or test_proxy or test_run_app or test_tracing)"
            " and not benchmarks",
        ),
    ),
    Suite(
        "redis",
        (
            "aiohttp", "coverage", "cryptography", "numpy", "opentelemetry-exporter-otlp-proto-http",
            "opentelemetry-sdk", "pybreaker", "pytest<10", "pytest-asyncio", "pytest-cov", "pytest-forked",
            "pytest-timeout", "redis-entraid", "requests", "xxhash",
        ),
        DATABASE,
        # The others wait for clusters, modules, certificates or proxies of their makers' own.
        (
            "tests", "-o", "addopts=", "--ignore", "tests/test_scenario", "--ignore",
            "tests/test_asyncio/test_scenario", "--ignore", "tests/maint_notifications", "-m",
            "not redismod and not onlycluster and not ssl and not cp_integration and not multidb_integration",
        ),
        server=redis_server,
    ),
)  # fmt: skip
