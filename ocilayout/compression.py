"""The table of codecs: how a stream is recognized, inflated and deflated.

Inflating is strict. Every member and frame is read, a stream that ends early or goes on with
something else is an error, and memory stays small whatever the stream claims: output comes in
pieces of about a MiB, and a zstd window has at most 128 MiB.

Deflating gives the same bytes for the same input, whatever the number of threads.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, BinaryIO, NamedTuple, Protocol, cast

from ocilayout import notices
from ocilayout.errors import UsageError
from ocilayout.exact_reader import COPY_AGAIN, ExactReader
from ocilayout.magic import MAGICS, codec_name
from ocilayout.streams import CHUNK, Flushable, Writable, is_prompt, read_full

MAX_WINDOW = 128 * 1024 * 1024
"""Bytes that a zstd frame may ask for; `zstd` itself needs --long=28 to want more."""

_FIRST_INPUT, _INPUT = 1024, CHUNK
_GZIP_CHECKSUM, _GZIP_EXTRA, _GZIP_NAME, _GZIP_COMMENT = 0x02, 0x04, 0x08, 0x10
_GZIP_RESERVED_FLAGS = 0xE0
_MAX_GZIP_NAME = 64 * 1024

Inflate = Callable[[BinaryIO, str], Iterator[bytes]]
Deflate = Callable[[Flushable, int, int], AbstractContextManager[Writable]]


class Codec(NamedTuple):
    """One row of the table."""

    name: str
    """As `--compression` and the suffix of a layer's media type have it."""
    levels: range
    default_level: int
    inflate: Inflate
    deflate: Deflate


def codec_of(head: bytes) -> Codec:
    """The codec of a stream that starts with `head` (8 bytes are enough); `none` where no other."""
    return CODECS[codec_name(head)]


def inflated(raw: BinaryIO, codec: Codec, label: str) -> BinaryIO:
    """What `raw` holds, inflated; reading raises CompressionError, naming `label`."""
    if codec.name == "none":
        return raw
    return cast(BinaryIO, _ChunkReader(codec.inflate(raw, label), raw))


def deflated(
    out: Flushable, codec: Codec, *, level: int | None = None, threads: int = 1
) -> AbstractContextManager[Writable]:
    """A writer whose input arrives at `out` compressed, whole once the context is left."""
    return codec.deflate(out, codec.default_level if level is None else level, threads)


def checked_level(codec: Codec, level: int | None) -> int | None:
    """`level`, if the codec has it; raises UsageError."""
    if level is None or level in codec.levels:
        return level
    if not codec.levels:
        raise UsageError(f"--level means nothing for {codec.name}")
    raise UsageError(
        f"{codec.name} has the levels {codec.levels[0]} to {codec.levels[-1]}, not {level}"
    )


class _ChunkReader(io.RawIOBase):
    """A stream over chunks that come one by one."""

    def __init__(self, chunks: Iterator[bytes], raw: BinaryIO) -> None:
        self._chunks = chunks
        self._raw = raw
        self._current = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        while not len(self._current):
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._current = memoryview(chunk)
        count = min(len(buffer), len(self._current))
        buffer[:count] = self._current[:count]
        self._current = self._current[count:]
        return count

    def close(self) -> None:
        # Ends the generator, and with it the hold on a large window.
        cast(Any, self._chunks).close()
        self._raw.close()
        super().close()


class _Decoder(Protocol):
    """What bz2, lzma and isal agree on."""

    eof: bool
    needs_input: bool
    unused_data: bytes

    def decompress(self, content: bytes, max_length: int) -> bytes: ...


def _members(
    source: ExactReader,
    new_decoder: Callable[[ExactReader], _Decoder],
    failures: tuple[type[BaseException], ...],
) -> Iterator[bytes]:
    """The content of all members of a stream; the padding of zeros behind them is said."""
    magic = MAGICS[source.codec]
    members = 0
    while not source.at_end():
        if members and source.peek(len(magic)) != magic:
            _refuse_trailing(source)
            return
        members += 1
        try:
            decoder = new_decoder(source)
            # A member may be tiny and millions may follow; what is left over is copied each time.
            portion = _FIRST_INPUT
            while not decoder.eof:
                content = source.take_some(portion) if decoder.needs_input else b""
                content = decoder.decompress(content, CHUNK)
                portion = min(2 * portion, _INPUT)
                if content:
                    yield content
        except failures as error:
            raise source.damaged(f"is damaged ({error})", COPY_AGAIN) from None
        source.give_back(len(decoder.unused_data))
    if not members:
        raise source.damaged("is empty")


def _refuse_trailing(source: ExactReader) -> None:
    while not source.at_end():
        if source.take_some(_INPUT).strip(b"\0"):
            raise source.damaged("is followed by something else", COPY_AGAIN)
    notices.warn(f"{source.label}: zeros follow the {source.codec} stream; they are left out")


def _inflate_gzip(raw: BinaryIO, label: str) -> Iterator[bytes]:
    from isal import igzip_lib

    def new_decoder(source: ExactReader) -> _Decoder:
        # ISA-L takes long headers for content where they come in portions.
        _pass_gzip_header(source)
        return cast(_Decoder, igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP_NO_HDR_VER))

    failures = (cast(type[Exception], igzip_lib.IsalError),)
    return _members(ExactReader(raw, label, "gzip"), new_decoder, failures)


