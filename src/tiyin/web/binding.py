"""Binding the socket that a server listens on.

It is bound before anything slow begins, so that a busy port is one sentence and not a half-started server.
"""

import errno
import socket
import sys

__all__ = ["BACKLOG", "PortRefused", "bind"]

BACKLOG = 2048
"""How many connections may wait to be accepted."""


class PortRefused(Exception):  # reads as what happened
    """The address cannot be listened on; the message is one sentence that says why and what to do."""


def bind(host: str, port: int) -> socket.socket:
    """Bind a listening socket.

    Args:
        host: An address or a name of this machine.
        port: 0 to 65535; 0 takes any free one.

    Raises:
        PortRefused: It is in use, not allowed, or not an address of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise PortRefused(f"{host} is not an address of this machine: choose another host.") from error
    sock = socket.socket(family, kind, protocol)
    try:
        if sys.platform == "win32":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        # Listening already here: of two servers that start on one port, one learns at once that it is late.
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise PortRefused(_why(host, port, error)) from error
    sock.setblocking(False)
    return sock


def _why(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use: stop what listens there, or choose another with --port."
    if error.errno == errno.EACCES:
        return f"Port {port} needs more rights than this user has: choose one from 1024 up with --port."
    return f"{host}:{port} cannot be listened on ({error.strerror or error}): choose another host or port."
