"""What is read: the Docker archives of every tool, and what happens where their halves disagree."""

import json
from pathlib import Path
from typing import Any

import pytest

from ocilayout.capabilities import made_layers
from ocilayout.graph import read_config, read_manifest
from ocilayout.protocols import ImageSource
from ocilayout.spec import media_types
from ocilayout.spec.digest import Digest
from ocilayout.spec.names import names_of
from ocilayout.stores import open_place, open_source, open_suspect
from ocilayout.verify import find_problems
from tests.image_files import layout_files
from tests.images import (
    Made,
    MemorySource,
    encode,
    in_sha512,
    make_blob,
    make_config,
    make_image,
    make_index,
    make_layer,
    make_manifest,
    make_source,
    make_tar,
)
from tests.snapshots import contents_of, manifest_json, names_in, tar_files

SAMPLES = Path(__file__).parents[2] / "samples"
NAME = "registry.example/app:v1"
OLD = (
    "docker-20.10-amd64.tar",
    "docker-20.10-two-images.tar",
    "podman-arm-v7.tar",
    "crane-386.tar",
)
HYBRID = ("docker-25-riscv64.tar", "buildx-docker-s390x.tar")


def image_ids(source: ImageSource) -> dict[str, Digest]:
    """The image id behind each name."""
    found = {}
    by_digest = {entry.digest: entry for entry in source.index.children}
    for name, digest in names_in(source).items():
        config = read_manifest(source, by_digest[digest]).config
        assert config is not None
        found[name] = config.digest
    return found


def full(tag: str) -> str:
    return tag if "/" in tag else f"docker.io/library/{tag}"


@pytest.mark.parametrize("sample", OLD + HYBRID)
def test_names_and_image_ids_are_those_of_manifest_json(sample: str) -> None:
    path = SAMPLES / sample
    files = tar_files(path)
    expected = {
        full(tag): Digest.of(files[entry["Config"]])
        for entry in manifest_json(path)
        for tag in entry["RepoTags"]
    }
    with open_source(str(path)) as source:
        assert image_ids(source) == expected


@pytest.mark.parametrize("sample", OLD + HYBRID)
def test_every_blob_is_right_and_every_layer_counted(sample: str) -> None:
    with open_source(str(SAMPLES / sample)) as source:
        contents_of(source)
        for entry in source.index.children:
            manifest = read_manifest(source, entry)
            config = read_config(source, manifest)
            assert config is not None
            assert len(manifest.layers) == len(config.diff_ids)


@pytest.mark.parametrize("sample", OLD)
def test_an_archive_without_manifests_gets_some(sample: str) -> None:
    with open_place(str(SAMPLES / sample)) as opened:
        assert opened.dialect == "docker-archive"
        assert made_layers(opened.source)


@pytest.mark.parametrize("sample", HYBRID)
def test_a_hybrid_is_read_as_the_layout_that_it_has(sample: str) -> None:
    stated = json.loads(tar_files(SAMPLES / sample)["index.json"])["manifests"]
    with open_place(str(SAMPLES / sample)) as opened:
        assert opened.dialect == "docker-archive with OCI layout"
        found = opened.source.index.children
        assert [str(entry.digest) for entry in found] == [entry["digest"] for entry in stated]
        assert not made_layers(opened.source)


def test_a_layer_that_two_images_share_is_one_blob() -> None:
    """docker 20.10 writes it once, and a symlink to it for the other image."""
    with open_source(str(SAMPLES / "docker-20.10-two-images.tar")) as source:
        manifests = [read_manifest(source, entry) for entry in source.index.children]
    layers = [{layer.digest for layer in manifest.layers} for manifest in manifests]
    assert len(set.intersection(*layers)) == 2


def test_compressed_layers_of_crane_stay_as_they_are() -> None:
    path = SAMPLES / "crane-386.tar"
    files = tar_files(path)
    expected = [files[layer] for entry in manifest_json(path) for layer in entry["Layers"]]
    with open_source(str(path)) as source:
        (entry,) = source.index.children
        contents = contents_of(source)
        layers = read_manifest(source, entry).layers
    assert [contents[layer.digest] for layer in layers] == expected
    assert {layer.media_type[-5:] for layer in layers} == {"+gzip"}


def hybrid(path: Path, source: MemorySource, *entries: dict[str, Any]) -> str:
    path.write_bytes(make_tar({**layout_files(source), "manifest.json": encode(list(entries))}))
    return str(path)


def entry_of(made: Made, *tags: str) -> dict[str, Any]:
    """What docker 25 writes for an image that stands in the layout too."""
    manifest = json.loads(made.contents[made.descriptor.digest])
    paths = ["blobs/" + layer["digest"].replace(":", "/") for layer in manifest["layers"]]
    config = "blobs/" + manifest["config"]["digest"].replace(":", "/")
    return {"Config": config, "RepoTags": list(tags) or None, "Layers": paths}


def three_layers() -> Made:
    layers = [make_layer(text) for text in ("one", "two", "three")]
    return make_image(layers=layers, codec="none")


