"""The ClickHouse engine behind ClickHouse's HTTP interface: a stand-in for a server that tests start.

No server binary can be had where the tests run, but chDB is the same engine as a library. This program owns a chDB
directory and answers as `clickhouse-server` does on port 8123, so that code that speaks to a server over HTTP is
tested against the real parser, storage, limits and errors. It is a test tool: nothing of the product imports it.

Like a server it has no state between requests: each one gets an engine handle of its own, so that settings and
`USE` end with it, and requests run side by side. It speaks `/ping`, `query` in the URL or the body, the data of an
INSERT behind it, `param_…`, `database`, `default_format`, settings in the URL (GET means read-only), form-encoded
parameters, compressed requests, errors with their code in a header, and `KILL QUERY` by `log_comment`.

What a server does and this does not: users and passwords (everybody may do everything), sessions, roles and
temporary tables, the query id (it is answered, but the engine never learns it), compressed and streamed answers
(each is made whole first, so no error comes after a status 200), progress headers, the client protocol version,
external data, the native port, clusters, and system logs. A body of two statements runs both; a server refuses it.
"""

import argparse
import asyncio
import contextlib
import email
import email.policy
import gzip
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import chdb
import cramjam
import uvicorn
from chdb.state.sqlitelike import Connection
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

ROOT = Path(__file__).resolve().parents[1]
MAX_CONCURRENT_QUERIES = 64
ENGINE_OPTIONS = (
    "max_server_memory_usage=1500000000&mark_cache_size=33554432&index_mark_cache_size=8388608"
    "&background_pool_size=2&background_schedule_pool_size=2&max_thread_pool_free_size=8"
)
"""An engine of a size that fits beside the services under test."""

NOT_SETTINGS = frozenset(
    {"query", "database", "default_format", "query_id", "session_id", "session_timeout", "session_check", "role"}
    | {"quota_key", "user", "password", "compress", "decompress", "buffer_size", "wait_end_of_query", "stacktrace"}
    | {"client_protocol_version"}
)
"""Names in the URL that mean something to the HTTP interface and not to the engine."""

INFLATE: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "zstd": lambda body: bytes(cramjam.zstd.decompress(body)),
    "lz4": lambda body: bytes(cramjam.lz4.decompress(body)),
}

_INSERT_WITH_DATA = re.compile(
    rb"\s*(?P<insert>INSERT\s+INTO\s+(?:FUNCTION\s+\w+\('(?:\\.|[^'\\])*'\)|(?:TABLE\s+)?[`\w.]+)\s*(?:\([^)]*\))?)"
    rb"\s*FORMAT\s+(?!VALUES\b)(?P<format>\w+)\s*?\n",
    re.IGNORECASE,
)
_ANSWERS = re.compile(rb"\s*\(*\s*(SELECT|WITH|SHOW|DESC|DESCRIBE|EXISTS|EXPLAIN|CHECK|KILL)\b", re.IGNORECASE)
_TRAILING_FORMAT = re.compile(rb"\bFORMAT\s+(\w+)\s*;?\s*\Z", re.IGNORECASE)
_ERROR_CODE = re.compile(r"Code: (\d+)\. ")

# The codes of ErrorCodes.cpp that do not answer 500, as in exceptionCodeToHTTPStatus.cpp.
STATUS_OF_CODE: Mapping[int, int] = {
    **dict.fromkeys((6, 15, 25, 26, 36, 38, 41, 44, 53, 62, 72, 117, 167, 168, 186, 321, 427), 400),
    **dict.fromkeys((46, 47, 50, 56, 60, 73, 81, 115, 510), 404),
    48: 501,
    159: 408,
    439: 503,
    497: 403,
}


@dataclass(frozen=True, slots=True)
class Call:
    """A request as the engine needs it. `data` is what follows an INSERT … FORMAT `input_format`, else None."""

    sql: bytes
    data: bytes | None
    input_format: str
    answer_format: str
    database: str
    parameters: Mapping[str, str]
    settings: Mapping[str, str]
    query_id: str


