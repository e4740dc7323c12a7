"""Trees of `dir:` directories, as skopeo sync writes them."""

from pathlib import Path

import pytest

from ocilayout.copy_engine import transfer
from ocilayout.errors import OciLayoutError, UsageError
from ocilayout.stores import open_destination, open_place, open_source, open_suspect
from ocilayout.verify import find_problems
from tests.images import Made, make_image, make_index, make_layer, make_source
from tests.snapshots import contents_of, names_in

APP = make_image(layers=[make_layer("app")])
MANY = make_index(make_image("linux/amd64"), make_image("linux/arm64"))


def write_tree(top: Path, images: dict[str, Made]) -> Path:
    for name, made in images.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        with open_destination(f"dir:{top / 'partial'}") as destination:
            transfer(make_source(made), destination)
        (top / "partial").rename(top / name)
    return top


SCOPED = {
    "registry.example/team/app:1": APP,
    "registry.example/team/app:2": MANY,
    "localhost:5000/app:1": APP,
}


def test_names_come_from_the_paths(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", SCOPED)
    with open_place(str(tree)) as opened:
        assert opened.dialect == "directories of skopeo sync"
        assert names_in(opened.source) == {
            name: made.descriptor.digest for name, made in SCOPED.items()
        }
        assert contents_of(opened.source) == {**APP.contents, **MANY.contents}


def test_names_without_a_host_are_of_docker_hub(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", {"busybox:1.36-glibc": APP, "team/app:1": MANY})
    with open_source(str(tree)) as source:
        assert sorted(names_in(source)) == [
            "docker.io/library/busybox:1.36-glibc",
            "docker.io/team/app:1",
        ]


def test_an_image_that_was_taken_by_digest_has_no_name(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", {f"r.example/app@{APP.descriptor.digest}": APP})
    with open_source(str(tree)) as source:
        assert names_in(source) == {}
        assert [entry.digest for entry in source.index.children] == [APP.descriptor.digest]


def test_one_image_of_a_tree_is_picked_by_its_name(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", SCOPED)
    with open_source(f"{tree}:registry.example/team/app:2") as source:
        assert contents_of(source) == MANY.contents


def test_a_tree_is_verified(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", SCOPED)
    with open_suspect(str(tree)) as opened:
        assert list(find_problems(opened.source)) == []
    for directory in ("registry.example/team/app:1", "localhost:5000/app:1"):
        for blob in APP.contents.keys() - {APP.descriptor.digest}:
            (tree / directory / blob.encoded).write_bytes(b"damage")
    with open_suspect(str(tree)) as opened:
        assert any(problem.level == "error" for problem in find_problems(opened.source))


@pytest.mark.parametrize(
    "stray", ["README", "registry.example/notes", "app:1/manifest.json", "a:b/file"]
)
def test_a_directory_with_anything_else_in_it_is_no_tree(stray: str, tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", SCOPED)
    (tree / stray).parent.mkdir(exist_ok=True)
    (tree / stray).write_bytes(b"{}")
    with pytest.raises(OciLayoutError), open_source(str(tree)):
        pass


@pytest.mark.parametrize("name", ["registry.example/app", "app"])
def test_directories_without_a_tag_are_no_tree(name: str, tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", {name: APP})
    with pytest.raises(OciLayoutError), open_source(str(tree)):
        pass


def test_links_are_not_followed_to_trees(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", SCOPED)
    (tmp_path / "link").mkdir()
    (tmp_path / "link/registry.example").symlink_to(tree / "registry.example")
    with pytest.raises(OciLayoutError), open_source(str(tmp_path / "link")):
        pass


def test_a_tree_is_not_written(tmp_path: Path) -> None:
    from ocilayout.destination_options import DestinationOptions
    from ocilayout.stores import dir_tree

    with pytest.raises(UsageError, match="not written"):
        dir_tree.open_destination(tmp_path / "tree", DestinationOptions())
