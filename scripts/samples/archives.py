"""Tar, gzip and zstd, written by hand so that no library's version shows in the bytes.

Headers are as Go's archive/tar fills them, since that is what the imitated tools use.
Nothing is compressed: gzip holds stored blocks, zstd holds raw ones.
"""

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

FILE, HARD_LINK, SYMLINK, DIRECTORY = b"0", b"1", b"2", b"5"
BLOCK = 512


@dataclass(frozen=True)
class Member:
    """One entry of a tar; a directory's name ends in a slash."""

    name: str
    content: bytes = b""
    kind: bytes = FILE
    mode: int = 0o644
    mtime: int = 0
    owner: str = ""
    link: str = ""


def tar(members: Iterable[Member]) -> bytes:
    """The members in the order given, then two empty blocks."""
    return b"".join(map(entry, members)) + bytes(2 * BLOCK)


def entry(member: Member) -> bytes:
    """A ustar header and the content, filled up to whole blocks."""
    fields = (
        text_field(member.name, 100),
        octal_field(member.mode, 8) + octal_field(0, 8) + octal_field(0, 8),
        octal_field(len(member.content), 12) + octal_field(member.mtime, 12),
        b" " * 8,  # the checksum counts as blanks while it is computed
        member.kind + text_field(member.link, 100),
        b"ustar\x0000" + text_field(member.owner, 32) + text_field(member.owner, 32),
        octal_field(0, 8) + octal_field(0, 8),
        bytes(155 + 12),
    )
    header = b"".join(fields)
    checksum = b"%06o\x00 " % sum(header)
    padding = bytes(-len(member.content) % BLOCK)
    return header[:148] + checksum + header[156:] + member.content + padding


def text_field(text: str, size: int) -> bytes:
    """The text, filled with zeros."""
    raw = text.encode()
    if len(raw) > size:
        raise ValueError(f"{text!r} does not fit into {size} bytes of a tar header")
    return raw.ljust(size, b"\x00")


def octal_field(number: int, size: int) -> bytes:
    """The number in octal digits, ended by a zero byte."""
    return b"%0*o\x00" % (size - 1, number)


def gzip(content: bytes) -> bytes:
    """A gzip stream of stored blocks, with no name, no time and no operating system."""
    header = b"\x1f\x8b\x08\x00" + bytes(4) + b"\x00\xff"
    blocks = []
    for start in range(0, len(content), 0xFFFF):
        chunk = content[start : start + 0xFFFF]
        is_last = start + len(chunk) == len(content)
        blocks.append(struct.pack("<BHH", is_last, len(chunk), len(chunk) ^ 0xFFFF) + chunk)
    return header + b"".join(blocks) + struct.pack("<II", zlib.crc32(content), len(content))


def zstd(content: bytes) -> bytes:
    """A zstd frame of one raw block, which states the size of its content."""
    if not 0 < len(content) <= 1 << 17:
        raise ValueError(f"a raw zstd block does not hold {len(content)} bytes")
    # 0xA0: the content size follows in four bytes, and is the window size too.
    header = struct.pack("<IBI", 0xFD2FB528, 0xA0, len(content))
    is_last = 1
    return header + struct.pack("<I", len(content) << 3 | is_last)[:3] + content
