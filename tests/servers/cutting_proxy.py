"""A line that breaks: a proxy before a registry that cuts connections after some bytes.

with cutting(registry.host, Cuts(down=(1, 5000), times=3)) as proxy:
    pull_from(proxy.host)
assert proxy.cuts == 3
"""

import contextlib
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from tests.servers.tcp import PIECE, connected, hang_up, listening, reset

Span = tuple[int, int]
"""The least and the most bytes of a connection before it is cut."""


@dataclass(frozen=True)
class Cuts:
    """Which connections are cut, and after how many bytes; where TLS is spoken, of TLS."""

    up: Span | None = None
    """From client to registry; None where uploads pass."""
    down: Span | None = None
    """From registry to client."""
    times: int | None = None
    """How many cuts at most; None for no bound."""
    chance: float = 1.0
    """Of each connection to be doomed."""
    way: Literal["close", "reset", "stall"] = "close"
    """A stalled connection stays, and no byte comes that way any more."""
    seed: int = 0


@dataclass
class Proxy:
    """What became of the connections."""

    cuts_planned: Cuts
    host: str = ""
    connections: int = 0
    cuts: int = 0
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def may_cut(self) -> bool:
        """Whether a cut is left; it is counted as made."""
        with self.lock:
            if self.cuts_planned.times is not None and self.cuts >= self.cuts_planned.times:
                return False
            self.cuts += 1
            return True


@contextmanager
def cutting(upstream: str, cuts: Cuts) -> Iterator[Proxy]:
    """A proxy before `HOST:PORT`, which cuts as it is told."""
    proxy = Proxy(cuts)
    dice = random.Random(cuts.seed)

    def serve(client: socket.socket) -> None:
        with proxy.lock:
            proxy.connections += 1
            doomed = dice.random() < cuts.chance
            up, down = (
                dice.randint(*span) if span and doomed else None for span in (cuts.up, cuts.down)
            )
        with connected(upstream) as registry:
            line = _Line(proxy, client, registry)
            upward = threading.Thread(target=line.pump, args=(client, registry, up), daemon=True)
            upward.start()
            line.pump(registry, client, down)
            upward.join()

    with listening(serve) as proxy.host:
        try:
            yield proxy
        finally:
            proxy.over.set()


@dataclass(frozen=True)
class _Line:
    """One connection through the proxy."""

    proxy: Proxy
    client: socket.socket
    registry: socket.socket

    def pump(self, source: socket.socket, target: socket.socket, limit: int | None) -> None:
        """Pass on what comes, and cut after `limit` bytes if a cut is left then."""
        # Either side may hang up, and so does the other direction when it cuts.
        with contextlib.suppress(OSError):
            passed = 0
            while part := source.recv(PIECE):
                if limit is not None and passed + len(part) > limit and self.proxy.may_cut():
                    target.sendall(part[: max(limit - passed, 0)])
                    self._cut()
                    return
                passed += len(part)
                target.sendall(part)
            target.shutdown(socket.SHUT_WR)

    def _cut(self) -> None:
        way = self.proxy.cuts_planned.way
        if way == "stall":
            self.proxy.over.wait()
        if way == "reset":
            reset(self.client)
        else:
            hang_up(self.client)
        hang_up(self.registry)
