"""Listening sockets, bound before anything else starts: a port in use is found first and said in one line."""

import errno
import socket

from vantage_common.errors import PermanentError


class PortInUse(PermanentError):
    """Another program listens there. The message names the setting that chooses another port."""


def bind(host: str, port: int, variable: str) -> socket.socket:
    """A listening socket. Raises PortInUse or PermanentError (an address that is not this machine's)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(
                f"port {port} on {host} is in use: stop the program that holds it, or set {variable} to a free port"
            ) from None
        raise PermanentError(f"cannot listen on {host}:{port} ({error.strerror}): check {variable}") from None
    return listener
