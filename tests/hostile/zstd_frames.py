"""Zstandard frames by hand (RFC 8878): raw and run-length blocks only, headers that may lie."""

from __future__ import annotations

MAGIC = b"\x28\xb5\x2f\xfd"
BLOCK = 128 * 1024


def window(log: int) -> bytes:
    """The window descriptor of a window of 2**log bytes."""
    return bytes([(log - 10) << 3])


def blocks(content: bytes) -> bytes:
    pieces = [content[at : at + BLOCK] for at in range(0, len(content), BLOCK)] or [b""]
    return b"".join(
        _block_header(len(piece), last=number == len(pieces)) + piece
        for number, piece in enumerate(pieces, 1)
    )


def zero_blocks(count: int) -> bytes:
    """`count` times 128 KiB of zeros, four bytes each."""
    run = _block_header(BLOCK, last=False, kind=1) + b"\0"
    return run * (count - 1) + _block_header(BLOCK, last=True, kind=1) + b"\0"


def _block_header(size: int, *, last: bool, kind: int = 0) -> bytes:
    return (size << 3 | kind << 1 | last).to_bytes(3, "little")


def frame(
    body: bytes,
    *,
    window_log: int = 20,
    content_size: int | None = None,
    dictionary: int | None = None,
    checksum: bytes = b"",
    reserved: bool = False,
) -> bytes:
    """A frame around blocks that are encoded already."""
    descriptor = (
        (0xC0 if content_size is not None else 0)
        | (0x08 if reserved else 0)
        | (0x04 if checksum else 0)
        | (0x03 if dictionary is not None else 0)
    )
    return b"".join(
        (
            MAGIC,
            bytes([descriptor]),
            window(window_log),
            b"" if dictionary is None else dictionary.to_bytes(4, "little"),
            b"" if content_size is None else content_size.to_bytes(8, "little"),
            body,
            checksum,
        )
    )


def raw_frame(content: bytes) -> bytes:
    return frame(blocks(content))


def skippable(content: bytes) -> bytes:
    return b"\x50\x2a\x4d\x18" + len(content).to_bytes(4, "little") + content