def test_where_layers_differ_manifest_json_is_right(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """docker 25.0.0 wrote the layers of its OCI manifest in random order (moby/moby#47150)."""
    right = three_layers()
    manifest = json.loads(right.contents[right.descriptor.digest])
    manifest["layers"] = manifest["layers"][::-1]
    raw = encode(manifest)
    wrong = Made(
        right.descriptor.edited(digest=str(Digest.of(raw)), size=len(raw)),
        {
            **right.contents,
            Digest.of(raw): raw,
        },
    ).named(NAME)
    place = hybrid(tmp_path / "a.tar", make_source(wrong), entry_of(right, NAME))
    with open_source(place) as source:
        (entry,) = source.index.children
        found = read_manifest(source, entry)
        config = read_config(source, found)
        assert config is not None
        assert tuple(layer.digest for layer in found.layers) == config.diff_ids
        contents_of(source)
    assert "disagree" in caplog.text
    assert f"oci-archive:{place} reads the other" in caplog.text
    with open_source(f"oci-archive:{place}") as source:
        assert source.index.children[0].digest == wrong.descriptor.digest


def test_an_image_that_stands_in_manifest_json_alone_is_read_from_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    listed, unlisted = make_image(codec="none"), three_layers()
    source = make_source(listed.named("registry.example/a:1"))
    source.contents.update(unlisted.contents)
    entries = entry_of(listed, "registry.example/a:1"), entry_of(unlisted, NAME)
    with open_source(hybrid(tmp_path / "a.tar", source, *entries)) as read:
        assert set(names_in(read)) == {"registry.example/a:1", NAME}
        contents_of(read)
    assert "stands in manifest.json alone" in caplog.text


def test_a_layout_may_hold_more_than_manifest_json_names(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    arm64 = make_image("linux/arm64")
    index = make_index(make_image("linux/amd64"), arm64).named(NAME)
    place = hybrid(tmp_path / "a.tar", make_source(index), entry_of(arm64, NAME))
    with open_source(place) as read:
        assert read.index.children[0].digest == index.descriptor.digest
        assert contents_of(read) == index.contents
    assert caplog.text == ""


def test_a_layout_of_sha512_digests_is_still_a_layout(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    layer = make_layer("base")
    config = make_blob(media_types.OCI_CONFIG, make_config("linux/amd64", [layer]))
    parts = [in_sha512(part) for part in (config, make_blob(media_types.OCI_LAYER, layer))]
    made = in_sha512(make_manifest(parts[0], parts[1:]))
    place = hybrid(tmp_path / "a.tar", make_source(made), entry_of(made, NAME))
    with open_source(place) as read:
        assert names_in(read) == {NAME: made.descriptor.digest}
    assert caplog.text == ""
    with open_suspect(place) as opened:
        # It is sound, and containerd does not load it.
        assert {found.code for found in find_problems(opened.source)} == {"digest-sha512"}


def test_a_nameless_layout_has_the_names_of_manifest_json(tmp_path: Path) -> None:
    made = make_image()
    entries = entry_of(made, "registry.example/app:v1", "demo:v2")
    with open_source(hybrid(tmp_path / "a.tar", make_source(made), entries)) as read:
        assert set(names_in(read)) == {NAME, "docker.io/library/demo:v2"}
        assert set(names_in(read).values()) == {made.descriptor.digest}


def test_names_in_the_layout_come_first(tmp_path: Path) -> None:
    made = make_image()
    place = hybrid(tmp_path / "a.tar", make_source(made.named(NAME)), entry_of(made, "demo:v2"))
    with open_source(place) as read:
        assert set(names_in(read)) == {NAME}


def test_the_name_of_an_index_does_not_pass_to_its_member(tmp_path: Path) -> None:
    """manifest.json has the one image of an index under the name of the index."""
    member = make_image()
    source = make_source(make_index(member).named(NAME), member)
    with open_source(hybrid(tmp_path / "a.tar", source, entry_of(member, NAME, "demo:v2"))) as read:
        assert [names_of(entry) for entry in read.index.children] == [
            (NAME,),
            ("docker.io/library/demo:v2",),
        ]


def test_a_layout_that_is_sparse_is_still_a_layout(tmp_path: Path) -> None:
    """docker 29 and ctr name platforms whose manifests are absent."""
    amd64, arm64 = make_image("linux/amd64"), make_image("linux/arm64")
    source = make_source(make_index(amd64, arm64).named(NAME))
    del source.contents[arm64.descriptor.digest]
    with open_source(hybrid(tmp_path / "a.tar", source, entry_of(amd64, NAME))) as read:
        assert read.index.children[0].digest == source.index.children[0].digest


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("prefix", ["", "./"])
def test_members_come_in_any_order_with_and_without_a_dot(
    tmp_path: Path, order: int, prefix: str
) -> None:
    files = tar_files(SAMPLES / "docker-25-riscv64.tar")
    path = tmp_path / "a.tar"
    path.write_bytes(make_tar({f"{prefix}{name}": files[name] for name in list(files)[::order]}))
    with open_source(str(path)) as read:
        assert set(names_in(read)) == {"docker.io/library/hello:riscv64"}
        contents_of(read)
