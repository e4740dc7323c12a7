import errno
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from ocilayout.errors import CannotHold, DestinationExists, OciLayoutError
from ocilayout.rootfs.export import export_folder, flattened
from ocilayout.stores import open_source
from tests.rootfs.layer_tars import (
    Found,
    Item,
    device,
    file,
    files_in_folder,
    folder,
    hardlink,
    layer,
    symlink,
    write_layout,
)

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="owners and devices need root")


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Path]:
    """A folder outside that nothing may touch."""
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o755)
    (outside / "secret").write_text("secret")
    (outside / "secret").chmod(0o640)
    before = files_in_folder(outside), outside.stat().st_mode, outside.stat().st_mtime_ns
    yield outside
    assert (files_in_folder(outside), outside.stat().st_mode, outside.stat().st_mtime_ns) == before


def export(where: Path, *layers: Sequence[Item], devices: bool = False) -> dict[str, Found]:
    layout = write_layout(where / "layout", {"linux/amd64": [layer(items) for items in layers]})
    with open_source(str(layout)) as source:
        export_folder(flattened(source), where / "out", devices=devices)
    return files_in_folder(where / "out")


@needs_root
def test_owners_modes_times_and_links_are_kept(tmp_path: Path) -> None:
    found = export(
        tmp_path,
        [
            folder("d", mode=0o2750, uid=7, gid=8, mtime=5),
            file("d/su", b"x", mode=0o6755, uid=1000, gid=1001, mtime=6),
            hardlink("d/twin", "d/su"),
            symlink("d/link", "../nowhere"),
            file("none", mode=0),
            folder("closed", mode=0),
            file("closed/f", b"in a closed folder"),
        ],
    )
    assert (found["d"].mode, found["d"].uid, found["d"].gid, found["d"].mtime) == (0o2750, 7, 8, 5)
    assert (found["d/su"].mode, found["d/su"].uid, found["d/su"].mtime) == (0o6755, 1000, 6)
    assert found["d/twin"].same_as == "d/su"
    assert found["d/link"].content == b"../nowhere"
    assert (found["none"].mode, found["closed"].mode) == (0, 0)
    assert found["closed/f"].mode == 0o644


def test_devices_are_left_out_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="ocilayout")
    fifo = device("pipe", tarfile.FIFOTYPE, (0, 0))
    found = export(tmp_path, [device("null"), device("sda", tarfile.BLKTYPE, (8, 0)), fifo])
    assert {name: entry.kind for name, entry in found.items()} == {"pipe": "fifo"}
    assert "2 device files are left out: null, sda" in caplog.text


@needs_root
def test_devices_are_made_where_they_are_wanted(tmp_path: Path) -> None:
    found = export(tmp_path, [device("null")], devices=True)
    assert (found["null"].kind, found["null"].device, found["null"].mode) == (
        "character",
        (1, 3),
        0o644,
    )


@pytest.mark.parametrize(
    "layers",
    [
        [[symlink("a", "{outside}"), file("a/secret", b"written")]],
        [[symlink("a", "{outside}")], [file("a/new", b"written")]],
        [[symlink("a", "../outside")], [file("a/secret", b"written")]],
        [[symlink("a", "b"), symlink("b", "..")], [file("a/outside/secret", b"written")]],
        [[symlink("a", "{outside}/secret")], [file("a", b"replaced")]],
        [[symlink("a", "{outside}")], [folder("a", mode=0o777)]],
        [[symlink("a", "{outside}/secret"), hardlink("b", "a")], [file("b", mode=0o777)]],
        [[symlink("a", "{outside}")], [file("a/.wh.secret")]],
        [[symlink("a", "{outside}")], [file("a/.wh..wh..opq")]],
        [[file("../outside/secret", b"written")]],
        [[hardlink("b", "../outside/secret")]],
        [[hardlink("b", "{outside}/secret")]],
        [[file("{outside}/secret", b"written")]],
        [[symlink(".", "{outside}"), file("secret", b"written")]],
        [[file(".wh...")]],
        [[file(".wh..")]],
        [[symlink("x", "{outside}"), device("x/null"), symlink("x/l", "y")]],
        [[folder("d"), symlink("d/e", "../.."), file("d/e/outside/secret", b"written")]],
    ],
)
def test_nothing_outside_is_touched(layers: list[list[Item]], canary: Path, tmp_path: Path) -> None:
    meant = [[aimed(item, canary) for item in items] for items in layers]
    try:
        found = export(tmp_path, *meant, devices=os.geteuid() == 0)
    except OciLayoutError:
        assert not (tmp_path / "out").exists()
    else:
        assert (tmp_path / "out").is_dir()
        assert not (tmp_path / "out").is_symlink()
        assert all(entry.content != b"secret" for entry in found.values())
    assert sorted(os.listdir(tmp_path)) in (["layout", "out", "outside"], ["layout", "outside"])


