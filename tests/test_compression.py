import bz2
import gzip
import io
import lzma
import random
import struct
import time
import zlib
from collections.abc import Callable
from functools import partial
from typing import BinaryIO

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from ocilayout.compression import (
    CODECS,
    Codec,
    checked_level,
    codec_of,
    deflated,
    inflated,
)
from ocilayout.errors import CompressionError, UsageError
from ocilayout.streams import CHUNK, copy_stream
from tests.byte_streams import FullDisk, dribble
from tests.hostile import zstd_frames

gzipped = partial(gzip.compress, mtime=0)
# What other tools write, a member or frame at a time.
OTHERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzipped,
    "zstd": zstandard.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
}
# What reads strictly enough to stand for other tools.
READERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "zstd": lambda raw: zstandard.ZstdDecompressor().decompressobj().decompress(raw),
    "xz": lzma.decompress,
    "bzip2": bz2.decompress,
}
TEXT = b"".join(b"line %d of a text that shrinks\n" % (n * n) for n in range(20))
CONTENT = random.Random(1).randbytes(2 * CHUNK) + TEXT * 8000


def inflate(raw: bytes | BinaryIO, codec: str) -> bytes:
    stream = io.BytesIO(raw) if isinstance(raw, bytes) else raw
    return inflated(stream, CODECS[codec], "layer x").read()


def deflate(content: bytes, codec: Codec, *, level: int | None = None, threads: int = 1) -> bytes:
    out = io.BytesIO()
    with deflated(out, codec, level=level, threads=threads) as writer:
        copy_stream(io.BytesIO(content), writer)
    return out.getvalue()


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_deflated_inflates_to_the_same(codec: str) -> None:
    assert inflate(deflate(CONTENT, CODECS[codec]), codec) == CONTENT


@pytest.mark.parametrize("codec", OTHERS)
@pytest.mark.parametrize("content", [b"", b"x", TEXT])
def test_others_read_what_is_deflated(codec: str, content: bytes) -> None:
    assert READERS[codec](deflate(content, CODECS[codec])) == content


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
@pytest.mark.parametrize("level", [1, 3, 4, 9])
def test_every_level_inflates_to_the_same(codec: str, level: int) -> None:
    assert inflate(deflate(CONTENT, CODECS[codec], level=level), codec) == CONTENT


@pytest.mark.parametrize(("codec", "level"), [("gzip", 1), ("gzip", 6), ("zstd", 3), ("zstd", 10)])
def test_any_number_of_threads_gives_the_same_bytes(codec: str, level: int) -> None:
    first, *others = (
        deflate(CONTENT, CODECS[codec], level=level, threads=threads) for threads in (1, 2, 4)
    )
    assert others == [first, first]


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_the_bytes_do_not_depend_on_how_the_content_arrives(codec: str) -> None:
    out = io.BytesIO()
    with deflated(out, CODECS[codec]) as writer:
        copy_stream(dribble(CONTENT, [1, CHUNK, 70_000]), writer)
    assert out.getvalue() == deflate(CONTENT, CODECS[codec])


def test_a_deflated_stream_holds_no_time() -> None:
    assert deflate(TEXT, CODECS["gzip"])[4:8] == bytes(4)


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(sorted(OTHERS)),
    st.lists(st.binary(max_size=40) | st.just(TEXT), min_size=1, max_size=4),
    st.lists(st.integers(1, 50), max_size=60),
)
def test_all_members_of_a_stream_are_read_however_they_arrive(
    codec: str, parts: list[bytes], portions: list[int]
) -> None:
    raw = b"".join(map(OTHERS[codec], parts))
    assert inflate(dribble(raw, portions), codec) == b"".join(parts)


@pytest.mark.parametrize("codec", OTHERS)
def test_members_may_end_where_a_read_ends(codec: str) -> None:
    member = OTHERS[codec](random.Random(2).randbytes(100_000))
    portions = [len(member)] * 3
    assert len(inflate(dribble(member * 3, portions), codec)) == 300_000


@pytest.mark.parametrize("codec", OTHERS)
def test_a_stream_that_is_cut_off_anywhere_raises(codec: str) -> None:
    raw = OTHERS[codec](TEXT)
    for length in range(1, len(raw)):
        with pytest.raises(CompressionError, match="layer x"):
            inflate(raw[:length], codec)


