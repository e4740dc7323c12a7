"""One request and its answer: urllib3, under our own rules for time, size and failure.

Nothing here follows a redirect, repeats a request or logs in: who asks decides on that.
"""

import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from http.client import IncompleteRead
from typing import Any
from urllib.parse import unquote
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError, SSLError
from urllib3.util import Timeout, Url, make_headers, parse_url

from ocilayout.errors import NotEncrypted, RegistryFailed, Unanswered
from ocilayout.registries.connections import interruptible, manager
from ocilayout.registries.hosts import is_in_a_network
from ocilayout.registries.origin import Origin, shown
from ocilayout.stopping import stop_if_abandoned
from ocilayout.streams import CHUNK

CONNECT_TIMEOUT = 15.0
READ_TIMEOUT = 60.0
"""Seconds in which an answer, or its next bytes, must have come."""
SLOWEST = 1024
"""Bytes a second: who sends less over READ_TIMEOUT counts as gone."""

_SMALL = 64 * 1024

Body = bytes | Iterable[bytes | memoryview]


@dataclass(frozen=True)
class Answer:
    """What a server said; to be closed, or read to its end."""

    url: str
    status: int
    headers: Mapping[str, str]
    challenges: tuple[str, ...]
    """All `WWW-Authenticate` headers."""
    _response: urllib3.BaseHTTPResponse

    def content(self, limit: int) -> bytes:
        """The body; raises RegistryFailed where it is larger than `limit` bytes or slow."""
        deadline = time.monotonic() + READ_TIMEOUT
        content = bytearray()
        try:
            while part := self.part(limit + 1 - len(content)):
                content += part
                if len(content) > limit:
                    raise RegistryFailed(
                        f"{shown(self.url)} answered with more than {limit} bytes, "
                        "which is no document"
                    )
                if time.monotonic() > deadline:
                    raise Unanswered(f"{shown(self.url)} answers too slowly")
        finally:
            self.close()
        return bytes(content)

    def beginning(self, limit: int) -> bytes:
        """The body of an error, as far as it came and to `limit` bytes; raises nothing."""
        content = bytearray()
        deadline = time.monotonic() + CONNECT_TIMEOUT
        try:
            while len(content) < limit and time.monotonic() < deadline:
                part = self.part(limit - len(content))
                if not part:
                    break
                content += part
        except RegistryFailed:
            pass
        finally:
            self.close()
        return bytes(content)

    def discard(self) -> None:
        """Read over what little an answer says beside its status, so that its line stays open."""
        self.beginning(_SMALL)

    def part(self, limit: int) -> bytes:
        """What has come, up to `limit` bytes; nothing at the end. Raises Unanswered, Abandoned."""
        try:
            with interruptible(self._response.connection):
                part = self._response.read1(limit)
        except (HTTPError, OSError) as error:
            stop_if_abandoned()
            raise _unanswered(self.url, error) from None
        if not part:
            # A connection that is hung up, as another thread failed, ends without an error.
            stop_if_abandoned()
        return part

    def close(self) -> None:
        """Let go of the connection; one whose answer was read to its end is used again."""
        if self._response.length_remaining == 0:
            # An answer without a body, as to HEAD, counts as read only when it was asked for one.
            self._response.drain_conn()
        elif not self._response.closed:
            self._response.close()
        self._response.release_conn()


