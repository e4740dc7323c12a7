"""What is written: an OCI layout and manifest.json in one tar, for every engine."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ocilayout.copy_engine import transfer
from ocilayout.destination_options import DestinationOptions
from ocilayout.errors import CannotHold, InvalidDocument
from ocilayout.spec import media_types
from ocilayout.spec.marks import REFERENCE_DIGEST
from ocilayout.spec.platform import Platform
from ocilayout.stores.docker_output import manifest_json, open_destination
from tests.attestations import make_attestation, make_cosign_signature, make_saved_signature
from tests.images import (
    Made,
    make_blob,
    make_config,
    make_image,
    make_index,
    make_layer,
    make_manifest,
    make_source,
)
from tests.snapshots import manifest_json as written_manifest_json
from tests.snapshots import snapshot, tar_files
from tests.stores.contract import ArchiveContract, make_attested_index

NAME = "registry.example/app:v1"
AMD64, ARM64, ARM_V7 = (
    Platform.parse(text) for text in ("linux/amd64", "linux/arm64", "linux/arm/v7")
)


class TestDockerArchive(ArchiveContract):
    transport = "docker-archive"

    def test_an_entry_leads_to_the_blobs_of_the_layout(self, tmp_path: Path) -> None:
        made = make_image().named(NAME)
        path = self.write(tmp_path, make_source(made))
        (entry,) = written_manifest_json(path)
        manifest = json.loads(made.contents[made.descriptor.digest])
        assert entry == {
            "Config": blob_path(manifest["config"]),
            "RepoTags": [NAME],
            "Layers": [blob_path(layer) for layer in manifest["layers"]],
        }

    def test_documents_come_last_and_the_marker_is_there(self, tmp_path: Path) -> None:
        path = self.write(tmp_path, make_source(make_image().named(NAME)))
        names = list(tar_files(path))
        assert names[-3:] == ["manifest.json", "index.json", "oci-layout"]

    def test_names_are_full_as_all_engines_read_them(self, tmp_path: Path) -> None:
        path = self.write(tmp_path, make_source(make_image().named("demo:v1", "me/demo:v2")))
        (entry,) = written_manifest_json(path)
        assert entry["RepoTags"] == ["docker.io/library/demo:v1", "docker.io/me/demo:v2"]

    def test_each_image_has_an_entry_of_its_own(self, tmp_path: Path) -> None:
        first = make_image(layers=[make_layer("first")]).named("registry.example/first:v1")
        second = make_image(layers=[make_layer("second")]).named("registry.example/second:v1")
        path = self.write(tmp_path, make_source(first, second))
        tags = [entry["RepoTags"] for entry in written_manifest_json(path)]
        assert tags == [["registry.example/first:v1"], ["registry.example/second:v1"]]

    def test_a_bare_tag_stays_in_the_layout_and_that_is_said(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        path = self.write(tmp_path, make_source(make_image().named("v1")))
        (entry,) = written_manifest_json(path)
        assert entry["RepoTags"] == []
        (listed,) = json.loads(tar_files(path)["index.json"])["manifests"]
        assert listed["annotations"] == {"org.opencontainers.image.ref.name": "v1"}
        assert "tag without a repository: 'v1'" in caplog.text
        assert "--tag" in caplog.text

    def test_all_platforms_stay_in_the_layout(self, tmp_path: Path) -> None:
        made = make_attested_index().named(NAME)
        path = self.write(tmp_path, make_source(made))
        assert len(written_manifest_json(path)) == 1
        assert {digest.blob_path for digest in made.contents} < tar_files(path).keys()

    def test_without_any_image_nothing_is_written(self, tmp_path: Path) -> None:
        artifact = make_manifest(make_blob("application/vnd.example", b"{}"))
        with pytest.raises(CannotHold, match="--to oci-archive"):
            self.write(tmp_path, make_source(artifact))
        assert snapshot(tmp_path) == {}

    @pytest.mark.parametrize("nested", [False, True])
    def test_what_no_engine_would_load_is_refused(self, tmp_path: Path, nested: bool) -> None:
        layers = [make_layer("base"), make_layer("app")]
        config = make_blob(
            "application/vnd.oci.image.config.v1+json", make_config("linux/amd64", layers[:1])
        )
        blobs = [make_blob("application/vnd.oci.image.layer.v1.tar", layer) for layer in layers]
        made = make_manifest(config, blobs)
        with pytest.raises(InvalidDocument, match="2 layers, but its config counts 1"):
            self.write(tmp_path, make_source(make_index(made) if nested else made))
        assert snapshot(tmp_path) == {}

    def test_zstd_layers_are_said_to_need_a_newer_docker(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        self.write(tmp_path, make_source(make_image(codec="zstd")))
        assert "docker before 23" in caplog.text
        assert "--compression gzip" in caplog.text

    def test_the_preferred_platform_is_an_option_of_the_destination(self, tmp_path: Path) -> None:
        index = make_platforms(AMD64, ARM64)
        path = self.write(tmp_path, make_source(index), DestinationOptions(platforms=(ARM64,)))
        assert platform_in(path) == "arm64"


def blob_path(descriptor: dict[str, str]) -> str:
    return "blobs/" + descriptor["digest"].replace(":", "/")


def platform_in(path: Path) -> str:
    """The architecture of the one image that manifest.json names."""
    files = tar_files(path)
    (entry,) = json.loads(files["manifest.json"])
    return str(json.loads(files[entry["Config"]])["architecture"])


def make_platforms(*platforms: Platform) -> Made:
    return make_index(*(make_image(str(platform)) for platform in platforms)).named(NAME)


def chosen(made: Made, *preferred: Platform) -> str:
    """The platform that manifest.json names."""
    (entry,) = manifest_json(make_source(made), DestinationOptions(platforms=preferred))
    assert isinstance(entry, dict)
    (config,) = (
        raw for digest, raw in made.contents.items() if digest.blob_path == entry["Config"]
    )
    return str(Platform.from_fields(json.loads(config), "config"))


@pytest.mark.parametrize(
    ("platforms", "preferred", "expected"),
    [
        ([ARM64, AMD64], [], "linux/amd64"),
        ([ARM64, ARM_V7], [], "linux/arm64"),
        ([ARM_V7, ARM64], [], "linux/arm/v7"),
        ([AMD64, ARM64, ARM_V7], [ARM_V7, ARM64], "linux/arm/v7"),
        ([AMD64, ARM64, ARM_V7], [ARM64, ARM_V7], "linux/arm64"),
        ([AMD64, ARM64], [ARM_V7, ARM64], "linux/arm64"),
        ([AMD64, ARM64], [ARM_V7], "linux/amd64"),
        ([AMD64, ARM64], [Platform.parse("linux/aarch64")], "linux/arm64"),
        ([AMD64, ARM_V7], [Platform.parse("linux/arm")], "linux/arm/v7"),
    ],
)
def test_of_several_platforms_one_stands_for_all(
    platforms: list[Platform], preferred: list[Platform], expected: str
) -> None:
    assert chosen(make_platforms(*platforms), *preferred) == expected


def test_which_platform_was_chosen_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="ocilayout")
    with open_destination(tmp_path / "a.tar", DestinationOptions()) as destination:
        transfer(make_source(make_platforms(ARM64, AMD64)), destination)
    said = f"{NAME}: of 2 platforms, manifest.json names linux/amd64"
    assert caplog.text.count(said) == 1


def test_of_many_tags_without_a_repository_some_are_told_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = make_image().named(*(f"v{number}" for number in range(40)))
    with open_destination(tmp_path / "a.tar", DestinationOptions()) as destination:
        transfer(make_source(made), destination)
    (said,) = caplog.messages
    assert said.startswith("tag without a repository: 'v0', 'v1', ")
    assert "and 30 more" in said


def test_an_index_of_one_platform_needs_no_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="ocilayout")
    with open_destination(tmp_path / "a.tar", DestinationOptions()) as destination:
        transfer(make_source(make_platforms(ARM64)), destination)
    assert caplog.text == ""


def test_attestations_are_never_chosen() -> None:
    image = make_image("linux/riscv64")
    index = make_index(make_attestation(image), image)
    assert chosen(index) == "linux/riscv64"


def test_an_attestation_at_the_top_has_no_entry() -> None:
    image = make_image().named(NAME)
    attestation = make_attestation(image)
    assert REFERENCE_DIGEST in attestation.descriptor.annotations
    assert len(manifest_json(make_source(image, attestation), DestinationOptions())) == 1


@pytest.mark.parametrize("make", [make_cosign_signature, make_saved_signature])
def test_a_signature_of_cosign_stays_in_the_layout_and_that_is_said(
    make: Callable[[Made], Made], caplog: pytest.LogCaptureFixture
) -> None:
    image = make_image().named(NAME)
    source = make_source(image, make(image))
    assert len(manifest_json(source, DestinationOptions())) == 1
    said = "refers to an image, and is none: it stays in the OCI layout of the archive"
    assert said in caplog.text


def test_a_module_that_borrows_the_config_of_images_is_refused() -> None:
    config = make_blob(media_types.OCI_CONFIG, make_config("wasip1/wasm", []))
    module = make_manifest(config, [make_blob("application/wasm", b"\0asm")]).named(NAME)
    with pytest.raises(CannotHold, match="is an artifact, no image"):
        manifest_json(make_source(module), DestinationOptions())


def test_platforms_that_are_absent_are_never_chosen() -> None:
    amd64, arm64 = make_image("linux/amd64"), make_image("linux/arm64")
    index = make_index(amd64, arm64)
    source = make_source(index, absent=[amd64.descriptor.digest])
    del source.contents[amd64.descriptor.digest]
    (entry,) = manifest_json(source, DestinationOptions())
    assert isinstance(entry, dict)
    configs = {digest.blob_path: raw for digest, raw in source.contents.items()}
    assert json.loads(configs[entry["Config"]])["architecture"] == "arm64"


def test_images_of_which_everything_is_absent_have_no_entry() -> None:
    gone, here = make_platforms(AMD64), make_image("linux/arm64").named("demo:v1")
    source = make_source(gone, here, absent=[gone.descriptor.digest])
    assert len(manifest_json(source, DestinationOptions())) == 1


def test_an_artifact_stays_in_the_layout_and_that_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    artifact = make_manifest(make_blob("application/vnd.example", b"{}"))
    assert len(manifest_json(make_source(make_image(), artifact), DestinationOptions())) == 1
    assert "application/vnd.example" in caplog.text
    assert "stays in the OCI layout" in caplog.text
