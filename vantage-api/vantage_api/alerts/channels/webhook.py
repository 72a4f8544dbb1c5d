"""Our own webhook: a JSON body, signed as https://www.standardwebhooks.com says.

`webhook-signature` holds ``v1,<base64>`` of the HMAC-SHA256 over ``id.timestamp.body``, one for each secret in force:
while a secret is being replaced there are two, and the receiver is content with either.
"""

import asyncio
import base64
import hashlib
import hmac
import re
import ssl
from collections.abc import Mapping, Sequence
from secrets import token_bytes
from typing import TYPE_CHECKING, Final

from vantage_common import __version__
from vantage_common.clock import Clock

from vantage_api.alerts.channels.outcome import DELIVERED, Outcome, timed_out
from vantage_api.alerts.channels.targets import (
    Address,
    Network,
    Resolver,
    TargetRefused,
    addresses_of,
    system_resolver,
)

if TYPE_CHECKING:
    import httpx

SECRET_PREFIX: Final = "whsec_"
SECRET_PATTERN: Final = r"^whsec_[A-Za-z0-9+/]{32,86}={0,2}$"
"""24 to 64 bytes, as the specification asks."""
TIMEOUT_S: Final = 10.0
_NEW_SECRET_BYTES: Final = 32
_PASSING: Final = frozenset({408, 425, 429})
"""Statuses below 500 that say: later."""


def new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(token_bytes(_NEW_SECRET_BYTES)).decode()


def is_secret(text: str) -> bool:
    return re.fullmatch(SECRET_PATTERN, text) is not None and _key(text) is not None


def signature(secret: str, message_id: str, timestamp_s: int, body: bytes) -> str:
    """One entry of `webhook-signature`."""
    key = _key(secret)
    if key is None:
        raise ValueError("this is no webhook secret")
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers_of(secrets: Sequence[str], message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "user-agent": f"Vantage/{__version__}",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(signature(secret, message_id, timestamp_s, body) for secret in secrets),
    }


class WebhookSender:
    """Sends to the address that was checked and follows no redirect. Never raises."""

    def __init__(
        self,
        clock: Clock,
        allowed: Sequence[Network],
        *,
        resolve: Resolver = system_resolver,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._clock = clock
        self._allowed = allowed
        self._resolve = resolve
        self._timeout_s = timeout_s
        self._trust: ssl.SSLContext | None = None

    async def send(self, url: str, secrets: Sequence[str], message_id: str, body: bytes) -> Outcome:
        self._trust = self._trust or await asyncio.to_thread(_prepare)
        headers = headers_of(secrets, message_id, self._clock.now_ms() // 1000, body)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._send(url, headers, body)
        except TimeoutError:
            return timed_out(self._timeout_s)

    async def _send(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        import httpx

        try:
            target = httpx.URL(url)
            host = target.raw_host.decode()
            port = target.port or (443 if target.scheme == "https" else 80)
            addresses = await addresses_of(host, port, self._resolve, self._allowed)
        except TargetRefused as refused:
            return Outcome("refused", str(refused))
        except httpx.InvalidURL:
            return Outcome("refused", "the address of the channel is no URL")
        except OSError:
            return Outcome("failed", "the host cannot be resolved", again=True)
        try:
            status = await self._post(target, host, addresses, headers, body)
        except httpx.TransportError as error:
            return Outcome("failed", f"the connection failed ({type(error).__name__})", again=True)
        return outcome_of(status)

    async def _post(
        self,
        target: "httpx.URL",
        host: str,
        addresses: Sequence[Address],
        headers: Mapping[str, str],
        body: bytes,
    ) -> int:
        """The status of the first address that takes the connection. The answer's body is never read."""
        import httpx

        async with httpx.AsyncClient(verify=self._trust or True, trust_env=False, timeout=self._timeout_s) as client:
            for address in addresses:
                request = client.build_request(
                    "POST",
                    target.copy_with(host=str(address)),
                    headers={**headers, "host": target.netloc.decode()},
                    content=body,
                    extensions={"sni_hostname": host},
                )
                try:
                    response = await client.send(request, stream=True, follow_redirects=False)
                except httpx.ConnectError:
                    if address == addresses[-1]:
                        raise
                    continue
                await response.aclose()
                return response.status_code
        raise httpx.ConnectError("no address")


def outcome_of(status: int) -> Outcome:
    """What an HTTP status says about a message."""
    if 200 <= status < 300:
        return DELIVERED
    if 300 <= status < 400:
        return Outcome("failed", f"the target redirects (status {status}), which is not followed")
    return Outcome("failed", f"the target answered status {status}", again=status >= 500 or status in _PASSING)


def _prepare() -> ssl.SSLContext:
    """What the first message needs, and an API without alerts does not: megabytes, and time that no loop has.

    Trusted are the machine's certificate authorities, which a company may have added to, and those of certifi.
    """
    import certifi
    import httpx  # noqa: F401  # loaded here, in a thread

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _key(secret: str) -> bytes | None:
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except ValueError:
        return None
