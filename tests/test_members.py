import pytest

from ocilayout.errors import BlobNotFound, InvalidDocument
from ocilayout.graph import MAX_LEVELS, View, read_document, walk
from ocilayout.members import Edit, edited, without_orphans
from ocilayout.spec import media_types
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.documents import Index
from ocilayout.spec.names import IMAGE_NAME
from ocilayout.spec.platform import Platform
from tests.attestations import make_attestation, make_referrer
from tests.images import Made, MemorySource, make_image, make_index, make_source

AMD64, ARM64, S390X = (make_image(f"linux/{name}") for name in ("amd64", "arm64", "s390x"))
ALL = make_index(AMD64, ARM64, S390X, vendor="kept")


def dropping(*images: Made) -> Edit:
    digests = {image.descriptor.digest for image in images}
    return lambda member: None if member.digest in digests else member


def only_child(view: View) -> Descriptor:
    [child] = view.index.children
    return child


def inner(view: View) -> Index:
    index = read_document(view, only_child(view))
    assert isinstance(index, Index)
    return index


def test_a_source_that_no_edit_changes_stays_as_it_is() -> None:
    source = make_source(ALL.named("app:v1"), AMD64)
    view = edited(source, lambda member: member)
    assert view.index is source.index
    assert view.changed == {}


def test_a_member_is_dropped_at_the_top_and_in_an_index() -> None:
    view = edited(make_source(ALL, ARM64), dropping(ARM64))
    assert inner(view).children == (AMD64.descriptor, S390X.descriptor)
    assert ARM64.descriptor.digest not in {blob.digest for blob in walk(view)}


def test_an_index_keeps_its_other_fields_and_its_names() -> None:
    view = edited(make_source(ALL.named("app:v1")), dropping(ARM64))
    assert inner(view).fields["vendor"] == "kept"
    assert only_child(view).annotations[IMAGE_NAME] == "docker.io/library/app:v1"


def test_an_index_that_became_another_is_told() -> None:
    view = edited(make_source(ALL), dropping(ARM64))
    assert view.changed.keys() == {ALL.descriptor.digest}
    assert view.changed[ALL.descriptor.digest].digest == only_child(view).digest


def test_a_member_is_replaced() -> None:
    view = edited(make_source(ALL), lambda member: member.with_annotations({"a": "b"}))
    assert [child.annotations for child in inner(view).children] == [{"a": "b"}] * 3


def test_an_index_that_loses_all_its_members_goes_with_them() -> None:
    view = edited(make_source(make_index(ARM64), AMD64), dropping(ARM64))
    assert view.index.children == (AMD64.descriptor,)


def test_an_index_that_is_left_with_one_image_becomes_that_image() -> None:
    view = edited(make_source(ALL.named("app:v1")), dropping(ARM64, S390X))
    child = only_child(view)
    assert (child.media_type, child.digest) == (media_types.OCI_MANIFEST, AMD64.descriptor.digest)
    assert child.platform == Platform("linux", "amd64")
    assert child.annotations[IMAGE_NAME] == "docker.io/library/app:v1"


def test_an_index_that_always_had_one_image_stays_an_index() -> None:
    view = edited(make_source(make_index(AMD64), ARM64), dropping(ARM64))
    assert only_child(view).media_type == media_types.OCI_INDEX


def test_an_index_that_is_left_with_one_attestation_stays_an_index() -> None:
    view = edited(make_source(make_index(AMD64, make_attestation(AMD64))), dropping(AMD64))
    assert only_child(view).media_type == media_types.OCI_INDEX


def test_indexes_within_indexes_are_edited_from_the_inside() -> None:
    view = edited(make_source(make_index(ALL, S390X)), dropping(ARM64))
    middle, last = inner(view).children
    assert last == S390X.descriptor
    index = read_document(view, middle)
    assert index.children == (AMD64.descriptor, S390X.descriptor)


def test_an_index_that_stands_in_two_places_is_edited_once() -> None:
    seen: list[Descriptor] = []

    def edit(member: Descriptor) -> Descriptor | None:
        seen.append(member)
        return dropping(ARM64)(member)

    source = make_source(ALL.named("a:1", "b:2"), make_index(ALL))
    view = edited(source, edit)
    assert len({child.digest for child in view.index.children[:2]}) == 1
    assert len(seen) == 3
    assert source.opened.count(ALL.descriptor.digest) == 1


def test_more_paths_than_can_be_counted_are_edited_in_linear_time() -> None:
    made = ALL
    for _ in range(20):
        made = make_index(*[made.annotated({"n": str(number)}) for number in range(10)])
    source = make_source(made)
    edited(source, dropping(ARM64))
    assert len(source.opened) == 21


def test_indexes_at_a_level_that_no_image_has_are_refused() -> None:
    made = AMD64
    for _ in range(MAX_LEVELS + 2):
        made = make_index(made)
    with pytest.raises(InvalidDocument, match="stands below 32 other indexes"):
        edited(make_source(made), dropping(ARM64))


def test_what_is_known_to_be_absent_is_edited_by_its_descriptor_alone() -> None:
    source = make_source(ALL, absent=[ALL.descriptor.digest])
    del source.contents[ALL.descriptor.digest]
    assert edited(source, lambda member: member).index is source.index
    assert edited(source, dropping(ALL)).index.children == ()


def test_an_index_that_is_missing_is_not_passed_over() -> None:
    source = make_source(ALL)
    del source.contents[ALL.descriptor.digest]
    with pytest.raises(BlobNotFound):
        edited(source, lambda member: member)


def without_referrers_of_arm64(source: MemorySource) -> View:
    view, _ = without_orphans(
        edited(source, lambda entry: entry), source, {ARM64.descriptor.digest}
    )
    return view


def test_attestations_of_what_was_dropped_go_with_it() -> None:
    kept, gone = make_attestation(AMD64), make_attestation(ARM64)
    view = without_referrers_of_arm64(make_source(make_index(AMD64, kept, gone)))
    assert inner(view).children == (AMD64.descriptor, kept.descriptor)


def test_referrers_by_subject_go_with_what_was_dropped() -> None:
    view = without_referrers_of_arm64(make_source(AMD64, make_referrer(ARM64)))
    assert view.index.children == (AMD64.descriptor,)


def test_what_is_known_to_be_absent_is_no_orphan() -> None:
    gone = make_attestation(ARM64)
    source = make_source(AMD64, gone, absent=[gone.descriptor.digest])
    view = without_referrers_of_arm64(source)
    assert view.index is source.index
