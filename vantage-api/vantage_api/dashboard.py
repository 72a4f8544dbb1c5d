"""The built dashboard and the API behind one origin, as `vantage up` serves them."""

from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from vantage_common.errors import PermanentError, UserError
from vantage_common.http.errors import error_response

_API_PREFIXES: Final = ("/api/", "/vql/", "/health/", "/traces/", "/compare/", "/ws/")
_API_PATHS: Final = frozenset({"/health", "/ready", "/live", "/openapi.json", "/docs", "/redoc", "/traces/"})
_IMMUTABLE: Final = "public, max-age=31536000, immutable"
_SECURITY: Final = {
    "content-security-policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; "
        "img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}
"""No script and no style is inline; the anti-aliasing of the city keeps its look-up tables in data: images."""


class DashboardApp:
    """Files of `dist_dir` at /, index.html for the client's own routes, everything else to the API.

    The API's lifespan is not run here but by the server of its own port: it would start the live part twice.
    """

    def __init__(self, api_app: ASGIApp, dist_dir: Path) -> None:
        self._api = api_app
        self._root = dist_dir.resolve()
        self._index = self._root / "index.html"
        if not self._index.is_file():
            raise PermanentError(
                f"VANTAGE_DASHBOARD_DIR={str(dist_dir)!r} has no index.html: build the dashboard first"
            )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _no_lifespan(receive, send)
            return
        if scope["type"] != "http" or is_api_path(scope["path"], scope["method"], Headers(scope=scope)):
            await self._api(scope, receive, send)
            return
        response = self._page(scope["path"], scope["method"])
        for name, value in _SECURITY.items():
            response.headers[name] = value
        await response(scope, receive, send)

    def _page(self, path: str, method: str) -> Response:
        if method not in ("GET", "HEAD"):
            return error_response(UserError("method_not_allowed", f"{path} does not take {method}", status=405))
        file = self._file(path)
        if file is not None:
            cache = _IMMUTABLE if path.startswith("/assets/") else "no-cache"
            return FileResponse(file, headers={"cache-control": cache})
        if path.startswith("/assets/"):
            # A page of an earlier build asks for files that are gone: HTML in their place would be a riddle.
            return error_response(UserError("not_found", f"there is no {path}: reload the page", status=404))
        return FileResponse(self._index, headers={"cache-control": "no-cache"})

    def _file(self, path: str) -> Path | None:
        """The file a path names, None when it names none or leaves the directory."""
        if "\0" in path:
            return None
        candidate = (self._root / path.lstrip("/")).resolve()
        return candidate if candidate.is_relative_to(self._root) and candidate.is_file() else None


def dashboard_app(api_app: ASGIApp, dist_dir: Path) -> DashboardApp:
    """Raises PermanentError when `dist_dir` holds no built dashboard."""
    return DashboardApp(api_app, dist_dir)


def is_api_path(path: str, method: str, headers: Headers) -> bool:
    """Whether the API answers this path rather than the dashboard.

    The client's own routes (/traces, /services…) share first words with the API's: a browser that navigates there
    asks for HTML and gets the page; a program that asks the API's exact path gets the API.
    """
    if path in _API_PATHS or path.startswith(("/api/", "/vql/", "/ws/")):
        wants_page = method in ("GET", "HEAD") and path == "/traces/" and "text/html" in headers.get("accept", "")
        return not wants_page
    return path.startswith(_API_PREFIXES) and "text/html" not in headers.get("accept", "")


async def _no_lifespan(receive: Receive, send: Send) -> None:
    """Says yes to startup and shutdown: there is nothing to do."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
