import json
import os
from pathlib import Path
from typing import Any

import pytest

from ocilayout.copy_engine import transfer
from ocilayout.destination_options import DestinationOptions
from ocilayout.errors import (
    BlobNotFound,
    DestinationExists,
    IntegrityError,
    InvalidArchive,
    InvalidDocument,
    OciLayoutError,
    UsageError,
)
from ocilayout.spec.digest import Digest
from ocilayout.stores import open_destination, open_source
from tests.image_files import flip_a_byte, layout_files, write_layout
from tests.images import (
    MemorySource,
    make_image,
    make_layer,
    make_source,
)
from tests.snapshots import contents_of, names_in, snapshot, unchanged
from tests.stores.contract import ManyImagesContract, flipped

NAME = "registry.example/app:v1"


class TestLayoutDir(ManyImagesContract):
    transport = "oci"
    output = "out"

    def test_an_error_leaves_no_parents_either(self, tmp_path: Path) -> None:
        source = make_source(make_image())
        source.contents.popitem()
        with pytest.raises(BlobNotFound):
            write(tmp_path / "new" / "deep" / "out", source)
        assert snapshot(tmp_path) == {}

    def test_parents_are_made(self, tmp_path: Path) -> None:
        write(tmp_path / "new" / "deep" / "out", make_source(make_image()))
        assert (tmp_path / "new" / "deep" / "out" / "index.json").is_file()

    @pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
    def test_files_have_the_mode_that_the_mask_leaves(
        self, tmp_path: Path, mask: int, mode: int
    ) -> None:
        before = os.umask(mask)
        try:
            path = self.write(tmp_path, make_source(make_image()))
        finally:
            os.umask(before)
        modes = {file.stat().st_mode & 0o777 for file in path.rglob("*") if file.is_file()}
        assert modes == {mode}


def write(layout: Path, source: MemorySource, **options: Any) -> None:
    with open_destination(f"oci:{layout}", DestinationOptions(**options)) as destination:
        transfer(source, destination)


def index_of(layout: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((layout / "index.json").read_bytes())
    return found


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """A layout of another tool, with one image, old:v1."""
    image = make_image(layers=[make_layer("old")]).named("registry.example/old:v1")
    return write_layout(tmp_path / "layout", make_source(image))


def test_adding_keeps_what_was_there(layout: Path) -> None:
    before = snapshot(layout)
    write(layout, make_source(make_image().named(NAME)))
    after = snapshot(layout)
    assert before.keys() <= after.keys()
    assert {name for name in before if before[name] != after[name]} == {"index.json"}
    with open_source(str(layout)) as read:
        assert list(names_in(read)) == ["registry.example/old:v1", NAME]
        contents_of(read)


def test_what_threads_added_is_withdrawn_after_an_error(layout: Path) -> None:
    layers = [make_layer(f"layer {number}", size=100_000) for number in range(8)]
    good = make_source(make_image(layers=layers, codec="none"))
    spoiled = flipped(good, Digest.of(layers[6]), -1)
    with (
        unchanged(layout),
        pytest.raises(IntegrityError),
        open_destination(f"oci:{layout}") as destination,
    ):
        transfer(spoiled, destination, jobs=4)


def test_adding_the_same_again_changes_nothing(layout: Path) -> None:
    source = make_source(make_image().named(NAME))
    write(layout, source)
    with unchanged(layout):
        write(layout, source)


def test_a_name_that_is_written_again_moves(layout: Path) -> None:
    first = make_image(layers=[make_layer("first")]).named(NAME)
    second = make_image(layers=[make_layer("second")]).named(NAME)
    write(layout, make_source(first))
    write(layout, make_source(second))
    with open_source(str(layout)) as read:
        assert names_in(read)[NAME] == second.descriptor.digest
        assert len(read.index.children) == 2


def test_an_image_that_loses_one_of_two_names_keeps_the_other(layout: Path) -> None:
    first = make_image(layers=[make_layer("first")]).named(NAME, "registry.example/app:old")
    second = make_image(layers=[make_layer("second")]).named(NAME)
    write(layout, make_source(first))
    write(layout, make_source(second))
    with open_source(str(layout)) as read:
        assert names_in(read)["registry.example/app:old"] == first.descriptor.digest


def test_a_nameless_image_is_listed_once(layout: Path) -> None:
    write(layout, make_source(make_image()))
    write(layout, make_source(make_image()))
    assert len(index_of(layout)["manifests"]) == 2


def test_unknown_fields_of_the_index_are_kept(tmp_path: Path) -> None:
    source = make_source(make_image(layers=[make_layer("old")]))
    layout = write_layout(tmp_path / "layout", source)
    stated = index_of(layout)
    stated |= {"annotations": {"a": "b"}, "x-vendor": {"deep": [1, None]}}
    stated["manifests"][0]["x-vendor"] = "kept"
    (layout / "index.json").write_text(json.dumps(stated))
    write(layout, make_source(make_image().named(NAME)))
    found = index_of(layout)
    assert found["x-vendor"] == {"deep": [1, None]}
    assert found["annotations"] == {"a": "b"}
    assert found["manifests"][0] == stated["manifests"][0]


def test_the_mode_of_the_index_is_kept(layout: Path) -> None:
    (layout / "index.json").chmod(0o640)
    write(layout, make_source(make_image()))
    assert (layout / "index.json").stat().st_mode & 0o777 == 0o640


def test_stray_files_are_left_alone(layout: Path) -> None:
    (layout / "README").write_text("mine")
    (layout / "ingest").mkdir()
    write(layout, make_source(make_image()))
    assert (layout / "README").read_text() == "mine"
    assert (layout / "ingest").is_dir()


@pytest.mark.parametrize("planted", [b"", bytes(100), b"other bytes"])
def test_a_wrong_blob_under_the_right_name_is_replaced(layout: Path, planted: bytes) -> None:
    made = make_image().named(NAME)
    for digest, content in made.contents.items():
        # Of the right length and of another: peers look at no more than that.
        path = layout / digest.blob_path
        path.write_bytes(planted[:1] * len(content) if planted[:1] == b"\0" else planted)
    write(layout, make_source(made))
    with open_source(f"{layout}:{NAME}") as read:
        assert contents_of(read) == made.contents


def test_a_blob_that_is_whole_is_not_written_again(layout: Path) -> None:
    made = make_image(layers=[make_layer("old")])
    files = [layout / digest.blob_path for digest in made.contents]
    before = [file.stat().st_ino for file in files]
    write(layout, make_source(made.named(NAME)))
    assert [file.stat().st_ino for file in files] == before


def test_a_damaged_blob_that_nobody_needs_hinders_nobody(layout: Path) -> None:
    flip_a_byte(next((layout / "blobs" / "sha256").iterdir()))
    write(layout, make_source(make_image().named(NAME)))
    with open_source(f"{layout}:{NAME}") as read:
        contents_of(read)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b'{"schemaVersion":2,"layers":[],"config":{}}',
        b'{"schemaVersion":2,"manifests":[],"manifests":[]}',
        b'{"schemaVersion":2,"manifests":[{}]}',
        b'\xef\xbb\xbf{"schemaVersion":2,"manifests":[]}',
    ],
)
def test_an_unreadable_index_is_refused_and_stays_as_it_is(layout: Path, raw: bytes) -> None:
    (layout / "index.json").write_bytes(raw)
    with unchanged(layout), pytest.raises(InvalidDocument):
        write(layout, make_source(make_image()))


