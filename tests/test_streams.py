import errno
import hashlib
import io
import os
import resource
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocilayout.durable_writer import DurableWriter
from ocilayout.errors import IntegrityError
from ocilayout.spec.digest import Digest
from ocilayout.streams import (
    CHUNK,
    Discard,
    FileSlice,
    FileWriter,
    HashingWriter,
    VerifiedReader,
    copy_stream,
    digest_of,
    ignore,
    is_prompt,
    read_full,
)
from tests.byte_streams import dribble

CONTENT = b"The content of a small blob."


def verified(
    raw: bytes | BinaryIO,
    promised: bytes = CONTENT,
    *,
    digest: Digest | None = None,
    on_bytes: Callable[[int], None] = ignore,
) -> BinaryIO:
    stream = io.BytesIO(raw) if isinstance(raw, bytes) else raw
    named = digest or Digest.of(promised)
    return cast(BinaryIO, VerifiedReader(stream, named, len(promised), "blob x", on_bytes))


class Writes:
    """Keeps each write by itself."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, content: "memoryview | bytes") -> int:
        self.pieces.append(bytes(content))
        return len(self.pieces[-1])


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=64), st.lists(st.integers(1, 9)))
def test_an_honest_blob_passes(content: bytes, portions: list[int]) -> None:
    assert verified(dribble(content, portions), content).read() == content


@pytest.mark.parametrize("position", range(len(CONTENT)))
def test_any_other_byte_raises(position: int) -> None:
    damaged = bytearray(CONTENT)
    damaged[position] ^= 0x01
    with pytest.raises(IntegrityError, match="blob x is damaged: its content hashes to sha256:"):
        verified(bytes(damaged)).read()


@pytest.mark.parametrize("length", range(len(CONTENT)))
def test_a_blob_that_ends_early_raises(length: int) -> None:
    with pytest.raises(IntegrityError, match=f"blob x has {length} of the {len(CONTENT)} bytes"):
        verified(CONTENT[:length]).read()


@pytest.mark.parametrize("more", [b"\0", b"\n", CONTENT])
def test_a_blob_that_goes_on_raises(more: bytes) -> None:
    with pytest.raises(IntegrityError, match="blob x is longer than the 28 bytes"):
        verified(CONTENT + more).read()


def test_whoever_reads_just_the_size_gets_no_wrong_byte() -> None:
    """The standard library's tar writer reads `size` bytes and never asks for more."""
    reader = verified(CONTENT[:-1] + b"!")
    assert reader.read(len(CONTENT) - 1) == CONTENT[:-1]
    with pytest.raises(IntegrityError):
        reader.read(1)


def test_an_empty_blob_is_verified_when_it_is_opened() -> None:
    assert verified(b"", b"").read() == b""
    with pytest.raises(IntegrityError, match="longer than the 0 bytes"):
        verified(b"x", b"")
    with pytest.raises(IntegrityError, match="is damaged"):
        verified(b"", b"", digest=Digest.of(b"x"))


def test_a_blob_is_verified_by_the_algorithm_of_its_digest() -> None:
    digest = Digest.parse(f"sha512:{hashlib.sha512(CONTENT).hexdigest()}")
    assert verified(CONTENT, digest=digest).read() == CONTENT
    with pytest.raises(IntegrityError, match="hashes to sha512:"):
        verified(CONTENT.upper(), digest=digest).read()


def test_of_an_unknown_algorithm_the_size_alone_is_verified(
    caplog: pytest.LogCaptureFixture,
) -> None:
    digest = Digest.parse("blake3:0f")
    assert verified(CONTENT.upper(), digest=digest).read() == CONTENT.upper()
    assert caplog.messages == ["blob x: blake3 is unknown here, so only its size can be verified"]
    with pytest.raises(IntegrityError):
        verified(CONTENT[:-1], digest=digest).read()


def test_progress_is_told_every_byte() -> None:
    counts: list[int] = []
    copy_stream(verified(dribble(CONTENT, [3, 5]), on_bytes=counts.append), Discard())
    assert counts == [3, 5, len(CONTENT) - 8]


def test_closing_a_verified_reader_closes_what_it_reads() -> None:
    raw = io.BytesIO(CONTENT)
    verified(raw).close()
    assert raw.closed


def test_a_hashing_writer_knows_what_passed() -> None:
    out = Writes()
    writer = HashingWriter(out)
    assert writer.write(CONTENT) == len(CONTENT)
    writer.write(memoryview(CONTENT))
    writer.flush()
    assert (writer.digest, writer.size) == (Digest.of(CONTENT * 2), 2 * len(CONTENT))
    assert out.pieces == [CONTENT, CONTENT]


