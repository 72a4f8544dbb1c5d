"""The guards around a service, in the one order that is right."""

from collections.abc import Collection, Sequence

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from vantage_common.clock import Clock
from vantage_common.http.address import AddressReader
from vantage_common.http.audit import AuditMiddleware, RecordSink, audit_log
from vantage_common.http.body import RECEIVE_DEADLINE_S, BodyMiddleware, ByteBudget, MaxBytes
from vantage_common.http.errors import (
    ErrorMiddleware,
    ErrorSink,
    Respond,
    ignore,
    install_error_handlers,
    respond_in_json,
)
from vantage_common.http.keys import KeyMiddleware, Keyring, Required
from vantage_common.http.ratelimit import RateLimiter, RateLimitMiddleware
from vantage_common.settings import Settings

PROBES = frozenset({"/health", "/ready", "/live", "/metrics"})
_CORS_METHODS = ("GET", "POST", "PATCH", "DELETE")
_CORS_HEADERS = ("Authorization", "Content-Encoding", "Content-Type", "X-API-Key")


def guard(
    app: FastAPI,
    settings: Settings,
    clock: Clock,
    *,
    keyring: Keyring,
    required: Required,
    per_minute: int,
    max_body_bytes: int | MaxBytes,
    budget: ByteBudget,
    routine: Collection[str] = PROBES,
    receive_deadline_s: float = RECEIVE_DEADLINE_S,
    sinks: Sequence[RecordSink] = (),
    on_error: ErrorSink = ignore,
    respond: Respond = respond_in_json,
) -> None:
    """Adds every guard to `app`: audit → CORS → errors → rate limit → keys → body → the app's routes.

    keyring             from `load_keyring(settings, clock)`; a WebSocket route authenticates with it itself
    required            which scope a (method, path) needs; None: no key asked (probes, documentation)
    per_minute          requests a minute per key or address; 0: no limit
    max_body_bytes      of one body, inflated or not; a function where it depends on the request
    budget              of all bodies held at once
    routine             paths whose successes are not worth a line of the audit log
    sinks, on_error     told of every finished and of every failed request; the audit log is always written
    respond             makes the answer for an error, in JSON unless told otherwise

    A route finds its tenant with `asgi.workspace_of(request.scope)`, reads its body inflated and whole, and raises
    UserError for what the client did wrong.
    """
    address_of = AddressReader(settings.trusted_proxy_set)
    install_error_handlers(app, on_error)
    # Starlette puts each middleware around those added before it: the innermost comes first.
    app.add_middleware(BodyMiddleware, max_body_bytes, budget, deadline_s=receive_deadline_s)
    app.add_middleware(KeyMiddleware, keyring, required)
    if per_minute > 0:
        limiter = RateLimiter(per_minute, clock)
        exempt = settings.trust_loopback
        app.add_middleware(RateLimitMiddleware, limiter, keyring, address_of, exempt_loopback=exempt)
    app.add_middleware(ErrorMiddleware, on_error, respond)
    if settings.cors_origin_list:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origin_list,
            allow_methods=_CORS_METHODS,
            allow_headers=_CORS_HEADERS,
            allow_credentials=False,
        )
    app.add_middleware(AuditMiddleware, clock, address_of, [audit_log(routine), *sinks])
