from contextlib import nullcontext
from pathlib import Path

import pytest

from ocilayout.copy_engine import missing_blobs, transfer
from ocilayout.errors import BlobNotFound
from ocilayout.protocols import ImageDestination, ImageSource
from ocilayout.recode_policy import Recode, compress_all, keep
from ocilayout.spec import media_types
from tests.attestations import make_referrer
from tests.images import (
    make_image,
    make_index,
    make_layer,
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
