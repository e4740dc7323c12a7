import pytest

from ocilayout.errors import AmbiguousName, BlobNotFound
from ocilayout.transforms.combine import combine
from tests.images import Made, make_image, make_layer, make_source
from tests.snapshots import contents_of, names_in


def image(text: str) -> Made:
    return make_image(layers=[make_layer(text)])


def test_one_source_stays_as_it_is() -> None:
    source = make_source(image("a"))
    assert combine([source]) is source


def test_images_of_all_stand_side_by_side() -> None:
    first, second = image("a").named("app:a"), image("b").named("app:b")
    combined = combine([make_source(first), make_source(second)])
    assert list(names_in(combined)) == ["docker.io/library/app:a", "docker.io/library/app:b"]
    assert contents_of(combined) == first.contents | second.contents


def test_two_images_with_one_name_are_refused() -> None:
    sources = [make_source(image(text).named("app:v1")) for text in "ab"]
    with pytest.raises(AmbiguousName, match=r"docker\.io/library/app:v1 names two images"):
        combine(sources)


def test_the_sources_of_two_images_with_one_name_are_told() -> None:
    sources = [make_source(image(text).named("app:v1")) for text in "ab"]
    with pytest.raises(AmbiguousName, match=r"app:v1 is sha256:\w+ in a\.tar, but .* in b\.tar"):
        combine(sources, ["a.tar", "b.tar"])


def test_one_image_under_one_name_in_two_sources_is_listed_once() -> None:
    combined = combine([make_source(image("a").named("app:v1")) for _ in range(2)])
    assert len(combined.index.children) == 1


def test_one_image_under_two_names_is_listed_under_both() -> None:
    combined = combine([make_source(image("a").named(name)) for name in ("app:v1", "app:v2")])
    assert len(names_in(combined)) == 2
    assert len(set(names_in(combined).values())) == 1


def test_nameless_images_are_listed_once() -> None:
    combined = combine([make_source(image("a")), make_source(image("a"), image("b"))])
    assert len(combined.index.children) == 2


@pytest.mark.parametrize("order", [1, -1])
def test_an_image_with_a_name_is_not_listed_without_one(order: int) -> None:
    sources = [make_source(image("a")), make_source(image("a").named("app:v1"))][::order]
    combined = combine(sources)
    assert list(names_in(combined)) == ["docker.io/library/app:v1"]
    assert len(combined.index.children) == 1


def test_what_one_source_lacks_comes_from_another() -> None:
    made = image("a")
    sparse, whole = make_source(made.named("app:a")), make_source(made.named("app:b"))
    del sparse.contents[next(iter(sparse.contents))]
    assert contents_of(combine([sparse, whole])) == made.contents


def test_what_nobody_has_is_not_found() -> None:
    sources = [make_source(image(text)) for text in "ab"]
    missing = next(iter(sources[0].contents))
    del sources[0].contents[missing]
    with pytest.raises(BlobNotFound, match=str(missing)):
        contents_of(combine(sources))


def test_what_is_known_to_be_absent_stays_so() -> None:
    first, second = image("a"), image("b")
    sources = [make_source(first, absent=[first.descriptor.digest]), make_source(second)]
    assert list(combine(sources).absent) == [first.descriptor.digest]