@dataclass(frozen=True, slots=True)
class Answer:
    """`summary` has what clickhouse-connect's QuerySummary reads."""

    body: bytes
    summary: Mapping[str, str] = field(default_factory=dict)


class EngineError(Exception):
    """The engine refused. The text is its own: ``Code: N. DB::Exception: …``."""

    def __init__(self, text: str) -> None:
        found = _ERROR_CODE.search(text)
        self.text = text[found.start() :] if found else f"Code: 1001. DB::Exception: {text}"
        self.code = int(found[1]) if found else 1001
        super().__init__(self.text)

    @property
    def status(self) -> int:
        return STATUS_OF_CODE.get(self.code, 500)


def read_call(fields: Mapping[str, str], body: bytes, *, read_only: bool) -> Call:
    """What a request asks for: `fields` are its URL parameters and form values, `body` what it carries."""
    text = b"\n".join(part for part in (fields.get("query", "").encode(), body) if part)
    insert = _INSERT_WITH_DATA.match(text) or _INSERT_WITH_DATA.match(text + b"\n")
    settings = {name: value for name, value in fields.items() if _is_setting(name)}
    if read_only:
        settings.setdefault("readonly", "2")
    trailing = _TRAILING_FORMAT.search(text) if insert is None else None
    return Call(
        sql=insert["insert"] if insert else text,
        data=text[insert.end() :] if insert else None,
        input_format=insert["format"].decode() if insert else "",
        answer_format=trailing[1].decode() if trailing else fields.get("default_format", "TabSeparated"),
        database=fields.get("database", ""),
        parameters={name.removeprefix("param_"): value for name, value in fields.items() if name.startswith("param_")},
        settings=settings,
        query_id=fields.get("query_id", "") or str(uuid4()),
    )


def set_statement(settings: Mapping[str, str]) -> str:
    """One SET for all of them: the engine checks them together, as a server does those of a request."""
    return "SET " + ", ".join(f"`{name.replace('`', '')}` = {_quoted(value)}" for name, value in settings.items())


