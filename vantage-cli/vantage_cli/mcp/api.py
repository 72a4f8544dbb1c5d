"""The query API as a client sees it. Nothing here changes anything."""

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import httpx

TIMEOUT_S: Final = 40.0
MAX_ANSWER_BYTES: Final = 32 * 1024 * 1024


class ApiError(Exception):
    """The API's own message with its hint, or why it did not answer."""


class Api:
    """Of one address, with one key. Close it."""

    def __init__(self, url: str, key: str | None, transport: httpx.AsyncBaseTransport | None = None) -> None:
        headers = {"X-API-Key": key} if key else {}
        self._url = url
        self._client = httpx.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT_S, transport=transport)

    async def get(self, path: str, **params: Any) -> Any:
        """Parameters that are None are left out. Raises ApiError."""
        given = {name: value for name, value in params.items() if value is not None}
        return await self._ask("GET", path, params=given)

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Raises ApiError."""
        return await self._ask("POST", path, json={name: value for name, value in body.items() if value is not None})

    async def close(self) -> None:
        await self._client.aclose()

    async def _ask(self, method: str, path: str, **request: Any) -> Any:
        try:
            async with self._client.stream(method, path, **request) as response:
                content = await _read(response)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ApiError(f"no answer from the Vantage API at {self._url} ({type(error).__name__})") from None
        try:
            answer = json.loads(content)
        except ValueError:
            answer = None
        match answer:
            case {"error": {"message": str(message)} as error}:
                raise ApiError(_told(message, error))
            case None:
                raise ApiError(f"what answers at {self._url} (status {response.status_code}) is not the Vantage API")
            case _:
                return answer


def segment(name: str) -> str:
    """A name as one part of a path, whatever it holds."""
    return quote(name, safe="")


async def _read(response: httpx.Response) -> bytes:
    content = b""
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            raise ApiError("the answer is too large: ask for a shorter range or fewer rows")
    return content


def _told(message: str, error: Mapping[str, Any]) -> str:
    lines = [message]
    if (position := error.get("position")) is not None:
        lines.append(f"at character {position} of the query")
    lines += [f"{detail['loc']}: {detail['msg']}" for detail in error.get("details") or []]
    if error.get("hint"):
        lines.append(f"hint: {error['hint']}")
    return "\n".join(lines)
