import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ocilayout.spec.digest import Digest
from ocilayout.stores import open_source
from tests.attestations import DSSE, make_attestation, make_containerd_referrer, make_statement
from tests.commands.conftest import CommandLine
from tests.image_files import flip_a_byte, write_layout
from tests.images import (
    make_blob,
    make_config,
    make_image,
    make_index,
    make_layer,
    make_manifest,
    make_source,
)
from tests.program import SAMPLES
from tests.snapshots import contents_of, manifest_json, tar_files

MULTI = SAMPLES / "buildx-multi-attested.tar"
CRANE = SAMPLES / "crane-386.tar"
TWO = SAMPLES / "docker-20.10-two-images.tar"
NAME = "registry.example/app:v1"


def contents(place: Path) -> dict[str, bytes]:
    with open_source(str(place)) as source:
        return {str(digest): raw for digest, raw in contents_of(source).items()}


def test_the_tree_shows_every_blob(ocilayout: CommandLine) -> None:
    out = ocilayout.succeed("inspect", MULTI).out
    lines = out.splitlines()
    assert lines[0] == f"{MULTI}: oci-archive"
    assert lines[1].startswith("registry.example/hello:1  ")
    assert lines[2].startswith("index sha256:")
    assert all(digest in out for digest in contents(MULTI))
    for platform in ("linux/amd64", "linux/arm64", "linux/arm/v7"):
        assert f"─ image {platform} sha256:" in out


def test_layers_show_codec_size_and_the_step_that_made_them(ocilayout: CommandLine) -> None:
    out = ocilayout.succeed("inspect", MULTI, "--platform", "linux/arm64").out
    assert "gzip 2.0 KiB  COPY hello /hello # buildkit" in out


def test_attestations_stand_under_the_image_that_they_speak_of(ocilayout: CommandLine) -> None:
    lines = ocilayout.succeed("inspect", MULTI).out.splitlines()
    kinds = [line.partition("─ ")[2].split()[0] for line in lines if "─ " in line]
    image, attestation = ["image", "config", "layer", "layer"], ["attestation", "config", "layer"]
    assert kinds == [*image, *attestation] * 3


def test_what_speaks_of_an_image_elsewhere_says_so(ocilayout: CommandLine, tmp_path: Path) -> None:
    image = make_image()
    layout = write_layout(tmp_path / "layout", make_source(make_containerd_referrer(image)))
    out = ocilayout.succeed("inspect", layout).out
    assert f" of {image.descriptor.digest}" in out


def test_a_statement_is_summed_up_in_a_line(ocilayout: CommandLine, tmp_path: Path) -> None:
    image = make_image()
    predicate = {"builder": {"id": "https://ci.example"}, "materials": [{}]}
    said = make_statement("https://slsa.dev/provenance/v0.2", predicate, DSSE)
    index = make_index(image, make_attestation(image, said))
    layout = write_layout(tmp_path / "layout", make_source(index))
    (line,) = [
        line for line in ocilayout.succeed("inspect", layout).out.splitlines() if "slsa" in line
    ]
    assert line.endswith(
        "https://slsa.dev/provenance/v0.2 in a signed envelope: "
        "built by https://ci.example, 1 material"
    )


def test_layers_for_lazy_pulling_are_named(ocilayout: CommandLine, tmp_path: Path) -> None:
    annotation = {"containerd.io/snapshot/stargz/toc.digest": str(Digest.of(b""))}
    layer = make_blob("application/vnd.oci.image.layer.v1.tar+gzip", b"").annotated(annotation)
    config = make_blob("application/vnd.oci.image.config.v1+json", make_config("linux/arm", []))
    layout = write_layout(tmp_path / "layout", make_source(make_manifest(config, [layer])))
    assert "gzip 0 B (eStargz)" in ocilayout.succeed("inspect", layout).out


def test_shared_bytes_are_counted_once(ocilayout: CommandLine, tmp_path: Path) -> None:
    base, app = make_layer("base", 5000), make_layer("app")
    images = [make_image(layers=[base]), make_image(layers=[base, app])]
    layout = write_layout(tmp_path / "layout", make_source(*images))
    out = ocilayout.succeed("inspect", layout).out
    assert ", 2 images, " in out.splitlines()[0]
    assert out.count(" of it in no other") == 2
    found = ocilayout.succeed("inspect", layout, "--json").json
    blobs = {digest: raw for image in images for digest, raw in image.contents.items()}
    assert found["total_size"] == sum(map(len, blobs.values()))
    shared = set(images[0].contents) & set(images[1].contents)
    for made, image in zip(images, found["images"], strict=True):
        assert image["total_size"] == sum(map(len, made.contents.values()))
        unique = [raw for digest, raw in made.contents.items() if digest not in shared]
        assert image["unique_size"] == sum(map(len, unique))


def test_all_images_are_shown_where_none_is_picked(ocilayout: CommandLine) -> None:
    out = ocilayout.succeed("inspect", TWO).out
    assert "docker.io/library/hello:amd64, registry.example/hello:amd64" in out
    assert "docker.io/library/greeter:latest" in out


