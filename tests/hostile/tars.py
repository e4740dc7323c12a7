"""Tar archives byte by byte, so that any field of a header can lie."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

BLOCK = 512
END = bytes(2 * BLOCK)

Members = Iterable[tuple[str, bytes]]


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


def long_name(name: str, *, kind: bytes = b"L") -> bytes:
    return member("././@LongLink", name.encode() + b"\0", kind=kind)


def tar(members: Members) -> bytes:
    return b"".join(member(name, content) for name, content in members) + END
