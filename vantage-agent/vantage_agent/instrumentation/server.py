"""What the servers have in common: giving way to OpenTelemetry, so that no request is counted by both.

Its instrumentation sits inside the application (a flag, or a layer of the middleware) or around it. Where it is around
it, its middleware has seen the request before we do and has left MARK there.
"""

from __future__ import annotations

import functools
from typing import Any, List, Optional

from vantage_agent.instrumentation.patching import Patcher
from vantage_agent.recorder import Recorder

# Key in an ASGI scope or a WSGI environ: somebody counts this request already.
MARK = "vantage.agent"
# What nginx logs when the client went away before it had an answer.
CLIENT_CLOSED = 499

OTEL_ASGI = "opentelemetry.instrumentation.asgi"
OTEL_WSGI = "opentelemetry.instrumentation.wsgi"


def install_otel_asgi(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    def wrap(original: Any) -> Any:
        @functools.wraps(original)
        async def call(self: Any, scope: Any, receive: Any, send: Any) -> Any:
            scope.setdefault(MARK, None)
            return await original(self, scope, receive, send)

        return call

    patcher.wrap(module.OpenTelemetryMiddleware, "__call__", wrap)


def install_otel_wsgi(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    def wrap(original: Any) -> Any:
        @functools.wraps(original)
        def call(self: Any, environ: Any, start_response: Any) -> Any:
            environ.setdefault(MARK, None)
            return original(self, environ, start_response)

        return call

    patcher.wrap(module.OpenTelemetryMiddleware, "__call__", wrap)


def comes_from(package: str, thing: Any) -> bool:
    """Whether the class of an object, or a function, is defined in `package`."""
    home = getattr(thing, "__module__", None)
    return isinstance(home, str) and (home == package or home.startswith(package + "."))


def definer(cls: Any, name: str) -> Any:
    """The class that `cls` has `name` from: OpenTelemetry puts subclasses into the places of frameworks' classes."""
    return next((parent for parent in cls.__mro__ if name in vars(parent)), cls)


def one_header(lines: List[str]) -> Optional[str]:
    """The lines of one header as one, None where there are none. Two traceparents make a malformed one."""
    return ",".join(lines) if lines else None
