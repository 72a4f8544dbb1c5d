"""OTLP over gRPC: each call is handed to the HTTP app as a request, so that the same guards, limits and counts hold.

grpc is imported when the server is made: a collector that does not serve gRPC does without its 7 MB.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from vantage_common.errors import PermanentError
from vantage_common.http.asgi import App, Message
from vantage_common.sockets import bind

from vantage_collector.decode.otlp import EXPORTS, MEDIA_TYPES
from vantage_collector.decode.rpc_status import read_status

if TYPE_CHECKING:
    import grpc

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
GRACEFUL_S = 5.0
"""How long calls may go on after the stop."""
PORT_VARIABLE = "VANTAGE_OTLP_GRPC_PORT"
_HANDED_ON = frozenset({"x-api-key", "authorization", "x-forwarded-for"})
_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.so_reuseport", 0),  # two collectors on one port would share its calls without a word
    ("grpc.max_connection_idle_ms", 600_000),
    ("grpc.keepalive_time_ms", 60_000),
)


async def serve_grpc(app: App, host: str, port: int, stop: asyncio.Event) -> None:
    """Serves the export methods until `stop`, then lets calls finish for `GRACEFUL_S`.

    Raises PermanentError when it cannot listen there.
    """
    import grpc

    bind(host, port, PORT_VARIABLE).close()
    server = grpc.aio.server(options=_OPTIONS)
    server.add_generic_rpc_handlers([_handler(app, path) for path in EXPORTS.values()])
    try:
        server.add_insecure_port(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    except RuntimeError as error:
        raise PermanentError(f"cannot listen on {host}:{port} ({error}): check {PORT_VARIABLE}") from None
    await server.start()
    try:
        await stop.wait()
    finally:
        await server.stop(GRACEFUL_S)


def _handler(app: App, path: str) -> "grpc.GenericRpcHandler[bytes, bytes]":
    import grpc

    codes = {code.value[0]: code for code in grpc.StatusCode}

    async def export(message: bytes, context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
        status, body = await _call(app, _scope(path, context, len(message)), message)
        if status == 200:
            return body
        code, text = read_status(body)
        await context.abort(codes[code], text, (("grpc-status-details-bin", body),))

    _, service, method = path.split("/")
    return grpc.method_handlers_generic_handler(service, {method: grpc.unary_unary_rpc_method_handler(export)})


def _scope(path: str, context: "grpc.aio.ServicerContext[bytes, bytes]", size: int) -> dict[str, Any]:
    """An HTTP request with what the guards look at; metadata that none of them reads stays behind."""
    metadata: Iterable[tuple[str, str | bytes]] = context.invocation_metadata() or ()
    headers = [
        (name.encode(), value.encode("latin-1", "replace"))
        for name, value in metadata
        if name in _HANDED_ON and isinstance(value, str)
    ]
    about = ((b"content-type", MEDIA_TYPES["protobuf"].encode()), (b"content-length", str(size).encode()))
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "2",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [*headers, *about],
        "client": _client(context.peer()),
        "server": None,
        "state": {},
    }


def _client(peer: str) -> tuple[str, int] | None:
    """Address and port of gRPC's ``ipv4:127.0.0.1:5000`` and ``ipv6:%5B::1%5D:5000``; None for other transports."""
    family, _, rest = unquote(peer).partition(":")
    address, _, port = rest.rpartition(":")
    if family not in ("ipv4", "ipv6") or not port.isdigit():
        return None
    return address.strip("[]"), int(port)


async def _call(app: App, scope: dict[str, Any], body: bytes) -> tuple[int, bytes]:
    """Status and body of the app's answer."""
    status = 500
    parts: list[bytes] = []
    messages = iter(({"type": "http.request", "body": body, "more_body": False},))

    async def receive() -> Message:
        return next(messages, {"type": "http.disconnect"})

    async def send(message: Mapping[str, Any]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return status, b"".join(parts)
