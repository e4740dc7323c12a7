"""Layout folders that several processes read and write at once."""

import fcntl
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ocilayout.copy_engine import transfer
from ocilayout.destination_options import DestinationOptions
from ocilayout.errors import LayoutBusy
from ocilayout.stores import open_destination, open_source
from ocilayout.transforms.rename import rename
from tests.image_files import write_layout
from tests.images import MemorySource, make_image, make_layer, make_source
from tests.snapshots import contents_of, names_in
from tests.stores.gc_races import heed_signals

NAME = "registry.example/app:v1"


def write(layout: Path, source: MemorySource, **options: Any) -> None:
    with open_destination(f"oci:{layout}", DestinationOptions(**options)) as destination:
        transfer(source, destination)


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """A layout of another tool, with one image, old:v1."""
    image = make_image(layers=[make_layer("old")]).named("registry.example/old:v1")
    return write_layout(tmp_path / "layout", make_source(image))


def test_a_layout_is_read_while_it_is_written(layout: Path) -> None:
    """Merging two images of a layout into itself must not lock itself out."""
    with (
        open_source(f"{layout}:registry.example/old:v1") as source,
        open_destination(f"oci:{layout}") as destination,
    ):
        transfer(rename(source, [NAME]), destination)
    with open_source(str(layout)) as read:
        assert set(names_in(read)) == {"registry.example/old:v1", NAME}


def test_what_a_killed_run_left_is_removed(layout: Path) -> None:
    (layout / ".ocilayout-0123456789abcdef.partial").write_text("half a blob")
    write(layout, make_source(make_image()))
    assert list(layout.glob(".ocilayout*")) == []


def test_what_a_running_one_writes_is_not_removed(layout: Path) -> None:
    partial = layout / ".ocilayout-0123456789abcdef.partial"
    with partial.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        write(layout, make_source(make_image()))
        assert partial.exists()


@contextmanager
def locked(layout: Path) -> Iterator[None]:
    with (layout / "index.json.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_a_lock_that_is_not_let_go_is_said_and_nothing_is_listed(layout: Path) -> None:
    before = (layout / "index.json").read_bytes()
    with locked(layout):
        started = time.monotonic()
        with pytest.raises(LayoutBusy, match="--lock-timeout"):
            write(layout, make_source(make_image()), lock_timeout=0.2)
        assert 0.2 <= time.monotonic() - started < 5
    assert (layout / "index.json").read_bytes() == before


def test_a_layout_is_read_though_it_is_locked(layout: Path) -> None:
    with locked(layout), open_source(str(layout)) as read:
        contents_of(read)


def _write_one(arguments: tuple[Path, int]) -> None:
    layout, number = arguments
    image = make_image(layers=[make_layer(f"layer {number}"), make_layer("shared")])
    write(layout, make_source(image.named(f"registry.example/app:{number}")))


@pytest.mark.parametrize("exists", [True, False])
def test_of_many_processes_that_write_at_once_none_loses_a_name(
    tmp_path: Path, exists: bool
) -> None:
    path = tmp_path / "layout"
    if exists:
        write_layout(path, make_source())
    with multiprocessing.get_context("fork").Pool(8, heed_signals) as pool:
        pool.map(_write_one, [(path, number) for number in range(16)], chunksize=1)
    with open_source(str(path)) as read:
        assert set(names_in(read)) == {f"registry.example/app:{number}" for number in range(16)}
        contents_of(read)
    assert list(tmp_path.glob(".ocilayout*")) == []


def test_a_reader_sees_the_old_or_the_new_layout(layout: Path) -> None:
    processes = multiprocessing.get_context("fork")
    writers = [processes.Process(target=_write_one, args=((layout, n),)) for n in range(4)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        with open_source(str(layout)) as read:
            contents_of(read)
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
