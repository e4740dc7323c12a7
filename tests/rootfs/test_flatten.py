import hashlib
import tarfile
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from ocilayout.errors import CannotHold, IntegrityError, InvalidArchive, OciLayoutError
from ocilayout.rootfs import tree
from ocilayout.rootfs.export import Exported, export_tar, flattened
from ocilayout.spec import media_types
from ocilayout.stores import open_source
from tests.images import make_blob, make_config, make_manifest, make_source
from tests.rootfs import oracle
from tests.rootfs.layer_tars import (
    Found,
    Item,
    device,
    file,
    files_in_tar,
    folder,
    hardlink,
    layer,
    opaque,
    symlink,
    whiteout,
    write_layout,
)
from tests.rootfs.stacks import STACK, said

Names = dict[str, str]
Flatten = Callable[..., Names]


def exported_files(where: Path, layers: Sequence[bytes], codec: str = "none") -> dict[str, Found]:
    layout = write_layout(where / "layout", {"linux/amd64": layers}, codec=codec)
    out = where / "out.tar"
    with open_source(str(layout)) as source, out.open("wb") as stream:
        export_tar(flattened(source), stream)
    return files_in_tar(out)


@pytest.fixture
def flat(tmp_path: Path) -> Flatten:
    """The names and kinds that a stack of layers comes to."""

    def flatten(*layers: Sequence[Item]) -> Names:
        found = exported_files(tmp_path, [layer(items) for items in layers])
        return {name: entry.kind for name, entry in found.items()}

    return flatten


def test_a_whiteout_hides_a_file_of_a_lower_layer(flat: Flatten) -> None:
    assert flat([file("a"), file("b")], [whiteout("a")]) == {"b": "file"}


def test_a_whiteout_hides_a_folder_with_all_that_is_in_it(flat: Flatten) -> None:
    assert flat([folder("d"), folder("d/e"), file("d/e/f")], [whiteout("d")]) == {}


@pytest.mark.parametrize("order", [1, -1])
def test_a_whiteout_hides_nothing_of_its_own_layer(flat: Flatten, order: int) -> None:
    items = [whiteout("a"), file("a", b"new")]
    assert flat([folder("a"), file("a/old")], items[::order]) == {"a": "file"}


@pytest.mark.parametrize("order", [1, -1])
def test_an_opaque_folder_keeps_what_its_own_layer_has(flat: Flatten, order: int) -> None:
    items = [folder("d"), opaque("d"), file("d/new")]
    found = flat([folder("d"), file("d/old"), folder("d/e"), file("d/e/f")], items[::order])
    assert found == {"d": "directory", "d/new": "file"}


def test_an_opaque_top_hides_everything(flat: Flatten) -> None:
    assert flat([file("a"), folder("d")], [opaque(""), file("b")]) == {"b": "file"}


def test_a_whiteout_of_nothing_does_nothing(flat: Flatten) -> None:
    assert flat([file("a")], [whiteout("b"), whiteout("x/y"), opaque("z")]) == {"a": "file"}


def test_leftovers_of_aufs_are_passed_over(flat: Flatten) -> None:
    items = [folder(".wh..wh.plnk"), file(".wh..wh.plnk/12.34"), file(".wh..wh.aufs"), file("a")]
    assert flat(items) == {"a": "file"}


@pytest.mark.parametrize("name", [".wh.", ".wh..", ".wh...", "d/.wh.", "d/.wh..", "d/.wh..."])
def test_a_whiteout_that_names_no_file_is_refused(flat: Flatten, name: str) -> None:
    with pytest.raises(InvalidArchive, match="whiteout"):
        flat([folder("d"), file("d/a")], [file(name)])


def test_a_whiteout_through_a_symlink_hides_inside_the_image(flat: Flatten) -> None:
    found = flat(
        [folder("etc"), file("etc/passwd"), symlink("out", "/etc")], [whiteout("out/passwd")]
    )
    assert found == {"etc": "directory", "out": "symlink"}


@pytest.mark.parametrize("target", ["/etc", "../../../etc", "etc", "./usr/../etc"])
def test_a_parent_that_is_a_symlink_leads_to_a_folder_of_the_image(
    flat: Flatten, target: str
) -> None:
    found = flat([folder("etc"), folder("usr"), symlink("link", target)], [file("link/new")])
    assert found["etc/new"] == "file"
    assert found["link"] == "symlink"


def test_a_folder_replaces_a_symlink_to_a_folder(flat: Flatten) -> None:
    found = flat([folder("real"), symlink("d", "real")], [folder("d"), file("d/f")])
    assert found == {"real": "directory", "d": "directory", "d/f": "file"}


