import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocilayout.blobs import MemoryBlobs, SpreadBlobs
from ocilayout.capabilities import made_layers
from ocilayout.errors import BlobNotFound, IntegrityError, InvalidDocument
from ocilayout.graph import (
    MAX_LEVELS,
    View,
    changes,
    compose,
    documents_below,
    manifests_below,
    open_verified,
    platform_of,
    read_bytes,
    read_config,
    read_document,
    read_manifest,
    walk,
)
from ocilayout.spec import media_types
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index, Manifest
from ocilayout.spec.platform import Platform
from ocilayout.spec.strict_json import MAX_DOCUMENT_SIZE
from ocilayout.streams import Discard, copy_stream
from tests.images import (
    Made,
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

AMD64 = make_image("linux/amd64")
ARM64 = make_image("linux/arm64", layers=[make_layer("base"), make_layer("arm")])
BOTH = make_index(AMD64, ARM64)
ATTESTATION = make_manifest(
    make_blob(media_types.OCI_CONFIG, b"{}"), [make_blob("application/vnd.in-toto+json", b"{}")]
)
LEAF = make_blob("application/x-unknown", b"a leaf")
ONE, TWO, THREE, FOUR = (
    Descriptor.of("application/x-test", content) for content in (b"1", b"2", b"3", b"4")
)


def nested(levels: int) -> Made:
    """An image below so many indexes."""
    made = AMD64
    for _ in range(levels):
        made = make_index(made)
    return made


def digests(descriptors: Iterable[Descriptor]) -> list[Digest]:
    return [descriptor.digest for descriptor in descriptors]


def spoiled(source: MemorySource, descriptor: Descriptor, content: bytes) -> MemorySource:
    source.contents[descriptor.digest] = content
    return source


def manifest_of(made: Made) -> Manifest:
    document = read_document(make_source(made), made.descriptor)
    assert isinstance(document, Manifest)
    return document


def test_a_walk_gives_children_before_parents_in_the_order_of_the_documents() -> None:
    amd64, arm64 = manifest_of(AMD64), manifest_of(ARM64)
    assert digests(walk(make_source(BOTH, LEAF))) == [
        *digests(amd64.children),
        AMD64.descriptor.digest,
        arm64.children[0].digest,
        arm64.children[2].digest,
        ARM64.descriptor.digest,
        BOTH.descriptor.digest,
        LEAF.descriptor.digest,
    ]


def test_a_walk_gives_everything_once() -> None:
    source = make_source(BOTH.named("a:1", "b:2"), AMD64, LEAF)
    found = digests(walk(source))
    assert sorted(found) == sorted(source.contents)


def test_a_walk_of_an_empty_index_gives_nothing() -> None:
    assert list(walk(make_source())) == []


def test_a_walk_opens_documents_alone() -> None:
    source = make_source(BOTH, LEAF)
    list(walk(source))
    documents = {BOTH.descriptor.digest, AMD64.descriptor.digest, ARM64.descriptor.digest}
    assert set(source.opened) == documents
    assert len(source.opened) == 3


def test_a_walk_passes_over_what_is_known_to_be_absent() -> None:
    base = manifest_of(AMD64).layers[0]
    source = make_source(BOTH, absent=[ARM64.descriptor.digest, base.digest])
    found = digests(walk(source))
    assert ARM64.descriptor.digest not in found
    assert base.digest not in found
    assert AMD64.descriptor.digest in found


@pytest.mark.parametrize("levels", [1, 2, MAX_LEVELS - 1])
def test_a_walk_enters_indexes_within_indexes(levels: int) -> None:
    source = make_source(nested(levels))
    assert len(list(walk(source))) == len(source.contents)


@pytest.mark.parametrize("levels", [MAX_LEVELS, 1200])
def test_a_walk_ends_at_a_level_that_no_image_has(levels: int) -> None:
    with pytest.raises(InvalidDocument, match="stands below 32 other indexes"):
        list(walk(make_source(nested(levels))))


def test_a_walk_of_more_paths_than_can_be_counted_reads_each_document_once() -> None:
    made = AMD64
    for _ in range(20):
        made = make_index(*[made.annotated({"n": str(number)}) for number in range(10)])
    source = make_source(made)
    assert len(list(walk(source))) == len(source.contents)
    assert len(source.opened) == len(set(source.opened)) == 21


def test_a_walk_of_an_index_that_contains_itself_ends() -> None:
    """Only possible by a digest that nobody can verify."""
    source = make_source(containing_itself())
    assert len(list(walk(source))) == 1


def containing_itself() -> Made:
    itself = {"mediaType": media_types.OCI_INDEX, "digest": "other:abc", "size": 100}
    for _ in range(2):
        raw = encode({"schemaVersion": 2, "manifests": [itself]})
        itself["size"] = len(raw)
    return Made(Descriptor.parse(itself, "itself"), {Digest.parse("other:abc"): raw})


@pytest.mark.parametrize(
    "other",
    [
        AMD64.descriptor.edited(mediaType=media_types.DOCKER_MANIFEST),
        AMD64.descriptor.edited(mediaType=media_types.OCI_INDEX),
        AMD64.descriptor.edited(mediaType="application/x-leaf"),
        AMD64.descriptor.edited(size=AMD64.descriptor.size + 1),
    ],
)
def test_one_digest_that_is_described_in_two_ways_is_refused(other: Descriptor) -> None:
    for pair in ((AMD64.descriptor, other), (other, AMD64.descriptor)):
        source = MemorySource(Index.of(pair), AMD64.contents)
        with pytest.raises((InvalidDocument, IntegrityError)):
            list(walk(source))


def test_one_leaf_may_have_two_media_types() -> None:
    layer = manifest_of(AMD64).layers[0]
    as_a_leaf = Made(layer.edited(mediaType="application/x-other"), {})
    assert digests(walk(make_source(AMD64, as_a_leaf))).count(layer.digest) == 1


@pytest.mark.parametrize("made", [BOTH, AMD64])
def test_a_walk_raises_where_a_document_is_not_here(made: Made) -> None:
    source = make_source(BOTH)
    del source.contents[made.descriptor.digest]
    with pytest.raises(BlobNotFound, match=str(made.descriptor.digest)):
        list(walk(source))


def test_any_flipped_byte_of_a_document_raises() -> None:
    raw = AMD64.contents[AMD64.descriptor.digest]
    for position in range(len(raw)):
        damaged = bytearray(raw)
        damaged[position] ^= 0x01
        source = spoiled(make_source(BOTH), AMD64.descriptor, bytes(damaged))
        with pytest.raises(IntegrityError, match=str(AMD64.descriptor.digest)):
            list(walk(source))


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_a_walk_of_any_graph_gives_each_blob_once_and_children_first(data: Any) -> None:
    made = [make_image(layers=[make_layer(text)]) for text in ("a", "b")] + [LEAF]
    for _ in range(data.draw(st.integers(0, 5))):
        members = data.draw(st.lists(st.sampled_from(made), max_size=3))
        made.append(make_index(*members, number=len(made)))
    source = make_source(*data.draw(st.lists(st.sampled_from(made), max_size=3)))
    found = digests(walk(source))
    assert sorted(found) == sorted(source.contents)
    place = {digest: position for position, digest in enumerate(found)}
    for blob in walk(source):
        if blob.media_type in media_types.DOCUMENTS:
            children = digests(read_document(source, blob).children)
            assert all(place[child] < place[blob.digest] for child in children)


def test_what_is_opened_is_verified_by_its_descriptor() -> None:
    source = make_source(LEAF)
    assert open_verified(source, LEAF.descriptor).read() == b"a leaf"
    with pytest.raises(IntegrityError, match=str(LEAF.descriptor.digest)):
        open_verified(spoiled(source, LEAF.descriptor, b"A leaf"), LEAF.descriptor).read()


def test_progress_is_told_what_is_read() -> None:
    counts: list[int] = []
    copy_stream(open_verified(make_source(LEAF), LEAF.descriptor, counts.append), Discard())
    assert sum(counts) == len(b"a leaf")


def test_a_document_that_claims_to_be_large_is_not_opened() -> None:
    source = make_source(LEAF)
    for size in (4 * 1024 * 1024 + 1, 2**62):
        with pytest.raises(InvalidDocument, match=f"has {size} bytes"):
            read_bytes(source, LEAF.descriptor.edited(size=size))
    assert source.opened == []


def test_a_document_is_parsed_as_what_leads_to_it_says() -> None:
    source = make_source(BOTH)
    assert isinstance(read_document(source, BOTH.descriptor), Index)
    assert isinstance(read_document(source, AMD64.descriptor), Manifest)


def test_an_index_is_no_manifest() -> None:
    with pytest.raises(InvalidDocument, match="is an index, not a manifest"):
        read_manifest(make_source(BOTH), BOTH.descriptor)


def test_an_image_has_a_config_and_an_artifact_has_none() -> None:
    config = read_config(make_source(AMD64), manifest_of(AMD64))
    assert config is not None
    assert len(config.diff_ids) == 2
    artifact = make_manifest(make_blob(media_types.OCI_EMPTY, b"{}"))
    assert read_config(make_source(artifact), manifest_of(artifact)) is None


def test_a_platform_is_what_the_descriptor_says_or_else_the_config() -> None:
    source = make_source(BOTH, LEAF)
    plain = ARM64.descriptor.edited(platform=None)
    assert platform_of(source, plain) == Platform("linux", "arm64")
    stated = ARM64.descriptor.edited(platform={"os": "linux", "architecture": "s390x"})
    assert platform_of(source, stated) == Platform("linux", "s390x")


def test_what_is_no_image_has_no_platform() -> None:
    source = make_source(BOTH, LEAF)
    assert platform_of(source, LEAF.descriptor) is None
    assert platform_of(source, BOTH.descriptor) is None


def test_the_manifests_below_are_listed_in_order_and_once() -> None:
    top = make_index(ARM64, BOTH, LEAF)
    source = make_source(top)
    assert digests(manifests_below(source, source.index.children)) == [
        ARM64.descriptor.digest,
        AMD64.descriptor.digest,
        LEAF.descriptor.digest,
    ]


def test_an_index_that_is_not_here_is_listed_as_it_stands() -> None:
    missing, absent = make_index(ARM64, n=1), make_index(ARM64, n=2)
    source = make_source(missing, absent, BOTH, absent=[absent.descriptor.digest])
    del source.contents[missing.descriptor.digest]
    assert digests(manifests_below(source, source.index.children)) == [
        missing.descriptor.digest,
        absent.descriptor.digest,
        AMD64.descriptor.digest,
        ARM64.descriptor.digest,
    ]


def test_the_manifests_below_an_index_that_contains_itself_have_an_end() -> None:
    source = make_source(containing_itself())
    assert list(manifests_below(source, source.index.children)) == []


def test_the_documents_below_are_listed_parents_first_and_leaves_are_none() -> None:
    top = make_index(ARM64, BOTH, LEAF)
    absent = make_index(ARM64, n=1)
    source = make_source(top, absent, absent=[absent.descriptor.digest])
    assert digests(documents_below(source, source.index.children)) == [
        top.descriptor.digest,
        ARM64.descriptor.digest,
        BOTH.descriptor.digest,
        AMD64.descriptor.digest,
        absent.descriptor.digest,
    ]


def test_a_view_gives_its_own_documents_and_the_blobs_of_its_base() -> None:
    view = View(make_source(AMD64), Index.of([]), MemoryBlobs([b"a leaf"]))
    assert view.open_blob(LEAF.descriptor).read() == b"a leaf"
    assert view.open_blob(AMD64.descriptor).read() == AMD64.contents[AMD64.descriptor.digest]
    with pytest.raises(BlobNotFound):
        view.open_blob(BOTH.descriptor)


def test_two_steps_of_change_are_one() -> None:
    first, then = {ONE.digest: TWO}, {TWO.digest: THREE, FOUR.digest: ONE}
    assert compose(first, then) == {ONE.digest: THREE, FOUR.digest: ONE}
    assert compose(first, {}) == first
    assert compose({}, then) == then


def test_changes_are_told_through_views_and_several_readers() -> None:
    base = make_source()
    first = View(base, base.index, changed={ONE.digest: TWO})
    second = View(first, base.index, changed={TWO.digest: THREE})
    other = View(base, base.index, changed={FOUR.digest: ONE})
    assert changes(base) == {}
    assert changes(second) == {ONE.digest: THREE}
    assert changes(SpreadBlobs([base, second, other])) == {ONE.digest: THREE, FOUR.digest: ONE}


def test_a_view_tells_what_the_reader_below_had_to_make() -> None:
    class Maker(MemorySource):
        made_layers = frozenset({ONE.digest})

    index = Index.of([])
    assert made_layers(View(View(Maker(index), index), index)) == {ONE.digest}
    assert made_layers(MemorySource(index)) == frozenset()


def test_a_document_is_kept_as_it_came() -> None:
    made = make_image(vendor={"x": 1})
    document = read_document(make_source(made), made.descriptor)
    assert document.raw == made.contents[made.descriptor.digest]
    assert json.loads(document.raw)["vendor"] == {"x": 1}


@pytest.mark.parametrize("stated", sorted(media_types.DEFAULTED_CONFIGS), ids=repr)
@pytest.mark.parametrize(
    ("content", "is_read"),
    [
        (make_config("linux/arm64", [b"layer"]), True),
        (b'{"setting":1}', False),
        (b"<html></html>", False),
    ],
)
def test_a_config_whose_type_says_nothing_is_read_where_it_is_an_image_config(
    stated: str, content: bytes, is_read: bool
) -> None:
    made = make_manifest(make_blob(stated, content), [make_blob(media_types.OCI_LAYER, b"layer")])
    source = make_source(made)
    config = read_config(source, read_manifest(source, made.descriptor))
    assert (config is not None) is is_read


def test_a_config_of_an_image_may_be_larger_than_other_documents() -> None:
    raw = encode({"os": "linux", "architecture": "arm64", "author": "x" * MAX_DOCUMENT_SIZE})
    made = make_manifest(make_blob(media_types.OCI_CONFIG, raw), [])
    source = make_source(made)
    assert str(platform_of(source, made.descriptor)) == "linux/arm64"
