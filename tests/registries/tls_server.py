"""A TLS server on loopback for one handshake, and the files of a small authority."""

import socket
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path

import trustme

NAME = "registry.test"


@dataclass(frozen=True)
class Authority:
    """An authority that vouches for NAME, and what it issued, as files in PEM form."""

    ca: trustme.CA
    certificate: Path
    """The authority's own."""
    server: Path
    """The server's chain and key."""
    client: Path
    """The client's certificate."""
    client_key: Path


def authority(folder: Path) -> Authority:
    """A new authority with its files in a new folder."""
    folder.mkdir()
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    server, client = ca.issue_cert(NAME), ca.issue_cert("client.test")
    server.private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    client.cert_chain_pems[0].write_to_path(str(folder / "client.pem"))
    client.private_key_pem.write_to_path(str(folder / "client-key.pem"))
    return Authority(
        ca,
        folder / "ca.pem",
        folder / "server.pem",
        folder / "client.pem",
        folder / "client-key.pem",
    )


def hear(
    context: ssl.SSLContext,
    server: Authority,
    *,
    name: str = NAME,
    wants_client: bool = False,
) -> bytes:
    """What a server of that authority says to a client with that context; raises OSError."""
    there = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    there.load_cert_chain(server.server)
    if wants_client:
        there.load_verify_locations(server.certificate)
        there.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_greet, args=(listener, there))
        thread.start()
        try:
            with (
                socket.create_connection(listener.getsockname(), timeout=10) as plain,
                context.wrap_socket(plain, server_hostname=name) as here,
            ):
                return here.recv(100)
        finally:
            thread.join()


def _greet(listener: socket.socket, context: ssl.SSLContext) -> None:
    connection, _ = listener.accept()
    try:
        with context.wrap_socket(connection, server_side=True) as here:
            here.sendall(b"hello")
    except OSError:
        connection.close()
