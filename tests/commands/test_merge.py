import json
from pathlib import Path

import pytest

from ocilayout.stores import open_source
from tests.commands.conftest import CommandLine
from tests.image_files import write_docker_archive, write_layout
from tests.images import make_image, make_layer, make_source
from tests.program import SAMPLES
from tests.snapshots import (
    contents_of,
    manifest_json,
    names_in,
    platforms_in,
    snapshot,
    tar_json,
    unchanged,
)

SINGLE = [
    SAMPLES / name
    for name in (
        "docker-20.10-amd64.tar",
        "buildx-arm64.tar",
        "podman-arm-v7.tar",
        "crane-386.tar",
        "docker-25-riscv64.tar",
        "buildx-zstd-ppc64le",
        "buildx-docker-s390x.tar",
    )
]
PLATFORMS = [
    f"linux/{name}" for name in ("386", "amd64", "arm/v7", "arm64", "ppc64le", "riscv64", "s390x")
]
NAME = "registry.example/app:v1"


@pytest.mark.parametrize("output", ["layout", "a.tar", "oci-archive:a.tar", "a.tar.gz"])
def test_images_of_many_formats_become_one(
    ocilayout: CommandLine, tmp_path: Path, output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = ocilayout.succeed("merge", *SINGLE, "-o", output, "-t", NAME)
    assert done.out.startswith(f"{NAME} {','.join(PLATFORMS)} sha256:")
    with open_source(output) as source:
        assert len(source.index.children) == 1
        assert list(names_in(source)) == [NAME]
        assert platforms_in(source) == PLATFORMS
        contents_of(source)


def test_a_second_run_gives_the_same_bytes(ocilayout: CommandLine, tmp_path: Path) -> None:
    for name, sources in (("a.tar", SINGLE), ("b.tar", SINGLE[::-1])):
        ocilayout.succeed("merge", *sources, "-o", tmp_path / name, "-t", NAME)
    index = [tar_json(tmp_path / name, "index.json") for name in ("a.tar", "b.tar")]
    assert index[0] == index[1]
    ocilayout.succeed("merge", *SINGLE, "-o", tmp_path / "c.tar", "-t", NAME)
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "c.tar").read_bytes()


def test_image_ids_are_those_of_the_sources(ocilayout: CommandLine, tmp_path: Path) -> None:
    report = ocilayout.succeed(
        "merge", *SINGLE, "-o", tmp_path / "layout", "-t", NAME, "--json"
    ).json
    assert len(report["image_ids"]) == len(SINGLE)
    expected = set()
    for sample in SINGLE:
        found = ocilayout.succeed("inspect", sample, "--json").json["images"]
        expected.add(found[0]["image_id"])
    assert {item["after"] for item in report["image_ids"]} == expected
    assert all(item["before"] == item["after"] for item in report["image_ids"])


def test_docker_loads_amd64_or_what_was_asked_for(ocilayout: CommandLine, tmp_path: Path) -> None:
    done = ocilayout.succeed("merge", *SINGLE, "-o", tmp_path / "a.tar", "-t", NAME)
    assert "of 7 platforms, manifest.json names linux/amd64" in done.err
    assert manifest_json(tmp_path / "a.tar")[0]["RepoTags"] == [NAME]


def test_several_tags_name_one_index(ocilayout: CommandLine, tmp_path: Path) -> None:
    tags = ("-t", NAME, "-t", "demo:v2")
    ocilayout.succeed("merge", *SINGLE[:2], "-o", tmp_path / "layout", *tags)
    with open_source(str(tmp_path / "layout")) as source:
        assert list(names_in(source)) == [NAME, "docker.io/library/demo:v2"]
        assert len(set(names_in(source).values())) == 1


def test_the_destination_may_name_the_index(ocilayout: CommandLine, tmp_path: Path) -> None:
    ocilayout.succeed("merge", *SINGLE[:2], "-o", f"{tmp_path}/layout:{NAME}")
    with open_source(str(tmp_path / "layout")) as source:
        assert list(names_in(source)) == [NAME]


def test_a_result_without_a_name_is_warned_of(ocilayout: CommandLine, tmp_path: Path) -> None:
    done = ocilayout.succeed("merge", *SINGLE[:2], "-o", tmp_path / "layout")
    assert "warning: the result has no name: --tag" in done.err


def test_attestations_come_along(ocilayout: CommandLine, tmp_path: Path) -> None:
    sample = SAMPLES / "buildx-multi-attested.tar"
    ocilayout.succeed("merge", sample, SINGLE[3], "-o", tmp_path / "layout", "-t", NAME)
    assert ocilayout.succeed("inspect", tmp_path / "layout").out.count("─ attestation") == 3


def test_platforms_are_left_out_where_asked(ocilayout: CommandLine, tmp_path: Path) -> None:
    sample = SAMPLES / "buildx-multi-attested.tar"
    options = ("-o", tmp_path / "layout", "-t", NAME, "--platform", "linux/arm64")
    ocilayout.succeed("merge", sample, *options)
    with open_source(str(tmp_path / "layout")) as source:
        assert platforms_in(source) == ["linux/arm64"]


def archives(folder: Path, *platforms: str) -> list[Path]:
    return [
        write_docker_archive(
            folder / f"{number}.tar", platform=platform, layers=[make_layer(f"layer {number}")]
        )
        for number, platform in enumerate(platforms)
    ]


def test_two_images_for_one_platform_are_refused(ocilayout: CommandLine, tmp_path: Path) -> None:
    sources = archives(tmp_path, "linux/amd64", "linux/amd64")
    with unchanged(tmp_path):
        done = ocilayout.refuse(1, "--replace", "merge", *sources, "-o", tmp_path / "out")
    for source in sources:
        assert str(source) in done.err