class Http:
    """Connections, kept open and shared by threads."""

    def __init__(self, context_of: Callable[[str], ssl.SSLContext]) -> None:
        """`context_of` gives the TLS settings for a `HOST[:PORT]`."""
        self._context_of = context_of
        self._pools: dict[Origin, urllib3.PoolManager] = {}
        self._lock = threading.Lock()
        self._proxies = getproxies()

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: Body | None = None
    ) -> Answer:
        """One request; raises Unanswered, or RegistryFailed where trying again is no use.

        What the body raises is raised as it is: that is no failure of the line.
        """
        pool = self._pool(Origin.of(url))
        try:
            response = pool.urlopen(
                method,
                url,
                headers={"User-Agent": "ocilayout", **headers},
                body=body if body is None or isinstance(body, bytes) else _marked(body),
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
            )
        except _BodyFailed as failed:
            raise failed.error from None
        except (HTTPError, OSError, ValueError) as error:
            stop_if_abandoned()
            raise _unanswered(url, error, pool.proxy) from None
        challenges = tuple(response.headers.getlist("WWW-Authenticate"))
        return Answer(url, response.status, response.headers, challenges, response)

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for pool in self._pools.values():
                pool.clear()
            self._pools.clear()

    def _pool(self, origin: Origin) -> urllib3.PoolManager:
        with self._lock:
            if origin not in self._pools:
                self._pools[origin] = self._new_pool(origin)
            return self._pools[origin]

    def _new_pool(self, origin: Origin) -> urllib3.PoolManager:
        settings: dict[str, Any] = {
            "maxsize": 64,
            "timeout": Timeout(connect=CONNECT_TIMEOUT, read=READ_TIMEOUT),
            "blocksize": CHUNK,
        }
        if origin.scheme == "https":
            settings["ssl_context"] = context = self._context_of(origin.address)
            if context.verify_mode == ssl.CERT_NONE:
                urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        proxy = self._proxy(origin)
        login = parse_url(proxy).auth if proxy else None
        if login:
            settings["proxy_headers"] = make_headers(proxy_basic_auth=unquote(login))
        return manager(proxy, **settings)

    def _proxy(self, origin: Origin) -> str | None:
        """As Go's programs do, loopback is never asked of a proxy."""
        proxy = self._proxies.get(origin.scheme) or self._proxies.get("all")
        if not proxy or origin.is_loopback:
            return None
        if proxy_bypass(f"{origin.host}:{origin.port}"):
            return None
        # Go's programs know networks there (golang.org/x/net/http/httpproxy), urllib does not.
        if is_in_a_network(origin.host, self._proxies.get("no", "").split(",")):
            return None
        found = proxy if "://" in proxy else f"http://{proxy}"
        if not found.startswith(("http://", "https://")):
            raise RegistryFailed(
                f"{origin.scheme}_proxy names a proxy that is neither http nor https, which is not "
                "supported"
            )
        return found


class _BodyFailed(Exception):
    """Tells an error of what is sent from one of the line, which urllib3 would mix up."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def _marked(parts: Iterable[bytes | memoryview]) -> Iterator[bytes | memoryview]:
    try:
        yield from parts
    except Exception as error:
        raise _BodyFailed(error) from error


def _unanswered(url: str, error: Exception, proxy: Url | None = None) -> RegistryFailed:
    where = Origin.of(url)
    reason = _reason(error)
    if isinstance(reason, ssl.SSLCertVerificationError):
        return RegistryFailed(
            f"the certificate of {where} is not trusted ({reason.verify_message}): name its "
            "authority by --ca FILE, or say --insecure"
        )
    if isinstance(reason, ssl.SSLError):
        if reason.reason in _PLAIN:
            return NotEncrypted(
                f"{where} does not speak TLS: if that is as it should be, say --plain-http"
            )
        return Unanswered(f"{where}: TLS failed: {reason.reason or reason}")
    through = f" through the proxy {proxy.netloc}" if proxy else ""
    return Unanswered(f"{where} gives no answer{through}: {_words(reason)}")


_PLAIN = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}
"""What OpenSSL 1.1 and 3 say of a peer whose first bytes are no TLS."""


def _reason(error: BaseException) -> BaseException:
    """The innermost cause: urllib3 wraps what the socket said."""
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        inner = [item for item in error.args if isinstance(item, BaseException)]
        cause = getattr(error, "original_error", None) or error.__cause__ or next(iter(inner), None)
        if cause is None or (isinstance(error, SSLError | ssl.SSLError) and not inner):
            return error
        error = cause
    return error


def _words(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if isinstance(error, TimeoutError | urllib3.exceptions.TimeoutError) and not isinstance(
        error, NewConnectionError
    ):
        return "it took too long"
    if isinstance(error, IncompleteRead):
        return "it broke off"
    text = str(error).rpartition(": ")[2] or type(error).__name__
    return text[:200]
