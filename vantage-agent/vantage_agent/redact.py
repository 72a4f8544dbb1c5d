"""What must not leave the process: query strings and credentials inside URLs."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Pattern

HOST_LIMIT = 256

_USERINFO = r"(?<=://)[^\s/@\"'<>]+@"
_CUT_URL = r"://[^\s\"'<>]*\Z"
_QUERY = r"(?<=\S)\?[^\s?=&\"'<>]+=[^\s\"'<>]*"


@lru_cache(maxsize=None)
def _compiled(pattern: str) -> Pattern[str]:
    """When it is needed first: most processes log no URL."""
    return re.compile(pattern)


def without_secrets(text: str) -> str:
    """Text of a log line without URLs' credentials and query strings (httpx and urllib3 log whole URLs)."""
    if "@" in text:
        text = _compiled(_USERINFO).sub("", text)
    if "?" in text:
        text = _compiled(_QUERY).sub("?…", text)
    return text


def excerpt(text: str, limit: int) -> str:
    """At most the first `limit` characters of a log line, without secrets.

    A long text is cut before it is searched, and a URL that the cut goes through is left out: half of a password is
    not recognised as one.
    """
    if len(text) > 2 * limit:
        text = _compiled(_CUT_URL).sub("", text[: 2 * limit])
    return without_secrets(text)[:limit]


def host_of(url: Any) -> str:
    """`host[:port]` of a URL given as text or as an object with `netloc` bytes; never credentials, path or query."""
    if isinstance(url, str):
        rest = url.partition("://")[2]
        for end in "/?#":
            rest = rest.partition(end)[0]
        host = rest
    else:
        netloc = url.netloc
        host = netloc.decode("latin-1") if isinstance(netloc, bytes) else str(netloc)
    return host.rpartition("@")[2][:HOST_LIMIT] or "unknown"