def form_fields(body: bytes, content_type: str) -> dict[str, str]:
    """The text fields of a multipart form."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    form = email.message_from_bytes(head + body, policy=email.policy.HTTP)
    fields = {}
    for part in form.iter_parts():
        name, value = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(value, bytes):
            fields[name] = value.decode()
    return fields


class Engine:
    """chDB on a directory. `run` may be called from many threads."""

    def __init__(self, path: Path) -> None:
        self._where = f"{path}?{ENGINE_OPTIONS}"
        self._anchor = chdb.connect(self._where)
        """Keeps the engine open between requests."""
        row = self._anchor.query("SELECT version(), timezone()", "TabSeparated").bytes()
        self.version, self.timezone = row.decode().split()

    def run(self, call: Call) -> Answer:
        """Raises EngineError."""
        handle = chdb.connect(self._where)
        try:
            if call.settings:
                handle.query(set_statement(call.settings), "TabSeparated")
            if call.database:
                handle.query(f"USE `{call.database.replace('`', '')}`", "TabSeparated")
            return _query(handle, call) if call.data is None else _insert(handle, call, call.data)
        except RuntimeError as error:
            raise EngineError(str(error)) from None
        finally:
            handle.close()

    def close(self) -> None:
        self._anchor.close()


def _query(handle: Connection, call: Call) -> Answer:
    result = handle.query(call.sql, call.answer_format, params=dict(call.parameters))
    summary = {
        "read_rows": str(result.rows_read()),
        "read_bytes": str(result.bytes_read()),
        "elapsed_ns": str(round(result.elapsed() * 1e9)),
    }
    return Answer(result.bytes() or b"", summary)


def _insert(handle: Connection, call: Call, data: bytes) -> Answer:
    """From a file: within a query text the data would end at the first odd byte, and chDB's own `send_insert` calls an
    insert finished of which nothing could be written (seen on a full disk, chDB 4.4)."""
    if not data:
        return Answer(b"", {"written_rows": "0", "written_bytes": "0"})
    with tempfile.NamedTemporaryFile(suffix=".data") as file:
        file.write(data)
        file.flush()
        infile = f" FROM INFILE '{file.name}' COMPRESSION 'none' FORMAT {call.input_format}"
        result = handle.query(call.sql.decode() + infile, "TabSeparated")
    return Answer(b"", {"written_rows": str(result.rows_read()), "written_bytes": str(result.bytes_read())})


def create_app(engine: Engine) -> Starlette:
    """GET and POST on /, GET /ping. Closes the engine when it stops."""
    threads = ThreadPoolExecutor(MAX_CONCURRENT_QUERIES, thread_name_prefix="query")

    async def ping(_: Request) -> Response:
        return PlainTextResponse("Ok.\n")

    async def answer(request: Request) -> Response:
        fields = dict(request.query_params)
        try:
            body = await request.body()
        except ClientDisconnect:  # with half a request sent
            return Response(status_code=400)
        encoding, content_type = request.headers.get("content-encoding"), request.headers.get("content-type", "")
        if encoding:
            body = INFLATE[encoding](body)
        if content_type.startswith("multipart/form-data"):
            body, fields = b"", fields | form_fields(body, content_type)
        call = read_call(fields, body, read_only=request.method == "GET")
        if not call.sql:
            return PlainTextResponse("Ok.\n")
        headers = {
            "X-ClickHouse-Query-Id": call.query_id,
            "X-ClickHouse-Timezone": engine.timezone,
            "X-ClickHouse-Server-Display-Name": "chdb",
        }
        try:
            result = await asyncio.get_running_loop().run_in_executor(threads, engine.run, call)
        except EngineError as error:
            text = f"{error.text} (version {engine.version})\n"
            return PlainTextResponse(text, error.status, headers | {"X-ClickHouse-Exception-Code": str(error.code)})
        headers["X-ClickHouse-Summary"] = json.dumps(result.summary)
        if _ANSWERS.match(call.sql):
            headers["X-ClickHouse-Format"] = call.answer_format
        return Response(result.body, headers=headers, media_type="application/octet-stream")

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        threads.shutdown()
        engine.close()

    return Starlette(
        routes=[Route("/ping", ping), Route("/", answer, methods=["GET", "POST"])],
        lifespan=lifespan,
    )


class ClickHouseServer:
    """The program of this file as a subprocess. `stop` and `start` keep port and data, as a restart does."""

    host = "127.0.0.1"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Returns when it answers: the port is printed once the engine is open and the socket listens."""
        module = [sys.executable, "-m", "tests.clickhouse_http"]
        command = [*module, "--owned", "--path", str(self._path), "--port", str(self.port)]
        process = self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        printed = process.stdout.readline()
        if not printed:
            raise RuntimeError(f"clickhouse_http did not start, exit status {process.wait()}")
        self.port = int(printed)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As a crash: the engine has no time to finish anything."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


@contextlib.contextmanager
def clickhouse_http(path: Path) -> Iterator[ClickHouseServer]:
    """A running server on `path`, stopped when the block ends."""
    server = ClickHouseServer(path)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _is_setting(name: str) -> bool:
    return name not in NOT_SETTINGS and not name.startswith("param_")


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _end_with_owner() -> None:
    """Without this a killed test run would leave an engine behind, perhaps at work on an endless query."""
    sys.stdin.read()
    os._exit(1)


def main() -> None:
    """Prints the port as its only line, then serves until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(description="chDB behind ClickHouse's HTTP interface, for tests")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--path", type=Path, required=True, help="directory of the data; one process at a time")
    parser.add_argument("--owned", action="store_true", help="end when standard input ends, as it does with a parent")
    options = parser.parse_args()
    if options.owned:
        threading.Thread(target=_end_with_owner, daemon=True).start()
    listener = socket.create_server((options.host, options.port), backlog=256)
    engine = Engine(options.path.resolve())
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    config = uvicorn.Config(create_app(engine), log_level="warning", timeout_graceful_shutdown=5)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