def test_a_platform_picks_a_member(ocilayout: CommandLine) -> None:
    raw = ocilayout.succeed("inspect", MULTI, "--platform", "linux/arm/v7", "--config").json
    assert raw["variant"] == "v7"
    ocilayout.refuse(1, "linux/s390x", "inspect", MULTI, "--platform", "linux/s390x")


def test_raw_with_a_platform_is_the_exact_manifest(ocilayout: CommandLine) -> None:
    raw = ocilayout.succeed("inspect", MULTI, "--raw", "--platform", "linux/arm64").out
    known = contents(MULTI)
    digest = str(Digest.of(raw.encode()))
    assert known[digest] == raw.encode()
    found = ocilayout.succeed("inspect", MULTI, "--verbose", "--platform", "linux/arm64").json
    assert (found["Descriptor"]["digest"], base64.b64decode(found["Raw"])) == (
        digest,
        known[digest],
    )


def test_an_index_of_one_image_is_that_image_where_a_platform_is_asked_for(
    ocilayout: CommandLine, tmp_path: Path
) -> None:
    image = make_image("linux/arm64")
    both = make_index(image, make_attestation(image)).named(NAME)
    layout = write_layout(tmp_path / "layout", make_source(both))
    raw = ocilayout.succeed("inspect", layout, "--raw", "--platform", "arm64").out
    assert raw.encode() == image.contents[image.descriptor.digest]


def test_raw_of_some_platforms_is_no_document(ocilayout: CommandLine) -> None:
    arguments = ("inspect", MULTI, "--raw", "--platform", "linux/arm64,linux/amd64")
    ocilayout.refuse(1, "pick one by --platform", *arguments)


@pytest.mark.parametrize(
    ("platforms", "kinds"),
    [
        ("arm64", ["image", "attestation"]),
        ("arm64,amd64", ["index", *["image", "attestation"] * 2]),
    ],
)
def test_digests_of_some_platforms_exist(
    ocilayout: CommandLine, platforms: str, kinds: list[str]
) -> None:
    (image,) = ocilayout.succeed("inspect", MULTI, "--json", "--platform", platforms).json["images"]
    assert image["names"] == ["registry.example/hello:1"]
    nodes = list(nodes_of(image))
    assert [node["kind"] for node in nodes] == kinds
    known = contents(MULTI)
    assert all(len(known[node["digest"]]) == node["size"] for node in nodes)


