"""Tars: a strict reader that extracts nothing, and a writer that always writes the same.

The standard library's reader ends silently at a damaged header (cpython#120740), hangs on a
negative size (CVE-2025-8194) and reads extension headers of any length into memory. This one goes
over the headers once, with a cap on everything that it holds, and then opens members by name.
Whatever two tools would read differently is refused.
"""

import os
from collections.abc import Iterator, KeysView
from dataclasses import dataclass
from typing import BinaryIO, Literal, cast

from ocilayout import notices
from ocilayout.errors import BlobNotFound, InvalidArchive
from ocilayout.streams import CHUNK, FileSlice, Writable, copy_stream

BLOCK = 512
MAX_EXTENSION = 1024 * 1024
"""Bytes of a PAX or long-name header; real ones have a few hundred."""
MAX_NAME = 64 * 1024
"""Bytes of one name; no system opens more than 4,096."""
MAX_NAMES = 32 * 1024 * 1024
"""Bytes of all names and link targets of one archive."""
MAX_MEMBERS = 200_000
"""Members of one archive; the largest image archives have some thousands."""
MAX_LINKS = 8
"""Links in a row; docker 20.10 writes one."""

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


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an archive; `name` has no `./` in front and no slash behind."""

    name: str
    kind: Kind
    size: int
    """Bytes."""
    offset: int
    """Bytes from the start of the archive to the content."""
    target: str = ""
    """Where a link leads, as written."""


class TarFile:
    """An archive on disk, opened by member name, from several threads if need be."""

    is_folder = False

    def __init__(self, file: BinaryIO, label: str) -> None:
        """Reads all headers; raises InvalidArchive. `file` stays its owner's to close."""
        self.label = label
        self._descriptor = file.fileno()
        self._members: dict[str, Member] = {}
        held = 0
        for member in _read_members(_Headers(self._descriptor, label)):
            held += len(member.name) + len(member.target)
            if held > MAX_NAMES:
                raise InvalidArchive(f"{label} has more than {MAX_NAMES} bytes of names")
            known = self._members.get(member.name)
            if known is not None and not known.kind == member.kind == "directory":
                raise InvalidArchive(
                    f"{label} has {member.name!r} twice: tools differ in which one they take"
                )
            self._members[member.name] = member
            if len(self._members) > MAX_MEMBERS:
                raise InvalidArchive(f"{label} has more than {MAX_MEMBERS} members")

    def names(self) -> KeysView[str]:
        """The names of all members, in the order of the archive."""
        return self._members.keys()

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def size(self, name: str) -> int:
        """The size in bytes of the file `name`, through links within the archive."""
        return self._resolve(name).size

    def open(self, name: str) -> BinaryIO:
        """The content of the file `name`, through links within the archive.

        Raises BlobNotFound, or InvalidArchive where `name` is no regular file.
        """
        member = self._resolve(name)
        return cast(BinaryIO, FileSlice(self._descriptor, member.offset, member.size))

    def _resolve(self, name: str) -> Member:
        wanted = name
        for _ in range(MAX_LINKS):
            member = self._members.get(wanted)
            if member is None:
                raise BlobNotFound(f"{self.label} has no member {name!r}")
            if member.kind == "file":
                return member
            if member.kind not in {"symlink", "hardlink"}:
                raise InvalidArchive(f"{self.label}: {name!r} is not a regular file")
            # A symlink leads from the folder it stands in, a hard link from the top.
            base = os.path.dirname(wanted) if member.kind == "symlink" else ""
            wanted = os.path.normpath(os.path.join(base, member.target))
            if wanted.startswith(("/", "../")) or wanted == "..":
                raise InvalidArchive(f"{self.label}: {name!r} is a link out of the archive")
        raise InvalidArchive(f"{self.label}: {name!r} is a link to a link, without end")


class _Headers:
    """Header blocks of an archive, read many at a time where they stand close together."""

    _WINDOW = 64 * 1024

    def __init__(self, descriptor: int, label: str) -> None:
        self._descriptor = descriptor
        self._start = 0
        self._window = b""
        self.label = label
        self.size = os.fstat(descriptor).st_size

    def read(self, offset: int, count: int) -> bytes:
        """`count` bytes at `offset`; raises InvalidArchive where the file has fewer."""
        if offset + count > self.size:
            raise InvalidArchive(
                f"{self.label} is cut off: it ends at byte {self.size}, before the end of the "
                "archive: copy it again"
            )
        if not self._start <= offset <= offset + count <= self._start + len(self._window):
            self._start = offset
            self._window = self._pread(offset, max(count, self._WINDOW))
        content = self._window[offset - self._start :][:count]
        if len(content) < count:
            raise InvalidArchive(f"{self.label} became shorter while it was read")
        return content

    def _pread(self, offset: int, count: int) -> bytes:
        content = os.pread(self._descriptor, count, offset)
        while len(content) < count:
            more = os.pread(self._descriptor, count - len(content), offset + len(content))
            if not more:
                break
            content += more
        return content


