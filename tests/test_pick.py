from collections.abc import Callable

import pytest

from ocilayout.errors import AmbiguousName, BlobNotFound, ImageNotFound
from ocilayout.graph import View, walk
from ocilayout.pick import by_digest, by_name
from ocilayout.spec.digest import Digest
from ocilayout.spec.names import IMAGE_NAME, REF_NAME
from tests.attestations import make_containerd_referrer, make_referrer
from tests.images import Made, make_blob, make_image, make_index, make_source

AMD64, ARM64 = make_image("linux/amd64"), make_image("linux/arm64")
BOTH = make_index(AMD64, ARM64)
SOURCE = make_source(
    BOTH.named("app:v1", "app:v2"), AMD64.named("quay.io/a/b:v2"), ARM64.named("plain")
)


@pytest.mark.parametrize(
    ("wanted", "full"),
    [
        ("app:v1", "docker.io/library/app:v1"),
        ("docker.io/library/app:v2", "docker.io/library/app:v2"),
        ("v1", "docker.io/library/app:v1"),
        ("quay.io/a/b:v2", "quay.io/a/b:v2"),
    ],
)
def test_an_image_is_picked_by_its_tag_or_full_name(wanted: str, full: str) -> None:
    [entry] = by_name(SOURCE, wanted, "app.tar").index.children
    assert entry.annotations[IMAGE_NAME] == full


def test_an_image_is_picked_by_a_bare_name() -> None:
    [entry] = by_name(SOURCE, "plain", "app.tar").index.children
    assert (entry.digest, entry.annotations) == (ARM64.descriptor.digest, {REF_NAME: "plain"})


def test_a_picked_image_has_the_name_it_was_picked_by_alone() -> None:
    made = AMD64.annotated({REF_NAME: "app:1,app:2"})
    [entry] = by_name(make_source(made), "2", "app.tar").index.children
    assert entry.annotations == {IMAGE_NAME: "docker.io/library/app:2", REF_NAME: "2"}


def test_a_picked_image_leads_to_its_own_blobs_alone() -> None:
    found = {blob.digest for blob in walk(by_name(SOURCE, "plain", "app.tar"))}
    assert found == set(ARM64.contents)


def test_a_tag_of_several_images_is_ambiguous() -> None:
    with pytest.raises(AmbiguousName, match=r"'v2' fits .* docker\.io/library/app:v2, quay\.io"):
        by_name(SOURCE, "v2", "app.tar")


def test_a_name_of_two_images_is_ambiguous() -> None:
    source = make_source(AMD64.named("app:v1"), ARM64.named("app:v1"))
    with pytest.raises(AmbiguousName, match="app:v1"):
        by_name(source, "app:v1", "app.tar")


def test_a_name_that_one_image_bears_twice_is_not_ambiguous() -> None:
    source = make_source(AMD64.named("app:v1", "app:v1"))
    [entry] = by_name(source, "app:v1", "app.tar").index.children
    assert entry.digest == AMD64.descriptor.digest


def test_a_name_that_is_not_there_is_said_with_those_that_are() -> None:
    with pytest.raises(ImageNotFound, match=r"app\.tar has no image 'app:v3'; it has .*app:v1, "):
        by_name(SOURCE, "app:v3", "app.tar")


def test_a_source_without_names_says_so() -> None:
    with pytest.raises(ImageNotFound, match="images without names: pick one by @DIGEST"):
        by_name(make_source(AMD64), "v1", "app.tar")


def test_many_names_are_not_all_said() -> None:
    source = make_source(AMD64.named(*[f"app:{number}" for number in range(30)]))
    with pytest.raises(ImageNotFound, match="and 20 more"):
        by_name(source, "absent", "app.tar")


def test_an_image_is_picked_by_its_digest_with_all_its_names() -> None:
    entries = by_digest(SOURCE, BOTH.descriptor.digest, "app.tar").index.children
    assert [entry.annotations[REF_NAME] for entry in entries] == ["v1", "v2"]