def nodes_of(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in (*node.get("members", ()), *node["referrers"]):
        yield from nodes_of(below)


def test_what_is_not_here_is_shown_as_absent(ocilayout: CommandLine, tmp_path: Path) -> None:
    gone = make_image("linux/arm64")
    source = make_source(make_index(make_image(), gone).named(NAME))
    del source.contents[gone.descriptor.digest]
    layout = write_layout(tmp_path / "layout", source)
    out = ocilayout.succeed("inspect", layout).out
    assert f"absent linux/arm64 {gone.descriptor.digest}" in out


def test_raw_is_the_exact_index(ocilayout: CommandLine) -> None:
    done = ocilayout.succeed("inspect", MULTI, "--raw")
    index = json.loads(tar_files(MULTI)["index.json"])["manifests"][0]["digest"]
    assert str(Digest.of(done.out.encode())) == index


def test_raw_is_the_exact_manifest(ocilayout: CommandLine, tmp_path: Path) -> None:
    image = make_image()
    layout = write_layout(tmp_path / "layout", make_source(image))
    raw = ocilayout.succeed("inspect", layout, "--raw").out
    assert raw.encode() == image.contents[image.descriptor.digest]


def test_config_is_the_exact_config(ocilayout: CommandLine) -> None:
    (entry,) = manifest_json(CRANE)
    expected = tar_files(CRANE)[entry["Config"]]
    assert ocilayout.succeed("inspect", CRANE, "--config").out.encode() == expected


def test_config_of_several_platforms_needs_a_choice(ocilayout: CommandLine) -> None:
    done = ocilayout.refuse(1, "--platform", "inspect", MULTI, "--config")
    assert "linux/arm64" in done.err


@pytest.mark.parametrize("option", ["--raw", "--config", "--verbose"])
def test_one_of_several_images_must_be_picked(ocilayout: CommandLine, option: str) -> None:
    done = ocilayout.refuse(1, "pick one", "inspect", TWO, option)
    assert "docker.io/library/greeter:latest" in done.err
    ocilayout.succeed("inspect", f"{TWO}:greeter:latest", option)


def test_one_image_with_several_names_is_one(ocilayout: CommandLine, tmp_path: Path) -> None:
    made = make_image().named(NAME, "registry.example/app:v2")
    layout = write_layout(tmp_path / "layout", make_source(made))
    ocilayout.succeed("inspect", layout, "--raw")


@pytest.mark.parametrize(
    "options", [["--raw", "--config"], ["--raw", "--json"], ["--verbose", "--json", "--config"]]
)
def test_forms_exclude_one_another(ocilayout: CommandLine, options: list[str]) -> None:
    ocilayout.refuse(2, "exclude one another", "inspect", CRANE, *options)


def test_verbose_is_as_docker_manifest_inspect(ocilayout: CommandLine) -> None:
    found = ocilayout.succeed("inspect", MULTI, "-v").json
    # Attestations are members too: docker shows them.
    assert len(found) == 6
    for member in found:
        assert member.keys() == {"Ref", "Descriptor", "Raw", "OCIManifest"}
        digest = member["Descriptor"]["digest"]
        assert member["Ref"] == f"registry.example/hello:1@{digest}"
        raw = base64.b64decode(member["Raw"])
        assert str(Digest.of(raw)) == digest
        assert json.loads(raw) == member["OCIManifest"]
    assert found[1]["Descriptor"]["platform"] == {"architecture": "arm64", "os": "linux"}


def test_verbose_calls_a_manifest_of_docker_so(ocilayout: CommandLine) -> None:
    found = ocilayout.succeed("inspect", SAMPLES / "buildx-docker-s390x.tar", "--verbose").json
    assert "SchemaV2Manifest" in found


def test_json_is_the_whole_tree(ocilayout: CommandLine) -> None:
    found = ocilayout.succeed("inspect", MULTI, "--json").json
    assert found.keys() == {"place", "dialect", "total_size", "images", "damaged"}
    assert found["place"] == str(MULTI)
    (image,) = found["images"]
    assert image["names"] == ["registry.example/hello:1"]
    assert image["kind"] == "index"
    kinds = [member["kind"] for member in image["members"]]
    assert kinds == ["image"] * 3
    member = image["members"][0]
    assert member["platform"] == "linux/amd64"
    assert member["config"]["architecture"] == "amd64"
    assert member["image_id"].startswith("sha256:")
    diff_ids = [layer["diff_id"] for layer in member["layers"]]
    assert diff_ids == member["config"]["rootfs"]["diff_ids"]
    for layer in member["layers"]:
        assert layer["compression"] == "gzip"
        assert layer.keys() == {
            "digest",
            "media_type",
            "compression",
            "form",
            "size",
            "annotations",
            "diff_id",
            "created_by",
        }
    (attestation,) = member["referrers"]
    assert attestation["kind"] == "attestation"
    assert attestation["refers_to"] == member["digest"]
    (said,) = attestation["layers"]
    assert said["statement"]["predicate_type"].startswith("https://slsa.dev/provenance/")


def test_json_of_an_artifact(ocilayout: CommandLine, tmp_path: Path) -> None:
    leaf = make_blob("text/plain", b"leaf")
    artifact = make_manifest(make_blob("application/vnd.example", b"{}"), [leaf])
    layout = write_layout(tmp_path / "layout", make_source(artifact))
    (found,) = ocilayout.succeed("inspect", layout, "--json").json["images"]
    assert found["kind"] == "artifact"
    assert found["artifact_type"] == "application/vnd.example"
    assert "config" not in found
    assert found["layers"][0]["media_type"] == "text/plain"


def test_damage_leaves_no_half_tree(ocilayout: CommandLine, tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", make_source(make_index(make_image())))
    small = [
        path for path in (layout / "blobs" / "sha256").iterdir() if b"rootfs" in path.read_bytes()
    ]
    flip_a_byte(small[0])
    assert ocilayout.refuse(1, small[0].name, "inspect", layout).out == ""


@pytest.mark.parametrize("text", ["\x1b[31mred", "a\rb", "a\u202eb", "\x9b2J", "two\nlines"])
def test_control_characters_of_an_image_are_escaped(
    ocilayout: CommandLine, tmp_path: Path, text: str
) -> None:
    history = [{"created_by": text}, {"created_by": text}]
    layers = [b"one", b"two"]
    config = make_config(
        "linux/amd64", layers, history=history, created=text, config={"Cmd": [text, text]}
    )
    blobs = [make_blob("application/vnd.oci.image.layer.v1.tar", layer) for layer in layers]
    image = make_manifest(make_blob("application/vnd.oci.image.config.v1+json", config), blobs)
    named = image.annotated({"org.opencontainers.image.ref.name": text})
    layout = write_layout(tmp_path / "layout", make_source(named))
    for options in ([], ["--json"]):
        out = ocilayout.succeed("inspect", layout, *options).out
        assert all(letter.isprintable() for letter in out if letter != "\n")
    lines = ocilayout.succeed("inspect", layout).out.splitlines()
    assert len(lines) == 6


@pytest.mark.parametrize("place", ["absent.tar", f"{TWO}:v9", str(SAMPLES / "rootfs-amd64.tar")])
def test_what_is_no_image_is_refused(ocilayout: CommandLine, place: str) -> None:
    assert ocilayout.refuse(1, "", "inspect", place).out == ""
