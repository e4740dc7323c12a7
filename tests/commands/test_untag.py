"""Names taken from images, in place."""

from pathlib import Path

import pytest

from tests.commands.conftest import CommandLine
from tests.image_files import blob_file, write_layout, write_oci_archive
from tests.images import make_image, make_index, make_layer, make_source
from tests.snapshots import snapshot

MEMBER = make_image("linux/arm64")
ONE = make_index(make_image("linux/amd64"), MEMBER).named("registry.example/app:1", "demo:1")
TWO = make_image(layers=[make_layer("two")]).named("registry.example/app:2")


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return write_layout(tmp_path / "layout", make_source(ONE, TWO))


def names(ocilayout: CommandLine, place: Path) -> list[list[str]]:
    [listed] = ocilayout.succeed("ls", "--json", place).json["places"]
    return [image["names"] for image in listed["images"]]


def test_several_names_go(ocilayout: CommandLine, layout: Path) -> None:
    done = ocilayout.succeed("untag", f"{layout}:demo:1", f"{layout}:2")
    assert done.out.splitlines() == [
        f"untagged docker.io/library/demo:1 {ONE.descriptor.digest}",
        f"untagged registry.example/app:2 {TWO.descriptor.digest}",
    ]
    assert names(ocilayout, layout) == [["registry.example/app:1"], []]


def test_an_image_without_names_is_kept_and_that_is_said(
    ocilayout: CommandLine, layout: Path
) -> None:
    done = ocilayout.succeed("untag", f"{layout}@{ONE.descriptor.digest}")
    assert "has no name now, but stays: untag --drop takes it out" in done.err
    assert names(ocilayout, layout) == [[], ["registry.example/app:2"]]


def test_drop_takes_the_image_out(ocilayout: CommandLine, layout: Path) -> None:
    done = ocilayout.succeed("untag", f"{layout}:2", "--drop")
    assert done.out == f"dropped registry.example/app:2 {TWO.descriptor.digest}\n"
    assert names(ocilayout, layout) == [["registry.example/app:1", "docker.io/library/demo:1"]]
    # For gc to remove.
    assert blob_file(layout, TWO.descriptor).exists()


def test_a_nameless_image_can_be_dropped(ocilayout: CommandLine, tmp_path: Path) -> None:
    path = write_oci_archive(tmp_path / "a.tar", make_source(make_image()))
    done = ocilayout.succeed("untag", path, "--drop", "--json")
    assert [item["dropped"] for item in done.json["untagged"]] == [True]
    assert names(ocilayout, path) == []


def test_a_member_of_an_index_has_no_name(ocilayout: CommandLine, layout: Path) -> None:
    place = f"{layout}@{MEMBER.descriptor.digest}"
    ocilayout.refuse(2, "is a member of an index", "untag", place)


def test_several_images_are_too_many(ocilayout: CommandLine, layout: Path) -> None:
    ocilayout.refuse(1, "there are 2 images here", "untag", layout)


def test_a_dry_run_changes_nothing(ocilayout: CommandLine, layout: Path) -> None:
    before = snapshot(layout)
    ocilayout.succeed("untag", f"{layout}:2", "--drop", "--dry-run")
    assert snapshot(layout) == before
