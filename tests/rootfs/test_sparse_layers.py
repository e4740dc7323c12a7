"""Layers with sparse members, and layers whose last member has no padding."""

import tarfile
from pathlib import Path

import pytest

from ocilayout.comparison.files import FileTree, changed_files
from ocilayout.errors import InvalidArchive
from ocilayout.rootfs.export import export_folder, export_tar, flattened
from ocilayout.rootfs.tar_source import TarSource
from ocilayout.rootfs.tree import Node
from ocilayout.stores import open_source
from tests.hostile.tars import END, header, member, sparse
from tests.rootfs.layer_tars import write_layout

PARTS = [(10, b"first"), (70_000, b"last")]
CONTENT = bytes(10) + b"first" + bytes(70_000 - 15) + b"last" + bytes(100)


def layer(version: str) -> bytes:
    holes = sparse(version, "dir/holes", len(CONTENT), PARTS)
    return member("a", b"1") + holes + member("z", b"2") + END


def exported(where: Path, *layers: bytes, codec: str = "none") -> dict[str, bytes]:
    layout = write_layout(where / "layout", {"linux/amd64": layers}, codec=codec)
    out = where / "out.tar"
    with open_source(str(layout)) as source, out.open("wb") as stream:
        export_tar(flattened(source), stream)
    with tarfile.open(out) as tar:
        found = {item.name: tar.extractfile(item) for item in tar}
        return {name: file.read() for name, file in found.items() if file}


@pytest.mark.parametrize("codec", ["none", "gzip"])
@pytest.mark.parametrize("version", ["0.0", "0.1", "1.0"])
def test_a_sparse_file_of_a_layer_is_exported_whole(
    version: str, codec: str, tmp_path: Path
) -> None:
    upper = member("z", b"3") + END
    assert exported(tmp_path, layer(version), upper, codec=codec) == {
        "a": b"1",
        "dir/holes": CONTENT,
        "z": b"3",
    }


def test_a_sparse_file_is_exported_into_a_folder(tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", {"linux/amd64": [layer("1.0")]})
    with open_source(str(layout)) as source:
        export_folder(flattened(source), tmp_path / "out")
    assert (tmp_path / "out/dir/holes").read_bytes() == CONTENT


def test_the_same_file_with_and_without_holes_is_no_difference(tmp_path: Path) -> None:
    plain = member("a", b"1") + member("dir/holes", CONTENT) + member("z", b"2") + END
    layouts = [
        str(write_layout(tmp_path / name, {"linux/amd64": [raw]}))
        for name, raw in (("plain", plain), ("sparse", layer("1.0")))
    ]
    with open_source(layouts[0]) as one, open_source(layouts[1]) as other:
        images = [flattened(source)[0].image for source in (one, other)]
        trees = [FileTree(image, [image.layers[0].digest]) for image in images]
        assert changed_files(trees[0], trees[1]) == ()


def test_a_sparse_file_of_a_root_file_system_is_read(tmp_path: Path) -> None:
    path = tmp_path / "rootfs.tar"
    path.write_bytes(layer("0.1"))
    with path.open("rb") as file:
        source = TarSource.of(file, path.stat().st_size, "rootfs.tar")
        contents = {node.size: b"".join(part) for node, part in source.contents(_files(source))}
    assert contents[len(CONTENT)] == CONTENT


def _files(source: TarSource) -> list[Node]:
    nodes = [source.tree.find(path) for path in (b"a", b"dir/holes", b"z")]
    return [node for node in nodes if node is not None]


@pytest.mark.parametrize("end", [b"", bytes(512)])
@pytest.mark.parametrize("content", [b"x", b"x" * 511, b"x" * 512, b"x" * 5000])
def test_the_last_member_of_a_layer_may_lack_its_padding(
    content: bytes, end: bytes, tmp_path: Path
) -> None:
    raw = member("a", b"1") + header("last", len(content)) + content
    if end:
        raw += bytes(-len(content) % 512) + end
    assert exported(tmp_path, raw) == {"a": b"1", "last": content}


@pytest.mark.parametrize("kept", [0, 1, 511, 999])
def test_a_last_member_that_is_cut_inside_its_content_is_refused(kept: int, tmp_path: Path) -> None:
    with pytest.raises(InvalidArchive, match="cut off"):
        exported(tmp_path, member("a", b"1") + header("last", 1000) + b"x" * kept)


def test_the_old_sparse_format_of_gnu_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidArchive, match="GNU's old format"):
        exported(tmp_path, member("a", b"1") + header("last", kind=b"S") + END)
