"""What gc removes from a sound layout, and what it keeps."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings

from ocilayout.copy_engine import transfer
from ocilayout.errors import BlobNotFound, InvalidArchive, LayoutBusy
from ocilayout.spec import media_types
from ocilayout.spec.digest import Digest
from ocilayout.spec.media_types import LayerType
from ocilayout.stores import open_destination, open_source
from ocilayout.stores.layout_gc import collect_garbage
from ocilayout.transforms.missing import settle_missing
from tests.attestations import make_attestation, make_referrer
from tests.image_files import blob_file, flip_a_byte, layout_files, write_layout
from tests.images import (
    Contents,
    Made,
    encode,
    in_sha512,
    make_blob,
    make_config,
    make_image,
    make_index,
    make_layer,
    make_manifest,
    make_source,
)
from tests.snapshots import contents_of, snapshot, unchanged
from tests.strategies import Graph, graphs

IMAGE = make_image(layers=[make_layer("kept")])
OLD = make_image(layers=[make_layer("old")])


def write(folder: Path, *listed: Made, also: tuple[Made, ...] = ()) -> Path:
    """A layout that lists some, and holds others too."""
    return write_contents(folder, list(listed), {d: c for m in also for d, c in m.contents.items()})


def write_contents(folder: Path, listed: list[Made], contents: Contents) -> Path:
    source = make_source(*listed)
    source.contents |= contents
    for name, content in layout_files(source).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def blobs_in(layout: Path) -> set[Digest]:
    files = (path for path in (layout / "blobs").rglob("*") if path.is_file())
    return {Digest(path.parent.name, path.name) for path in files}


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(graphs())
def test_what_is_needed_stays_and_all_else_goes_the_first_time(graph: Graph) -> None:
    with TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        layout = write_contents(Path(folder), graph.listed, graph.everything)
        foretold = collect_garbage(layout, dry_run=True)
        assert blobs_in(layout) == graph.everything.keys()
        garbage = collect_garbage(layout)
        assert blobs_in(layout) == graph.needed
        assert garbage == foretold
        assert garbage.freed == sum(
            len(content) for d, content in graph.everything.items() if d not in graph.needed
        )
        with unchanged(layout):
            assert not collect_garbage(layout).blobs


def test_what_was_recompressed_goes(tmp_path: Path) -> None:
    """Its plain layers have the digests that are diff ids in the config that stays."""
    plain, packed = (make_image(codec=codec) for codec in ("none", "gzip"))
    layout = write(tmp_path, packed, also=(plain,))
    collect_garbage(layout)
    assert blobs_in(layout) == packed.contents.keys()


def test_an_empty_list_keeps_nothing(tmp_path: Path) -> None:
    layout = write(tmp_path, also=(IMAGE,))
    assert len(collect_garbage(layout).blobs) == 3
    assert blobs_in(layout) == set()


def test_a_layout_without_blobs_is_no_trouble(tmp_path: Path) -> None:
    assert collect_garbage(write(tmp_path)).freed == 0


def test_the_image_that_another_was_built_on_goes(tmp_path: Path) -> None:
    based = make_image(
        annotations={"org.opencontainers.image.base.digest": str(OLD.descriptor.digest)}
    )
    layout = write(tmp_path, based, also=(OLD,))
    collect_garbage(layout)
    assert blobs_in(layout) == based.contents.keys()


def test_what_only_a_field_of_the_future_names_stays(tmp_path: Path) -> None:
    image = make_image(successor={"deep": [dict(OLD.descriptor.fields)]})
    layout = write(tmp_path, image, also=(OLD,))
    assert not collect_garbage(layout).blobs


def test_what_only_manifest_json_names_stays(tmp_path: Path) -> None:
    """docker leaves images without a name out of index.json where others have one."""
    layout = write(tmp_path, IMAGE, also=(OLD,))
    config, layer = (digest.blob_path for digest in list(OLD.contents)[:2])
    (layout / "manifest.json").write_bytes(encode([{"Config": config, "Layers": [layer]}]))
    assert len(collect_garbage(layout).blobs) == 1
    assert (layout / config).exists()
    assert (layout / layer).exists()


def test_a_subject_stays_and_that_is_told(tmp_path: Path) -> None:
    layout = write(tmp_path, make_referrer(OLD), also=(OLD,))
    garbage = collect_garbage(layout)
    assert not garbage.blobs
    assert garbage.subjects == [OLD.descriptor.digest]


def test_referrers_that_nothing_lists_stay_until_they_may_go(tmp_path: Path) -> None:
    first = make_referrer(IMAGE)
    second = make_referrer(first)
    layout = write(tmp_path, IMAGE, also=(first, second, make_referrer(OLD)))
    garbage = collect_garbage(layout)
    assert garbage.referrers == sorted([first.descriptor.digest, second.descriptor.digest])
    assert blobs_in(layout) == {*IMAGE.contents, *first.contents, *second.contents}
    collect_garbage(layout, attestations="drop")
    assert blobs_in(layout) == IMAGE.contents.keys()


def test_a_damaged_referrer_that_nothing_lists_goes(tmp_path: Path) -> None:
    referrer = make_referrer(IMAGE)
    layout = write(tmp_path, IMAGE, also=(referrer,))
    flip_a_byte(blob_file(layout, referrer.descriptor), 0)
    collect_garbage(layout)
    assert blobs_in(layout) == IMAGE.contents.keys()


def test_attestations_that_an_index_lists_stay(tmp_path: Path) -> None:
    layout = write(tmp_path, make_index(IMAGE, make_attestation(IMAGE)), also=(OLD,))
    assert len(collect_garbage(layout, attestations="drop").blobs) == len(OLD.contents)


def test_a_large_blob_of_unknown_type_is_a_leaf(tmp_path: Path) -> None:
    large = make_blob("application/x-disk", bytes(5 << 20))
    layout = write(tmp_path, large, also=(OLD,))
    collect_garbage(layout)
    assert blobs_in(layout) == large.contents.keys()


def test_damaged_layers_are_not_looked_at(tmp_path: Path) -> None:
    layout = write(tmp_path, IMAGE, also=(OLD,))
    flip_a_byte(layout / list(IMAGE.contents)[1].blob_path)
    assert len(collect_garbage(layout).blobs) == 3


@pytest.mark.parametrize("position", [0, 1])
def test_a_config_or_layer_may_be_missing_where_that_is_said(tmp_path: Path, position: int) -> None:
    layout = write(tmp_path, IMAGE, also=(OLD,))
    (layout / list(IMAGE.contents)[position].blob_path).unlink()
    with unchanged(layout / "blobs"), pytest.raises(BlobNotFound, match="--missing keep"):
        collect_garbage(layout)
    assert len(collect_garbage(layout, missing="keep").blobs) == 3


def test_a_layer_may_be_missing_that_may_not_be_distributed(tmp_path: Path) -> None:
    foreign = LayerType("oci", "none", distributable=False).media_type
    layer = make_layer("windows")
    config = make_blob(media_types.OCI_CONFIG, make_config("windows/amd64", [layer]))
    image = make_manifest(config, [make_blob(foreign, layer)])
    layout = write(tmp_path, image, also=(OLD,))
    (layout / Digest.of(layer).blob_path).unlink()
    assert len(collect_garbage(layout).blobs) == 3


@pytest.mark.parametrize("make", [make_image, lambda platform: make_index(make_image(platform))])
def test_what_a_missing_document_may_lead_to_stays(
    tmp_path: Path, make: Callable[[str], Made]
) -> None:
    gone = make("linux/arm64")
    layout = write(tmp_path, make_index(IMAGE, gone), also=(OLD,))
    blob_file(layout, gone.descriptor).unlink()
    with (
        unchanged(layout / "blobs"),
        pytest.raises(BlobNotFound, match=r"--missing keep.*--missing prune"),
    ):
        collect_garbage(layout)
    collect_garbage(layout, missing="keep")
    assert blobs_in(layout) == {*make_index(IMAGE, gone).contents, *IMAGE.contents} - {
        *gone.contents
    }


def test_a_gap_is_no_trouble_where_there_is_no_garbage(tmp_path: Path) -> None:
    gone = make_image("linux/arm64")
    layout = write(tmp_path, make_index(IMAGE, gone))
    for digest in gone.contents.keys() - IMAGE.contents.keys():
        (layout / digest.blob_path).unlink()
    assert collect_garbage(layout).freed == 0


def test_a_layout_that_was_pruned_has_no_gap(tmp_path: Path) -> None:
    gone = make_image("linux/arm64")
    layout = write(tmp_path / "sparse", make_index(IMAGE, gone), also=(OLD,))
    blob_file(layout, gone.descriptor).unlink()
    with (
        open_source(str(layout)) as source,
        open_destination(f"oci:{tmp_path}/pruned") as destination,
    ):
        transfer(settle_missing(source, "prune"), destination)
    assert not collect_garbage(tmp_path / "pruned").blobs


STRAYS = [
    "blobs/README",
    "blobs/blake3/0123",
    "blobs/sha256/README",
    "blobs/sha256/.tmp-5",
    f"blobs/sha256/{'A' * 64}",
    f"blobs/sha256/{'a' * 63}",
    f"blobs/sha512/{'a' * 64}",
]


@pytest.mark.parametrize("stray", STRAYS)
def test_what_is_no_blob_stays_and_is_named(tmp_path: Path, stray: str) -> None:
    layout = write(tmp_path, IMAGE, also=(OLD,))
    (layout / stray).parent.mkdir(exist_ok=True)
    (layout / stray).write_text("mine")
    garbage = collect_garbage(layout)
    assert len(garbage.blobs) == 3
    assert list(garbage.strays) == [stray.removesuffix("/0123")]
    assert (layout / stray).read_text() == "mine"


def test_links_folders_and_pipes_that_are_named_as_blobs_stay(tmp_path: Path) -> None:
    layout = write(tmp_path / "layout", IMAGE, also=(OLD,))
    (tmp_path / "outside").write_text("mine")
    names = [f"{letter * 64}" for letter in "abc"]
    folder = layout / "blobs" / "sha256"
    (folder / names[0]).symlink_to(tmp_path / "outside")
    (folder / names[1]).mkdir()
    os.mkfifo(folder / names[2])
    assert list(collect_garbage(layout).strays) == [f"blobs/sha256/{name}" for name in names]
    assert (tmp_path / "outside").read_text() == "mine"
    assert {path.name for path in folder.iterdir()} >= set(names)


def test_a_linked_blob_goes_but_frees_nothing(tmp_path: Path) -> None:
    layout = write(tmp_path / "layout", IMAGE, also=(OLD,))
    for number, digest in enumerate(OLD.contents):
        os.link(layout / digest.blob_path, tmp_path / f"elsewhere-{number}")
    garbage = collect_garbage(layout)
    assert (len(garbage.blobs), garbage.freed) == (3, 0)


def test_what_killed_commands_left_goes(tmp_path: Path) -> None:
    layout = write(tmp_path, IMAGE)
    leftover = layout / ".ocilayout-0123456789abcdef.partial"
    leftover.write_bytes(b"half")
    assert collect_garbage(layout, dry_run=True).freed == 4
    assert leftover.exists()
    assert collect_garbage(layout).freed == 4
    assert not leftover.exists()


def ingesting(layout: Path) -> None:
    """As oras and as BuildKit leave them."""
    (layout / "ingest" / "0123").mkdir(parents=True)
    (layout / "ingest" / "0123" / "data").write_bytes(b"half")
    (layout / "ingest" / f"sha256_{'a' * 64}_1").write_bytes(b"half")


def test_what_others_left_is_named_and_goes_where_asked(tmp_path: Path) -> None:
    layout = write(tmp_path, IMAGE)
    ingesting(layout)
    with unchanged(layout):
        garbage = collect_garbage(layout, dry_run=True)
    assert [(file.path, file.size) for file in garbage.ingest] == [
        ("ingest/0123", 4),
        (f"ingest/sha256_{'a' * 64}_1", 4),
    ]
    collect_garbage(layout)
    assert len(list((layout / "ingest").iterdir())) == 2
    assert collect_garbage(layout, ingest=True).freed == 8
    assert list((layout / "ingest").iterdir()) == []


def test_an_ingest_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    layout = write(tmp_path / "layout", IMAGE)
    ingesting(tmp_path / "outside")
    (layout / "ingest").symlink_to(tmp_path / "outside" / "ingest")
    with unchanged(tmp_path / "outside"):
        assert not collect_garbage(layout, ingest=True).leftovers


def test_links_below_ingest_are_not_followed(tmp_path: Path) -> None:
    layout = write(tmp_path / "layout", IMAGE)
    ingesting(layout)
    ingesting(tmp_path / "outside")
    (layout / "ingest" / "0123" / "out").symlink_to(tmp_path / "outside" / "ingest")
    (layout / "ingest" / "out").symlink_to(tmp_path / "outside" / "ingest")
    with unchanged(tmp_path / "outside"):
        collect_garbage(layout, ingest=True)
    assert list((layout / "ingest").iterdir()) == []


def test_documents_stay_byte_for_byte(tmp_path: Path) -> None:
    layout = write(tmp_path, IMAGE.named("registry.example/app:v1"), also=(OLD,))
    before = snapshot(layout)
    collect_garbage(layout)
    after = snapshot(layout)
    assert {name for name in before if name not in after} == {d.blob_path for d in OLD.contents}
    assert all(before[name] == content for name, content in after.items() if name in before)
    with open_source(str(layout)) as source:
        contents_of(source)


def test_an_index_that_changes_meanwhile_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As skopeo would change it, which knows no locks."""
    from ocilayout.stores import layout_gc

    layout = write(tmp_path, IMAGE, also=(OLD,))

    def interrupted(*arguments: object) -> list[object]:
        write_layout(layout, make_source(OLD))
        return []

    monkeypatch.setattr(layout_gc, "leftovers", interrupted)
    with pytest.raises(LayoutBusy, match="heeds no lock"):
        collect_garbage(layout)
    assert blobs_in(layout) >= OLD.contents.keys()


@pytest.mark.parametrize("name", ["app.tar", "folder"])
def test_what_is_no_layout_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "app.tar").write_bytes(b"")
    with unchanged(tmp_path), pytest.raises(InvalidArchive, match=name):
        collect_garbage(tmp_path / name)


def test_manifests_of_sha512_are_followed(tmp_path: Path) -> None:
    artifact = make_manifest(in_sha512(make_blob("application/vnd.example", b"{}")))
    layout = write(tmp_path, in_sha512(artifact), also=(artifact,))
    assert len(collect_garbage(layout).blobs) == 1
    assert json.loads((layout / in_sha512(artifact).descriptor.digest.blob_path).read_bytes())