@dataclass
class _Extension:
    """What extension headers say of the next member."""

    name: bytes | None = None
    target: bytes | None = None
    size: int | None = None


def _read_members(headers: _Headers) -> Iterator[Member]:
    offset = 0
    extension = _Extension()
    while True:
        block = headers.read(offset, BLOCK)
        where = f"{headers.label}, byte {offset}"
        if not any(block):
            _check_end(headers, offset, extension)
            return
        _check_sum(block, where)
        kind = block[156:157]
        size = _number(block[124:136], where)
        if kind in {_PAX, _PAX_GLOBAL, _GNU_LONG_NAME, _GNU_LONG_LINK}:
            _read_extension(headers, offset, kind, size, extension)
            offset += BLOCK + _padded(size)
            continue
        if kind == _GNU_SPARSE:
            raise InvalidArchive(f"{where}: sparse members are not read: write it without --sparse")
        member = _member(block, kind, size, offset, extension, where)
        extension = _Extension()
        offset += BLOCK + _padded(member.size)
        if offset > headers.size:
            raise InvalidArchive(
                f"{headers.label} is cut off inside {member.name!r}: copy it again"
            )
        if member.name:
            yield member


def _member(
    block: bytes, kind: bytes, size: int, offset: int, extension: _Extension, where: str
) -> Member:
    raw_name = extension.name if extension.name is not None else _ustar_name(block)
    target = extension.target if extension.target is not None else _text(block[157:257])
    called = _KINDS.get(kind, "other")
    if called == "file" and raw_name.endswith(b"/"):
        # Version 7 tars mark folders this way.
        called = "directory"
    if extension.size is not None and called in {"file", "other"}:
        size = extension.size
    if max(len(raw_name), len(target)) > MAX_NAME:
        raise InvalidArchive(f"{where}: a name of more than {MAX_NAME} bytes")
    if size and called not in {"file", "other"}:
        raise InvalidArchive(f"{where}: a {called} has a size, which tools read differently")
    return Member(_clean_name(raw_name, where), called, size, offset + BLOCK, os.fsdecode(target))


def _ustar_name(block: bytes) -> bytes:
    name = _text(block[:100])
    if block[257:263] == b"ustar\0":
        prefix = _text(block[345:500])
        return prefix + b"/" + name if prefix else name
    return name


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _clean_name(raw: bytes, where: str) -> str:
    name = os.fsdecode(raw)
    if not name or "\0" in name:
        raise InvalidArchive(f"{where}: a member has an empty name, or one with a NUL in it")
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if name.startswith("/") or ".." in parts:
        raise InvalidArchive(f"{where}: {name!r} leads out of the archive")
    return "/".join(parts)


def _number(field: bytes, where: str) -> int:
    """A size: octal digits, or base 256 where the first bit is set (GNU, for 8 GiB and more)."""
    if field[0] & 0x80:
        number = int.from_bytes(field, "big", signed=False) & ((1 << (8 * len(field) - 1)) - 1)
        if field[0] & 0x40 or number >= 1 << 63:
            raise InvalidArchive(f"{where}: a member has a negative or impossible size")
        return number
    digits = field.replace(b"\0", b" ").strip()
    if not digits:
        return 0
    if not all(0x30 <= digit <= 0x37 for digit in digits):
        raise InvalidArchive(f"{where}: a size is not an octal number")
    return int(digits, 8)


def _check_sum(block: bytes, where: str) -> None:
    digits = block[148:156].replace(b"\0", b" ").strip()
    stated = int(digits, 8) if digits and not digits.strip(b"01234567") else -1
    others = block[:148] + b" " * 8 + block[156:]
    found = sum(others)
    # Some old tars summed signed characters.
    if stated != found and stated != found - 256 * sum(byte > 127 for byte in others):
        raise InvalidArchive(f"{where}: no tar header stands here: it is damaged, or no tar at all")


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _read_extension(
    headers: _Headers, offset: int, kind: bytes, size: int, extension: _Extension
) -> None:
    where = f"{headers.label}, byte {offset}"
    if size > MAX_EXTENSION:
        raise InvalidArchive(f"{where}: an extension header of {size} bytes is too large")
    content = headers.read(offset + BLOCK, size)
    if kind == _GNU_LONG_NAME:
        extension.name = _text(content)
    elif kind == _GNU_LONG_LINK:
        extension.target = _text(content)
    else:
        _apply_pax(_pax_records(content, where), kind == _PAX_GLOBAL, extension, where)


