"""zstd streams, frame by frame and block by block.

python-zstandard returns what it has when a stream is cut off, with no error in any of its APIs,
and gives out all that one call's input inflates to, which may be 32,000 times as much. The format
(RFC 8878, 3.1.1) states the length of every block and no block inflates to more than 128 KiB, so
whoever feeds whole blocks knows where the stream must end and how much comes out of a call.
"""

import io
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import BinaryIO, cast

from ocilayout.exact_reader import COPY_AGAIN, ExactReader

_MAGIC = 0xFD2FB528
_SKIPPABLE = range(0x184D2A50, 0x184D2A60)
_BLOCKS_AT_ONCE = 8
_USUAL_WINDOW = 8 * 1024 * 1024
_RLE, _RESERVED = 1, 3

# Windows above the usual one count beyond the memory that this project promises to stay within,
# so only one at a time is held.
_one_large_window = threading.Semaphore(1)


def content_of(raw: BinaryIO, label: str, max_window: int) -> Iterator[bytes]:
    """What all frames of a stream hold, in pieces of a MiB at most.

    `max_window` is in bytes. Raises CompressionError, naming `label`, where the stream is cut
    off, damaged, followed by something else, or needs a dictionary or a larger window.
    """
    source = ExactReader(raw, label, "zstd")
    frames = 0
    while not source.at_end():
        number = source.integer(4)
        if number in _SKIPPABLE:
            source.skip(source.integer(4))
        elif number == _MAGIC:
            frames += 1
            yield from _frame(source, max_window)
        else:
            raise source.damaged("is followed by something else", COPY_AGAIN)
    if not frames:
        raise source.damaged("holds no frame")


def window_of(head: bytes) -> int:
    """Bytes of the window that a stream's first frame asks for; 0 where it is no frame."""
    source = ExactReader(cast(BinaryIO, io.BytesIO(head)), "zstd", "zstd")
    if source.at_end() or source.integer(4) != _MAGIC:
        return 0
    return _header(source).window


@dataclass(frozen=True)
class _Header:
    raw: bytes
    window: int
    has_checksum: bool


def _frame(source: ExactReader, max_window: int) -> Iterator[bytes]:
    import zstandard

    header = _header(source)
    if header.window > max_window:
        raise source.damaged(
            f"needs a window of {header.window >> 20} MiB, {max_window >> 20} MiB are allowed: "
            "compress it again without --ultra or --long"
        )
    with _hold_on(header.window):
        decompressor = zstandard.ZstdDecompressor(max_window_size=max_window).decompressobj()
        try:
            decompressor.decompress(header.raw)
            for blocks in _blocks(source):
                content = decompressor.decompress(blocks)
                if content:
                    yield content
            if header.has_checksum:
                decompressor.decompress(source.take(4))
        except zstandard.ZstdError as error:
            raise source.damaged(f"is damaged ({error})", COPY_AGAIN) from None
        if not decompressor.eof or decompressor.unused_data:
            raise source.damaged("is damaged", COPY_AGAIN)


def _hold_on(window: int) -> AbstractContextManager[object]:
    return _one_large_window if window > _USUAL_WINDOW else nullcontext()


def _header(source: ExactReader) -> _Header:
    descriptor = source.take(1)
    flags = descriptor[0]
    single_segment = bool(flags & 0x20)
    if flags & 0x08:
        raise source.damaged("has a reserved flag")
    window_byte = b"" if single_segment else source.take(1)
    dictionary = source.take((0, 1, 2, 4)[flags & 0x03])
    if any(dictionary):
        raise source.damaged("needs a dictionary, which no image has")
    sizes = (int(single_segment), 2, 4, 8)
    size = source.take(sizes[flags >> 6])
    if single_segment:
        window = int.from_bytes(size, "little") + (256 if len(size) == 2 else 0)
    else:
        base = 1 << (10 + (window_byte[0] >> 3))
        window = base + (base >> 3) * (window_byte[0] & 0x07)
    raw = _MAGIC.to_bytes(4, "little") + descriptor + window_byte + dictionary + size
    return _Header(raw, window, bool(flags & 0x04))


def _blocks(source: ExactReader) -> Iterator[bytes]:
    """The blocks of a frame, some at a time."""
    parts: list[bytes] = []
    last = False
    while not last:
        head = source.take(3)
        number = int.from_bytes(head, "little")
        last, kind, size = bool(number & 1), (number >> 1) & 3, number >> 3
        if kind == _RESERVED:
            raise source.damaged("has a reserved block")
        parts += [head, source.take(1 if kind == _RLE else size)]
        if last or len(parts) >= 2 * _BLOCKS_AT_ONCE:
            yield b"".join(parts)
            parts = []