def test_a_hashing_writer_hashes_by_any_known_algorithm() -> None:
    writer = HashingWriter(Discard(), "sha512")
    writer.write(CONTENT)
    assert writer.digest == Digest.parse(f"sha512:{hashlib.sha512(CONTENT).hexdigest()}")


def test_a_file_writer_writes_what_a_pipe_takes_in_parts() -> None:
    content = os.urandom(300_000)
    reading, writing = os.pipe()
    found: list[bytes] = []
    with os.fdopen(reading, "rb") as source:
        thread = threading.Thread(target=lambda: found.append(source.read()))
        thread.start()
        assert FileWriter(writing, "pipe").write(content) == len(content)
        os.close(writing)
        thread.join()
    assert found == [content]


def test_a_full_disk_is_named_by_its_file() -> None:
    with open("/dev/full", "wb") as file, pytest.raises(OSError, match=r"'app\.tar'") as caught:
        FileWriter(file.fileno(), "app.tar").write(CONTENT)
    assert caught.value.errno == errno.ENOSPC


def test_a_disk_that_takes_a_part_is_asked_for_the_rest(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        with (tmp_path / "file").open("wb") as file, pytest.raises(OSError, match="too large"):
            FileWriter(file.fileno(), "file").write(CONTENT)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "file").read_bytes() == CONTENT[:10]


def test_slices_of_one_file_have_positions_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    with path.open("rb") as file:
        first, second = (FileSlice(file.fileno(), offset, 4, "a.tar") for offset in (1, 5))
        assert [first.read(2), second.read(2), first.read(9), second.read()] == [
            b"12",
            b"56",
            b"34",
            b"78",
        ]
        assert first.read() == b""
        first.close()
        assert FileSlice(file.fileno(), 9, 0, "a.tar").read() == b""


def test_a_slice_ends_where_its_file_ends(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123")
    with path.open("rb") as file:
        assert FileSlice(file.fileno(), 2, 100, "a.tar").read() == b"23"


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 3 * CHUNK), st.lists(st.integers(1, CHUNK + 1), max_size=4))
def test_a_copy_is_cut_in_the_same_places_however_it_arrives(
    size: int, portions: list[int]
) -> None:
    content = bytes(size)
    out = Writes()
    assert copy_stream(dribble(content, portions), out) == size
    assert b"".join(out.pieces) == content
    assert {len(piece) for piece in out.pieces[:-1]} <= {CHUNK}


@pytest.mark.parametrize("size", [CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5])
def test_a_file_gets_what_is_read_in_its_order(tmp_path: Path, size: int) -> None:
    content = b"".join(number.to_bytes(8, "big") for number in range(-(-size // 8)))[:size]
    with (tmp_path / "file").open("wb", buffering=0) as file:
        count = copy_stream(io.BytesIO(content), DurableWriter(file.fileno(), "file"))
    assert count == size
    assert (tmp_path / "file").read_bytes() == content


def test_a_full_disk_ends_a_copy_that_reads_ahead() -> None:
    class Full:
        is_prompt = True

        def write(self, content: memoryview | bytes) -> int:
            raise OSError(errno.ENOSPC, "full")

    with pytest.raises(OSError, match="full"):
        copy_stream(io.BytesIO(bytes(3 * CHUNK)), Full())


def test_a_blob_that_lies_does_not_arrive_whole(tmp_path: Path) -> None:
    content = bytes(2 * CHUNK)
    lie = verified(content, content, digest=Digest.of(b"another"))
    with (tmp_path / "file").open("wb", buffering=0) as file:
        with pytest.raises(IntegrityError):
            copy_stream(lie, DurableWriter(file.fileno(), "file"))
        assert os.fstat(file.fileno()).st_size < len(content)


def test_a_pipe_is_never_written_beside_whoever_may_be_interrupted() -> None:
    read, write = os.pipe()
    try:
        assert not is_prompt(HashingWriter(FileWriter(write, "pipe")))
    finally:
        os.close(read)
        os.close(write)


def test_a_buffer_is_filled_as_far_as_there_are_bytes() -> None:
    buffer = memoryview(bytearray(8))
    stream = dribble(b"0123456789", [3, 1])
    assert read_full(stream, buffer) == 8
    assert bytes(buffer) == b"01234567"
    assert read_full(stream, buffer) == 2
    assert read_full(stream, buffer) == 0


def test_a_stream_without_readinto_is_read_as_well() -> None:
    class Response:
        def __init__(self) -> None:
            self.read = io.BytesIO(CONTENT).read

    out = Writes()
    copy_stream(cast(BinaryIO, Response()), out)
    assert out.pieces == [CONTENT]


def test_a_stream_is_named_and_counted() -> None:
    assert digest_of(dribble(CONTENT, [1, 1])) == (Digest.of(CONTENT), len(CONTENT))