@pytest.mark.parametrize("marker", [b'{"imageLayoutVersion":"2.0.0"}', b"", b"[]"])
def test_another_version_is_refused_and_stays_as_it_is(layout: Path, marker: bytes) -> None:
    (layout / "oci-layout").write_bytes(marker)
    with unchanged(layout), pytest.raises(OciLayoutError, match="oci-layout"):
        write(layout, make_source(make_image()))


def test_a_folder_without_a_marker_is_read_and_gets_one(
    layout: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (layout / "oci-layout").unlink()
    write(layout, make_source(make_image()))
    assert json.loads((layout / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
    assert "no oci-layout file" in caplog.text


def test_an_empty_layout_of_umoci_is_added_to(tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", make_source())
    (layout / "index.json").write_text('{"schemaVersion":2,"manifests":null}')
    write(layout, make_source(make_image().named(NAME)))
    assert len(index_of(layout)["manifests"]) == 1


@pytest.mark.parametrize("linked", ["blobs", "blobs/sha256"])
def test_folders_of_blobs_that_are_links_are_not_written_through(layout: Path, linked: str) -> None:
    outside = layout.parent / "outside"
    (layout / linked).rename(outside)
    (layout / linked).symlink_to(outside)
    with unchanged(outside), pytest.raises(InvalidArchive, match="link"):
        write(layout, make_source(make_image()))


def test_an_index_that_is_a_link_is_not_written_through(layout: Path) -> None:
    (layout / "index.json").rename(layout.parent / "elsewhere")
    (layout / "index.json").symlink_to(layout.parent / "elsewhere")
    with unchanged(layout.parent), pytest.raises(InvalidArchive, match="link"):
        write(layout, make_source(make_image()))


def test_an_error_while_adding_leaves_the_index_as_it_was(layout: Path) -> None:
    before = (layout / "index.json").read_bytes()
    source = make_source(make_image().named(NAME))
    source.contents.popitem()
    with pytest.raises(OciLayoutError):
        write(layout, source)
    assert (layout / "index.json").read_bytes() == before
    assert list(layout.glob(".ocilayout*")) == []


@pytest.mark.parametrize("name", ["INDEX.JSON", "Blobs"])
def test_names_that_fall_together_elsewhere_are_said(
    layout: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    (layout / name).write_text("")
    with open_source(str(layout)):
        pass
    assert repr(name) in caplog.text


def test_a_folder_with_other_things_is_refused_with_what_to_name(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    with (
        pytest.raises(DestinationExists, match="name a file in it, or a new folder"),
        open_destination(str(tmp_path)),
    ):
        pass


def test_a_file_in_its_place_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(DestinationExists, match="is a file"):
        write(tmp_path / "out", make_source(make_image()), replace=True)


def test_standard_output_cannot_be_a_folder() -> None:
    with pytest.raises(UsageError, match="oci-archive"), open_destination("oci:-"):
        pass


def test_another_tools_layout_is_read_byte_for_byte(tmp_path: Path) -> None:
    source = make_source(make_image().named("v1"))
    layout = write_layout(tmp_path / "layout", source)
    assert snapshot(layout).keys() >= layout_files(source).keys()
    with open_source(str(layout)) as read:
        assert read.index.raw == source.index.raw
        assert names_in(read).keys() == {"v1"}
