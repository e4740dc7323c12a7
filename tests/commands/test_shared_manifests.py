"""One manifest that an index lists for several platforms, which is legal: all entries are kept."""

import json
from pathlib import Path

import pytest

from tests.attestations import make_attestation
from tests.commands.conftest import CommandLine
from tests.image_files import write_layout, write_oci_archive
from tests.images import Made, make_image, make_index, make_layer, make_source
from tests.snapshots import tar_json

AMD64 = make_image("linux/amd64", layers=[make_layer("script")])
S390X = make_image("linux/s390x", layers=[make_layer("binary")])
BOTH = "linux/amd64,linux/arm64"


def listed_for(made: Made, os: str, architecture: str) -> Made:
    platform = {"os": os, "architecture": architecture}
    return Made(made.descriptor.edited(platform=platform), made.contents)


ARM64 = listed_for(AMD64, "linux", "arm64")
TWICE = make_index(AMD64, ARM64)


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    return write_oci_archive(tmp_path / "shared.tar", make_source(TWICE.named("app:1")))


def platforms(ocilayout: CommandLine, place: Path) -> list[list[str]]:
    (found,) = ocilayout.succeed("ls", place, "--json").json["places"]
    return [image["platforms"] for image in found["images"]]


@pytest.mark.parametrize("output", ["out.tar", "out", "out.oci.tar"])
def test_both_entries_are_merged(
    ocilayout: CommandLine, tmp_path: Path, shared: Path, output: str
) -> None:
    out = tmp_path / output
    done = ocilayout.succeed("merge", shared, "-o", out, "-t", "x:1")
    assert f"docker.io/library/x:1 {BOTH}" in done.out
    assert platforms(ocilayout, out) == [["linux/amd64", "linux/arm64"]]


