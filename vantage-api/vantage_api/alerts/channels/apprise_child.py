"""Sends one message by Apprise, in a process of its own: ``python -m vantage_api.alerts.channels.apprise_child``.

Apprise costs 36 MiB and most of a second once it is loaded, takes its time from nobody, and opens its connections in
a hundred places. Here it can be bounded: an audit hook, which nothing can take out again, looks at every connection's
address, refuses files that are not Python's own, and refuses to start programs.

Reads one JSON document from stdin, ``{"url", "title", "body", "severity", "allowed", "send"}``; writes ``ready`` once
everything is loaded, and then one JSON document, ``{"outcome", "reason"}``. Without `send` the address is only read.
"""

import json
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final, TextIO

from vantage_api.alerts.channels.services import PLUGIN_OF_SCHEME, scheme_of
from vantage_api.alerts.channels.targets import Network, explained, refusal

_PACKAGE: Final = Path(__file__).resolve().parents[3]
_ROOTS: Final = (sys.prefix, sys.base_prefix, _PACKAGE, "/usr/share", "/etc/ssl")
_FILES: Final = ("/etc/hosts", "/etc/mime.types", "/etc/localtime", "/dev/null", "/dev/urandom")
_READABLE: Final = (*(str(Path(root).resolve()) + os.sep for root in _ROOTS), *_FILES)
_TALKING: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_NEVER: Final = (
    *("subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.startfile", "pty."),
    *("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.chmod", "os.kill", "shutil."),
    *("socket.bind", "ctypes."),
)


class Guard:
    """The audit hook. `refused` tells which kinds of address were asked for."""

    def __init__(self, allowed: Sequence[Network], *, may_connect: bool) -> None:
        self.refused: list[str] = []
        self._allowed = allowed
        self._may_connect = may_connect

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if event in _TALKING:
            self._look_at(args[1])
        elif event == "open":
            _check_file(*args)
        elif event.startswith(_NEVER):
            raise PermissionError(f"{event} is not for a notification")

    def _look_at(self, address: object) -> None:
        """Only an address that was resolved before is looked at; anything else cannot be judged."""
        kind = "a local"
        if self._may_connect and isinstance(address, tuple):
            try:
                kind = refusal(ip_address(address[0]), self._allowed) or ""
            except ValueError:
                kind = "an unresolved"
        if kind:
            self.refused.append(kind)
            raise ConnectionRefusedError(explained(kind))


def _check_file(path: object, mode: object, flags: int) -> None:
    if isinstance(path, int):
        return
    writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
    real = os.path.realpath(os.fsdecode(path))  # type: ignore[arg-type]  # what open takes is a path
    if writes and real != os.devnull:
        raise PermissionError("a notification writes no files")
    if not real.startswith(_READABLE):
        raise PermissionError("a notification reads no files")


class _LastWarning(logging.Handler):
    """What Apprise says about a failure; the parent takes out what is secret."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text = record.getMessage()


def run(task: Mapping[str, Any], ready: Callable[[], None]) -> dict[str, str]:
    """Loads the one plugin, lets the guard in, reads the address and sends."""
    from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType

    warning = _LastWarning()
    logging.getLogger("apprise").addHandler(warning)
    logging.getLogger("apprise").propagate = False
    module, _, name = PLUGIN_OF_SCHEME[scheme_of(task["url"])].rpartition(".")
    plugin_class = getattr(import_module(f"apprise.plugins.{module}"), name)
    ready()
    guard = Guard([ip_network(text) for text in task["allowed"]], may_connect=task["send"])
    sys.addaudithook(guard)
    asset = AppriseAsset(
        app_id="Vantage", app_desc="Vantage", app_url="", http_redirects=False, async_mode=False, plugin_paths=[]
    )
    try:
        plugin = plugin_class(asset=asset, **(plugin_class.parse_url(task["url"]) or {}))
    except Exception as error:  # what a plugin raises for a wrong address is its own
        return {"outcome": "failed", "reason": str(error) or warning.text or "the address cannot be read"}
    plugin.redirects = False  # whatever the address says
    if not task["send"]:
        return {"outcome": "delivered", "reason": ""}
    kind = NotifyType.FAILURE if task["severity"] == "critical" else NotifyType.WARNING
    message = {"body": task["body"], "title": task["title"], "notify_type": kind, "body_format": NotifyFormat.TEXT}
    apprise = Apprise(asset=asset)
    apprise.add(plugin)
    delivered = apprise.notify(**message)
    if guard.refused:
        return {"outcome": "refused", "reason": explained(guard.refused[0])}
    return {"outcome": "delivered" if delivered else "failed", "reason": "" if delivered else warning.text}


def main() -> None:
    task = json.load(sys.stdin)
    answers = _take_stdout()

    def write(line: str) -> None:
        answers.write(line + "\n")
        answers.flush()

    write(json.dumps(run(task, lambda: write("ready"))))


def _take_stdout() -> TextIO:
    """The answers' own stream: what a plugin prints goes nowhere."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return answers


if __name__ == "__main__":
    main()
