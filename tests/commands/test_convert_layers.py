"""What `convert` does to layers, and what damage does to it."""

import fcntl
import json
import os
from pathlib import Path

import pytest

from ocilayout.graph import walk
from ocilayout.spec.media_types import layer_type
from ocilayout.stores import open_source
from tests.commands.conftest import CommandLine
from tests.image_files import flip_a_byte, write_layout
from tests.images import make_image, make_source
from tests.program import SAMPLES
from tests.snapshots import (
    contents_of,
    snapshot,
    unchanged,
)

MULTI = SAMPLES / "buildx-multi-attested.tar"
AMD64 = SAMPLES / "docker-20.10-amd64.tar"
TWO = SAMPLES / "docker-20.10-two-images.tar"
ZSTD = SAMPLES / "buildx-zstd-ppc64le"
NAME = "registry.example/app:v1"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def codecs(place: Path) -> set[str]:
    """How the layers at a place are compressed, by their media types."""
    with open_source(str(place)) as source:
        contents_of(source)
        kinds = [layer_type(blob.media_type) for blob in walk(source)]
    return {kind.codec for kind in kinds if kind is not None}


class TestCompression:
    @pytest.mark.parametrize(
        ("options", "output", "expected"),
        [
            ([], "layout", "gzip"),
            ([], "a.tar", "none"),
            (["--to", "oci-archive"], "a.tar", "gzip"),
            (["--compression", "keep"], "layout", "none"),
            (["--compression", "none"], "layout", "none"),
            (["--compression", "zstd"], "layout", "zstd"),
            (["--compression", "gzip", "--level", "9"], "a.tar", "gzip"),
        ],
    )
    def test_plain_layers_of_old_archives(
        self,
        ocilayout: CommandLine,
        tmp_path: Path,
        options: list[str],
        output: str,
        expected: str,
    ) -> None:
        ocilayout.succeed("convert", AMD64, tmp_path / output, *options)
        assert codecs(tmp_path / output) == {expected}

    @pytest.mark.parametrize("output", ["layout", "a.tar"])
    def test_layers_with_manifests_stay_as_they_are(
        self, ocilayout: CommandLine, tmp_path: Path, output: str
    ) -> None:
        for sample in (MULTI, ZSTD, SAMPLES / "docker-25-riscv64.tar"):
            place = tmp_path / f"{sample.stem}-{output}"
            with open_source(str(sample)) as source:
                before = contents_of(source)
            ocilayout.succeed("convert", sample, place)
            with open_source(str(place)) as source:
                assert contents_of(source) == before

    @pytest.mark.parametrize("codec", ["gzip", "none"])
    def test_all_layers_are_compressed_anew_where_asked(
        self, ocilayout: CommandLine, tmp_path: Path, codec: str
    ) -> None:
        ocilayout.succeed("convert", ZSTD, tmp_path / "a.tar", "--compression", codec)
        assert codecs(tmp_path / "a.tar") == {codec}

    def test_zstd_for_docker_is_warned_of(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        done = ocilayout.succeed("convert", ZSTD, tmp_path / "a.tar")
        assert "warning: layers are compressed with zstd, which docker before 23" in done.err

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (["--level", "3"], "--level needs --compression"),
            (["--level", "3", "--compression", "keep"], "--level needs --compression"),
            (["--level", "10", "--compression", "gzip"], "levels 1 to 9, not 10"),
            (["--level", "0", "--compression", "zstd"], "levels 1 to 19, not 0"),
            (["--level", "1", "--compression", "none"], "means nothing for none"),
            (["--compression", "xz"], "xz"),
            (["--compression", "zstd", "--media-types", "docker"], "needs gzip layers"),
            (["--compression", "none", "--media-types", "docker"], "needs gzip layers"),
            (["--jobs", "0"], "0"),
            (["--jobs", "65"], "65"),
            (["--missing", "guess"], "guess"),
            (["--scratch", "/absent"], "/absent"),
            (["--link"], "--link is for layout folders"),
            (["--lock-timeout", "-1"], "-1"),
        ],
    )
    def test_options_that_make_no_sense_are_wrong_usage(
        self, ocilayout: CommandLine, tmp_path: Path, options: list[str], said: str
    ) -> None:
        ocilayout.refuse(2, said, "convert", ZSTD, tmp_path / "a.tar", *options)
        assert snapshot(tmp_path) == {}

    def test_media_types_of_docker_mean_gzip(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        ocilayout.succeed("convert", ZSTD, tmp_path / "layout", "--media-types", "docker")
        raw = ocilayout.succeed("inspect", tmp_path / "layout", "--raw").json
        assert raw["mediaType"] == "application/vnd.docker.distribution.manifest.v2+json"
        assert raw["config"]["mediaType"] == "application/vnd.docker.container.image.v1+json"
        assert {layer["mediaType"] for layer in raw["layers"]} == {DOCKER_LAYER}
        with open_source(str(tmp_path / "layout")) as source:
            contents_of(source)

    def test_media_types_of_docker_have_no_attestations(
        self, ocilayout: CommandLine, tmp_path: Path
    ) -> None:
        done = ocilayout.succeed("convert", MULTI, tmp_path / "layout", "--media-types", "docker")
        assert "warning: attestations are left out" in done.err

    def test_media_types_of_oci(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        sample = SAMPLES / "buildx-docker-s390x.tar"
        ocilayout.succeed("convert", sample, tmp_path / "layout", "--media-types", "oci")
        raw = ocilayout.succeed("inspect", tmp_path / "layout", "--raw").json
        assert raw["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
        assert codecs(tmp_path / "layout") == {"gzip"}


class TestDamage:
    @pytest.mark.parametrize("output", ["layout", "a.tar", "a.tar.gz"])
    def test_a_flipped_byte_leaves_nothing(
        self, ocilayout: CommandLine, tmp_path: Path, output: str
    ) -> None:
        layout = write_layout(tmp_path / "in", make_source(make_image().named(NAME)))
        for blob in sorted((layout / "blobs" / "sha256").iterdir()):
            flip_a_byte(blob)
            with unchanged(tmp_path):
                ocilayout.refuse(1, blob.name, "convert", layout, tmp_path / output)
            flip_a_byte(blob)

    def test_a_missing_layer_names_blob_and_way_out(
        self, ocilayout: CommandLine, tmp_path: Path
    ) -> None:
        layout = write_layout(tmp_path / "in", make_source(make_image().named(NAME)))
        gone = max((layout / "blobs" / "sha256").iterdir(), key=os.path.getsize)
        gone.unlink()
        ocilayout.refuse(1, gone.name, "convert", layout, tmp_path / "a.tar")

    def test_an_archive_that_is_cut_off_is_refused(
        self, ocilayout: CommandLine, tmp_path: Path
    ) -> None:
        (tmp_path / "cut.tar").write_bytes(MULTI.read_bytes()[:20_000])
        ocilayout.refuse(1, "cut.tar is cut off", "convert", tmp_path / "cut.tar", tmp_path / "out")
        assert list(snapshot(tmp_path)) == ["cut.tar"]

    def test_what_was_to_be_replaced_survives(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        layout = write_layout(tmp_path / "in", make_source(make_image().named(NAME)))
        flip_a_byte(max((layout / "blobs" / "sha256").iterdir(), key=os.path.getsize))
        (tmp_path / "a.tar").write_text("mine")
        with unchanged(tmp_path):
            ocilayout.refuse(1, "hashes to", "convert", layout, tmp_path / "a.tar", "--force")

    def test_a_locked_layout_is_waited_for_and_no_longer(
        self, ocilayout: CommandLine, tmp_path: Path
    ) -> None:
        layout = write_layout(tmp_path / "layout", make_source())
        with (layout / "index.json.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            ocilayout.refuse(1, "locked", "convert", AMD64, layout, "--lock-timeout", "0.1")
        assert json.loads((layout / "index.json").read_bytes())["manifests"] == []
