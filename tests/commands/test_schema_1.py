"""Docker schema 1 is refused by name in every form: its layers would be lost."""

from pathlib import Path

import pytest

from ocilayout.spec.digest import Digest
from tests.commands.conftest import CommandLine
from tests.image_files import write_layout, write_oci_archive
from tests.images import encode, make_blob, make_image, make_index, make_source

LAYER = Digest.of(b"layer")
FIELDS = {"schemaVersion": 1, "name": "app", "fsLayers": [{"blobSum": str(LAYER)}], "history": []}
TYPES = [
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
    "application/octet-stream",
]


@pytest.mark.parametrize("media_type", TYPES)
@pytest.mark.parametrize("stored", ["layout", "archive.tar"])
@pytest.mark.parametrize("target", ["oci:out", "oci-archive:out.tar", "out.tar", "dir:out"])
def test_it_is_not_copied_and_validate_finds_it(
    ocilayout: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    media_type: str,
    stored: str,
    target: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    source = make_source(make_blob(media_type, encode(FIELDS)).named("registry.example/app:1"))
    place = (write_layout if stored == "layout" else write_oci_archive)(tmp_path / stored, source)
    ocilayout.refuse(1, "Docker schema 1", "convert", place, target)
    assert sorted(path.name for path in tmp_path.iterdir()) == [stored]
    (found,) = ocilayout("validate", "--json", place).json["places"]
    assert "schema-1" in {problem["code"] for problem in found["problems"]}


def test_it_is_named_in_a_dir(ocilayout: CommandLine, tmp_path: Path) -> None:
    place = tmp_path / "dir"
    place.mkdir()
    (place / "version").write_text("Directory Transport Version: 1.1\n")
    (place / "manifest.json").write_bytes(encode(FIELDS))
    (place / LAYER.encoded).write_bytes(b"layer")
    ocilayout.refuse(1, "Docker schema 1", "convert", f"dir:{place}", f"oci:{tmp_path}/out")
    assert "[schema-1]" in ocilayout("validate", f"dir:{place}").out


def test_it_is_left_out_where_that_is_asked_for(ocilayout: CommandLine, tmp_path: Path) -> None:
    old = make_blob(TYPES[0], encode(FIELDS)).named("registry.example/app:1")
    source = make_source(old, make_image().named("registry.example/app:2"))
    place = write_layout(tmp_path / "layout", source)
    ocilayout.refuse(1, "--missing prune", "convert", place, tmp_path / "out.tar")
    ocilayout.succeed("convert", "--missing", "prune", place, tmp_path / "out.tar")
    assert "app:1" not in ocilayout.succeed("ls", tmp_path / "out.tar").out


UNKNOWN = {"schemaVersion": 2, "layers": [{"digest": str(LAYER), "size": 5, "mediaType": "a/b"}]}


@pytest.mark.parametrize("below", ["top", "index"])
@pytest.mark.parametrize(
    ("media_type", "fields", "code"),
    [
        *((media_type, FIELDS, "schema-1") for media_type in TYPES),
        ("application/vnd.example.v9+json", UNKNOWN, "document-not-followed"),
    ],
)
def test_validate_offers_no_removal_of_blobs_that_it_may_lead_to(
    ocilayout: CommandLine,
    tmp_path: Path,
    media_type: str,
    fields: dict[str, object],
    code: str,
    below: str,
) -> None:
    made = make_blob(media_type, encode(fields))
    top = made if below == "top" else make_index(made)
    source = make_source(top.named("registry.example/app:1"), make_image().named("app:2"))
    source.contents[LAYER] = b"layer"
    place = write_layout(tmp_path / "layout", source)
    done = ocilayout("validate", place)
    assert done.code == 3
    assert f"[{code}]" in done.out
    assert "gc" not in done.out
    ocilayout("gc", place)
    assert (place / LAYER.blob_path).exists()
