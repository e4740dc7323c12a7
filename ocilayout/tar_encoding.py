"""Tar headers, written: the same bytes for the same member, whatever the version of Python.

A member is a POSIX (ustar) header; what that cannot hold stands in a PAX header in front of it.
"""

from collections.abc import Mapping

from ocilayout.tar_blocks import BLOCK
from ocilayout.tar_headers import Attributes

REGULAR, HARDLINK, SYMLINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO = (
    b"0",
    b"1",
    b"2",
    b"3",
    b"4",
    b"5",
    b"6",
)
_MAX_NAME = 100
_MAX_SIZE = 8**11 - 1
_MAX_NUMBER = 8**7 - 1


def encode_header(
    name: bytes, type_flag: bytes, attributes: Attributes, *, size: int = 0, target: bytes = b""
) -> bytes:
    """The header blocks of one member; `name` of a folder ends in a slash."""
    records = _records(name, attributes, size, target)
    pax = b""
    if records:
        content = b"".join(_record(key, value) for key, value in records.items())
        pax = _ustar(b"././@PaxHeader", b"x", _NOTHING, len(content), b"")
        pax += content + bytes(-len(content) % BLOCK)
    return pax + _ustar(name, type_flag, attributes, size, target)


_NOTHING = Attributes(0, 0, 0, 0)


def _records(
    name: bytes, attributes: Attributes, size: int, target: bytes
) -> Mapping[bytes, bytes]:
    records: dict[bytes, bytes] = {}
    if _needs_record(name):
        records[b"path"] = name
    if _needs_record(target):
        records[b"linkpath"] = target
    for key, number, limit in (
        (b"size", size, _MAX_SIZE),
        (b"uid", attributes.uid, _MAX_NUMBER),
        (b"gid", attributes.gid, _MAX_NUMBER),
    ):
        if number > limit:
            records[key] = b"%d" % number
    seconds, nanoseconds = divmod(attributes.mtime, 10**9)
    if nanoseconds or not 0 <= seconds <= _MAX_SIZE:
        records[b"mtime"] = _decimal(attributes.mtime)
    for xattr, value in attributes.xattrs:
        records[b"SCHILY.xattr." + xattr] = value
    return records


def _needs_record(text: bytes) -> bool:
    if len(text) > _MAX_NAME:
        return True
    if text.isascii():
        return False
    # In the old field the letters of other alphabets are of no known encoding.
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _decimal(nanoseconds: int) -> bytes:
    sign = b"-" if nanoseconds < 0 else b""
    seconds, fraction = divmod(abs(nanoseconds), 10**9)
    digits = (b".%09d" % fraction).rstrip(b"0") if fraction else b""
    return sign + b"%d" % seconds + digits


def _record(key: bytes, value: bytes) -> bytes:
    """`LENGTH KEY=VALUE\\n`, whose length counts its own digits."""
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest)
    while length != len(rest) + len(str(length)):
        length = len(rest) + len(str(length))
    return b"%d" % length + rest


def _ustar(
    name: bytes, type_flag: bytes, attributes: Attributes, size: int, target: bytes
) -> bytes:
    seconds = attributes.mtime // 10**9
    is_device = type_flag in {CHARACTER, BLOCK_DEVICE}
    block = b"".join(
        (
            name[:_MAX_NAME].ljust(100, b"\0"),
            _octal(attributes.mode, 8),
            _octal(_within(attributes.uid, _MAX_NUMBER), 8),
            _octal(_within(attributes.gid, _MAX_NUMBER), 8),
            _octal(_within(size, _MAX_SIZE), 12),
            _octal(_within(seconds, _MAX_SIZE), 12),
            b" " * 8,
            type_flag,
            target[:_MAX_NAME].ljust(100, b"\0"),
            b"ustar\x0000",
            bytes(64),
            _octal(attributes.device[0], 8) if is_device else bytes(8),
            _octal(attributes.device[1], 8) if is_device else bytes(8),
            bytes(167),
        )
    )
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def _octal(number: int, width: int) -> bytes:
    digits = b"%0*o" % (width - 1, number)
    return digits + b"\0" if len(digits) < width else b"\x80" + number.to_bytes(width - 1, "big")


def _within(number: int, limit: int) -> int:
    """The number, or zero where a PAX record has it."""
    return number if 0 <= number <= limit else 0
