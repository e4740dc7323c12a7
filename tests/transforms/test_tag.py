"""Names given to, and taken from, one image of many."""

import logging

import pytest

from ocilayout.protocols import ImageSource
from ocilayout.spec.names import IMAGE_NAME, REF_NAME
from ocilayout.transforms.tag import tag, untag
from tests.attestations import make_containerd_referrer
from tests.images import make_image, make_index, make_layer, make_source
from tests.snapshots import names_in

ONE = make_image(layers=[make_layer("one")])
TWO = make_image(layers=[make_layer("two")])
A, B, C = "registry.example/a:1", "registry.example/b:2", "registry.example/c:3"


def nameless(source: ImageSource) -> list[object]:
    names = set(names_in(source).values())
    return [entry.digest for entry in source.index.children if entry.digest not in names]


def test_a_name_is_added() -> None:
    tagged = tag(make_source(ONE.named(A)), ONE.descriptor, [B])
    assert names_in(tagged) == dict.fromkeys((A, B), ONE.descriptor.digest)
    assert len(tagged.index.children) == 2


def test_a_short_name_is_the_full_one_that_it_stands_for() -> None:
    source = make_source(ONE.named("docker.io/library/app:1"), TWO.named(B))
    tagged = tag(source, TWO.descriptor, ["app:1"])
    assert names_in(tagged) == dict.fromkeys(("docker.io/library/app:1", B), TWO.descriptor.digest)
    assert names_in(untag(tagged, TWO.descriptor, ["app:1"])) == {B: TWO.descriptor.digest}


def test_a_name_that_is_there_changes_nothing() -> None:
    source = make_source(ONE.named(A), TWO.named(B))
    assert tag(source, ONE.descriptor, [A]).index is source.index


def test_the_entries_of_other_images_stay_as_they_are() -> None:
    other = TWO.annotated({REF_NAME: "registry.example/b:2", "extra": "kept"})
    source = make_source(ONE.named(A), other)
    assert tag(source, ONE.descriptor, [C]).index.children[-1] == source.index.children[-1]


def test_a_shared_tag_gets_both_images_their_full_names() -> None:
    tagged = tag(make_source(ONE.named(A), TWO.named(B)), TWO.descriptor, ["x.example/c:1"])
    assert {entry.annotations[REF_NAME] for entry in tagged.index.children} == {
        A,
        "2",
        "x.example/c:1",
    }


def test_several_names_in_one_entry_are_kept() -> None:
    source = make_source(ONE.annotated({REF_NAME: f"{A},{B}"}), TWO.named(C))
    tagged = tag(source, TWO.descriptor, ["x.example/c:1"])
    assert set(names_in(tagged)) == {A, B, C, "x.example/c:1"}


def test_a_name_moves_and_it_is_said(caplog: pytest.LogCaptureFixture) -> None:
    source = make_source(ONE.named(A), TWO.named(B, C))
    with caplog.at_level(logging.INFO, "ocilayout"):
        tagged = tag(source, ONE.descriptor, [B])
    assert names_in(tagged) == {
        A: ONE.descriptor.digest,
        B: ONE.descriptor.digest,
        C: TWO.descriptor.digest,
    }
    assert caplog.messages == [
        f"{B} was {TWO.descriptor.digest}, and is {ONE.descriptor.digest} now"
    ]


def test_an_image_that_loses_its_last_name_stays(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "ocilayout"):
        tagged = tag(make_source(ONE.named(A), TWO.named(B)), ONE.descriptor, [B])
    assert nameless(tagged) == [TWO.descriptor.digest]
    assert "has no name now" in caplog.messages[-1]


def test_a_nameless_entry_gets_the_name() -> None:
    tagged = tag(make_source(ONE, TWO), ONE.descriptor, [A])
    assert [entry.annotations.get(IMAGE_NAME) for entry in tagged.index.children] == [A, None]


def test_a_nameless_entry_that_another_tool_lists_stays() -> None:
    source = make_source(ONE.named(A), TWO, TWO.named(B))
    assert len(tag(source, ONE.descriptor, [C]).index.children) == 4


def test_a_member_of_an_index_gets_an_entry_of_its_own() -> None:
    source = make_source(make_index(ONE, TWO).named(A))
    tagged = tag(source, TWO.descriptor, [B])
    assert names_in(tagged)[B] == TWO.descriptor.digest
    assert tagged.index.children[-1].platform == TWO.descriptor.platform


def test_a_name_is_taken() -> None:
    source = make_source(ONE.named(A, B), TWO.named(C))
    untagged = untag(source, ONE.descriptor, [A])
    assert names_in(untagged) == {B: ONE.descriptor.digest, C: TWO.descriptor.digest}
    assert len(untagged.index.children) == 2


def test_the_last_name_leaves_one_nameless_entry() -> None:
    untagged = untag(make_source(ONE.named(A, B)), ONE.descriptor, [A, B])
    assert [dict(entry.annotations) for entry in untagged.index.children] == [{}]


def test_a_dropped_image_takes_along_what_speaks_of_it() -> None:
    source = make_source(ONE.named(A), make_containerd_referrer(ONE), TWO.named(B))
    untagged = untag(source, ONE.descriptor, [A], drop=True)
    assert [entry.digest for entry in untagged.index.children] == [TWO.descriptor.digest]


def test_an_image_with_another_name_is_not_dropped(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "ocilayout"):
        untagged = untag(make_source(ONE.named(A, B)), ONE.descriptor, [A], drop=True)
    assert names_in(untagged) == {B: ONE.descriptor.digest}
    assert f"stays, since it is {B} too" in caplog.text
