"""Where the server listens: one socket, opened by the supervisor, so that a restart refuses nobody."""

from __future__ import annotations

import errno
import socket

from shoal.errors import AddressError, Busy

WAITING = 2_048  # connections that wait while the HTTP process starts again


def listen(host: str, port: int) -> socket.socket:
    """A listening socket on `host`; port 0 takes one that is free.

    Raises Busy when another program has the port, AddressError for a host or a port that cannot be had.

    >>> with listen("127.0.0.1", 0) as made:
    ...     url(made) == f"http://127.0.0.1:{made.getsockname()[1]}"
    True
    """
    try:
        family, kind, proto, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        made = socket.socket(family, kind, proto)
    except (OSError, UnicodeError) as error:
        raise AddressError(
            f"--host {host}: is no address of this machine ({getattr(error, 'strerror', None) or error}). "
            "Remedy: 127.0.0.1 for this machine alone, 0.0.0.0 for everybody who reaches it"
        ) from None
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(where)
        made.listen(WAITING)
    except OSError as error:
        made.close()
        raise _refused(error, host, port) from None
    return made


def _refused(error: OSError, host: str, port: int) -> AddressError | Busy:
    if error.errno == errno.EADDRINUSE:
        return Busy(
            f"port {port} of {host}: another program listens there. "
            "Remedy: end it, or take another with --port (0 takes one that is free)"
        )
    if error.errno == errno.EACCES:
        return AddressError(
            f"port {port} of {host}: this user may not listen there. Rule: ports below 1024 need rights. "
            "Remedy: take a port above, with a reverse proxy before it (docs/serve.md)"
        )
    return AddressError(
        f"--host {host}: is no address of this machine ({error.strerror}). "
        "Remedy: 127.0.0.1 for this machine alone, 0.0.0.0 for everybody who reaches it"
    )


def url(listening: socket.socket) -> str:
    """How programs on this machine reach it."""
    host, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - what was asked for, told
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
