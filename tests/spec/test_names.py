import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocilayout.errors import AmbiguousName
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.names import (
    IMAGE_NAME,
    REF_NAME,
    listed,
    meanings,
    names_of,
    reference_of,
    renamed,
    replaced,
    tag_of,
)
from ocilayout.spec.platform import Platform

PIN = "@sha256:" + "0123456789abcdef" * 4
APP, OTHER, THIRD = (Descriptor.of("application/x-test", content) for content in (b"1", b"2", b"3"))


def entry(image: Descriptor, ref_name: str | None = None, full: str | None = None) -> Descriptor:
    annotations = {REF_NAME: ref_name, IMAGE_NAME: full}
    return image.with_annotations({key: text for key, text in annotations.items() if text})


def parsed(platform: str | None) -> Platform | None:
    return None if platform is None else Platform.parse(platform)


def named(descriptors: list[Descriptor]) -> list[tuple[bytes, str | None, str | None]]:
    """Which image, its `ref.name` and its full name, for each entry."""
    which = {APP.digest: b"1", OTHER.digest: b"2", THIRD.digest: b"3"}
    return [
        (which[item.digest], item.annotations.get(REF_NAME), item.annotations.get(IMAGE_NAME))
        for item in descriptors
    ]


@pytest.mark.parametrize(
    ("ref_name", "full", "names"),
    [
        (None, None, ()),
        ("v1", None, ("v1",)),
        ("v1", "quay.io/a/app:v1", ("quay.io/a/app:v1",)),
        (None, "app:v1", ("docker.io/library/app:v1",)),
        ("docker.io/library/app:v1", None, ("docker.io/library/app:v1",)),
        ("a/app", None, ("docker.io/a/app:latest",)),
        ("app:1,app:2", None, ("docker.io/library/app:1", "docker.io/library/app:2")),
        (" app:1 , app:1,,", None, ("docker.io/library/app:1",)),
        (f"app:1{PIN}", None, ("docker.io/library/app:1",)),
        (f"app{PIN}", None, ()),
        (f"host:5000/app{PIN}", None, ()),
        ("any free text!", None, ("any free text!",)),
        ("Not/A Name", None, ("Not/A Name",)),
        ("../../etc/passwd", None, ("../../etc/passwd",)),
    ],
)
def test_names_are_read_in_every_dialect(
    ref_name: str | None, full: str | None, names: tuple[str, ...]
) -> None:
    assert names_of(entry(APP, ref_name, full)) == names


@pytest.mark.parametrize("text", ["v1", "latest", "Not/A Name", "a:b c"])
def test_a_bare_tag_or_free_text_is_no_reference(text: str) -> None:
    assert reference_of(text) is None
    assert tag_of(text) == text


def test_a_full_name_has_a_tag() -> None:
    assert tag_of("quay.io/a/app:v1") == "v1"
    assert tag_of("a/app") == "latest"


FULL, OTHER_FULL, LATEST = "docker.io/library/app:v1", "quay.io/a/b:v1", "quay.io/a/b:latest"


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        ("app:v1", [FULL]),
        (FULL, [FULL]),
        (f"{FULL}{PIN}", [FULL]),
        ("quay.io/a/b", [LATEST]),
        ("v1", ["v1"]),
        ("latest", [LATEST]),
        ("any free text!", ["any free text!"]),
        ("app:v2", []),
        ("quay.io/app:v1", []),
        ("app", []),
        ("v", []),
        ("", []),
    ],
)
def test_a_person_means_the_likeliest_of_known_names(wanted: str, meant: list[str]) -> None:
    assert likeliest(wanted, [FULL, OTHER_FULL, LATEST, "v1", "any free text!"]) == meant


def test_a_tag_means_all_that_have_it() -> None:
    assert likeliest("v1", [FULL, OTHER_FULL, LATEST]) == [FULL, OTHER_FULL]


def test_a_repository_means_its_latest_tag_where_it_is_no_tag() -> None:
    known = ["docker.io/library/app:latest", FULL]
    assert likeliest("app", known) == ["docker.io/library/app:latest"]
    assert likeliest("app", [*known, "docker.io/library/b:app"]) == ["docker.io/library/b:app"]


def likeliest(wanted: str, known: list[str]) -> list[str]:
    for meaning in meanings(wanted):
        found = [name for name in known if meaning(name)]
        if found:
            return found
    return []


def test_a_renamed_entry_bears_the_new_names_alone_one_each() -> None:
    old = APP.with_annotations({REF_NAME: "old", IMAGE_NAME: "old:old", "kept": "yes"})
    entries = renamed(old, ["quay.io/a/app:v1", "v2"])
    assert [item.annotations for item in entries] == [
        {IMAGE_NAME: "quay.io/a/app:v1", REF_NAME: "v1", "kept": "yes"},
        {REF_NAME: "v2", "kept": "yes"},
    ]
    assert {item.digest for item in entries} == {APP.digest}


def test_an_entry_may_lose_its_names() -> None:
    [left] = renamed(entry(APP, "v1", "app:v1"), [])
    assert left.annotations == {}


