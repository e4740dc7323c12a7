import json
from pathlib import Path

import pytest

from tests.commands.conftest import CommandLine
from tests.image_files import blob_file, flip_a_byte, write_layout
from tests.images import make_image, make_index, make_layer, make_source
from tests.snapshots import unchanged

NEW = make_image(layers=[make_layer("new")])
OLD = make_image(layers=[make_layer("old", 1000)])
SIZE = sum(map(len, OLD.contents.values()))


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """A layout with one image, and another that nothing lists."""
    source = make_source(NEW.named("registry.example/app:v1"))
    source.contents |= OLD.contents
    return write_layout(tmp_path / "layout", source)


@pytest.mark.parametrize("transport", ["", "oci:"])
def test_it_says_what_was_freed(layout: Path, ocilayout: CommandLine, transport: str) -> None:
    done = ocilayout.succeed("gc", f"{transport}{layout}")
    assert done.out == f"freed {SIZE} B in 3 blobs\n"
    assert done.err == ""
    assert ocilayout.succeed("gc", layout).out == "freed 0 B in 0 blobs\n"


def test_a_dry_run_lists_what_would_go_and_changes_nothing(
    layout: Path, ocilayout: CommandLine
) -> None:
    with unchanged(layout):
        done = ocilayout.succeed("gc", layout, "--dry-run")
    assert all(digest.blob_path in done.out for digest in OLD.contents)
    assert done.out.splitlines()[-1] == f"would free {SIZE} B in 3 blobs"


def test_the_report_is_json_where_asked(layout: Path, ocilayout: CommandLine) -> None:
    (layout / "ingest").mkdir()
    (layout / "ingest" / "half").write_bytes(b"1234")
    (layout / "blobs" / "sha256" / "README").write_text("mine")
    report = ocilayout.succeed("gc", layout, "--json").json
    assert report["freed"] == SIZE
    assert {blob["path"] for blob in report["blobs"]} == {d.blob_path for d in OLD.contents}
    assert report["kept"]["ingest"] == [{"path": "ingest/half", "size": 4}]
    assert report["kept"]["strays"] == ["blobs/sha256/README"]
    assert len(report["notes"]) == 2


def test_what_is_kept_is_noted(layout: Path, ocilayout: CommandLine) -> None:
    (layout / "ingest").mkdir()
    for number in range(12):
        (layout / "ingest" / f"{number:02}").write_bytes(b"1234")
    done = ocilayout.succeed("gc", layout)
    assert "ingest/09 and 2 more (half written by another tool: --ingest removes it)" in done.err
    done = ocilayout.succeed("gc", layout, "--ingest")
    assert done.out == "freed 48 B in 0 blobs and 12 leftovers\n"
    assert done.err == ""


def test_quiet_says_nothing(layout: Path, ocilayout: CommandLine) -> None:
    done = ocilayout.succeed("gc", layout, "-q")
    assert (done.out, done.err) == ("", "")
    assert not blob_file(layout, OLD.descriptor).exists()


def test_a_damaged_layout_is_one_line(layout: Path, ocilayout: CommandLine) -> None:
    flip_a_byte(blob_file(layout, NEW.descriptor))
    with unchanged(layout / "blobs"):
        ocilayout.refuse(1, "is damaged", "gc", layout)


def test_a_gap_is_refused_with_the_ways_out(tmp_path: Path, ocilayout: CommandLine) -> None:
    gone = make_image("linux/arm64")
    source = make_source(make_index(NEW, gone))
    source.contents |= OLD.contents
    del source.contents[gone.descriptor.digest]
    layout = write_layout(tmp_path / "layout", source)
    with unchanged(layout / "blobs"):
        ocilayout.refuse(1, "lacks linux/arm64", "gc", layout)
    ocilayout.succeed("gc", layout, "--missing", "keep")
    assert not blob_file(layout, OLD.descriptor).exists()


@pytest.mark.parametrize("suffix", [":v1", "@sha256:" + "a" * 64])
def test_it_is_for_the_layout_as_a_whole(layout: Path, ocilayout: CommandLine, suffix: str) -> None:
    ocilayout.refuse(2, "as a whole", "gc", f"{layout}{suffix}")


@pytest.mark.parametrize("place", ["-", "oci-archive:layout", "docker-daemon:app"])
def test_other_places_have_no_garbage(
    layout: Path, ocilayout: CommandLine, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(layout.parent)
    ocilayout.refuse(2, "for a layout folder", "gc", place)


def test_what_is_no_layout_is_refused(tmp_path: Path, ocilayout: CommandLine) -> None:
    (tmp_path / "app.tar").write_bytes(b"")
    ocilayout.refuse(1, "is a file", "gc", tmp_path / "app.tar")
    ocilayout.refuse(1, "is a directory, but no image", "gc", tmp_path)
    ocilayout.refuse(1, "no such file or directory", "gc", tmp_path / "absent")


def test_an_empty_list_has_to_be_said(layout: Path, ocilayout: CommandLine) -> None:
    index = json.loads((layout / "index.json").read_bytes())
    (layout / "index.json").write_text(json.dumps({**index, "manifests": None}))
    with unchanged(layout / "blobs"):
        ocilayout.refuse(1, "should be []", "gc", layout)
