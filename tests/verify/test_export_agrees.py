"""Whatever makes export fail is an error of validate, and what export writes has none."""

from pathlib import Path

import pytest

from tests.commands.conftest import CommandLine
from tests.commands.conftest import ocilayout as ocilayout
from tests.hostile import layers as hostile_layers
from tests.hostile.cases import Case
from tests.hostile.tars import END, header, member
from tests.rootfs.layer_tars import (
    Item,
    device,
    file,
    folder,
    hardlink,
    layer,
    opaque,
    symlink,
    whiteout,
    write_layout,
)

LONG = "x" * 256
BASE = layer([folder("etc"), file("etc/hosts", b"hosts"), symlink("lib", "usr/lib")])


def one(*items: Item) -> list[bytes]:
    return [layer(items)]


REFUSED: dict[str, list[bytes]] = {
    "a name that leads out": one(file("../outside")),
    "a name that leads out further down": one(folder("a"), file("a/../../b")),
    "a hard link that leads out": one(hardlink("a", "../../etc/passwd")),
    "an empty name": [header("") + END],
    "a name longer than a system takes": one(file(LONG)),
    "a path longer than a system takes": one(file("/".join(["d" * 200] * 25))),
    "a whiteout of nothing": one(file("dir/.wh.")),
    "a whiteout of the parent": one(file("dir/.wh...")),
    "a hard link to what is not there": one(hardlink("a", "b")),
    "a hard link to a directory": one(folder("b"), hardlink("a", "b")),
    "a hard link to itself": one(hardlink("a", "a")),
    "a hard link before its file": one(hardlink("a", "b"), file("b")),
    "a path through a file": one(file("a"), file("a/b")),
    "a path through a file of a lower layer": [layer([file("a")]), layer([file("a/b")])],
    "a hard link to what a lower layer hid": [
        layer([file("a")]),
        layer([whiteout("a")]),
        layer([hardlink("b", "a")]),
    ],
    "a file for the top directory": [member("./", b"", kind=b"2") + END],
    "links in a circle": one(symlink("a", "b"), symlink("b", "a"), file("a/c")),
    "a member of a type that is none": [header("a", kind=b"Z") + END],
    "a sparse member in the old format": [header("a", kind=b"S") + END],
    "a damaged header behind a sound one": [member("a", b"1") + header("b", checksum=b"0") + END],
    "a mode that is no number": [header("a")[:100] + b"zzzzzzz\0" + header("a")[108:] + END],
    "an end inside a member": [header("a", 4096) + b"cut"],
    "a lone block of zeros": [member("a", b"1") + bytes(512) + member("b", b"2") + END],
    "no tar": [b"no tar at all " * 99],
    "a symlink without a target": one(symlink("a", "")),
}
SOUND: dict[str, list[bytes]] = {
    "plain": [BASE],
    "a hard link to a file of a lower layer": [BASE, layer([hardlink("copy", "etc/hosts")])],
    "directories that no layer names": one(file("a/b/c", b"1")),
    "a path through a symlink of a lower layer": [
        BASE,
        layer([file("lib/x", b"1"), whiteout("etc/hosts"), opaque("etc")]),
    ],
    "a file for a directory": [BASE, layer([file("etc", b"1")])],
    "a directory for a file": [layer([file("a")]), layer([folder("a"), file("a/b")])],
    "a device": one(device("null")),
    "nothing": [END],
    "no end": [member("a", b"1")],
    "a last member without padding": [(member("a", b"1") + END)[:513]],
}


@pytest.mark.parametrize("codec", ["none", "gzip"])
@pytest.mark.parametrize("layers", REFUSED.values(), ids=REFUSED)
def test_what_export_refuses_is_an_error_of_validate(
    ocilayout: CommandLine, tmp_path: Path, layers: list[bytes], codec: str
) -> None:
    place = write_layout(tmp_path / "layout", {"linux/amd64": layers}, codec=codec)
    assert ocilayout("export", place, tmp_path / "out").code == 1
    done = ocilayout("validate", place)
    assert done.code == 3, done.out + done.err


@pytest.mark.parametrize("codec", ["none", "gzip"])
@pytest.mark.parametrize("layers", SOUND.values(), ids=SOUND)
def test_what_export_writes_has_no_error(
    ocilayout: CommandLine, tmp_path: Path, layers: list[bytes], codec: str
) -> None:
    place = write_layout(tmp_path / "layout", {"linux/amd64": layers}, codec=codec)
    ocilayout.succeed("export", place, tmp_path / "out.tar")
    ocilayout.succeed("validate", place)


@pytest.mark.parametrize("case", hostile_layers.cases(), ids=lambda case: case.id)
def test_hostile_layers_that_export_refuses_are_found(
    ocilayout: CommandLine, tmp_path: Path, case: Case
) -> None:
    place = case.build(tmp_path)
    if ocilayout("export", place, tmp_path / "out").code:
        assert ocilayout("validate", place).code == 3


def test_layers_are_not_put_together_where_each_stands_alone(
    ocilayout: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the layers were read again")

    monkeypatch.setattr("ocilayout.verify.stacks.flatten", refuse)
    place = write_layout(tmp_path / "layout", {"linux/amd64": [BASE, BASE]})
    ocilayout.succeed("validate", place)
