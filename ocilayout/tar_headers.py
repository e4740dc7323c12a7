"""Tar headers, strictly read.

The standard library's reader ends silently at a damaged header (cpython#120740), hangs on a
negative size (CVE-2025-8194) and reads extension headers of any length into memory. This one has
a cap on everything that it holds, and refuses whatever two tools would read differently.
"""

import os
import re
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from ocilayout.errors import InvalidArchive, OldSparseMember, TruncatedArchive
from ocilayout.tar_blocks import BLOCK, Blocks
from ocilayout.tar_end import check_end, check_sum
from ocilayout.tar_pax import pax_records
from ocilayout.tar_sparse import MAX_HOLES, SparseMap, is_sparse, read_sparse

MAX_EXTENSION = 1024 * 1024
"""Bytes of a PAX or long-name header; real ones have a few hundred."""
MAX_NAME = 64 * 1024
"""Bytes of one name; no system opens more than 4,096."""
MAX_OWNER = (1 << 32) - 2
"""The largest owner or group; Linux takes the number above for "leave it"."""
MAX_SECONDS = 1 << 40
"""The furthest time from 1970 that is read, either way: file systems end before."""

Xattrs = tuple[tuple[bytes, bytes], ...]
"""Names and values of extended attributes, sorted."""
Kind = Literal["file", "directory", "symlink", "hardlink", "device", "other"]

_KINDS: dict[bytes, Kind] = {
    b"0": "file",
    b"\0": "file",
    b"7": "file",
    b"1": "hardlink",
    b"2": "symlink",
    b"3": "device",
    b"4": "device",
    b"5": "directory",
    b"6": "device",
}
_PAX, _PAX_GLOBAL, _GNU_LONG_NAME, _GNU_LONG_LINK, _GNU_SPARSE = b"x", b"g", b"L", b"K", b"S"
_XATTR = b"SCHILY.xattr."
_TIME = rb"(-?)([0-9]{1,19})(?:\.([0-9]*))?"


class Attributes(NamedTuple):
    """What a member says beside name, kind and content."""

    mode: int
    """The twelve bits of permissions."""
    uid: int
    gid: int
    mtime: int
    """Nanoseconds since 1970."""
    device: tuple[int, int] = (0, 0)
    """Major and minor number."""
    xattrs: Xattrs = ()


class Header(NamedTuple):
    """One member as its headers describe it; names are bytes as written."""

    name: bytes
    kind: Kind
    type_flag: bytes
    size: int
    """Bytes of its content."""
    offset: int
    """Bytes from the start of the archive to what is stored of the content."""
    stored: int
    """Bytes that are stored of the content: all but the holes of a sparse member."""
    sparse: SparseMap | None
    target: bytes
    """Where a link leads, as written."""
    where: str
    """What messages call it."""
    block: bytes
    """Its last header, as written."""
    records: Mapping[bytes, bytes]
    """What PAX headers say of it."""

    @property
    def end(self) -> int:
        """Bytes from the start of the archive to what follows it and its padding."""
        return self.offset + _padded(self.stored)

    def attributes(self) -> Attributes:
        """Mode, owner, time and the rest; raises InvalidArchive where a field is no number."""
        block, records, where = self.block, self.records, self.where
        mtime = records.get(b"mtime")
        return Attributes(
            _number(block[100:108], where, "mode") & 0o7777,
            _owner(records.get(b"uid"), block[108:116], where, "owner"),
            _owner(records.get(b"gid"), block[116:124], where, "group"),
            _seconds(block[136:148], where) if mtime is None else _pax_time(mtime, where),
            self._device(),
            _xattrs(records),
        )

    def _device(self) -> tuple[int, int]:
        if self.type_flag not in {b"3", b"4"}:
            return 0, 0
        major = _number(self.block[329:337], self.where, "device number")
        minor = _number(self.block[337:345], self.where, "device number")
        if major >= 1 << 32 or minor >= 1 << 32:
            raise InvalidArchive(f"{self.where}: there is no device {major}:{minor}")
        return major, minor


class _Extension:
    """What extension headers say of the next member."""

    def __init__(self) -> None:
        self.name: bytes | None = None
        self.target: bytes | None = None
        self.size: int | None = None
        self.records: dict[bytes, bytes] = {}

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.records) or (self.name, self.target, self.size) != (None, None, None)


def read_headers(blocks: Blocks) -> Iterator[Header]:
    """The members of an archive, in its order; raises InvalidArchive.

    A stream's content must be read, if at all, before the next header is asked for.
    """
    offset = end = holes = 0
    extension = _Extension()
    while extension or not blocks.may_end(end):
        block = blocks.read(offset, BLOCK)
        where = f"{blocks.label}, byte {offset}"
        if not any(block):
            if extension:
                raise InvalidArchive(f"{blocks.label} ends after an extension header")
            check_end(blocks, offset)
            return
        check_sum(block, where)
        kind = block[156:157]
        size = _number(block[124:136], where, "size")
        if kind in {_PAX, _PAX_GLOBAL, _GNU_LONG_NAME, _GNU_LONG_LINK}:
            _read_extension(blocks, offset, kind, size, extension)
            offset = end = offset + BLOCK + _padded(size)
            continue
        if kind == _GNU_SPARSE:
            raise OldSparseMember(
                f"{where}: a sparse member in GNU's old format (type S), which no engine reads: "
                "write it without --sparse, or with --format=posix"
            )
        header = _header(blocks, block, size, offset + BLOCK, extension, where)
        extension = _Extension()
        holes += header.size - header.stored
        if holes > MAX_HOLES:
            raise InvalidArchive(
                f"{where}: sparse members with more than {MAX_HOLES} bytes of holes"
            )
        offset, end = header.end, header.offset + header.stored
        if blocks.lacks(end):
            raise TruncatedArchive(
                f"{blocks.label} is cut off inside {os.fsdecode(header.name)!r}",
                remedy="copy it again",
            )
        yield header


