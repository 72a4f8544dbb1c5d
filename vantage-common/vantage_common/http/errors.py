"""Every failure of a request becomes the one error shape ``{"error": {"code", "message", …}}``."""

from collections.abc import Callable
from typing import TypeAlias

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from msgspec import json
from starlette.exceptions import HTTPException
from starlette.responses import Response

from vantage_common.errors import Detail, QueryTimeout, RetryableError, UserError
from vantage_common.http.asgi import App, Message, Receive, Scope, Send
from vantage_common.telemetry import get_logger

ErrorSink: TypeAlias = Callable[[Scope, UserError], None]
"""Is told of every failed request, to count it."""

Respond: TypeAlias = Callable[[Scope, UserError], Response]
"""Makes the answer for an error."""

MAX_DETAILS = 10
RETRY_AFTER_S = 5
_CODES = {404: "not_found", 405: "method_not_allowed"}

log = get_logger("vantage.http")


def ignore(_scope: Scope, _error: UserError) -> None:
    """An ErrorSink for who does not count."""


def respond_in_json(_scope: Scope, error: UserError) -> Response:
    """The one error shape, whatever the request was."""
    return error_response(error)


class ErrorMiddleware:
    """Answers exceptions: UserError as it says, RetryableError as 503, anything else as 500, logged here once.

    Once an answer has begun it can no longer be changed: the exception then goes on to the server, which closes
    the connection so that the client sees that the answer is not whole.
    """

    def __init__(self, app: App, on_error: ErrorSink = ignore, respond: Respond = respond_in_json) -> None:
        self._app = app
        self._on_error = on_error
        self._respond = respond

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as exception:
            if started:
                raise
            error = as_user_error(exception)
            if error.status == 500:
                log.error("request failed", method=scope["method"], path=scope["path"], exc_info=exception)
            self._on_error(scope, error)
            await self._respond(scope, error)(scope, receive, send)


def as_user_error(exception: Exception) -> UserError:
    """What the client is told about an exception: never more than its own errors and what to do."""
    match exception:
        case UserError():
            return exception
        case QueryTimeout():
            return UserError(
                "query_timeout", str(exception), status=503, hint="ask for a shorter range, or group by fewer things"
            )
        case RetryableError():
            return UserError("unavailable", str(exception), status=503, retry_after_s=RETRY_AFTER_S)
        case _:
            return UserError("internal", "something failed on our side; our log says what", status=500)


def error_response(error: UserError) -> Response:
    """The answer for an error, with Retry-After where it says so and WWW-Authenticate on 401."""
    headers: dict[str, str] = {}
    if error.retry_after_s is not None:
        headers["retry-after"] = str(error.retry_after_s)
    if error.status == 401:
        headers["www-authenticate"] = "Bearer"
    return Response(json.encode(error.as_body()), error.status, headers, media_type="application/json")


def install_error_handlers(app: FastAPI, on_error: ErrorSink = ignore) -> None:
    """Gives the framework's own errors (no such path, wrong method, invalid parameters) the one shape too."""

    async def from_http(request: Request, exception: Exception) -> Response:
        assert isinstance(exception, HTTPException)
        code = _CODES.get(exception.status_code, "http_error")
        error = UserError(code, _http_message(request, exception), status=exception.status_code)
        on_error(request.scope, error)
        response = error_response(error)
        response.headers.update(exception.headers or {})
        return response

    async def from_validation(request: Request, exception: Exception) -> Response:
        assert isinstance(exception, RequestValidationError)
        faults = exception.errors()[:MAX_DETAILS]
        details = [Detail(".".join(str(part) for part in fault["loc"]), str(fault["msg"])) for fault in faults]
        error = UserError("invalid_request", "the request is not valid", status=422, details=details)
        on_error(request.scope, error)
        return error_response(error)

    app.add_exception_handler(HTTPException, from_http)
    app.add_exception_handler(RequestValidationError, from_validation)


def _http_message(request: Request, exception: HTTPException) -> str:
    match exception.status_code:
        case 404:
            return f"there is no {request.url.path}"
        case 405:
            return f"{request.url.path} does not take {request.method}"
        case _:
            return str(exception.detail)