@pytest.mark.parametrize("codec", OTHERS)
def test_a_second_member_that_is_cut_off_anywhere_raises(codec: str) -> None:
    first, second = OTHERS[codec](TEXT), OTHERS[codec](b"second")
    for length in range(1, len(second)):
        with pytest.raises(CompressionError, match="layer x"):
            inflate(first + second[:length], codec)


@pytest.mark.parametrize("codec", OTHERS)
def test_nothing_is_no_stream(codec: str, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(CompressionError, match="layer x"):
        inflate(b"", codec)
    assert caplog.messages == []


@pytest.mark.parametrize("codec", OTHERS)
def test_any_damaged_byte_raises_or_changes_nothing(codec: str) -> None:
    """Some bits of a header mean nothing; what is checked by a sum is never read wrongly."""
    compress = zstandard.ZstdCompressor(write_checksum=True).compress
    raw = compress(TEXT) if codec == "zstd" else OTHERS[codec](TEXT)
    harmless = 0
    for position in range(len(raw)):
        damaged = bytearray(raw)
        damaged[position] ^= 0x01
        try:
            assert inflate(bytes(damaged), codec) == TEXT
            harmless += 1
        except CompressionError:
            continue
    assert harmless < 10


@pytest.mark.parametrize("codec", OTHERS)
@pytest.mark.parametrize("more", [b"\n", b"garbage", bytes(100) + b"x", TEXT])
def test_something_else_behind_the_stream_raises(codec: str, more: bytes) -> None:
    with pytest.raises(CompressionError, match="layer x"):
        inflate(OTHERS[codec](TEXT) + more, codec)


@pytest.mark.parametrize("codec", ["gzip", "bzip2", "xz"])
def test_zeros_behind_the_stream_are_left_out_and_said(
    codec: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert inflate(OTHERS[codec](TEXT) + bytes(600_000), codec) == TEXT
    assert caplog.messages == [f"layer x: zeros follow the {codec} stream; they are left out"]


def seconds_to_inflate(raw: bytes, codec: str) -> float:
    start = time.process_time()
    inflate(raw, codec)
    return time.process_time() - start


@pytest.mark.parametrize("codec", ["gzip", "bzip2", "xz"])
def test_many_small_members_are_read_in_linear_time(codec: str) -> None:
    member = OTHERS[codec](b"x")
    few = member * (CHUNK // 8 // len(member))
    once, four_times = (seconds_to_inflate(few * times, codec) for times in (1, 4))
    assert four_times < 8 * once


def test_a_gzip_name_without_end_is_refused() -> None:
    raw = b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * (4 * CHUNK) + b"\0" + gzipped(TEXT)[10:]
    with pytest.raises(CompressionError, match="more than 65536 bytes in its header"):
        inflate(raw, "gzip")


def test_a_gzip_header_with_a_wrong_checksum_is_refused() -> None:
    header = b"\x1f\x8b\x08\x02" + bytes(6)
    right = struct.pack("<H", zlib.crc32(header) & 0xFFFF)
    assert inflate(header + right + gzipped(TEXT)[10:], "gzip") == TEXT
    with pytest.raises(CompressionError, match="checksum of its header"):
        inflate(header + bytes(byte ^ 1 for byte in right) + gzipped(TEXT)[10:], "gzip")


@pytest.mark.parametrize("flag", [0x20, 0x40, 0x80])
def test_a_gzip_header_with_a_reserved_flag_raises(flag: int) -> None:
    raw = bytearray(gzipped(TEXT))
    raw[3] |= flag
    with pytest.raises(CompressionError, match="reserved flags"):
        inflate(bytes(raw), "gzip")


@pytest.mark.parametrize("portion", [1, 12, 1000])
@pytest.mark.parametrize("flags", range(0, 0x20, 4))
def test_a_gzip_header_may_hold_a_name_a_comment_and_more(flags: int, portion: int) -> None:
    extra, name, comment = b"\x04\x00abcd", b"name\0", b"comment\0"
    optional = [extra * bool(flags & 4), name * bool(flags & 8), comment * bool(flags & 16)]
    raw = b"\x1f\x8b\x08" + bytes([flags]) + bytes(6) + b"".join(optional) + gzipped(TEXT)[10:]
    assert gzip.decompress(raw) == TEXT
    assert inflate(dribble(raw, [portion] * 40), "gzip") == TEXT


@pytest.mark.parametrize(
    ("checksum", "size"),
    [(zlib.crc32(TEXT) ^ 1, len(TEXT)), (zlib.crc32(TEXT), len(TEXT) + 1)],
)
def test_a_gzip_trailer_that_lies_raises(checksum: int, size: int) -> None:
    raw = gzipped(TEXT)[:-8] + struct.pack("<LL", checksum, size)
    with pytest.raises(CompressionError, match="damaged"):
        inflate(raw, "gzip")


def test_an_xz_stream_that_wants_too_much_memory_raises() -> None:
    raw = bytearray(lzma.compress(TEXT, preset=0))
    header = raw[12 : 12 + raw[12] * 4]
    # The size of the dictionary follows the filter's id and the length of its properties; 37 is
    # 1.5 GiB.
    header[header.index(b"\x21\x01") + 2] = 37
    raw[12 : 12 + len(header) + 4] = header + struct.pack("<L", zlib.crc32(header))
    with pytest.raises(CompressionError, match=r"layer x: .*[Mm]emory"):
        inflate(bytes(raw), "xz")


BOMBS = {
    "gzip": lambda: gzipped(bytes(64 * CHUNK)),
    "zstd": lambda: zstd_frames.frame(zstd_frames.zero_blocks(512)),
    "bzip2": lambda: bz2.compress(bytes(64 * CHUNK)),
    "xz": lambda: lzma.compress(bytes(64 * CHUNK), preset=0),
}


@pytest.mark.parametrize("codec", BOMBS)
def test_a_bomb_comes_in_pieces_of_a_mebibyte(codec: str) -> None:
    total = 0
    for piece in CODECS[codec].inflate(io.BytesIO(BOMBS[codec]()), "layer x"):
        assert len(piece) <= CHUNK
        total += len(piece)
    assert total == 64 * CHUNK


@pytest.mark.parametrize("codec", OTHERS)
def test_a_reader_may_ask_for_any_number_of_bytes(codec: str) -> None:
    stream = inflated(io.BytesIO(OTHERS[codec](TEXT)), CODECS[codec], "layer x")
    found = b""
    while piece := stream.read(7):
        assert len(piece) <= 7
        found += piece
    assert found == TEXT


def test_closing_an_inflated_stream_closes_what_it_reads() -> None:
    raw = io.BytesIO(gzipped(TEXT))
    inflated(raw, CODECS["gzip"], "layer x").close()
    assert raw.closed


@pytest.mark.parametrize("codec", CODECS)
def test_a_full_disk_is_an_error_of_the_disk(codec: str) -> None:
    with (
        pytest.raises(OSError, match="No space left"),
        deflated(FullDisk(CHUNK), CODECS[codec], threads=2) as writer,
    ):
        copy_stream(io.BytesIO(CONTENT), writer)


@pytest.mark.parametrize("codec", CODECS)
def test_a_disk_that_is_full_for_the_last_byte_is_an_error(codec: str) -> None:
    room = len(deflate(TEXT, CODECS[codec])) - 1
    with (
        pytest.raises(OSError, match="No space left"),
        deflated(FullDisk(room), CODECS[codec]) as writer,
    ):
        writer.write(TEXT)


@pytest.mark.parametrize("codec", CODECS)
def test_an_error_of_who_writes_is_passed_on(codec: str) -> None:
    cut_off = inflated(io.BytesIO(gzipped(TEXT * 100)[:-1]), CODECS["gzip"], "layer x")
    with (
        pytest.raises(CompressionError, match="layer x: the gzip stream is cut off"),
        deflated(io.BytesIO(), CODECS[codec], threads=2) as writer,
    ):
        copy_stream(cut_off, writer)


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_deflated_is_recognized(codec: str) -> None:
    assert codec_of(deflate(TEXT, CODECS[codec])[:8]).name == codec


@pytest.mark.parametrize(
    ("codec", "level"), [("gzip", 1), ("gzip", 9), ("zstd", 19), ("none", None), ("xz", 0)]
)
def test_a_level_that_the_codec_has_is_taken(codec: str, level: int | None) -> None:
    assert checked_level(CODECS[codec], level) == level


@pytest.mark.parametrize(
    ("codec", "level", "said"),
    [
        ("gzip", 0, "gzip has the levels 1 to 9, not 0"),
        ("gzip", 10, "1 to 9"),
        ("zstd", 20, "1 to 19"),
        ("none", 1, "means nothing for none"),
    ],
)
def test_a_level_that_the_codec_lacks_is_a_wrong_request(codec: str, level: int, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        checked_level(CODECS[codec], level)
