"""What all verbs that write images share: what is said of them, and what is not written."""

import os
import random
from pathlib import Path

import pytest

from ocilayout.commands.terminal.progress import LARGE
from ocilayout.graph import read_manifest
from ocilayout.spec.digest import Digest
from ocilayout.stores import open_source
from tests.commands.conftest import CommandLine
from tests.image_files import write_layout
from tests.images import make_image, make_layer, make_source
from tests.program import SAMPLES
from tests.snapshots import contents_of, snapshot, unchanged

MULTI = SAMPLES / "buildx-multi-attested.tar"
AMD64 = SAMPLES / "docker-20.10-amd64.tar"
ZSTD = SAMPLES / "buildx-zstd-ppc64le"
NAME = "registry.example/app:v1"


class TestDryRun:
    @pytest.mark.parametrize("output", ["a.tar", "new/deep/layout", "layout"])
    @pytest.mark.parametrize("verb", ["convert", "merge"])
    def test_nothing_is_written(
        self, ocilayout: CommandLine, tmp_path: Path, verb: str, output: str
    ) -> None:
        write_layout(tmp_path / "layout", make_source(make_image().named(NAME)))
        target = ["-o"] if verb == "merge" else []
        with unchanged(tmp_path):
            done = ocilayout.succeed(verb, MULTI, *target, tmp_path / output, "--dry-run")
        assert "would write 20 blobs" in done.out

    def test_nothing_goes_to_standard_output_but_the_plan(self, ocilayout: CommandLine) -> None:
        assert ocilayout.succeed("convert", MULTI, "-", "--dry-run").out.startswith("would write")

    def test_blobs_are_listed(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        done = ocilayout.succeed("convert", ZSTD, tmp_path / "a.tar", "--dry-run")
        with open_source(str(ZSTD)) as source:
            for digest in contents_of(source):
                assert str(digest) in done.out

    def test_what_is_there_already_is_not(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        ocilayout.succeed("convert", ZSTD, tmp_path / "layout")
        done = ocilayout.succeed("convert", ZSTD, tmp_path / "layout", "--dry-run")
        with open_source(str(ZSTD)) as source:
            (entry,) = source.index.children
        assert done.out.splitlines() == [
            f"would write 0 blobs, 0 B, to {tmp_path / 'layout'}",
            f"would be registry.example/hello:ppc64le linux/ppc64le {entry.digest}",
        ]

    def test_layers_that_are_compressed_anew_have_no_digest_yet(
        self, ocilayout: CommandLine, tmp_path: Path
    ) -> None:
        options = ("--compression", "gzip", "--dry-run")
        done = ocilayout.succeed("convert", ZSTD, tmp_path / "a.tar", *options)
        # Two layers, and the manifest that leads to them, which the name leads to.
        assert done.out.count("digest not known yet") == 4

    def test_the_plan_as_json(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        place = str(tmp_path / "a.tar")
        options = ("--compression", "gzip", "--dry-run", "--json")
        plan = ocilayout.succeed("convert", ZSTD, place, *options).json
        assert plan.keys() == {
            "destination",
            "dry_run",
            "images",
            "moved",
            "blobs",
            "warnings",
            "notes",
        }
        (image,) = plan["images"]
        assert (image["names"], image["digest"]) == (["registry.example/hello:ppc64le"], None)
        assert plan["destination"] == place
        assert plan["dry_run"] is True
        assert len(plan["blobs"]) == 4
        for blob in plan["blobs"]:
            assert blob.keys() == {"digest", "size", "media_type"}
        assert [blob["digest"] is None for blob in plan["blobs"]].count(True) == 3

    def test_the_digest_is_that_of_the_run(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        command = ("convert", MULTI, tmp_path / "a.tar", "--platform", "linux/arm64", "--json")
        plan = ocilayout.succeed(*command, "--dry-run").json
        done = ocilayout.succeed(*command).json
        for key in ("images", "warnings", "notes"):
            assert plan[key] == done[key]

    def test_an_existing_output_is_refused_all_the_same(
        self, ocilayout: CommandLine, tmp_path: Path
    ) -> None:
        (tmp_path / "a.tar").write_text("mine")
        ocilayout.refuse(1, "--force", "convert", ZSTD, tmp_path / "a.tar", "--dry-run")


class TestJson:
    def test_a_plain_conversion(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        place = str(tmp_path / "a.tar")
        report = ocilayout.succeed("convert", MULTI, place, "--json").json
        with open_source(str(MULTI)) as source:
            (entry,) = source.index.children
            blobs = contents_of(source)
        assert report["destination"] == place
        assert report["changed"] == []
        assert report["copied"] == {
            "blobs": len(blobs),
            "bytes": sum(map(len, blobs.values())),
        }
        assert report["skipped"] == {"blobs": 0, "bytes": 0}
        assert report["linked"] == {"blobs": 0, "bytes": 0}
        assert report["warnings"] == []
        assert len(report["notes"]) == 1
        (image,) = report["images"]
        assert image == {
            "names": ["registry.example/hello:1"],
            "digest": str(entry.digest),
            "media_type": entry.media_type,
            "kind": "index",
            "platforms": ["linux/amd64", "linux/arm64", "linux/arm/v7"],
            "absent": [],
            "size": image["size"],
            "unique_size": image["size"],
            "refers_to": None,
        }

    def test_every_digest_that_changed_is_listed(
        self, ocilayout: CommandLine, tmp_path: Path
    ) -> None:
        place = tmp_path / "a.tar"
        options = ("--compression", "gzip", "--json")
        report = ocilayout.succeed("convert", ZSTD, place, *options).json
        with open_source(str(ZSTD)) as source:
            before = {str(digest) for digest in contents_of(source)}
        with open_source(str(place)) as source:
            after = {str(digest): len(raw) for digest, raw in contents_of(source).items()}
        changed = {item["old"]: item["new"] for item in report["changed"]}
        assert changed.keys() == before - after.keys()
        assert set(changed.values()) == after.keys() - before
        for item in report["changed"]:
            assert item.keys() == {"old", "new", "media_type", "size"}
            assert item["size"] == after[item["new"]]

    @pytest.mark.parametrize(
        "options",
        [
            ["--compression", "zstd"],
            ["--media-types", "docker"],
            ["--media-types", "docker", "--platform", "linux/arm64"],
            ["--platform", "linux/arm64", "--compression", "none"],
            ["--attestations", "drop"],
            ["--platform", "linux/arm64", "--platform", "linux/amd64"],
        ],
    )
    def test_what_changed_leads_from_the_source_to_the_output(
        self, ocilayout: CommandLine, tmp_path: Path, options: list[str]
    ) -> None:
        place = tmp_path / "layout"
        report = ocilayout.succeed("convert", MULTI, place, *options, "--json").json
        with open_source(str(MULTI)) as source:
            before = {str(digest) for digest in contents_of(source)}
        with open_source(str(place)) as source:
            after = {str(digest) for digest in contents_of(source)}
        assert report["changed"]
        for item in report["changed"]:
            assert item["old"] in before
            assert item["new"] in after
        assert after - before <= {item["new"] for item in report["changed"]}

    @pytest.mark.parametrize(
        "options", [[], ["--compression", "zstd"], ["--media-types", "docker"]]
    )
    def test_image_ids_stay_the_same(
        self, ocilayout: CommandLine, tmp_path: Path, options: list[str]
    ) -> None:
        place = tmp_path / "layout"
        report = ocilayout.succeed("convert", AMD64, place, *options, "--json").json
        with open_source(str(place)) as source:
            (entry,) = source.index.children
            config = read_manifest(source, entry).config
        assert config is not None
        assert report["image_ids"] == [
            {
                "manifest": str(entry.digest),
                "before": str(config.digest),
                "after": str(config.digest),
            }
        ]

    def test_what_was_compressed_anew_is_not_absent(
        self, ocilayout: CommandLine, tmp_path: Path
    ) -> None:
        options = ("--compression", "gzip", "--json")
        report = ocilayout.succeed("convert", ZSTD, tmp_path / "layout", *options).json
        (image,) = report["images"]
        assert (image["platforms"], image["absent"]) == (["linux/ppc64le"], [])

    def test_layers_of_manifests_that_had_to_be_made_are_listed(
        self, ocilayout: CommandLine, tmp_path: Path
    ) -> None:
        report = ocilayout.succeed("convert", AMD64, tmp_path / "layout", "--json").json
        assert len(report["changed"]) == 2
        assert all(item["media_type"].endswith("+gzip") for item in report["changed"])

    def test_warnings_are_in_it(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        done = ocilayout.succeed("convert", ZSTD, tmp_path / "a.tar", "--json")
        (warning,) = done.json["warnings"]
        assert "docker before 23" in warning
        assert f"warning: {warning}" in done.err

    def test_it_cannot_share_standard_output(self, ocilayout: CommandLine) -> None:
        ocilayout.refuse(2, "--json", "convert", MULTI, "-", "--json")

    def test_it_is_ascii_alone(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        made = make_image().annotated({"org.opencontainers.image.ref.name": "\x1b]0;é\u202e"})
        layout = write_layout(tmp_path / "layout", make_source(made))
        done = ocilayout.succeed("convert", layout, tmp_path / "out", "--json")
        assert done.out.isascii()
        assert "\x1b" not in done.out
        assert done.json["images"][0]["names"] == ["\x1b]0;é\u202e"]


class TestWords:
    def test_a_summary_names_images_platforms_and_digests(
        self, ocilayout: CommandLine, tmp_path: Path
    ) -> None:
        done = ocilayout.succeed("convert", MULTI, tmp_path / "layout")
        with open_source(str(MULTI)) as source:
            digest = source.index.children[0].digest
        assert done.out == (
            f"registry.example/hello:1 linux/amd64,linux/arm64,linux/arm/v7 {digest}\n"
        )

    def test_quiet_says_nothing(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        done = ocilayout.succeed("convert", ZSTD, tmp_path / "a.tar", "--quiet")
        assert (done.out, done.err) == ("", "")

    def test_quiet_still_says_errors(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        ocilayout.refuse(1, "absent", "convert", "absent", tmp_path / "a.tar", "-q")

    def test_verbose_says_each_blob_beside_the_data(
        self, ocilayout: CommandLine, tmp_path: Path
    ) -> None:
        first = ocilayout.succeed("convert", ZSTD, tmp_path / "layout", "-v")
        again = ocilayout.succeed("convert", ZSTD, tmp_path / "layout", "--verbose")
        assert first.err.count("copied: sha256:") == 4
        assert again.err.count("there already: sha256:") == 4
        assert first.out == again.out

    @pytest.mark.parametrize(("wish", "shown"), [("always", 1), ("never", 0), ("auto", 0)])
    def test_a_progress_bar_is_shown_where_asked(
        self, ocilayout: CommandLine, tmp_path: Path, wish: str, shown: int
    ) -> None:
        done = ocilayout.succeed("convert", MULTI, tmp_path / "layout", "--progress", wish)
        assert ("%|" in done.err) == shown

    @pytest.mark.parametrize("jobs", ["1", "4"])
    @pytest.mark.parametrize("output", ["layout", "a.tar", "zstd.tar"])
    def test_each_large_blob_has_a_bar(
        self, ocilayout: CommandLine, tmp_path: Path, output: str, jobs: str
    ) -> None:
        layers = [random.Random(seed).randbytes(2 * LARGE) for seed in range(3)]
        layers.append(make_layer("small"))
        source = make_source(make_image(layers=layers, codec="none").named(NAME))
        layout = write_layout(tmp_path / "source", source)
        anew = ("--compression", "zstd") if output == "zstd.tar" else ()
        arguments = (layout, tmp_path / output, "--progress", "always", "--jobs", jobs, *anew)
        done = ocilayout.succeed("convert", *arguments)
        shown = {digest for digest in source.contents if f"{digest}"[:19] in done.err}
        assert shown == {Digest.of(layer) for layer in layers[:3]}
        assert "total: " in done.err

    def test_what_is_there_already_has_no_bar(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        source = make_source(make_image(layers=[bytes(2 * LARGE)], codec="none"))
        layout = write_layout(tmp_path / "source", source)
        ocilayout.succeed("convert", layout, tmp_path / "out")
        done = ocilayout.succeed("convert", layout, tmp_path / "out", "--progress", "always")
        assert "total: " in done.err
        assert "sha256:" not in done.err

    def test_a_level_that_did_nothing_is_said(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        layout = write_layout(tmp_path / "layout", make_source(make_image(codec="gzip")))
        arguments = ("convert", layout, tmp_path / "a.tar", "--compression")
        assert "--level 9 did nothing" in ocilayout.succeed(*arguments, "gzip", "--level", "9").err
        done = ocilayout.succeed(*arguments, "zstd", "--level", "9", "--force")
        assert "did nothing" not in done.err

    def test_each_warning_is_said_once(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        layers = [[make_layer(text)] for text in "ab"]
        images = [make_image(layers=layer, codec="zstd") for layer in layers]
        layout = write_layout(tmp_path / "layout", make_source(*images))
        done = ocilayout.succeed("convert", layout, tmp_path / "a.tar")
        assert done.err.count("docker before 23") == 1


class TestLink:
    def test_blobs_are_linked_between_layouts(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        source = make_source(make_image().named(NAME))
        layout = write_layout(tmp_path / "layout", source)
        report = ocilayout.succeed("convert", layout, tmp_path / "out", "--link", "--json").json
        assert report["linked"]["blobs"] == 3
        shared = [
            path
            for path in (layout / "blobs" / "sha256").iterdir()
            if os.path.samefile(path, tmp_path / "out" / "blobs" / "sha256" / path.name)
        ]
        assert len(shared) == 3
        with open_source(str(tmp_path / "out")) as found:
            assert contents_of(found) == source.contents

    def test_what_was_not_read_is_said(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        layout = write_layout(tmp_path / "layout", make_source(make_image().named(NAME)))
        done = ocilayout.succeed("convert", layout, tmp_path / "out", "--link")
        assert "not read" in done.err

    def test_a_tar_cannot_be_linked_to(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        layout = write_layout(tmp_path / "layout", make_source(make_image().named(NAME)))
        ocilayout.refuse(2, "--link", "convert", layout, tmp_path / "a.tar", "--link")

    def test_what_is_no_file_is_copied(self, ocilayout: CommandLine, tmp_path: Path) -> None:
        report = ocilayout.succeed("convert", MULTI, tmp_path / "out", "--link", "--json").json
        assert report["linked"]["blobs"] == 0
        assert snapshot(tmp_path / "out")
