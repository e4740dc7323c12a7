"""Exact numbers of bytes taken from a compressed stream, which may come in any portions."""

from typing import BinaryIO

from ocilayout.errors import CompressionError
from ocilayout.streams import CHUNK


class ExactReader:
    """Reads ahead, hands out what is asked for, and knows when the stream ended too early."""

    def __init__(self, raw: BinaryIO, label: str, codec: str) -> None:
        """`label` names the stream in messages, `codec` its kind."""
        self._raw = raw
        self._rest = memoryview(b"")
        self.label = label
        self.codec = codec

    def at_end(self) -> bool:
        """Whether nothing follows."""
        if not len(self._rest):
            self._rest = memoryview(self._raw.read(CHUNK))
        return not len(self._rest)

    def take(self, count: int) -> bytes:
        """The next `count` bytes; raises CompressionError where there are fewer."""
        parts = []
        while count:
            part = self.take_some(count)
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def take_some(self, limit: int) -> bytes:
        """From 1 to `limit` bytes; raises CompressionError where there are none."""
        if self.at_end():
            raise self.damaged("is cut off: copy it again")
        part = self._rest[:limit]
        self._rest = self._rest[len(part) :]
        return bytes(part)

    def put_back(self, content: bytes) -> None:
        """Let `content` be the next that is taken."""
        self._rest = memoryview(content + bytes(self._rest))

    def skip(self, count: int) -> None:
        """Pass over `count` bytes."""
        while count:
            count -= len(self.take_some(count))

    def integer(self, count: int) -> int:
        """The next `count` bytes as a number, lowest byte first."""
        return int.from_bytes(self.take(count), "little")

    def damaged(self, how: str) -> CompressionError:
        """The error to raise where the stream is not what it should be."""
        return CompressionError(f"{self.label}: the {self.codec} stream {how}")