def _header(
    blocks: Blocks, block: bytes, size: int, offset: int, extension: _Extension, where: str
) -> Header:
    flag = block[156:157]
    name = extension.name if extension.name is not None else _ustar_name(block)
    target = extension.target if extension.target is not None else _text(block[157:257])
    kind = _KINDS.get(flag, "other")
    if kind == "file" and name.endswith(b"/"):
        # Version 7 tars mark folders this way.
        kind = "directory"
    if extension.size is not None and kind in {"file", "other"}:
        size = extension.size
    if max(len(name), len(target)) > MAX_NAME:
        raise InvalidArchive(f"{where}: a name of more than {MAX_NAME} bytes")
    if size and kind not in {"file", "other"}:
        raise InvalidArchive(f"{where}: a {kind} has a size, which tools read differently")
    records = extension.records
    if not is_sparse(records):
        return Header(name, kind, flag, size, offset, size, None, target, where, block, records)
    if kind != "file":
        raise InvalidArchive(f"{where}: a {kind} cannot be sparse")
    found = read_sparse(blocks, records, offset, size, where)
    return Header(
        found.name or name,
        kind,
        flag,
        found.map.size,
        offset + found.map_size,
        size - found.map_size,
        found.map,
        target,
        where,
        block,
        records,
    )


def _ustar_name(block: bytes) -> bytes:
    name = _text(block[:100])
    if block[257:263] == b"ustar\0":
        prefix = _text(block[345:500])
        return prefix + b"/" + name if prefix else name
    return name


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _number(field: bytes, where: str, called: str) -> int:
    """Octal digits, or base 256 where the first bit is set (GNU, for 8 GiB and more).

    `called` is what messages call the field.
    """
    if field[0] & 0x80:
        number = int.from_bytes(field, "big", signed=False) & ((1 << (8 * len(field) - 1)) - 1)
        if field[0] & 0x40 or number >= 1 << 63:
            raise InvalidArchive(f"{where}: the {called} is negative or impossible")
        return number
    digits = field.replace(b"\0", b" ").strip()
    if not digits:
        return 0
    if not all(0x30 <= digit <= 0x37 for digit in digits):
        raise InvalidArchive(f"{where}: the {called} is not an octal number")
    return int(digits, 8)


def _owner(record: bytes | None, field: bytes, where: str, called: str) -> int:
    if record is None:
        number = _number(field, where, called)
    elif record.isdigit() and len(record) <= 19:
        number = int(record)
    else:
        raise InvalidArchive(f"{where}: the {called} is not a number")
    if number > MAX_OWNER:
        raise InvalidArchive(f"{where}: there can be no {called} {number}")
    return number


def _xattrs(records: Mapping[bytes, bytes]) -> Xattrs:
    found = [
        (key[len(_XATTR) :], value)
        for key, value in records.items()
        if key.startswith(_XATTR) and key != _XATTR
    ]
    return tuple(sorted(found))


def _seconds(field: bytes, where: str) -> int:
    if field[0] == 0xFF:
        # GNU's base 256 again: a time before 1970.
        return _checked_time(int.from_bytes(field, "big", signed=True), where) * 10**9
    return _checked_time(_number(field, where, "time"), where) * 10**9


def _pax_time(record: bytes, where: str) -> int:
    match = re.fullmatch(_TIME, record)
    if match is None:
        raise InvalidArchive(f"{where}: the PAX mtime is not a time")
    sign, whole, fraction = match[1], int(match[2]), (match[3] or b"")[:9].ljust(9, b"0")
    time = _checked_time(whole, where) * 10**9 + int(fraction)
    return -time if sign else time


def _checked_time(seconds: int, where: str) -> int:
    if abs(seconds) > MAX_SECONDS:
        raise InvalidArchive(f"{where}: {seconds} seconds from 1970 is no time of a file")
    return seconds


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _read_extension(
    blocks: Blocks, offset: int, kind: bytes, size: int, extension: _Extension
) -> None:
    where = f"{blocks.label}, byte {offset}"
    if size > MAX_EXTENSION:
        raise InvalidArchive(f"{where}: an extension header of {size} bytes is too large")
    content = blocks.read(offset + BLOCK, size)
    if kind == _GNU_LONG_NAME:
        extension.name = _text(content)
    elif kind == _GNU_LONG_LINK:
        extension.target = _text(content)
    else:
        _apply_pax(pax_records(content, where), kind == _PAX_GLOBAL, extension, where)


def _apply_pax(
    records: dict[bytes, bytes], is_global: bool, extension: _Extension, where: str
) -> None:
    if is_global:
        if is_sparse(records) or records.keys() & {b"path", b"linkpath", b"size"}:
            raise InvalidArchive(f"{where}: a global header renames or resizes all members")
        return
    extension.records.update(records)
    if b"path" in records:
        extension.name = records[b"path"]
    if b"linkpath" in records:
        extension.target = records[b"linkpath"]
    if b"size" in records:
        digits = records[b"size"]
        if not (digits.isdigit() and len(digits) <= 19 and int(digits) < 1 << 63):
            raise InvalidArchive(f"{where}: the PAX size is not a number of bytes")
        extension.size = int(digits)
