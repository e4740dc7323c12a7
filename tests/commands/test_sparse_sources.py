"""Sources that lack what their destination has: deltas, into a layout or a registry."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.conftest import CommandLine
from tests.image_files import write_layout
from tests.images import MemorySource, make_image, make_index, make_layer, make_source
from tests.registries.talking import fill
from tests.servers.oci_registry import OciRegistry
from tests.servers.site import running
from tests.stores.test_dir_tree import SCOPED, write_tree

pytestmark = pytest.mark.usefixtures("quick_retries", "nobodys_logins")

BASE = make_layer("base")
OLD = make_image(layers=[BASE, make_layer("one")])
NEW = make_image(layers=[BASE, make_layer("two")])
MANY = make_index(NEW, make_image("linux/arm64", layers=[BASE, make_layer("three")]))


@pytest.fixture
def registry() -> Iterator[OciRegistry]:
    with running(OciRegistry()) as registry:
        yield registry


def sparse() -> MemorySource:
    """The new image without the layer that the old one has too, under the name app:2."""
    source = make_source(NEW.named("docker.io/library/app:2"))
    for digest in OLD.contents:
        source.contents.pop(digest, None)
    return source


@pytest.mark.parametrize("verb", ["convert", "merge"])
def test_a_layout_gives_what_a_sparse_source_lacks(
    verb: str, tmp_path: Path, ocilayout: CommandLine
) -> None:
    there = write_layout(tmp_path / "there", make_source(OLD.named("docker.io/library/app:1")))
    delta = write_layout(tmp_path / "delta", sparse())
    words: list[str | Path] = ["convert", delta, f"oci:{there}"]
    if verb == "merge":
        words = ["merge", delta, "-o", f"oci:{there}", "-t", "app:3"]
    ocilayout.succeed(*words)
    assert ocilayout("validate", there).code == 0
    names = {
        name
        for image in ocilayout.succeed("ls", there, "--json").json["places"][0]["images"]
        for name in image["names"]
    }
    assert names == {"docker.io/library/app:1", f"docker.io/library/app:{2 + (verb == 'merge')}"}


def test_what_neither_has_is_refused(tmp_path: Path, ocilayout: CommandLine) -> None:
    there = write_layout(tmp_path / "there", make_source(make_image(layers=[make_layer("x")])))
    before = {path.name for path in (there / "blobs/sha256").iterdir()}
    delta = write_layout(tmp_path / "delta", sparse())
    ocilayout.refuse(1, "is not whole", "convert", delta, f"oci:{there}")
    assert {path.name for path in (there / "blobs/sha256").iterdir()} == before
    ocilayout.refuse(1, "is not whole", "convert", delta, tmp_path / "new.tar")


@pytest.mark.parametrize("damage", [b"", b"damage"])
def test_a_damaged_blob_there_does_not_stand_for_it(
    damage: bytes, tmp_path: Path, ocilayout: CommandLine
) -> None:
    there = write_layout(tmp_path / "there", make_source(OLD))
    shared = next(iter(OLD.contents.keys() & NEW.contents.keys()))
    (there / shared.blob_path).write_bytes(damage)
    delta = write_layout(tmp_path / "delta", sparse())
    assert ocilayout("convert", delta, f"oci:{there}").code == 1
    assert "app:2" not in (there / "index.json").read_text()


def test_a_link_there_does_not_stand_for_it(tmp_path: Path, ocilayout: CommandLine) -> None:
    there = write_layout(tmp_path / "there", make_source(OLD))
    shared = next(iter(OLD.contents.keys() & NEW.contents.keys()))
    (there / shared.blob_path).rename(tmp_path / "outside")
    (there / shared.blob_path).symlink_to(tmp_path / "outside")
    delta = write_layout(tmp_path / "delta", sparse())
    assert ocilayout("convert", delta, f"oci:{there}").code == 1
    assert "app:2" not in (there / "index.json").read_text()


@pytest.mark.parametrize("policy", ["prune", "keep"])
def test_a_policy_that_is_stated_counts(
    policy: str, tmp_path: Path, ocilayout: CommandLine
) -> None:
    there = write_layout(tmp_path / "there", make_source(OLD))
    delta = write_layout(tmp_path / "delta", sparse())
    done = ocilayout("convert", delta, f"oci:{there}", "--missing", policy)
    assert done.code == (0 if policy == "keep" else 1)


def test_a_registry_gives_what_a_sparse_source_lacks(
    tmp_path: Path, ocilayout: CommandLine, registry: OciRegistry
) -> None:
    fill(registry, OLD, path="team/app")
    delta = write_layout(tmp_path / "delta", sparse())
    ocilayout.refuse(
        1, "is not whole", "push", delta, f"docker://{registry.host}/elsewhere:2", "--plain-http"
    )
    place = f"docker://{registry.host}/team/app:2"
    ocilayout.succeed("push", delta, place, "--plain-http")
    ocilayout.succeed("convert", place, tmp_path / "copy.tar", "--plain-http")
    assert ocilayout("validate", tmp_path / "copy.tar").code == 0


def test_a_member_of_an_index_may_be_there_whole(
    tmp_path: Path, ocilayout: CommandLine, registry: OciRegistry
) -> None:
    whole = write_layout(tmp_path / "whole", make_source(MANY))
    ocilayout.succeed("push", whole, f"docker://{registry.host}/team/app:1", "--plain-http")
    source = make_source(MANY.named("docker.io/library/app:2"))
    for digest in list(source.contents):
        if digest not in NEW.contents and digest != MANY.descriptor.digest:
            del source.contents[digest]
    delta = write_layout(tmp_path / "delta", source)
    ocilayout.succeed("push", delta, f"docker://{registry.host}/team/app:2", "--plain-http")


def test_a_tree_of_skopeo_sync_is_pushed_under_its_names(
    tmp_path: Path, ocilayout: CommandLine, registry: OciRegistry
) -> None:
    images = {name: made for name, made in SCOPED.items() if "team" in name}
    tree = write_tree(tmp_path / "tree", images)
    ocilayout.succeed("push", tree, f"docker://{registry.host}/project/", "--plain-http")
    held = {
        f"{path}:{tag}"
        for path, content in registry.content.repositories.items()
        for tag in content.tags
    }
    assert held == {"project/team/app:1", "project/team/app:2"}


def test_a_tree_of_skopeo_sync_is_listed_and_converted(
    tmp_path: Path, ocilayout: CommandLine
) -> None:
    tree = write_tree(tmp_path / "tree", SCOPED)
    done = ocilayout.succeed("ls", tree)
    assert all(name in done.out for name in SCOPED)
    ocilayout.succeed("convert", tree, tmp_path / "all.tar")
    [listed] = ocilayout.succeed("ls", tmp_path / "all.tar", "--json").json["places"]
    assert {name for image in listed["images"] for name in image["names"]} == SCOPED.keys()
