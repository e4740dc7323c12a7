"""One entry that cannot be read closes no place: the verbs work on the rest, and mark it."""

import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ocilayout.spec import media_types
from ocilayout.spec.digest import Digest
from tests.commands.conftest import CommandLine
from tests.engines.archives import write_members
from tests.image_files import blob_file, flip_a_byte, layout_files, write_layout, write_oci_archive
from tests.images import (
    Made,
    encode,
    make_blob,
    make_image,
    make_index,
    make_layer,
    make_source,
)

GOOD, BAD = "registry.example/app:good", "registry.example/app:bad"
IMAGE = make_image("linux/arm64", layers=[b"good"])
OTHER = make_image("linux/amd64", layers=[b"bad"])
DAMAGED = OTHER.descriptor.digest
INDEX = make_index(OTHER)
SCHEMA_1 = make_blob(
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
    encode({"schemaVersion": 1, "fsLayers": [{"blobSum": str(Digest.of(b"x"))}]}),
)

Spoil = Callable[[Path], object]


def entries(layout: Path) -> list[Any]:
    listed: list[Any] = json.loads((layout / "index.json").read_bytes())["manifests"]
    return listed


def edit(change: Callable[[dict[str, Any]], object]) -> Spoil:
    """Changes the entry of the image that is to be damaged."""

    def spoil(layout: Path) -> None:
        fields = json.loads((layout / "index.json").read_bytes())
        change(fields["manifests"][0])
        (layout / "index.json").write_bytes(encode(fields))

    return spoil


def config_of(made: Made) -> Digest:
    return Digest.parse(json.loads(made.contents[made.descriptor.digest])["config"]["digest"])


def flip(digest: Digest) -> Spoil:
    return lambda layout: flip_a_byte(layout / digest.blob_path)


def replace_by_directory(layout: Path, digest: Digest) -> None:
    (layout / digest.blob_path).unlink()
    (layout / digest.blob_path).mkdir()


ENTRIES: dict[str, Spoil] = {
    "no digest": edit(lambda entry: entry.pop("digest")),
    "a digest that is none": edit(lambda entry: entry.update(digest="sha256:ABC")),
    "no media type": edit(lambda entry: entry.pop("mediaType")),
    "an empty media type": edit(lambda entry: entry.update(mediaType="")),
    "a size that is none": edit(lambda entry: entry.update(size=-1)),
    "a platform that is none": edit(lambda entry: entry.update(platform="linux/arm64")),
    "wrong embedded data": edit(lambda entry: entry.update(data="eA==")),
}
"""Entries that are no descriptors."""
DOCUMENTS: dict[str, Spoil] = {
    "the media type of an index": edit(lambda e: e.update(mediaType=media_types.OCI_INDEX)),
    "the media type of the other family": edit(
        lambda entry: entry.update(mediaType=media_types.DOCKER_MANIFEST)
    ),
    "the media type of a blob": edit(lambda e: e.update(mediaType="application/octet-stream")),
    "the media type of schema 1": edit(
        lambda entry: entry.update(mediaType=SCHEMA_1.descriptor.media_type)
    ),
    "a wrong size": edit(lambda entry: entry.update(size=entry["size"] + 1)),
    "a flipped byte": flip(DAMAGED),
    "a damaged config": flip(config_of(OTHER)),
    "a directory for a manifest": lambda layout: replace_by_directory(layout, DAMAGED),
}
"""Entries that lead to what they do not say."""
ALL = {**ENTRIES, **DOCUMENTS}
SEEN_WITHOUT_CONFIGS = {name: spoil for name, spoil in ALL.items() if "config" not in name}
"""What is seen where an entry says its platform, so that no config is read."""
WITH_A_DIGEST = {name: spoil for name, spoil in ALL.items() if "digest" not in name}


def spoiled(folder: Path, spoil: Spoil, damaged: Made = OTHER) -> Path:
    """A layout whose first entry cannot be read, and a good one behind it."""
    place = write_layout(folder / "layout", make_source(damaged.named(BAD), IMAGE.named(GOOD)))
    spoil(place)
    return place


