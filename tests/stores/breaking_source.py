"""A source whose disk fails while a blob is read."""

import io
from collections.abc import Iterator
from typing import BinaryIO

from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from tests.images import MemorySource


class BreakingSource:
    """Breaks off in the middle of one blob."""

    def __init__(self, good: MemorySource, broken: Digest, error: type[BaseException]) -> None:
        self.index = good.index
        self.absent = good.absent
        self._good = good
        self._broken = broken
        self._error = error

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        content = self._good.open_blob(descriptor)
        if descriptor.digest != self._broken:
            return content
        return io.BufferedReader(_Breaking(content.read(20), self._error))


class _Breaking(io.RawIOBase):
    def __init__(self, start: bytes, error: type[BaseException]) -> None:
        self._chunks = self._given(start, error)

    @staticmethod
    def _given(start: bytes, error: type[BaseException]) -> Iterator[bytes]:
        yield start
        raise error

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        chunk = next(self._chunks)
        buffer[: len(chunk)] = chunk
        return len(chunk)
