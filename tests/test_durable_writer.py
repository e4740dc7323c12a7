import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ocilayout.durable_writer import DurableWriter
from ocilayout.streams import CHUNK


def test_a_file_is_synced_while_it_grows_and_at_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(os, "fdatasync", lambda number: synced.append("beside"))
    monkeypatch.setattr(os, "fsync", lambda number: synced.append("at the end"))
    with (tmp_path / "file").open("wb", buffering=0) as file:
        writer = DurableWriter(file.fileno(), "file")
        for _ in range(15):
            writer.write(bytes(CHUNK))
        assert synced == []
        writer.write(bytes(CHUNK))
        writer.sync()
    assert synced == ["beside", "at the end"]


def test_there_is_one_sync_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    may_end = threading.Event()
    synced: list[int] = []

    def slow(number: int) -> None:
        synced.append(os.fstat(number).st_size)
        assert may_end.wait(60)

    monkeypatch.setattr(os, "fdatasync", slow)
    with (tmp_path / "file").open("wb", buffering=0) as file:
        writer = DurableWriter(file.fileno(), "file")
        for _ in range(50):
            writer.write(bytes(CHUNK))
        may_end.set()
        writer.sync()
    assert len(synced) == 1


def write_on(writer: DurableWriter) -> None:
    """Write for a while."""
    for _ in range(1000):
        writer.write(bytes(CHUNK))


@pytest.mark.parametrize("go_on", [write_on, DurableWriter.sync])
def test_what_a_sync_beside_us_says_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, go_on: Callable[[DurableWriter], None]
) -> None:
    """The system tells of a failed write once: the sync at the end finds nothing wrong."""
    failed = threading.Event()

    def failing(number: int) -> None:
        failed.set()
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", failing)
    with (tmp_path / "file").open("wb", buffering=0) as file:
        writer = DurableWriter(file.fileno(), "the output")
        for _ in range(16):
            writer.write(bytes(CHUNK))
        assert failed.wait(60)
        with pytest.raises(OSError, match=r"Input/output error.*the output"):
            go_on(writer)


def test_a_file_may_be_closed_while_it_is_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_begin, ended = threading.Event(), threading.Event()
    synced: list[tuple[str, int]] = []

    def late(number: int) -> None:
        assert may_begin.wait(60)
        synced.append((os.readlink(f"/proc/self/fd/{number}"), os.fstat(number).st_size))
        ended.set()

    monkeypatch.setattr(os, "fdatasync", late)
    with (tmp_path / "file").open("wb", buffering=0) as file:
        writer = DurableWriter(file.fileno(), "file")
        for _ in range(16):
            writer.write(bytes(CHUNK))
    with (tmp_path / "other").open("wb"):
        may_begin.set()
        assert ended.wait(60)
    assert synced == [(str(tmp_path / "file"), 16 * CHUNK)]


def no_descriptor(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(number: int) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "dup", refused)


def no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)


@pytest.mark.parametrize("refuse", [no_descriptor, no_thread])
def test_a_file_that_cannot_be_synced_while_it_grows_is_synced_at_its_end(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    refuse: Callable[[pytest.MonkeyPatch], None],
) -> None:
    synced: list[int] = []
    with (tmp_path / "file").open("wb", buffering=0) as file:
        refuse(monkeypatch)
        monkeypatch.setattr(os, "fsync", lambda number: synced.append(os.fstat(number).st_size))
        writer = DurableWriter(file.fileno(), "file")
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(33):
            writer.write(bytes(CHUNK))
        writer.sync()
        assert len(os.listdir("/proc/self/fd")) == before
    assert synced == [33 * CHUNK]
