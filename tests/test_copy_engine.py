from contextlib import nullcontext
from pathlib import Path

import pytest

from ocilayout.copy_engine import missing_blobs, transfer
from ocilayout.errors import BlobNotFound, InvalidDocument
from ocilayout.protocols import ImageDestination, ImageSource
from ocilayout.recode_policy import Recode, compress_all, keep
from ocilayout.spec import media_types
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index
from tests.attestations import make_referrer
from tests.images import (
    MemorySource,
    encode,
    make_blob,
    make_config,
    make_image,
    make_index,
    make_layer,
    make_manifest,
    make_source,
)
from tests.memory_destination import MemoryDestination
from tests.snapshots import contents_of

GZIP = compress_all("gzip")
LAYERS = [make_layer(text, size=3000) for text in ("base", "app", "more", "last")]


def sent(source: ImageSource, recode: Recode = keep, **options: object) -> MemoryDestination:
    destination = MemoryDestination()
    transfer(source, destination, recode=recode, **options)  # type: ignore[arg-type]
    contents_of(destination.result)
    return destination


def counted(source: ImageSource, destination: ImageDestination, **options: object) -> list[int]:
    """What was told of the progress of a transfer."""
    seen: list[int] = []
    transfer(
        source,
        destination,
        watch=lambda blob: nullcontext(seen.append),
        **options,  # type: ignore[arg-type]
    )
    return seen


def test_everything_is_put_once_and_committed() -> None:
    source = make_source(make_index(make_image(), make_image("linux/arm64")).named("app:v1"))
    destination = MemoryDestination()
    report = transfer(source, destination)
    assert destination.contents == source.contents
    assert destination.committed is source
    assert report.source is source
    assert {blob.digest for blob in report.copied} == source.contents.keys()
    assert report.skipped == []
    assert report.changed == {}


def test_leaves_come_before_documents_and_indexes_last() -> None:
    index = make_index(make_image(), make_image("linux/arm64"))
    put = sent(make_source(index)).put
    kinds = [blob.media_type in media_types.DOCUMENTS for blob in put]
    assert kinds == sorted(kinds)
    assert put[-1].digest == index.descriptor.digest


def test_subjects_come_before_what_refers_to_them() -> None:
    image = make_image()
    put = [blob.digest for blob in sent(make_source(make_referrer(image), image)).put]
    referrer = make_referrer(image).descriptor.digest
    assert put.index(image.descriptor.digest) < put.index(referrer)


def test_what_is_there_already_is_neither_read_nor_put() -> None:
    source = make_source(make_image())
    here = [digest for digest, raw in source.contents.items() if raw[:2] == b"\x1f\x8b"]
    destination = MemoryDestination(here)
    report = transfer(source, destination)
    assert {blob.digest for blob in report.skipped} == set(here)
    assert not set(here) & set(source.opened)


def test_progress_is_the_bytes_of_all_blobs() -> None:
    source = make_source(make_index(make_image(), make_image("linux/arm64")))
    total = sum(map(len, source.contents.values()))
    for destination in (MemoryDestination(), MemoryDestination(source.contents)):
        assert sum(counted(source, destination)) == total


def test_progress_is_the_same_where_layers_are_recoded(tmp_path: Path) -> None:
    source = make_source(make_image(codec="zstd", layers=LAYERS))
    seen = counted(source, MemoryDestination(), recode=GZIP, scratch=tmp_path)
    assert sum(seen) == sum(map(len, source.contents.values()))


def test_what_is_absent_is_passed_over() -> None:
    amd64, arm64 = make_image("linux/amd64"), make_image("linux/arm64")
    source = make_source(make_index(amd64, arm64), absent=[arm64.descriptor.digest])
    del source.contents[arm64.descriptor.digest]
    destination = MemoryDestination()
    transfer(source, destination)
    assert arm64.descriptor.digest not in destination.contents


@pytest.mark.parametrize("recode", [keep, GZIP])
def test_nothing_is_committed_where_a_blob_is_missing(recode: Recode) -> None:
    for codec in ("gzip", "none"):
        source = make_source(make_image(codec=codec))
        for digest, content in list(source.contents.items()):
            del source.contents[digest]
            destination = MemoryDestination()
            with pytest.raises(BlobNotFound, match=str(digest)):
                transfer(source, destination, recode=recode)
            assert destination.committed is None
            source.contents[digest] = content


def test_missing_blobs_are_the_plan() -> None:
    source = make_source(make_image())
    everything = [blob.digest for blob in missing_blobs(source, MemoryDestination())]
    assert set(everything) == source.contents.keys()
    some = MemoryDestination(everything[:2])
    assert [blob.digest for blob in missing_blobs(source, some)] == everything[2:]


@pytest.mark.parametrize("config", [b"{}", b'{"rootfs":{"type":"layers","diff_ids":null}}'])
def test_an_image_without_diff_ids_is_copied_as_it_is_and_that_is_said(
    config: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    layer = make_blob(media_types.OCI_LAYER, LAYERS[0])
    source = make_source(make_manifest(make_blob(media_types.OCI_CONFIG, config), [layer]))
    assert contents_of(sent(source).result) == source.contents
    assert "has layers and no diff ids in its config: docker and containerd" in caplog.text


def test_an_image_of_other_counts_is_not_copied() -> None:
    config = make_blob(media_types.OCI_CONFIG, make_config("linux/amd64", LAYERS[:2]))
    layer = make_blob(media_types.OCI_LAYER, LAYERS[0])
    with pytest.raises(InvalidDocument, match="1 layers, but its config counts 2 diff ids"):
        sent(make_source(make_manifest(config, [layer])))


SCHEMA_1 = {"schemaVersion": 1, "fsLayers": [{"blobSum": str(Digest.of(b"layer"))}]}


@pytest.mark.parametrize(
    ("media_type", "fields", "said"),
    [
        (
            "application/vnd.docker.distribution.manifest.v1+prettyjws",
            SCHEMA_1,
            "Docker schema 1",
        ),
        ("application/octet-stream", SCHEMA_1, "Docker schema 1"),
        ("application/vnd.x+json", {"layers": [{"digest": "sha256:0"}]}, "layers lead to blobs"),
    ],
)
@pytest.mark.parametrize("is_member", [False, True])
def test_what_would_lose_its_blobs_is_refused_by_name(
    media_type: str, fields: object, said: str, is_member: bool
) -> None:
    made = make_blob(media_type, encode(fields))
    source = make_source((make_index(make_image(), made) if is_member else made).named("app:v1"))
    destination = MemoryDestination()
    with pytest.raises(InvalidDocument, match=said):
        transfer(source, destination)
    with pytest.raises(InvalidDocument, match=said):
        missing_blobs(source, destination)
    assert destination.put == []


def test_an_entry_that_cannot_be_read_is_not_lost() -> None:
    raw = encode({"schemaVersion": 2, "manifests": [make_image().descriptor.fields, {}]})
    source = MemorySource(Index.parse_top(raw, "index.json"), make_image().contents)
    with pytest.raises(InvalidDocument, match="cannot be read"):
        transfer(source, MemoryDestination())
