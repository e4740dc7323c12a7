"""Connections whose threads can be told to end while they wait for the other side."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from ocilayout.stopping import woken_by


def manager(proxy: str | None, **settings: Any) -> urllib3.PoolManager:
    """A manager of one pool of such connections, through a proxy if one is named."""
    found = (
        urllib3.PoolManager(1, **settings)
        if proxy is None
        else urllib3.ProxyManager(proxy, 1, **settings)
    )
    found.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
    return found


@contextmanager
def interruptible(connection: object) -> Iterator[None]:
    """Meanwhile, the connection is hung up if this thread is told to end."""
    with woken_by(partial(_hang_up, connection)):
        yield


def _hang_up(connection: object) -> None:
    found = getattr(connection, "sock", None)
    # TLS inside the TLS of a proxy is no socket, but has one.
    found = getattr(found, "socket", found)
    if isinstance(found, socket.socket):
        with suppress(OSError):
            # Not TLS's own, which must not be called while another thread reads.
            socket.socket.shutdown(found, socket.SHUT_RDWR)


class _Connection(HTTPConnection):
    def request(self, *arguments: Any, **options: Any) -> None:
        with interruptible(self):
            super().request(*arguments, **options)

    def getresponse(self) -> Any:
        with interruptible(self):
            return super().getresponse()


class _TlsConnection(HTTPSConnection):
    def request(self, *arguments: Any, **options: Any) -> None:
        with interruptible(self):
            super().request(*arguments, **options)

    def getresponse(self) -> Any:
        with interruptible(self):
            return super().getresponse()


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection
