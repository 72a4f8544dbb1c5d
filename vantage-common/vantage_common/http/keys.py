"""API keys: who is calling, for which workspace, and what that key may do.

A key travels as ``X-API-Key`` or ``Authorization: Bearer``. `VANTAGE_API_KEY` is one key of full scope in workspace
`default`; the file `VANTAGE_API_KEYS_FILE` holds more, as a JSON list of

    {"prefix": "vk_a1b2", "sha256": "<hex of the whole key>", "workspace": "shop", "scopes": ["ingest"],
     "role": "editor", "expires": "2027-01-01T00:00:00Z"}

where `prefix` names the key in logs, `scopes` are ingest, query and admin (which contains both), `role` is admin,
editor or viewer and `expires` may be left out. Only hashes are kept, and compared in constant time.

To rotate a key, add the new one to the file, move the senders over, and take the old one out: a running service takes
up a changed file within seconds. One that cannot be read then leaves the keys as they were, with an error in the log.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import msgspec

from vantage_common.clock import Clock
from vantage_common.errors import UserError
from vantage_common.http.asgi import DEFAULT_WORKSPACE, App, Receive, Scope, Send, header, state_of
from vantage_common.settings import Settings, SettingsError
from vantage_common.telemetry import get_logger

KeyScope = Literal["ingest", "query", "admin"]
Role = Literal["admin", "editor", "viewer"]
Required: TypeAlias = Callable[[str, str], KeyScope | None]
"""From method and path: the scope a request needs, None where no key is asked for."""

MAX_KEY_LENGTH = 512
LOOK_EVERY_S = 5.0
"""At a keys file, for changes."""
log = get_logger("vantage.http")


@dataclass(frozen=True, slots=True)
class Key:
    """A known key. `id` is what logs and limits call it; `digest` the sha256 of the whole key."""

    id: str
    workspace: str
    scopes: frozenset[KeyScope]
    role: Role
    digest: bytes = field(repr=False)
    expires_ms: int | None = None

    def may(self, scope: KeyScope) -> bool:
        return scope in self.scopes or "admin" in self.scopes


ANONYMOUS = Key("", DEFAULT_WORKSPACE, frozenset({"admin"}), "admin", b"")
"""Whoever calls while no key is configured."""


class KeysFile:
    """The keys of a file, read again when it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_as: tuple[int, int, int] | None = None

    def read(self) -> tuple[Key, ...]:
        """Raises SettingsError for a file that is no good."""
        self._read_as = self._version()
        return tuple(_read_keys_file(self._path))

    def read_if_changed(self) -> tuple[Key, ...] | None:
        """As `read`; None while it is the file that was read."""
        return None if self._version() == self._read_as else self.read()

    def _version(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


class Keyring:
    """The configured keys, those of `file` as it is now. Configured without any, everyone may do everything."""

    def __init__(self, keys: tuple[Key, ...], clock: Clock, file: KeysFile | None = None) -> None:
        self._fixed = keys
        self._file = file
        self._clock = clock
        self._keys = (*keys, *(file.read() if file else ()))
        self._looked = clock.monotonic()
        self.is_open = not self._keys
        """For good: a file that loses its last key closes the door, it does not open it."""

    def authenticate(self, presented: str | None, needed: KeyScope) -> Key:
        """The key behind what a client presented. Raises UserError: 401 missing, unknown or expired, 403 scope."""
        if self.is_open:
            return ANONYMOUS
        if not presented:
            raise UserError("missing_key", "an API key is needed: send X-API-Key or Authorization: Bearer", status=401)
        key = self.find(presented)
        if key is None:
            raise UserError("wrong_key", "this API key is not known", status=401)
        if key.expires_ms is not None and key.expires_ms <= self._clock.now_ms():
            raise UserError("expired_key", f"the API key {key.id} has expired", status=401)
        if not key.may(needed):
            raise UserError("wrong_scope", f"the API key {key.id} does not have the scope {needed}", status=403)
        return key

    def find(self, presented: str) -> Key | None:
        """The key with that text. Every key is compared, so the time taken does not tell which one was near."""
        if len(presented) > MAX_KEY_LENGTH:
            return None
        self._look()
        digest = hashlib.sha256(presented.encode("utf-8", "surrogatepass")).digest()
        found = None
        for key in self._keys:
            if hmac.compare_digest(key.digest, digest):
                found = key
        return found

    def _look(self) -> None:
        """Takes up a changed file."""
        now = self._clock.monotonic()
        if self._file is None or now - self._looked < LOOK_EVERY_S:
            return
        self._looked = now
        try:
            keys = self._file.read_if_changed()
        except SettingsError as error:
            log.error("the keys stay as they were", reason=str(error))
            return
        if keys is not None:
            self._keys = (*self._fixed, *keys)
            log.info("keys read again", number=len(self._keys))


def presented_key(scope: Scope) -> str | None:
    """The key text a request carries."""
    given = header(scope, b"x-api-key")
    if given:
        return given.strip()
    kind, _, token = (header(scope, b"authorization") or "").partition(" ")
    return token.strip() or None if kind.lower() == "bearer" else None


class KeyMiddleware:
    """Lets a request through when its key has the scope it needs; leaves workspace, key id and role in the state.

    WebSockets pass: their key comes in the first message, and the app hands it to `Keyring.authenticate`.
    """

    def __init__(self, app: App, keyring: Keyring, required: Required) -> None:
        self._app = app
        self._keyring = keyring
        self._required = required

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            needed = self._required(scope["method"], scope["path"])
            if needed is not None:
                key = self._keyring.authenticate(presented_key(scope), needed)
                state_of(scope).update(workspace=key.workspace, key_id=key.id, role=key.role)
        await self._app(scope, receive, send)


class _FileKey(msgspec.Struct, forbid_unknown_fields=True):
    """One entry of the keys file."""

    prefix: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-fA-F]{64}$")]
    workspace: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]
    scopes: Annotated[list[KeyScope], msgspec.Meta(min_length=1)]
    role: Role = "viewer"
    expires: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


def load_keyring(settings: Settings, clock: Clock) -> Keyring:
    """The keys of the settings. Warns once when there are none. Raises SettingsError for a file that is no good."""
    keys: list[Key] = []
    if settings.api_key is not None:
        digest = hashlib.sha256(settings.api_key.get_secret_value().encode()).digest()
        keys.append(Key("VANTAGE_API_KEY", DEFAULT_WORKSPACE, frozenset({"admin"}), "admin", digest))
    file = None if settings.api_keys_file is None else KeysFile(settings.api_keys_file)
    keyring = Keyring(tuple(keys), clock, file)
    if keyring.is_open:
        log.warning("no API key is configured: everyone who can reach this port may use it", setting="VANTAGE_API_KEY")
    return keyring


def _read_keys_file(path: Path) -> list[Key]:
    try:
        entries = msgspec.json.decode(path.read_bytes(), type=list[_FileKey])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"VANTAGE_API_KEYS_FILE={str(path)!r} cannot be used: {error}") from None
    return [
        Key(
            id=entry.prefix,
            workspace=entry.workspace,
            scopes=frozenset(entry.scopes),
            role=entry.role,
            digest=bytes.fromhex(entry.sha256),
            expires_ms=None if entry.expires is None else round(entry.expires.timestamp() * 1000),
        )
        for entry in entries
    ]
