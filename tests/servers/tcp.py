"""Connections by hand: what no proper server does to its clients is done here."""

import contextlib
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PIECE = 1 << 16


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """`127.0.0.1:PORT`, where `serve` is run for each connection, which is closed after it."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            # The other side may hang up at any time, which is its right.
            with contextlib.suppress(OSError):
                serve(self.request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        # Threads that send without an end would be waited for.
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def connected(host: str) -> socket.socket:
    """A connection to `HOST:PORT`."""
    name, _, port = host.rpartition(":")
    return socket.create_connection((name, int(port)))


def hang_up(connection: socket.socket) -> None:
    """End the connection in both directions; other threads that wait for it wake up."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def reset(connection: socket.socket) -> None:
    """End the connection without goodbye: the other side reads ECONNRESET."""
    with contextlib.suppress(OSError):
        # A thread that waits for the connection holds it open until it wakes up.
        connection.shutdown(socket.SHUT_RD)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def read_head(connection: socket.socket) -> bytes:
    """A request up to its empty line, and whatever came with that."""
    head = b""
    while b"\r\n\r\n" not in head and (part := connection.recv(PIECE)):
        head += part
    return head


def pass_on(source: socket.socket, target: socket.socket) -> None:
    """All that comes until it ends."""
    while part := source.recv(PIECE):
        target.sendall(part)
    target.shutdown(socket.SHUT_WR)
