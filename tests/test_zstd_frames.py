import io
import random
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from ocilayout.compression import MAX_WINDOW
from ocilayout.errors import CompressionError
from ocilayout.streams import CHUNK
from ocilayout.zstd_frames import content_of
from tests.byte_streams import dribble
from tests.hostile import zstd_frames
from tests.hostile.zstd_frames import MAGIC, blocks, frame, raw_frame, skippable, zero_blocks

CONTENT = b"The content of a small frame. " * 8
LARGE = MAX_WINDOW.bit_length() - 1


def content(raw: bytes, max_window: int = MAX_WINDOW) -> bytes:
    return b"".join(pieces(raw, max_window))


def pieces(raw: bytes, max_window: int = MAX_WINDOW) -> Iterator[bytes]:
    return content_of(io.BytesIO(raw), "layer x", max_window)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.binary(max_size=60).map(zstandard.compress)
        | st.binary(max_size=9).map(skippable)
        | st.just(raw_frame(CONTENT)),
        max_size=5,
    ),
    st.lists(st.integers(1, 30), max_size=40),
)
def test_all_frames_are_read_and_skippable_ones_skipped(
    frames: list[bytes], portions: list[int]
) -> None:
    raw = b"".join([raw_frame(b"first"), *frames])
    expected = b"first" + b"".join(
        b"" if item.startswith(b"\x50") else zstandard.ZstdDecompressor().decompress(item, 1000)
        for item in frames
    )
    assert b"".join(content_of(dribble(raw, portions), "layer x", MAX_WINDOW)) == expected


@pytest.mark.parametrize(
    "raw",
    [
        skippable(b"chunk table") + raw_frame(CONTENT),
        raw_frame(CONTENT) + skippable(b""),
        raw_frame(CONTENT[:9]) + skippable(bytes(3 * CHUNK)) + raw_frame(CONTENT[9:]),
    ],
)
def test_a_skippable_frame_may_stand_anywhere(raw: bytes) -> None:
    assert content(raw) == CONTENT


@pytest.mark.parametrize("level", [-5, 1, 19])
@pytest.mark.parametrize("size", [0, 1, 255, 256, 70_000, 3_000_000])
def test_frames_of_the_reference_encoder_are_read(level: int, size: int) -> None:
    source = random.Random(size).randbytes(size // 2) + bytes(size - size // 2)
    for said in (True, False):
        compressor = zstandard.ZstdCompressor(
            level=level, write_checksum=said, write_content_size=not said
        )
        assert content(compressor.compress(source)) == source


@pytest.mark.parametrize("raw", [b"", skippable(b""), skippable(b"a") + skippable(b"b")])
def test_a_stream_without_a_frame_raises(raw: bytes) -> None:
    with pytest.raises(CompressionError, match="layer x: the zstd stream holds no frame"):
        content(raw)


@pytest.mark.parametrize(
    "raw",
    [
        raw_frame(CONTENT),
        zstandard.ZstdCompressor(write_checksum=True).compress(CONTENT),
        zstandard.ZstdCompressor(write_content_size=False).compress(CONTENT),
        frame(zero_blocks(3)),
        frame(blocks(b"")),
        frame(blocks(CONTENT), content_size=len(CONTENT)),
    ],
)
def test_a_frame_that_is_cut_off_anywhere_raises(raw: bytes) -> None:
    assert len(content(raw)) in {len(CONTENT), 3 * 128 * 1024, 0}
    for length in range(len(raw)):
        with pytest.raises(CompressionError, match="layer x"):
            content(raw[:length])


def test_a_later_frame_that_is_cut_off_anywhere_raises() -> None:
    for second in (raw_frame(CONTENT), skippable(CONTENT)):
        for length in range(1, len(second)):
            with pytest.raises(CompressionError, match="layer x"):
                content(raw_frame(CONTENT) + second[:length])


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=30), st.integers(0, 60))
def test_nonsense_raises_one_kind_of_error(nonsense: bytes, position: int) -> None:
    good = zstandard.compress(CONTENT)
    for raw in (MAGIC + nonsense, good[:position] + nonsense + good[position:]):
        with suppress(CompressionError):
            content(raw)


@pytest.mark.parametrize("log", [20, 23, LARGE])
def test_a_window_of_128_mib_is_allowed(log: int) -> None:
    assert content(frame(blocks(CONTENT), window_log=log)) == CONTENT


