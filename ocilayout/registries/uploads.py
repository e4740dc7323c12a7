"""Blobs on their way out: in one request or in chunks, going on where the registry stands.

distribution-spec, "Pushing a blob monolithically" and "Pushing a blob in chunks".
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO
from urllib.parse import urlencode

from ocilayout.errors import (
    AccessDenied,
    IntegrityError,
    RegistryFailed,
    TransferBroken,
    Unanswered,
)
from ocilayout.registries.http import Answer, Body
from ocilayout.registries.origin import at_home
from ocilayout.registries.refusals import refusal, refused_content
from ocilayout.registries.registry import Registry
from ocilayout.registries.retries import ATTEMPTS, RETRIABLE, pauses, retry_after, wait
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.streams import CHUNK, read_full

CREATED = 201
"""What a registry answers where it keeps what it was sent: anything else is no registry's word."""
_TAKEN = frozenset({200, 201, 202, 204})
"""Registries differ in how they say that they took a chunk."""
_PIECE = 64 * 1024
"""Bytes that are sent at a time: each has to go within CONNECT_TIMEOUT, over slow lines too."""
_RANGE = re.compile(r"(?:bytes[= ])?0-([0-9]{1,18})", re.ASCII)
_CONTENT = {"Content-Type": "application/octet-stream"}