@pytest.mark.parametrize("top", [BOTH, make_index(make_index(BOTH)), make_index(BOTH, BOTH)])
def test_a_member_of_an_index_is_picked_by_its_digest(top: Made) -> None:
    picked = by_digest(make_source(top), ARM64.descriptor.digest, "app.tar")
    assert picked.index.children == (ARM64.descriptor,)


def test_an_index_within_an_index_is_picked_by_its_digest() -> None:
    picked = by_digest(make_source(make_index(BOTH)), BOTH.descriptor.digest, "app.tar")
    assert picked.index.children == (BOTH.descriptor,)


@pytest.mark.parametrize("digest", [Digest.of(b"absent"), Digest.of(b"a leaf")])
def test_what_is_no_image_is_not_picked_by_its_digest(digest: Digest) -> None:
    source = make_source(make_index(make_blob("application/x-leaf", b"a leaf")))
    with pytest.raises(ImageNotFound, match=str(digest)):
        by_digest(source, digest, "app.tar")


def test_a_digest_is_not_looked_for_in_what_is_known_to_be_absent() -> None:
    source = make_source(BOTH, AMD64, absent=[BOTH.descriptor.digest])
    del source.contents[BOTH.descriptor.digest], source.contents[ARM64.descriptor.digest]
    with pytest.raises(ImageNotFound):
        by_digest(source, ARM64.descriptor.digest, "app.tar")


def test_a_digest_is_not_declared_unknown_where_an_index_is_missing() -> None:
    source = make_source(BOTH)
    del source.contents[BOTH.descriptor.digest], source.contents[ARM64.descriptor.digest]
    with pytest.raises(BlobNotFound):
        by_digest(source, ARM64.descriptor.digest, "app.tar")


def test_a_document_that_no_index_names_is_found_among_the_blobs() -> None:
    source = make_source(AMD64)
    source.contents.update(ARM64.contents)
    (found,) = by_digest(source, ARM64.descriptor.digest, "app.tar").index.children
    assert (found.media_type, found.size) == (ARM64.descriptor.media_type, ARM64.descriptor.size)


def test_a_digest_is_looked_for_in_linear_time() -> None:
    made = BOTH
    for _ in range(20):
        made = make_index(*[made.annotated({"n": str(number)}) for number in range(10)])
    source = make_source(made)
    with pytest.raises(ImageNotFound):
        by_digest(source, Digest.of(b"absent"), "app.tar")
    # The documents, and what may lie among the blobs.
    assert len(source.opened) == 21 + 1


def test_what_is_picked_knows_what_is_absent() -> None:
    source = make_source(BOTH.named("app:v1"), absent=[ARM64.descriptor.digest])
    for picked in (
        by_name(source, "v1", "app.tar"),
        by_digest(source, BOTH.descriptor.digest, "app.tar"),
    ):
        assert isinstance(picked, View)
        assert picked.absent == {ARM64.descriptor.digest}


@pytest.mark.parametrize("make", [make_referrer, make_containerd_referrer])
def test_what_speaks_of_a_picked_image_comes_along(make: Callable[[Made], Made]) -> None:
    of_it, of_another = make(AMD64), make(ARM64)
    source = make_source(AMD64.named("app:v1"), ARM64.named("app:v2"), of_it, of_another)
    picked = by_name(source, "v1", "app.tar")
    assert [entry.digest for entry in picked.index.children] == [
        AMD64.descriptor.digest,
        of_it.descriptor.digest,
    ]


def test_what_speaks_of_a_member_comes_along_with_its_index() -> None:
    referrer = make_referrer(ARM64)
    picked = by_name(make_source(BOTH.named("app:v1"), referrer), "v1", "app.tar")
    assert [entry.digest for entry in picked.index.children][1:] == [referrer.descriptor.digest]


def test_a_tag_of_the_referrers_schema_speaks_of_its_image() -> None:
    tag = f"sha256-{AMD64.descriptor.digest.encoded}"
    listing = make_index(make_referrer(AMD64))
    source = make_source(AMD64.named("v1"), listing.named(tag))
    picked = by_name(source, "v1", "app.tar")
    assert [entry.digest for entry in picked.index.children] == [
        AMD64.descriptor.digest,
        listing.descriptor.digest,
    ]
