"""Each verb that changes a digest says which signatures are void."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ocilayout.spec import media_types
from tests.attestations import make_cosign_signature, make_saved_signature, subject_of
from tests.commands.conftest import CommandLine
from tests.image_files import write_layout
from tests.images import (
    Made,
    make_blob,
    make_image,
    make_index,
    make_layer,
    make_manifest,
    make_source,
)

NAME = "docker.io/library/app:1"
EMPTY = make_blob(media_types.OCI_EMPTY, b"{}")
IMAGE = make_image(layers=[make_layer("one")])
DOCKER = make_image(layers=[make_layer("one")], family="docker")
INDEX = make_index(IMAGE, make_image("linux/arm64", layers=[make_layer("two")]))


def notation(of: Made) -> Made:
    fields = {"artifactType": "application/vnd.cncf.notary.signature"}
    blob = make_blob("application/jose+json", b"{}")
    return make_manifest(EMPTY, [blob], media_types.OCI_MANIFEST, subject=subject_of(of), **fields)


def bundle(of: Made) -> Made:
    fields = {"artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json"}
    blob = make_blob("application/vnd.dev.sigstore.bundle.v0.3+json", b"{}")
    return make_manifest(EMPTY, [blob], media_types.OCI_MANIFEST, subject=subject_of(of), **fields)


def saved(of: Made) -> Made:
    return make_saved_signature(of).named(NAME)


FORMS: dict[str, Callable[[Made], Made]] = {
    "notation signature": notation,
    "sigstore bundle": bundle,
    "cosign signature": saved,
    "cosign signature by its tag": make_cosign_signature,
}


def signed(folder: Path, case: str, image: Made) -> Path:
    return write_layout(folder / "in", make_source(image.named(NAME), FORMS[case](image)))


def said(case: str) -> str:
    return f"{case.removesuffix(' by its tag')} of {NAME}"


@pytest.mark.parametrize("case", FORMS)
@pytest.mark.parametrize(
    ("image", "options"),
    [
        (IMAGE, ["--compression", "zstd"]),
        (IMAGE, ["--compression", "none"]),
        (INDEX, ["--compression", "zstd"]),
        (DOCKER, ["--media-types", "oci"]),
    ],
)
def test_a_conversion_that_changes_the_digest_says_so(
    ocilayout: CommandLine, tmp_path: Path, case: str, image: Made, options: list[str]
) -> None:
    place = signed(tmp_path, case, image)
    done = ocilayout.succeed("convert", place, tmp_path / "out", *options)
    assert f"void, since the digest that was signed changed: {said(case)}" in done.err


@pytest.mark.parametrize("case", FORMS)
def test_a_conversion_that_keeps_the_digest_says_nothing(
    ocilayout: CommandLine, tmp_path: Path, case: str
) -> None:
    done = ocilayout.succeed("convert", signed(tmp_path, case, INDEX), tmp_path / "out")
    assert done.err == ""


@pytest.mark.parametrize("case", FORMS)
def test_a_correction_says_so(ocilayout: CommandLine, tmp_path: Path, case: str) -> None:
    place = signed(tmp_path, case, IMAGE)
    done = ocilayout.succeed("annotate", f"{place}:app:1", "--annotation", "a=b")
    assert f"void, since the digest that was signed changed: {said(case)}" in done.err
    tags = ocilayout.succeed("inspect", f"{place}:app:1", "--json").json["images"][0]
    assert len(tags["referrers"]) == 1


@pytest.mark.parametrize("case", FORMS)
def test_a_signature_of_an_index_that_loses_members_is_left_out(
    ocilayout: CommandLine, tmp_path: Path, case: str
) -> None:
    place, out = signed(tmp_path, case, INDEX), tmp_path / "out"
    done = ocilayout.succeed("convert", place, out, "--platform", "linux/arm64")
    assert f"left out, since what it refers to changed: {said(case)}" in done.err
    assert len(ocilayout.succeed("ls", out, "--json").json["places"][0]["images"]) == 1


@pytest.mark.parametrize("case", FORMS)
def test_a_signature_of_an_index_with_gaps_is_left_out_with_them(
    ocilayout: CommandLine, tmp_path: Path, case: str
) -> None:
    source = make_source(INDEX.named(NAME), FORMS[case](INDEX))
    del source.contents[IMAGE.descriptor.digest]
    place = write_layout(tmp_path / "in", source)
    done = ocilayout.succeed("convert", place, tmp_path / "out", "--missing", "prune")
    assert f"left out, since what it refers to changed: {said(case)}" in done.err
    (found,) = ocilayout.succeed("ls", tmp_path / "out", "--json").json["places"]
    assert len(found["images"]) == 1


@pytest.mark.parametrize("case", FORMS)
def test_a_signature_of_a_merged_index_is_left_out(
    ocilayout: CommandLine, tmp_path: Path, case: str
) -> None:
    place = signed(tmp_path, case, INDEX)
    other = write_layout(tmp_path / "other", make_source(make_image("linux/s390x")))
    done = ocilayout.succeed("merge", place, other, "-o", tmp_path / "out", "-t", "x:1")
    assert f"{said(case)} is left out: sha256:" in done.err


def test_a_warning_of_many_is_one_line(ocilayout: CommandLine, tmp_path: Path) -> None:
    images = [make_image(layers=[make_layer(str(number))]) for number in range(30)]
    tops = [image.named(f"app:{number}") for number, image in enumerate(images)]
    place = write_layout(tmp_path / "in", make_source(*tops, *map(notation, images)))
    done = ocilayout.succeed("convert", place, tmp_path / "out", "--compression", "zstd")
    (line,) = [line for line in done.err.splitlines() if "void" in line]
    assert "and 20 more" in line