@pytest.mark.parametrize("spoil", SEEN_WITHOUT_CONFIGS.values(), ids=SEEN_WITHOUT_CONFIGS)
def test_ls_lists_the_others_and_marks_it(
    ocilayout: CommandLine, tmp_path: Path, spoil: Spoil
) -> None:
    place = spoiled(tmp_path, spoil)
    done = ocilayout.succeed("ls", place)
    assert GOOD in done.out
    assert "1 good image, 1 damaged" in done.out
    (line,) = [line for line in done.out.splitlines() if BAD in line]
    assert "damaged" in line
    assert f"warning: {place}: {BAD} cannot be read: " in done.err
    (listed,) = ocilayout.succeed("ls", "--json", place).json["places"]
    assert [image["names"] for image in listed["images"]] == [[GOOD]]
    assert [damage["names"] for damage in listed["damaged"]] == [[BAD]]
    assert listed["damaged"][0]["reason"]


@pytest.mark.parametrize("spoil", ALL.values(), ids=ALL)
def test_inspect_shows_the_others_and_marks_it(
    ocilayout: CommandLine, tmp_path: Path, spoil: Spoil
) -> None:
    place = spoiled(tmp_path, spoil)
    done = ocilayout.succeed("inspect", place)
    assert f"image linux/arm64 {IMAGE.descriptor.digest}" in done.out
    assert f"{BAD}  damaged " in done.out
    shown = ocilayout.succeed("inspect", "--json", place).json
    assert [image["names"] for image in shown["images"]] == [[GOOD]]
    assert [damage["names"] for damage in shown["damaged"]] == [[BAD]]


def in_a_tar(layout: Path) -> Path:
    tar = layout.with_suffix(".tar")
    with tarfile.open(tar, "w") as archive:
        for path in sorted(layout.rglob("*")):
            archive.add(path, path.relative_to(layout), recursive=False)
    return tar


DOCUMENT_BYTES = (
    b"{not json",
    b"[]",
    b'{"schemaVersion": 2, "layers": []}',
    b'{"schemaVersion": 2, "config": {}, "layers": "none"}',
    b'{"schemaVersion": 1, "fsLayers": [{"blobSum": "sha256:00"}]}',
)
"""Manifests whose digest is right, and that are none."""


@pytest.mark.parametrize("engine", ["podman", "containerd-1.6", "docker-20.10", "registry"])
@pytest.mark.parametrize("spoil", ALL.values(), ids=ALL)
def test_check_judges_the_others_and_marks_it(
    ocilayout: CommandLine, tmp_path: Path, spoil: Spoil, engine: str
) -> None:
    place = spoiled(tmp_path, spoil)
    for given in (place, in_a_tar(place)):
        done = ocilayout("check", given, "--for", engine, "--json")
        assert done.code == 3
        ((judged,), *_) = (done.json["engines"],)
        images = {image["image"]: image for image in judged["images"]}
        if spoil is ENTRIES["no digest"] and given != place and engine == "containerd-1.6":
            # It leads nowhere, and the importer passes over it.
            assert images.keys() == {GOOD}
            continue
        assert images.keys() == {GOOD, BAD}
        assert images[BAD]["verdict"] in {"refused", "broken", "not unpacked"}
        assert images[BAD]["reason"]


@pytest.mark.parametrize(
    ("made", "size", "verdicts"),
    [
        (SCHEMA_1, None, ["refused", "broken", "not unpacked"]),
        (OTHER, 90, ["refused", "broken", "refused"]),
        (make_blob(media_types.OCI_MANIFEST, b"{not json"), None, ["refused"] * 3),
    ],
    ids=["schema 1", "cut", "no JSON"],
)
def test_check_judges_what_is_damaged_alone(
    ocilayout: CommandLine, tmp_path: Path, made: Made, size: int | None, verdicts: list[str]
) -> None:
    files = layout_files(make_source(made.named(BAD)))
    path = made.descriptor.digest.blob_path
    place = write_members(tmp_path / "one.tar", {**files, path: files[path][:size]})
    rows = ["docker-20.10", "docker-29-containerd", "containerd-2"]
    done = ocilayout("check", place, "--json", *(word for row in rows for word in ("--for", row)))
    assert done.code == 3
    assert [engine["verdict"] for engine in done.json["engines"]] == verdicts
    assert [damage["names"] for damage in done.json["damaged"]] == [[BAD]]


