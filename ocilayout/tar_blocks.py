"""The bytes of a tar, front to back: of an archive on disk, or of a stream that goes forward."""

import io
import os
from collections.abc import Iterator
from typing import BinaryIO, Protocol, cast

from ocilayout import notices
from ocilayout.errors import InvalidArchive, TruncatedArchive
from ocilayout.streams import CHUNK, naming

BLOCK = 512


class Blocks(Protocol):
    """The bytes of an archive, read from front to back."""

    label: str
    """What messages call the archive."""
    vouched: bool
    """Whether something else tells that all bytes are here, as a layer's digest does."""

    def read(self, offset: int, count: int) -> bytes:
        """`count` bytes at `offset`; raises InvalidArchive where there are fewer."""
        ...

    def lacks(self, offset: int) -> bool:
        """Whether it is known to end before `offset`."""
        ...

    def may_end(self, offset: int) -> bool:
        """Whether it ends at `offset`, or inside the padding there, and may.

        A tar ends in blocks of zeros, but Go's reader, and so every engine, does without.
        """
        ...

    def tail(self, offset: int) -> Iterator[bytes]:
        """All that follows `offset`."""
        ...


class FileBlocks:
    """An archive on disk; headers that stand close together are read many at a time."""

    _WINDOW = 64 * 1024
    vouched = False

    def __init__(self, descriptor: int, label: str) -> None:
        self._descriptor = descriptor
        self._start = 0
        self._window = b""
        self.label = label
        self._size = os.fstat(descriptor).st_size

    def read(self, offset: int, count: int) -> bytes:
        """`count` bytes at `offset`; raises TruncatedArchive where the file has fewer."""
        if offset + count > self._size:
            raise TruncatedArchive(
                f"{self.label} is cut off: it ends at byte {self._size}, before the end of the "
                "archive",
                remedy="copy it again",
            )
        if not self._start <= offset <= offset + count <= self._start + len(self._window):
            self._start = offset
            self._window = self._pread(offset, max(count, self._WINDOW))
        content = self._window[offset - self._start :][:count]
        if len(content) < count:
            raise InvalidArchive(f"{self.label} became shorter while it was read")
        return content

    def lacks(self, offset: int) -> bool:
        """Whether the file ends before `offset`."""
        return offset > self._size

    def may_end(self, offset: int) -> bool:
        """Whether it ends at `offset`, or inside the padding there; that it may be cut is said."""
        if not 0 < offset <= self._size <= offset + -offset % BLOCK:
            return False
        notices.warn(
            f"{self.label} has no blocks of zeros at its end: if members are missing, copy it again"
        )
        return True

    def tail(self, offset: int) -> Iterator[bytes]:
        """All that follows `offset`."""
        while offset < self._size:
            content = self.read(offset, min(CHUNK, self._size - offset))
            yield content
            offset += len(content)

    def _pread(self, offset: int, count: int) -> bytes:
        content = b""
        with naming(self.label):
            while len(content) < count:
                more = os.pread(self._descriptor, count - len(content), offset + len(content))
                if not more:
                    break
                content += more
        return content


class StreamBlocks:
    """An archive that arrives once, in order."""

    def __init__(self, stream: BinaryIO, label: str, *, vouched: bool) -> None:
        """`vouched`: something else tells that all bytes are here, as a layer's digest does. Then
        padding and blocks of zeros at the end may be missing, as Go's reader, and so every engine,
        allows.
        """
        self.label = label
        self.vouched = vouched
        self._stream = io.BufferedReader(cast(io.RawIOBase, stream), CHUNK)
        self._position = 0

    def read(self, offset: int, count: int) -> bytes:
        """`count` bytes at `offset`, which is not behind us; raises InvalidArchive."""
        self._skip_to(offset)
        content = self._stream.read(count)
        self._position += len(content)
        if len(content) < count:
            raise self._cut_off()
        return content

    def lacks(self, offset: int) -> bool:
        """Not known before it was read."""
        return False

    def may_end(self, offset: int) -> bool:
        """Whether the stream ends at `offset`, or inside the padding there, and may."""
        if not self.vouched:
            return False
        self._skip_to(offset)
        padding = len(self._stream.read(-offset % BLOCK))
        self._position += padding
        return padding < -offset % BLOCK or not self._stream.peek(1)

    def tail(self, offset: int) -> Iterator[bytes]:
        """All that follows `offset`."""
        if self._position < offset:
            self._skip_to(offset)
        while content := self._stream.read(CHUNK):
            yield content

    def chunks(self, offset: int, size: int) -> Iterator[bytes]:
        """`size` bytes at `offset`, in pieces; raises InvalidArchive where there are fewer."""
        self._skip_to(offset)
        yield from self._next(size)

    def _skip_to(self, offset: int) -> None:
        for _ in self._next(offset - self._position):
            pass

    def _next(self, size: int) -> Iterator[bytes]:
        while size > 0:
            content = self._stream.read(min(size, CHUNK))
            if not content:
                raise self._cut_off()
            self._position += len(content)
            size -= len(content)
            yield content

    def _cut_off(self) -> TruncatedArchive:
        return TruncatedArchive(
            f"{self.label} is cut off: it ends at byte {self._position}, before the end of the "
            "archive"
        )