@pytest.mark.parametrize("log", [LARGE + 1, 31, 41])
def test_a_larger_window_raises_before_anything_is_allocated(log: int) -> None:
    with pytest.raises(CompressionError, match=r"layer x: .* 128 MiB are allowed"):
        content(frame(blocks(CONTENT), window_log=log))


def test_a_window_just_above_the_limit_raises() -> None:
    raw = bytearray(frame(blocks(CONTENT), window_log=LARGE))
    raw[5] |= 0x01
    with pytest.raises(CompressionError, match="144 MiB, 128 MiB are allowed"):
        content(bytes(raw))


def test_a_single_segment_is_as_large_as_its_window() -> None:
    size = (MAX_WINDOW + 1).to_bytes(8, "little")
    with pytest.raises(CompressionError, match="128 MiB are allowed"):
        content(MAGIC + b"\xe0" + size + blocks(CONTENT))


def test_a_size_of_two_bytes_counts_from_256() -> None:
    raw = MAGIC + b"\x60" + (44).to_bytes(2, "little") + blocks(bytes(300))
    assert content(raw) == bytes(300)
    with pytest.raises(CompressionError, match="needs a window"):
        content(raw, max_window=299)


def test_a_dictionary_raises() -> None:
    with pytest.raises(CompressionError, match="dictionary"):
        content(frame(blocks(CONTENT), dictionary=7))
    assert content(frame(blocks(CONTENT), dictionary=0)) == CONTENT


def test_a_reserved_flag_raises() -> None:
    with pytest.raises(CompressionError, match="reserved flag"):
        content(frame(blocks(CONTENT), reserved=True))


def test_a_reserved_block_raises() -> None:
    with pytest.raises(CompressionError, match="reserved block"):
        content(frame(b"\x07\x00\x00"))


def test_a_block_above_128_kib_raises() -> None:
    size = 128 * 1024 + 1
    head = (size << 3 | 1).to_bytes(3, "little")
    with pytest.raises(CompressionError, match="damaged"):
        content(frame(head + bytes(size)))


@pytest.mark.parametrize("size", [0, len(CONTENT) - 1, len(CONTENT) + 1, 2**62])
def test_a_content_size_that_lies_raises(size: int) -> None:
    with pytest.raises(CompressionError, match="damaged"):
        content(frame(blocks(CONTENT), content_size=size))


def test_a_checksum_that_lies_raises() -> None:
    with pytest.raises(CompressionError, match="damaged"):
        content(frame(blocks(CONTENT), checksum=b"\0\0\0\0"))


@pytest.mark.parametrize("more", [b"\n", b"more", bytes(4), bytes(1000), MAGIC[:3] + b"\xfe"])
def test_something_else_behind_the_frames_raises(more: bytes) -> None:
    with pytest.raises(CompressionError, match="layer x"):
        content(raw_frame(CONTENT) + more)


def test_a_bomb_comes_in_pieces_of_a_mebibyte() -> None:
    sizes = [len(piece) for piece in pieces(frame(zero_blocks(800)))]
    assert sum(sizes) == 100 * CHUNK
    assert max(sizes) <= CHUNK


def test_a_stream_is_read_no_further_than_its_reader_wants() -> None:
    raw = io.BytesIO(raw_frame(bytes(20 * CHUNK)))
    next(content_of(raw, "layer x", MAX_WINDOW))
    assert raw.tell() < 4 * CHUNK


def test_large_windows_are_held_one_at_a_time() -> None:
    first = pieces(frame(zero_blocks(80), window_log=LARGE))
    next(first)
    found: list[int] = []
    other = threading.Thread(
        target=lambda: found.append(len(content(frame(zero_blocks(1), window_log=LARGE)))),
        daemon=True,
    )
    other.start()
    other.join(0.1)
    assert found == []
    assert len(content(frame(zero_blocks(1), window_log=23))) == zstd_frames.BLOCK
    first.close()  # type: ignore[attr-defined]
    other.join(10)
    assert found == [zstd_frames.BLOCK]


def test_a_large_window_is_let_go_after_an_error() -> None:
    for _ in range(2):
        with pytest.raises(CompressionError, match="cut off"):
            content(frame(zero_blocks(9), window_log=LARGE)[:-1])
