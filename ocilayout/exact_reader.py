"""Exact numbers of bytes taken from a compressed stream, which may come in any portions."""

from typing import BinaryIO

from ocilayout.errors import CompressionError
from ocilayout.streams import CHUNK

COPY_AGAIN = "copy it again"
"""What to do about a stream that is not what its writer wrote."""


class ExactReader:
    """Reads ahead, hands out what is asked for, and knows when the stream ended too early."""

    def __init__(self, raw: BinaryIO, label: str, codec: str) -> None:
        """`label` names the stream in messages, `codec` its kind."""
        self._raw = raw
        self._chunk = b""
        self._position = 0
        self.label = label
        self.codec = codec

    def at_end(self) -> bool:
        """Whether nothing follows."""
        if self._position == len(self._chunk):
            self._chunk = self._raw.read(CHUNK)
            self._position = 0
        return not self._chunk

    def peek(self, count: int) -> bytes:
        """The next `count` bytes, which stay to be taken; fewer at the end."""
        while len(self._chunk) - self._position < count:
            more = self._raw.read(CHUNK)
            if not more:
                break
            self._chunk = self._chunk[self._position :] + more
            self._position = 0
        return self._chunk[self._position : self._position + count]

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
            raise self.damaged("is cut off", COPY_AGAIN)
        part = self._chunk[self._position : self._position + limit]
        self._position += len(part)
        return part

    def give_back(self, count: int) -> None:
        """Let the last `count` bytes of what take_some gave be the next that are taken."""
        self._position -= count

    def skip(self, count: int) -> None:
        """Pass over `count` bytes."""
        while count:
            count -= len(self.take_some(min(count, CHUNK)))

    def take_through(self, mark: bytes, limit: int) -> bytes:
        """All up to and with the byte `mark`; raises CompressionError past `limit` bytes."""
        taken = b""
        while len(taken) < limit:
            part = self.take_some(limit - len(taken))
            found = part.find(mark)
            if found >= 0:
                self.give_back(len(part) - found - 1)
                return taken + part[: found + 1]
            taken += part
        raise self.damaged(f"has a text of more than {limit} bytes in its header")

    def integer(self, count: int) -> int:
        """The next `count` bytes as a number, lowest byte first."""
        return int.from_bytes(self.take(count), "little")

    def damaged(self, how: str, remedy: str = "") -> CompressionError:
        """The error to raise where the stream is not what it should be."""
        return CompressionError(f"{self.label}: the {self.codec} stream {how}", remedy)
