"""Names of hosts under gevent, up to the process's end."""

from __future__ import annotations

import socket
from contextlib import suppress


def get_ready() -> None:
    """Under gevent, have what resolves names ready before Python exits.

    gevent asks the system in a pool of threads, which it makes with the first name. Below 3.10 it has to import
    concurrent.futures for it, and Python refuses that once it exits: which is when a process that did not live long
    has its first body to send.
    """
    if socket.getaddrinfo.__module__.startswith("gevent."):
        with suppress(OSError):
            socket.getaddrinfo("localhost", None)
