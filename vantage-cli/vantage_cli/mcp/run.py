"""Serving the tools, until the client goes away or Ctrl-C."""

from vantage_cli.mcp.api import Api
from vantage_cli.mcp.server import build

LOOPBACK = "127.0.0.1"


async def serve(url: str, key: str | None, http_port: int | None) -> None:
    """Over stdin and stdout; or over HTTP on loopback, at ``/mcp``, when a port is given."""
    api = Api(url, key)
    server = build(api)
    try:
        if http_port is None:
            await server.run_stdio_async()
        else:
            await server.run_streamable_http_async(
                host=LOOPBACK, port=http_port, stateless_http=True, json_response=True
            )
    finally:
        await api.close()