def test_one_image_is_merged_for_two_platforms(ocilayout: CommandLine, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_layout(tmp_path / name, make_source(AMD64))
    sources = (tmp_path / "a", tmp_path / "b", "--set-platform", f"{tmp_path / 'b'}=linux/arm64")
    ocilayout.succeed("merge", *sources, "-o", tmp_path / "out", "-t", "x:1")
    assert platforms(ocilayout, tmp_path / "out") == [["linux/amd64", "linux/arm64"]]


def test_an_attestation_is_merged_once(ocilayout: CommandLine, tmp_path: Path) -> None:
    attested = make_index(AMD64, ARM64, make_attestation(AMD64))
    source = write_layout(tmp_path / "in", make_source(attested))
    done = ocilayout.succeed("merge", source, "-o", tmp_path / "out", "-t", "x:1", "--json")
    digest = done.json["images"][0]["digest"].replace(":", "/")
    index = json.loads((tmp_path / "out/blobs" / digest).read_bytes())
    assert [entry["platform"]["architecture"] for entry in index["manifests"]] == [
        "amd64",
        "arm64",
        "unknown",
    ]


def test_a_platform_that_has_another_image_too_is_in_conflict(
    ocilayout: CommandLine, tmp_path: Path, shared: Path
) -> None:
    other = make_image("linux/arm64", layers=[make_layer("other")])
    second = write_layout(tmp_path / "other", make_source(other))
    out = tmp_path / "out"
    ocilayout.refuse(1, "both have linux/arm64", "merge", shared, second, "-o", out)


@pytest.mark.parametrize(
    ("chosen", "left"),
    [
        (["linux/arm64"], ["linux/arm64"]),
        (["linux/amd64"], ["linux/amd64"]),
        (["linux/arm64", "linux/amd64"], ["linux/amd64", "linux/arm64"]),
        (["linux/s390x", "linux/arm64"], ["linux/arm64", "linux/s390x"]),
    ],
)
@pytest.mark.parametrize("output", ["out.tar", "out"])
def test_a_platform_is_taken_by_its_entry(
    ocilayout: CommandLine, tmp_path: Path, chosen: list[str], left: list[str], output: str
) -> None:
    index = make_index(AMD64, ARM64, S390X)
    source = write_layout(tmp_path / "in", make_source(index.named("app:1")))
    options = [word for platform in chosen for word in ("--platform", platform)]
    ocilayout.succeed("convert", source, tmp_path / output, *options)
    assert platforms(ocilayout, tmp_path / output) == [left]


def test_both_entries_are_listed_and_shown(ocilayout: CommandLine, shared: Path) -> None:
    assert BOTH in ocilayout.succeed("ls", shared).out
    shown = ocilayout.succeed("inspect", shared).out
    assert "linux/amd64 sha256:" in shown
    assert "linux/arm64 sha256:" in shown
    assert ocilayout.succeed("validate", shared)


def test_entries_of_a_flat_index_are_listed_too(ocilayout: CommandLine, tmp_path: Path) -> None:
    flat = write_layout(tmp_path / "flat", make_source(AMD64, ARM64))
    assert BOTH in ocilayout.succeed("ls", flat).out
    other = write_layout(tmp_path / "other", make_source(S390X))
    ocilayout.succeed("convert", flat, other, tmp_path / "out")
    assert platforms(ocilayout, tmp_path / "out") == [
        ["linux/amd64", "linux/arm64"],
        ["linux/s390x"],
    ]


def members(place: Path) -> list[dict[str, object]]:
    (top,) = tar_json(place, "index.json")["manifests"]
    found: list[dict[str, object]] = tar_json(place, f"blobs/{top['digest'].replace(':', '/')}")[
        "manifests"
    ]
    return found


def test_one_of_the_entries_is_annotated(ocilayout: CommandLine, shared: Path) -> None:
    ocilayout.succeed("annotate", shared, "--platform", "linux/arm64", "--variant", "v9")
    setting = "manifest-descriptor[linux/amd64]:note=first"
    ocilayout.succeed("annotate", shared, "--annotation", setting)
    first, second = members(shared)
    assert first["platform"] == {"architecture": "amd64", "os": "linux"}
    assert first["annotations"] == {"note": "first"}
    assert second["platform"] == {"architecture": "arm64", "os": "linux", "variant": "v9"}
    assert "annotations" not in second


def test_a_manifest_is_annotated_for_all_entries_or_none(
    ocilayout: CommandLine, shared: Path
) -> None:
    ocilayout.refuse(
        1,
        "is the image for linux/amd64, linux/arm64: an annotation of the manifest is for all",
        *("annotate", shared, "--platform", "linux/arm64", "--annotation", "manifest:a=b"),
    )
    ocilayout.succeed("annotate", shared, "--annotation", "manifest:a=b")
    first, second = members(shared)
    assert first["digest"] == second["digest"] != str(AMD64.descriptor.digest)


def test_a_shared_config_is_not_given_one_platform(ocilayout: CommandLine, shared: Path) -> None:
    options = ("--platform", "linux/arm64", "--variant", "v9", "--config")
    ocilayout.refuse(1, "its config can say one platform only", "annotate", shared, *options)


def test_both_entries_lead_to_what_was_compressed_anew(
    ocilayout: CommandLine, tmp_path: Path, shared: Path
) -> None:
    out = tmp_path / "out.tar"
    ocilayout.succeed("convert", shared, out, "--compression", "zstd")
    first, second = members(out)
    assert first["digest"] == second["digest"] != str(AMD64.descriptor.digest)
    assert [entry["platform"] for entry in members(out)] == [
        {"architecture": "amd64", "os": "linux"},
        {"architecture": "arm64", "os": "linux"},
    ]


def test_entries_are_compared_by_platform(
    ocilayout: CommandLine, tmp_path: Path, shared: Path
) -> None:
    alone = write_layout(tmp_path / "alone", make_source(AMD64))
    done = ocilayout("diff", shared, alone)
    assert done.code == 3
    assert "linux/arm64: only in" in done.out
    assert ocilayout("diff", shared, alone, "--platform", "linux/amd64").code == 0


def test_both_entries_are_exported(ocilayout: CommandLine, tmp_path: Path, shared: Path) -> None:
    ocilayout.succeed("export", shared, tmp_path / "files")
    folders = {folder.name for folder in (tmp_path / "files").iterdir()}
    assert folders == {"linux_amd64", "linux_arm64"}


def test_both_entries_are_left_out_where_the_image_is_not_whole(
    ocilayout: CommandLine, tmp_path: Path
) -> None:
    index = make_index(AMD64, ARM64, S390X)
    source = make_source(index.named("app:1"))
    del source.contents[AMD64.descriptor.digest]
    place = write_layout(tmp_path / "in", source)
    done = ocilayout.succeed("convert", place, tmp_path / "out", "--missing", "prune")
    assert "not whole: linux/amd64, linux/arm64" in done.err
    assert platforms(ocilayout, tmp_path / "out") == [["linux/s390x"]]


def test_a_nest_of_indexes_that_list_one_another_twice_is_walked_once(
    ocilayout: CommandLine, tmp_path: Path
) -> None:
    """Each level doubles the entries: two to the power of 28, if they were all gone into."""
    nest = TWICE
    for _ in range(28):
        nest = make_index(nest, listed_for(nest, "linux", "arm64"))
    place = write_layout(tmp_path / "in", make_source(nest.named("app:1")))
    assert BOTH in ocilayout.succeed("ls", place).out


@pytest.mark.parametrize("output", ["out.tar", "out", "out.oci.tar"])
@pytest.mark.parametrize("name", ["registry.example/app:1", "app:1", None])
def test_both_entries_of_a_flat_index_are_kept(
    ocilayout: CommandLine, tmp_path: Path, output: str, name: str | None
) -> None:
    entries = [made if name is None else made.named(name) for made in (AMD64, ARM64)]
    entries[0] = listed_for(entries[0], "linux", "amd64")
    source = write_layout(tmp_path / "in", make_source(*entries))
    ocilayout.succeed("convert", source, tmp_path / output)
    ocilayout.succeed("convert", source, tmp_path / "again", "--tag", "registry.example/new:2")
    for place in (tmp_path / output, tmp_path / "again"):
        written = (
            json.loads((place / "index.json").read_bytes())
            if place.is_dir()
            else tar_json(place, "index.json")
        )
        platforms = [entry["platform"]["architecture"] for entry in written["manifests"]]
        assert platforms == ["amd64", "arm64"]
        tags = [
            entry.get("annotations", {}).get("org.opencontainers.image.ref.name")
            for entry in written["manifests"]
        ]
        assert all("/" not in (tag or "") for tag in tags)


def test_a_flat_index_is_kept_beside_what_a_layout_has(
    ocilayout: CommandLine, tmp_path: Path
) -> None:
    entries = [listed_for(AMD64.named("app:1"), "linux", "amd64"), ARM64.named("app:1")]
    source = write_layout(tmp_path / "in", make_source(*entries))
    out = write_layout(tmp_path / "out", make_source(S390X.named("app:2")))
    for _ in range(2):
        ocilayout.succeed("convert", source, out)
        listed = json.loads((out / "index.json").read_bytes())["manifests"]
        assert len(listed) == 3