def _pass_gzip_header(source: ExactReader) -> None:
    """Pass over the header of a member (RFC 1952, 2.3); its checksum, if any, is checked."""
    import zlib

    header = source.take(10)
    method, flags = header[2], header[3]
    if header[:2] != MAGICS["gzip"] or method != 8 or flags & _GZIP_RESERVED_FLAGS:
        raise source.damaged("has reserved flags, or is none (RFC 1952)")
    if flags & _GZIP_EXTRA:
        length = source.take(2)
        header += length + source.take(int.from_bytes(length, "little"))
    for flag in (_GZIP_NAME, _GZIP_COMMENT):
        if flags & flag:
            header += source.take_through(b"\0", _MAX_GZIP_NAME)
    if flags & _GZIP_CHECKSUM and source.integer(2) != zlib.crc32(header) & 0xFFFF:
        raise source.damaged("is damaged (the checksum of its header)", COPY_AGAIN)


def _inflate_bzip2(raw: BinaryIO, label: str) -> Iterator[bytes]:
    import bz2

    def new_decoder(source: ExactReader) -> _Decoder:
        return cast(_Decoder, bz2.BZ2Decompressor())

    return _members(ExactReader(raw, label, "bzip2"), new_decoder, (OSError,))


def _inflate_xz(raw: BinaryIO, label: str) -> Iterator[bytes]:
    import lzma

    def new_decoder(source: ExactReader) -> _Decoder:
        return cast(_Decoder, lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_WINDOW))

    failures = (lzma.LZMAError, MemoryError)
    return _members(ExactReader(raw, label, "xz"), new_decoder, failures)


def _inflate_zstd(raw: BinaryIO, label: str) -> Iterator[bytes]:
    from ocilayout.zstd_frames import content_of

    return content_of(raw, label, MAX_WINDOW)


def _inflate_nothing(raw: BinaryIO, label: str) -> Iterator[bytes]:
    buffer = memoryview(bytearray(CHUNK))
    while count := read_full(raw, buffer):
        yield bytes(buffer[:count])


@contextmanager
def _deflate_gzip(out: Flushable, level: int, threads: int) -> Iterator[Writable]:
    """ISA-L up to level 3, zlib above: ISA-L has no more, and a person who asks for 9 means it."""
    if level > 3:
        with _deflate_by_object(out, _zlib_compressor(level)) as writer:
            yield writer
        return
    from isal import igzip_threaded

    # Blocks of a MiB whatever the number of threads, so the bytes do not depend on it.
    opener: Any = igzip_threaded.open
    with opener(out, "wb", level, threads=max(threads, 1), block_size=CHUNK) as writer:
        writer.is_prompt = is_prompt(out)
        yield writer


class _Compressor(Protocol):
    def compress(self, content: "memoryview | bytes", /) -> bytes: ...
    def flush(self) -> bytes: ...


class _ObjectWriter:
    def __init__(self, out: Writable, compressor: _Compressor) -> None:
        self._out = out
        self._compressor = compressor
        self.is_prompt = is_prompt(out)

    def write(self, content: "memoryview | bytes") -> int:
        self._out.write(self._compressor.compress(content))
        return memoryview(content).nbytes

    def flush(self) -> None:
        """A compressor keeps back what it has not seen the end of."""


@contextmanager
def _deflate_by_object(out: Writable, compressor: _Compressor) -> Iterator[Writable]:
    yield _ObjectWriter(out, compressor)
    out.write(compressor.flush())


def _zlib_compressor(level: int) -> _Compressor:
    import zlib

    return cast(_Compressor, zlib.compressobj(level, zlib.DEFLATED, 31))


def _deflate_zstd(out: Flushable, level: int, threads: int) -> AbstractContextManager[Writable]:
    import zstandard

    # Always with workers, also if only one: its output differs from that without any. What each
    # holds grows with the size of a job; above level 9 it is more than all else together, so there
    # is one.
    parameters = zstandard.ZstdCompressionParameters.from_level(
        level,
        threads=max(threads, 1) if level <= 9 else 1,
        job_size=(1 if level <= 9 else 8) * 1024 * 1024,
        write_checksum=1,
    )
    compressor = zstandard.ZstdCompressor(compression_params=parameters)
    return _deflate_by_object(out, cast(_Compressor, compressor.compressobj()))


def _deflate_bzip2(out: Flushable, level: int, threads: int) -> AbstractContextManager[Writable]:
    import bz2

    return _deflate_by_object(out, cast(_Compressor, bz2.BZ2Compressor(level)))


def _deflate_xz(out: Flushable, level: int, threads: int) -> AbstractContextManager[Writable]:
    import lzma

    return _deflate_by_object(out, cast(_Compressor, lzma.LZMACompressor(preset=level)))


def _deflate_nothing(out: Flushable, level: int, threads: int) -> AbstractContextManager[Writable]:
    return nullcontext(out)


CODECS = {
    codec.name: codec
    for codec in (
        Codec("none", range(0), 0, _inflate_nothing, _deflate_nothing),
        Codec("gzip", range(1, 10), 1, _inflate_gzip, _deflate_gzip),
        Codec("zstd", range(1, 20), 3, _inflate_zstd, _deflate_zstd),
        Codec("xz", range(10), 6, _inflate_xz, _deflate_xz),
        Codec("bzip2", range(1, 10), 9, _inflate_bzip2, _deflate_bzip2),
    )
}
