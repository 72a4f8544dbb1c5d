"""The dashboard and the API behind one origin: files, client routes, and nothing outside the directory."""

from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from vantage_api.dashboard import dashboard_app
from vantage_common.errors import PermanentError

PAGE = {"accept": "text/html,*/*"}


async def _api(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"api {request.url.path}")


@pytest.fixture
def client(tmp_path: Path) -> httpx.AsyncClient:
    (tmp_path / "secret").write_text("secret")
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<title>Vantage</title>")
    (dist / "assets" / "app-1a2b.js").write_text("x")
    (dist / "escape").symlink_to(tmp_path / "secret")
    methods = ["GET", "POST"]
    api = Starlette(routes=[Route("/{path:path}", _api, methods=methods)])
    transport = httpx.ASGITransport(app=dashboard_app(api, dist))
    return httpx.AsyncClient(transport=transport, base_url="http://vantage")


@pytest.mark.parametrize("path", ["/", "/services", "/services/checkout", "/traces", "/logs", "/health/whatever"])
async def test_client_routes_are_the_page(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, headers=PAGE)
    assert (answer.status_code, "Vantage" in answer.text) == (200, True)
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path", ["/api/services", "/api/nope", "/health", "/health/scores", "/openapi.json", "/docs", "/traces/?trace_id=1"]
)
async def test_api_paths_reach_the_api(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).text.startswith("api ")


async def test_a_query_is_posted_through(client: httpx.AsyncClient) -> None:
    assert (await client.post("/vql/execute")).text == "api /vql/execute"


async def test_built_files_are_kept_for_ever_and_missing_ones_are_no_page(client: httpx.AsyncClient) -> None:
    kept = await client.get("/assets/app-1a2b.js")
    gone = await client.get("/assets/app-old.js", headers=PAGE)
    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "javascript" in kept.headers["content-type"]
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/escape", "/..%2fsecret", "/%2e%2e/secret", "//etc/passwd", "/a%00b"])
async def test_nothing_outside_the_directory_is_served(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, headers=PAGE)
    assert "secret" not in answer.text
    assert "Vantage" in answer.text


async def test_every_page_forbids_foreign_scripts_and_frames(client: httpx.AsyncClient) -> None:
    headers = (await client.get("/", headers=PAGE)).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"


def test_a_directory_without_a_build_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="VANTAGE_DASHBOARD_DIR"):
        dashboard_app(Starlette(), tmp_path)
