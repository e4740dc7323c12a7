"""Marked entries: whose they are, and where they go."""

import pytest

from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.documents import Index
from ocilayout.spec.marked_entries import following, joined, owner_of
from ocilayout.spec.marks import KIND, SUBJECT, SUBJECT_DIGEST
from ocilayout.spec.names import names_at, renamed

MEDIA_TYPE = "application/vnd.oci.image.manifest.v1+json"
APP, OTHER = (Descriptor.of(MEDIA_TYPE, content) for content in (b"{1}", b"{2}"))
MEMBER = Descriptor.of(MEDIA_TYPE, b"{member}")
ONE, TWO = "docker.io/library/app:1", "docker.io/library/app:2"


def named(entry: Descriptor, *names: str) -> list[Descriptor]:
    return renamed(entry, names)


def mark(content: bytes, *names: str, kind: str = "dev.hauler/sigs", **more: str) -> Descriptor:
    made = Descriptor.of(MEDIA_TYPE, content, annotations={KIND: kind, **more})
    (entry,) = renamed(made, names)
    return entry


SIGNATURE = mark(b"signature", ONE)
NAMELESS = mark(b"signature")


def marks_in(entries: list[Descriptor]) -> list[tuple[str, ...]]:
    return [names_at(entry) for entry in entries if entry.digest == SIGNATURE.digest]


def test_a_mark_belongs_to_the_image_of_its_name() -> None:
    index = Index.of([SIGNATURE, *named(OTHER, TWO), *named(APP, ONE)])
    assert owner_of(index, SIGNATURE) == APP.digest


def test_a_mark_belongs_to_an_image_with_several_names() -> None:
    index = Index.of([*named(APP, TWO, ONE), SIGNATURE])
    assert owner_of(index, SIGNATURE) == APP.digest


def test_marks_do_not_belong_to_one_another() -> None:
    assert (
        owner_of(Index.of([SIGNATURE, mark(b"sbom", ONE, kind="dev.hauler/sboms")]), SIGNATURE)
        is None
    )


def test_a_tag_of_cosign_is_no_image_that_a_mark_belongs_to() -> None:
    tagged = named(OTHER, f"sha256-{APP.digest.encoded}.sig")
    assert owner_of(Index.of([*tagged, *named(APP, ONE), NAMELESS]), NAMELESS) == APP.digest


@pytest.mark.parametrize("kind", ["image", "imageIndex"])
def test_a_mark_without_a_name_belongs_to_the_only_image(kind: str) -> None:
    """As cosign save writes them; with others beside it, to the one that is marked as image."""
    marked = APP.with_annotations({KIND: f"dev.cosignproject.cosign/{kind}"})
    assert owner_of(Index.of([APP, NAMELESS]), NAMELESS) == APP.digest
    assert owner_of(Index.of([OTHER, marked, NAMELESS]), NAMELESS) == APP.digest
    assert owner_of(Index.of([OTHER, APP, NAMELESS]), NAMELESS) is None


def test_a_mark_whose_image_is_not_here_belongs_to_none_and_stays() -> None:
    index = Index.of([*named(OTHER, TWO), SIGNATURE])
    assert owner_of(index, SIGNATURE) is None
    assert following(index, [SIGNATURE]) == [SIGNATURE]


def test_a_mark_gets_the_names_that_its_image_gets() -> None:
    index = Index.of([*named(APP, ONE), SIGNATURE])
    found = following(index, [*named(APP, ONE, TWO), SIGNATURE])
    assert marks_in(found) == [(ONE,), (TWO,)]
    assert found[2] == SIGNATURE
    assert found[3].annotations[KIND] == "dev.hauler/sigs"


def test_a_mark_loses_the_names_that_its_image_loses() -> None:
    index = Index.of([*named(APP, ONE, TWO), SIGNATURE])
    assert marks_in(following(index, [*named(APP, TWO), SIGNATURE])) == [(TWO,)]


def test_a_mark_of_an_image_that_lost_its_names_says_whose_it_is() -> None:
    index = Index.of([*named(APP, ONE), SIGNATURE])
    image, alone = following(index, [APP, SIGNATURE])
    assert names_at(alone) == ()
    assert alone.annotations[SUBJECT] == str(APP.digest)
    again = Index.of([image, *named(OTHER, ONE), alone])
    assert owner_of(again, alone) == APP.digest
    assert marks_in(following(again, [*named(APP, TWO), *named(OTHER, ONE), alone])) == [(TWO,)]


def test_a_mark_goes_with_its_image_not_with_its_name() -> None:
    index = Index.of([*named(APP, ONE, TWO), SIGNATURE, *named(OTHER, "x")])
    found = following(index, [*named(OTHER, ONE), *named(APP, TWO), SIGNATURE])
    assert marks_in(found) == [(TWO,)]


def test_the_mark_of_an_image_that_goes_goes_too() -> None:
    index = Index.of([*named(APP, ONE), SIGNATURE, *named(OTHER, TWO)])
    assert following(index, [*named(OTHER, TWO), SIGNATURE]) == named(OTHER, TWO)


def test_the_mark_of_a_member_follows_the_index_and_still_says_which_member() -> None:
    of_member = mark(
        b"signature", ONE, kind="dev.hauler/sigs/1", **{SUBJECT_DIGEST: str(MEMBER.digest)}
    )
    index = Index.of([*named(APP, ONE), of_member])
    _, renamed_mark = following(index, [*named(APP, TWO), of_member])
    assert names_at(renamed_mark) == (TWO,)
    _, alone = following(index, [APP, of_member])
    assert alone.annotations[SUBJECT_DIGEST] == str(MEMBER.digest)
    assert owner_of(Index.of([APP, OTHER, alone]), alone) == APP.digest


def test_the_mark_of_a_member_goes_with_the_member() -> None:
    of_member = mark(b"signature", ONE, **{SUBJECT_DIGEST: str(MEMBER.digest)})
    index = Index.of([*named(APP, ONE), of_member])
    assert marks_in(following(index, [*named(MEMBER, TWO), of_member])) == [(TWO,)]


def test_a_name_that_is_written_again_takes_the_old_marks_away() -> None:
    existing = Index.of([*named(APP, ONE), SIGNATURE])
    found = joined(existing, Index.of(named(OTHER, ONE)))
    assert [entry.digest for entry in found] == [OTHER.digest]


def test_a_name_that_is_written_again_leaves_the_marks_of_another_name() -> None:
    existing = Index.of([*named(APP, ONE, TWO), SIGNATURE])
    assert marks_in(joined(existing, Index.of(named(OTHER, ONE)))) == [(TWO,)]


def test_an_image_that_is_written_again_keeps_its_marks_once() -> None:
    existing = Index.of([*named(APP, ONE), SIGNATURE])
    for added in (named(APP, ONE), [*named(APP, ONE), SIGNATURE]):
        found = joined(existing, Index.of(added))
        assert [entry.digest for entry in found] == [APP.digest, SIGNATURE.digest]


def test_marks_without_a_name_are_told_apart_where_they_come_together() -> None:
    theirs = mark(b"theirs")
    found = joined(Index.of([APP, NAMELESS]), Index.of([OTHER, theirs]))
    index = Index.of(found)
    owners = {entry.digest: owner_of(index, entry) for entry in found if KIND in entry.annotations}
    assert owners == {NAMELESS.digest: APP.digest, theirs.digest: OTHER.digest}