def test_a_file_replaces_a_symlink_and_not_its_target(flat: Flatten) -> None:
    found = flat([file("real", b"1"), symlink("l", "real")], [file("l", b"2")])
    assert found == {"real": "file", "l": "file"}


def test_a_file_replaces_a_folder_with_all_that_is_in_it(flat: Flatten) -> None:
    assert flat([folder("d"), file("d/f")], [file("d")]) == {"d": "file"}


def test_a_folder_that_comes_again_keeps_its_files_and_takes_the_new_mode(
    tmp_path: Path,
) -> None:
    layers = [layer([folder("d", mode=0o700), file("d/f")]), layer([folder("d", mode=0o1777)])]
    found = exported_files(tmp_path, layers)
    assert (found["d"].mode, sorted(found)) == (0o1777, ["d", "d/f"])


@pytest.mark.parametrize("codec", ["none", "gzip"])
def test_attributes_are_kept(tmp_path: Path, codec: str) -> None:
    items = [
        file("su", b"x", mode=0o4755, uid=1000, gid=100, mtime=1),
        file("cap", b"y", pax={"SCHILY.xattr.user.note": "a=b\nc"}),
        file("big", b"z", uid=3_000_000, gid=4_000_000_000, mtime=-5),
        device("null"),
        device("sda", tarfile.BLKTYPE, (8, 0)),
        device("pipe", tarfile.FIFOTYPE, (0, 0)),
        file("deep/" + "x" * 120, b"long"),
        file("é", b"accent"),
    ]
    found = exported_files(tmp_path, [layer(items)], codec)
    assert (found["su"].mode, found["su"].uid, found["su"].gid, found["su"].mtime) == (
        0o4755,
        1000,
        100,
        1,
    )
    assert found["cap"].xattrs == (("user.note", b"a=b\nc"),)
    assert (found["big"].uid, found["big"].gid, found["big"].mtime) == (3_000_000, 4 * 10**9, -5)
    assert (found["null"].kind, found["null"].device) == ("character", (1, 3))
    assert (found["sda"].kind, found["sda"].device) == ("block", (8, 0))
    assert found["pipe"].kind == "fifo"
    assert found["deep/" + "x" * 120].content == hashlib.sha256(b"long").digest()
    assert found["é"].content == hashlib.sha256(b"accent").digest()


def test_a_hard_link_to_a_lower_layer_survives_the_name_that_it_came_from(
    tmp_path: Path,
) -> None:
    layers = [
        layer([file("a", b"content")]),
        layer([hardlink("b", "a"), hardlink("c", "/a")]),
        layer([whiteout("a")]),
    ]
    found = exported_files(tmp_path, layers)
    assert sorted(found) == ["b", "c"]
    assert found["b"].content == hashlib.sha256(b"content").digest()
    assert found["c"].same_as == "b"


@pytest.mark.parametrize(
    "items",
    [
        [hardlink("a", "missing")],
        [hardlink("a", "a")],
        [folder("d"), hardlink("a", "d")],
        [hardlink("a", "later"), file("later")],
        [hardlink("a", "../outside")],
        [hardlink("a", "d/../../outside")],
        [file("../a")],
        [file("d/../../a")],
        [file("a"), file("a/b")],
        [symlink("a", "a"), file("a/b")],
        [symlink("a", "b"), symlink("b", "a"), file("a/c")],
        [symlink(".", "/etc")],
        [file("x" * 256)],
        [file("/".join(["y" * 200] * 30))],
        [file("a", uid=2**40)],
        [file("a", pax={"mtime": "nan"})],
        [file("a", pax={"mtime": "1e300"})],
        [file("a", pax={"mtime": "9" * 19})],
    ],
)
def test_hostile_layers_are_refused(flat: Flatten, items: list[Item]) -> None:
    with pytest.raises(InvalidArchive):
        flat([file("b")], items)


def test_an_absolute_name_stands_inside_the_image(flat: Flatten) -> None:
    assert flat([file("/etc/passwd"), folder("/")]) == {"etc": "directory", "etc/passwd": "file"}


def test_three_thousand_opaque_folders_take_no_time(tmp_path: Path) -> None:
    below = [item for n in range(3000) for item in (folder(f"d{n}"), file(f"d{n}/f"))]
    above = [opaque(f"d{n}") for n in range(3000)] + [opaque("") for _ in range(3000)]
    deep = [folder("/".join(["d"] * depth)) for depth in range(1, 1000)]
    nested = [opaque("/".join(["d"] * depth)) for depth in range(1, 1000)]
    start = time.monotonic()
    exported_files(tmp_path, [layer(below), layer(above), layer(deep), layer(nested)])
    assert time.monotonic() - start < 5


