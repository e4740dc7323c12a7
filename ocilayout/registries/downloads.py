"""Blobs on their way here: one stream, which goes on where a broken connection left off."""

import io
import time
from collections.abc import Callable, Mapping

from ocilayout.errors import OciLayoutError, RegistryFailed, Unanswered
from ocilayout.registries.http import READ_TIMEOUT, SLOWEST, Answer
from ocilayout.registries.origin import shown
from ocilayout.registries.retries import ATTEMPTS, pauses
from ocilayout.stopping import pause

Fetch = Callable[[Mapping[str, str]], Answer]
"""The request, with headers beside its own."""


class Download(io.RawIOBase):
    """The bytes of a blob, asked for when they are first read; not verified."""

    def __init__(
        self,
        fetch: Fetch,
        size: int,
        refusal: Callable[[Answer], OciLayoutError],
    ) -> None:
        """`size` is what the blob should have, in bytes; `refusal` makes errors of answers."""
        self._fetch = fetch
        self._size = size
        self._refusal = refusal
        self._position = 0
        self._answer: Answer | None = None
        self._pauses = pauses(ATTEMPTS)
        self._pace = _Pace()

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        """Some bytes; raises RegistryFailed where the connection breaks again and again."""
        view = memoryview(buffer)
        while len(view) and self._position < self._size:
            try:
                part = self._opened().part(min(len(view), self._size - self._position))
                if not part:
                    raise Unanswered(f"{self._where} ended after {self._position} bytes")
                self._pace.check(len(part), self._where)
            except Unanswered as error:
                self._pause(error)
                continue
            view[: len(part)] = part
            self._position += len(part)
            # What moves on may break as often as it likes.
            self._pauses = pauses(ATTEMPTS)
            return len(part)
        return 0

    def close(self) -> None:
        """Let go of the connection."""
        self._let_go()
        super().close()

    @property
    def _where(self) -> str:
        return shown(self._answer.url) if self._answer is not None else "a download"

    @property
    def _progress(self) -> str:
        return f", at byte {self._position} of {self._size}" if self._position else ""

    def _pause(self, error: Unanswered) -> None:
        self._let_go()
        seconds = next(self._pauses, None)
        if seconds is None:
            raise RegistryFailed(f"{error}{self._progress}") from None
        pause(seconds)

    def _let_go(self) -> None:
        if self._answer is not None:
            self._answer.close()
            self._answer = None

    def _opened(self) -> Answer:
        if self._answer is None:
            self._pace = _Pace()
            headers = {"Range": f"bytes={self._position}-"} if self._position else {}
            answer = self._fetched(headers)
            if answer.status == 206 and self._starts_here(answer):
                self._answer = answer
            elif answer.status == 200:
                self._answer = answer
                self._skip(answer)
            elif answer.status in {206, 416} and self._position:
                answer.close()
                raise RegistryFailed(
                    f"{shown(answer.url)} does not go on at byte {self._position}, where it was "
                    "asked to"
                )
            else:
                raise self._refusal(answer)
        return self._answer

    def _fetched(self, headers: Mapping[str, str]) -> Answer:
        try:
            return self._fetch(headers)
        except Unanswered as error:
            # It was asked for often enough.
            raise RegistryFailed(f"{error}{self._progress}") from None

    def _starts_here(self, answer: Answer) -> bool:
        stated = answer.headers.get("Content-Range", "")
        return stated.startswith(f"bytes {self._position}-")

    def _skip(self, answer: Answer) -> None:
        """Read over what came before, from a server that knows no ranges."""
        skipped = 0
        while skipped < self._position:
            part = answer.part(min(self._position - skipped, 1 << 20))
            if not part:
                raise Unanswered(f"{shown(answer.url)} ended after {skipped} bytes")
            self._pace.check(len(part), shown(answer.url))
            skipped += len(part)


class _Pace:
    """Whether a server that sends little still sends enough: SLOWEST, over READ_TIMEOUT."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._count = 0

    def check(self, count: int, where: str) -> None:
        self._count += count
        elapsed = time.monotonic() - self._start
        if elapsed > READ_TIMEOUT:
            if self._count < SLOWEST * elapsed:
                raise Unanswered(f"{where} sends less than {SLOWEST} bytes a second")
            self._start, self._count = time.monotonic(), 0
