"""A proxy as companies have them: CONNECT for TLS, whole URLs for what is not encrypted.

with proxying({"registry.test:80": registry.host}) as proxy:
    monkeypatch.setenv("http_proxy", f"http://{proxy.host}")
"""

import base64
import contextlib
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.servers.tcp import connected, listening, pass_on, read_head


@dataclass
class Proxy:
    """What it was asked for."""

    host: str = ""
    heads: list[str] = field(default_factory=list)
    """The beginning of each connection."""
    logins: list[str] = field(default_factory=list)
    """`USER:PASSWORD` that came along for the proxy itself."""


@contextmanager
def proxying(hosts: Mapping[str, str]) -> Iterator[Proxy]:
    """A proxy that knows these `HOST:PORT`, and refuses to connect to others."""
    proxy = Proxy()

    def serve(client: socket.socket) -> None:
        head = read_head(client)
        text = head.decode("latin-1")
        proxy.heads.append(text)
        for login in re.findall(r"(?im)^proxy-authorization: basic (\S+)", text):
            proxy.logins.append(base64.b64decode(login).decode())
        method, url, _ = text.split(" ", 2)
        asked = re.sub(r"^http://", "", url).partition("/")[0]
        upstream = hosts.get(asked if ":" in asked else f"{asked}:80")
        if upstream is None:
            client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        with connected(upstream) as registry:
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                registry.sendall(head.replace(f"http://{asked}".encode(), b"", 1))
            upward = threading.Thread(target=_pass_on, args=(client, registry), daemon=True)
            upward.start()
            pass_on(registry, client)

    with listening(serve) as proxy.host:
        yield proxy


def _pass_on(client: socket.socket, registry: socket.socket) -> None:
    with contextlib.suppress(OSError):
        pass_on(client, registry)
