"""Pages by key: a cursor names the last thing that was given, so what arrives meanwhile shifts nothing.

A cursor is stateless and opaque to clients. It holds a position and nothing else: whose data is read, and which of it,
the request says each time.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Callable, Sequence
from typing import Annotated, Final, TypeVar

import msgspec
from fastapi import Query
from vantage_common.errors import UserError

MAX_CURSOR: Final = 4096
CursorText = Annotated[
    str | None, Query(max_length=MAX_CURSOR, description="next_cursor of the page before, with the same filters")
]
T = TypeVar("T")


class Named(msgspec.Struct, array_like=True, forbid_unknown_fields=True, frozen=True):
    """After the thing of this name, the parts of which tell it from others. `list_` is which list."""

    list_: str
    key: tuple[str, ...]


def encode(position: msgspec.Struct) -> str:
    return urlsafe_b64encode(msgspec.json.encode(position)).rstrip(b"=").decode()


def decode(text: str, position: type[T]) -> T:
    """Raises UserError 400 for what `encode` has not made of a `position`."""
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        return msgspec.json.decode(raw, type=position)
    except (Error, UnicodeError, ValueError, msgspec.MsgspecError):
        raise broken_cursor() from None


def broken_cursor() -> UserError:
    return UserError(
        "bad_cursor",
        "the cursor is not one of this list",
        hint="give next_cursor as it came, to the call it came from; leave it out to begin again",
    )


def after(text: str | None, list_: str, parts: int) -> tuple[str, ...] | None:
    """The key to go on after, None for the first page. Raises UserError 400 for a cursor of another list."""
    if text is None:
        return None
    named = decode(text, Named)
    if named.list_ != list_ or len(named.key) != parts:
        raise broken_cursor()
    return named.key


def cut(
    items: Sequence[T], key_of: Callable[[T], tuple[str, ...]], list_: str, limit: int
) -> tuple[list[T], str | None]:
    """The first `limit` of the items, and the cursor that leads on if there are more."""
    page = list(items[:limit])
    return page, encode(Named(list_, key_of(page[-1]))) if len(items) > limit else None