def test_the_fix_of_check_leaves_out_what_is_damaged(
    ocilayout: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    image = make_image("linux/amd64", layers=[make_layer("base")])
    bad = make_blob(media_types.OCI_MANIFEST, b"{not json")
    write_oci_archive(tmp_path / "in.tar", make_source(bad.named(BAD), image.named(GOOD)))
    (engine,) = ocilayout("check", "in.tar", "--for", "docker-20.10", "--json").json["engines"]
    _, *words = engine["fix"]["command"].split()
    ocilayout.succeed(*words)
    ocilayout.succeed("check", words[2], "--for", "docker-20.10")


@pytest.mark.parametrize("raw", DOCUMENT_BYTES)
def test_check_marks_a_manifest_that_is_none(
    ocilayout: CommandLine, tmp_path: Path, raw: bytes
) -> None:
    bad = make_blob(media_types.OCI_MANIFEST, raw)
    place = write_layout(tmp_path / "layout", make_source(bad.named(BAD), IMAGE.named(GOOD)))
    done = ocilayout("check", in_a_tar(place), "--for", "registry", "--json")
    assert done.code == 3
    (judged,) = done.json["engines"]
    verdicts = {image["image"]: image["verdict"] for image in judged["images"]}
    assert verdicts == {GOOD: "loads", BAD: "refused"}


@pytest.mark.parametrize("raw", [b"[]", b"{", b"null"])
def test_an_image_whose_config_is_none_is_judged_by_the_engine_and_named(
    ocilayout: CommandLine, tmp_path: Path, raw: bytes
) -> None:
    config = make_blob(media_types.OCI_CONFIG, raw)
    manifest = make_blob(
        media_types.OCI_MANIFEST,
        encode({"schemaVersion": 2, "config": config.descriptor.fields, "layers": []}),
    )
    source = make_source(manifest.named(BAD), IMAGE.named(GOOD))
    source.contents.update(config.contents)
    tar = in_a_tar(write_layout(tmp_path / "layout", source))
    done = ocilayout("check", tar, "--for", "docker-29-containerd", "--json")
    assert done.code == 3
    (judged,) = done.json["engines"]
    said = ocilayout.refuse(1, "convert --missing prune leaves it out", "convert", tar, "oci:out")
    assert str(manifest.descriptor.digest) in said.err
    assert ": the: document" not in ocilayout("validate", tar).out
    verdicts = {image["image"]: image["verdict"] for image in judged["images"]}
    assert verdicts.keys() == {GOOD, BAD}
    assert verdicts[BAD] == "broken"


@pytest.mark.parametrize("spoil", ALL.values(), ids=ALL)
@pytest.mark.parametrize("target", ["oci:out", "out.tar"])
def test_convert_refuses_the_place_and_names_the_way_out(
    ocilayout: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Spoil,
    target: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    place = spoiled(tmp_path, spoil)
    if spoil is not DOCUMENTS["a damaged config"]:
        ocilayout.refuse(1, "--missing prune leaves it out", "convert", place, target)
        ocilayout.refuse(1, "", "convert", "--missing", "keep", place, target)
    done = ocilayout.succeed("convert", "--missing", "prune", place, target)
    assert f"left out, since it cannot be read: {BAD}: " in done.err
    assert GOOD in ocilayout.succeed("ls", target).out


@pytest.mark.parametrize("spoil", ALL.values(), ids=ALL)
def test_a_good_image_is_converted_by_its_name(
    ocilayout: CommandLine, tmp_path: Path, spoil: Spoil
) -> None:
    place = spoiled(tmp_path, spoil)
    ocilayout.succeed("convert", f"{place}:good", tmp_path / "out.tar")
    ocilayout("convert", f"{place}:bad", tmp_path / "other.tar")
    assert not (tmp_path / "other.tar").exists()


@pytest.mark.parametrize("spoil", ALL.values(), ids=ALL)
def test_an_edit_leaves_the_damaged_entry_as_it_is(
    ocilayout: CommandLine, tmp_path: Path, spoil: Spoil
) -> None:
    place = spoiled(tmp_path, spoil)
    before = entries(place)[0]
    ocilayout.succeed("tag", f"{place}:good", "registry.example/app:new")
    ocilayout.succeed("tag", f"{place}@{IMAGE.descriptor.digest}", "registry.example/app:newer")
    ocilayout.succeed("annotate", f"{place}:new", "--annotation", "a=b")
    ocilayout.succeed("untag", f"{place}:new")
    listed = entries(place)
    assert listed[0] == before
    assert len(listed) == 3


@pytest.mark.parametrize("spoil", SEEN_WITHOUT_CONFIGS.values(), ids=SEEN_WITHOUT_CONFIGS)
def test_the_only_image_that_can_be_read_needs_no_name(
    ocilayout: CommandLine, tmp_path: Path, spoil: Spoil
) -> None:
    place = spoiled(tmp_path, spoil)
    done = ocilayout.succeed("tag", place, "registry.example/app:new")
    assert str(IMAGE.descriptor.digest) in done.out


@pytest.mark.parametrize("spoil", ALL.values(), ids=ALL)
def test_gc_refuses_to_remove_what_it_may_lead_to(
    ocilayout: CommandLine, tmp_path: Path, spoil: Spoil
) -> None:
    place = spoiled(tmp_path, spoil)
    blobs = sorted(place.glob("blobs/*/*"))
    ocilayout.succeed("untag", f"{place}:good", "--drop")
    done = ocilayout("gc", place)
    if done.code == 0:
        # What is content under a wrong media type is kept with all that it mentions.
        assert blob_file(place, OTHER.descriptor).exists()
        return
    assert sorted(place.glob("blobs/*/*")) == blobs


@pytest.mark.parametrize("spoil", WITH_A_DIGEST.values(), ids=WITH_A_DIGEST)
def test_untag_drops_it_by_its_digest(ocilayout: CommandLine, tmp_path: Path, spoil: Spoil) -> None:
    place = spoiled(tmp_path, spoil)
    done = ocilayout.succeed("untag", f"{place}@{DAMAGED}", "--drop")
    assert f"dropped {BAD} {DAMAGED}" in done.out
    assert "damaged" not in ocilayout.succeed("ls", place).out
    assert "freed" in ocilayout.succeed("gc", place).out


@pytest.mark.parametrize("spoil", ALL.values(), ids=ALL)
def test_untag_drops_it_by_its_name(ocilayout: CommandLine, tmp_path: Path, spoil: Spoil) -> None:
    place = spoiled(tmp_path, spoil)
    ocilayout.succeed("untag", f"{place}:bad", "--drop")
    assert [entry["digest"] for entry in entries(place)] == [str(IMAGE.descriptor.digest)]


def test_an_entry_that_is_no_descriptor_keeps_its_name_unless_it_is_dropped(
    ocilayout: CommandLine, tmp_path: Path
) -> None:
    place = spoiled(tmp_path, ENTRIES["no digest"])
    ocilayout.refuse(1, "untag --drop takes it out", "untag", f"{place}:bad")


@pytest.mark.parametrize("spoil", ALL.values(), ids=ALL)
def test_in_a_tar_the_rest_is_edited_too(
    ocilayout: CommandLine, tmp_path: Path, spoil: Spoil
) -> None:
    layout = spoiled(tmp_path, spoil)
    tar = in_a_tar(layout)
    ocilayout.succeed("tag", f"{tar}:good", "registry.example/app:new")
    ocilayout.succeed("untag", f"{tar}:bad", "--drop")
    assert "damaged" not in ocilayout.succeed("ls", tar).out


@pytest.mark.parametrize("what", ["a flipped byte", "a directory for a manifest"])
def test_a_damaged_member_of_an_index_is_pruned_and_marked(
    ocilayout: CommandLine, tmp_path: Path, what: str
) -> None:
    place = write_layout(tmp_path / "layout", make_source(make_index(IMAGE, OTHER).named(GOOD)))
    DOCUMENTS[what](place)
    done = ocilayout.succeed("ls", place)
    assert "linux/arm64" in done.out
    assert f"{GOOD}  damaged" in " ".join(done.out.split(" "))
    assert str(DAMAGED) in done.out
    ocilayout.refuse(1, "--missing prune", "convert", place, tmp_path / "out.tar")
    ocilayout.succeed("convert", "--missing", "prune", place, tmp_path / "out.tar")
    assert "linux/arm64" in ocilayout.succeed("ls", tmp_path / "out.tar").out


@pytest.mark.parametrize("spoil", SEEN_WITHOUT_CONFIGS.values(), ids=SEEN_WITHOUT_CONFIGS)
def test_a_place_of_which_nothing_can_be_read_is_refused(
    ocilayout: CommandLine, tmp_path: Path, spoil: Spoil
) -> None:
    place = write_layout(tmp_path / "layout", make_source(OTHER.named(BAD)))
    spoil(place)
    done = ocilayout.refuse(1, "", "ls", place)
    assert done.out == ""
    assert "prune" not in done.err
    ocilayout.refuse(1, "would leave nothing", "convert", "--missing", "prune", place, "oci:out")


def test_a_manifest_that_no_index_names_is_found_by_its_digest(
    ocilayout: CommandLine, tmp_path: Path
) -> None:
    write = {"layout": write_layout, "archive.tar": write_oci_archive}
    for name, written in write.items():
        source = make_source(IMAGE.named(GOOD))
        source.contents.update({**OTHER.contents, **INDEX.contents})
        place = written(tmp_path / name, source)
        for lost in (OTHER, INDEX):
            digest = lost.descriptor.digest
            assert "linux/amd64" in ocilayout.succeed("inspect", f"{place}@{digest}").out
            output = tmp_path / f"{digest.encoded}-of-{name}.tar"
            ocilayout.succeed("convert", f"{place}@{digest}", output)
            ocilayout.succeed("tag", f"{place}@{digest}", "registry.example/app:back")
            assert f"{digest}" in ocilayout.succeed("ls", f"{place}:back").out


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"layer", b'{"config":{},"layers":0}'])
def test_a_blob_that_is_no_document_is_not_found_by_its_digest(
    ocilayout: CommandLine, tmp_path: Path, content: bytes
) -> None:
    source = make_source(IMAGE.named(GOOD))
    source.contents[Digest.of(content)] = content
    place = write_layout(tmp_path / "layout", source)
    ocilayout.refuse(1, "has no image", "tag", f"{place}@{Digest.of(content)}", "app:1")


