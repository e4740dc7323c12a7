"""Tar archives byte by byte, so that any field of a header can lie."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

BLOCK = 512
END = bytes(2 * BLOCK)

Members = Iterable[tuple[str, bytes]]
Parts = Sequence[tuple[int, bytes]]
"""Offsets and contents of what is stored of a sparse file."""


def header(
    name: str | bytes,
    size: int = 0,
    *,
    kind: bytes = b"0",
    link: str = "",
    magic: bytes = b"ustar\x0000",
    size_field: bytes = b"",
    checksum: bytes = b"",
) -> bytes:
    """One header block; what is not given is what an honest tar would say."""
    raw_name = name.encode() if isinstance(name, str) else name
    fields = (
        raw_name.ljust(100, b"\0")[:100],
        b"0000644\0",
        b"0000000\0" * 2,
        size_field or b"%011o\0" % size,
        b"00000000000\0",
        b" " * 8,
        kind,
        link.encode().ljust(100, b"\0")[:100],
        magic,
    )
    block = bytearray(b"".join(fields).ljust(BLOCK, b"\0"))
    block[148:156] = checksum or b"%06o\0 " % sum(block)
    return bytes(block)


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % BLOCK)


def member(name: str | bytes, content: bytes = b"", *, kind: bytes = b"0") -> bytes:
    return header(name, len(content), kind=kind) + padded(content)


def link(name: str, target: str, *, kind: bytes = b"2") -> bytes:
    return header(name, kind=kind, link=target)


def directory(name: str) -> bytes:
    return header(name, kind=b"5")


def base256(number: int) -> bytes:
    """GNU's size field for numbers that octal digits cannot hold."""
    value = bytearray(number.to_bytes(12, "big", signed=True))
    value[0] |= 0x80
    return bytes(value)


def pax(records: Mapping[str, str | bytes], kind: bytes = b"x") -> bytes:
    """An extension header for the member that follows; `kind=b"g"` for all that follow."""
    return member("PaxHeaders/x", b"".join(_record(k, v) for k, v in records.items()), kind=kind)


def _record(key: str, value: str | bytes) -> bytes:
    text = value.encode() if isinstance(value, str) else value
    rest = b" " + key.encode() + b"=" + text + b"\n"
    length = len(rest) + 1
    while len(b"%d" % length) + len(rest) != length:
        length += 1
    return b"%d" % length + rest


def sparse_records(version: str, name: str, size: int, parts: Parts) -> list[tuple[str, str]]:
    """The PAX records of a sparse file, as GNU tar writes them (its manual, "PAX Format")."""
    numbers = [(str(offset), str(len(content))) for offset, content in parts]
    if version == "1.0":
        named = [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", name)]
        return [*named, ("GNU.sparse.realsize", str(size))]
    sized = [("GNU.sparse.size", str(size)), ("GNU.sparse.numblocks", str(len(parts)))]
    if version == "0.1":
        joined = ",".join(number for pair in numbers for number in pair)
        return [*sized, ("GNU.sparse.map", joined), ("GNU.sparse.name", name)]
    keys = "GNU.sparse.offset", "GNU.sparse.numbytes"
    return [*sized, *(record for pair in numbers for record in zip(keys, pair, strict=True))]


def sparse(version: str, name: str, size: int, parts: Parts) -> bytes:
    """A file of `size` bytes of which `parts` are stored, in one of the three PAX formats."""
    stored = b"".join(content for _, content in parts)
    if version == "1.0":
        numbers = [len(parts), *(n for offset, part in parts for n in (offset, len(part)))]
        stored = padded("".join(f"{number}\n" for number in numbers).encode()) + stored
    records = sparse_records(version, name, size, parts)
    extension = b"".join(_record(key, value) for key, value in records)
    other_name = name if version == "0.0" else "GNUSparseFile.0/x"
    return member("PaxHeaders/x", extension, kind=b"x") + member(other_name, stored)


def long_name(name: str, *, kind: bytes = b"L") -> bytes:
    return member("././@LongLink", name.encode() + b"\0", kind=kind)


def tar(members: Members) -> bytes:
    return b"".join(member(name, content) for name, content in members) + END