class Upload:
    """One blob that is being sent, over as many connections as it takes."""

    def __init__(self, registry: Registry, path: str, scopes: tuple[str, ...]) -> None:
        """`path` is the repository's, `scopes` allow to write there."""
        self._registry = registry
        self._path = path
        self._start = f"/v2/{path}/blobs/uploads/"
        self._scopes = scopes
        self._chunk_size = registry.chunk_size
        self._place: str | None = None
        self._sent = 0
        """Bytes that the registry has."""
        self._farthest = 0
        self._pauses = pauses(ATTEMPTS)
        self._breaks = 0

    @property
    def was_broken(self) -> bool:
        """Whether it was sent once, so that what was not answered may have arrived."""
        return self._breaks > 0

    def mount(self, digest: Digest, repository: str, scopes: tuple[str, ...]) -> bool:
        """Take the blob from another repository of the registry; False where that did nothing.

        `scopes` allow to read there too. A registry that would not, begins an upload instead,
        which is used.
        """
        query = urlencode({"mount": str(digest), "from": repository})
        try:
            answer = self._registry.ask("POST", f"{self._start}?{query}", scopes, body=b"")
        except AccessDenied:
            # Who may not read there, can still send it.
            return False
        if answer.status == 202:
            self._cancel()
            self._place = None
            self._moved_to(answer)
        answer.discard()
        return answer.status == 201

    def send(self, blob: Descriptor, content: BinaryIO) -> None:
        """Send the blob from where the registry stands; `content` is all of it, from its start.

        Raises TransferBroken where it is to be called again, RegistryFailed where that is no use.
        """
        try:
            if self._place is None:
                self._begin()
            _read_over(content, self._sent)
            if self._chunk_size is None and not self._sent:
                self._finish(blob, blob.size, _parts(content, blob.size))
            else:
                self._send_chunks(blob, content)
                self._finish(blob, 0, b"")
        except Unanswered as error:
            self._pause(error)
            raise TransferBroken(str(error)) from None
        except Exception:
            # Nobody comes back for what was begun; who is interrupted does not wait for it.
            self._cancel()
            raise

    def _begin(self) -> None:
        try:
            answer = self._registry.ask("POST", self._start, self._scopes, body=b"")
        except Unanswered as error:
            # It was asked for often enough.
            raise RegistryFailed(str(error)) from None
        if answer.status != 202:
            raise refusal(answer, f"begin an upload to {self._path}")
        answer.discard()
        self._sent = 0
        self._moved_to(answer)
        smallest = answer.headers.get("OCI-Chunk-Min-Length", "")
        if self._chunk_size is not None and smallest.isascii() and smallest.isdigit():
            self._chunk_size = max(self._chunk_size, int(smallest[:12]))

    def _send_chunks(self, blob: Descriptor, content: BinaryIO) -> None:
        while self._sent < blob.size:
            length = min(self._chunk_size or blob.size, blob.size - self._sent)
            end = self._sent + length
            headers = {**_CONTENT, "Content-Length": str(length)}
            headers["Content-Range"] = f"{self._sent}-{end - 1}"
            answer = self._ask("PATCH", self._where, headers, _parts(content, length))
            if answer.status not in _TAKEN:
                raise refused_content(answer, blob.digest, f"take a chunk of {blob.digest}")
            answer.discard()
            self._moved_to(answer)
            # Its Range is not looked at, which Amazon's registry lets lag behind.
            self._sent = end

    def _finish(self, blob: Descriptor, length: int, body: Body) -> None:
        separator = "&" if "?" in self._where else "?"
        url = f"{self._where}{separator}{urlencode({'digest': str(blob.digest)})}"
        headers = {**_CONTENT, "Content-Length": str(length)}
        answer = self._ask("PUT", url, headers, body)
        if answer.status != CREATED:
            raise refused_content(answer, blob.digest, f"take the blob {blob.digest}")
        answer.discard()

    def _ask(self, method: str, url: str, headers: dict[str, str], body: Body) -> Answer:
        answer = self._registry.send(method, url, self._scopes, headers, body)
        if answer.status in RETRIABLE or answer.status in {404, 416}:
            # The upload is unknown by now, or stands elsewhere than was thought.
            answer.discard()
            wait(self._registry.host, retry_after(answer))
            raise Unanswered(f"{self._registry.host} broke off an upload ({answer.status})")
        return answer

    @property
    def _where(self) -> str:
        assert self._place is not None
        return self._place

    def _pause(self, error: Unanswered) -> None:
        """Wait, and find out where the registry stands; raises RegistryFailed in the end."""
        self._breaks += 1
        self._find()
        if self._sent > self._farthest:
            self._farthest = self._sent
            self._pauses = pauses(ATTEMPTS)
        seconds = next(self._pauses, None)
        if seconds is None:
            raise RegistryFailed(
                f"{error}, again and again: where something on the way limits sizes or times, "
                "send less at a time, with --chunk-size"
            ) from None
        wait(self._registry.host, seconds)

    def _find(self) -> None:
        """Ask how much has arrived; an upload that is unknown by now begins anew."""
        place, self._place = self._place, None
        if place is None:
            return
        try:
            answer = self._registry.ask("GET", place, self._scopes)
            answer.discard()
        except RegistryFailed:
            return
        end = _end(answer)
        if answer.status == 204 and end > 1:
            self._place, self._sent = place, end
            self._moved_to(answer)

    def _cancel(self) -> None:
        if self._place is None:
            return
        # A registry forgets uploads by itself in the end.
        with suppress(RegistryFailed):
            self._registry.send("DELETE", self._place, self._scopes, {}, b"").discard()

    def _moved_to(self, answer: Answer) -> None:
        location = answer.headers.get("Location")
        if location is None and self._place is None:
            raise RegistryFailed(f"{self._registry.host} begins an upload, but does not say where")
        if location is not None:
            self._place = at_home(answer.url, location, "an upload")


def _end(answer: Answer) -> int:
    """How many bytes a registry says it has, else 0. `0-0` is said of one byte, and of none."""
    match = _RANGE.fullmatch(answer.headers.get("Range", "").strip())
    return 0 if match is None else int(match[1]) + 1


def _parts(content: BinaryIO, length: int) -> Iterator[memoryview]:
    """The next `length` bytes, in one buffer that is used again and again.

    Raises IntegrityError where there are not as many.
    """
    buffer = memoryview(bytearray(min(CHUNK, length)))
    while length:
        count = read_full(content, buffer[: min(len(buffer), length)])
        if not count:
            raise IntegrityError(f"content that is sent ends {length} bytes too early")
        for start in range(0, count, _PIECE):
            yield buffer[start : min(start + _PIECE, count)]
        length -= count


def _read_over(content: BinaryIO, count: int) -> None:
    for _ in _parts(content, count):
        pass
