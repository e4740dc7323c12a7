"""`validate` as a person meets it."""

import gzip
from pathlib import Path

import pytest

from ocilayout.spec.media_types import OCI_CONFIG, OCI_LAYER
from tests.commands.conftest import CommandLine
from tests.image_files import write_layout
from tests.images import make_blob, make_config, make_image, make_layer, make_manifest, make_source
from tests.program import SAMPLES, program
from tests.verify.spoiled import SPOILED

IMAGES = sorted(
    path
    for path in SAMPLES.iterdir()
    if path.name != "README.md" and not path.name.startswith("rootfs")
)


@pytest.mark.parametrize("place", IMAGES, ids=lambda path: path.name)
def test_samples_of_real_tools_have_no_error(ocilayout: CommandLine, place: Path) -> None:
    done = ocilayout.succeed("validate", place)
    assert "error" not in done.out
    assert "warning" not in done.out


def test_a_sound_place_is_one_line_beside_the_data(ocilayout: CommandLine) -> None:
    place = SAMPLES / "buildx-multi-attested.tar"
    done = ocilayout.succeed("validate", place)
    assert done.out == ""
    assert done.err == f"{place}: 3 images, 4 layers, 21.6 KiB read: no problem found\n"


def test_a_finding_is_one_line_with_all_that_is_known(
    ocilayout: CommandLine, tmp_path: Path
) -> None:
    place = SPOILED["platform-mismatch"](tmp_path)
    done = ocilayout.succeed("validate", place)
    assert done.out == (
        f"{place}: warning: index.json: manifests[0].platform.architecture: arm64 in the index, "
        "amd64 in the config; state the right one with merge --set-platform, or build it again "
        "[platform-mismatch]\n"
    )
    assert done.err.endswith(" read: 1 warning\n")


def test_errors_are_3(ocilayout: CommandLine, tmp_path: Path) -> None:
    done = ocilayout("validate", SPOILED["diff-id-mismatch"](tmp_path))
    assert done.code == 3
    assert "[diff-id-mismatch]" in done.out


def test_fast_says_that_it_read_no_layers(ocilayout: CommandLine, tmp_path: Path) -> None:
    done = ocilayout.succeed("validate", "--fast", SPOILED["diff-id-mismatch"](tmp_path))
    assert done.err.endswith(" read, but no layers (--fast): no problem found\n")


def test_quiet_is_errors_alone(ocilayout: CommandLine, tmp_path: Path) -> None:
    done = ocilayout.succeed("validate", "-q", SPOILED["platform-mismatch"](tmp_path))
    assert (done.out, done.err) == ("", "")
    damaged = SPOILED["diff-id-mismatch"](tmp_path / "other")
    done = ocilayout("validate", "-q", damaged)
    assert (done.out.count("\n"), done.err) == (1, "")


def test_a_place_that_is_not_there_hinders_no_other(ocilayout: CommandLine, tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", make_source(make_image()))
    done = ocilayout("validate", tmp_path / "absent", layout)
    assert done.code == 1
    assert "absent: no such file or directory" in done.err
    assert "no problem found" in done.err


def test_what_is_no_image_is_a_finding(ocilayout: CommandLine) -> None:
    done = ocilayout("validate", SAMPLES / "rootfs-amd64.tar")
    assert done.code == 3
    assert "[place-without-image]" in done.out


def test_an_archive_that_was_cut_off_is_a_finding_however_it_is_compressed(
    ocilayout: CommandLine, tmp_path: Path
) -> None:
    raw = gzip.compress((SAMPLES / "docker-20.10-amd64.tar").read_bytes())
    place = tmp_path / "image.tar.gz"
    place.write_bytes(raw[:-100])
    done = ocilayout("validate", place)
    assert done.code == 3
    assert done.out == (
        f"{place}: error: {place}: the gzip stream is cut off; copy it again, if it is an image "
        "at all [place-unreadable]\n"
    )


def test_the_remedy_is_that_of_the_code_alone(ocilayout: CommandLine, tmp_path: Path) -> None:
    layer = make_layer("app")
    config = make_blob(OCI_CONFIG, make_config("linux/amd64", [layer]))
    image = make_manifest(config, [make_blob(f"{OCI_LAYER}+gzip", gzip.compress(layer)[:-4])])
    layout = write_layout(tmp_path / "layout", make_source(image))
    done = ocilayout("validate", layout)
    assert "stream is cut off; build it again [layer-undecodable]" in done.out


def test_all_is_counted_and_json_lists_all(ocilayout: CommandLine, tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", make_source(make_image()))
    for number in range(1100):
        (layout / f"{number}").touch()
    done = ocilayout.succeed("validate", layout)
    assert done.out.count("[file-stray]") == 1001
    assert done.err.endswith(": 1100 notes\n")
    (place,) = ocilayout.succeed("validate", "--json", layout).json["places"]
    assert (place["notes"], len(place["problems"])) == (1100, 1100)


def test_a_platform_that_is_not_there_was_not_found_sound(ocilayout: CommandLine) -> None:
    place = SAMPLES / "buildx-multi-attested.tar"
    options = ["--platform", "linux/amd64", "--platform", "linux/s390x"]
    ocilayout.refuse(1, "no image for linux/s390x", "validate", place, *options)


def test_json_has_every_part_of_a_finding(ocilayout: CommandLine, tmp_path: Path) -> None:
    layout = SPOILED["diff-id-mismatch"](tmp_path)
    done = ocilayout("validate", "--json", layout, SAMPLES / "crane-386.tar")
    damaged, sound = done.json["places"]
    assert (done.code, damaged["errors"], sound["errors"]) == (3, 1, 0)
    assert damaged["problems"][0].keys() == {"level", "code", "where", "text", "remedy"}
    assert sound["problems"] == []
    assert (sound["dialect"], sound["images"], sound["layers"]) == ("docker-archive", 1, 2)


def test_a_name_picks_what_is_looked_at(ocilayout: CommandLine, tmp_path: Path) -> None:
    good, bad = make_image().named("v1"), make_image("linux/arm64").named("v2")
    layout = write_layout(tmp_path / "layout", make_source(good, bad))
    (layout / bad.descriptor.digest.blob_path).unlink()
    ocilayout.succeed("validate", f"{layout}:v1")
    assert ocilayout("validate", f"{layout}:v2").code == 3


def test_standard_input_can_be_looked_at() -> None:
    place = SAMPLES / "docker-20.10-amd64.tar"
    done = program("validate", "-", stdin=place.read_bytes())
    assert (done.returncode, done.stdout) == (0, b"")


def test_a_progress_bar_is_drawn_where_it_is_asked_for(ocilayout: CommandLine) -> None:
    place = SAMPLES / "crane-386.tar"
    assert "%" in ocilayout.succeed("validate", "--progress", "always", place).err