def _apply_pax(
    records: dict[bytes, bytes], is_global: bool, extension: _Extension, where: str
) -> None:
    if any(key.startswith(b"GNU.sparse.") for key in records):
        raise InvalidArchive(f"{where}: sparse members are not read: write it without --sparse")
    if is_global:
        if records.keys() & {b"path", b"linkpath", b"size"}:
            raise InvalidArchive(f"{where}: a global header renames or resizes all members")
        return
    if b"path" in records:
        extension.name = records[b"path"]
    if b"linkpath" in records:
        extension.target = records[b"linkpath"]
    if b"size" in records:
        digits = records[b"size"]
        if not (digits.isdigit() and len(digits) <= 19 and int(digits) < 1 << 63):
            raise InvalidArchive(f"{where}: the PAX size is not a number of bytes")
        extension.size = int(digits)


def _pax_records(content: bytes, where: str) -> dict[bytes, bytes]:
    """The records `LENGTH KEY=VALUE\\n` of a PAX header."""
    records: dict[bytes, bytes] = {}
    position = 0
    while position < len(content):
        digits, space, _ = content[position : position + 12].partition(b" ")
        length = int(digits) if space and digits.isdigit() else 0
        record = content[position : position + length]
        key, equals, value = record[len(digits) + 1 : -1].partition(b"=")
        if length > len(content) - position or not equals or not record.endswith(b"\n"):
            raise InvalidArchive(f"{where}: a PAX header is damaged")
        records[key] = value
        position += length
    return records


def _check_end(headers: _Headers, offset: int, extension: _Extension) -> None:
    """Two blocks of zeros end an archive; one may be damage, and what follows would be lost."""
    if extension != _Extension():
        raise InvalidArchive(f"{headers.label} ends after an extension header")
    if any(headers.read(offset + BLOCK, BLOCK)):
        raise InvalidArchive(
            f"{headers.label}, byte {offset}: a lone block of zeros stands between members: "
            "the file is damaged, or archives were strung together"
        )
    position = offset + 2 * BLOCK
    while position < headers.size:
        content = headers.read(position, min(CHUNK, headers.size - position))
        following = content.lstrip(b"\0")
        if following:
            start = (len(content) - len(following)) // BLOCK * BLOCK
            where = f"{headers.label}, byte {position + start}"
            _refuse_header(content[start : start + BLOCK], where)
            notices.warn(f"{where}: what follows the end of the archive is not read")
            return
        position += len(content)


def _refuse_header(block: bytes, where: str) -> None:
    try:
        _check_sum(block.ljust(BLOCK, b"\0"), where)
    except InvalidArchive:
        return
    raise InvalidArchive(
        f"{where}: members follow the end of the archive: archives were strung together, and "
        "tools differ in what they read"
    )


class TarWriter:
    """Writes an archive with no time, owner or mask in it, so that equal input is equal bytes."""

    def __init__(self, out: Writable) -> None:
        self._out = out

    def add(self, name: str, size: int, content: BinaryIO) -> None:
        """Add a file of exactly `size` bytes."""
        self._out.write(_header(name, size, directory=False))
        self._pad(copy_stream(content, self._out), name, size)

    def add_bytes(self, name: str, content: bytes) -> None:
        """Add a small file."""
        self._out.write(_header(name, len(content), directory=False))
        self._out.write(content)
        self._pad(len(content), name, len(content))

    def add_directory(self, name: str) -> None:
        """Add a folder."""
        self._out.write(_header(f"{name}/", 0, directory=True))

    def finish(self) -> None:
        """End the archive."""
        self._out.write(bytes(2 * BLOCK))

    def _pad(self, written: int, name: str, size: int) -> None:
        if written != size:
            raise InvalidArchive(f"{name!r} has {written} bytes, not the {size} announced")
        self._out.write(bytes(-size % BLOCK))


def _header(name: str, size: int, *, directory: bool) -> bytes:
    import tarfile

    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = 0o755 if directory else 0o644
    member.type = tarfile.DIRTYPE if directory else tarfile.REGTYPE
    return member.tobuf(tarfile.PAX_FORMAT)