def test_attributes_cannot_fill_the_memory(flat: Flatten, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MAX_HELD", 10_000)
    items = [file(f"f{n}", pax={"SCHILY.xattr.user.x": "x" * 2000}) for n in range(6)]
    with pytest.raises(InvalidArchive, match="bytes of names"):
        flat(items)


def test_too_many_files_are_refused(flat: Flatten, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MAX_NODES", 5)
    with pytest.raises(InvalidArchive, match="more than 5 files"):
        flat([file(f"f{n}") for n in range(6)])


def test_a_layer_that_is_not_its_diff_id_is_refused(tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", {"linux/amd64": [layer([file("a")])]})
    config = next(
        path for path in (layout / "blobs/sha256").iterdir() if b"diff_ids" in path.read_bytes()
    )
    old_name, content = config.name, config.read_bytes()
    diff_id = content.split(b'"diff_ids": ["')[1].split(b'"')[0]
    changed = content.replace(diff_id, b"sha256:" + b"0" * 64)
    config.unlink()
    replace_blob(layout, old_name, changed)
    with open_source(str(layout)) as source, pytest.raises(IntegrityError, match="config says"):
        flattened(source)


WITHOUT_DIFF_IDS = [b"{}", b'{"rootfs": null}', b'{"rootfs": {"type": "layers", "diff_ids": []}}']


@pytest.mark.parametrize("config", WITHOUT_DIFF_IDS)
def test_layers_without_diff_ids_are_laid_over_one_another(config: bytes) -> None:
    layers = [make_blob(media_types.OCI_LAYER, layer([file(name)])) for name in ("a", "b")]
    source = make_source(make_manifest(make_blob(media_types.OCI_CONFIG, config), layers))
    [image] = flattened(source)
    assert {b"a", b"b"} <= set(image.image.tree.root.children)


@pytest.mark.parametrize("config", WITHOUT_DIFF_IDS)
def test_a_layer_without_diff_id_is_held_to_its_digest(config: bytes) -> None:
    blob = make_blob(media_types.OCI_LAYER, layer([file("a")]))
    source = make_source(make_manifest(make_blob(media_types.OCI_CONFIG, config), [blob]))
    source.contents[blob.descriptor.digest] = layer([file("b")])
    with pytest.raises(IntegrityError):
        flattened(source)


def replace_blob(layout: Path, old_name: str, content: bytes) -> None:
    """Put a blob under its own digest, and the new digest into all that named the old one."""
    new_name = hashlib.sha256(content).hexdigest()
    (layout / "blobs/sha256" / new_name).write_bytes(content)
    for path in list((layout / "blobs/sha256").iterdir()):
        text = path.read_bytes()
        if old_name.encode() in text:
            path.unlink()
            replace_blob(layout, path.name, text.replace(old_name.encode(), new_name.encode()))
            return
    index = layout / "index.json"
    index.write_text(index.read_text().replace(old_name, new_name))


# Layer stacks at random, against the oracle.


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(STACK)
def test_random_stacks_come_to_what_the_specification_says(stack: list[list[Item]]) -> None:
    with tempfile.TemporaryDirectory() as where:
        layers = [layer(items) for items in stack]
        try:
            expected = oracle.flattened(stack)
        except oracle.Refused:
            with pytest.raises(OciLayoutError):
                exported_files(Path(where), layers)
            return
        assert described(exported_files(Path(where), layers)) == said(expected)


def described(found: dict[str, Found]) -> dict[str, tuple[str, int, bytes, str]]:
    return {
        path: (entry.kind, entry.mode, entry.content, entry.same_as)
        for path, entry in found.items()
    }


def test_what_is_exported_knows_its_platform(tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "l", {"linux/arm/v7": [layer([file("a")])]})
    with open_source(str(layout)) as source:
        [found] = flattened(source)
    assert isinstance(found, Exported)
    assert (str(found.platform), found.folder) == ("linux/arm/v7", b"")


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    ],
)
def test_a_layer_that_may_not_be_distributed_is_told(media_type: str) -> None:
    content = layer([file("a")])
    config = make_blob(media_types.OCI_CONFIG, make_config("windows/amd64", [content]))
    foreign = make_blob(media_type, content)
    source = make_source(make_manifest(config, [foreign]))
    del source.contents[foreign.descriptor.digest]
    with pytest.raises(CannotHold, match="may not be distributed, and is not here"):
        flattened(source)
