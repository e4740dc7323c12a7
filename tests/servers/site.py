"""A web site of a test: werkzeug's server on a free loopback port, every request recorded.

    with running(OciRegistry()) as registry:
        push_something_to(registry.host)
    assert [request.method for request in registry.requests] == [...]

werkzeug closes each connection after its answer.
"""

import random
import ssl
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, TypeVar

from werkzeug.datastructures import Headers
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from tests.servers.faults import Fault

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


@dataclass
class Recorded:
    """A request as it came, whatever became of it."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Headers
    body_length: int = 0
    """How many bytes of its body were read, which are all where it was not refused."""
    status: int | None = None
    """The answer's; None while there is none."""


class Site:
    """What answers requests; a kind of site says how in `answer`."""

    def __init__(self) -> None:
        self.requests: list[Recorded] = []
        self.faults: list[Fault] = []
        """The first one that strikes is what happens to a request."""
        self.host = ""
        """`127.0.0.1:PORT`, while it runs."""
        self.url = ""
        self._random = random.Random(0)
        self._lock = threading.Lock()

    def answer(self, request: Request) -> Response:
        """The answer where nothing goes wrong on purpose."""
        raise NotImplementedError

    def seen(self, method: str, part: str = "") -> list[Recorded]:
        """The requests of this method whose path holds `part`, in order."""
        return [at for at in self.requests if at.method == method and part in at.path]

    def application(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> "Iterable[bytes]":
        """What werkzeug calls for each request."""
        request = Request(environ)
        headers = Headers(request.headers)
        recorded = Recorded(request.method, request.path, request.args.to_dict(), headers)
        self.requests.append(recorded)
        environ["wsgi.input"] = _Counted(environ["wsgi.input"], recorded)
        response = self._struck(request)
        recorded.status = response.status_code
        return response(environ, start_response)

    def _struck(self, request: Request) -> Response:
        with self._lock:
            struck = [fault for fault in self.faults if fault.strikes(request, self._random)][:1]
        return struck[0].what(request, self.answer) if struck else self.answer(request)


SomeSite = TypeVar("SomeSite", bound=Site)


@contextmanager
def running(site: SomeSite, tls: ssl.SSLContext | None = None) -> Iterator[SomeSite]:
    """The site, up until the block is left; a thread for each connection."""
    server = make_server(
        "127.0.0.1",
        0,
        site.application,
        threaded=True,
        request_handler=_Silent,
        ssl_context=tls,
    )
    site.host = f"127.0.0.1:{server.server_port}"
    site.url = f"{'https' if tls else 'http'}://{site.host}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Silent(WSGIRequestHandler):
    """The same, without a line of log for each request; what fails unforeseen is shown."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002
        if type == "error":
            super().log(type, message, *args)


class _Counted:
    """A body that is counted as it is read."""

    def __init__(self, body: IO[bytes], recorded: Recorded) -> None:
        self._body = body
        self._recorded = recorded

    def read(self, size: int = -1) -> bytes:
        return self._count(self._body.read(size))

    def readline(self, size: int = -1) -> bytes:
        return self._count(self._body.readline(size))

    def _count(self, part: bytes) -> bytes:
        self._recorded.body_length += len(part)
        return part
