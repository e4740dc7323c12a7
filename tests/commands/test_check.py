"""`check` and `convert --for` as a person meets them."""

import json
import random
import shlex
from pathlib import Path

import pytest

from ocilayout.engines.layer_reading import SMALL
from ocilayout.engines.table import ENGINES, choices
from ocilayout.spec.media_types import OCI_CONFIG, OCI_LAYER
from tests.image_files import write_oci_archive
from tests.images import (
    make_blob,
    make_config,
    make_image,
    make_layer,
    make_manifest,
    make_source,
    make_tar,
)
from tests.real.command_line import assert_refused, ocilayout, succeed
from tests.real.readers import read

SAMPLES = Path(__file__).parents[2] / "samples"
MULTI = SAMPLES / "buildx-multi-attested.tar"
HYBRID = SAMPLES / "docker-25-riscv64.tar"
OLD = SAMPLES / "docker-20.10-amd64.tar"
ZSTD = SAMPLES / "buildx-zstd-ppc64le"


def test_what_loads_is_said_with_its_name_and_platform() -> None:
    done = ocilayout("check", HYBRID, "--for", "docker-20.10")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "docker-20.10: docker.io/library/hello:riscv64 loads for linux/riscv64\n"
    )


def test_what_does_not_load_has_a_reason_and_a_command(tmp_path: Path) -> None:
    done = ocilayout("check", MULTI, "--for", "docker-20.10")
    assert done.returncode == 3
    verdict, fix = done.stdout.splitlines()
    assert verdict.startswith("docker-20.10: registry.example/hello:1 will not load: it has no")
    command = shlex.split(fix.partition("fix it: ")[2])
    assert command[:3] == ["ocilayout", "convert", str(MULTI)]
    target = tmp_path / command[3]
    succeed(*command[1:3], target, *command[4:])
    assert ocilayout("check", target, "--for", "docker-20.10").returncode == 0


def test_what_is_for_no_such_machine_has_no_fix() -> None:
    done = ocilayout("check", MULTI, "--for", "podman", "--platform", "linux/s390x")
    assert done.returncode == 3
    assert done.stdout.splitlines()[1:] == ["  no fix: no image in it is for linux/s390x"]


def test_what_is_fixed_runs_on_the_machine(tmp_path: Path) -> None:
    asked = ("--for", "docker-20.10", "--platform", "linux/arm64")
    fix = ocilayout("check", MULTI, *asked).stdout.splitlines()[1]
    command = shlex.split(fix.partition("fix it: ")[2])
    target = tmp_path / command[3]
    succeed(*command[1:3], target, *command[4:])
    assert ocilayout("check", target, *asked).stdout == (
        "docker-20.10: registry.example/hello:1 loads for linux/arm64; "
        "lost: its attestations and other referrers\n"
    )


def test_one_of_several_engines_is_enough_to_fail() -> None:
    done = ocilayout("check", MULTI, "--for", "containerd-1.6", "--for", "docker-29")
    assert done.returncode == 3
    assert [line.partition(":")[0] for line in done.stdout.splitlines()[:2]] == [
        "containerd-1.6",
        "docker-29",
    ]


def test_json_has_the_source_of_each_reason() -> None:
    told = json.loads(ocilayout("check", MULTI, "--for", "all", "--json").stdout)
    assert [engine["engine"] for engine in told["engines"]] == list(ENGINES)
    reasons = [image for engine in told["engines"] for image in engine["images"]]
    assert all(image["usable"] or image["source"] for image in reasons)


def test_json_has_a_verdict_for_each_engine_and_the_fix() -> None:
    asked = ("--for", "docker-29", "--for", "podman", "--for", "docker-29-containerd")
    told = json.loads(ocilayout("check", MULTI, *asked, "--json").stdout)
    assert [(each["engine"], each["verdict"]) for each in told["engines"]] == [
        ("docker-29", "refused"),
        ("podman", "loads"),
        ("docker-29-containerd", "loads"),
    ]
    fixes = [each["fix"] and each["fix"]["command"].split()[-1] for each in told["engines"]]
    assert fixes == ["docker-29", None, None]


def test_a_name_that_changes_is_a_verdict_of_its_own_and_no_failure() -> None:
    done = ocilayout("check", OLD, "--for", "podman", "--json")
    (engine,) = json.loads(done.stdout)["engines"]
    assert (done.returncode, engine["verdict"]) == (0, "name lost")
    (image,) = engine["images"]
    assert (image["verdict"], image["names"]) == ("name lost", ["localhost/hello:amd64"])


