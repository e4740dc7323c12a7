import json
from pathlib import Path

import pytest

from ocilayout.stores import open_source
from tests.commands.conftest import CommandLine
from tests.image_files import write_docker_archive, write_layout
from tests.images import (
    make_blob,
    make_image,
    make_index,
    make_layer,
    make_manifest,
    make_source,
)
from tests.program import SAMPLES
from tests.snapshots import (
    manifest_json,
    names_in,
    platforms_in,
    snapshot,
    tar_files,
    unchanged,
)

MULTI = SAMPLES / "buildx-multi-attested.tar"
AMD64 = SAMPLES / "docker-20.10-amd64.tar"
TWO = SAMPLES / "docker-20.10-two-images.tar"
ZSTD = SAMPLES / "buildx-zstd-ppc64le"
NAME = "registry.example/app:v1"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def dialect(ocilayout: CommandLine, place: Path) -> str:
    (found,) = ocilayout.succeed("ls", place, "--json").json["places"]
    return str(found["dialect"])


class TestPlaces:
    def test_a_name_ending_in_tar_is_loadable(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        ocilayout.succeed("convert", MULTI, tmp_path / "a.tar")
        assert "manifest.json" in tar_files(tmp_path / "a.tar")

    def test_any_other_name_is_a_layout(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        ocilayout.succeed("convert", MULTI, tmp_path / "layout")
        assert dialect(ocilayout, tmp_path / "layout") == "oci"

    def test_a_layout_that_exists_is_added_to(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        for sample in (MULTI, ZSTD, AMD64):
            ocilayout.succeed("convert", sample, tmp_path / "layout")
        with open_source(str(tmp_path / "layout")) as source:
            assert len(names_in(source)) == 3

    @pytest.mark.parametrize("wanted", ["oci", "oci-archive", "docker-archive", "dir"])
    def test_to_says_what_is_written(
        self, ocilayout: CommandLine, tmp_path: Path, wanted: str
    ) -> None:
        ocilayout.succeed("convert", MULTI, tmp_path / "out", "--to", wanted)
        assert dialect(ocilayout, tmp_path / "out").split()[0] == wanted

    def test_to_cannot_contradict_the_place(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        place = f"oci:{tmp_path}/out"
        ocilayout.refuse(2, "--to says dir", "convert", MULTI, place, "--to", "dir")

    def test_several_sources_become_one(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        done = ocilayout.succeed("convert", MULTI, ZSTD, TWO, tmp_path / "a.tar")
        assert len(done.out.splitlines()) == 4
        assert len(manifest_json(tmp_path / "a.tar")) == 4

    def test_two_images_with_one_name_are_refused(
        self, ocilayout: CommandLine, tmp_path: Path
    ) -> None:
        for text in "ab":
            write_docker_archive(tmp_path / text, NAME, layers=[make_layer(text)])
        sources = (tmp_path / "a", tmp_path / "b")
        ocilayout.refuse(1, NAME, "convert", *sources, tmp_path / "c.tar")
        assert not (tmp_path / "c.tar").exists()

    def test_a_name_picks_one_of_several(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        ocilayout.succeed("convert", f"{TWO}:greeter:latest", tmp_path / "a.tar")
        (entry,) = manifest_json(tmp_path / "a.tar")
        assert entry["RepoTags"] == ["docker.io/library/greeter:latest"]

    @pytest.mark.parametrize(
        ("source", "said"),
        [
            ("absent.tar", "absent.tar: no such file or directory"),
            (f"{TWO}:v9", "'v9'"),
            (f"{TWO}:amd64", "fits"),
        ],
    )
    def test_what_is_not_found_is_said(
        self, ocilayout: CommandLine, tmp_path: Path, source: str, said: str
    ) -> None:
        with unchanged(tmp_path):
            ocilayout.refuse(1, said, "convert", source, tmp_path / "a.tar")

    @pytest.mark.parametrize(
        ("place", "said"),
        [
            ("a.zip", ".zip is no kind of tar"),
            (f"a@sha256:{'a' * 64}", "not what is to be written"),
            ("docker://registry.example/App", "not an image name"),
            ("oci:", "path is missing"),
            ("a:UPPER/../x", "neither a tag nor an image name"),
        ],
    )
    def test_a_place_that_makes_no_sense_is_wrong_usage(
        self,
        ocilayout: CommandLine,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        place: str,
        said: str,
    ) -> None:
        monkeypatch.chdir(tmp_path)
        ocilayout.refuse(2, said, "convert", MULTI, place)
        assert snapshot(tmp_path) == {}

    def test_an_output_is_not_replaced_unless_forced(
        self, ocilayout: CommandLine, tmp_path: Path
    ) -> None:
        path = tmp_path / "a.tar"
        path.write_text("mine")
        ocilayout.refuse(1, "--force", "convert", MULTI, path)
        assert path.read_text() == "mine"
        ocilayout.succeed("convert", MULTI, path, "--force")
        assert list(snapshot(tmp_path)) == ["a.tar"]

    def test_a_file_cannot_be_source_and_destination(
        self, ocilayout: CommandLine, tmp_path: Path
    ) -> None:
        path = tmp_path / "a.tar"
        path.write_bytes(MULTI.read_bytes())
        with unchanged(tmp_path):
            ocilayout.refuse(1, "source and destination", "convert", path, path, "--force")

    def test_a_destination_cannot_lie_in_its_source(
        self, ocilayout: CommandLine, tmp_path: Path
    ) -> None:
        layout = write_layout(tmp_path / "layout", make_source(make_image()))
        with unchanged(tmp_path):
            ocilayout.refuse(1, "which is read", "convert", layout, layout / "a.tar")

    def test_a_layout_may_be_both(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        layout = write_layout(tmp_path / "layout", make_source(make_image().named(NAME)))
        ocilayout.succeed("convert", f"{layout}:{NAME}", layout, "-t", "registry.example/app:v2")
        with open_source(str(layout)) as source:
            assert len(names_in(source)) == 2


class TestNames:
    def names(self, path: Path) -> list[str]:
        with open_source(str(path)) as source:
            return list(names_in(source))

    def test_tags_take_the_place_of_the_names_it_had(
        self, ocilayout: CommandLine, tmp_path: Path
    ) -> None:
        ocilayout.succeed("convert", AMD64, tmp_path / "a.tar", "-t", "demo:v1", "--tag", NAME)
        assert self.names(tmp_path / "a.tar") == ["docker.io/library/demo:v1", NAME]

    def test_a_destination_may_name_the_image(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        ocilayout.succeed("convert", AMD64, f"{tmp_path}/layout:{NAME}")
        assert self.names(tmp_path / "layout") == [NAME]

    def test_a_bare_tag_stays_so_in_a_layout(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        ocilayout.succeed("convert", AMD64, f"{tmp_path}/layout:v1")
        assert self.names(tmp_path / "layout") == ["v1"]

    def test_a_bare_tag_has_no_place_in_manifest_json(
        self, ocilayout: CommandLine, tmp_path: Path
    ) -> None:
        done = ocilayout.succeed("convert", AMD64, f"{tmp_path}/a.tar:v1")
        assert manifest_json(tmp_path / "a.tar")[0]["RepoTags"] == []
        assert "warning: tag without a repository: 'v1'" in done.err

    def test_several_images_cannot_have_one_name(
        self, ocilayout: CommandLine, tmp_path: Path
    ) -> None:
        ocilayout.refuse(2, "2 are selected", "convert", TWO, tmp_path / "a.tar", "-t", NAME)
        ocilayout.refuse(2, "2 are selected", "convert", TWO, f"{tmp_path}/a.tar:{NAME}")
        assert snapshot(tmp_path) == {}

    def test_a_tag_that_is_no_name_is_wrong_usage(
        self, ocilayout: CommandLine, tmp_path: Path
    ) -> None:
        arguments = ("convert", AMD64, tmp_path / "a.tar", "-t", "app:v1:v2")
        ocilayout.refuse(2, "'app:v1:v2' is neither a tag nor an image name", *arguments)

    def test_capitals_in_a_name_are_told_from_other_mistakes(
        self, ocilayout: CommandLine, tmp_path: Path
    ) -> None:
        arguments = ("convert", AMD64, tmp_path / "a.tar", "-t", "My/App:V1")
        ocilayout.refuse(2, "repositories are in lower case", *arguments)


class TestPlatforms:
    def test_what_was_not_asked_for_goes(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        wanted = ("--platform", "linux/arm64", "--platform", "linux/arm")
        ocilayout.succeed("convert", MULTI, tmp_path / "layout", *wanted)
        with open_source(str(tmp_path / "layout")) as source:
            assert platforms_in(source) == ["linux/arm64", "linux/arm/v7"]

    def test_the_first_one_is_what_docker_loads_and_that_is_said(
        self, ocilayout: CommandLine, tmp_path: Path
    ) -> None:
        wanted = ("--platform", "linux/arm/v7", "--platform", "linux/arm64")
        done = ocilayout.succeed("convert", MULTI, tmp_path / "a.tar", *wanted)
        assert "note:" in done.err
        assert "manifest.json names linux/arm/v7" in done.err
        files = tar_files(tmp_path / "a.tar")
        (entry,) = json.loads(files["manifest.json"])
        assert json.loads(files[entry["Config"]])["variant"] == "v7"

    def test_one_that_is_nowhere_is_not_found(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        wanted = ("--platform", "linux/s390x")
        ocilayout.refuse(1, "linux/s390x", "convert", MULTI, tmp_path / "a.tar", *wanted)
        assert snapshot(tmp_path) == {}

    def test_one_that_is_none_is_wrong_usage(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        wanted = ("--platform", "linux//")
        ocilayout.refuse(2, "OS/ARCH", "convert", MULTI, tmp_path / "a.tar", *wanted)

    def test_attestations_can_be_dropped(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        for wish in ("keep", "drop"):
            ocilayout.succeed("convert", MULTI, tmp_path / wish, "--attestations", wish)
        assert ocilayout.succeed("inspect", tmp_path / "keep").out.count("─ attestation") == 3
        assert "─ attestation" not in ocilayout.succeed("inspect", tmp_path / "drop").out
        with open_source(str(tmp_path / "drop")) as source:
            assert platforms_in(source) == ["linux/amd64", "linux/arm64", "linux/arm/v7"]

    @pytest.mark.parametrize(
        ("policy", "expected"),
        [("keep", ["linux/amd64", "linux/arm64"]), ("prune", ["linux/amd64"])],
    )
    def test_sparse_images_are_refused_unless_asked(
        self, ocilayout: CommandLine, tmp_path: Path, policy: str, expected: list[str]
    ) -> None:
        gone = make_image("linux/arm64")
        source = make_source(make_index(make_image("linux/amd64"), gone).named(NAME))
        del source.contents[gone.descriptor.digest]
        layout, path = write_layout(tmp_path / "layout", source), tmp_path / "a.tar"
        done = ocilayout.refuse(1, "linux/arm64 is not whole", "convert", layout, path)
        assert "--missing prune" in done.err
        assert not path.exists()
        ocilayout.succeed("convert", layout, path, "--missing", policy)
        (found,) = ocilayout.succeed("ls", path, "--json").json["places"][0]["images"]
        assert found["platforms"] + found["absent"] == expected


def test_what_has_no_form_is_refused_before_anything_is_copied(
    ocilayout: CommandLine, tmp_path: Path
) -> None:
    artifact = make_manifest(make_blob("application/vnd.example", b"{}"))
    write_layout(tmp_path / "in", make_source(artifact))
    for more in ((), ("--dry-run",)):
        ocilayout.refuse(1, "no image", "convert", tmp_path / "in", tmp_path / "a.tar", *more)


def test_a_name_that_is_given_has_no_digest(ocilayout: CommandLine, tmp_path: Path) -> None:
    name = f"app@sha256:{'0' * 64}"
    arguments = ("convert", SAMPLES / "crane-386.tar", tmp_path / "a.tar", "-t", name)
    ocilayout.refuse(2, "no part of a name", *arguments)


def test_gaps_of_one_source_do_not_hinder_another(ocilayout: CommandLine, tmp_path: Path) -> None:
    here, gone = make_image("linux/amd64"), make_image("linux/arm64")
    source = make_source(make_index(here, gone).named("app:v1"))
    del source.contents[gone.descriptor.digest]
    write_layout(tmp_path / "sparse", source)
    arguments = ("convert", tmp_path / "sparse", SAMPLES / "docker-20.10-amd64.tar", "--missing")
    done = ocilayout.succeed(*arguments, "prune", tmp_path / "out", "--json")
    assert len(done.json["images"]) == 2