def test_a_lost_manifest_that_is_damaged_is_not_rescued(
    ocilayout: CommandLine, tmp_path: Path
) -> None:
    source = make_source(IMAGE.named(GOOD))
    source.contents.update(OTHER.contents)
    place = write_layout(tmp_path / "layout", source)
    flip_a_byte(blob_file(place, OTHER.descriptor))
    ocilayout.refuse(1, "hashes to", "tag", f"{place}@{DAMAGED}", "app:1")


@pytest.mark.parametrize("raw", DOCUMENT_BYTES)
def test_what_to_do_is_said_of_a_manifest_that_is_none(
    ocilayout: CommandLine, tmp_path: Path, raw: bytes
) -> None:
    bad = make_blob(media_types.OCI_MANIFEST, raw)
    place = write_layout(tmp_path / "layout", make_source(bad.named(BAD), IMAGE.named(GOOD)))
    for command in ("ls", "inspect"):
        said = ocilayout.succeed(command, place).err
        assert "cannot be read: is " not in said
        assert "; convert --missing prune copies the good ones" in said
    blobs = sorted(place.glob("blobs/*/*"))
    said = ocilayout.refuse(1, "nothing was removed", "gc", place).err
    assert str(bad.descriptor.digest) in said
    assert "convert --missing prune" in said
    assert sorted(place.glob("blobs/*/*")) == blobs