def test_the_last_one_wins_where_asked(ocilayout: CommandLine, tmp_path: Path) -> None:
    sources = archives(tmp_path, "linux/amd64", "linux/amd64")
    done = ocilayout.succeed("merge", *sources, "-o", tmp_path / "out", "-t", NAME, "--replace")
    assert f"{sources[1]} replaces {sources[0]}" in done.err
    diff_ids = ocilayout.succeed("inspect", tmp_path / "out", "--config").json["rootfs"]
    last = ocilayout.succeed("inspect", sources[1], "--config").json["rootfs"]
    assert diff_ids == last


def test_a_platform_can_be_set(ocilayout: CommandLine, tmp_path: Path) -> None:
    sources = archives(tmp_path, "linux/arm", "linux/arm/v7")
    override = f"{sources[0]}=linux/arm/v6"
    ocilayout.succeed(
        "merge", *sources, "-o", tmp_path / "out", "-t", NAME, "--set-platform", override
    )
    with open_source(str(tmp_path / "out")) as source:
        assert platforms_in(source) == ["linux/arm/v6", "linux/arm/v7"]


def test_arm_without_a_variant_is_warned_of(ocilayout: CommandLine, tmp_path: Path) -> None:
    (source,) = archives(tmp_path, "linux/arm")
    done = ocilayout.succeed("merge", source, "-o", tmp_path / "out", "-t", NAME)
    assert f"--set-platform {source}=linux/arm/v6" in done.err


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("other.tar=linux/arm64", "write SRC=OS/ARCH"),
        ("linux/arm64", "write SRC=OS/ARCH"),
        ("0.tar=linux//", "not a platform"),
    ],
)
def test_a_platform_for_nothing_is_wrong_usage(
    ocilayout: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    override: str,
    said: str,
) -> None:
    archives(tmp_path, "linux/arm")
    monkeypatch.chdir(tmp_path)
    ocilayout.refuse(2, said, "merge", "0.tar", "-o", "out", "--set-platform", override)


def test_an_image_without_a_platform_is_refused(ocilayout: CommandLine, tmp_path: Path) -> None:
    raw = json.dumps({"rootfs": {"type": "layers", "diff_ids": []}}).encode()
    source = write_docker_archive(tmp_path / "a.tar", config=raw, layers=[])
    said = f"--set-platform {source}=OS/ARCH"
    ocilayout.refuse(1, said, "merge", source, "-o", tmp_path / "out")


def test_an_output_is_required(ocilayout: CommandLine) -> None:
    ocilayout.refuse(2, "--output", "merge", *SINGLE)


def test_an_index_is_merged_into_the_layout_that_it_came_from(
    ocilayout: CommandLine, tmp_path: Path
) -> None:
    images = [
        make_image(f"linux/{name}").named(f"registry.example/app:{name}")
        for name in ("amd64", "arm64")
    ]
    layout = write_layout(tmp_path / "layout", make_source(*images))
    ocilayout.succeed("merge", f"{layout}:amd64", f"{layout}:arm64", "-o", layout, "-t", NAME)
    with open_source(f"{layout}:{NAME}") as source:
        assert platforms_in(source) == ["linux/amd64", "linux/arm64"]
    with open_source(str(layout)) as source:
        assert len(names_in(source)) == 3


def test_damage_leaves_nothing(ocilayout: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "cut.tar").write_bytes(SINGLE[0].read_bytes()[:9000])
    ocilayout.refuse(1, "cut.tar", "merge", SINGLE[1], tmp_path / "cut.tar", "-o", tmp_path / "out")
    assert list(snapshot(tmp_path)) == ["cut.tar"]


def test_a_platform_is_set_once(ocilayout: CommandLine, tmp_path: Path) -> None:
    source = SAMPLES / "crane-386.tar"
    twice = [f"--set-platform={source}={platform}" for platform in ("linux/386", "linux/amd64")]
    ocilayout.refuse(2, "twice", "merge", source, "-o", tmp_path / "a.tar", *twice)


def test_a_source_without_the_platforms_asked_for_adds_nothing(
    ocilayout: CommandLine, tmp_path: Path
) -> None:
    sources = archives(tmp_path, "linux/amd64", "linux/arm64", "linux/riscv64")
    options = ("-o", tmp_path / "layout", "-t", NAME, "--platform", "linux/arm64,linux/amd64/v1")
    ocilayout.succeed("merge", *sources, *options)
    with open_source(str(tmp_path / "layout")) as source:
        assert platforms_in(source) == ["linux/amd64", "linux/arm64"]


def test_a_platform_that_is_set_counts_for_the_selection(
    ocilayout: CommandLine, tmp_path: Path
) -> None:
    sources = archives(tmp_path, "linux/amd64", "linux/arm")
    override = f"{sources[1]}=linux/arm/v6"
    options = ("-o", tmp_path / "out", "-t", NAME, "--set-platform", override)
    ocilayout.succeed("merge", *sources, *options, "--platform", "linux/arm/v6")
    with open_source(str(tmp_path / "out")) as source:
        assert platforms_in(source) == ["linux/arm/v6"]


def test_a_platform_that_no_source_has_is_refused(ocilayout: CommandLine, tmp_path: Path) -> None:
    sources = archives(tmp_path, "linux/amd64", "linux/arm64")
    options = ("-o", tmp_path / "out", "-t", NAME, "--platform", "linux/arm/v7")
    with unchanged(tmp_path):
        ocilayout.refuse(
            1,
            "no image for linux/arm/v7 here, but for linux/amd64, linux/arm64",
            "merge",
            *sources,
            *options,
        )
