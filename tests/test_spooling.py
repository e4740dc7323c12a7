import io
import os
import pty
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from ocilayout.errors import InvalidArchive, UsageError
from ocilayout.spooling import (
    STANDARD_INPUT,
    is_file,
    open_input,
    open_spool,
    scratch_folder,
    standard_input,
)
from ocilayout.streams import CHUNK, copy_stream


class Broken(io.RawIOBase):
    """A stream whose line is cut after its first bytes."""

    def __init__(self) -> None:
        self._given = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        if self._given:
            raise OSError(5, "Input/output error")
        self._given = True
        buffer[:4] = b"half"
        return 4


def stand_in(monkeypatch: pytest.MonkeyPatch, stream: io.RawIOBase) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(stream)))


@pytest.mark.parametrize("size", [0, 5, CHUNK + 1])
def test_what_is_spooled_can_be_read_at_any_place(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    with ExitStack() as stack:
        spool = open_spool("a pipe", tmp_path, stack)
        assert copy_stream(io.BytesIO(content), spool) == size
        file = spool.file
        assert os.pread(file.fileno(), size, 0) == content
        assert os.pread(file.fileno(), 2, 3) == content[3:5]
        assert is_file(file)
    assert list(tmp_path.iterdir()) == []


def test_a_scratch_folder_that_is_full_is_told_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "ocilayout.scratch.scratch_file", lambda folder: open("/dev/full", "r+b", buffering=0)
    )
    said = f"a pipe cannot be spooled to {tmp_path}: No space left on device: .* --scratch"
    with ExitStack() as stack:
        spool = open_spool("a pipe", tmp_path, stack)
        with pytest.raises(InvalidArchive, match=said):
            spool.write(b"content")


def test_a_scratch_folder_that_is_not_there_is_told_with_the_remedy(tmp_path: Path) -> None:
    with ExitStack() as stack, pytest.raises(InvalidArchive, match="--scratch"):
        open_spool("a pipe", tmp_path / "absent", stack)


def test_what_cannot_be_read_is_named_and_not_laid_to_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, Broken())
    with ExitStack() as stack:
        spool = open_spool(STANDARD_INPUT, tmp_path, stack)
        with pytest.raises(OSError, match="Input/output error") as caught:
            copy_stream(standard_input(), spool)
    assert caught.value.filename == "standard input"


def test_standard_input_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, cast(io.RawIOBase, io.BytesIO(b"content")))
    with standard_input() as content:
        assert content.read() == b"content"
    assert not sys.stdin.buffer.closed


def test_standard_input_that_is_closed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="standard input is closed"):
        standard_input()


def test_a_terminal_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    with open(theirs) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        with pytest.raises(UsageError, match="is a terminal"):
            standard_input()
    os.close(ours)


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null"])
def test_a_device_is_refused(path: str) -> None:
    with ExitStack() as stack, pytest.raises(InvalidArchive, match="neither a file nor a folder"):
        open_input(Path(path), stack)


def test_a_pipe_is_no_file() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb"), os.fdopen(reading, "rb") as pipe:
        assert not is_file(cast(BinaryIO, pipe))
    with ExitStack() as stack:
        assert is_file(open_input(Path(__file__), stack))


@pytest.mark.parametrize(("stated", "folder"), [("/large", "/large"), ("", "/var/tmp")])
def test_large_files_stay_out_of_memory(
    monkeypatch: pytest.MonkeyPatch, stated: str, folder: str
) -> None:
    monkeypatch.setenv("TMPDIR", stated)
    assert scratch_folder() == Path(folder)
