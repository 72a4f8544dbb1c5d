"""Keeping what a channel's address holds out of answers, logs and errors. Pure."""

import re
from typing import Final
from urllib.parse import unquote, urlsplit

MASK: Final = "***"
MAX_REASON: Final = 300
_SEPARATORS: Final = re.compile(r"[/:@?&=,;#\s]+")
_MIN_SECRET: Final = 4


def masked_url(url: str) -> str:
    """Of a web address the host, which tells people where it leads; of any other nothing but the kind: in
    ``slack://token/token`` every part is a secret."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return MASK
    if parts.scheme not in ("http", "https"):
        return f"{parts.scheme}://{MASK}"
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}{'' if port is None else f':{port}'}/{MASK}"


def scrubbed(text: str, url: str) -> str:
    """Foreign text with every part of the address masked, control characters gone, and of bounded length."""
    pieces = {piece for form in (url, unquote(url)) for piece in _SEPARATORS.split(form) if len(piece) >= _MIN_SECRET}
    for piece in sorted(pieces, key=len, reverse=True):
        text = text.replace(piece, MASK)
    return "".join(character if character.isprintable() else " " for character in text)[:MAX_REASON]
