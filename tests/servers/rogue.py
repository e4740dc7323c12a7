"""A rogue before a registry: answers some requests as no proper server would, passes on the rest.

    with rogue(registry.host, b"GET /v2/.*/blobs/", short_body, times=1) as host:

The registry has to close its connections after each answer, as the tests' own does.
"""

import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from tests.servers.tcp import connected, listening, pass_on, read_head, reset

Misdeed = Callable[[socket.socket], None]
ESCAPES = "\x1b[2J\x1b]0;owned\x07\r\nforged: line"


@contextmanager
def rogue(
    upstream: str, pattern: bytes, misdeed: Misdeed, times: int | None = None
) -> Iterator[str]:
    """The rogue's `HOST:PORT`; it strikes where the request's head matches, so often at most."""
    left = [times]
    lock = threading.Lock()

    def strikes(head: bytes) -> bool:
        with lock:
            if left[0] == 0 or not re.match(pattern, head):
                return False
            left[0] = None if left[0] is None else left[0] - 1
            return True

    def serve(client: socket.socket) -> None:
        head = read_head(client)
        if strikes(head):
            misdeed(client)
            return
        with connected(upstream) as registry:
            registry.sendall(head)
            upward = threading.Thread(target=_pass_on, args=(client, registry), daemon=True)
            upward.start()
            pass_on(registry, client)

    with listening(serve) as host:
        yield host


def _pass_on(client: socket.socket, registry: socket.socket) -> None:
    # The registry may have answered, and closed, before it read all.
    with contextlib.suppress(OSError):
        pass_on(client, registry)


def no_handshake() -> AbstractContextManager[str]:
    """The `HOST:PORT` of a server that hangs up where TLS should begin."""
    return listening(lambda client: reset(client) if client.recv(1) else None)


def short_body(client: socket.socket) -> None:
    """Ten bytes of a hundred, and the end."""
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789")


def many_headers(client: socket.socket) -> None:
    """A hundred thousand headers."""
    client.sendall(b"HTTP/1.1 200 OK\r\n" + b"X-Bomb: 1\r\n" * 100_000)
    client.sendall(b"Content-Length: 0\r\n\r\n")


def long_header(client: socket.socket) -> None:
    """One header of 16 MiB."""
    client.sendall(b"HTTP/1.1 200 OK\r\nX-Bomb: " + b"1" * (16 << 20))
    client.sendall(b"\r\nContent-Length: 0\r\n\r\n")


def endless_body(client: socket.socket) -> None:
    """Bytes for as long as the client takes them, of a length that is not said."""
    client.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while True:
        client.sendall(b" " * (1 << 16))


def slow_body(seconds: float) -> Misdeed:
    """A byte now and then, without an end."""

    def drip(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            client.sendall(b"0")
            time.sleep(seconds)

    return drip


def silence(client: socket.socket) -> None:
    """No answer, for as long as the client waits."""
    client.recv(1)


def loud_error(client: socket.socket) -> None:
    """An error of 10 MB, in whose text are escapes for terminals."""
    message = ESCAPES * (10_000_000 // len(ESCAPES))
    body = json.dumps({"errors": [{"code": f"DENIED{ESCAPES}", "message": message}]}).encode()
    head = f"HTTP/1.1 403 Forbidden\r\nContent-Length: {len(body)}\r\n\r\n"
    client.sendall(head.encode() + body)
