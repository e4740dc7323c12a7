"""Streams that arrive or leave in an awkward way."""

import io
from collections.abc import Iterable
from itertools import chain, repeat
from typing import BinaryIO, cast


class _Dribble(io.RawIOBase):
    def __init__(self, content: bytes, portions: Iterable[int]) -> None:
        self._content = io.BytesIO(content)
        self._portions = iter(portions)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        view = memoryview(buffer)[: next(self._portions)]
        return self._content.readinto(view)


def dribble(content: bytes, portions: Iterable[int] = ()) -> BinaryIO:
    """A stream that gives no more than the next of `portions` in a read; in the end, bytes."""
    return cast(BinaryIO, _Dribble(content, chain(portions, repeat(1 << 20))))


class FullDisk:
    """Takes so many bytes, and no more."""

    def __init__(self, room: int) -> None:
        self._room = room

    def write(self, content: "memoryview | bytes") -> int:
        """Raises OSError where there is no room."""
        self._room -= memoryview(content).nbytes
        if self._room < 0:
            raise OSError(28, "No space left on device")
        return memoryview(content).nbytes

    def flush(self) -> None:
        """Nothing is kept back here."""
