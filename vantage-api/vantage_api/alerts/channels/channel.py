"""A channel as it is kept, as it is shown, and as a client may change it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Final, Literal, Self, TypeAlias
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator
from vantage_common.errors import UserError
from vantage_common.store.api import Document

from vantage_api.alerts.channels.secrets import masked_url
from vantage_api.alerts.channels.services import PLUGIN_OF_SCHEME, scheme_of
from vantage_api.alerts.channels.webhook import SECRET_PATTERN, is_secret, new_secret

ChannelKind: TypeAlias = Literal["webhook", "apprise"]
Version: TypeAlias = Annotated[int, Field(ge=0)]
ROTATION_MS: Final = 24 * 3_600_000
"""For how long the old secret signs too."""


@dataclass(frozen=True, slots=True)
class Channel:
    """`url`, `secret` and `previous_secret` never leave the store but towards the target."""

    name: str
    kind: ChannelKind
    url: str = field(repr=False)
    enabled: bool = True
    secret: str = field(default="", repr=False)
    previous_secret: str = field(default="", repr=False)
    previous_until_ms: int = 0

    @property
    def service(self) -> str:
        """What the metric calls it: `webhook`, or the scheme of Apprise."""
        return "webhook" if self.kind == "webhook" else scheme_of(self.url)

    def secrets(self, now_ms: int) -> list[str]:
        """Those in force, the newest first."""
        return [self.secret, *([self.previous_secret] if now_ms < self.previous_until_ms else [])]

    def rotated(self, now_ms: int) -> "Channel":
        return replace(self, secret=new_secret(), previous_secret=self.secret, previous_until_ms=now_ms + ROTATION_MS)

    def as_body(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "kind": self.kind,
            "url": self.url,
            "enabled": self.enabled,
            "secret": self.secret,
            "previous_secret": self.previous_secret,
            "previous_until_ms": self.previous_until_ms,
        }


class ChannelDraft(BaseModel):
    """`url` is an http(s) address for a webhook, or one that Apprise understands (``slack://…``)."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: str = Field(min_length=1, max_length=100)
    kind: ChannelKind
    url: str = Field(min_length=1, max_length=2000)
    enabled: bool = True
    secret: str | None = Field(
        None, pattern=SECRET_PATTERN, description="of a webhook; one is made where none is given"
    )


class ChannelChange(BaseModel):
    """What is left out stays. `version` is the one that was seen: a newer one is an error 409."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: str | None = Field(None, min_length=1, max_length=100)
    url: str | None = Field(None, min_length=1, max_length=2000)
    enabled: bool | None = None
    secret: str | None = Field(None, pattern=SECRET_PATTERN, description="replaces the secret at once")
    version: Version | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set - {"version"}:
            raise ValueError("nothing to change: give name, url, enabled or secret")
        return self


class ChannelView(BaseModel):
    """A channel without its secrets. `target` is the masked address; until `rotating_until` two secrets sign."""

    id: str
    name: str
    kind: ChannelKind
    service: str
    target: str
    enabled: bool
    rotating_until: int | None
    version: int
    changed_at: int
    author: str


class ChannelSecret(ChannelView):
    """The one answer that has the secret of a webhook; null for other kinds."""

    secret: str | None


class Channels(BaseModel):
    channels: list[ChannelView]
    total: int


class TestResult(BaseModel):
    """`delivered`: the target took it; `failed`: it did not; `refused`: we do not send there; `timeout`."""

    outcome: Literal["delivered", "failed", "refused", "timeout"]
    reason: str | None
    took_ms: float


def read(body: Mapping[str, Any]) -> Channel:
    return Channel(**body)


def shown(body: Mapping[str, Any]) -> dict[str, Any]:
    """What the trail may hold of a channel."""
    return {
        "name": body["name"],
        "kind": body["kind"],
        "target": masked_url(body["url"]),
        "enabled": body["enabled"],
    }


def view(document: Document) -> ChannelView:
    return ChannelView.model_validate(_seen(document))


def view_with_secret(document: Document) -> ChannelSecret:
    return ChannelSecret.model_validate(_seen(document) | {"secret": document.body["secret"] or None})


def drafted(draft: ChannelDraft) -> Channel:
    """Raises UserError 422 for an address that no channel may have."""
    secret = (draft.secret or new_secret()) if draft.kind == "webhook" else draft.secret or ""
    return _checked(Channel(draft.name, draft.kind, draft.url, draft.enabled, secret))


def changed(before: Channel, change: ChannelChange) -> Channel:
    """As `drafted`. A new secret ends a rotation: the old one is no longer trusted."""
    given = {name: value for name, value in change.model_dump(exclude={"version"}).items() if value is not None}
    if "secret" in given:
        given |= {"previous_secret": "", "previous_until_ms": 0}
    return _checked(replace(before, **given))


def _checked(channel: Channel) -> Channel:
    if channel.kind == "webhook":
        _check_web_address(channel.url)
        if not is_secret(channel.secret):
            raise _bad("the secret of a webhook is whsec_ and 24 to 64 bytes in base64")
        return channel
    if channel.secret:
        raise _bad("only a webhook has a secret: that of another service is part of its address")
    if channel.service not in PLUGIN_OF_SCHEME:
        hint = f"one of {' '.join(sorted(PLUGIN_OF_SCHEME))}; for http and https take the kind webhook"
        raise _bad("the scheme of the address is none that Vantage sends to", hint)
    return channel


def _check_web_address(url: str) -> None:
    """The address itself is judged when it is used: what a name leads to may change."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise _bad("the address of a webhook is http:// or https:// and a host")
    if not url.isprintable() or " " in url or "\\" in url:
        raise _bad("the address holds characters that no address has")
    if parts.username is not None or parts.password is not None:
        raise _bad("the address holds a user or a password", "the signature shows who sends; check it instead")


def _bad(message: str, hint: str | None = None) -> UserError:
    return UserError("bad_channel", message, status=422, hint=hint)


def _seen(document: Document) -> dict[str, Any]:
    channel = read(document.body)
    return {
        "id": document.id,
        "name": channel.name,
        "kind": channel.kind,
        "service": channel.service,
        "target": masked_url(channel.url),
        "enabled": channel.enabled,
        "rotating_until": channel.previous_until_ms or None,
        "version": document.version,
        "changed_at": document.at_ms,
        "author": document.author,
    }
