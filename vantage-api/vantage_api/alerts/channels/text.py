"""A notification as words for people and as JSON for programs. Pure.

Names come from whoever sends telemetry: they must not address a whole chat room, disguise a link or move a cursor.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from vantage_api.alerts.notification import Notification

MAX_NAME: Final = 200
MAX_SUMMARY: Final = 2000
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MARKS: Final = str.maketrans({"<": "‹", ">": "›", "@": "＠", "`": "'", "[": "(", "]": ")"})  # noqa: RUF001


def plain(text: str, limit: int = MAX_NAME) -> str:
    """Without control characters, direction marks and line breaks."""
    seen = "".join(" " if unicodedata.category(character) in _INVISIBLE else character for character in text)
    return seen if len(seen) <= limit else seen[: limit - 1] + "…"


def inert(text: str, limit: int = MAX_NAME) -> str:
    """As `plain`, and without what chat programs read as markup, mentions or links."""
    return plain(text, limit).translate(_MARKS).replace("://", ": //")


def title_of(message: Notification) -> str:
    return f"[{message.state}] {message.severity}: {inert(message.rule_name)} ({inert(message.service)})"


def body_of(message: Notification, public_url: str, dropped: int = 0) -> str:
    """Plain text, a fact a line."""
    lines = [inert(message.summary, MAX_SUMMARY)]
    if message.value is not None:
        lines.append(f"{inert(message.metric)} is {message.value:g}{_compared(message)}")
    lines.append(f"since {_moment(message.started_ms)}")
    if message.grouped:
        lines.append(f"and {message.grouped} more of this service")
    if message.runbook:
        lines.append(f"runbook: {_web_address(message.runbook)}")
    if public_url and message.link:
        lines.append(public_url.rstrip("/") + plain(message.link, MAX_SUMMARY))
    if dropped:
        lines.append(f"{dropped} earlier messages to this channel were dropped: there were too many")
    return "\n".join(lines)


def event_of(message: Notification, public_url: str, dropped: int = 0) -> dict[str, Any]:
    """``{"type": "alert.firing", "timestamp", "data": {…}}``, the shape that Standard Webhooks recommends."""
    told: dict[str, Any] = {
        name: plain(value, MAX_SUMMARY) if isinstance(value, str) else value for name, value in asdict(message).items()
    }
    if public_url:
        told["link"] = public_url.rstrip("/") + told["link"]
    if dropped:
        told["dropped"] = dropped
    return {"type": f"alert.{message.state}", "timestamp": _moment(message.at_ms), "data": told}


def sample(workspace: str, channel: Mapping[str, Any], now_ms: int) -> Notification:
    """What a test of a channel sends. It says that it is one."""
    return Notification(
        workspace=workspace,
        alert_id="test",
        rule_id="test",
        rule_name="Test of a channel",
        state="resolved",
        severity="warning",
        service="vantage",
        metric="",
        value=None,
        threshold=None,
        expected=None,
        summary=f"This is a test of the channel {channel['name']}. Nothing is wrong.",
        runbook="",
        started_ms=now_ms,
        at_ms=now_ms,
        link="/alerts",
    )


def _compared(message: Notification) -> str:
    told = [] if message.threshold is None else [f"limit {message.threshold:g}"]
    told += [] if message.expected is None else [f"normally {message.expected:g}"]
    return f" ({', '.join(told)})" if told else ""


def _web_address(text: str) -> str:
    """A runbook that is a web address stays one; any other is a text."""
    shown = plain(text, MAX_SUMMARY)
    looks_right = shown.startswith(("http://", "https://")) and not any(mark in shown for mark in " <>|`[]()@")
    return shown if looks_right else inert(text, MAX_SUMMARY)


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
