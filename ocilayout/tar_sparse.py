"""Sparse members: a map of the bytes that are stored, and zeros between them.

PAX archives have them in three formats, 0.0, 0.1 and 1.0 (GNU tar manual, "Storing Sparse Files").
bsdtar writes 1.0 unasked where a file has holes; Go's archive/tar, and so every engine, reads all
three.
"""

import io
from array import array
from collections.abc import Iterator, Mapping
from typing import BinaryIO, NamedTuple, Protocol

from ocilayout.errors import InvalidArchive
from ocilayout.streams import CHUNK, readinto
from ocilayout.tar_blocks import BLOCK, Blocks

MAX_MAP = 1024 * 1024
"""Bytes of the map of one member, as it is written; Go 1.25.2 and later have the same limit."""
MAX_HOLES = 64 * 1024**3
"""Bytes of all holes of one archive: a kilobyte could state terabytes of zeros."""

_KEY = b"GNU.sparse."
MAP = _KEY + b"map"
PART = _KEY + b"offset", _KEY + b"numbytes"
"""What format 0.0 repeats for each part, and format 0.1 has in one record."""
_ZEROS = bytes(64 * 1024)


class SparseMap(NamedTuple):
    """Which parts of a file are stored."""

    size: int
    """Bytes of the file, its holes among them."""
    numbers: "array[int]"
    """Offset and length of each stored part in turn, in ascending order."""

    @property
    def stored(self) -> int:
        """Bytes of the parts that are stored."""
        return sum(self.numbers[1::2])

    @property
    def held(self) -> int:
        """Bytes of memory that the map takes."""
        return len(self.numbers) * self.numbers.itemsize

    def pieces(self) -> Iterator[tuple[int, bool]]:
        """The length of each part of the file, and whether it is stored or a hole."""
        position = 0
        for offset, length in zip(self.numbers[::2], self.numbers[1::2], strict=True):
            if offset > position:
                yield offset - position, False
            if length:
                yield length, True
            position = offset + length
        if self.size > position:
            yield self.size - position, False


class SparseMember(NamedTuple):
    """What the headers of a sparse member say of it."""

    map: SparseMap
    name: bytes | None
    """Its real name, where the header has one that is made for tools that read no sparse files."""
    map_size: int
    """Bytes of the map in front of the stored parts."""


def is_sparse(records: Mapping[bytes, bytes]) -> bool:
    """Whether PAX records speak of a sparse file."""
    return any(key.startswith(_KEY) for key in records)


def read_sparse(
    blocks: Blocks, records: Mapping[bytes, bytes], offset: int, size: int, where: str
) -> SparseMember:
    """The map of a sparse member whose `size` bytes in the archive begin at `offset`.

    Raises InvalidArchive where the map is not one that all tools read alike.
    """
    real_size = _number(records.get(_KEY + b"size", records.get(_KEY + b"realsize")), where)
    version = records.get(_KEY + b"major"), records.get(_KEY + b"minor")
    map_size = 0
    if version == (b"1", b"0"):
        numbers, map_size = _leading_map(blocks, offset, size, where)
    elif version in {(None, None), (b"0", b"0"), (b"0", b"1")} and MAP in records:
        numbers = _numbers(records[MAP].split(b","), where)
        if len(numbers) != 2 * _number(records.get(_KEY + b"numblocks"), where):
            raise _invalid(where, "its map has another count of parts than it states")
    else:
        raise _invalid(where, "it is of a format that is unknown")
    found = SparseMap(real_size, numbers)
    _check_map(found, size - map_size, where)
    return SparseMember(found, records.get(_KEY + b"name") or None, map_size)


def _leading_map(blocks: Blocks, offset: int, size: int, where: str) -> tuple["array[int]", int]:
    """The map of format 1.0: the count of parts and their numbers, a line each, in whole blocks."""
    text = bytearray()
    lines, wanted = 0, 1
    while lines < wanted:
        if len(text) + BLOCK > min(size + -size % BLOCK, MAX_MAP):
            raise _invalid(where, f"its map is cut off, or larger than {MAX_MAP} bytes")
        block = blocks.read(offset + len(text), BLOCK)
        if not lines and b"\n" in block:
            wanted += 2 * _number(bytes(text) + block.partition(b"\n")[0], where)
        lines += block.count(b"\n")
        text += block
    return _numbers(bytes(text).split(b"\n")[1:wanted], where), len(text)


def _numbers(digits: list[bytes], where: str) -> "array[int]":
    return array("q", (_number(text, where) for text in digits))


def _number(digits: bytes | None, where: str) -> int:
    if digits is None or not digits.isdigit() or len(digits) > 19 or int(digits) >= 1 << 63:
        raise _invalid(where, "a size or an offset of it is not a number of bytes")
    return int(digits)


def _check_map(sparse: SparseMap, stored: int, where: str) -> None:
    position = 0
    for offset, length in zip(sparse.numbers[::2], sparse.numbers[1::2], strict=True):
        if offset < position:
            raise _invalid(where, "parts of it overlap, or do not ascend")
        position = offset + length
    if position > sparse.size:
        raise _invalid(where, f"its parts reach beyond its {sparse.size} bytes")
    if sparse.stored != stored:
        raise _invalid(where, f"its map is of {sparse.stored} bytes, it has {stored}")


def _invalid(where: str, why: str) -> InvalidArchive:
    return InvalidArchive(f"{where}: a sparse member cannot be read: {why}")


class SparseReader(io.RawIOBase):
    """The content of a sparse member, its holes filled with zeros."""

    def __init__(self, stored: BinaryIO, sparse: SparseMap) -> None:
        self._stored = stored
        self._pieces = sparse.pieces()
        self._left, self._is_stored = next(self._pieces, (0, False))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        if not self._left:
            self._left, self._is_stored = next(self._pieces, (0, False))
        view = memoryview(buffer)[: self._left]
        if self._is_stored:
            count = readinto(self._stored, view)
            if len(view) and not count:
                raise InvalidArchive("a sparse member became shorter while it was read")
        else:
            count = min(len(view), len(_ZEROS))
            view[:count] = _ZEROS[:count]
        self._left -= count
        return count


class Chunked(Protocol):
    """An archive that is read forward."""

    def chunks(self, offset: int, size: int) -> Iterator[bytes]:
        """`size` bytes at `offset`, in pieces."""
        ...


def content_chunks(
    blocks: Chunked, offset: int, size: int, sparse: SparseMap | None
) -> Iterator[bytes]:
    """The `size` bytes of a file whose stored parts begin at `offset`, in pieces."""
    if sparse is None:
        yield from blocks.chunks(offset, size)
        return
    zeros = bytes(CHUNK) if sparse.size > sparse.stored else b""
    for length, is_stored in sparse.pieces():
        if is_stored:
            yield from blocks.chunks(offset, length)
            offset += length
            continue
        for start in range(0, length, CHUNK):
            yield zeros[: min(CHUNK, length - start)]
