"""The platforms of a flat index as one image."""

import pytest

from ocilayout.errors import CannotHold, PlatformConflict
from ocilayout.graph import read_document
from ocilayout.protocols import ImageSource
from ocilayout.spec import media_types
from ocilayout.transforms.one_image import as_one_image
from tests.attestations import make_referrer
from tests.images import (
    Made,
    make_blob,
    make_image,
    make_index,
    make_layer,
    make_manifest,
    make_source,
)
from tests.snapshots import contents_of, names_in

NAME = "docker.io/library/app:1"
PLATFORMS = ("linux/amd64", "linux/arm64", "windows/amd64:10.0.1")


def without_platform(made: Made) -> Made:
    return Made(made.descriptor.edited(platform=None), made.contents, made.names)


def platforms_of(source: ImageSource) -> list[str]:
    [top] = source.index.children
    return [str(child.platform) for child in read_document(source, top).children]


@pytest.mark.parametrize("names", [(), (NAME,), (NAME, "docker.io/library/app:2")])
@pytest.mark.parametrize("states_platforms", [True, False])
def test_images_side_by_side_become_one(names: tuple[str, ...], states_platforms: bool) -> None:
    """Where descriptors do not say for which platform they are, configs do."""
    images = [make_image(platform).named(*names) for platform in PLATFORMS]
    if not states_platforms:
        images = [without_platform(image) for image in images]
    one = as_one_image(make_source(*images))
    entries = {entry.digest for entry in one.index.children}
    assert len(entries) == 1
    assert sorted(names_in(one)) == sorted(names)
    expected = {digest for image in images for digest in image.contents}
    assert contents_of(one).keys() == expected | entries


def test_platforms_are_those_of_the_configs() -> None:
    one = as_one_image(make_source(*(without_platform(make_image(each)) for each in PLATFORMS[:2])))
    assert platforms_of(one) == ["linux/amd64", "linux/arm64"]


def test_one_name_among_nameless_images_is_the_name_of_all() -> None:
    images = [make_image("linux/amd64").named(NAME), make_image("linux/arm64")]
    assert list(names_in(as_one_image(make_source(*images)))) == [NAME]


def test_names_that_not_all_have_are_left_out_and_said(caplog: pytest.LogCaptureFixture) -> None:
    images = [make_image("linux/amd64").named(f"{NAME}-a"), make_image("linux/arm64").named(NAME)]
    one = as_one_image(make_source(*images))
    assert names_in(one) == {}
    assert len(one.index.children) == 1
    assert "are no names of all images" in caplog.text


def test_attestations_come_along() -> None:
    image = make_image("linux/amd64")
    attested = make_index(image, make_referrer(image)).named(NAME)
    one = as_one_image(make_source(attested, make_image("linux/arm64").named(NAME)))
    assert set(contents_of(one)) >= set(image.contents)


def test_one_image_is_as_it_was() -> None:
    source = make_source(make_index(*map(make_image, PLATFORMS)).named(NAME))
    assert as_one_image(source) is source


def test_two_images_for_one_platform_are_not_one() -> None:
    images = [make_image(layers=[make_layer(text)]).named(NAME) for text in "ab"]
    with pytest.raises(PlatformConflict, match="several images for linux/amd64"):
        as_one_image(make_source(*images))


def test_what_is_for_no_platform_is_refused() -> None:
    config = make_blob(media_types.OCI_CONFIG, b'{"rootfs":{"type":"layers","diff_ids":[]}}')
    with pytest.raises(CannotHold, match="for which platform"):
        as_one_image(make_source(make_manifest(config), make_image()))
