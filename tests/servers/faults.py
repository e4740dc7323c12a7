r"""What goes wrong on purpose at a site: rules for which requests, and what happens to them.

registry.faults.append(Fault("PATCH", "/blobs/", answering(503), times=3))
registry.faults.append(Fault("GET", "/blobs/", redirecting(other.url), times=None))
registry.faults.append(Fault("HEAD", "/manifests/", lying({"Docker-Content-Digest": "..."})))
"""

import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from werkzeug.wrappers import Request, Response

Answer = Callable[[Request], Response]
What = Callable[[Request, Answer], Response]
"""Takes a request and what would answer it rightly."""


@dataclass
class Fault:
    """A rule; it counts down as it strikes."""

    method: str
    """`*` for any."""
    path: str
    """A regular expression, searched for in path and query."""
    what: What
    times: int | None = 1
    """How often it strikes yet; None for ever."""
    after: int = 0
    """How many requests of this kind pass first."""
    chance: float = 1.0
    """Of each request of this kind to be struck; the dice are the same in each run."""

    def strikes(self, request: Request, dice: random.Random) -> bool:
        """Whether it strikes this request; says so as often as `times` allows."""
        if self.method not in ("*", request.method) or not self._leads_to(request):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times == 0 or dice.random() >= self.chance:
            return False
        self.times = None if self.times is None else self.times - 1
        return True

    def _leads_to(self, request: Request) -> bool:
        return re.search(self.path, target(request)) is not None


def target(request: Request) -> str:
    """Path and query, which werkzeug ends with a question mark where there is none."""
    return request.full_path.rstrip("?")


def answering(
    status: int, headers: Mapping[str, str] | None = None, body: bytes | str = b""
) -> What:
    """This answer, and nothing is done."""
    return lambda request, answer: Response(body, status, dict(headers or {}))


def redirecting(base: str, status: int = 307) -> What:
    """To the same path and query below another base, such as `http://127.0.0.1:1234`."""

    def redirect(request: Request, answer: Answer) -> Response:
        return Response(status=status, headers={"Location": base + target(request)})

    return redirect


def relocating(base: str) -> What:
    """The right answer, whose Location is below this base: absolute, perhaps at another host."""

    def relocate(request: Request, answer: Answer) -> Response:
        response = answer(request)
        response.headers["Location"] = base + response.headers["Location"]
        return response

    return relocate


def lying(headers: Mapping[str, str]) -> What:
    """The right answer with these headers in place of its own."""

    def lie(request: Request, answer: Answer) -> Response:
        response = answer(request)
        for name, value in headers.items():
            response.headers[name] = value
        return response

    return lie


def swapping(body: bytes) -> What:
    """The right answer with another body under its headers."""

    def swap(request: Request, answer: Answer) -> Response:
        response = answer(request)
        if request.method != "HEAD":
            response.set_data(body)
        return response

    return swap


def deaf_to(header: str) -> What:
    """The answer as if the request had not this header: a Range perhaps."""

    def answer_without(request: Request, answer: Answer) -> Response:
        request.environ.pop("HTTP_" + header.upper().replace("-", "_"), None)
        return answer(Request(request.environ))

    return answer_without


def failing_late(status: int) -> What:
    """This status after the request was carried out, whose answer is lost."""

    def fail(request: Request, answer: Answer) -> Response:
        answer(request)
        return Response(status=status)

    return fail


def meanwhile(event: Callable[[], object]) -> What:
    """The right answer after something happened: all tokens have expired, say."""

    def answer_then(request: Request, answer: Answer) -> Response:
        event()
        return answer(request)

    return answer_then


def late(seconds: float) -> What:
    """The right answer, after this while."""

    def wait(request: Request, answer: Answer) -> Response:
        time.sleep(seconds)
        return answer(request)

    return wait
