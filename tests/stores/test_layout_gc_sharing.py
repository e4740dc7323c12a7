"""gc beside others who use the layout."""

import fcntl
import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import pytest

from ocilayout.copy_engine import transfer
from ocilayout.errors import LayoutBusy, OciLayoutError
from ocilayout.spec.descriptor import Descriptor
from ocilayout.stores import open_destination, open_source
from ocilayout.stores.layout_gc import collect_garbage
from tests.image_files import write_layout
from tests.images import Made, MemorySource, make_image, make_layer, make_source
from tests.snapshots import contents_of, names_in, unchanged
from tests.stores.gc_races import heed_signals, race, write

ROUNDS = int(os.environ.get("OCILAYOUT_GC_ROUNDS", "30"))
NEW = make_image(layers=[make_layer("new"), make_layer("newer")])
OLD = make_image(layers=[make_layer("old")])


@pytest.fixture
def folder() -> Iterator[Path]:
    """One where fsync costs nothing."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with TemporaryDirectory(dir=memory) as name:
        yield Path(name)


@pytest.fixture
def layout(folder: Path) -> Path:
    """A layout with one image, and another that nothing lists."""
    source = make_source(make_image().named("registry.example/app:v1"))
    source.contents |= OLD.contents
    return write_layout(folder / "layout", source)


@pytest.mark.timeout(60 + ROUNDS)
def test_nothing_is_lost_where_many_write_read_and_collect(folder: Path) -> None:
    assert race(folder / "layout", ROUNDS) > ROUNDS


class _Stopping(MemorySource):
    """Stops this process when it is asked for its n-th blob."""

    def __init__(self, made: Made, number: int) -> None:
        source = make_source(made.named("registry.example/new:v1"))
        super().__init__(source.index, source.contents)
        self._left = number

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGSTOP)
        self._left -= 1
        return super().open_blob(descriptor)


def _write_and_stop(layout: Path, number: int) -> None:
    with open_destination(f"oci:{layout}") as destination:
        transfer(_Stopping(NEW, number), destination)


def _read_and_stop(layout: Path) -> None:
    with open_source(str(layout)) as source:
        os.kill(os.getpid(), signal.SIGSTOP)
        contents_of(source)


@contextmanager
def stopped(process: "multiprocessing.context.ForkProcess") -> Iterator[None]:
    """Start a process, wait until it stops, and let it go on afterwards."""
    process.start()
    assert process.pid is not None
    assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
    try:
        yield
    finally:
        os.kill(process.pid, signal.SIGCONT)
        process.join()
    assert process.exitcode == 0


FORK = multiprocessing.get_context("fork")


@pytest.mark.parametrize("number", range(6))
def test_a_writer_that_is_halfway_is_waited_for(layout: Path, number: int) -> None:
    # What it has already counts as garbage, and it may count on what is.
    for digest, content in list(NEW.contents.items())[: number % 4]:
        (layout / digest.blob_path).write_bytes(content)
    process = FORK.Process(target=_write_and_stop, args=(layout, number))
    with stopped(process), pytest.raises(LayoutBusy, match="--lock-timeout"):
        collect_garbage(layout, lock_timeout=0.05)
    collect_garbage(layout)
    with open_source(str(layout)) as source:
        assert names_in(source)["registry.example/new:v1"] == NEW.descriptor.digest
        assert contents_of(source).items() >= NEW.contents.items()


def test_a_reader_is_waited_for(layout: Path) -> None:
    process = FORK.Process(target=_read_and_stop, args=(layout,))
    with stopped(process), unchanged(layout):
        with pytest.raises(LayoutBusy):
            collect_garbage(layout, lock_timeout=0)
        assert collect_garbage(layout, dry_run=True).blobs


def test_who_edits_the_index_is_waited_for(layout: Path) -> None:
    with (layout / "index.json.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with unchanged(layout), pytest.raises(LayoutBusy):
            collect_garbage(layout, lock_timeout=0.05)


def test_what_another_writes_is_no_leftover(layout: Path) -> None:
    partial = layout / ".ocilayout-0123456789abcdef.partial"
    with partial.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert not collect_garbage(layout).leftovers
        assert partial.exists()


def test_two_at_once_are_one_after_the_other(layout: Path) -> None:
    with FORK.Pool(4, heed_signals) as pool:
        counts = pool.map(_count, [layout] * 4, chunksize=1)
    assert sorted(counts) == [0, 0, 0, 3]


def _count(layout: Path) -> int:
    return len(collect_garbage(layout).blobs)


def test_a_layout_is_open_for_reading_while_it_is_added_to(layout: Path) -> None:
    with open_source(str(layout)) as source:
        write(layout, "registry.example/other:v1", OLD)
        contents_of(source)


@pytest.mark.parametrize("number", ["EROFS", "EACCES", "ENOLCK", "EOPNOTSUPP"])
def test_where_there_are_no_locks_a_layout_is_read_but_not_collected(
    layout: Path, number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    def refuse(*_: object) -> None:
        raise OSError(getattr(errno, number), os.strerror(getattr(errno, number)))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with unchanged(layout):
        with open_source(str(layout)) as source:
            contents_of(source)
        assert len(collect_garbage(layout, dry_run=True).blobs) == 3
        with pytest.raises(OciLayoutError, match="nothing was removed"):
            collect_garbage(layout)


def test_a_lock_that_is_a_link_is_not_followed(layout: Path) -> None:
    (layout / "index.json.lock").symlink_to(layout.parent / "elsewhere")
    with unchanged(layout.parent), pytest.raises(OciLayoutError, match="nothing was removed"):
        collect_garbage(layout)