def aimed(item: Item, outside: Path) -> Item:
    return Item(
        **{
            **item.__dict__,
            "name": item.name.replace("{outside}", str(outside)),
            "target": item.target.replace("{outside}", str(outside)),
        }
    )


# Swaps the folder d of every output that is being written for a link, and back, until told to end.
FLIPPER = """
import os, pathlib, select, sys
top, canary = map(pathlib.Path, sys.argv[1:])
flips = 0
while not select.select([sys.stdin], [], [], 0)[0]:
    for partial in top.glob(".ocilayout-*.partial"):
        try:
            os.rename(partial / "d", partial / "moved")
            os.symlink(canary, partial / "d")
            os.unlink(partial / "d")
            os.rename(partial / "moved", partial / "d")
            flips += 1
        except OSError:
            pass
print(flips)
"""


def test_somebody_who_swaps_a_folder_for_a_link_gains_nothing(canary: Path, tmp_path: Path) -> None:
    items = [folder("d"), *(folder(f"d/{number}") for number in range(100))]
    items += [file(f"d/{number % 100}/{number}", b"x" * 10) for number in range(2000)]
    layout = write_layout(tmp_path / "layout", {"linux/amd64": [layer(items)]})
    command = [sys.executable, "-c", FLIPPER, str(tmp_path), str(canary)]
    flipper = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    end = time.monotonic() + 5
    number = 0
    with open_source(str(layout)) as source:
        tree = flattened(source)
        while time.monotonic() < end:
            number += 1
            with suppress(CannotHold):
                export_folder(tree, tmp_path / f"out{number}")
        flips = int(flipper.communicate("end")[0])
        # Left in peace, the same goes through: it was the swaps that made it fail.
        export_folder(tree, tmp_path / "out")
    assert flips > 100
    assert len(files_in_folder(tmp_path / "out")) == len(items)


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    with pytest.raises(DestinationExists, match="name a new folder"):
        export(tmp_path, [file("a")])
    assert (tmp_path / "out" / "mine").read_text() == "mine"


def test_a_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "symlink", no_links)
    with pytest.raises(OSError, match="No space left"):
        export(tmp_path, [folder("d", mode=0o500), file("d/a"), symlink("l", "a")])
    assert sorted(os.listdir(tmp_path)) == ["layout"]


def test_names_that_fall_together_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def folding(path: object, *arguments: object, **more: object) -> int:
        lowered = path.lower() if isinstance(path, bytes) else path
        return real(lowered, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", folding)
    with pytest.raises(CannotHold, match="upper and lower case"):
        export(tmp_path, [file("a"), file("A")])
    assert sorted(os.listdir(tmp_path)) == ["layout"]


# Once as root, since another user may not be able to read what Python has still to import.
AS_ANOTHER = """
import os, sys
from ocilayout.commands import run
layout, by_root, by_another = sys.argv[1:]
assert run(["export", "--quiet", layout, by_root]) == 0
os.setgroups([]); os.setgid(1234); os.setuid(1234)
sys.exit(run(["export", layout, by_another]))
"""


@needs_root
def test_who_is_not_root_owns_what_is_written(tmp_path: Path) -> None:
    items = [
        folder("d", mode=0o555),
        file("d/f", mode=0o000, uid=7),
        file("su", mode=0o4755),
        folder("none", mode=0o000),
        file("none/f", b"x"),
    ]
    layout = write_layout(tmp_path / "layout", {"linux/amd64": [layer(items)]})
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, 1234, 1234)
    for parent in (*home.parents, home):
        if parent.is_relative_to(Path("/tmp")) and parent != Path("/tmp"):
            parent.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", AS_ANOTHER, str(layout), str(tmp_path / "x"), str(home / "out")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = files_in_folder(home / "out")
    assert {entry.uid for entry in found.values()} == {1234}
    assert (found["su"].mode, found["d"].mode, found["none"].mode) == (0o755, 0o555, 0)
    assert "set-user-id" in done.stderr
