"""Bodies are read here, once: counted as they arrive, against a deadline and a budget, and inflated."""

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from vantage_common.errors import UserError
from vantage_common.http.asgi import App, Message, Receive, Scope, Send, header, state_of
from vantage_common.http.inflate import inflate, too_large

RECEIVE_DEADLINE_S = 15.0
MaxBytes: TypeAlias = Callable[[Scope], int]
"""How large the body of a request may be, inflated or not."""
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
_ABOUT_THE_WIRE = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})


class ByteBudget:
    """Bytes of bodies held in memory by all requests together, at most `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.used = 0

    def take(self, size: int) -> None:
        """Raises UserError 503 when that would be more than the budget."""
        if self.used + size > self.max_bytes:
            raise UserError("overloaded", "too many requests are being read at once", status=503, retry_after_s=1)
        self.used += size

    def give_back(self, size: int) -> None:
        self.used -= size


class BodyMiddleware:
    """Hands the app a whole, inflated body of at most `max_bytes`, which may depend on the request.

    Content-Length is only a claim, and absent from chunked bodies: the bytes that arrive are what counts. Raises
    UserError 408 when the body is not complete `deadline_s` after its request began to be read, 413, 415, and 400
    for a damaged encoding.
    """

    def __init__(
        self, app: App, max_bytes: int | MaxBytes, budget: ByteBudget, *, deadline_s: float = RECEIVE_DEADLINE_S
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._budget = budget
        self._deadline_s = deadline_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in _BODILESS:
            await self._app(scope, receive, send)
            return
        taken = 0
        max_bytes = self._max_bytes if isinstance(self._max_bytes, int) else self._max_bytes(scope)

        def take(size: int) -> None:
            nonlocal taken
            self._budget.take(size)
            taken += size

        try:
            held = await self._read(scope, receive, take, max_bytes)
            if held is None:
                return
            encoding = header(scope, b"content-encoding") or ""
            body = inflate(held, encoding, max_bytes)
            if body is not held:
                take(len(body))
            state_of(scope)["received_bytes"] = len(held)
            await self._app(_without_encoding(scope, len(body)), _replay(body, receive), send)
        finally:
            self._budget.give_back(taken)

    async def _read(self, scope: Scope, receive: Receive, take: Callable[[int], None], max_bytes: int) -> bytes | None:
        """The body as it came; None when the client went away."""
        claimed = header(scope, b"content-length") or ""
        if claimed.isascii() and claimed.isdigit() and int(claimed[:20]) > max_bytes:
            raise too_large(max_bytes)
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._deadline_s):
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    chunk = message.get("body", b"")
                    size += len(chunk)
                    if size > max_bytes:
                        raise too_large(max_bytes)
                    take(len(chunk))
                    chunks.append(chunk)
                    more = message.get("more_body", False)
        except TimeoutError:
            raise UserError(
                "body_timeout", f"the body was not complete within {self._deadline_s:g} s", status=408
            ) from None
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body as one message; what the client does afterwards (it can only go away) as it happens."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _without_encoding(scope: Scope, size: int) -> Scope:
    """The scope as if the body had been sent plain."""
    headers = [(name, value) for name, value in scope["headers"] if name not in _ABOUT_THE_WIRE]
    return {**scope, "headers": [*headers, (b"content-length", str(size).encode())]}