@pytest.mark.parametrize(
    ("family", "first", "rows"), [("docker", "docker-29-containerd", 5), ("containerd", None, 2)]
)
def test_a_family_is_all_its_rows_and_fails_with_any(
    family: str, first: str | None, rows: int, tmp_path: Path
) -> None:
    file = MULTI
    if first is None:
        file = write_oci_archive(tmp_path / "in.tar", make_source(make_image()))
    done = ocilayout("check", file, "--for", family, "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, len(told["engines"]), told["first"]) == (3, rows, {family: first})
    last = ocilayout("check", file, "--for", family).stdout.splitlines()[-1]
    assert last == (
        f"{family}: the first that loads it is {first}"
        if first
        else f"{family}: no version that is known loads it"
    )


def test_a_version_chooses_the_row() -> None:
    done = ocilayout("check", MULTI, "--for", "docker-25.0.3")
    assert (done.returncode, done.stdout.partition(":")[0]) == (3, "docker-25")


def test_what_is_made_for_a_family_loads_in_all_its_rows(tmp_path: Path) -> None:
    for family in ("docker", "containerd"):
        target = tmp_path / f"{family}.tar"
        succeed("convert", ZSTD, target, "--for", family)
        assert ocilayout("check", target, "--for", family).returncode == 0
    assert ocilayout("convert", ZSTD, tmp_path / "x.tar", "--for", "all").returncode == 2


def test_help_lists_the_engines_of_the_table() -> None:
    for verb in ("check", "convert", "save", "pull"):
        said = "".join(ocilayout(verb, "--help").stdout.split())
        assert ",".join(choices()) in said


def test_an_engine_must_be_named() -> None:
    assert ocilayout("check", MULTI).returncode == 2
    assert ocilayout("check", MULTI, "--for", "lxc").returncode == 2


def test_what_is_no_image_is_an_error() -> None:
    assert_refused(ocilayout("check", SAMPLES / "rootfs-amd64.tar", "--for", "all"), "not an image")


@pytest.mark.parametrize(
    "content",
    [b"<!DOCTYPE html>", b"\x1f\x8b\x08cut", b"\0" * 10240, make_tar({"etc/passwd": b"root"})],
)
def test_what_is_not_read_is_told_from_a_verdict(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "image.tar").write_bytes(content)
    done = ocilayout("check", tmp_path / "image.tar", "--for", "docker", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["engines"], told["dialect"]) == (1, [], None)
    assert f"error: {told['error']}\n" == done.stderr
    assert json.loads(ocilayout("check", OLD, "--for", "kind", "--json").stdout)["error"] is None


def test_layers_are_read_where_that_is_asked_for(tmp_path: Path) -> None:
    large = random.Random(1).randbytes(SMALL + 1)
    raw = make_config("linux/amd64", [make_layer("others")])
    config, layer = make_blob(OCI_CONFIG, raw), make_blob(OCI_LAYER, make_tar({"large": large}))
    image = make_manifest(config, [layer]).named("docker.io/lab/app:1")
    file = write_oci_archive(tmp_path / "in.tar", make_source(image))
    asked = ("check", file, "--for", "containerd-2", "--json")
    quickly = json.loads(ocilayout(*asked).stdout)
    assert (quickly["engines"][0]["verdict"], quickly["layers"]) == ("loads", False)
    wholly = ocilayout(*asked, "--layers")
    told = json.loads(wholly.stdout)
    assert (wholly.returncode, told["engines"][0]["verdict"], told["layers"]) == (
        3,
        "refused",
        True,
    )
    assert "inside" in told["engines"][0]["images"][0]["reason"]


@pytest.mark.parametrize(
    ("engine", "name", "mention"),
    [
        ("docker-20.10", "out.tar.zst", "zstd"),
        ("containerd", "out.tar.gz", "gzip"),
        ("k3s", "out.tar.xz", "xz"),
        ("docker-29", "oci:out", "docker-archive"),
    ],
)
def test_a_target_that_the_engine_does_not_read_is_wrong_usage(
    engine: str, name: str, mention: str
) -> None:
    done = ocilayout("convert", MULTI, name, "--for", engine)
    assert (done.returncode, mention in done.stderr) == (2, True)


def test_layers_that_the_engine_does_not_take_cannot_be_asked_for(tmp_path: Path) -> None:
    done = ocilayout(
        "convert", MULTI, tmp_path / "out.tar", "--for", "docker-20.10", "--compression", "zstd"
    )
    assert (done.returncode, "docker-20.10" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("engine", "codec"), [("docker-20.10", "gzip"), ("docker-23", "zstd"), ("podman", "zstd")]
)
def test_only_layers_that_must_change_are_changed(engine: str, codec: str, tmp_path: Path) -> None:
    succeed("convert", ZSTD, tmp_path / "out.tar", "--for", engine)
    (saved,) = read(tmp_path / "out.tar").saved
    assert set(saved.codecs) == {codec}


def test_gaps_are_left_out_for_an_engine(tmp_path: Path) -> None:
    layout = tmp_path / "layout"
    succeed("convert", MULTI, f"oci:{layout}")
    (entry,) = read(layout).entries
    arm = next(image for image in entry.images if image.platform == "linux/arm64")
    (layout / "blobs" / arm.manifest.replace(":", "/")).unlink()
    assert ocilayout("check", layout, "--for", "registry").returncode == 3
    done = ocilayout("convert", layout, tmp_path / "out.tar", "--for", "containerd-1.6")
    assert (done.returncode, "linux/arm64" in done.stderr) == (0, True)
    assert ocilayout("check", tmp_path / "out.tar", "--for", "containerd-1.6").returncode == 0


def test_what_is_lost_is_said() -> None:
    done = ocilayout("check", MULTI, "--for", "podman", "--platform", "linux/amd64")
    assert done.returncode == 0
    assert "lost: the platforms linux/arm64" in done.stdout
    assert "its attestations and other referrers" in done.stdout


def test_a_tag_alone_has_no_fix_but_refused(tmp_path: Path) -> None:
    source = make_source(make_image().named("v1"))
    file = write_oci_archive(tmp_path / "in.tar", source)
    done = ocilayout("convert", file, tmp_path / "out.tar", "--for", "k3s")
    assert_refused(done, "v1", "--tag REPOSITORY:TAG")
    assert not (tmp_path / "out.tar").exists()
    succeed("convert", file, tmp_path / "out.tar", "--for", "k3s", "--tag", "lab/app:v1")
    assert ocilayout("check", tmp_path / "out.tar", "--for", "k3s").returncode == 0
