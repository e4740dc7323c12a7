"""What was selected, pruned or collected is still what skopeo, umoci and the engines read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ocilayout.stores import open_source
from tests.attestations import make_containerd_referrer, make_referrer
from tests.image_files import write_layout
from tests.images import make_image, make_index, make_source
from tests.real.command_line import ocilayout, succeed
from tests.real.conftest import THREE_PLATFORMS
from tests.real.engines import Containerd, Docker, Podman
from tests.real.peers import check_with_podman, check_with_skopeo, check_with_umoci
from tests.real.readers import Reading, read
from tests.snapshots import contents_of, platforms_in

NAME = "registry.example/hello:1"
KEPT = {
    "platform": ("linux/amd64",),
    "platforms": ("linux/amd64", "linux/arm64"),
    "attestations": ("linux/amd64", "linux/arm64", "linux/arm/v7"),
    "missing": ("linux/amd64", "linux/arm/v7"),
}
OPTIONS = {
    "platform": ["--platform", "linux/amd64"],
    "platforms": ["--platform", "linux/amd64", "--platform", "linux/arm64"],
    "attestations": ["--attestations", "drop"],
    "missing": ["--missing", "prune"],
}
edits = pytest.mark.parametrize("edit", KEPT)
Pruned = Callable[[str, str], Reading]


@pytest.fixture
def pruned(tmp_path: Path, sparse: Path) -> Pruned:
    """The sample after an edit, in a form."""

    def make(edit: str, form: str) -> Reading:
        source = sparse if edit == "missing" else THREE_PLATFORMS
        target = tmp_path / ("out" if form == "oci" else "out.tar")
        succeed("convert", source, f"{form}:{target}", *OPTIONS[edit])
        return read(target)

    return make


@edits
def test_nothing_is_left_that_speaks_of_what_is_gone(edit: str, pruned: Pruned) -> None:
    reading = pruned(edit, "oci")
    [entry] = reading.entries
    assert {image.platform for image in entry.images} == set(KEPT[edit])
    assert entry.names == {NAME}
    assert not entry.missing
    assert len(entry.others) == (0 if edit == "attestations" else len(entry.images))
    assert json.loads(succeed("gc", reading.path, "--json"))["blobs"] == []


@edits
@pytest.mark.parametrize("output", ["oci", "oci-archive", "docker-archive"])
def test_validate_finds_nothing(edit: str, output: str, pruned: Pruned) -> None:
    path = pruned(edit, output).path
    assert succeed("validate", path) == ""


@edits
def test_skopeo_and_umoci_read_it(edit: str, pruned: Pruned, tmp_path: Path) -> None:
    reading = pruned(edit, "oci")
    check_with_skopeo(reading, tmp_path)
    check_with_umoci(reading, tmp_path)


@edits
def test_podman_loads_it(edit: str, pruned: Pruned, podman: Podman) -> None:
    check_with_podman(pruned(edit, "docker-archive"), podman)


@edits
def test_docker_loads_it(edit: str, pruned: Pruned, docker: Docker) -> None:
    reading = pruned(edit, "docker-archive")
    assert docker.load(reading.path) == [NAME]
    assert docker.images() == {NAME: reading.saved[0].config}


def test_what_ctr_exports_of_some_platforms_becomes_complete(
    tmp_path: Path, containerd: Containerd, docker: Docker
) -> None:
    exported, target = tmp_path / "exported.tar", tmp_path / "out.tar"
    containerd.import_(THREE_PLATFORMS)
    containerd.ctr("images", "export", "--platform", "linux/amd64", exported, NAME)
    assert read(exported).missing
    succeed("convert", exported, target, "--missing", "prune")
    reading = read(target)
    assert not reading.missing
    assert {image.platform for entry in reading.entries for image in entry.images} == {
        "linux/amd64"
    }
    assert docker.load(target) == [NAME]


def test_referrers_go_from_the_top_and_from_their_tag(tmp_path: Path) -> None:

    image = make_image()
    tag = make_index(make_referrer(image)).named(f"sha256-{image.descriptor.digest.encoded}")
    source = make_source(image.named(NAME), make_containerd_referrer(image), tag)
    layout = write_layout(tmp_path / "layout", source)
    bare = tmp_path / "bare"
    succeed("convert", layout, f"oci:{bare}", "--attestations", "drop")
    assert contents(bare) == image.contents
    check_with_skopeo(read(bare), tmp_path)
    check_with_umoci(read(bare), tmp_path)


def contents(layout: Path) -> dict[Any, bytes]:
    with open_source(str(layout)) as source:
        assert platforms_in(source) == ["linux/amd64"]
        return contents_of(source)


def test_a_layout_is_read_after_what_moved_was_collected(tmp_path: Path) -> None:
    layout = tmp_path / "layout"
    succeed("convert", THREE_PLATFORMS, f"oci:{layout}")
    succeed("convert", layout, f"oci:{layout}", "--platform", "linux/amd64")
    before = read(layout)
    assert json.loads(succeed("gc", layout, "--json"))["freed"] > 0
    assert read(layout) == before
    check_with_skopeo(before, tmp_path)
    check_with_umoci(before, tmp_path)
    assert ocilayout("gc", layout).stdout == "freed 0 B in 0 blobs\n"
