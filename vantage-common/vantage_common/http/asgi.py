"""What the guards share: the ASGI types, and what they leave in ``scope["state"]`` for those further in.

Keys of the state: ``workspace``, ``key_id`` and ``role`` (keys.py), ``received_bytes`` (body.py).
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

DEFAULT_WORKSPACE = "default"


def state_of(scope: Scope) -> dict[str, Any]:
    """The request's own state, made when the server gave none."""
    state: dict[str, Any] = scope.setdefault("state", {})
    return state


def workspace_of(scope: Scope) -> str:
    """The tenant the request's key belongs to."""
    return str(state_of(scope).get("workspace", DEFAULT_WORKSPACE))


def header(scope: Scope, name: bytes) -> str | None:
    """The first header of that (lower-case) name."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value).decode("latin-1")
    return None
