"""Which suites there are and what each needs. Versions are those of the lock: they are what is installed here."""

from dataclasses import dataclass, field
from importlib.metadata import version


@dataclass(frozen=True)
class Suite:
    """The tests that a distribution's sdist carries.

    requirements: beside the distribution itself. arguments: for pytest, in the sdist's folder. proof: a metric that the
    agent must have sent, or "" where it instruments nothing of it. because: tests (without their
    parameters) whose outcome differs with the agent by design, and why.
    """

    name: str
    requirements: tuple[str, ...]
    proof: str
    arguments: tuple[str, ...] = ("tests",)
    because: dict[str, str] = field(default_factory=dict)

    @property
    def pinned(self) -> str:
        return f"{self.name}=={version(self.name)}"


SERVER = "http.request.duration"
CLIENT = "http.client.request.duration"

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
        "",
        # Waits for ever, with the agent and without, where a connection to nowhere fails faster than a thread starts.
        ("test", "-k", "not test_http2_probe_blocked_per_thread"),
        because={
            "test/with_dummyserver/test_socketlevel.py::TestContentFraming::test_framing_set_via_headers": (
                "its server waits for the test's header to be the last one before the body; the trace's come after it"
            )
        },
    ),
    Suite(
        "aiohttp",
        (
            "aiohttp[speedups]", "blockbuster", "freezegun", "gunicorn", "isal", "pkgconfig", "proxy.py", "pytest<9",
            "pytest-mock", "pytest-timeout", "pytest-xdist", "pytest-cov", "pytest_codspeed", "python-on-whales",
            "re-assert", "setuptools-git", "trustme", "uvloop", "zlib_ng",
        ),
        "",
        ("tests", "-o", "addopts=", "-m", "not dev_mode and not autobahn and not internal"),
    ),
)  # fmt: skip