def test_each_name_is_listed_as_an_entry_of_its_own() -> None:
    assert named(listed([entry(APP, "app:1,app:2"), OTHER])) == [
        (b"1", "1", "docker.io/library/app:1"),
        (b"1", "2", "docker.io/library/app:2"),
        (b"2", None, None),
    ]


def test_one_name_of_one_image_is_listed_once() -> None:
    twice = [entry(APP, "app:1"), entry(APP, None, "docker.io/library/app:1")]
    assert named(listed(twice)) == [(b"1", "1", "docker.io/library/app:1")]


@pytest.mark.parametrize(
    ("platforms", "kept"),
    [
        (["linux/amd64", "linux/arm64"], ["linux/amd64", "linux/arm64"]),
        (["linux/amd64", "linux/amd64/v3", "linux/amd64"], ["linux/amd64", "linux/amd64/v3"]),
        (["linux/arm64", "linux/arm64/v8"], ["linux/arm64"]),
        ([None, "linux/amd64"], [None]),
        (["linux/amd64", None], ["linux/amd64"]),
    ],
)
def test_one_name_of_one_image_is_listed_once_for_each_of_its_platforms(
    platforms: list[str | None], kept: list[str | None]
) -> None:
    entries = [
        entry(Descriptor.of("application/x-test", b"1", platform=parsed(text)), "1")
        for text in platforms
    ]
    found = listed(entries)
    assert [child.platform and str(child.platform) for child in found] == kept
    assert {child.annotations[REF_NAME] for child in found} == {"1"}


def test_one_name_of_two_images_is_ambiguous() -> None:
    with pytest.raises(AmbiguousName, match=f"docker.io/library/app:1.*{APP.digest}"):
        listed([entry(APP, "app:1"), entry(OTHER, None, "docker.io/library/app:1")])


def test_a_tag_that_two_names_share_is_spelled_out() -> None:
    """Tools that know `ref.name` alone take the first entry of a tag, or none."""
    assert named(listed([entry(APP, "app:1"), entry(OTHER, "b:1"), entry(THIRD, "1")])) == [
        (b"1", "docker.io/library/app:1", "docker.io/library/app:1"),
        (b"2", "docker.io/library/b:1", "docker.io/library/b:1"),
        (b"3", "1", None),
    ]


ENTRIES = st.lists(
    st.builds(
        entry,
        st.sampled_from([APP, OTHER]),
        st.none() | st.sampled_from(["1", "2", "app:1", "a,b", "app:1,b:1", f"app{PIN}", "x y"]),
        st.none() | st.sampled_from(["app:1", "b:1", "host.example/c:2", "c"]),
    ),
    max_size=4,
)


def listed_or_none(entries: list[Descriptor]) -> list[Descriptor] | None:
    try:
        return listed(entries)
    except AmbiguousName:
        return None


@settings(deadline=None, max_examples=300)
@given(ENTRIES)
def test_listing_twice_is_listing_once(entries: list[Descriptor]) -> None:
    once = listed_or_none(entries)
    if once is not None:
        assert listed(once) == once


@settings(deadline=None, max_examples=200)
@given(ENTRIES)
def test_listing_loses_and_adds_no_name(entries: list[Descriptor]) -> None:
    once = listed_or_none(entries)
    if once is not None:
        before = {(item.digest, name) for item in entries for name in names_of(item)}
        assert {(item.digest, name) for item in once for name in names_of(item)} == before
        assert all(len(names_of(item)) <= 1 for item in once)


def test_a_name_that_is_written_again_moves() -> None:
    there = [entry(APP, "app:1"), entry(APP, "app:2")]
    assert named(replaced(there, [entry(OTHER, "app:1")])) == [
        (b"1", "2", "docker.io/library/app:2"),
        (b"2", "1", "docker.io/library/app:1"),
    ]


def test_one_of_several_names_in_an_entry_moves_alone() -> None:
    assert named(replaced([entry(APP, "app:1,app:2")], [entry(OTHER, "app:1")])) == [
        (b"1", "2", "docker.io/library/app:2"),
        (b"2", "1", "docker.io/library/app:1"),
    ]


def test_an_image_without_a_name_is_added_once() -> None:
    there = replaced([], [APP])
    assert named(replaced(there, [APP, OTHER])) == [(b"1", None, None), (b"2", None, None)]


def test_the_order_of_entries_says_nothing_about_what_moves() -> None:
    there = [entry(APP, "app:1"), entry(OTHER, "b:1"), THIRD]
    once = replaced(there, [entry(OTHER, "app:1")])
    assert replaced(once, [entry(OTHER, "app:1")]) == once


@pytest.mark.parametrize("name", ["v1+meta", "Feature/UPPER", "some/path@x", "app@sha256:beef"])
def test_what_is_no_image_name_is_a_name_all_the_same(name: str) -> None:
    assert names_of(entry(APP, name)) == (name,)
    assert named(listed([entry(APP, name)])) == [(b"1", name, None)]
