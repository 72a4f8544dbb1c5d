"""The guards together, around a FastAPI app: one error shape, one audit record, and the right order."""

import hashlib

import httpx
import pytest
from fastapi import FastAPI, Request
from structlog.testing import capture_logs
from vantage_common.clock import ManualClock
from vantage_common.errors import BusUnavailable, Detail, UserError
from vantage_common.http.asgi import Scope, state_of, workspace_of
from vantage_common.http.audit import RequestRecord
from vantage_common.http.body import ByteBudget
from vantage_common.http.guard import guard
from vantage_common.http.keys import Key, Keyring, KeyScope
from vantage_common.settings import Settings

DIGEST = hashlib.sha256(b"secret").digest()


class Service:
    """A small guarded service that remembers what its sinks were told."""

    def __init__(self, *, keys: tuple[Key, ...] = (), per_minute: int = 0) -> None:
        self.records: list[RequestRecord] = []
        self.errors: list[UserError] = []
        self.clock = ManualClock(0)
        self.app = FastAPI()
        guard(
            self.app,
            Settings(_env_file=None, cors_origins="http://city"),  # type: ignore[call-arg]  # pydantic-settings' own
            self.clock,
            keyring=Keyring(keys, self.clock),
            required=self.required,
            per_minute=per_minute,
            max_body_bytes=100,
            budget=ByteBudget(1000),
            sinks=[self.records.append],
            on_error=self.on_error,
        )

        @self.app.post("/echo")
        async def echo(request: Request) -> dict[str, str]:
            self.clock.advance(0.25)
            return {"workspace": workspace_of(request.scope), "body": (await request.body()).decode()}

        @self.app.get("/number/{number}")
        async def number(number: int) -> int:
            return number

        @self.app.get("/fail/{how}")
        async def fail(how: str) -> None:
            raise {
                "user": UserError("odd", "odd it is", status=418, hint="do", position=3, details=[Detail("a.0", "b")]),
                "bus": BusUnavailable("the broker is away"),
                "bug": KeyError("secret detail"),
            }[how]

    @staticmethod
    def required(method: str, path: str) -> KeyScope | None:
        return "ingest" if path == "/echo" else None

    def on_error(self, scope: Scope, error: UserError) -> None:
        self.errors.append(error)

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://test")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("DELETE", "/echo", 405, "method_not_allowed"),
        ("GET", "/number/x", 422, "invalid_request"),
        ("GET", "/fail/user", 418, "odd"),
        ("GET", "/fail/bus", 503, "unavailable"),
        ("GET", "/fail/bug", 500, "internal"),
    ],
)
async def test_every_failure_has_the_one_shape_and_is_told_once(method: str, path: str, status: int, code: str) -> None:
    service = Service()
    async with service.client() as client:
        answer = await client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"]["code"] == code
    assert [error.code for error in service.errors] == [code]
    assert [record.status for record in service.records] == [status]


async def test_a_user_error_is_told_in_full() -> None:
    async with Service().client() as client:
        body = (await client.get("/fail/user")).json()
    details = [{"loc": "a.0", "msg": "b"}]
    expected = {"code": "odd", "message": "odd it is", "hint": "do", "position": 3, "details": details}
    assert body == {"error": expected}


async def test_a_bug_is_logged_once_and_its_detail_kept_from_the_client() -> None:
    with capture_logs() as logs:
        async with Service().client() as client:
            answer = await client.get("/fail/bug")
    assert "secret detail" not in answer.text
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["request failed"]


async def test_invalid_parameters_say_where() -> None:
    async with Service().client() as client:
        details = (await client.get("/number/x")).json()["error"]["details"]
    assert details[0]["loc"] == "path.number"


async def test_a_method_that_is_not_taken_says_which_are() -> None:
    async with Service().client() as client:
        assert (await client.delete("/echo")).headers["allow"] == "POST"


async def test_the_key_gives_the_workspace_and_its_absence_is_401() -> None:
    key = Key("vk", "shop", frozenset({"ingest"}), "editor", DIGEST)
    service = Service(keys=(key,))
    async with service.client() as client:
        refused = await client.post("/echo", content=b"x")
        taken = await client.post("/echo", content=b"x", headers={"authorization": "Bearer secret"})
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert taken.json() == {"workspace": "shop", "body": "x"}


async def test_a_body_is_not_read_for_who_may_not_send_it() -> None:
    service = Service(keys=(Key("vk", "shop", frozenset({"query"}), "editor", DIGEST),))
    async with service.client() as client:
        answer = await client.post("/echo", content=b"x" * 1000, headers={"x-api-key": "secret"})
    assert answer.status_code == 403
    assert service.records[0].received_bytes == 0


async def test_the_audit_record_says_who_did_what_and_no_secret() -> None:
    service = Service(keys=(Key("vk", "shop", frozenset({"ingest"}), "editor", DIGEST),))
    with capture_logs() as logs:
        async with service.client() as client:
            await client.post("/echo?token=hidden", content=b"hello", headers={"x-api-key": "secret"})
    assert service.records == [RequestRecord("POST", "/echo", 200, "shop", "vk", "127.0.0.1", 5, 250.0)]
    (line,) = [line for line in logs if line["event"] == "request"]
    assert line["path"] == "/echo"
    assert "secret" not in str(logs)
    assert "hidden" not in str(logs)


@pytest.mark.parametrize("origin", ["http://city", "http://evil"])
async def test_cross_origin_answers_are_for_known_origins_without_credentials(origin: str) -> None:
    asked = {"origin": origin, "access-control-request-method": "POST", "access-control-request-headers": "X-API-Key"}
    async with Service(keys=(Key("vk", "s", frozenset({"ingest"}), "editor", DIGEST),)).client() as client:
        preflight = await client.options("/echo", headers=asked)
        refused = await client.post("/echo", headers={"origin": origin})
    allowed = "http://city" if origin == "http://city" else None
    assert preflight.headers.get("access-control-allow-origin") == allowed
    assert refused.headers.get("access-control-allow-origin") == allowed
    assert "access-control-allow-credentials" not in preflight.headers


async def test_zero_requests_a_minute_means_no_limit_and_one_means_one() -> None:
    for per_minute, expected in ((0, [200, 200]), (1, [200, 429])):
        async with Service(per_minute=per_minute).client() as client:
            assert [(await client.get("/number/1")).status_code for _ in range(2)] == expected


def test_a_scope_without_state_gets_one() -> None:
    scope: Scope = {"type": "http"}
    state_of(scope)["workspace"] = "shop"
    assert workspace_of(scope) == "shop"
